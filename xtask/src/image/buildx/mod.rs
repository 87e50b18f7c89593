//! The image by its Dockerfile: `docker buildx build`, watched, tried again where only the network was at fault, and
//! looked at afterwards.

mod after_cook;
mod command;
mod compile_cache;
mod platform;
mod progress;

use std::time::Duration;

use anyhow::Context;
use serde::Deserialize;

pub use command::{LayerCache, Settings, command};
pub use platform::of_builder;

use crate::exec::Executor;
use crate::exit::{Exit, Failure};
use crate::image::smoke::engine;
use crate::plan::Invocation;
use crate::record::docker_build::{AfterCook, CompileCache, StageRecord};
use progress::Progress;

/// How often a build is tried, and how long to wait in between. What was built before stays in the builder's cache.
const TRIES: u32 = 3;
const PAUSES: [Duration; 2] = [Duration::from_secs(3), Duration::from_secs(15)];

/// The command whose output says what was compiled.
const BUILD: &str = "xtask build";
/// What compiles besides.
const COOK: &str = "cargo chef cook";

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
/// The same as numbers: the words behind them are the server's own.
const TRANSIENT_STATUS: [&str; 5] = ["429", "500", "502", "503", "504"];

/// Parts of messages of registries that want to know who asks, in lower case.
const REFUSED: [&str; 6] = [
    "401 unauthorized",
    "403 forbidden",
    "access denied",
    "authorization failed",
    "failed to authorize",
    "no basic auth credentials",
];

/// What the kernel, and BuildKit's own emulator, say of a program for another machine, in lower case.
const FOREIGN: [&str; 2] = ["exec format error", "invalid elf image for this architecture"];

/// What a run came to, as far as it came.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    pub digest: Option<String>,
    pub attempts: u32,
    /// Of the last attempt.
    pub stages: Vec<StageRecord>,
    /// `None` where the app was not built: what was there was as it should be, or nobody printed anything.
    pub after_cook: Option<AfterCook>,
    /// `None` where nothing was compiled through one.
    pub compile_cache: Option<CompileCache>,
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
        let compiled = [COOK, BUILD].into_iter().flat_map(|command| progress.printed(command));
        let cache = compile_cache::read(&compiled.collect::<Vec<_>>());
        outcome.compile_cache = cache.or(outcome.compile_cache);
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
    match Exit::of(&error) {
        Exit::CommandFailed => {}
        Exit::MissingTool => {
            let message = format!("{error}: the image is built with Docker");
            return Err(Failure::new(Exit::MissingTool, message).hint(engine::INSTALL).into());
        }
        _ => return Err(error),
    }
    let Some(broken) = progress.broken() else {
        return Err(not_begun(&exec.redact(progress.words().join("\n").trim())).into());
    };
    // Whoever reads the app's record tells what it says better than its last lines do.
    let mut looked = progress.printed(BUILD).into_iter().filter_map(|printed| after_cook::read(&printed));
    if !looked.any(|it| !it.dependencies.is_empty()) {
        for line in &broken.tail {
            ui.raw(&exec.redact(&format!("{line}\n")));
        }
    }
    let message = format!("{}: {}", broken.name, broken.error);
    let failure = Failure::new(Exit::CommandFailed, exec.redact(&message));
    Err(match how_to_mend(&broken.name, &broken.error, &broken.tail) {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
    .into())
}

/// What to do about an instruction that failed, where that is not the Dockerfile's to tell.
fn how_to_mend(name: &str, error: &str, tail: &[String]) -> Option<&'static str> {
    let lower = error.to_ascii_lowercase();
    let is_foreign = |text: &str| FOREIGN.iter().any(|part| text.contains(part));
    if is_foreign(&lower) || tail.iter().any(|line| is_foreign(&line.to_ascii_lowercase())) {
        return Some(
            "the builder cannot run programs of that platform: name one on such a machine (`--builder`), or have QEMU \
             registered with its kernel by binfmt: `docker run --privileged --rm tonistiigi/binfmt --install all`",
        );
    }
    if !name.contains(": RUN ") && REFUSED.iter().any(|part| lower.contains(part)) {
        return Some(
            "give an account for that registry: `docker login REGISTRY`, or for the one that is pushed to \
             XTASK_REGISTRY_USERNAME and XTASK_REGISTRY_PASSWORD",
        );
    }
    name.contains("load metadata for").then_some(
        "is the name right, and is the image there for everybody? Arguments (`--build-arg`) name others: RUST_IMAGE, \
         BASE_IMAGE",
    )
}

/// Why buildx did not begin, by what it says.
fn not_begun(words: &str) -> Failure {
    let lower = words.to_ascii_lowercase();
    let has = |part: &str| lower.contains(part);
    // Docker's client takes the flags of a plugin that it does not know for its own.
    if has("unknown command") || has("is not a docker command") || has("unknown flag: --progress") {
        return Failure::new(Exit::MissingTool, format!("Docker has no buildx: {words}")).hint(
            "install the plugin (package docker-buildx-plugin, in Debian docker-buildx): \
             https://docs.docker.com/go/buildx/",
        );
    }
    if let Some(failure) = engine::versions_apart(words) {
        return failure;
    }
    // Flags, and the form of progress, that buildx has from 0.13 on (docker/buildx#2252).
    if has("unknown flag: --") || has("invalid progress") {
        let message = format!("this buildx does not know what it is asked for: {words}");
        return Failure::new(Exit::MissingTool, message).hint(
            "`docker buildx version` has to be 0.13 or newer: https://docs.docker.com/go/buildx/; flags after `--` are \
             passed on as they are",
        );
    }
    let hint = if has("connect to the docker daemon") || has("docker daemon socket") {
        engine::how_to_reach(&lower)
    } else {
        "`docker version` and `docker buildx ls` show whether engine and builder answer"
    };
    Failure::new(Exit::CommandFailed, format!("docker buildx failed: {words}")).hint(hint)
}

fn is_transient(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    let answered = message.split_once("unexpected status").map_or("", |(_, answered)| answered);
    let mut words = answered.split_whitespace();
    TRANSIENT.iter().any(|part| message.contains(part)) || words.any(|word| TRANSIENT_STATUS.contains(&word))
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
    fn who_is_refused_is_told_about_accounts() {
        let mend =
            |name: &str, error: &str| how_to_mend(name, error, &[]).map(|hint| hint.contains("docker login"));
        assert_eq!(mend("exporting to image", "failed to push r/a: 401 Unauthorized"), Some(true));
        let metadata = "internal: load metadata for r.example/base:1";
        assert_eq!(mend(metadata, "pull access denied, repository does not exist"), Some(true));
        assert_eq!(mend(metadata, "r.example/base:1: not found"), Some(false));
        assert_eq!(mend("builder 2/3: RUN curl x", "403 forbidden"), None);
        assert_eq!(mend("exporting to image", "failed to push r/a: 503"), None);
    }

    #[test]
    fn a_builder_of_another_machine_is_named() {
        let mend = |error: &str, line: &str| {
            let hint = how_to_mend("builder 2/3: RUN true", error, &[line.to_owned()]);
            hint.is_some_and(|hint| hint.contains("--builder") && hint.contains("binfmt"))
        };
        let told = "process \"/bin/sh -c true\" did not complete successfully: exit code: 255";
        assert!(mend("failed to exec: exec /bin/sh: exec format error", ""));
        assert!(mend(told, "exec /bin/sh: exec format error"));
        assert!(mend(told, ".buildkit_qemu_emulator: /bin/sh: Invalid ELF image for this architecture"));
        assert!(!mend(told, "error: no such crate"));
    }

    #[test]
    fn only_the_network_is_asked_again() {
        for (message, expected) in [
            ("exporting to image: failed to push: unexpected status: 503 Service Unavailable", true),
            ("failed to push r/a: unexpected status from PUT request to http://r/v2/a: 503 Slow Down", true),
            ("unexpected status from HEAD request to https://r/v2/a/manifests/503: 404 Not Found", false),
            ("failed to do request: Head \"https://r/v2/\": dial tcp: i/o timeout", true),
            ("read: connection reset by peer", true),
            ("builder 3/9: RUN x: exit code: 101", false),
            ("failed to push: 401 Unauthorized", false),
        ] {
            assert_eq!(is_transient(message), expected, "{message}");
        }
    }
}
