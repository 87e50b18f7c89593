//! How much room a file system has left. Knows nothing of how much is enough.

use std::path::Path;

/// What is left of a file system for people who are not root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Space {
    pub free_bytes: u64,
    pub total_bytes: u64,
    /// Files that can still be made; `None` for file systems that do not count them.
    pub free_files: Option<u64>,
}

/// Asks about the file system that `path` is on; the nearest folder above it counts where it does not exist.
pub fn space(path: &Path) -> std::io::Result<Space> {
    let existing = path.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("/"));
    let status = rustix::fs::statvfs(existing)?;
    Ok(Space {
        free_bytes: status.f_bavail.saturating_mul(status.f_frsize),
        total_bytes: status.f_blocks.saturating_mul(status.f_frsize),
        free_files: (status.f_files > 0).then_some(status.f_favail),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_not_there_yet_is_on_the_same_file_system() {
        let folder = tempfile::tempdir().unwrap();
        let here = space(folder.path()).unwrap();
        let below = space(&folder.path().join("not/yet")).unwrap();
        assert_eq!(here.total_bytes, below.total_bytes);
        assert!(here.total_bytes >= here.free_bytes);
    }
}
