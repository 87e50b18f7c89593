//! One build at a time in a target directory: outputs, caches and receipts are written by one process only.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};

use crate::exec::Executor;

/// How often a lock that somebody else holds is asked for again.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// The right to build in one target directory. The operating system takes it back when the process ends.
#[derive(Debug)]
pub struct BuildLock {
    /// `None` where the file system has no locks, or takes no files at all.
    _file: Option<File>,
}

impl BuildLock {
    /// Waits for other builds, as long as they take: an interruption ends the wait.
    pub fn take(exec: &Executor, target_directory: &Path) -> anyhow::Result<BuildLock> {
        if exec.is_dry_run() {
            bail!("refused in a dry run: lock {}", target_directory.display());
        }
        let path = target_directory.join("xtask/build.lock");
        let file = match open(&path) {
            // Cargo is about to say so, with the step that cannot write.
            Err(error) if error.kind() == ErrorKind::ReadOnlyFilesystem => {
                return Ok(BuildLock { _file: None });
            }
            opened => opened.with_context(|| format!("open the lock `{}`", path.display()))?,
        };
        let mut told = false;
        loop {
            exec.check_interrupted()?;
            match file.try_lock() {
                Ok(()) => return Ok(BuildLock { _file: Some(file) }),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {
                    return Ok(BuildLock { _file: None });
                }
                Err(TryLockError::Error(error)) => {
                    return Err(error).with_context(|| format!("lock `{}`", path.display()));
                }
            }
            if !told {
                exec.ui().status("Blocking", "waiting for another build");
                told = true;
            }
            std::thread::sleep(POLL_INTERVAL);
        }
    }
}

fn open(path: &Path) -> std::io::Result<File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    File::options().create(true).append(true).open(path)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::exec::Mode;
    use crate::ui::Ui;

    fn executor(mode: Mode) -> Executor {
        Executor::new(Ui::detect(true), mode).unwrap()
    }

    #[test]
    fn the_second_build_waits_for_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let exec = executor(Mode::Run);
        let first = BuildLock::take(&exec, folder.path()).unwrap();
        let (sender, taken) = mpsc::channel();
        std::thread::scope(|scope| {
            scope.spawn(|| sender.send(BuildLock::take(&exec, folder.path()).is_ok()));
            assert_eq!(taken.recv_timeout(3 * POLL_INTERVAL), Err(mpsc::RecvTimeoutError::Timeout));
            drop(first);
            assert_eq!(taken.recv_timeout(Duration::from_secs(30)), Ok(true));
        });
        // Another target directory is another matter.
        let _first = BuildLock::take(&exec, folder.path()).unwrap();
        BuildLock::take(&exec, &folder.path().join("other")).unwrap();
    }

    #[test]
    fn a_dry_run_leaves_no_lock() {
        let folder = tempfile::tempdir().unwrap();
        BuildLock::take(&executor(Mode::DryRun), folder.path()).unwrap_err();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
