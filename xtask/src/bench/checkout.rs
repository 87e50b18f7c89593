//! The copy of the workspace that is measured. Nobody's own files are touched: lines are changed in the copy, and
//! times of files too.
//!
//! It lies below the workspace, so that cargo finds the same `.cargo/config.toml` above it and git the same revision;
//! `outside` has what is done where the target directory lies elsewhere. Knows nothing of what is built.

use std::collections::BTreeMap;
use std::fs::{self, File, FileTimes};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;

use super::outside;
use crate::exec::Executor;
use crate::leptos::digest::sha256;
use crate::plan::Invocation;

/// Folders that no source is in, where git does not tell which files are sources.
const NO_SOURCES: [&str; 3] = ["node_modules", ".git", ".cargo"];
/// What cargo puts into each of its target directories, whatever they are called.
const OF_TARGET: &str = "CACHEDIR.TAG";

/// A copy of all sources.
#[derive(Debug)]
pub struct Checkout {
    root: PathBuf,
    /// Relative to the root, with the times that they had where they come from.
    files: Vec<(PathBuf, SystemTime)>,
    /// Which files have a changed line, and the number in it.
    patched: BTreeMap<PathBuf, u64>,
    /// The number of the next change. It begins at the time, so that no compile cache that an earlier run has left
    /// knows the line, and is never used twice.
    next: u64,
    /// As they were before the first change.
    originals: BTreeMap<PathBuf, Vec<u8>>,
    /// Whether the files have other times than those that target directories were made with.
    is_new: bool,
    /// Whether it lies elsewhere than below the workspace.
    is_outside: bool,
}

/// Which times the files of a fresh checkout have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// Now, as git leaves them.
    Now,
    /// Those that they had when the target directory was made, because their content is the same.
    OfContent,
}

impl Checkout {
    /// Copies every file that git knows or would add, and without git every file that looks like a source. What is not
    /// committed is copied too. `target` is the workspace's target directory, which no source is in.
    pub fn make(exec: &Executor, source: &Path, root: &Path, target: &Path) -> anyhow::Result<Checkout> {
        exec.ui().status("Copying", format_args!("the workspace to {}", root.display()));
        let _ = fs::remove_dir_all(root);
        fs::create_dir_all(root).with_context(|| format!("create `{}`", root.display()))?;
        let listed = match listed_by_git(exec, source)? {
            Some(listed) => listed,
            None => walk(source, target)?,
        };
        let mut checkout = Checkout {
            root: root.to_owned(),
            files: Vec::new(),
            patched: BTreeMap::new(),
            next: SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |time| time.as_micros() as u64),
            originals: BTreeMap::new(),
            is_new: false,
            is_outside: outside::is_outside(source, root)?,
        };
        let mut configuration = Vec::new();
        if checkout.is_outside {
            configuration = outside::configuration(source)?;
            for path in &configuration {
                checkout.copy_content(&source.join(path), path.clone())?;
            }
            outside::check(source, root).inspect_err(|_| drop(fs::remove_dir_all(root)))?;
        }
        for path in listed {
            exec.check_interrupted()?;
            // The configuration above the copy holds for it as well; twice it would be another one (lists are joined).
            if !path.starts_with(".cargo") && !configuration.contains(&path) {
                checkout.copy(source, path, target)?;
            }
        }
        Ok(checkout)
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What people have to know of the place where it lies, if anything.
    pub fn note(&self) -> Option<&'static str> {
        self.is_outside.then_some(outside::NOTE)
    }

    /// A digest of all files: the names and what is in them.
    pub fn digest(&self) -> String {
        let digest = |path: &Path| {
            let content = fs::read(self.root.join(path)).unwrap_or_default();
            sha256(&[path.as_os_str().as_encoded_bytes(), &content])
        };
        let each: String = self.files.iter().map(|(path, _)| digest(path)).collect();
        sha256(&[each.as_bytes()])
    }

    /// Changes one line at the end of a Rust source file: a public static with a number that it has not had before,
    /// which is compiled, and which the compiler may not leave out.
    pub fn patch(&mut self, file: &Path) -> anyhow::Result<()> {
        let path = self.root.join(file);
        if !self.originals.contains_key(file) {
            let content = fs::read(&path).with_context(|| format!("read `{}`", path.display()))?;
            self.originals.insert(file.to_owned(), content);
        }
        let number = self.next;
        self.next += 1;
        let mut content = self.originals[file].clone();
        if !content.ends_with(b"\n") {
            content.push(b'\n');
        }
        let line = "#[doc(hidden)] #[allow(warnings)] #[used] pub static XTASK_BENCH_LINE: u64 = ";
        content.extend_from_slice(format!("{line}{number};\n").as_bytes());
        fs::write(&path, content).with_context(|| format!("write `{}`", path.display()))?;
        self.patched.insert(file.to_owned(), number);
        Ok(())
    }

    /// The numbers of all changed lines: what a target directory was made from.
    pub fn state(&self) -> BTreeMap<PathBuf, u64> {
        self.patched.clone()
    }

    /// Takes all changes of lines back. Whether there were any. The files are as new as this moment: with the time that
    /// they had before they were changed, cargo would take what was made of the change for fresh.
    pub fn restore(&mut self) -> anyhow::Result<bool> {
        let was_changed = !self.originals.is_empty();
        for (file, content) in std::mem::take(&mut self.originals) {
            let path = self.root.join(&file);
            fs::write(&path, content).with_context(|| format!("write `{}`", path.display()))?;
            let now = SystemTime::now();
            set_time(&path, now)?;
            // From now on this is the time of that content.
            self.files.iter_mut().filter(|(path, _)| *path == file).for_each(|(_, time)| *time = now);
        }
        self.patched.clear();
        Ok(was_changed)
    }

    /// Gives every file the time of a fresh checkout. No line may be changed.
    pub fn check_out_again(&mut self, times: Times) -> anyhow::Result<()> {
        let now = SystemTime::now();
        for (path, time) in &self.files {
            let path = self.root.join(path);
            if !path.is_symlink() {
                set_time(&path, if times == Times::Now { now } else { *time })?;
            }
        }
        self.is_new = times == Times::Now;
        Ok(())
    }

    /// Takes back what [`Checkout::check_out_again`] did, if it did anything.
    pub fn age(&mut self) -> anyhow::Result<()> {
        if self.is_new { self.check_out_again(Times::OfContent) } else { Ok(()) }
    }

    fn copy(&mut self, source: &Path, path: PathBuf, target: &Path) -> anyhow::Result<()> {
        let (from, to) = (source.join(&path), self.root.join(&path));
        // Deleted, and git has not been told yet.
        let Ok(metadata) = fs::symlink_metadata(&from) else { return Ok(()) };
        if metadata.is_dir() {
            // A submodule: git names its folder.
            for inner in walk(&from, target)? {
                self.copy(source, path.join(inner), target)?;
            }
            return Ok(());
        }
        if metadata.is_symlink() {
            make_folder_of(&to)?;
            symlink(fs::read_link(&from)?, &to).with_context(|| format!("link `{}`", to.display()))?;
            return Ok(());
        }
        self.copy_content(&from, path)
    }

    /// What is in a file, whatever links lead to it.
    fn copy_content(&mut self, from: &Path, path: PathBuf) -> anyhow::Result<()> {
        let to = self.root.join(&path);
        make_folder_of(&to)?;
        let told = || format!("copy `{}` to `{}`", from.display(), to.display());
        let time = fs::metadata(from).and_then(|metadata| metadata.modified()).with_context(told)?;
        fs::copy(from, &to).with_context(told)?;
        set_time(&to, time)?;
        self.files.push((path, time));
        Ok(())
    }
}

fn make_folder_of(file: &Path) -> anyhow::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(folder).with_context(|| format!("create `{}`", folder.display()))
}

fn set_time(path: &Path, time: SystemTime) -> anyhow::Result<()> {
    let set = || File::options().append(true).open(path)?.set_times(FileTimes::new().set_modified(time));
    match set() {
        // Read-only files keep the time of the copy.
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Ok(()),
        result => result.with_context(|| format!("set the time of `{}`", path.display())),
    }
}

fn listed_by_git(exec: &Executor, source: &Path) -> anyhow::Result<Option<Vec<PathBuf>>> {
    let command = Invocation::new("git", source)
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .env("GIT_OPTIONAL_LOCKS", "0");
    exec.check_interrupted()?;
    let answer = match exec.probe(&command) {
        Ok(answer) if answer.success && !answer.stdout.is_empty() => answer.stdout,
        _ => return Ok(None),
    };
    let mut files: Vec<PathBuf> =
        answer.split('\0').filter(|path| !path.is_empty()).map(PathBuf::from).collect();
    files.sort();
    files.dedup();
    Ok(Some(files))
}

/// Every file below a folder, relative to it, but for those in target directories: the one that is named, and those
/// that cargo has marked. A folder that is only called so may have sources.
fn walk(folder: &Path, target: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let whole = |path: &Path| path.canonicalize().unwrap_or(path.to_owned());
    let (root, target) = (whole(folder), whole(target));
    let mut found = Vec::new();
    let mut waiting = vec![PathBuf::new()];
    while let Some(below) = waiting.pop() {
        let here = folder.join(&below);
        for entry in fs::read_dir(&here).with_context(|| format!("read `{}`", here.display()))? {
            let entry = entry?;
            let name = entry.file_name();
            let is_folder = entry.file_type()?.is_dir();
            let path = below.join(&name);
            let has_no_sources = || {
                NO_SOURCES.iter().any(|skipped| name == *skipped)
                    || root.join(&path) == target
                    || here.join(&name).join(OF_TARGET).is_file()
            };
            if is_folder && has_no_sources() {
                continue;
            }
            if is_folder { waiting.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Mode;
    use crate::ui::Ui;

    fn checkout() -> (tempfile::TempDir, Checkout) {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("source");
        for file in [
            "target/old",
            ".cargo/config.toml",
            "src/target/mod.rs",
            "elsewhere/old",
            "elsewhere/CACHEDIR.TAG",
        ] {
            fs::create_dir_all(source.join(file).parent().unwrap()).unwrap();
            fs::write(source.join(file), "").unwrap();
        }
        fs::write(source.join("src/lib.rs"), "pub fn f() {}").unwrap();
        symlink("src/lib.rs", source.join("link")).unwrap();
        let exec = Executor::new(Ui::detect(true), Mode::Run).unwrap();
        // Below the workspace, as everywhere where nobody says otherwise.
        let checkout =
            Checkout::make(&exec, &source, &source.join("target/copy"), &source.join("target")).unwrap();
        assert!(checkout.note().is_none());
        (folder, checkout)
    }

    #[test]
    fn sources_alone_are_copied_with_their_times() {
        let (folder, mut checkout) = checkout();
        let paths: Vec<_> = checkout.files.iter().map(|(path, _)| path.clone()).collect();
        assert_eq!(paths, ["src/lib.rs", "src/target/mod.rs"].map(Path::new));
        assert!(checkout.root().join("link").is_symlink());
        let time = |path: PathBuf| fs::metadata(path).unwrap().modified().unwrap();
        let original = time(folder.path().join("source/src/lib.rs"));
        assert_eq!(time(checkout.root().join("src/lib.rs")), original);
        checkout.check_out_again(Times::Now).unwrap();
        assert_ne!(time(checkout.root().join("src/lib.rs")), original);
        checkout.check_out_again(Times::OfContent).unwrap();
        assert_eq!(time(checkout.root().join("src/lib.rs")), original);
    }

    /// As `CARGO_TARGET_DIR` or `build.target-dir` may have it, and before cargo has written anything there.
    #[test]
    fn a_target_directory_of_another_name_is_not_copied() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("source");
        for file in ["built/old", "src/built/mod.rs", "target/data.txt"] {
            fs::create_dir_all(source.join(file).parent().unwrap()).unwrap();
            fs::write(source.join(file), "").unwrap();
        }
        let found = walk(&source, &source.join("built")).unwrap();
        assert_eq!(found, ["src/built/mod.rs", "target/data.txt"].map(Path::new));
    }

    #[test]
    fn each_change_is_a_new_one_and_can_be_taken_back() {
        let (_folder, mut checkout) = checkout();
        let (file, path) = (PathBuf::from("src/lib.rs"), checkout.root().join("src/lib.rs"));
        let mut seen = Vec::new();
        for _ in 0..2 {
            checkout.patch(&file).unwrap();
            seen.push(fs::read_to_string(&path).unwrap());
        }
        assert!(seen[0].starts_with("pub fn f() {}\n#[doc(hidden)]"), "{}", seen[0]);
        assert_ne!(seen[0], seen[1]);
        assert_eq!(checkout.state(), BTreeMap::from([(file.clone(), checkout.next - 1)]));
        assert!(checkout.restore().unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), "pub fn f() {}");
        // Another one after that is new as well, for compile caches too; and so is one of the next run.
        checkout.patch(&file).unwrap();
        seen.push(fs::read_to_string(&path).unwrap());
        let (_other_folder, mut other) = self::checkout();
        other.patch(&file).unwrap();
        seen.push(fs::read_to_string(other.root().join(&file)).unwrap());
        let different: std::collections::BTreeSet<_> = seen.iter().collect();
        assert_eq!(different.len(), seen.len(), "{seen:?}");
        assert!(checkout.restore().unwrap());
        assert!(!checkout.restore().unwrap());
    }

    #[test]
    fn what_was_taken_back_is_newer_than_what_was_made_of_the_change() {
        let (_folder, mut checkout) = checkout();
        let (file, path) = (PathBuf::from("src/lib.rs"), checkout.root().join("src/lib.rs"));
        checkout.patch(&file).unwrap();
        let made = SystemTime::now();
        std::thread::sleep(std::time::Duration::from_millis(20));
        checkout.restore().unwrap();
        let time = || fs::metadata(&path).unwrap().modified().unwrap();
        assert!(time() > made);
        // And it stays so when the times of the content come back.
        checkout.check_out_again(Times::Now).unwrap();
        checkout.age().unwrap();
        assert!(time() > made);
    }
}
