//! What the files look like that a build starts from: names and stamps, as one digest.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::super::digest::sha256;
use super::super::folder::tree_below_where;
use super::Build;
use crate::config::cargo;

/// More files than this take longer to look at than cargo takes to answer.
const FILES_MAX: usize = 20_000;
const NANOSECONDS: i128 = 1_000_000_000;

/// What can be seen of a file without reading it.
///
/// The time of the last change of any kind (`ctime`) is set by the kernel alone: a file whose contents were changed
/// and whose time was then set back looks different all the same, and so does one that another took the place of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    size: u64,
    inode: u64,
    /// Both in nanoseconds since 1970.
    modified: i128,
    changed: i128,
}

/// The files that a build starts from, at one moment.
#[derive(Debug)]
pub struct Sources {
    /// When the look began, in nanoseconds since 1970.
    at: i128,
    files: BTreeSet<PathBuf>,
    folders: BTreeSet<PathBuf>,
    /// Folders of the workspace that were not looked into.
    left_out: BTreeSet<PathBuf>,
    /// Names and stamps.
    lines: Vec<u8>,
    /// The first file that was changed so shortly before that it could change again without looking different.
    unsettled: Option<PathBuf>,
}

/// Two looks are equal where they found the same; when they were is no matter.
impl PartialEq for Sources {
    fn eq(&self, other: &Sources) -> bool {
        self.lines == other.lines
    }
}

impl Sources {
    /// Looks at every file of the workspace, hidden ones too, and at cargo's configuration wherever it can be.
    pub fn look(build: &Build<'_>) -> anyhow::Result<Sources> {
        let at = nanoseconds(SystemTime::now());
        let root = build.workspace.root.canonicalize()?;
        let written: Vec<PathBuf> = not_looked_into(build);
        let left_out = RefCell::new(BTreeSet::new());
        let enter = |folder: &Path| {
            let enters = !written.iter().any(|written| written == folder) && !is_kept_by_others(folder);
            if !enters {
                left_out.borrow_mut().insert(folder.to_owned());
            }
            enters
        };
        let (files, folders) = tree_below_where(&root, FILES_MAX, &enter)?;
        let (mut lines, mut unsettled) = (Vec::new(), None);
        let files: BTreeSet<PathBuf> = files.into_iter().collect();
        for path in files.union(build.cargo_config.places()) {
            let seen = Seen::of(path);
            add_line(&mut lines, path, seen);
            if unsettled.is_none() && seen.is_some_and(|seen| !seen.is_settled(at)) {
                unsettled = Some(path.clone());
            }
        }
        let (folders, left_out) = (folders.into_iter().collect(), left_out.into_inner());
        Ok(Sources { at, files, folders, left_out, lines, unsettled })
    }

    /// An error for what may be edited once more without a trace.
    pub fn settled(&self) -> anyhow::Result<()> {
        match &self.unsettled {
            None => Ok(()),
            Some(file) => anyhow::bail!("`{}` was changed just before the build began", file.display()),
        }
    }

    /// Digest of these files and others; `None` where one of the others is missing.
    pub fn with(&self, others: &BTreeSet<PathBuf>) -> Option<String> {
        others.iter().all(|file| file.exists()).then(|| sha256(&[&self.lines, &lines_of(others)]))
    }

    /// Whether this look has seen a file, or all that is in a folder. The path has no links in it.
    pub fn covers(&self, path: &Path) -> bool {
        let is_whole = || !self.left_out.iter().any(|left_out| left_out.starts_with(path));
        self.files.contains(path) || self.folders.contains(path) && is_whole()
    }

    /// Whether a file was last changed safely before this look.
    pub fn saw_settled(&self, file: &Path) -> bool {
        Seen::of(file).is_some_and(|seen| seen.is_settled(self.at))
    }
}

/// Digest of these files and folders, not of what is in a folder; `None` where one is missing.
pub fn digest_of(paths: &BTreeSet<PathBuf>) -> Option<String> {
    paths.iter().all(|path| path.exists()).then(|| sha256(&[&lines_of(paths)]))
}

/// Names and stamps, a line each.
pub fn lines_of(paths: &BTreeSet<PathBuf>) -> Vec<u8> {
    let mut lines = Vec::new();
    for path in paths {
        add_line(&mut lines, path, Seen::of(path));
    }
    lines
}

/// What is not there has a line too, without a stamp.
fn add_line(lines: &mut Vec<u8>, path: &Path, seen: Option<Seen>) {
    lines.extend(path.as_os_str().as_encoded_bytes());
    let stamp = seen.map_or(String::new(), |seen| {
        format!("{} {} {} {}", seen.size, seen.inode, seen.modified, seen.changed)
    });
    lines.extend(format!("\0{stamp}\n").into_bytes());
}

/// Folders that builds write to, and cargo's home: what it has unpacked there it never looks at again.
fn not_looked_into(build: &Build<'_>) -> Vec<PathBuf> {
    let home = cargo::home();
    let all = build.input.not_sources.iter().chain(&home);
    all.filter_map(|folder| folder.canonicalize().ok()).collect()
}

/// Git's own folder, and target directories of other settings, which cargo marks. What a build reads there is told by
/// cargo.
fn is_kept_by_others(folder: &Path) -> bool {
    match folder.file_name().and_then(|name| name.to_str()) {
        Some(".git") => true,
        Some("target") => folder.join("CACHEDIR.TAG").is_file(),
        _ => false,
    }
}

impl Seen {
    /// What a path leads to, through links; `None` where that is nothing.
    fn of(path: &Path) -> Option<Seen> {
        let data = path.metadata().ok()?;
        let time = |seconds: i64, rest: i64| i128::from(seconds) * NANOSECONDS + i128::from(rest);
        Some(Seen {
            size: data.size(),
            inode: data.ino(),
            modified: time(data.mtime(), data.mtime_nsec()),
            changed: time(data.ctime(), data.ctime_nsec()),
        })
    }

    /// Whether a change after `now` would show. A file gets the time of the last tick of the kernel's clock, at most
    /// 10 ms old, where the file system can hold it. Others keep whole seconds (ext3, HFS+, some network file systems)
    /// or every second one (FAT), which shows in a time without fractions. What is from the future is never settled.
    fn is_settled(self, now: i128) -> bool {
        let grain = if self.changed % NANOSECONDS == 0 { 2 * NANOSECONDS } else { NANOSECONDS / 10 };
        self.changed + grain < now
    }
}

fn nanoseconds(time: SystemTime) -> i128 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i128::try_from(since.as_nanos()).unwrap_or(i128::MAX)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

    use super::*;

    #[test]
    fn what_could_change_unseen_is_not_settled() {
        let now = 1_000 * NANOSECONDS + 500_000_000;
        let is_settled = |changed: i128| Seen { size: 0, inode: 0, modified: 0, changed }.is_settled(now);
        assert!(is_settled(now - 100_000_001));
        assert!(!is_settled(now - 99_999_999));
        assert!(!is_settled(now + 1));
        // Whole seconds.
        assert!(is_settled(998 * NANOSECONDS));
        assert!(!is_settled(999 * NANOSECONDS));
    }

    #[test]
    fn every_change_of_a_file_shows() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        let lines = || lines_of(&BTreeSet::from([file.clone()]));
        let mut known = vec![lines()];
        assert_eq!(digest_of(&BTreeSet::from([file.clone()])), None);
        let mut is_new = |what: &str| {
            let now = lines();
            assert!(!known.contains(&now), "{what}");
            known.push(now);
            std::thread::sleep(std::time::Duration::from_millis(20));
        };
        fs::write(&file, "one").unwrap();
        is_new("a new file");
        let before = file.metadata().unwrap().modified().unwrap();
        fs::write(&file, "two").unwrap();
        is_new("another content of the same length");
        File::options().append(true).open(&file).unwrap().set_modified(before).unwrap();
        is_new("a time set back");
        fs::copy(&file, folder.path().join("other")).unwrap();
        fs::rename(folder.path().join("other"), &file).unwrap();
        is_new("another file in its place");
        fs::remove_file(&file).unwrap();
        std::os::unix::fs::symlink("other", &file).unwrap();
        fs::write(folder.path().join("other"), "two").unwrap();
        is_new("a link in its place");
    }
}
