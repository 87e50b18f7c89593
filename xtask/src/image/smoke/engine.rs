//! The Docker engine's commands, and what they say about images and containers.
//!
//! Knows the engine's JSON; judges nothing.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::exec::{Executor, Probe};
use crate::exit::{Exit, Failure};
use crate::image::reference;
use crate::plan::Invocation;

/// What to do where there is no Docker at all.
pub const INSTALL: &str = "install Docker Engine or Docker Desktop: https://docs.docker.com/engine/install/";
/// The most lines of a server's log that are shown.
pub const LOG_LINES_MAX: usize = 20;
/// How long the engine may take to answer a question.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);
/// How long it may take to pull an image.
const PULL_LIMIT: Duration = Duration::from_secs(1800);

/// The engine, asked through its own command-line program.
pub struct Engine<'a> {
    pub exec: &'a Executor,
    /// Any folder that exists.
    pub cwd: &'a Path,
}

/// An image that the engine has.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Image {
    pub id: String,
    #[serde(default)]
    repo_digests: Option<Vec<String>>,
    os: String,
    architecture: String,
    #[serde(default)]
    config: Option<ImageConfig>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ImageConfig {
    #[serde(default)]
    user: Option<String>,
    #[serde(default)]
    env: Option<Vec<String>>,
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
    #[serde(default)]
    healthcheck: Option<Healthcheck>,
    /// What commands are run with that are not lists of words.
    #[serde(default)]
    shell: Option<Vec<String>>,
}

/// `HEALTHCHECK` of a Dockerfile.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Healthcheck {
    /// `NONE`; or `CMD` and words; or `CMD-SHELL` and a script.
    #[serde(default)]
    test: Option<Vec<String>>,
}

impl Image {
    /// E.g. `linux/amd64`.
    pub fn platform(&self) -> String {
        format!("{}/{}", self.os, self.architecture)
    }

    /// The configured user; empty where the image names none.
    pub fn user(&self) -> &str {
        self.config.as_ref().and_then(|config| config.user.as_deref()).unwrap_or_default()
    }

    /// The value of a variable that is built in.
    pub fn variable(&self, name: &str) -> Option<&str> {
        let env = self.config.as_ref()?.env.as_deref()?;
        env.iter().find_map(|entry| entry.strip_prefix(name)?.strip_prefix('='))
    }

    /// The value of a label; `None` where it has none, or an empty one.
    pub fn label(&self, name: &str) -> Option<&str> {
        let value = self.config.as_ref()?.labels.as_ref()?.get(name)?.trim();
        (!value.is_empty()).then_some(value)
    }

    /// The words of the command that the image would have the engine check its health with, if there is one.
    pub fn health_command(&self) -> Option<Vec<String>> {
        let config = self.config.as_ref()?;
        let (kind, words) = config.healthcheck.as_ref()?.test.as_deref()?.split_first()?;
        match kind.as_str() {
            "CMD" if !words.is_empty() => Some(words.to_vec()),
            "CMD-SHELL" => {
                let usual = || ["/bin/sh", "-c"].map(str::to_owned).to_vec();
                let shell = config.shell.clone().filter(|shell| !shell.is_empty()).unwrap_or_else(usual);
                Some([shell, words.to_vec()].concat())
            }
            _ => None,
        }
    }

    /// The image by digest in the repository that the reference names, else in any.
    pub fn digest(&self, reference: &str) -> Option<&str> {
        let digests = self.repo_digests.as_deref()?;
        let repository = reference::split(reference).name;
        let own = digests.iter().find(|digest| digest.split('@').next() == Some(repository));
        own.or(digests.first()).map(String::as_str)
    }
}

/// A container as it is now.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Container {
    pub id: String,
    pub state: State,
    #[serde(default)]
    network_settings: Value,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct State {
    pub running: bool,
    /// 0 where it does not run.
    pub pid: u32,
    pub exit_code: i64,
    /// Why the engine could not start it.
    #[serde(default)]
    pub error: String,
    #[serde(default, rename = "OOMKilled")]
    pub oom_killed: bool,
}

impl Container {
    /// The port of this machine that leads to the container's.
    pub fn published(&self, port: u16) -> Option<u16> {
        let binding = self.network_settings.get("Ports")?.get(format!("{port}/tcp"))?.get(0)?;
        binding.get("HostPort")?.as_str()?.parse().ok()
    }
}

/// The failure of a client and an engine that have no version of the engine's API in common, if that is what one of
/// them says.
pub fn versions_apart(why: &str) -> Option<Failure> {
    let lower = why.to_ascii_lowercase();
    let hint = match (lower.contains("client version"), lower.contains("too old"), lower.contains("too new"))
    {
        (true, true, _) => "update Docker's client; where DOCKER_API_VERSION is set, unset it",
        (true, _, true) => "update Docker's engine; where DOCKER_API_VERSION is set, unset it",
        _ => return None,
    };
    let message = format!("Docker's client and its engine do not understand each other: {}", why.trim());
    Some(Failure::new(Exit::MissingTool, message).hint(hint))
}

/// What to do about an engine that does not answer, by what its client says.
pub fn how_to_reach(why: &str) -> &'static str {
    if why.contains("permission denied") {
        "the socket belongs to group `docker`: add yourself to it, or use a rootless engine"
    } else {
        "start it (`sudo systemctl start docker`, or Docker Desktop), or see what DOCKER_HOST and \
         `docker context ls` point to"
    }
}

impl Engine<'_> {
    /// The engine's version. A missing program and an engine that does not answer are failures that say what to do.
    pub fn version(&self) -> anyhow::Result<String> {
        let answer = match self.ask(&["version", "--format", "{{.Server.Version}}"]) {
            Err(error) if Exit::of(&error) == Exit::MissingTool => {
                return Err(Failure::new(
                    Exit::MissingTool,
                    format!("{error}: the image is run with Docker"),
                )
                .hint(INSTALL)
                .into());
            }
            answer => answer?,
        };
        if answer.success {
            return Ok(answer.stdout.trim().to_owned());
        }
        let why = answer.stderr.trim();
        if let Some(failure) = versions_apart(&self.exec.redact(why)) {
            return Err(failure.into());
        }
        let message = format!("the Docker engine does not answer: `docker version` says: {why}");
        Err(Failure::new(Exit::CommandFailed, self.exec.redact(&message)).hint(how_to_reach(why)).into())
    }

    /// The image, if the engine has it.
    pub fn image(&self, reference: &str) -> anyhow::Result<Option<Image>> {
        let answer = self.ask(&["image", "inspect", reference])?;
        if answer.success {
            return first(&answer.stdout, "docker image inspect").map(Some);
        }
        if answer.stderr.to_lowercase().contains("no such image") {
            return Ok(None);
        }
        Err(Failure::usage(format!("image `{reference}`: {}", answer.stderr.trim())).into())
    }

    /// Pulls an image in sight. `command` is [`pull`]'s.
    pub fn pull(&self, command: &Invocation, reference: &str) -> anyhow::Result<()> {
        let pulled = self.exec.run_visible(command);
        pulled.map(drop).map_err(|error| match Exit::of(&error) {
            Exit::CommandFailed => {
                let message = format!("image `{reference}` is not here and cannot be pulled: {error}");
                Failure::new(Exit::CommandFailed, message)
                    .hint(
                        "is the reference right, and may you read it? A private registry wants an account: \
                         `docker login`, or the variables that `docker pack` knows; an image of your own has to be \
                         built or pushed first",
                    )
                    .into()
            }
            _ => error,
        })
    }

    /// Where the engine is, e.g. `unix:///var/run/docker.sock`; `DOCKER_HOST` and contexts count.
    pub fn endpoint(&self) -> anyhow::Result<String> {
        let answer = self.ask(&["context", "inspect", "--format", "{{.Endpoints.docker.Host}}"])?;
        // A client without contexts knows the variable alone.
        let told = if answer.success { answer.stdout.trim().to_owned() } else { String::new() };
        Ok(if told.is_empty() { std::env::var("DOCKER_HOST").unwrap_or_default() } else { told })
    }

    /// Everything that the engine says about an image's configuration and history.
    pub fn describe(&self, image: &str) -> anyhow::Result<String> {
        let inspected = self.ask(&["image", "inspect", image])?;
        let history =
            self.ask(&["history", "--no-trunc", "--format", "{{.CreatedBy}} {{.Comment}}", image])?;
        Ok(inspected.stdout + &history.stdout)
    }

    /// Writes an image to a file.
    pub fn save(&self, image: &str, path: &Path) -> anyhow::Result<Probe> {
        self.probe(&super::secrets::save(image, path, self.cwd))
    }

    pub fn container(&self, name: &str) -> anyhow::Result<Container> {
        let answer = self.ask(&["container", "inspect", name])?;
        if !answer.success {
            let message = format!("container `{name}` cannot be looked at: {}", answer.stderr.trim());
            return Err(Failure::new(Exit::CommandFailed, message)
                .hint("did somebody else remove it, or the engine stop?")
                .into());
        }
        first(&answer.stdout, "docker container inspect")
    }

    /// The last lines that the container wrote, in their order, secrets redacted.
    pub fn log(&self, name: &str) -> anyhow::Result<Vec<String>> {
        let lines = LOG_LINES_MAX.to_string();
        let answer = self.ask(&["logs", "--timestamps", "--tail", &lines, name])?;
        Ok(in_order(&answer.stdout, &answer.stderr).iter().map(|line| self.exec.redact(line)).collect())
    }

    /// Runs one of the engine's commands to see whether it succeeds.
    pub fn probe(&self, command: &Invocation) -> anyhow::Result<Probe> {
        let mut command = command.clone();
        command.stop_grace = Duration::from_millis(200);
        self.exec.probe(&command)
    }

    fn ask(&self, args: &[&str]) -> anyhow::Result<Probe> {
        self.probe(&Invocation::new("docker", self.cwd).args(args.iter().copied()).timeout(ANSWER_LIMIT))
    }
}

/// The command that pulls an image.
pub fn pull(reference: &str, cwd: &Path) -> Invocation {
    Invocation::new("docker", cwd).args(["pull", reference]).timeout(PULL_LIMIT)
}

fn first<T: DeserializeOwned>(json: &str, command: &str) -> anyhow::Result<T> {
    let all: Vec<T> = serde_json::from_str(json).with_context(|| format!("read what `{command}` says"))?;
    all.into_iter().next().with_context(|| format!("`{command}` says nothing"))
}

/// The lines of both streams by their time stamps, which are cut off. All stamps have the same width.
fn in_order(stdout: &str, stderr: &str) -> Vec<String> {
    let mut lines: Vec<(&str, &str)> =
        stdout.lines().chain(stderr.lines()).map(|line| line.split_once(' ').unwrap_or((line, ""))).collect();
    lines.sort_by_key(|(time, _)| *time);
    let surplus = lines.len().saturating_sub(LOG_LINES_MAX);
    lines[surplus..].iter().map(|(_, text)| (*text).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_tell_their_configuration() {
        let json = r#"[{"Id": "sha256:1", "RepoDigests": ["other/app@sha256:2", "h:5000/app@sha256:3"],
            "Os": "linux", "Architecture": "arm64", "Config": {"User": "", "Env": ["PORTAL=1", "PORT=3000"]}}]"#;
        let image: Image = first(json, "").unwrap();
        assert_eq!((image.platform().as_str(), image.user()), ("linux/arm64", ""));
        assert_eq!((image.variable("PORT"), image.variable("POR")), (Some("3000"), None));
        assert_eq!(image.digest("h:5000/app:1"), Some("h:5000/app@sha256:3"));
        assert_eq!(image.digest("app"), Some("other/app@sha256:2"));
        let bare: Image = first(r#"[{"Id": "1", "Os": "", "Architecture": ""}]"#, "").unwrap();
        assert_eq!((bare.user(), bare.variable("PORT"), bare.digest("app")), ("", None, None));
        assert_eq!((bare.label("a"), bare.health_command()), (None, None));
    }

    #[test]
    fn images_tell_their_labels_and_their_health_command() {
        let image = |config: &str| -> Image {
            let json = format!(r#"[{{"Id": "1", "Os": "", "Architecture": "", "Config": {config}}}]"#);
            first(&json, "").unwrap()
        };
        let labelled = image(r#"{"Labels": {"a": " x ", "b": ""}, "Healthcheck": {"Test": ["NONE"]}}"#);
        assert_eq!((labelled.label("a"), labelled.label("b"), labelled.label("c")), (Some("x"), None, None));
        let command = |config: &str| image(config).health_command().map(|words| words.join("|"));
        for (config, expected) in [
            (r#"{"Healthcheck": null, "Labels": null}"#, None),
            (r#"{"Healthcheck": {"Interval": 5}}"#, None),
            (r#"{"Healthcheck": {"Test": []}}"#, None),
            (r#"{"Healthcheck": {"Test": ["CMD"]}}"#, None),
            (r#"{"Healthcheck": {"Test": ["CMD", "/app", "ask"]}}"#, Some("/app|ask")),
            (r#"{"Healthcheck": {"Test": ["CMD-SHELL", "a || b"]}}"#, Some("/bin/sh|-c|a || b")),
            (r#"{"Healthcheck": {"Test": ["CMD-SHELL", "a"]}, "Shell": ["/b", "-e"]}"#, Some("/b|-e|a")),
        ] {
            assert_eq!(command(config).as_deref(), expected, "{config}");
        }
        assert_eq!(labelled.health_command(), None);
    }

    #[test]
    fn versions_that_are_too_far_apart() {
        let hint = |why: &str| versions_apart(why).and_then(|failure| failure.hint);
        let old = "Error response from daemon: client version 1.20 is too old. Minimum supported API version is \
                   1.24, please upgrade your client to a newer version";
        assert!(hint(old).unwrap().starts_with("update Docker's client"));
        let new = "ERROR: client version 1.52 is too new. Maximum supported API version is 1.41";
        assert!(hint(new).unwrap().starts_with("update Docker's engine"));
        assert_eq!(hint("Cannot connect to the Docker daemon"), None);
    }

    #[test]
    fn containers_tell_their_port() {
        let json = r#"[{"Id": "1", "State": {"Running": true, "Pid": 7, "ExitCode": 0},
            "NetworkSettings": {"Ports": {"3000/tcp": null, "43117/tcp": [{"HostIp": "", "HostPort": "32768"}]}}}]"#;
        let container: Container = first(json, "").unwrap();
        assert_eq!((container.published(43117), container.published(3000)), (Some(32768), None));
    }

    #[test]
    fn two_streams_are_one_log() {
        let stdout = "2026-01-01T00:00:00.000000001Z one\n2026-01-01T00:00:00.000000003Z three\n";
        let stderr = "2026-01-01T00:00:00.000000002Z two words\n";
        assert_eq!(in_order(stdout, stderr), ["one", "two words", "three"]);
        assert_eq!(in_order(&stdout.repeat(30), "").len(), LOG_LINES_MAX);
    }
}
