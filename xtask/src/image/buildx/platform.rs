//! What a builder builds for where nobody says so.

use std::path::Path;
use std::time::Duration;

use crate::exec::Executor;
use crate::plan::Invocation;

/// How long Docker's client may take to say it; a builder elsewhere is asked over the network.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);

/// The builder's own platform, else that of the engine, e.g. `linux/amd64`. `None` where neither tells: there is no
/// Docker, it does not answer, or the builder has not been started yet.
pub fn of_builder(exec: &Executor, builder: Option<&str>, folder: &Path) -> anyhow::Result<Option<String>> {
    let ask = |args: &[&str]| -> anyhow::Result<Option<String>> {
        let command = Invocation::new("docker", folder).args(args.iter().copied()).timeout(ANSWER_LIMIT);
        let answer = exec.probe(&command);
        exec.check_interrupted()?;
        Ok(answer.ok().filter(|answer| answer.success).map(|answer| answer.stdout))
    };
    let inspect: Vec<&str> = ["buildx", "inspect"].into_iter().chain(builder).collect();
    if let Some(platform) = ask(&inspect)?.as_deref().and_then(first) {
        return Ok(Some(platform));
    }
    let engine = ask(&["version", "--format", "{{.Server.Os}}/{{.Server.Arch}}"])?;
    Ok(engine.as_deref().and_then(base))
}

/// The first platform of the first node. Those with `*` were given by whoever made the builder, and stand before what
/// it says of itself.
fn first(inspected: &str) -> Option<String> {
    let listed = inspected.lines().find_map(|line| line.trim().strip_prefix("Platforms:"))?;
    let (given, own): (Vec<&str>, Vec<&str>) =
        listed.split(',').map(str::trim).partition(|name| name.ends_with('*'));
    own.into_iter().chain(given).find_map(base)
}

/// Operating system and architecture without variant and marks.
fn base(text: &str) -> Option<String> {
    let name = text.split_whitespace().next()?.trim_end_matches('*');
    let mut parts = name.split('/');
    match (parts.next(), parts.next()) {
        (Some(os), Some(architecture)) if !os.is_empty() && !architecture.is_empty() => {
            Some(format!("{os}/{architecture}"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_builders_say() {
        let inspected = |platforms: &str| {
            format!(
                "Name:   x\nDriver: remote\n\nNodes:\nName: x0\nStatus: running\nPlatforms: {platforms}\n"
            )
        };
        for (platforms, expected) in [
            ("linux/amd64, linux/amd64/v2, linux/386", Some("linux/amd64")),
            ("linux/amd64/v2, linux/386", Some("linux/amd64")),
            ("linux/arm64/v8*, linux/amd64 (+3), linux/386", Some("linux/amd64")),
            ("linux/arm64*", Some("linux/arm64")),
            ("", None),
        ] {
            assert_eq!(first(&inspected(platforms)).as_deref(), expected, "{platforms}");
        }
        // One that has not been started has none.
        assert_eq!(first("Name: x\nNodes:\nName: x0\nStatus: inactive\n"), None);
        assert_eq!(base("linux/arm64\n").as_deref(), Some("linux/arm64"));
        assert_eq!(base("\n"), None);
    }
}
