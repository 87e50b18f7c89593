//! One build at a time in a target directory: outputs, caches and receipts are written by one process only.

use std::path::Path;

use crate::exec::{Executor, FileLock};

/// Waits for other builds in this target directory, as long as they take: an interruption ends the wait.
pub fn take(exec: &Executor, target_directory: &Path) -> anyhow::Result<FileLock> {
    FileLock::take(exec, &target_directory.join("xtask/build.lock"), "another build")
}
