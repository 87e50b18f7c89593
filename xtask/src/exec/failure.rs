//! What is said about a command that did not succeed.
//!
//! Owns the wording. Every text goes through the redactor; nothing here runs anything.

use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use super::redact::{MARK, Redactor, is_secret_name};
use super::signal;
use crate::exit::{Exit, Failure, hint_of_disk};
use crate::plan::Invocation;

/// The most lines of output that an error repeats.
const LINES_MAX: usize = 20;

/// The command could not succeed because of its status.
pub(super) fn failed(command: &Invocation, redactor: &Redactor, status: ExitStatus, tail: &str) -> Failure {
    let problem = match (status.code(), status.signal()) {
        (Some(code), _) => format!("failed with exit code {code}"),
        (None, Some(number)) => format!("was killed by {}", signal::name(number)),
        (None, None) => format!("ended with {status}"),
    };
    let failure = Failure::new(Exit::CommandFailed, message(command, redactor, &problem, tail));
    // A shell reports a child killed by signal 9 as 137; Rust's own tools name the signal in their last lines.
    let is_killed =
        status.signal() == Some(9) || status.code() == Some(137) || tail.contains("(signal: 9, SIGKILL");
    if is_killed {
        return failure.hint(
            "the system kills a process when memory runs out (`dmesg` tells); CARGO_BUILD_JOBS=1 needs less",
        );
    }
    match disk_problem(tail).and_then(hint_of_disk) {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// What a tool reports of the disk, in the words of the operating system, which all tools use.
pub fn disk_problem(tail: &str) -> Option<ErrorKind> {
    let known = [
        ("No space left on device", ErrorKind::StorageFull),
        ("Disk quota exceeded", ErrorKind::QuotaExceeded),
        ("Read-only file system", ErrorKind::ReadOnlyFilesystem),
    ];
    known.into_iter().find(|(words, _)| tail.contains(words)).map(|(_, kind)| kind)
}

/// Stopped because what it was part of has failed elsewhere.
pub(super) fn abandoned(command: &Invocation) -> Failure {
    Failure::new(
        Exit::CommandFailed,
        format!("`{}` was stopped: another step failed", command.program_name()),
    )
}

/// The command took longer than it may, and was stopped.
pub(super) fn timed_out(command: &Invocation, redactor: &Redactor, timeout: Duration, tail: &str) -> Failure {
    let problem = format!("took longer than {timeout:?} and was stopped");
    Failure::new(Exit::TimedOut, message(command, redactor, &problem, tail))
}

/// The command printed more than we keep.
pub(super) fn too_much_output(command: &Invocation, redactor: &Redactor, limit: usize) -> Failure {
    let problem = format!("printed more than {} MiB", limit / (1024 * 1024));
    Failure::new(Exit::CommandFailed, message(command, redactor, &problem, ""))
}

/// The operating system refused to start the command.
pub(super) fn not_started(command: &Invocation, redactor: &Redactor, error: &std::io::Error) -> Failure {
    let problem = match error.kind() {
        // The file itself is there, we have looked.
        std::io::ErrorKind::NotFound => {
            "cannot start: the interpreter or loader that it names is missing".to_owned()
        }
        _ => format!("cannot start: {error}"),
    };
    Failure::new(Exit::CommandFailed, message(command, redactor, &problem, ""))
}

pub(super) fn interrupted(number: i32) -> Failure {
    Failure::new(Exit::Interrupted(number), format!("interrupted by {}", signal::name(number)))
}

/// The command as it can be pasted into a shell, without its secrets.
pub(super) fn display(command: &Invocation, redactor: &Redactor) -> String {
    // Quoting may change a secret, so the words are redacted first.
    let mut clean = command.clone();
    for (name, value) in &mut clean.env {
        *value = if is_secret_name(name) { MARK.to_owned() } else { redactor.redact(value) };
    }
    for arg in &mut clean.args {
        *arg = redactor.redact(arg);
    }
    redactor.redact(&clean.to_string())
}

fn message(command: &Invocation, redactor: &Redactor, problem: &str, tail: &str) -> String {
    let cwd = redactor.redact(&command.cwd.display().to_string());
    let mut text =
        format!("`{}` {problem}\n  command: {}\n  folder: {cwd}", short(command), display(command, redactor));
    // Redacted first: a secret of several lines must not be cut. Colours would run on behind our own text.
    let tail = without_escapes(&redactor.redact(tail));
    let lines: Vec<&str> = tail.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    if !lines.is_empty() {
        text.push_str("\n  last lines of its output:");
        for line in &lines[lines.len().saturating_sub(LINES_MAX)..] {
            text.push_str("\n    ");
            text.push_str(line);
        }
    }
    text
}

/// `cargo build …`: enough to know which command is meant.
fn short(command: &Invocation) -> String {
    let mut text = command.program_name().to_owned();
    let mut args = command.args.iter().peekable();
    if let Some(verb) = args.next_if(|arg| arg.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'))
    {
        if verb.starts_with('-') {
            return text + " …";
        }
        text = format!("{text} {verb}");
    }
    if args.peek().is_some() { text + " …" } else { text }
}

/// The text without terminal control sequences.
pub fn without_escapes(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\u{1b}' {
            clean.push(c);
        } else if chars.next() == Some('[') {
            chars.by_ref().find(|c| ('@'..='~').contains(c));
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shortened(args: &[&str]) -> String {
        short(&Invocation::new("/usr/bin/cargo", "/").args(args.iter().copied()))
    }

    #[test]
    fn short_names() {
        assert_eq!(shortened(&[]), "cargo");
        assert_eq!(shortened(&["build"]), "cargo build");
        assert_eq!(shortened(&["build", "-p", "x"]), "cargo build …");
        assert_eq!(shortened(&["--version"]), "cargo …");
        assert_eq!(shortened(&["/some/path"]), "cargo …");
    }

    #[test]
    fn a_disk_that_a_tool_complains_about_has_a_hint() {
        let hint = |tail: &str| {
            let command = Invocation::new("x", "/");
            failed(&command, &Redactor::default(), ExitStatus::from_raw(256), tail).hint
        };
        assert!(
            hint("cannot write: No space left on device (os error 28)").unwrap().contains("disk is full")
        );
        assert!(hint("Read-only file system").unwrap().contains("read-only"));
        assert_eq!(hint("no such file"), None);
    }

    #[test]
    fn colours_are_removed_from_the_last_lines() {
        let tail = "\u{1b}[1;31merror\u{1b}[0m: no\n".repeat(30);
        let failure =
            failed(&Invocation::new("x", "/"), &Redactor::default(), ExitStatus::from_raw(256), &tail);
        assert_eq!(failure.message.matches("\n    error: no").count(), LINES_MAX);
        assert!(failure.message.starts_with("`x` failed with exit code 1\n  command: x\n  folder: /"));
    }
}
