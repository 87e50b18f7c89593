//! One child process and everything it started: begin, wait, stop, reap.
//!
//! Every child leads a process group of its own. None of the group outlives it: what is left when the leader is gone is
//! killed, after success too. A daemon that starts its own session (a compile cache's server) has left the group, and
//! survives on purpose. Knows nothing about output or about what a failure means.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io::{ErrorKind, PipeWriter};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::ExitStatus;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};

use super::signal::Interrupts;
use crate::plan::Invocation;

/// How long a look at the child may be put off: so late may we see its end.
const POLL_MAX: Duration = Duration::from_millis(20);
/// No later than this part of the time that the child has taken: a question to rustc takes 15 ms, and several are
/// asked.
const POLL_SHARE: u32 = 10;
/// How long a group that was killed may take to be gone.
const KILL_PATIENCE: Duration = Duration::from_secs(1);

/// Why a child had to be stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    TimedOut,
    Interrupted,
    Abandoned,
}

/// What stops a command before its end, beside its time-out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// Whether the failure of what it is part of stops it.
    pub(super) can_be_abandoned: bool,
    /// How long after the first signal it may go on.
    pub(super) after_signal: Duration,
}

impl Patience {
    /// A command that a signal stops at once.
    pub(super) fn none(can_be_abandoned: bool) -> Patience {
        Patience { can_be_abandoned, after_signal: Duration::ZERO }
    }
}

/// A started child. Dropping it kills its group.
pub(super) struct Process {
    handle: duct::Handle,
    pid: Pid,
    reaped: bool,
}

impl Process {
    /// Starts `program` with the command's arguments. Without a pipe, output goes to our own standard error.
    pub(super) fn start(
        command: &Invocation,
        program: &Path,
        environment: &HashMap<OsString, OsString>,
        stdout: Option<PipeWriter>,
        stderr: Option<PipeWriter>,
    ) -> std::io::Result<Process> {
        let mut expression = duct::cmd(program, &command.args).unchecked();
        expression = match command.stdin.is_empty() {
            true => expression.stdin_null(),
            false => expression.stdin_bytes(command.stdin.as_bytes()),
        };
        expression = expression.dir(&command.cwd).full_env(environment);
        expression = match stdout {
            Some(pipe) => expression.stdout_file(pipe),
            None => expression.stdout_to_stderr(),
        };
        if let Some(pipe) = stderr {
            expression = expression.stderr_file(pipe);
        }
        expression = expression.before_spawn(|command| {
            command.process_group(0);
            Ok(())
        });
        let handle = start_patiently(&expression)?;
        let pid = handle.pids().first().and_then(|pid| Pid::from_raw(i32::try_from(*pid).ok()?));
        let pid = pid.ok_or_else(|| std::io::Error::other("the child has no process id"))?;
        Ok(Process { handle, pid, reaped: false })
    }

    pub(super) fn id(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// Waits until the leader has ended, or for a reason to stop it. `pause` has to come back after about the time
    /// that it is given.
    pub(super) fn wait(
        &self,
        timeout: Duration,
        interrupts: &Interrupts,
        patience: Patience,
        pause: &mut dyn FnMut(Duration) -> bool,
    ) -> std::io::Result<Option<Stop>> {
        // "For ever" has no deadline.
        let began = Instant::now();
        let deadline = began.checked_add(timeout);
        while !self.has_ended()? {
            if interrupts.age().is_some_and(|age| age >= patience.after_signal) {
                return Ok(Some(Stop::Interrupted));
            }
            if patience.can_be_abandoned && interrupts.abandoned() {
                return Ok(Some(Stop::Abandoned));
            }
            let left =
                deadline.map_or(POLL_MAX, |deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return Ok(Some(Stop::TimedOut));
            }
            let delay = (began.elapsed() / POLL_SHARE).clamp(Duration::from_millis(1), POLL_MAX);
            pause(delay.min(left));
        }
        Ok(None)
    }

    /// When the leader has ended, to the millisecond: a thread of its own waits for it, and reaps nothing.
    pub(super) fn end(&self) -> JoinHandle<Instant> {
        let pid = self.pid;
        std::thread::spawn(move || {
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            while matches!(rustix::process::waitid(WaitId::Pid(pid), options), Err(rustix::io::Errno::INTR)) {
            }
            Instant::now()
        })
    }

    /// Asks the whole group to end, and kills what is left of it after `grace` or a second signal.
    pub(super) fn stop(
        &self,
        grace: Duration,
        interrupts: &Interrupts,
        pause: &mut dyn FnMut(Duration) -> bool,
    ) -> std::io::Result<()> {
        self.signal(Signal::TERM);
        // A process that is suspended sees the signal only once it goes on.
        self.signal(Signal::CONT);
        let deadline = Instant::now().checked_add(grace);
        let is_late = || deadline.is_some_and(|deadline| Instant::now() >= deadline);
        let mut delay = Duration::from_millis(1);
        while !is_late() && !interrupts.urgent() && (!self.has_ended()? || self.group_is_alive()) {
            pause(delay);
            delay = (delay * 2).min(POLL_MAX);
        }
        self.signal(Signal::KILL);
        let deadline = Instant::now() + KILL_PATIENCE;
        while Instant::now() < deadline && (!self.has_ended()? || self.group_is_alive()) {
            pause(POLL_MAX);
        }
        Ok(())
    }

    /// Kills what is left of the group and takes the leader's status and its CPU time.
    pub(super) fn reap(mut self) -> std::io::Result<(ExitStatus, Option<Duration>)> {
        let cpu = self.cpu();
        self.signal(Signal::KILL);
        self.reaped = true;
        let output = self.handle.wait()?;
        Ok((output.status, cpu))
    }

    /// Whether the leader has ended. It is not reaped, so that its id still stands for this group and no other.
    pub(super) fn has_ended(&self) -> std::io::Result<bool> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        Ok(rustix::process::waitid(WaitId::Pid(self.pid), options)?.is_some())
    }

    fn signal(&self, signal: Signal) {
        // The group may be gone already, which is what we want.
        let _ = rustix::process::kill_process_group(self.pid, signal);
    }

    /// Whether a process of the group still runs. The leader's own remains do not count.
    fn group_is_alive(&self) -> bool {
        if cfg!(target_os = "linux") {
            let group = self.pid.as_raw_nonzero().to_string();
            let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
            let mut names = processes.filter_map(|entry| entry.file_name().into_string().ok());
            names.any(|name| {
                stat_fields(&name)
                    .is_some_and(|fields| fields.get(2) == Some(&group) && !"ZX".contains(&fields[0]))
            })
        } else {
            // Elsewhere a group of remains cannot be sent a signal.
            rustix::process::test_kill_process_group(self.pid).is_ok()
        }
    }

    /// The CPU time that the leader and every child that it waited for have used. Not measured except on Linux.
    pub(super) fn cpu(&self) -> Option<Duration> {
        let fields = stat_fields(&self.pid.as_raw_nonzero().to_string())?;
        let mut ticks = 0;
        for field in fields.get(11..15)? {
            ticks += field.parse::<u64>().ok()?;
        }
        Some(Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.reaped {
            self.signal(Signal::KILL);
            let _ = self.handle.wait();
        }
    }
}

/// A program that was written a moment ago is busy while another thread's child, forked in that moment, still holds
/// the file open.
fn start_patiently(expression: &duct::Expression) -> std::io::Result<duct::Handle> {
    let mut attempts = 0;
    loop {
        match expression.start() {
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy && attempts < 50 => attempts += 1,
            result => return result,
        }
        std::thread::sleep(POLL_MAX);
    }
}

/// The fields of `/proc/<pid>/stat` from the third on, the state; the second, the program's name, may hold anything.
fn stat_fields(pid: &str) -> Option<Vec<String>> {
    if !pid.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    let stat = String::from_utf8_lossy(&stat).into_owned();
    let (_, fields) = stat.rsplit_once(") ")?;
    Some(fields.split_whitespace().map(str::to_owned).collect())
}
