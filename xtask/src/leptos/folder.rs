//! What is in a folder: all files that it gives, or all that is in it to be removed.
//!
//! The two differ at links: one reads through them, the other must never reach through them.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

/// All files that a folder gives, with those behind links, as sorted relative paths. A folder that does not exist has
/// none. A link to a folder that it is itself in is left out: it gives nothing new, without end.
pub fn files_below(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    list(folder, true, &|_| true)
}

/// The same without the folders that `enter`, given their paths, refuses.
pub fn files_below_where(folder: &Path, enter: &dyn Fn(&Path) -> bool) -> anyhow::Result<Vec<PathBuf>> {
    list(folder, true, enter)
}

/// All that is in a folder but the folders themselves, as sorted relative paths; a link is one entry, whatever it
/// points to.
pub fn entries_below(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    list(folder, false, &|_| true)
}

/// The files as [`files_below`] has them, and the folders that they can be in, this one among them; all as whole paths.
pub fn tree_below(folder: &Path) -> anyhow::Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    tree_below_where(folder, usize::MAX, &|_| true)
}

/// The same without the folders that `enter`, given their paths, refuses. More than `most` files are an error.
pub fn tree_below_where(
    folder: &Path,
    most: usize,
    enter: &dyn Fn(&Path) -> bool,
) -> anyhow::Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let (files, folders) = walk(folder, true, most, enter)?;
    let whole = |paths: Vec<PathBuf>| paths.into_iter().map(|path| folder.join(path)).collect();
    Ok((whole(files), whole(folders)))
}

fn list(folder: &Path, follow: bool, enter: &dyn Fn(&Path) -> bool) -> anyhow::Result<Vec<PathBuf>> {
    let (mut files, _) = walk(folder, follow, usize::MAX, enter)?;
    files.sort();
    Ok(files)
}

fn walk(
    folder: &Path,
    follow: bool,
    most: usize,
    enter: &dyn Fn(&Path) -> bool,
) -> anyhow::Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let (mut found, mut folders) = (Vec::new(), Vec::new());
    match fs::canonicalize(folder) {
        Ok(real) => {
            let (open, found, folders) = (vec![real], &mut found, &mut folders);
            Walk { folder, follow, most, enter, open, found, folders }.folder(Path::new(""))?;
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("read folder `{}`", folder.display())),
    }
    Ok((found, folders))
}

struct Walk<'a> {
    folder: &'a Path,
    follow: bool,
    most: usize,
    enter: &'a dyn Fn(&Path) -> bool,
    /// Where the folders that are being read really are, outermost first.
    open: Vec<PathBuf>,
    found: &'a mut Vec<PathBuf>,
    folders: &'a mut Vec<PathBuf>,
}

impl Walk<'_> {
    fn folder(&mut self, relative: &Path) -> anyhow::Result<()> {
        let path = self.folder.join(relative);
        let context = || format!("read folder `{}`", path.display());
        self.folders.push(relative.to_owned());
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error).with_context(context),
        };
        for entry in entries {
            let entry = entry.with_context(context)?;
            let name = relative.join(entry.file_name());
            let kind = entry.file_type().with_context(context)?;
            let is_folder = kind.is_dir() || self.follow && kind.is_symlink() && entry.path().is_dir();
            if !is_folder {
                self.found.push(name);
                let (most, folder) = (self.most, self.folder.display());
                ensure!(self.found.len() <= most, "there are more than {most} files in `{folder}`");
                continue;
            }
            if !(self.enter)(&entry.path()) {
                continue;
            }
            let real = fs::canonicalize(entry.path()).with_context(context)?;
            if !self.open.iter().any(|open| open.starts_with(&real)) {
                self.open.push(real);
                self.folder(&name)?;
                self.open.pop();
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn shown(paths: &[PathBuf]) -> String {
        paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn links_are_read_through_or_stand_for_themselves() {
        let folder = tempfile::tempdir().unwrap();
        let (inside, outside) = (folder.path().join("inside"), folder.path().join("outside"));
        for name in ["inside/a/one", "outside/two", "outside/b/three"] {
            fs::create_dir_all(folder.path().join(name).parent().unwrap()).unwrap();
            fs::write(folder.path().join(name), "").unwrap();
        }
        symlink(&outside, inside.join("all")).unwrap();
        symlink(outside.join("two"), inside.join("a/single")).unwrap();
        symlink("nowhere", inside.join("lost")).unwrap();
        assert_eq!(shown(&files_below(&inside).unwrap()), "a/one a/single all/b/three all/two lost");
        assert_eq!(shown(&entries_below(&inside).unwrap()), "a/one a/single all lost");
        assert_eq!(shown(&files_below(&folder.path().join("none")).unwrap()), "");
        let not_b = |path: &Path| path.file_name().is_some_and(|name| name != "b");
        let found = files_below_where(&inside, &not_b).unwrap();
        assert_eq!(shown(&found), "a/one a/single all/two lost");
    }

    #[test]
    fn a_circle_of_links_ends() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        for name in ["a", "b"] {
            fs::create_dir_all(root.join(name)).unwrap();
            fs::write(root.join(name).join("file"), "").unwrap();
        }
        symlink(&root, root.join("a/again")).unwrap();
        symlink("../../..", root.join("a/up")).unwrap();
        // Neither of the two points to a folder above itself.
        symlink("../b", root.join("a/other")).unwrap();
        symlink("../a", root.join("b/other")).unwrap();
        assert_eq!(shown(&files_below(&root).unwrap()), "a/file a/other/file b/file b/other/file");
    }
}
