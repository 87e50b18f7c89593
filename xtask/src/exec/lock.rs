//! Locks between processes: a file that one process holds, until it lets go or ends.
//!
//! Owns how a lock is taken, waited for and refused. Does not know what it protects.

use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use super::Executor;
use crate::exit::{Exit, Failure};

/// How often a lock that somebody else holds is asked for again.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// The right to do what the file stands for. The operating system takes it back when the process ends, so there are no
/// stale locks.
#[derive(Debug)]
pub struct FileLock {
    /// `None` where the file system has no locks, or takes no files at all.
    _file: Option<File>,
}

impl FileLock {
    /// Waits for the process that has the lock, as long as it takes: an interruption ends the wait. `holder` says who
    /// that is: "waiting for …". On a read-only file system nothing is locked, because nothing can be written.
    pub fn take(exec: &Executor, path: &Path, holder: &str) -> anyhow::Result<FileLock> {
        let file = match opened(exec, path) {
            Err(error)
                if error
                    .downcast_ref::<std::io::Error>()
                    .is_some_and(|error| error.kind() == ErrorKind::ReadOnlyFilesystem) =>
            {
                return Ok(FileLock { _file: None });
            }
            opened => opened?,
        };
        let mut told = false;
        loop {
            exec.check_interrupted()?;
            match file.try_lock() {
                Err(TryLockError::WouldBlock) => {}
                taken => return FileLock::taken(file, taken, path),
            }
            if !told {
                exec.ui().status("Blocking", format!("waiting for {holder}"));
                told = true;
            }
            exec.sleep(POLL_INTERVAL)?;
        }
    }

    /// Waits for at most `patience` and then refuses, naming the process that has the lock. `holder` is the subject of
    /// that message: "… is under way".
    pub fn take_within(
        exec: &Executor,
        path: &Path,
        holder: &str,
        patience: Duration,
    ) -> anyhow::Result<FileLock> {
        let mut file = opened(exec, path)?;
        let deadline = Instant::now() + patience;
        loop {
            exec.check_interrupted()?;
            match file.try_lock() {
                Err(TryLockError::WouldBlock) => {}
                taken => return FileLock::taken(file, taken, path),
            }
            if Instant::now() >= deadline {
                let mut note = String::new();
                let _ = file.read_to_string(&mut note);
                let who = if note.trim().is_empty() { String::new() } else { format!(" ({})", note.trim()) };
                let message = format!("{holder} is under way{who}");
                return Err(Failure::new(Exit::CheckFailed, message)
                    .hint(format!("wait for it to end; it holds the lock {}", path.display()))
                    .into());
            }
            exec.sleep(POLL_INTERVAL)?;
        }
    }

    /// What became of an attempt that does not have to be repeated. Whoever holds the lock leaves a note for others.
    fn taken(mut file: File, taken: Result<(), TryLockError>, path: &Path) -> anyhow::Result<FileLock> {
        match taken {
            Ok(()) => {
                let now = chrono::Utc::now().format("%Y-%m-%d %H:%M:%S UTC");
                let note = format!("process {} since {now}\n", std::process::id());
                // Only for people; the lock holds without it.
                let _ = file.set_len(0).and_then(|()| file.write_all(note.as_bytes()));
                Ok(FileLock { _file: Some(file) })
            }
            Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {
                Ok(FileLock { _file: None })
            }
            Err(error) => Err(error).with_context(|| format!("lock `{}`", path.display())),
        }
    }
}

fn opened(exec: &Executor, path: &Path) -> anyhow::Result<File> {
    if exec.is_dry_run() {
        bail!("refused in a dry run: lock {}", path.display());
    }
    let folder = path.parent().map_or(Ok(()), fs::create_dir_all);
    folder
        .and_then(|()| File::options().create(true).read(true).append(true).open(path))
        .with_context(|| format!("open the lock `{}`", path.display()))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::exec::Mode;
    use crate::exit::hint_of;
    use crate::ui::Ui;

    fn executor(mode: Mode) -> Executor {
        Executor::new(Ui::detect(true), mode).unwrap()
    }

    #[test]
    fn the_second_waits_for_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/lock");
        let exec = executor(Mode::Run);
        let first = FileLock::take(&exec, &path, "another").unwrap();
        let (sender, taken) = mpsc::channel();
        std::thread::scope(|scope| {
            scope.spawn(|| sender.send(FileLock::take(&exec, &path, "another").is_ok()));
            assert_eq!(taken.recv_timeout(3 * POLL_INTERVAL), Err(mpsc::RecvTimeoutError::Timeout));
            drop(first);
            assert_eq!(taken.recv_timeout(Duration::from_secs(30)), Ok(true));
        });
        // Another file is another matter.
        let _first = FileLock::take(&exec, &path, "another").unwrap();
        FileLock::take(&exec, &folder.path().join("b/lock"), "another").unwrap();
    }

    #[test]
    fn a_refusal_names_who_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let exec = executor(Mode::Run);
        let first = FileLock::take_within(&exec, &path, "a deployment", Duration::ZERO).unwrap();
        let error = FileLock::take_within(&exec, &path, "a deployment", Duration::ZERO).unwrap_err();
        let start = format!("a deployment is under way (process {} since 2", std::process::id());
        assert!(error.to_string().starts_with(&start), "{error}");
        assert!(hint_of(&error).unwrap().contains("lock"), "{error}");
        drop(first);
        FileLock::take_within(&exec, &path, "a deployment", Duration::ZERO).unwrap();
    }

    #[test]
    fn a_dry_run_leaves_no_lock() {
        let folder = tempfile::tempdir().unwrap();
        FileLock::take(&executor(Mode::DryRun), &folder.path().join("x"), "another").unwrap_err();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
