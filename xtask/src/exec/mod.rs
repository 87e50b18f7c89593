//! The one executor: every process, every HTTP request and every file outside `target/` goes through here.
//!
//! Owns dry runs, interruption, time-outs and redaction, so that no command has to think of them. A command or request
//! may take as long as its plan says, and never longer than `XTASK_TIMEOUT` (whole seconds) where that is set.
//! Must not know what the commands are for. No other room names `duct`, `ureq`, `rustix`, `signal_hook` or
//! `std::process::Command`.

mod asking;
mod failure;
mod files;
mod http;
mod limit;
mod lock;
mod measure;
mod output;
mod panics;
mod private;
mod process;
mod program;
mod redact;
mod run;
mod running;
mod search;
mod signal;
mod space;
mod temporary;
#[cfg(test)]
mod tests;
mod traffic;
mod wake;
mod write_back;

use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use anyhow::Context;

pub use failure::{disk_problem, without_escapes};
pub use files::replace_file;
pub use http::{Answer, Method, Request};
pub use lock::FileLock;
pub use measure::Measured;
pub use private::PrivateFolder;
pub use running::Running;
pub use search::find as find_bytes;
pub use space::{Space, space};
pub use temporary::Temporary;
pub use traffic::{Traffic, Whole};
pub use wake::Wake;
pub use write_back::write_back;

use crate::exit::{Exit, Failure};
use crate::plan::Invocation;
use crate::ui::Ui;
use measure::Meter;
use process::Patience;
use redact::Redactor;
use run::{Ended, Show};
use signal::Interrupts;

/// Whether effects take place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Run,
    /// Every effect is refused; looking is allowed.
    DryRun,
}

/// What every effect goes through. Shared between threads by reference; an interruption stops the children of all.
pub struct Executor {
    ui: Ui,
    mode: Mode,
    interrupts: &'static Interrupts,
    redactor: Arc<RwLock<Arc<Redactor>>>,
    /// The longest that any command may take, whatever the plan allows it (`XTASK_TIMEOUT`).
    cap: Option<Duration>,
    /// The same for one request.
    request_cap: Option<Duration>,
}

/// A command that succeeded.
#[derive(Debug)]
pub struct Finished {
    /// From its start to its end.
    pub elapsed: Duration,
    /// The CPU time of the command and of every process that it waited for, in steps of the kernel's clock (10 ms);
    /// `None` where it cannot be measured.
    pub cpu: Option<Duration>,
    /// What was captured, as it is: secrets in it are not redacted. Empty if it was shown or given out line by line.
    pub stdout: String,
}

/// What a read-only command said.
#[derive(Debug)]
pub struct Probe {
    /// Whether it ended with exit code 0.
    pub success: bool,
    /// As it is: secrets in it are not redacted.
    pub stdout: String,
    /// Its end, at most 128 KiB.
    pub stderr: String,
}

impl Executor {
    /// An executor for this process. The first one installs the handlers for SIGINT, SIGTERM and SIGHUP. A value of
    /// `XTASK_TIMEOUT` that is no number of seconds is an error.
    pub fn new(ui: Ui, mode: Mode) -> anyhow::Result<Executor> {
        let cap = limit::from_environment()?;
        let executor = Executor::with_interrupts(ui, mode, Interrupts::process_wide()?);
        Ok(Executor { cap, request_cap: cap, ..executor })
    }

    fn with_interrupts(ui: Ui, mode: Mode, interrupts: &'static Interrupts) -> Executor {
        let redactor = Arc::new(RwLock::new(Arc::new(Redactor::from_environment())));
        Executor { ui, mode, interrupts, redactor, cap: None, request_cap: None }
    }

    /// The same, with a limit for every command. One that is set already and shorter stays.
    pub fn limited(mut self, limit: Duration) -> Executor {
        self.cap = Some(self.cap.map_or(limit, |cap| cap.min(limit)));
        self
    }

    pub fn ui(&self) -> Ui {
        self.ui
    }

    pub fn is_dry_run(&self) -> bool {
        self.mode == Mode::DryRun
    }

    /// The text without the values of secret-looking environment variables: ours, and those of commands run so far.
    pub fn redact(&self, text: &str) -> String {
        self.redactor().redact(text)
    }

    /// An error once a signal has asked us to stop. Long work of our own has to ask between its pieces.
    pub fn check_interrupted(&self) -> anyhow::Result<()> {
        match self.interrupts.signal() {
            Some(number) => Err(failure::interrupted(number).into()),
            None => Ok(()),
        }
    }

    /// Stops the commands that other threads run: what they are part of has failed, and nothing will use their results.
    /// Commands that only look go on, because a failure is recorded with what they find.
    pub fn abandon(&self) {
        self.interrupts.abandon(true);
    }

    /// Ends what [`Executor::abandon`] began, once all of those threads are back.
    pub fn resume(&self) {
        self.interrupts.abandon(false);
    }

    /// Runs a command out of sight. Its last lines are shown in the error, if it fails.
    pub fn run(&self, command: &Invocation) -> anyhow::Result<Finished> {
        self.succeed(command, Show::Nothing, &mut |_| {})
    }

    /// Runs a command whose output people see, on our standard error. On a terminal the command has the terminal;
    /// elsewhere its output is piped through the redaction.
    pub fn run_visible(&self, command: &Invocation) -> anyhow::Result<Finished> {
        self.succeed(command, Show::Everything, &mut |_| {})
    }

    /// Runs a command whose exit code is its verdict, e.g. tests; shown as by [`Executor::run_visible`]. Whether it was
    /// 0; a command that could not come to a verdict is an error.
    pub fn verdict(&self, command: &Invocation) -> anyhow::Result<bool> {
        self.refuse_in_dry_run(|| format!("run `{}`", failure::display(command, &self.redactor())))?;
        Ok(self.answer(command, Show::Everything)?.status.success())
    }

    /// The same with nothing shown: each line of both streams is handed out as it comes, as it is and without its end.
    pub fn verdict_lines(&self, command: &Invocation, mut on_line: impl FnMut(&str)) -> anyhow::Result<bool> {
        self.refuse_in_dry_run(|| format!("run `{}`", failure::display(command, &self.redactor())))?;
        Ok(self.answer_lines(command, Show::AllLines, &mut on_line)?.status.success())
    }

    /// Runs a command and hands out each line of its standard output, as it is and without the line's end, on this
    /// thread. Its standard error is shown as by [`Executor::run_visible`].
    pub fn run_lines(
        &self,
        command: &Invocation,
        mut on_line: impl FnMut(&str) + Send,
    ) -> anyhow::Result<Finished> {
        self.succeed(command, Show::Errors, &mut on_line)
    }

    /// The same with nothing shown: what it says on standard error is in the error, if it fails.
    pub fn run_lines_unseen(
        &self,
        command: &Invocation,
        mut on_line: impl FnMut(&str) + Send,
    ) -> anyhow::Result<Finished> {
        self.succeed(command, Show::Lines, &mut on_line)
    }

    /// The same for both streams, each line as it comes: nothing is shown, and nothing is kept for the error.
    pub fn run_all_lines(
        &self,
        command: &Invocation,
        mut on_line: impl FnMut(&str) + Send,
    ) -> anyhow::Result<Finished> {
        self.succeed(command, Show::AllLines, &mut on_line)
    }

    /// Starts a command that runs on while we do other things, e.g. a server; shown as by [`Executor::run_visible`].
    /// It has no time limit. It ends with the result at the latest, and never by [`Executor::abandon`].
    pub fn start(&self, command: &Invocation) -> anyhow::Result<Running> {
        self.refuse_in_dry_run(|| format!("run `{}`", failure::display(command, &self.redactor())))?;
        let attendance = self.interrupts.attend();
        self.check_interrupted()?;
        self.learn_secrets(command);
        let started = Running::start(command, self.ui, self.interrupts, attendance, self.redactor());
        Ok(started.with_context(|| format!("run `{}`", command.program_name()))??)
    }

    /// Runs a command that changes nothing, in a dry run too. It may fail: only a missing program, a time-out, an
    /// interruption and a program that was killed before it could answer are errors.
    pub fn probe(&self, command: &Invocation) -> anyhow::Result<Probe> {
        let ended = self.answer(command, Show::Nothing)?;
        Ok(Probe { success: ended.status.success(), stdout: ended.stdout, stderr: ended.stderr })
    }

    /// Runs a command out of sight and measures what it costs. It may fail. `friends` are processes that work for it
    /// without being its children, e.g. a compile cache's server.
    pub fn measure(&self, command: &Invocation, friends: &[u32]) -> anyhow::Result<Measured> {
        self.refuse_in_dry_run(|| format!("run `{}`", failure::display(command, &self.redactor())))?;
        let meter = Meter::start(friends);
        let ended = self.answer(command, Show::Nothing);
        let cpu = ended.as_ref().ok().and_then(|ended| ended.cpu);
        let seen = meter.stop(cpu);
        let ended = ended?;
        Ok(Measured {
            success: ended.status.success(),
            stdout: ended.stdout,
            stderr: ended.stderr,
            elapsed: ended.elapsed,
            cpu: seen.cpu,
            peak_memory_bytes: seen.peak_memory_bytes,
            foreign_cores: seen.foreign_cores,
        })
    }

    /// The status that one HTTP GET is answered with, in a dry run too. `timeout` covers all of it. A status of 400 and
    /// above is no error.
    pub fn fetch(&self, url: &str, timeout: Duration) -> anyhow::Result<u16> {
        self.send(&Request::new(Method::Get, url).timeout(timeout)).map(|answer| answer.status)
    }

    /// Sends one HTTP request, and never a second time. A status of 400 and above is no error; a request that changes
    /// something is refused in a dry run.
    pub fn send(&self, request: &Request) -> anyhow::Result<Answer> {
        if request.changes {
            self.refuse_in_dry_run(|| request.display())?;
        }
        let capped = self.request_cap.filter(|cap| *cap < request.timeout);
        let request = match capped {
            Some(cap) => &request.clone().timeout(cap),
            None => request,
        };
        let explained = |error: anyhow::Error| -> anyhow::Error {
            match (capped, error.downcast::<Failure>()) {
                (Some(cap), Ok(failure)) if failure.exit == Exit::TimedOut => {
                    failure.hint(limit::hint_for_request(cap)).into()
                }
                (_, Ok(failure)) => failure.into(),
                (_, Err(error)) => error,
            }
        };
        let deadline = Instant::now().checked_add(request.timeout);
        let (sender, answer) = channel();
        let sent = request.clone();
        // In a thread of its own, which is left alone after an interruption: a blocked read cannot be woken.
        std::thread::spawn(move || sender.send(http::send(&sent)));
        loop {
            self.check_interrupted()?;
            match answer.recv_timeout(Duration::from_millis(20)) {
                Ok(result) => return result.map_err(|error| self.redacted(explained(error))),
                Err(RecvTimeoutError::Disconnected) => anyhow::bail!("the HTTP client broke down"),
                Err(RecvTimeoutError::Timeout) => {}
            }
            // The look-up of a name may take longer than the client allows for.
            let grace = Duration::from_secs(1);
            if deadline.is_some_and(|deadline| Instant::now() > deadline + grace) {
                return Err(self.redacted(explained(http::timed_out(request))));
            }
        }
    }

    /// Waits, and ends early with an error once a signal has asked us to stop.
    pub fn sleep(&self, time: Duration) -> anyhow::Result<()> {
        let until = Instant::now() + time;
        loop {
            self.check_interrupted()?;
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            std::thread::sleep(left.min(Duration::from_millis(20)));
        }
    }

    /// Keeps a secret that came from elsewhere than the environment, e.g. from a file, out of everything shown.
    pub fn learn_secret(&self, value: &str) {
        self.learn(|redactor| redactor.learn_value(value));
    }

    /// The name of a variable whose secret is in the content in any spelling, if there is one; empty for a secret
    /// without a name. Values shorter than `length_min` bytes are not looked for: they are in much by chance.
    pub fn secret_in(&self, content: &[u8], length_min: usize) -> Option<String> {
        self.redactor().find(content, length_min).map(str::to_owned)
    }

    /// Keeps the values of secret-looking variables that belong to somebody else's environment out of everything shown.
    pub fn learn_variables<'a>(&self, variables: impl Iterator<Item = (&'a str, &'a str)>) {
        self.learn(|redactor| {
            for (name, value) in variables {
                redactor.learn(name, value);
            }
        });
    }

    /// Gives a file outside `target/` this content, whole or not at all; creates missing folders.
    pub fn write_file(&self, path: &Path, content: &[u8]) -> anyhow::Result<()> {
        self.refuse_in_dry_run(|| format!("write {}", path.display()))?;
        self.check_interrupted()?;
        replace_file(path, content)?;
        Ok(())
    }

    /// Appends to a file outside `target/` that exists for others to append to; creates it and its folder where they
    /// are missing.
    pub fn append_file(&self, path: &Path, content: &[u8]) -> anyhow::Result<()> {
        self.refuse_in_dry_run(|| format!("append to {}", path.display()))?;
        files::append(path, content)
    }

    fn succeed(
        &self,
        command: &Invocation,
        show: Show,
        on_line: &mut dyn FnMut(&str),
    ) -> anyhow::Result<Finished> {
        self.refuse_in_dry_run(|| format!("run `{}`", failure::display(command, &self.redactor())))?;
        let ended = self.carry_out(command, show, true, on_line)?;
        if !ended.status.success() {
            return Err(failure::failed(command, &self.redactor(), ended.status, &ended.tail).into());
        }
        Ok(Finished { elapsed: ended.elapsed, cpu: ended.cpu, stdout: ended.stdout })
    }

    /// A command that may fail, but not without having said so itself.
    fn answer(&self, command: &Invocation, show: Show) -> anyhow::Result<Ended> {
        self.answer_lines(command, show, &mut |_| {})
    }

    fn answer_lines(
        &self,
        command: &Invocation,
        show: Show,
        on_line: &mut dyn FnMut(&str),
    ) -> anyhow::Result<Ended> {
        let ended = self.carry_out(command, show, false, on_line)?;
        match ended.status.code() {
            Some(_) => Ok(ended),
            None => Err(failure::failed(command, &self.redactor(), ended.status, &ended.tail).into()),
        }
    }

    fn carry_out(
        &self,
        command: &Invocation,
        show: Show,
        can_be_abandoned: bool,
        on_line: &mut dyn FnMut(&str),
    ) -> anyhow::Result<Ended> {
        // Announced before the check, so that a signal is seen either here or by whoever waits for the child.
        let _attendance = self.interrupts.attend();
        self.check_interrupted()?;
        let ended = self.carry_through(command, show, Patience::none(can_be_abandoned), on_line);
        // Success after an interruption would be recorded as success.
        self.check_interrupted()?;
        ended
    }

    /// Starts a command even after an interruption, and does not stop it before our patience is at an end.
    fn carry_through(
        &self,
        command: &Invocation,
        show: Show,
        patience: Patience,
        on_line: &mut dyn FnMut(&str),
    ) -> anyhow::Result<Ended> {
        self.learn_secrets(command);
        let capped = self.cap.filter(|cap| *cap < command.timeout && command.timeout != Duration::MAX);
        let command = match capped {
            Some(cap) => &command.clone().timeout(cap),
            None => command,
        };
        let (ui, interrupts, redactor) = (self.ui, self.interrupts, self.redactor());
        let ended = run::to_the_end(command, show, patience, on_line, ui, interrupts, redactor);
        ended.with_context(|| format!("run `{}`", command.program_name()))?.map_err(|failure| match capped {
            Some(cap) if failure.exit == Exit::TimedOut => failure.hint(limit::hint(cap)).into(),
            _ => failure.into(),
        })
    }

    fn refuse_in_dry_run(&self, action: impl Fn() -> String) -> anyhow::Result<()> {
        match self.mode {
            Mode::Run => Ok(()),
            Mode::DryRun => anyhow::bail!("refused in a dry run: {}", self.redact(&action())),
        }
    }

    fn redactor(&self) -> Arc<Redactor> {
        Arc::clone(&self.redactor.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn learn_secrets(&self, command: &Invocation) {
        self.learn(|redactor| {
            for (name, value) in &command.env {
                redactor.learn(name, value);
            }
        });
    }

    /// Under one lock from the first look to the last: what two threads learn at the same time, e.g. a token each, is
    /// kept by both.
    fn learn(&self, teach: impl FnOnce(&mut Redactor)) {
        let mut known = self.redactor.write().unwrap_or_else(PoisonError::into_inner);
        teach(Arc::make_mut(&mut known));
    }

    /// The same failure with a message that holds no secret.
    fn redacted(&self, error: anyhow::Error) -> anyhow::Error {
        match error.downcast::<Failure>() {
            Ok(mut failure) => {
                failure.message = self.redact(&failure.message);
                failure.into()
            }
            Err(error) => error,
        }
    }
}
