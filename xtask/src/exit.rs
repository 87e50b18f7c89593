//! How a run can end: the documented exit codes, and the one error type that carries them.
//!
//! Errors travel as `anyhow::Error`; a [`Failure`] somewhere in the chain decides the exit code.

use std::fmt;
use std::io::ErrorKind;

/// The documented exit codes of every command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 1: a check failed: budget, drift, stale build, unhealthy app, failing test.
    CheckFailed,
    /// 2: wrong usage or configuration. clap uses the same code.
    Usage,
    /// 3: a tool is missing and no source for it could be reached.
    MissingTool,
    /// 4: an external command or one of our own operations failed.
    CommandFailed,
    /// 5: something took longer than its limit.
    TimedOut,
    /// 128 + signal: interrupted by Ctrl-C (130), SIGTERM (143) or SIGHUP (129).
    Interrupted(i32),
}

impl Exit {
    /// The number given to the operating system.
    pub fn code(self) -> i32 {
        match self {
            Exit::CheckFailed => 1,
            Exit::Usage => 2,
            Exit::MissingTool => 3,
            Exit::CommandFailed => 4,
            Exit::TimedOut => 5,
            Exit::Interrupted(signal) => 128 + signal,
        }
    }

    /// The exit code that an error stands for: that of the first [`Failure`] in its chain, else "a command failed".
    pub fn of(error: &anyhow::Error) -> Exit {
        error
            .chain()
            .find_map(|cause| cause.downcast_ref::<Failure>())
            .map_or(Exit::CommandFailed, |failure| failure.exit)
    }
}

/// An expected failure: what went wrong and where, and the command or edit that mends it.
#[derive(Debug)]
pub struct Failure {
    pub exit: Exit,
    pub message: String,
    /// Printed on a line of its own as `hint: …`.
    pub hint: Option<String>,
}

impl Failure {
    pub fn new(exit: Exit, message: impl Into<String>) -> Failure {
        Failure { exit, message: message.into(), hint: None }
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Failure {
        self.hint = Some(hint.into());
        self
    }

    /// Wrong usage or configuration (exit code 2).
    pub fn usage(message: impl Into<String>) -> Failure {
        Failure::new(Exit::Usage, message)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// The hint of the first [`Failure`] in the chain that has one, else what helps against the operating system's refusal.
pub fn hint_of(error: &anyhow::Error) -> Option<&str> {
    let given = error.chain().find_map(|cause| cause.downcast_ref::<Failure>()?.hint.as_deref());
    given.or_else(|| {
        error.chain().find_map(|cause| hint_of_disk(cause.downcast_ref::<std::io::Error>()?.kind()))
    })
}

/// What to do about a disk that does not take what is written.
pub fn hint_of_disk(kind: ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Some(
            "the disk is full: make room (`cargo clean` does), or set CARGO_TARGET_DIR to a folder elsewhere",
        ),
        ErrorKind::ReadOnlyFilesystem => {
            Some("the file system is read-only: set CARGO_TARGET_DIR to a folder that can be written to")
        }
        _ => None,
    }
}
