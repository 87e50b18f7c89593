//! Runs an image with the Docker engine as a platform would, and looks at it as the platform and its users will.
//!
//! The container has a random `PORT` and is gone afterwards, however we end. Every check comes to a verdict or says
//! that it was not run; none hides another.

mod checks;
#[cfg(test)]
mod checks_tests;
pub mod engine;
mod page;
mod process;
mod served;

use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::exec::{Executor, Method, Request};
use crate::exit::{Exit, Failure};
use crate::plan::image::SmokeImage;
use crate::record::smoke::{CheckRecord, Verdict};
use checks::{Silence, check, skipped};
use engine::{Container, Engine, State};

/// How often a starting or ending server is looked at.
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// How long the last question may take: a busy machine needs a moment to say that it is not well.
const LAST_LIMIT: Duration = Duration::from_secs(1);
/// How long one answer at the health path may take.
const HEALTH_LIMIT: Duration = Duration::from_secs(5);
/// Leptos' own default for the folder of script, wasm and style.
const PKG_DIR: &str = "pkg";

/// What came of it so far; also after a failure.
#[derive(Debug, Default)]
pub struct Outcome {
    pub image_id: Option<String>,
    pub digest: Option<String>,
    pub platform: Option<String>,
    /// From the start of `docker run`.
    pub healthy: Option<Duration>,
    /// From SIGTERM.
    pub stopped: Option<Duration>,
    checks: Vec<CheckRecord>,
}

impl Outcome {
    /// Every check, run or not.
    pub fn checks(&self) -> Vec<CheckRecord> {
        checks::complete(self.checks.clone())
    }

    /// Whether every check was run and none failed.
    pub fn is_good(&self) -> bool {
        self.checks().iter().all(|check| matches!(check.verdict, Verdict::Ok | Verdict::Skipped))
    }

    fn has_failed(&self, names: &[&str]) -> bool {
        let failed = |check: &CheckRecord| check.verdict == Verdict::Failed;
        self.checks.iter().any(|check| failed(check) && names.contains(&check.name.as_str()))
    }
}

/// A name for the container and a port for the server that nobody has thought of before.
pub fn name_and_port() -> (String, u16) {
    let number = RandomState::new().hash_one(std::process::id());
    // Above what programs listen on by default, below what systems give to clients.
    let port = 20_000 + u16::try_from(number % 10_000).unwrap_or_default();
    (format!("xtask-smoke-{number:016x}"), port)
}

/// Carries out [`crate::plan::Operation::SmokeImage`]; the image must be here. What is wrong with the image is in the
/// outcome; an error says that no verdict could be had.
pub fn run(exec: &Executor, input: &SmokeImage, cwd: &Path, outcome: &mut Outcome) -> anyhow::Result<()> {
    let engine = Engine { exec, cwd };
    let image =
        engine.image(&input.image)?.with_context(|| format!("image `{}` is not here", input.image))?;
    outcome.image_id = Some(image.id.clone());
    outcome.digest = image.digest(&input.image).map(str::to_owned);
    outcome.platform = Some(image.platform());
    outcome.checks.push(check("no-baked-port", checks::no_baked_port(image.variable("PORT"))));
    outcome.checks.push(check("leptos-env", checks::leptos_env(|name| image.variable(name))));

    exec.ui().status("Starting", format!("{} with PORT={}", input.image, input.port));
    let began = Instant::now();
    let (container, started) = exec
        .make_temporary(&input.start(cwd), input.remove(cwd))
        // The executor's message would show the values of variables.
        .map_err(|error| match Exit::of(&error) {
            Exit::Interrupted(_) => error,
            exit => Failure::new(exit, "`docker run` did not start, or not come back in time").into(),
        })?;
    let state = engine.container(&input.container);
    if !started.success && !state.as_ref().is_ok_and(|container| is_the_images_fault(&container.state)) {
        let why = exec.redact(started.stderr.trim());
        return Err(Failure::new(Exit::CommandFailed, format!("`docker run` failed: {why}")).into());
    }

    let origin = healthy(&engine, input, state?, began, outcome)?;
    let user = engine.container(&input.container)?;
    let user = process::folder(&user).and_then(|folder| process::user(&folder));
    outcome.checks.push(check("user", checks::user(image.user(), user)));
    if let Some(origin) = origin {
        exec.ui().status("Looking", "at the page and what it links to");
        let given = input.env.get("LEPTOS_SITE_PKG_DIR").map(String::as_str);
        let pkg_dir = given.or(image.variable("LEPTOS_SITE_PKG_DIR")).unwrap_or(PKG_DIR);
        outcome.checks.extend(served::look(exec, &origin, pkg_dir)?);
        stop(&engine, input, outcome)?;
    }
    if outcome.has_failed(&["health", "page", "script", "wasm", "style", "stop"]) {
        show_log(&engine, input)?;
    }
    container.remove()
}

/// Waits until the health path answers 200. The server's address from here, if it did.
fn healthy(
    engine: &Engine<'_>,
    input: &SmokeImage,
    started: Container,
    began: Instant,
    outcome: &mut Outcome,
) -> anyhow::Result<Option<String>> {
    let exec = engine.exec;
    let limit = Duration::from_secs(input.start_seconds);
    let path = &input.health_path;
    exec.ui().status("Waiting", format!("for 200 at {path}, at most {} s", limit.as_secs()));
    let mut container = started;
    let mut status = None;
    let found = loop {
        let Some(port) = container.published(input.port).filter(|_| container.state.running) else {
            break Err(checks::ended(&container.state, began.elapsed()));
        };
        let origin = format!("http://127.0.0.1:{port}");
        let left = limit.saturating_sub(began.elapsed()).max(LAST_LIMIT);
        let request = Request::new(Method::Get, format!("{origin}{path}")).timeout(left.min(HEALTH_LIMIT));
        let last = match exec.send(&request.without_redirections()) {
            Ok(answer) if answer.status == 200 => {
                let took = began.elapsed();
                outcome.healthy = Some(took);
                break Ok(origin);
            }
            Ok(answer) => {
                status = Some(answer.status);
                Silence::Status(answer.status)
            }
            Err(error) if matches!(Exit::of(&error), Exit::Interrupted(_)) => return Err(error),
            // Cut off by the end of the wait, it says less than the answer before it.
            Err(error) => match status.filter(|_| left < HEALTH_LIMIT) {
                Some(status) => Silence::Status(status),
                None => Silence::Nothing(served::reason(&error)),
            },
        };
        container = engine.container(&input.container)?;
        if container.state.running && began.elapsed() >= limit {
            let listening = process::folder(&container).and_then(|folder| process::listening(&folder));
            break Err(checks::unhealthy(path, input.port, &last, listening.as_deref(), limit));
        }
        exec.sleep(POLL_INTERVAL)?;
    };
    let took = began.elapsed().as_secs_f64();
    outcome.checks.push(check(
        "health",
        match &found {
            Ok(_) => Ok(format!("{path} answers 200 after {took:.2} s")),
            Err(problem) => Err(problem.clone()),
        },
    ));
    Ok(found.ok())
}

/// Whether the engine was asked for something sensible, and the image has no program that can be started.
fn is_the_images_fault(state: &State) -> bool {
    !state.error.is_empty() && matches!(state.exit_code, 126..=128)
}

/// Sends SIGTERM and waits for the end.
fn stop(engine: &Engine<'_>, input: &SmokeImage, outcome: &mut Outcome) -> anyhow::Result<()> {
    let limit = Duration::from_secs(input.drain_seconds);
    if limit.is_zero() {
        outcome.checks.push(skipped("stop", "the drain limit is 0: the platform kills the server at once"));
        return Ok(());
    }
    let state = engine.container(&input.container)?.state;
    if !state.running {
        let code = state.exit_code;
        let problem = format!("it had ended before, with exit code {code}; wanted it to serve until SIGTERM");
        outcome.checks.push(check("stop", Err(problem)));
        return Ok(());
    }
    engine.exec.ui().status("Stopping", format!("with SIGTERM, at most {} s", limit.as_secs()));
    let began = Instant::now();
    let sent = engine.probe(&input.stop(engine.cwd))?;
    let (state, took) = loop {
        let state = engine.container(&input.container)?.state;
        if !state.running {
            break (state, Some(began.elapsed()));
        }
        if !sent.success {
            let why = engine.exec.redact(sent.stderr.trim());
            return Err(Failure::new(Exit::CommandFailed, format!("`docker kill` failed: {why}")).into());
        }
        if began.elapsed() >= limit {
            break (state, None);
        }
        engine.exec.sleep(POLL_INTERVAL)?;
    };
    outcome.stopped = took;
    outcome.checks.push(check("stop", checks::stopped(&state, took, limit)));
    Ok(())
}

/// What the server said last, for whoever has to mend it.
fn show_log(engine: &Engine<'_>, input: &SmokeImage) -> anyhow::Result<()> {
    let lines = engine.log(&input.container)?;
    let text = match lines.len() {
        0 => "the server's log is empty\n".to_owned(),
        _ => format!("last lines of the server's log:\n    {}\n", lines.join("\n    ")),
    };
    engine.exec.ui().raw(&text);
    Ok(())
}
