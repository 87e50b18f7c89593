//! The image by its Dockerfile: `docker buildx build`, watched, tried again where only the network was at fault, and
//! looked at afterwards.

mod after_cook;
mod command;
mod progress;

use std::time::Duration;

use anyhow::Context;
use serde::Deserialize;

pub use command::{LayerCache, Settings, command};

use crate::exec::Executor;
use crate::exit::{Exit, Failure};
use crate::plan::Invocation;
use crate::record::docker_build::{AfterCook, StageRecord};
use progress::Progress;

/// How often a build is tried, and how long to wait in between. What was built before stays in the builder's cache.
const TRIES: u32 = 3;
const PAUSES: [Duration; 2] = [Duration::from_secs(3), Duration::from_secs(15)];

/// The command whose output says what was compiled.
const BUILD: &str = "xtask build";

/// Parts of messages about networks and registries that may be well again a moment later, in lower case.
const TRANSIENT: [&str; 14] = [
    "connection reset",
    "connection refused",
    "broken pipe",
    "unexpected eof",
    ": eof",
    "i/o timeout",
    "tls handshake timeout",
    "temporary failure in name resolution",
    "429 too many requests",
    "500 internal server error",
    "502 bad gateway",
    "503 service unavailable",
    "504 gateway timeout",
    "error reading from server",
];

/// What a run came to, as far as it came.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    pub digest: Option<String>,
    pub attempts: u32,
    /// Of the last attempt.
    pub stages: Vec<StageRecord>,
    /// `None` where the app was not built: what was there was as it should be, or nobody printed anything.
    pub after_cook: Option<AfterCook>,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(rename = "containerimage.digest")]
    digest: Option<String>,
}

/// Runs the command, in several attempts if need be. The outcome is handed back even where it fails.
pub fn run(
    exec: &Executor,
    command: &Invocation,
    metadata_file: &std::path::Path,
) -> (Outcome, anyhow::Result<()>) {
    let mut outcome = Outcome::default();
    loop {
        outcome.attempts += 1;
        let mut progress = Progress::default();
        let result = attempt(exec, command, &mut progress);
        outcome.stages = progress.stages();
        let looked = progress.printed(BUILD).iter().filter_map(after_cook::read).reduce(joined);
        // What an earlier attempt compiled is cached in this one.
        outcome.after_cook = looked.or(outcome.after_cook);
        let error = match result {
            Ok(()) => {
                let read = digest(metadata_file);
                return match read {
                    Ok(digest) => (Outcome { digest, ..outcome }, Ok(())),
                    Err(error) => (outcome, Err(error)),
                };
            }
            Err(error) => error,
        };
        let index = outcome.attempts as usize - 1;
        let is_transient = Exit::of(&error) == Exit::CommandFailed && is_transient(&format!("{error:#}"));
        if outcome.attempts >= TRIES || !is_transient {
            return (outcome, Err(error));
        }
        let pause = PAUSES.get(index).copied().unwrap_or_default();
        let (attempts, seconds) = (outcome.attempts, pause.as_secs());
        exec.ui().note(format!("attempt {attempts} of {TRIES} failed: {error}; again in {seconds} s"));
        if let Err(interrupted) = exec.sleep(pause) {
            return (outcome, Err(interrupted));
        }
    }
}

fn attempt(exec: &Executor, command: &Invocation, progress: &mut Progress) -> anyhow::Result<()> {
    let ui = exec.ui();
    let ran = exec.run_all_lines(command, |line| {
        for (verb, detail) in progress.line(line) {
            ui.status(verb, exec.redact(&detail));
        }
    });
    let Err(error) = ran else { return Ok(()) };
    if Exit::of(&error) != Exit::CommandFailed {
        return Err(error);
    }
    let Some(broken) = progress.broken() else {
        let words = progress.words().join("\n");
        let message = format!("docker buildx failed: {}", exec.redact(words.trim()));
        return Err(Failure::new(Exit::CommandFailed, message)
            .hint("`docker version` and `docker buildx ls` show whether engine and builder answer")
            .into());
    };
    for line in &broken.tail {
        ui.raw(&exec.redact(&format!("{line}\n")));
    }
    let message = format!("{}: {}", broken.name, broken.error);
    Err(Failure::new(Exit::CommandFailed, exec.redact(&message)).into())
}

fn is_transient(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    TRANSIENT.iter().any(|part| message.contains(part))
}

/// Of several platforms: the first one's counts, and all dependencies.
fn joined(mut one: AfterCook, other: AfterCook) -> AfterCook {
    for dependency in other.dependencies {
        if !one.dependencies.contains(&dependency) {
            one.dependencies.push(dependency);
        }
    }
    one
}

fn digest(metadata_file: &std::path::Path) -> anyhow::Result<Option<String>> {
    let text = std::fs::read(metadata_file).with_context(|| format!("read {}", metadata_file.display()))?;
    let metadata: Metadata = serde_json::from_slice(&text).context("read the build's metadata")?;
    Ok(metadata.digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_network_is_asked_again() {
        for (message, expected) in [
            ("exporting to image: failed to push: unexpected status: 503 Service Unavailable", true),
            ("failed to do request: Head \"https://r/v2/\": dial tcp: i/o timeout", true),
            ("read: connection reset by peer", true),
            ("builder 3/9: RUN x: exit code: 101", false),
            ("failed to push: 401 Unauthorized", false),
        ] {
            assert_eq!(is_transient(message), expected, "{message}");
        }
    }
}
