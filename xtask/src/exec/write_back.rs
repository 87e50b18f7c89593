//! Has the system write to the disk what it still holds in memory, so that no time that is measured next has it in it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::time::Duration;

/// Our choice: a disk that takes 50 MB a second writes 3 GB meanwhile, which is a whole target directory.
const LIMIT: Duration = Duration::from_secs(60);

/// Waits until the file system that `folder` is on has nothing left to write, and says whether it came to that within a
/// minute. A disk that hangs holds nobody up: the thread that waits for it is left to itself.
pub fn write_back(folder: &Path) -> bool {
    let folder = folder.to_owned();
    let (done, wait) = channel();
    std::thread::spawn(move || {
        // Nobody may wait any more.
        let _ = done.send(sync(folder));
    });
    wait.recv_timeout(LIMIT).unwrap_or(false)
}

#[cfg(target_os = "linux")]
fn sync(folder: PathBuf) -> bool {
    File::open(folder).is_ok_and(|folder| rustix::fs::syncfs(folder).is_ok())
}

#[cfg(not(target_os = "linux"))]
fn sync(_: PathBuf) -> bool {
    rustix::fs::sync();
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_written_and_what_is_not_there_is_no_success() {
        let folder = tempfile::tempdir().unwrap();
        assert!(write_back(folder.path()));
        assert!(!cfg!(target_os = "linux") || !write_back(&folder.path().join("absent")));
    }
}
