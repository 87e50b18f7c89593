//! One command from its start to its end.
//!
//! Joins the program's file, the process, its output and its limits. Does not know dry runs, nor whether an exit code
//! other than 0 is a failure: whoever asked decides that.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::io::PipeWriter;
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use super::failure;
use super::output::{DATA_SIZE_MAX, Echo, Kept, Readers, Sink};
use super::process::{Patience, Process, Stop};
use super::program;
use super::redact::Redactor;
use super::signal::Interrupts;
use crate::exit::Failure;
use crate::plan::Invocation;
use crate::ui::Ui;

/// How long to wait for more output after the command has ended.
const OUTPUT_PATIENCE: Duration = Duration::from_secs(2);
/// How many lines may wait for the callback before the command has to wait as well.
const LINES_WAITING_MAX: usize = 256;

/// What people see of a command's output.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Show {
    /// Nothing: both streams are kept.
    Nothing,
    /// Nothing: standard error is kept, standard output is given out line by line.
    Lines,
    /// Nothing: both streams are given out line by line.
    AllLines,
    /// Standard error; standard output is given out line by line.
    Errors,
    /// Both streams.
    Everything,
}

impl Show {
    /// Whether standard error goes nowhere but into the error of a failure.
    fn keeps_errors(self) -> bool {
        matches!(self, Show::Nothing | Show::Lines)
    }
}

/// A command that ended by itself.
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    pub(super) elapsed: Duration,
    pub(super) cpu: Option<Duration>,
    pub(super) stdout: String,
    pub(super) stderr: String,
    /// The end of standard output, except lines, and then that of standard error, as far as they were piped.
    pub(super) tail: String,
}

/// Runs the command until it has ended or was stopped, and until nothing of it is left. The outer error is one of the
/// operating system, the inner one the command's.
pub(super) fn to_the_end(
    command: &Invocation,
    show: Show,
    patience: Patience,
    on_line: &mut dyn FnMut(&str),
    ui: Ui,
    interrupts: &Interrupts,
    redactor: Arc<Redactor>,
) -> std::io::Result<Result<Ended, Failure>> {
    let environment = environment(command);
    let program = match program::find(command, environment.get(OsStr::new("PATH")).map(OsString::as_os_str)) {
        Ok(program) => program,
        Err(failure) => return Ok(Err(failure)),
    };

    let Streams { readers, to_stdout, to_stderr, lines, kept } = connect(show, ui, &redactor)?;
    let mut pause = |time: Duration| match &lines {
        Some(lines) => hand_out(lines, time, on_line),
        None => {
            std::thread::sleep(time);
            false
        }
    };
    let started = Instant::now();
    let process = match Process::start(command, &program, &environment, to_stdout, to_stderr) {
        Ok(process) => process,
        Err(error) => return Ok(Err(failure::not_started(command, &redactor, &error))),
    };
    let end = process.end();
    let stop = process.wait(command.timeout, interrupts, patience, &mut pause)?;
    if stop.is_some() {
        process.stop(command.stop_grace, interrupts, &mut pause)?;
    }
    let ended = end.join().unwrap_or_else(|_| Instant::now());
    let elapsed = ended.saturating_duration_since(started);
    let (status, cpu) = process.reap()?;
    readers.finish(OUTPUT_PATIENCE, &mut pause);
    // What the callback has not seen yet.
    if let Some(lines) = &lines {
        lines.try_iter().for_each(|line| on_line(&line));
    }

    let tail = kept.tail();
    if stop == Some(Stop::TimedOut) {
        return Ok(Err(failure::timed_out(command, &redactor, command.timeout, &tail)));
    }
    if stop == Some(Stop::Abandoned) {
        return Ok(Err(failure::abandoned(command)));
    }
    if kept.stdout.is_cut() {
        return Ok(Err(failure::too_much_output(command, &redactor, DATA_SIZE_MAX)));
    }
    Ok(Ok(Ended {
        status,
        elapsed,
        cpu,
        stdout: kept.stdout.text(),
        stderr: if show.keeps_errors() { kept.stderr.text() } else { String::new() },
        tail,
    }))
}

/// A command's output before it starts: what the child is given, and what reads the other ends.
pub(super) struct Streams {
    pub(super) readers: Readers,
    /// Without a pipe the child writes to our own standard error.
    pub(super) to_stdout: Option<PipeWriter>,
    pub(super) to_stderr: Option<PipeWriter>,
    lines: Option<Receiver<String>>,
    pub(super) kept: Output,
}

/// The output that is kept.
pub(super) struct Output {
    stdout: Kept,
    stdout_end: Kept,
    /// The end of standard error, and of standard output where that has the same pipe.
    stderr: Kept,
}

impl Output {
    /// Two pipes have no common order. Errors come last, so that they are never cut off for the sake of the rest.
    pub(super) fn tail(&self) -> String {
        let mut tail = self.stdout_end.text();
        if !tail.is_empty() && !tail.ends_with('\n') {
            tail.push('\n');
        }
        tail + &self.stderr.text()
    }
}

pub(super) fn connect(show: Show, ui: Ui, redactor: &Arc<Redactor>) -> std::io::Result<Streams> {
    let kept = Output { stdout: Kept::data(), stdout_end: Kept::tail(), stderr: Kept::tail() };
    let mut streams =
        Streams { readers: Readers::new(), to_stdout: None, to_stderr: None, lines: None, kept };
    let (readers, kept) = (&streams.readers, &streams.kept);
    if show != Show::Everything {
        let (pipe, writer) = std::io::pipe()?;
        if show != Show::Nothing {
            let (sender, receiver) = sync_channel(LINES_WAITING_MAX);
            readers.start(pipe, Sink::lines(sender), None)?;
            streams.lines = Some(receiver);
        } else {
            readers.start(pipe, Sink::Keep(kept.stdout.clone()), Some(kept.stdout_end.clone()))?;
        }
        if show == Show::AllLines {
            streams.to_stderr = Some(writer.try_clone()?);
        }
        streams.to_stdout = Some(writer);
    }
    if show != Show::AllLines && (show.keeps_errors() || !ui.is_terminal()) {
        let (pipe, writer) = std::io::pipe()?;
        if show.keeps_errors() {
            readers.start(pipe, Sink::Keep(kept.stderr.clone()), None)?;
        } else {
            let echo = Sink::Echo(ui, Echo::new(Arc::clone(redactor)));
            readers.start(pipe, echo, Some(kept.stderr.clone()))?;
        }
        if streams.to_stdout.is_none() {
            // One pipe for both, so that their lines stay in order.
            streams.to_stdout = Some(writer.try_clone()?);
        }
        streams.to_stderr = Some(writer);
    }
    Ok(streams)
}

/// What lets its bearer push images and deploy. Build scripts and proc-macros of any dependency run in cargo's
/// environment, and have no use for it.
const WITHHELD: [&str; 5] =
    ["GITHUB_TOKEN", "GH_TOKEN", "XTASK_REGISTRY_PASSWORD", "RAILWAY_TOKEN", "RAILWAY_API_TOKEN"];

/// Whether the command has the app's code compiled. What installs tools asks GitHub with the token: it may only ask so
/// often without one.
fn compiles_the_app(command: &Invocation) -> bool {
    let first = command.args.iter().find(|arg| !arg.starts_with(['+', '-'])).map(String::as_str);
    let installs = matches!(first, Some("install" | "binstall"));
    matches!(command.program_name(), "cargo" | "cargo-leptos") && !installs
}

/// Our environment as the command changes it: removals first, as in the printed plan.
pub(super) fn environment(command: &Invocation) -> HashMap<OsString, OsString> {
    changed(std::env::vars_os().collect(), command)
}

fn changed(
    mut environment: HashMap<OsString, OsString>,
    command: &Invocation,
) -> HashMap<OsString, OsString> {
    if compiles_the_app(command) {
        for name in WITHHELD {
            environment.remove(OsStr::new(name));
        }
    }
    for name in &command.env_remove {
        environment.remove(OsStr::new(name));
    }
    environment.extend(command.env.iter().map(|(name, value)| (name.into(), value.into())));
    environment
}

/// Gives lines to the callback for about this long. Whether there were any.
fn hand_out(lines: &Receiver<String>, time: Duration, on_line: &mut dyn FnMut(&str)) -> bool {
    let deadline = Instant::now() + time;
    let mut is_any = false;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match lines.recv_timeout(left) {
            Ok(line) => on_line(&line),
            Err(RecvTimeoutError::Timeout) => return is_any,
            Err(RecvTimeoutError::Disconnected) => {
                std::thread::sleep(left);
                return is_any;
            }
        }
        is_any = true;
        if left.is_zero() {
            return true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_compiles_the_app_has_no_token_to_push_or_deploy_with() {
        let own = || {
            let names = WITHHELD.iter().chain(["PATH"].iter());
            names.map(|name| (OsString::from(name), OsString::from("own"))).collect::<HashMap<_, _>>()
        };
        let left = |program: &str, args: &[&str]| {
            changed(own(), &Invocation::new(program, "/").args(args.iter().copied())).len()
        };
        assert_eq!(left("cargo", &["build", "--package", "app"]), 1);
        assert_eq!(left("/usr/bin/cargo", &["+stable", "--quiet", "test"]), 1);
        assert_eq!(left("cargo-leptos", &["leptos", "build"]), 1);
        assert_eq!(left("cargo", &["binstall", "sccache"]), 6);
        assert_eq!(left("docker", &["run", "--env", "GITHUB_TOKEN"]), 6);
        // What the command itself is given stays.
        let given = Invocation::new("cargo", "/").arg("build").env("GITHUB_TOKEN", "given");
        assert_eq!(changed(own(), &given)[OsStr::new("GITHUB_TOKEN")], "given");
    }
}
