//! A command that runs on while we do other things: started, looked at, stopped.
//!
//! Its process group dies with the value that stands for it. Does not know why somebody wants it to run.

use std::ffi::{OsStr, OsString};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::failure;
use super::output::Readers;
use super::process::Process;
use super::program;
use super::redact::Redactor;
use super::run::{Output, Show, Streams, connect, environment};
use super::signal::{Attendance, Interrupts};
use crate::exit::Failure;
use crate::plan::Invocation;
use crate::ui::Ui;

/// How long to wait for more output after the command has ended.
const OUTPUT_PATIENCE: Duration = Duration::from_millis(200);

/// A started command. Dropping it kills its process group at once.
pub struct Running {
    command: Invocation,
    process: Process,
    readers: Readers,
    kept: Output,
    redactor: Arc<Redactor>,
    interrupts: &'static Interrupts,
    /// A second signal has to find us here, so that the group is killed before we end.
    _attendance: Attendance<'static>,
}

impl Running {
    /// The outer error is one of the operating system, the inner one the command's.
    pub(super) fn start(
        command: &Invocation,
        ui: Ui,
        interrupts: &'static Interrupts,
        attendance: Attendance<'static>,
        redactor: Arc<Redactor>,
    ) -> std::io::Result<Result<Running, Failure>> {
        let environment = environment(command);
        let path = environment.get(OsStr::new("PATH")).map(OsString::as_os_str);
        let program = match program::find(command, path) {
            Ok(program) => program,
            Err(failure) => return Ok(Err(failure)),
        };
        let Streams { readers, to_stdout, to_stderr, kept, .. } = connect(Show::Everything, ui, &redactor)?;
        match Process::start(command, &program, &environment, to_stdout, to_stderr) {
            Ok(process) => Ok(Ok(Running {
                command: command.clone(),
                process,
                readers,
                kept,
                redactor,
                interrupts,
                _attendance: attendance,
            })),
            Err(error) => Ok(Err(failure::not_started(command, &redactor, &error))),
        }
    }

    /// The id of its process, which leads the group.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// The CPU time of the command so far, and of every process that it has waited for; `None` where it cannot be
    /// measured.
    pub fn cpu(&self) -> Option<Duration> {
        self.process.cpu()
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&self) -> anyhow::Result<bool> {
        Ok(self.process.has_ended()?)
    }

    /// What to say of a command that should have run on and has ended by itself.
    pub fn failure(self) -> anyhow::Result<Failure> {
        let (status, _) = self.process.reap()?;
        self.readers.finish(OUTPUT_PATIENCE, &mut sleep);
        Ok(failure::failed(&self.command, &self.redactor, status, &self.kept.tail()))
    }

    /// Asks the group to end and kills what is left of it after the command's `stop_grace`, or at once after a second
    /// signal to us. How long that took.
    pub fn stop(self) -> anyhow::Result<Duration> {
        let began = Instant::now();
        self.process.stop(self.command.stop_grace, self.interrupts, &mut sleep)?;
        self.process.reap()?;
        self.readers.finish(OUTPUT_PATIENCE, &mut sleep);
        Ok(began.elapsed())
    }
}

/// Nothing is handed out meanwhile.
fn sleep(time: Duration) -> bool {
    std::thread::sleep(time);
    false
}
