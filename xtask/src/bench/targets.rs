//! Target directories: one of each kind is kept, and all are used at the same path, because paths are part of what
//! cargo calls fresh and of what compile caches know a compilation by.
//!
//! Moving a folder takes no time and keeps the times of its files. Knows nothing of what is in them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::checkout::Checkout;
use super::variant::{Axis, Variant};
use crate::exec::Executor;
use crate::plan::Invocation;

/// Whether others may go on with what a build with this variant has made, whatever they are. What kache has filled goes
/// on through kache when it is switched off: build scripts in it would be answered by the cache of the run.
pub fn is_for_others(variant: &Variant) -> bool {
    variant.get(Axis::Cache) == "none"
}

/// The path that all builds use, and the directories that wait beside it.
#[derive(Debug)]
pub struct Targets {
    /// Where the copy's builds go.
    path: PathBuf,
    store: PathBuf,
    /// Whose directory is at the path now.
    current: Option<String>,
    /// For each directory that was built: the changed lines that it was last built with.
    built: BTreeMap<String, BTreeMap<PathBuf, u64>>,
}

impl Targets {
    /// `store` is emptied: whatever an earlier run left there is not known any more.
    pub fn new(path: &Path, store: &Path) -> anyhow::Result<Targets> {
        for folder in [path, store] {
            remove(folder)?;
        }
        fs::create_dir_all(store).with_context(|| format!("create `{}`", store.display()))?;
        Ok(Targets { path: path.to_owned(), store: store.to_owned(), current: None, built: BTreeMap::new() })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Nothing at the path.
    pub fn empty(&mut self) -> anyhow::Result<()> {
        self.put_away()?;
        remove(&self.path)
    }

    /// The directory of this key at the path; a new one where there is none yet.
    pub fn take(&mut self, key: &str) -> anyhow::Result<()> {
        if self.current.as_deref() == Some(key) {
            return Ok(());
        }
        self.empty()?;
        let kept = self.store.join(key);
        if kept.is_dir() {
            rename(&kept, &self.path)?;
        }
        self.current = Some(key.to_owned());
        Ok(())
    }

    /// A copy of what another key has, where this one has nothing yet: cargo then compiles only what differs.
    pub fn begin_with(&mut self, exec: &Executor, key: &str, other: &str) -> anyhow::Result<()> {
        if self.built.contains_key(key) || !self.built.contains_key(other) {
            return Ok(());
        }
        self.restore_copy(exec, other)?;
        self.current = Some(key.to_owned());
        Ok(())
    }

    /// What was just built at the path belongs to this key from now on, where that has none yet.
    pub fn keep_as(&mut self, key: &str, checkout: &Checkout) {
        if !self.built.contains_key(key) {
            self.current = Some(key.to_owned());
            self.built.insert(key.to_owned(), checkout.state());
        }
    }

    /// A build at the path has succeeded.
    pub fn note_built(&mut self, checkout: &Checkout) {
        if let Some(key) = &self.current {
            self.built.insert(key.clone(), checkout.state());
        }
    }

    /// A build at the path has failed or was stopped: nothing is known of it any more.
    pub fn forget(&mut self) {
        if let Some(key) = self.current.take() {
            self.built.remove(&key);
        }
    }

    /// Whether the directory of this key was built from the lines as they are now, but for those of `file`.
    pub fn is_built(&self, key: &str, checkout: &Checkout, file: Option<&Path>) -> bool {
        let Some(built) = self.built.get(key) else { return false };
        let now = checkout.state();
        let differs = |path: &PathBuf| built.get(path) != now.get(path);
        !built.keys().chain(now.keys()).any(|path| differs(path) && Some(path.as_path()) != file)
    }

    /// Puts a copy of the directory of this key at the path, as a cache of CI restores it; the original stays away.
    pub fn restore_copy(&mut self, exec: &Executor, key: &str) -> anyhow::Result<()> {
        self.empty()?;
        // Times have to be kept, and nothing of the standard library copies a tree.
        let command =
            Invocation::new("cp", &self.store).args(["-a", "--", key]).arg(self.path.display().to_string());
        exec.run(&command).context("restore the target directory")?;
        Ok(())
    }

    fn put_away(&mut self) -> anyhow::Result<()> {
        let Some(key) = self.current.take() else { return Ok(()) };
        if self.path.is_dir() && self.built.contains_key(&key) {
            rename(&self.path, &self.store.join(key))?;
        }
        Ok(())
    }
}

fn rename(from: &Path, to: &Path) -> anyhow::Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).with_context(|| format!("create `{}`", folder.display()))?;
    }
    fs::rename(from, to).with_context(|| format!("move `{}` to `{}`", from.display(), to.display()))
}

fn remove(folder: &Path) -> anyhow::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("remove `{}`", folder.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_cache_has_filled_is_for_nobody_else() {
        let is_kept = |variant: &str| is_for_others(&variant.parse().unwrap());
        assert!(is_kept("linker=mold"));
        assert!(!is_kept("cache=kache") && !is_kept("linker=mold,cache=sccache"));
    }
}
