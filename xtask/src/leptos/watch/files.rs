//! The state of all watched files, and what is different from the last time that somebody looked.
//!
//! A file that was written again with the same content is not different: editors and generators do that. Knows nothing
//! of what a file is for.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::super::digest::{Stamp, sha256};
use super::super::folder::tree_below;

/// Files up to this size are told apart by content. In bytes; sources are smaller, pictures need not be read.
const READ_SIZE_MAX: u64 = 1024 * 1024;

/// How watched files were when they were last looked at.
#[derive(Debug, Default)]
pub struct Files {
    seen: BTreeMap<PathBuf, Seen>,
    /// Every folder that a watched file is in or can come to be in.
    folders: BTreeSet<PathBuf>,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    stamp: Stamp,
    content: Option<String>,
}

/// A file that is different.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    pub path: PathBuf,
    pub kind: Kind,
    /// When the file was changed, as far as it tells.
    pub time: Option<SystemTime>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Edited,
    New,
    Removed,
}

impl Files {
    /// Looks at the files, and at all that is in the folders. What is different is returned, and is known from now on.
    pub fn look<'a>(
        &mut self,
        files: impl Iterator<Item = &'a Path>,
        folders: impl Iterator<Item = &'a Path>,
        is_watched: impl Fn(&Path) -> bool,
    ) -> Vec<Change> {
        let mut paths: BTreeSet<PathBuf> = files.map(Path::to_owned).collect();
        self.folders = paths.iter().filter_map(|path| path.parent().map(Path::to_owned)).collect();
        for folder in folders {
            // A folder that cannot be read now may be there the next time; until then it has nothing.
            let (files, folders) = tree_below(folder).unwrap_or_default();
            paths.extend(files);
            self.folders.extend(folders.into_iter().filter(|folder| is_watched(folder)));
            // One that comes to be is noticed in the folder that it comes to be in.
            self.folders.extend(folder.parent().filter(|_| !folder.exists()).map(Path::to_owned));
        }
        let mut changes = Vec::new();
        let mut now = BTreeMap::new();
        for path in paths.into_iter().filter(|path| is_watched(path)) {
            let Ok(stamp) = Stamp::of(&path) else { continue };
            let before = self.seen.remove(&path);
            let seen = match before {
                Some(before) if before.stamp == stamp => before,
                Some(before) => {
                    let seen = Seen::of(&path, stamp);
                    if seen.content.is_none() || seen.content != before.content {
                        changes.push(Change::of(&path, Kind::Edited, Some(&seen.stamp)));
                    }
                    seen
                }
                None => {
                    let seen = Seen::of(&path, stamp);
                    changes.push(Change::of(&path, Kind::New, Some(&seen.stamp)));
                    seen
                }
            };
            now.insert(path, seen);
        }
        let gone = std::mem::replace(&mut self.seen, now).into_keys().filter(|path| !path.exists());
        changes.extend(gone.map(|path| Change::of(&path, Kind::Removed, None)));
        changes.sort();
        changes
    }

    /// The folders to be told of changes in, as of the last look.
    pub fn folders(&self) -> &BTreeSet<PathBuf> {
        &self.folders
    }
}

impl Seen {
    fn of(path: &Path, stamp: Stamp) -> Seen {
        let content = (stamp.size <= READ_SIZE_MAX).then(|| fs::read(path).ok()).flatten();
        Seen { stamp, content: content.map(|content| sha256(&[&content])) }
    }
}

impl Change {
    fn of(path: &Path, kind: Kind, stamp: Option<&Stamp>) -> Change {
        let time = stamp.and_then(|stamp| u64::try_from(stamp.modified).ok());
        let time = time.map(|nanos| UNIX_EPOCH + std::time::Duration::from_nanos(nanos));
        Change { path: path.to_owned(), kind, time }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixture {
        folder: tempfile::TempDir,
        files: Files,
    }

    impl Fixture {
        fn new() -> Fixture {
            let folder = tempfile::tempdir().unwrap();
            let mut fixture = Fixture { folder, files: Files::default() };
            for file in ["Cargo.toml", "src/main.rs", "src/pages/home.rs"] {
                fixture.write(file, "x");
            }
            assert_eq!(fixture.look(), "New Cargo.toml, New src/main.rs, New src/pages/home.rs");
            assert_eq!(fixture.look(), "");
            fixture
        }

        fn write(&self, file: &str, content: &str) {
            let path = self.folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }

        fn look(&mut self) -> String {
            let root = self.folder.path();
            let (manifest, sources) = (root.join("Cargo.toml"), root.join("src"));
            let is_watched = |path: &Path| path.file_name().is_none_or(|name| name != "ignored");
            let changes = self.files.look(
                [manifest.as_path()].into_iter(),
                [sources.as_path()].into_iter(),
                is_watched,
            );
            let shown = changes.iter().map(|change| {
                format!("{:?} {}", change.kind, change.path.strip_prefix(root).unwrap().display())
            });
            shown.collect::<Vec<_>>().join(", ")
        }
    }

    #[test]
    fn edits_new_files_and_removed_ones() {
        let mut fixture = Fixture::new();
        fixture.write("src/main.rs", "longer");
        fixture.write("src/pages/new/page.rs", "");
        fs::remove_file(fixture.folder.path().join("src/pages/home.rs")).unwrap();
        fixture.write("src/ignored", "");
        fixture.write("elsewhere.rs", "");
        assert_eq!(
            fixture.look(),
            "Edited src/main.rs, Removed src/pages/home.rs, New src/pages/new/page.rs"
        );
        assert_eq!(fixture.look(), "");
    }

    #[test]
    fn a_file_that_is_replaced_is_edited() {
        let mut fixture = Fixture::new();
        fixture.write("elsewhere.rs", "longer");
        let root = fixture.folder.path();
        fs::rename(root.join("elsewhere.rs"), root.join("src/main.rs")).unwrap();
        assert_eq!(fixture.look(), "Edited src/main.rs");
    }

    #[test]
    fn the_same_content_is_no_change() {
        let mut fixture = Fixture::new();
        let file = fs::File::options().write(true).open(fixture.folder.path().join("src/main.rs")).unwrap();
        file.set_modified(UNIX_EPOCH).unwrap();
        assert_eq!(fixture.look(), "");
        fixture.write("src/main.rs", "y");
        assert_eq!(fixture.look(), "Edited src/main.rs");
        // What cannot be compared counts.
        fixture.write("src/main.rs", &"y".repeat(READ_SIZE_MAX as usize + 1));
        assert_eq!(fixture.look(), "Edited src/main.rs");
        let file = fs::File::options().write(true).open(fixture.folder.path().join("src/main.rs")).unwrap();
        file.set_modified(UNIX_EPOCH).unwrap();
        assert_eq!(fixture.look(), "Edited src/main.rs");
    }

    #[test]
    fn folders_to_listen_in() {
        let mut fixture = Fixture::new();
        let root = fixture.folder.path().to_owned();
        let expected = [root.clone(), root.join("src"), root.join("src/pages")];
        assert_eq!(fixture.files.folders().iter().collect::<Vec<_>>(), expected.iter().collect::<Vec<_>>());
        fs::remove_dir_all(root.join("src")).unwrap();
        assert_eq!(fixture.look(), "Removed src/main.rs, Removed src/pages/home.rs");
        assert_eq!(fixture.files.folders().iter().collect::<Vec<_>>(), [&root]);
        fixture.write("src/main.rs", "x");
        assert_eq!(fixture.look(), "New src/main.rs");
    }
}
