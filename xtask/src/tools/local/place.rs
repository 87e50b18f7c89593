//! The scripts in the user-local folder, at paths that never change, and who uses them.
//!
//! `bin/xtask-linker` and `bin/xtask-rustc` are what cargo is told of; `linkers/NAME/ld` starts a linker;
//! `linkers/chosen` names one; `bin/users` lists the configurations that name the scripts.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::super::node::write_launcher;
use super::linker::{Candidate, DEFAULT};
use crate::exec::{Executor, FileLock};
use crate::plan::quote;

/// The folder, held by one process at a time.
pub struct Place {
    home: PathBuf,
    _lock: FileLock,
}

impl Place {
    pub fn take(exec: &Executor, home: &Path) -> anyhow::Result<Place> {
        let lock = FileLock::take(exec, &home.join("locks/local.lock"), "another `setup --local`")?;
        Ok(Place { home: home.to_owned(), _lock: lock })
    }

    /// What cargo calls to link.
    pub fn linker(&self) -> PathBuf {
        linker(&self.home)
    }

    /// What cargo calls to compile.
    pub fn cache(&self) -> PathBuf {
        cache(&self.home)
    }

    /// An empty folder for a proof.
    pub fn scratch(&self, name: &str) -> anyhow::Result<PathBuf> {
        let folder = self.home.join("proofs").join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).with_context(|| format!("create `{}`", folder.display()))?;
        Ok(folder)
    }

    /// The linker that the script uses now.
    pub fn chosen(&self) -> String {
        chosen(&self.home)
    }

    /// The compile cache that the script uses now, where there is a script.
    pub fn cached_by(&self) -> Option<PathBuf> {
        started_by(&self.cache())
    }

    pub fn write_linker(&self, exec: &Executor) -> anyhow::Result<()> {
        let text = include_str!("xtask-linker.sh");
        write_launcher(exec, &self.linker(), &text.replace("@HOME@", &self.quoted_home()))
    }

    pub fn write_cache(&self, exec: &Executor, program: &Path) -> anyhow::Result<()> {
        let text = include_str!("xtask-rustc.sh").replace("@HOME@", &self.quoted_home());
        let _ = fs::remove_file(self.home.join("bin/cache-is-broken"));
        write_launcher(exec, &self.cache(), &text.replace("@CACHE@", &quote(&program.display().to_string())))
    }

    /// Lets the script find a linker by its name.
    pub fn write_candidate(&self, exec: &Executor, candidate: &Candidate) -> anyhow::Result<()> {
        let folder = self.home.join("linkers").join(&candidate.name);
        let program = quote(&candidate.program.display().to_string());
        write_launcher(exec, &folder.join("ld"), &format!("#!/bin/sh\nexec {program} \"$@\"\n"))?;
        let other = folder.join("ld.lld");
        if !other.is_symlink() {
            symlink("ld", &other).with_context(|| format!("link `{}`", other.display()))?;
        }
        Ok(())
    }

    /// From now on this linker links, in every workspace that uses the script.
    pub fn choose(&self, exec: &Executor, linker: &str) -> anyhow::Result<()> {
        let _ = fs::remove_dir_all(self.home.join("proofs"));
        exec.write_file(&self.home.join("linkers/chosen"), format!("{linker}\n").as_bytes())
    }

    /// Notes that a configuration names the scripts.
    pub fn join(&self, exec: &Executor, config: &Path) -> anyhow::Result<()> {
        let mut users = self.users();
        if !users.iter().any(|user| user == config) {
            users.push(config.to_owned());
        }
        self.write_users(exec, &users)
    }

    /// Removes a workspace's configuration, and the scripts where no other names them. Whether there was one.
    pub fn leave(&self, exec: &Executor, root: &Path) -> anyhow::Result<bool> {
        exec.check_interrupted()?;
        let config = root.join(super::FILE);
        let was_there = config.is_file();
        if was_there {
            // Before the scripts: a configuration without them breaks cargo, scripts without one do nothing.
            fs::remove_file(&config).with_context(|| format!("remove `{}`", config.display()))?;
        }
        let mut users = self.users();
        users.retain(|user| *user != config && names(user, &self.home));
        if !users.is_empty() {
            self.write_users(exec, &users)?;
            return Ok(was_there);
        }
        for file in
            [self.linker(), self.cache(), self.home.join("bin/users"), self.home.join("bin/cache-is-broken")]
        {
            let _ = fs::remove_file(file);
        }
        for folder in ["linkers", "proofs"] {
            let _ = fs::remove_dir_all(self.home.join(folder));
        }
        Ok(was_there)
    }

    fn users(&self) -> Vec<PathBuf> {
        let text = fs::read_to_string(self.home.join("bin/users")).unwrap_or_default();
        text.lines().map(PathBuf::from).collect()
    }

    fn write_users(&self, exec: &Executor, users: &[PathBuf]) -> anyhow::Result<()> {
        let text: String = users.iter().map(|user| format!("{}\n", user.display())).collect();
        exec.write_file(&self.home.join("bin/users"), text.as_bytes())
    }

    fn quoted_home(&self) -> String {
        quote(&self.home.display().to_string())
    }
}

/// The linker that the script uses now.
pub fn chosen(home: &Path) -> String {
    let text = fs::read_to_string(home.join("linkers/chosen")).unwrap_or_default();
    if text.trim().is_empty() { DEFAULT.to_owned() } else { text.trim().to_owned() }
}

/// A file that a configuration needs and that is not there any more.
pub fn gone(home: &Path, config: &str) -> Option<PathBuf> {
    let mut needed: Vec<PathBuf> = [linker(home), cache(home)]
        .into_iter()
        .filter(|path| config.contains(&format!("{:?}", path.display().to_string())))
        .collect();
    let name = chosen(home);
    if name != DEFAULT {
        needed.push(home.join("linkers").join(name).join("ld"));
    }
    // What the scripts start.
    let started: Vec<PathBuf> = needed.iter().filter_map(|script| started_by(script)).collect();
    needed.into_iter().chain(started).find(|path| !path.is_file())
}

/// The program that a script of ours starts.
fn started_by(script: &Path) -> Option<PathBuf> {
    let text = fs::read_to_string(script).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("cache=").or(line.strip_prefix("exec /")))?;
    let word = if text.contains("\ncache=") { line.to_owned() } else { format!("/{line}") };
    Some(PathBuf::from(word.trim_end_matches(" \"$@\"").trim_matches('\'')))
}

fn linker(home: &Path) -> PathBuf {
    home.join("bin/xtask-linker")
}

fn cache(home: &Path) -> PathBuf {
    home.join("bin/xtask-rustc")
}

fn names(config: &Path, home: &Path) -> bool {
    let text = fs::read_to_string(config).unwrap_or_default();
    [linker(home), cache(home)].iter().any(|path| text.contains(&path.display().to_string()))
}
