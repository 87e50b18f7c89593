//! Runs an image with the Docker engine as a platform would, and looks at it as the platform and its users will.
//!
//! The container has a random `PORT` and is gone afterwards, however we end. Every check comes to a verdict or says
//! that it was not run; none hides another.

pub mod address;
mod checks;
#[cfg(test)]
mod checks_tests;
mod drain;
mod encoding;
pub mod engine;
mod health_command;
mod page;
mod process;
mod provenance;
mod secrets;
mod served;

use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::config::registry::Sources;
use crate::exec::{Executor, Method, Request, Temporary};
use crate::exit::{Exit, Failure};
use crate::image::reference::Reference;
use crate::plan::Invocation;
use crate::plan::image::SmokeImage;
use crate::record::smoke::{CheckRecord, Verdict};
use checks::{Silence, check, skipped};
use drain::{Load, Moment};
use encoding::Plain;
use engine::{Container, Engine, State};
use served::Place;

/// How often a starting or ending server is looked at.
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// How long the last question may take: a busy machine needs a moment to say that it is not well.
const LAST_LIMIT: Duration = Duration::from_secs(1);
/// How long one answer at the health path may take.
const HEALTH_LIMIT: Duration = Duration::from_secs(5);
/// So often an answer has to be cut off before that is the server's fault.
const TIMES_CUT_OFF: usize = 3;
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
    /// See [`drain::Drained::is_cut_off`].
    is_cut_off: bool,
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

/// What looking at an image needs beside the operation's input.
pub struct Surroundings<'a> {
    /// Any folder that exists.
    pub cwd: &'a Path,
    pub target_directory: &'a Path,
    /// For the provenance, which only a registry has.
    pub sources: &'a Sources,
    /// The workspace's own image, whose registry the variables with credentials are meant for.
    pub own: Option<&'a Reference>,
    /// GitHub's container registry, e.g. `ghcr.io`.
    pub github_registry: &'a str,
}

/// Carries out [`crate::plan::Operation::SmokeImage`]; the image must be here. What is wrong with the image is in the
/// outcome; an error says that no verdict could be had.
pub fn run(
    exec: &Executor,
    input: &SmokeImage,
    around: &Surroundings<'_>,
    outcome: &mut Outcome,
) -> anyhow::Result<()> {
    let cwd = around.cwd;
    let engine = Engine { exec, cwd };
    let image =
        engine.image(&input.image)?.with_context(|| format!("image `{}` is not here", input.image))?;
    outcome.image_id = Some(image.id.clone());
    outcome.digest = image.digest(&input.image).map(str::to_owned);
    outcome.platform = Some(image.platform());
    outcome.checks.push(check("no-baked-port", checks::no_baked_port(image.variable("PORT"))));
    let leptos_env =
        |lacks_files| check("leptos-env", checks::leptos_env(|name| image.variable(name), lacks_files));
    outcome.checks.push(leptos_env(false));
    let named = Reference::parse(outcome.digest.as_deref().unwrap_or(&input.image));
    let is_at_github = named.is_ok_and(|named| named.registry == around.github_registry);
    outcome.checks.push(checks::source_label(image.label(checks::SOURCE), is_at_github));
    let own_check = image.health_command();
    if own_check.is_none() {
        outcome.checks.push(health_command::absent());
    }

    exec.ui().status("Starting", format!("{} with PORT={}", input.image, input.port));
    let began = Instant::now();
    let (container, started) = start(&engine, input, &input.start(cwd))?;
    let place = healthy(&engine, input, started, began, outcome)?;
    let running = engine.container(&input.container)?;
    let folder = process::folder(&running);
    let user = folder.as_deref().and_then(process::user);
    outcome.checks.push(check("user", checks::user(image.user(), user)));
    let mut load_again = None;
    if let Some(place) = place {
        let listening = folder.as_deref().and_then(process::listening);
        outcome.checks.push(checks::listening(input.port, listening.as_deref()));
        if let Some(words) = own_check {
            outcome.checks.push(health_command::run(&engine, input, &words)?);
        }
        exec.ui().status("Looking", "at the page and what it links to");
        let given = input.env.get("LEPTOS_SITE_PKG_DIR").map(String::as_str);
        let pkg_dir = given.or(image.variable("LEPTOS_SITE_PKG_DIR")).unwrap_or(PKG_DIR);
        let looked = served::look(exec, &place, pkg_dir)?;
        let compression = match encoding::look(exec, &place, &looked.files)? {
            Some(judged) => check("compression", judged),
            None if looked.files.is_empty() => skipped("compression", "no file of the page can be looked at"),
            None => skipped("compression", "every file of the page fits into one packet"),
        };
        outcome.checks.extend(looked.verdicts);
        outcome.checks.push(compression);
        if looked.lacks_files {
            // Variables that are not set may be why.
            outcome.checks.retain(|check| check.name != "leptos-env");
            outcome.checks.push(leptos_env(true));
        }
        let page = looked.page.unwrap_or_else(|| input.health_path.clone());
        let load = Load::new(exec, &place, &page, &looked.files);
        stop(&engine, input, folder.as_deref(), load, outcome)?;
        load_again = Some((page, looked.files)).filter(|_| outcome.is_cut_off);
    }
    if outcome.has_failed(&["health", "page", "script", "wasm", "style", "drain", "stop", "memory"]) {
        show_log(&engine, input)?;
    }
    container.remove()?;

    if let Some((page, files)) = load_again {
        stop_again(&engine, input, &page, &files, outcome)?;
    }
    if outcome.healthy.is_some() {
        outcome.checks.push(read_only_root(&engine, input)?);
    }
    exec.ui().status("Looking", "for secrets in the image");
    let found = secrets::look(&engine, &input.image, around.target_directory)?;
    outcome.checks.push(check("secrets", found));
    outcome.checks.push(provenance::look(exec, outcome.digest.as_deref(), around)?);
    Ok(())
}

/// Has the engine start the container, which is removed with the value. It may have ended by now; an error is one of
/// the engine.
fn start<'a>(
    engine: &Engine<'a>,
    input: &SmokeImage,
    command: &Invocation,
) -> anyhow::Result<(Temporary<'a>, Container)> {
    let made = engine.exec.make_temporary(command, input.remove(engine.cwd));
    // The executor's message would show the values of variables.
    let (container, started) = made.map_err(|error| match Exit::of(&error) {
        Exit::Interrupted(_) => error,
        exit => Failure::new(exit, "`docker run` did not start, or not come back in time").into(),
    })?;
    let state = engine.container(&input.container);
    if !started.success && !state.as_ref().is_ok_and(|container| is_the_images_fault(&container.state)) {
        let why = engine.exec.redact(started.stderr.trim());
        return Err(Failure::new(Exit::CommandFailed, format!("`docker run` failed: {why}")).into());
    }
    Ok((container, state?))
}

/// Whether it works where it cannot write, which is safer. Platforms do not ask for it, so only `--read-only` does.
fn read_only_root(engine: &Engine<'_>, input: &SmokeImage) -> anyhow::Result<CheckRecord> {
    engine.exec.ui().status("Starting", "it again with a read-only root");
    let (container, started) = start(engine, input, &input.start_read_only(engine.cwd))?;
    let mut second = Outcome::default();
    let place = healthy(engine, input, started, Instant::now(), &mut second)?;
    // Rust's advice after a panic says nothing about the panic.
    let mut said = engine.log(&input.container)?.into_iter().filter(|line| !line.starts_with("note: "));
    let last = said.next_back().unwrap_or_default();
    container.remove()?;
    Ok(match (place, input.read_only) {
        (Some(_), _) => check("read-only-root", Ok("healthy without a place to write but /tmp".to_owned())),
        (None, is_wanted) => {
            let why = second.checks.into_iter().next().map(|check| check.detail).unwrap_or_default();
            let said = if last.is_empty() { String::new() } else { format!("; it said: {last}") };
            let detail = format!("it needs a root that can be written to: {why}{said}");
            if is_wanted { check("read-only-root", Err(detail)) } else { skipped("read-only-root", detail) }
        }
    })
}

/// Waits until the health path answers 200. The server's address from here, if it did.
fn healthy(
    engine: &Engine<'_>,
    input: &SmokeImage,
    started: Container,
    began: Instant,
    outcome: &mut Outcome,
) -> anyhow::Result<Option<Place>> {
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
        let place = Place { host: input.host.clone(), port };
        let left = limit.saturating_sub(began.elapsed()).max(LAST_LIMIT);
        let request =
            Request::new(Method::Get, format!("{}{path}", place.origin())).timeout(left.min(HEALTH_LIMIT));
        let last = match exec.send(&request.without_redirections()) {
            Ok(answer) if answer.status == 200 => {
                let took = began.elapsed();
                outcome.healthy = Some(took);
                break Ok(place);
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

/// Sends SIGTERM while requests come in, and waits for the end.
fn stop(
    engine: &Engine<'_>,
    input: &SmokeImage,
    folder: Option<&Path>,
    load: Load<'_>,
    outcome: &mut Outcome,
) -> anyhow::Result<()> {
    let limit = Duration::from_secs(input.drain_seconds);
    let state = engine.container(&input.container)?.state;
    let peak = || folder.and_then(process::peak_memory);
    if !state.running {
        let code = state.exit_code;
        let problem = format!("it had ended before, with exit code {code}; wanted it to serve until SIGTERM");
        outcome.checks.push(check("memory", checks::memory(&state, None, input.memory)));
        outcome.checks.push(skipped("drain", "it had ended before"));
        outcome.checks.push(check("stop", Err(problem)));
        return Ok(());
    }
    if limit.is_zero() {
        let why = "the drain limit is 0: the platform kills the server at once";
        outcome.checks.push(check("memory", checks::memory(&state, peak(), input.memory)));
        outcome.checks.push(skipped("drain", why));
        outcome.checks.push(skipped("stop", why));
        return Ok(());
    }
    engine.exec.ui().status("Stopping", format!("with SIGTERM under load, at most {} s", limit.as_secs()));
    let mut used = None;
    let ((state, took), drained) = load.during(limit, |told| {
        // As long as there is a process, the kernel can be asked.
        used = peak();
        wait_for_the_end(engine, input, limit, told)
    })?;
    outcome.stopped = took;
    outcome.checks.push(check("memory", checks::memory(&state, used, input.memory)));
    outcome.is_cut_off = drained.is_cut_off;
    outcome.checks.push(drained.check);
    outcome.checks.push(check("stop", checks::stopped(&state, took, limit)));
    Ok(())
}

/// Where an answer was cut off: whether it is again whenever the server is started and stopped again, which only one
/// does that does not wait.
fn stop_again(
    engine: &Engine<'_>,
    input: &SmokeImage,
    page: &str,
    files: &[Plain],
    outcome: &mut Outcome,
) -> anyhow::Result<()> {
    for count in 2..=TIMES_CUT_OFF {
        engine.exec.ui().status("Starting", format!("it again: is an answer cut off {count} times?"));
        let (container, started) = start(engine, input, &input.start(engine.cwd))?;
        let mut again = Outcome::default();
        if let Some(place) = healthy(engine, input, started, Instant::now(), &mut again)? {
            stop(engine, input, None, Load::new(engine.exec, &place, page, files), &mut again)?;
        }
        container.remove()?;
        let drained = again.checks.into_iter().find(|check| check.name == "drain");
        let place = outcome.checks.iter().position(|check| check.name == "drain");
        let (Some(drained), Some(place)) = (drained, place) else { return Ok(()) };
        let detail = match again.is_cut_off {
            true => format!("{}; so {count} times in a row", drained.detail),
            false => format!(
                "{}; at try {} an answer was cut off, which an engine does too",
                drained.detail,
                count - 1
            ),
        };
        outcome.checks[place] = CheckRecord { detail, ..drained };
        if !again.is_cut_off {
            return Ok(());
        }
    }
    Ok(())
}

fn wait_for_the_end(
    engine: &Engine<'_>,
    input: &SmokeImage,
    limit: Duration,
    told: &dyn Fn(Moment),
) -> anyhow::Result<(State, Option<Duration>)> {
    let began = Instant::now();
    told(Moment::BeforeSignal);
    let sent = engine.probe(&input.stop(engine.cwd))?;
    told(Moment::AfterSignal);
    loop {
        let state = engine.container(&input.container)?.state;
        if !state.running {
            return Ok((state, Some(began.elapsed())));
        }
        if !sent.success {
            let why = engine.exec.redact(sent.stderr.trim());
            return Err(Failure::new(Exit::CommandFailed, format!("`docker kill` failed: {why}")).into());
        }
        if began.elapsed() >= limit {
            return Ok((state, None));
        }
        engine.exec.sleep(POLL_INTERVAL)?;
    }
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
