//! Interruptions: what SIGINT, SIGTERM and SIGHUP mean to a running command.
//!
//! Owns the process-wide signal handlers and the answer to "has somebody asked us to stop?". Knows nothing about
//! children; whoever waits for one asks here.

use std::io::Read;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use rustix::process::Signal;

/// What has arrived so far. Only tests make more than one of these.
pub(super) struct Interrupts {
    first: AtomicI32,
    since: Mutex<Option<Instant>>,
    count: AtomicUsize,
    attended: AtomicUsize,
    abandoned: AtomicBool,
}

static PROCESS_WIDE: Interrupts = Interrupts::new();
static INSTALLED: Mutex<bool> = Mutex::new(false);

impl Interrupts {
    pub(super) const fn new() -> Interrupts {
        Interrupts {
            first: AtomicI32::new(0),
            since: Mutex::new(None),
            count: AtomicUsize::new(0),
            attended: AtomicUsize::new(0),
            abandoned: AtomicBool::new(false),
        }
    }

    /// The interruptions of this process; installs the handlers on the first call.
    pub(super) fn process_wide() -> anyhow::Result<&'static Interrupts> {
        let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
        if !*installed {
            listen().context("install the signal handlers")?;
            *installed = true;
        }
        Ok(&PROCESS_WIDE)
    }

    /// Counts one signal.
    pub(super) fn note(&self, signal: i32) {
        let _ = self.first.compare_exchange(0, signal, Ordering::SeqCst, Ordering::SeqCst);
        // Last, so that whoever is stopped because of the time finds the signal too.
        self.since.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(Instant::now);
        self.count.fetch_add(1, Ordering::SeqCst);
    }

    /// The first signal that arrived, if any did.
    pub(super) fn signal(&self) -> Option<i32> {
        match self.first.load(Ordering::SeqCst) {
            0 => None,
            signal => Some(signal),
        }
    }

    /// How long ago the first signal arrived, if any did.
    pub(super) fn age(&self) -> Option<Duration> {
        self.since.lock().unwrap_or_else(PoisonError::into_inner).map(|since| since.elapsed())
    }

    /// Whether a second signal arrived: whoever sent it does not want to wait any longer.
    pub(super) fn urgent(&self) -> bool {
        self.count.load(Ordering::SeqCst) > 1
    }

    /// Says that what is being done has failed elsewhere, so that commands still running are in vain.
    pub(super) fn abandon(&self, abandoned: bool) {
        self.abandoned.store(abandoned, Ordering::SeqCst);
    }

    pub(super) fn abandoned(&self) -> bool {
        self.abandoned.load(Ordering::SeqCst)
    }

    /// Says that somebody watches for signals as long as the result lives, because a child may be running.
    pub(super) fn attend(&self) -> Attendance<'_> {
        self.attended.fetch_add(1, Ordering::SeqCst);
        Attendance(self)
    }
}

/// See [`Interrupts::attend`].
pub(super) struct Attendance<'a>(&'a Interrupts);

impl Drop for Attendance<'_> {
    fn drop(&mut self) {
        self.0.attended.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The signal's name, e.g. `SIGTERM`; its number where it has no name.
pub(super) fn name(signal: i32) -> String {
    signal_hook::low_level::signal_name(signal).map_or_else(|| format!("signal {signal}"), str::to_owned)
}

/// Handlers raise a flag and wake a thread. The thread exists because a second signal has to end us even while we
/// compute or wait for a file lock, where nobody asks [`Interrupts::signal`]; with a child running it only counts, and
/// whoever waits for the child kills it first.
fn listen() -> std::io::Result<()> {
    let (mut wakes, wake) = UnixStream::pair()?;
    let mut flags = Vec::new();
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        // `nohup cargo xtask …` has to survive the end of its terminal.
        if signal == Signal::HUP && is_ignored(signal) {
            continue;
        }
        let flag = Arc::new(AtomicBool::new(false));
        signal_hook::flag::register(signal.as_raw(), Arc::clone(&flag))?;
        signal_hook::low_level::pipe::register(signal.as_raw(), wake.try_clone()?)?;
        flags.push((signal.as_raw(), flag));
    }
    let thread = std::thread::Builder::new().name("signals".to_owned());
    thread.spawn(move || {
        let mut bytes = [0; 16];
        loop {
            match wakes.read(&mut bytes) {
                Ok(1..) => {}
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                _ => return,
            }
            for (signal, flag) in &flags {
                if flag.swap(false, Ordering::SeqCst) {
                    PROCESS_WIDE.note(*signal);
                }
            }
            if PROCESS_WIDE.urgent() && PROCESS_WIDE.attended.load(Ordering::SeqCst) == 0 {
                std::process::exit(128 + PROCESS_WIDE.signal().unwrap_or_default());
            }
        }
    })?;
    Ok(())
}

/// Whether whoever started us told us to ignore the signal. Only Linux lets us see that.
fn is_ignored(signal: Signal) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & (1 << (signal.as_raw() - 1)) != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_signal_is_kept_and_the_second_is_urgent() {
        let interrupts = Interrupts::new();
        assert_eq!((interrupts.signal(), interrupts.age()), (None, None));
        interrupts.note(15);
        assert_eq!((interrupts.signal(), interrupts.urgent()), (Some(15), false));
        interrupts.note(2);
        assert_eq!((interrupts.signal(), interrupts.urgent()), (Some(15), true));
        assert!(interrupts.age().is_some());
    }

    #[test]
    fn signals_have_names() {
        assert_eq!(name(9), "SIGKILL");
        assert_eq!(name(64), "signal 64");
    }
}
