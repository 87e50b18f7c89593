//! What a command makes outside this process and has to be gone when we are, e.g. a container.
//!
//! A process group ends with us; what a daemon was told to make does not. An interruption refuses every new command, so
//! the one that cleans up has a way of its own. Does not know what is made.

use std::time::Duration;

use super::process::Patience;
use super::run::Show;
use super::signal::Attendance;
use super::{Executor, Probe, failure};
use crate::plan::Invocation;

/// How long after a signal the command that makes it may go on. Stopped at once it could leave something behind that is
/// not there yet when we clean up, because the daemon goes on without its client: so did 3 of 80 containers whose
/// `docker run` was stopped in its first 200 ms.
const MAKE_AFTER_SIGNAL: Duration = Duration::from_secs(3);
/// How long after a signal the command that removes it may go on. A cancelled job of GitHub's is killed after 7.5 s.
const REMOVE_AFTER_SIGNAL: Duration = Duration::from_secs(6);
/// Neither has anything of its own to clean up.
const STOP_GRACE: Duration = Duration::from_millis(200);

/// Something that was made and is removed however we end: by [`Temporary::remove`], else when this is dropped, be it by
/// an error, an interruption or a panic. As long as it lives a second signal does not end us.
pub struct Temporary<'a> {
    exec: &'a Executor,
    /// `None` once it has been run.
    remove: Option<Invocation>,
    _attendance: Attendance<'a>,
}

impl Executor {
    /// Sees to it that `remove` is run at the end whatever happens, as [`Executor::make_temporary`] does, where what it
    /// removes is made by others, if at all: a compiler wrapper starts a server of its own when ours is gone.
    pub fn remove_at_end(&self, remove: Invocation) -> anyhow::Result<Temporary<'_>> {
        self.refuse_in_dry_run(|| format!("run `{}`", failure::display(&remove, &self.redactor())))?;
        let attendance = self.interrupts.attend();
        self.check_interrupted()?;
        Ok(Temporary { exec: self, remove: Some(remove), _attendance: attendance })
    }

    /// Runs `make`, which may fail, and sees to it that `remove` is run afterwards whatever happens. `remove` must
    /// succeed where there is nothing to remove. Both are out of sight. A signal gives both a few seconds more: we end
    /// within 7 seconds of it.
    pub fn make_temporary(
        &self,
        make: &Invocation,
        remove: Invocation,
    ) -> anyhow::Result<(Temporary<'_>, Probe)> {
        self.refuse_in_dry_run(|| format!("run `{}`", failure::display(make, &self.redactor())))?;
        let temporary = self.remove_at_end(remove)?;
        let made = temporary.run(make, MAKE_AFTER_SIGNAL);
        self.check_interrupted()?;
        Ok((temporary, made?))
    }
}

impl Temporary<'_> {
    /// Removes it now.
    pub fn remove(mut self) -> anyhow::Result<()> {
        self.remove_once()
    }

    fn remove_once(&mut self) -> anyhow::Result<()> {
        let Some(command) = self.remove.take() else { return Ok(()) };
        let shown = failure::display(&command, &self.exec.redactor());
        let answer = self.run(&command, REMOVE_AFTER_SIGNAL)?;
        let why = match answer.stderr.trim() {
            "" => "it did not succeed in time".to_owned(),
            why => self.exec.redact(why),
        };
        anyhow::ensure!(answer.success, "could not clean up: {why}\n  do it by hand: {shown}");
        Ok(())
    }

    fn run(&self, command: &Invocation, after_signal: Duration) -> anyhow::Result<Probe> {
        let command = Invocation { stop_grace: STOP_GRACE, ..command.clone() };
        let patience = Patience { can_be_abandoned: false, after_signal };
        let ended = self.exec.carry_through(&command, Show::Nothing, patience, &mut |_| {})?;
        Ok(Probe { success: ended.status.success(), stdout: ended.stdout, stderr: ended.stderr })
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.remove_once() {
            self.exec.ui().error(format!("{error:#}"));
        }
    }
}
