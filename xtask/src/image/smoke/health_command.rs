//! The health check that is built into the image, carried out as the engine would: a command in the running container.
//!
//! An image needs none: platforms ask from outside. One that calls what the image has not got, `curl` most of all, or
//! that asks another port than the platform's, fails for ever, and whoever trusts it restarts a healthy server.

use std::time::Duration;

use super::checks::check;
use super::engine::Engine;
use crate::exec::Probe;
use crate::exit::Exit;
use crate::plan::Invocation;
use crate::plan::image::SmokeImage;
use crate::record::smoke::CheckRecord;

/// The check's name.
const NAME: &str = "health-command";
/// How long the command may take with a server that is well.
const LIMIT: Duration = Duration::from_secs(10);
/// The most of its words that are shown, in characters.
const SHOWN_MAX: usize = 200;

/// The verdict on an image that has none.
pub fn absent() -> CheckRecord {
    check(NAME, Ok("none is built in: the platform asks from outside".to_owned()))
}

/// Runs it in the container, whose server is healthy.
pub fn run(engine: &Engine<'_>, input: &SmokeImage, words: &[String]) -> anyhow::Result<CheckRecord> {
    let command = Invocation::new("docker", engine.cwd)
        .args(["exec", input.container.as_str()])
        .args(words.iter().map(String::as_str))
        .timeout(LIMIT);
    let probe = match engine.probe(&command) {
        Ok(probe) => Some(probe),
        Err(error) if Exit::of(&error) == Exit::TimedOut => None,
        Err(error) => return Err(error),
    };
    Ok(check(NAME, judged(&words.join(" "), probe.as_ref())))
}

/// `None` is a command that did not come to its end.
fn judged(command: &str, probe: Option<&Probe>) -> Result<String, String> {
    let command = short(command);
    match probe {
        Some(probe) if probe.success => Ok(format!("`{command}` finds it healthy")),
        Some(probe) => {
            let said = [&probe.stderr, &probe.stdout].into_iter().find(|text| !text.trim().is_empty());
            let said = said.map(|text| format!(": {}", short(text))).unwrap_or_default();
            Err(format!("`{command}` fails although the server is healthy{said}"))
        }
        None => Err(format!("`{command}` takes longer than {} s", LIMIT.as_secs())),
    }
}

/// In one line, and no longer than a line may be.
fn short(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_command_says_of_a_healthy_server() {
        let probe = |success, stderr: &str, stdout: &str| Probe {
            success,
            stderr: stderr.to_owned(),
            stdout: stdout.to_owned(),
        };
        let judge = |probe: Option<Probe>| match judged("/server  ask", probe.as_ref()) {
            Ok(detail) => format!("+ {detail}"),
            Err(detail) => format!("- {detail}"),
        };
        let found = [
            judge(Some(probe(true, "", "ok"))),
            judge(Some(probe(false, "exec: \"curl\":\n not found\n", "out"))),
            judge(Some(probe(false, " ", "refused"))),
            judge(Some(probe(false, "", ""))),
            judge(None),
        ];
        expect_test::expect![[r#"
            + `/server ask` finds it healthy
            - `/server ask` fails although the server is healthy: exec: "curl": not found
            - `/server ask` fails although the server is healthy: refused
            - `/server ask` fails although the server is healthy
            - `/server ask` takes longer than 10 s"#]]
        .assert_eq(&found.join("\n"));
        assert_eq!(short(&"é".repeat(SHOWN_MAX + 1)), format!("{}…", "é".repeat(SHOWN_MAX)));
    }
}
