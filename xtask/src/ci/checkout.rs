//! The files of another commit in a folder of their own, to be asked beside those that are checked out.
//!
//! Neither git's index nor its list of work trees is touched, and nothing of the commit runs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;

use crate::exec::Executor;
use crate::plan::Invocation;

/// How long git may take for all files.
const LIMIT: Duration = Duration::from_secs(120);

/// The files. The folder is gone with the value.
pub struct Checkout {
    folder: PathBuf,
    /// Where the workspace is in it.
    pub root: PathBuf,
}

impl Checkout {
    /// Writes all files of a commit that is here; `folder` is below the target directory, and nothing else's.
    pub fn make(exec: &Executor, root: &Path, commit: &str, folder: &Path) -> anyhow::Result<Checkout> {
        // What an interrupted run has left.
        let _ = std::fs::remove_dir_all(folder);
        std::fs::create_dir_all(folder).with_context(|| format!("create `{}`", folder.display()))?;
        let index = folder.join("index").display().to_string();
        let files = folder.join("files");
        let mut checkout = Checkout { folder: folder.to_owned(), root: files.clone() };
        let git = |args: &[&str]| {
            let command = Invocation::new("git", root).args(args.iter().copied()).timeout(LIMIT);
            exec.run(&command.env("GIT_INDEX_FILE", &index)).map(|finished| finished.stdout)
        };
        git(&["read-tree", commit])?;
        git(&["checkout-index", "--all", "--force", &format!("--prefix={}/", files.display())])?;
        // The workspace may be a folder of its repository.
        let prefix = git(&["rev-parse", "--show-prefix"])?;
        checkout.root = files.join(prefix.trim());
        Ok(checkout)
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        // Below the target directory, so that whatever stays is not in anybody's way.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
