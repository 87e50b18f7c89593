//! A folder for what nobody else may read, for as long as a command takes, e.g. an account for a program that knows
//! only files.
//!
//! It is below the user's own runtime folder, or the system's for temporary files, and never below `target/`, which
//! workflows keep in caches. Who is killed leaves it behind; the next one that makes such a folder removes it. Does not
//! know what is in it.

use std::fs::{self, DirBuilder, File};
use std::hash::{BuildHasher, RandomState};
use std::io::{Error, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Context;

use super::Executor;

/// What its name begins with.
const PREFIX: &str = "xtask-private-";
/// The file that is locked as long as the folder is in use. The operating system lets go of it whatever ends us.
const LOCK: &str = "lock";
/// A folder that is younger may not have its lock yet.
const YOUNG: Duration = Duration::from_secs(60);
/// How many names are tried before it must be something else.
const TRIES: u32 = 8;

/// The folder, which goes with the value.
#[derive(Debug)]
pub struct PrivateFolder {
    path: PathBuf,
    /// `None` where the file system has no locks.
    _lock: Option<File>,
}

impl Executor {
    /// Makes one, with a name that nobody else has.
    pub fn private_folder(&self) -> anyhow::Result<PrivateFolder> {
        self.refuse_in_dry_run(|| "make a private folder".to_owned())?;
        let own = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        // What a program inherits may be another user's.
        let own =
            own.filter(|folder| folder.is_absolute()).and_then(|folder| PrivateFolder::new(&folder).ok());
        let temporary = std::env::temp_dir();
        let made = own.map_or_else(|| PrivateFolder::new(&temporary), Ok);
        made.with_context(|| format!("make a private folder in {}", temporary.display()))
    }
}

impl PrivateFolder {
    fn new(parent: &Path) -> std::io::Result<PrivateFolder> {
        let mut path = PathBuf::new();
        let mut made = Err(Error::from(ErrorKind::AlreadyExists));
        for _ in 0..TRIES {
            let number = RandomState::new().hash_one(std::process::id());
            path = parent.join(format!("{PREFIX}{number:016x}"));
            // One that is there already is somebody else's, whatever it is.
            made = DirBuilder::new().mode(0o700).create(&path);
            if !matches!(&made, Err(error) if error.kind() == ErrorKind::AlreadyExists) {
                break;
            }
        }
        made?;
        let lock = File::create(path.join(LOCK)).ok().filter(|lock| lock.try_lock().is_ok());
        let folder = PrivateFolder { path, _lock: lock };
        folder.sweep(parent);
        Ok(folder)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn write(&self, name: &str, content: &str) -> std::io::Result<()> {
        fs::write(self.path.join(name), content)
    }

    /// What is linked to stays when the folder goes.
    pub fn link(&self, name: &str, to: &Path) -> std::io::Result<()> {
        std::os::unix::fs::symlink(to, self.path.join(name))
    }

    /// Removes what processes of this user have left behind that were killed. What cannot be told is left alone.
    fn sweep(&self, parent: &Path) {
        let Ok(user) = fs::metadata(&self.path).map(|own| own.uid()) else { return };
        for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
            let path = entry.path();
            let is_ours = entry.file_name().to_string_lossy().starts_with(PREFIX) && path != self.path;
            let Some(metadata) = fs::symlink_metadata(&path).ok().filter(|_| is_ours) else { continue };
            let age = metadata.modified().ok().and_then(|time| SystemTime::now().duration_since(time).ok());
            let is_old = age.is_some_and(|age| age > YOUNG);
            if metadata.is_dir() && metadata.uid() == user && is_old && is_left(&path) {
                let _ = fs::remove_dir_all(&path);
            }
        }
    }
}

/// Whether nobody has the lock any more.
fn is_left(folder: &Path) -> bool {
    match File::open(folder.join(LOCK)) {
        Ok(lock) => lock.try_lock().is_ok(),
        Err(error) => error.kind() == ErrorKind::NotFound,
    }
}

impl Drop for PrivateFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::exec::Mode;
    use crate::ui::Ui;

    /// As if it had been made two minutes ago.
    fn age(folder: &Path) {
        let then = SystemTime::now() - 2 * YOUNG;
        File::open(folder).unwrap().set_modified(then).unwrap();
    }

    #[test]
    fn it_is_the_users_alone_and_goes_with_the_value() {
        let exec = Executor::new(Ui::detect(true), Mode::Run).unwrap();
        let (one, two) = (exec.private_folder().unwrap(), exec.private_folder().unwrap());
        assert_ne!(one.path(), two.path());
        let path = one.path().to_owned();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        fs::write(path.join("a"), "secret").unwrap();
        drop(one);
        assert!(!path.exists() && two.path().exists());
        let dry = Executor::new(Ui::detect(true), Mode::DryRun).unwrap();
        dry.private_folder().unwrap_err();
    }

    #[test]
    fn what_a_killed_process_left_is_removed() {
        let parent = tempfile::tempdir().unwrap();
        let left = |name: &str, has_lock: bool| {
            let folder = parent.path().join(name);
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("config.json"), "secret").unwrap();
            if has_lock {
                fs::write(folder.join(LOCK), "").unwrap();
            }
            age(&folder);
            folder
        };
        let killed = [left(&format!("{PREFIX}1"), true), left(&format!("{PREFIX}2"), false)];
        let other = left("of-another-program", true);
        let young = parent.path().join(format!("{PREFIX}3"));
        fs::create_dir(&young).unwrap();
        let in_use = PrivateFolder::new(parent.path()).unwrap();
        age(in_use.path());
        let _new = PrivateFolder::new(parent.path()).unwrap();
        assert!(killed.iter().all(|folder| !folder.exists()));
        assert!(other.exists() && young.exists() && in_use.path().exists());
    }
}
