//! Files are replaced whole: a reader sees the old content or the new one, never a part.
//!
//! Owns the one way a file is written. Does not know what is in the file, nor whether it may be written.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context;

static COUNTER: AtomicUsize = AtomicUsize::new(0);

/// Gives a file below `target/` this content, through a temporary file beside it and a rename. Creates missing
/// folders; keeps the mode of a file that exists; follows a link.
///
/// Returns `false`, and touches nothing, if the file has that content already.
pub fn replace_file(path: &Path, content: &[u8]) -> anyhow::Result<bool> {
    let target =
        if path.is_symlink() { fs::canonicalize(path).unwrap_or_else(|_| path.into()) } else { path.into() };
    let known = fs::metadata(&target).ok();
    if let Some(known) = &known {
        let same_length = known.is_file() && known.len() == content.len() as u64;
        if same_length && fs::read(&target).is_ok_and(|bytes| bytes == content) {
            return Ok(false);
        }
    }
    let folder = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder).with_context(|| format!("create the folder {}", folder.display()))?;
    let temporary = temporary_in(folder);
    let written =
        write_new(&temporary, content, known.as_ref()).and_then(|()| fs::rename(&temporary, &target));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written.with_context(|| format!("write {}", path.display()))?;
    Ok(true)
}

/// Appends in one write, so that what several processes append does not mix.
pub(super) fn append(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)
        .and_then(|()| fs::OpenOptions::new().create(true).append(true).open(path))
        .and_then(|mut file| file.write_all(content))
        .with_context(|| format!("append to {}", path.display()))
}

fn temporary_in(folder: &Path) -> PathBuf {
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    folder.join(format!(".xtask-{}-{number}.tmp", std::process::id()))
}

fn write_new(path: &Path, content: &[u8], known: Option<&fs::Metadata>) -> std::io::Result<()> {
    // Not `create_new`: an earlier process with our id may have been killed half-way.
    let mut file = fs::File::create(path)?;
    file.write_all(content)?;
    if let Some(known) = known {
        file.set_permissions(known.permissions())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::time::SystemTime;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        entries.map(|name| name.into_string().unwrap()).collect()
    }

    #[test]
    fn equal_content_is_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b.txt");
        assert!(replace_file(&path, b"one").unwrap());
        fs::File::options().write(true).open(&path).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
        assert!(!replace_file(&path, b"one").unwrap());
        assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), SystemTime::UNIX_EPOCH);
        assert!(replace_file(&path, b"two").unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(names(path.parent().unwrap()), ["b.txt"]);
    }

    #[test]
    fn mode_and_link_survive() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("script"), folder.path().join("link"));
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o750)).unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(replace_file(&link, b"new").unwrap());
        assert!(link.is_symlink());
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o750);
    }

    #[test]
    fn a_folder_in_the_way_is_an_error_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("taken");
        fs::create_dir(&path).unwrap();
        let error = format!("{:#}", replace_file(&path, b"x").unwrap_err());
        assert!(error.contains("taken"), "{error}");
        assert_eq!(names(folder.path()), ["taken"]);
        assert!(replace_file(&path.join("x/y"), b"").is_ok());
        assert!(replace_file(&path.join("x/y/z"), b"").is_err());
    }

    #[test]
    fn a_read_only_folder_is_an_error_and_leaves_the_old_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
        let result = replace_file(&path, b"new");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        // The superuser may write anyway.
        if !rustix::process::geteuid().is_root() {
            assert!(format!("{:#}", result.unwrap_err()).contains("write "));
            assert_eq!(fs::read(&path).unwrap(), b"old");
        }
        assert_eq!(names(folder.path()), ["file"]);
    }
}
