//! Waiting for "something changed in one of these folders", or for a call from another thread.
//!
//! Says neither what changed nor how: whoever waits looks for himself, so that a notice that was lost, or one too many,
//! does no harm. Linux tells at once (inotify); elsewhere, and on file systems that tell nothing, time does.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

/// How often to look where the system does not tell.
const POLL: Duration = Duration::from_millis(200);
/// How often to look where it does: network file systems and bind mounts are silent about changes made elsewhere.
const POLL_SILENT: Duration = Duration::from_secs(2);

/// Notices of changes in folders.
pub struct Wake {
    sender: Sender<()>,
    notices: Receiver<()>,
    /// None where the system cannot tell.
    inotify: Option<File>,
    watched: BTreeMap<PathBuf, i32>,
    looked: Instant,
}

/// What another thread wakes the waiting one with.
#[derive(Clone)]
pub struct Caller(Sender<()>);

impl Caller {
    pub fn call(&self) {
        // Nobody waits any more.
        let _ = self.0.send(());
    }
}

impl Wake {
    pub fn new() -> Wake {
        let (sender, notices) = channel();
        let inotify = listen(&sender);
        Wake { sender, notices, inotify, watched: BTreeMap::new(), looked: Instant::now() }
    }

    pub fn caller(&self) -> Caller {
        Caller(self.sender.clone())
    }

    /// From now on these folders count, each without those below it. Whether one is new: what changed in it before
    /// nobody will tell.
    pub fn set_folders(&mut self, folders: &BTreeSet<PathBuf>) -> bool {
        let Some(inotify) = &self.inotify else { return false };
        self.watched.retain(|folder, id| {
            let stays = folders.contains(folder);
            if !stays {
                ignore(inotify, *id);
            }
            stays
        });
        let mut is_any_new = false;
        for folder in folders {
            // Asked for again even if it is known: it may have been removed and made anew.
            if let Some(id) = watch(inotify, folder) {
                is_any_new |= self.watched.insert(folder.clone(), id) != Some(id);
            }
        }
        is_any_new
    }

    /// Waits at most this long. Whether it is time to look: there was a notice or a call, or nobody has looked for a
    /// while.
    pub fn wait(&mut self, longest: Duration) -> bool {
        let poll = if self.inotify.is_some() { POLL_SILENT } else { POLL };
        let left = poll.saturating_sub(self.looked.elapsed());
        let woken = self.notices.recv_timeout(longest.min(left)).is_ok();
        // One look answers all of them.
        while self.notices.try_recv().is_ok() {}
        let is_time = woken || self.looked.elapsed() >= poll;
        if is_time {
            self.looked = Instant::now();
        }
        is_time
    }
}

/// Reads the notices in a thread of its own, which ends with the process.
#[cfg(target_os = "linux")]
fn listen(sender: &Sender<()>) -> Option<File> {
    let inotify = rustix::fs::inotify::init(rustix::fs::inotify::CreateFlags::CLOEXEC).ok()?;
    let inotify = File::from(inotify);
    let mut notices = inotify.try_clone().ok()?;
    let sender = sender.clone();
    let thread = std::thread::Builder::new().name("changes".to_owned());
    thread
        .spawn(move || {
            let mut buffer = vec![0; 64 * 1024];
            loop {
                match notices.read(&mut buffer) {
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Ok(_) if sender.send(()).is_ok() => {}
                    _ => return,
                }
            }
        })
        .ok()?;
    Some(inotify)
}

#[cfg(target_os = "linux")]
fn watch(inotify: &File, folder: &Path) -> Option<i32> {
    use rustix::fs::inotify::{WatchFlags, add_watch};
    // Not each write: a file is of interest when whoever writes it is done.
    let changes = WatchFlags::CLOSE_WRITE
        | WatchFlags::ATTRIB
        | WatchFlags::CREATE
        | WatchFlags::DELETE
        | WatchFlags::MOVE;
    add_watch(inotify, folder, changes).ok()
}

#[cfg(target_os = "linux")]
fn ignore(inotify: &File, id: i32) {
    // A folder that is gone is ignored already.
    let _ = rustix::fs::inotify::remove_watch(inotify, id);
}

#[cfg(not(target_os = "linux"))]
fn listen(_: &Sender<()>) -> Option<File> {
    None
}

#[cfg(not(target_os = "linux"))]
fn watch(_: &File, _: &Path) -> Option<i32> {
    None
}

#[cfg(not(target_os = "linux"))]
fn ignore(_: &File, _: i32) {}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Far above what a notice takes, and below [`POLL_SILENT`], which would hide that there was none.
    const SOON: Duration = Duration::from_millis(1500);
    const SHORT: Duration = Duration::from_millis(30);

    #[test]
    #[cfg(target_os = "linux")]
    fn changes_in_the_folders_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let (inside, below) = (folder.path().join("inside"), folder.path().join("inside/below"));
        fs::create_dir_all(&below).unwrap();
        let mut wake = Wake::new();
        let only = |folder: &Path| BTreeSet::from([folder.to_owned()]);
        assert!(wake.set_folders(&only(&inside)));
        assert!(!wake.set_folders(&only(&inside)));
        assert!(!wake.wait(SHORT));
        fs::write(below.join("file"), "").unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        assert!(!wake.wait(SHORT));
        for change in [
            |folder: &Path| fs::write(folder.join("file"), ""),
            |folder: &Path| fs::write(folder.join("file"), "again"),
            |folder: &Path| fs::rename(folder.join("file"), folder.join("other")),
            |folder: &Path| fs::remove_file(folder.join("other")),
        ] {
            change(&inside).unwrap();
            assert!(wake.wait(SOON));
            while wake.wait(SHORT) {}
        }
        // A folder that was removed and made anew is another one.
        fs::remove_dir_all(&inside).unwrap();
        fs::create_dir(&inside).unwrap();
        assert!(wake.set_folders(&only(&inside)));
        while wake.wait(SHORT) {}
        fs::write(inside.join("file"), "").unwrap();
        assert!(wake.wait(SOON));
        wake.set_folders(&BTreeSet::new());
        while wake.wait(SHORT) {}
        fs::write(inside.join("file"), "x").unwrap();
        assert!(!wake.wait(SHORT));
    }

    #[test]
    fn another_thread_can_call() {
        let mut wake = Wake::new();
        let caller = wake.caller();
        std::thread::spawn(move || caller.call());
        assert!(wake.wait(SOON));
    }

    #[test]
    fn after_a_while_it_is_time_to_look_anyway() {
        let mut wake = Wake::new();
        let began = Instant::now();
        while !wake.wait(SHORT) {
            assert!(began.elapsed() < 2 * POLL_SILENT);
        }
        assert!(began.elapsed() >= POLL);
    }
}
