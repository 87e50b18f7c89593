//! Docker: its client, the engine on this machine, buildx, and the programs that its configuration names.

use serde::Serialize;
use serde_json::Value;

use super::base::{Base, Place, Problem, first_line, program_file};
use crate::config::registry::Sources;
use crate::facts::tool;
use crate::record::doctor::{Edit, Finding, Fix, Group, Severity};

#[derive(Clone, Debug, Default, Serialize)]
pub struct Facts {
    pub client: Option<String>,
    pub engine: Option<String>,
    pub engine_problem: Option<String>,
    /// `DOCKER_HOST`, as far as it is set.
    pub host: Option<String>,
    pub buildx: Option<String>,
    pub buildx_problem: Option<String>,
    pub config_problem: Option<Problem>,
    /// Credential helpers that are named and not there.
    pub missing_helpers: Vec<MissingHelper>,
}

/// A helper that Docker's configuration names.
#[derive(Clone, Debug, Serialize)]
pub struct MissingHelper {
    pub program: String,
    pub place: Place,
}

pub fn gather(base: &Base<'_>) -> Facts {
    let mut facts = Facts { host: base.env.get("DOCKER_HOST").map(str::to_owned), ..Facts::default() };
    match Sources::read() {
        Ok(sources) => facts.missing_helpers = missing_helpers(base, &sources),
        Err(error) => facts.config_problem = Some(Problem::of(&error)),
    }
    let Some(client) = tool::find_on_path("docker") else { return facts };
    facts.client = Some(client.display().to_string());
    std::thread::scope(|scope| {
        let buildx = scope.spawn(|| base.ask("docker", &["buildx", "version"]));
        if !is_elsewhere(facts.host.as_deref()) {
            (facts.engine, facts.engine_problem) = engine(base);
        }
        match buildx.join() {
            Ok(Ok(said)) if said.success => facts.buildx = Some(first_line(&said.stdout)),
            Ok(Ok(said)) => facts.buildx_problem = Some(first_line(&said.stderr)),
            Ok(Err(problem)) => facts.buildx_problem = Some(problem),
            Err(_) => {}
        }
    });
    facts
}

/// The engine's version, or why there is none.
pub fn engine(base: &Base<'_>) -> (Option<String>, Option<String>) {
    match base.ask("docker", &["version", "--format", "{{json .Server}}"]) {
        Ok(said) if said.success => {
            let server: Value = serde_json::from_str(&said.stdout).unwrap_or_default();
            match server.get("Version").and_then(Value::as_str) {
                Some(version) => (Some(version.to_owned()), None),
                None => (None, Some("`docker version` names no engine".to_owned())),
            }
        }
        Ok(said) => (None, Some(first_line(&said.stderr))),
        Err(problem) => (None, Some(problem)),
    }
}

/// Whether the engine is on another machine, which is asked with `--network` alone.
pub fn is_elsewhere(host: Option<&str>) -> bool {
    let Some(host) = host else { return false };
    match host.split_once("://") {
        Some(("ssh", _)) => true,
        Some(("tcp" | "http" | "https", rest)) => {
            !["localhost", "127.", "[::1]"].iter().any(|local| rest.starts_with(local))
        }
        _ => false,
    }
}

fn missing_helpers(base: &Base<'_>, sources: &Sources) -> Vec<MissingHelper> {
    let docker = &sources.docker;
    let Some(path) = &docker.path else { return Vec::new() };
    let text = std::fs::read_to_string(path).unwrap_or_default();
    // An empty name means none.
    let named = docker.store.iter().chain(docker.helpers.values()).filter(|helper| !helper.is_empty());
    let mut missing: Vec<MissingHelper> = Vec::new();
    for helper in named {
        let program = format!("docker-credential-{helper}");
        if program_file(&program, &base.root).is_some()
            || missing.iter().any(|known| known.program == program)
        {
            continue;
        }
        // Only the entry is quoted: other lines may hold passwords.
        let value = format!("\"{helper}\"");
        let found = text.lines().enumerate().find_map(|(index, line)| {
            let end = line.find(&value).map(|start| start + value.len())?;
            let start = line[..end - value.len()].trim_end().strip_suffix(':')?.rfind('"')?;
            let start = line[..start].rfind('"')?;
            Some((index + 1, line[start..end].to_owned()))
        });
        let (line, text) = found.unwrap_or((1, String::new()));
        missing.push(MissingHelper { program, place: Place::Entry { file: base.shown(path), line, text } });
    }
    missing
}

pub fn examine(facts: &Facts) -> Vec<Finding> {
    let find = |rule, severity, found: String, wanted: &str, fix| {
        Finding::new(Group::Docker, rule, severity, found, wanted, fix)
    };
    let mut findings = Vec::new();
    if let Some(problem) = &facts.config_problem {
        let fix = Fix::advice(problem.hint.clone().unwrap_or_else(|| "correct what is named".to_owned()));
        let wanted = "a configuration that Docker and xtask can read";
        findings.push(find(
            "docker-config-unreadable",
            Severity::Error,
            problem.message.clone(),
            wanted,
            fix,
        ));
    }
    for helper in &facts.missing_helpers {
        let found = format!("`{}` is named as a credential helper, and is not on PATH", helper.program);
        let wanted = "helpers that are there: without it every pull and push fails, of public images too";
        let fix = match &helper.place {
            Place::Entry { file, line, text } if !text.is_empty() => {
                let key = text.rsplit_once(':').map_or("", |(key, _)| key);
                Fix::Edit(vec![Edit {
                    file: file.clone(),
                    line: Some(*line),
                    old: text.clone(),
                    new: format!("{key}: \"\""),
                }])
            }
            place => Fix::advice(format!("take the helper out of {}", place.shown())),
        };
        findings.push(
            find("credential-helper-missing", Severity::Error, found, wanted, fix).at(helper.place.shown()),
        );
    }
    if facts.client.is_none() {
        let fix = Fix::advice(
            "install Docker, if you want to run images here: https://docs.docker.com/engine/install/",
        );
        let wanted = "Docker for `docker smoke`; `docker pack` and `deploy` need none";
        findings.push(find("docker-missing", Severity::Note, "no `docker` on PATH".to_owned(), wanted, fix));
    }
    if let Some(problem) = &facts.engine_problem {
        let fix = match (&facts.host, std::env::consts::OS) {
            (Some(_), _) => Fix::command("unset DOCKER_HOST"),
            (None, "macos") => Fix::command("open -a Docker"),
            (None, _) => Fix::command("sudo systemctl start docker"),
        };
        let finding = find(
            "docker-engine-silent",
            Severity::Warning,
            problem.clone(),
            "an engine that answers, for `docker smoke`",
            fix,
        );
        findings.push(match &facts.host {
            Some(host) => finding.at(format!("DOCKER_HOST in the environment: {host}")),
            None => finding,
        });
    }
    if let Some(problem) = &facts.buildx_problem {
        let fix =
            Fix::advice("install the plugin `docker-buildx` (https://docs.docker.com/build/install-buildx/)");
        let wanted = "buildx: cache mounts and secrets of Dockerfiles need it";
        let found = format!("`docker buildx version`: {problem}");
        findings.push(find("buildx-missing", Severity::Warning, found, wanted, fix));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_dockers() {
        let rules = |facts: &Facts| examine(facts).iter().map(|finding| finding.rule).collect::<Vec<_>>();
        let text = |text: &str| Some(text.to_owned());
        let fine = Facts { client: text("docker"), ..Facts::default() };
        assert_eq!(rules(&fine), [""; 0]);
        assert_eq!(rules(&Facts::default()), ["docker-missing"]);
        let silent = Facts { engine_problem: text("no"), ..fine.clone() };
        assert_eq!(rules(&silent), ["docker-engine-silent"]);
        let named = Facts { host: text("unix:///gone"), ..silent };
        assert_eq!(examine(&named)[0].fix, Fix::command("unset DOCKER_HOST"));
        assert_eq!(rules(&Facts { buildx_problem: text("no"), ..fine.clone() }), ["buildx-missing"]);
        let problem = Some(Problem::default());
        assert_eq!(rules(&Facts { config_problem: problem, ..fine.clone() }), ["docker-config-unreadable"]);
        let place =
            Place::Entry { file: "c".to_owned(), line: 2, text: "\"credsStore\": \"gone\"".to_owned() };
        let missing = MissingHelper { program: "docker-credential-gone".to_owned(), place };
        let found = examine(&Facts { missing_helpers: vec![missing], ..fine });
        assert_eq!(found[0].rule, "credential-helper-missing");
        let Fix::Edit(edits) = &found[0].fix else { panic!() };
        assert_eq!(edits[0].new, "\"credsStore\": \"\"");
    }

    #[test]
    fn engines_of_other_machines() {
        for (host, elsewhere) in [
            ("unix:///var/run/docker.sock", false),
            ("tcp://127.0.0.1:2375", false),
            ("tcp://10.0.0.1:2375", true),
            ("ssh://me@builder", true),
        ] {
            assert_eq!(is_elsewhere(Some(host)), elsewhere, "{host}");
        }
        assert!(!is_elsewhere(None));
    }
}
