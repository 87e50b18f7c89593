//! The user-local folder: one folder a tool and version, which is there whole or not at all.
//!
//! A tool is put together in a hidden sibling and renamed when it has proved itself, under a lock that the operating
//! system lets go when its process ends. So whatever a killed run left is never mistaken for a tool.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::exec::Executor;
use crate::exit::{Exit, Failure};

/// The longest time to wait for another process that installs the same tool.
const LOCK_LIMIT: Duration = Duration::from_secs(20 * 60);
const RECEIPT: &str = "receipt.json";

/// What an installed tool says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    pub tool: String,
    /// The version that was wanted, which is also the folder's name.
    pub wanted: String,
    /// What the program calls itself; differs from `wanted` where another program stands in.
    pub version: String,
    /// Which source it came from.
    pub source: String,
    /// Files outside the folder that the tool runs with, e.g. Node. Gone means that the tool is gone.
    pub needs: Vec<PathBuf>,
}

impl Receipt {
    pub fn new(tool: &str, wanted: &str, version: &str, source: &str) -> Receipt {
        let [tool, wanted, version, source] = [tool, wanted, version, source].map(str::to_owned);
        Receipt { tool, wanted, version, source, needs: Vec::new() }
    }
}

/// The user-local folder: `$XTASK_HOME`, else `$XDG_DATA_HOME/xtask`, else `~/.local/share/xtask`.
pub fn home() -> anyhow::Result<PathBuf> {
    home_from(|name| std::env::var(name).ok())
}

fn home_from(variable: impl Fn(&str) -> Option<String>) -> anyhow::Result<PathBuf> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    if let Some(folder) = set("XTASK_HOME") {
        return absolute("XTASK_HOME", folder);
    }
    // The XDG specification says that a relative path there is to be ignored.
    if let Some(folder) = set("XDG_DATA_HOME").filter(|folder| Path::new(folder).is_absolute()) {
        return Ok(Path::new(&folder).join("xtask"));
    }
    match set("HOME") {
        Some(folder) => Ok(absolute("HOME", folder)?.join(".local/share/xtask")),
        None => Err(Failure::usage("HOME is not set, so there is no folder to keep tools in")
            .hint("set XTASK_HOME to a folder that you can write to")
            .into()),
    }
}

fn absolute(name: &str, folder: String) -> anyhow::Result<PathBuf> {
    let path = PathBuf::from(&folder);
    if path.is_absolute() {
        return Ok(path);
    }
    Err(Failure::usage(format!("{name} is `{folder}`, which is not an absolute path"))
        .hint(format!("set {name} to an absolute path"))
        .into())
}

/// Where a tool goes.
pub fn folder(home: &Path, tool: &str, version: &str) -> PathBuf {
    home.join("tools").join(tool).join(version)
}

/// The program of an installed tool.
pub fn program(folder: &Path, name: &str) -> PathBuf {
    folder.join("bin").join(name)
}

/// The receipt of a tool that is whole; `None` where it is absent, or `program` or something that it needs has gone.
pub fn installed(folder: &Path, program: &Path) -> Option<Receipt> {
    receipt(folder).filter(|_| program.is_file())
}

/// The receipt in a tool's folder, where all is there that it needs from outside.
pub fn receipt(folder: &Path) -> Option<Receipt> {
    let text = fs::read_to_string(folder.join(RECEIPT)).ok()?;
    let receipt: Receipt = serde_json::from_str(&text).ok()?;
    receipt.needs.iter().all(|path| path.exists()).then_some(receipt)
}

/// The right to install one tool at one version, held by at most one process.
#[derive(Debug)]
pub struct Place {
    destination: PathBuf,
    partial: PathBuf,
    _lock: File,
}

impl Place {
    /// Waits for the lock, then clears away what dead processes left.
    pub fn take(exec: &Executor, home: &Path, tool: &str, version: &str) -> anyhow::Result<Place> {
        let destination = folder(home, tool, version);
        let tools = destination.parent().context("a tool's folder has a parent")?.to_owned();
        create(&tools)?;
        create(&home.join("locks"))?;
        let lock = wait_for_lock(exec, &lock_path(home, tool, version), &format!("{tool} {version}"))?;
        sweep(home, &tools, tool, version);
        let partial = tools.join(format!(".{version}.partial-{}", std::process::id()));
        Ok(Place { destination, partial, _lock: lock })
    }

    /// An empty folder to put the tool together in.
    pub fn fresh(&self) -> anyhow::Result<&Path> {
        self.discard();
        create(&self.partial.join("bin"))?;
        Ok(&self.partial)
    }

    /// Takes away what a source left half done.
    pub fn discard(&self) {
        let _ = fs::remove_dir_all(&self.partial);
    }

    /// Writes the receipt and puts the tool in its place, in one rename.
    pub fn finish(&self, exec: &Executor, receipt: &Receipt) -> anyhow::Result<()> {
        exec.write_file(&self.partial.join(RECEIPT), &serde_json::to_vec_pretty(receipt)?)?;
        if self.destination.exists() {
            fs::remove_dir_all(&self.destination)
                .with_context(|| format!("remove the broken `{}`", self.destination.display()))?;
        }
        fs::rename(&self.partial, &self.destination)
            .with_context(|| format!("move the tool to `{}`", self.destination.display()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.discard();
    }
}

/// Creates a folder below the user-local one; where that cannot be, says which setting moves it.
fn create(folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder).map_err(|error| {
        Failure::usage(format!("cannot create `{}`, where tools are kept: {error}", folder.display()))
            .hint("set XTASK_HOME to a folder that you can write to")
            .into()
    })
}

fn lock_path(home: &Path, tool: &str, version: &str) -> PathBuf {
    home.join("locks").join(format!("{tool}-{version}.lock"))
}

fn wait_for_lock(exec: &Executor, path: &Path, what: &str) -> anyhow::Result<File> {
    let started = Instant::now();
    let mut told = false;
    loop {
        if let Some(lock) = try_lock(path)? {
            return Ok(lock);
        }
        if !told {
            exec.ui().status("Waiting", format_args!("for another process that installs {what}"));
            told = true;
        }
        exec.check_interrupted()?;
        if started.elapsed() > LOCK_LIMIT {
            let minutes = LOCK_LIMIT.as_secs() / 60;
            let message = format!("another process has been installing {what} for {minutes} minutes");
            let hint = format!("end the process that holds `{}`", path.display());
            return Err(Failure::new(Exit::TimedOut, message).hint(hint).into());
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn try_lock(path: &Path) -> anyhow::Result<Option<File>> {
    let file = File::options()
        .create(true)
        .append(true)
        .open(path)
        .with_context(|| format!("open the lock `{}`", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("lock `{}`", path.display())),
    }
}

/// Removes half-made folders whose lock is free: whoever made them is dead. `version`'s own lock is ours.
fn sweep(home: &Path, tools: &Path, tool: &str, version: &str) {
    let Ok(entries) = fs::read_dir(tools) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(owner) = name.to_str().and_then(partial_version) else {
            continue;
        };
        let dead = owner == version || matches!(try_lock(&lock_path(home, tool, owner)), Ok(Some(_)));
        if dead {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// The version in the name of a half-made folder, `.<version>.partial-<pid>`.
fn partial_version(name: &str) -> Option<&str> {
    let (version, pid) = name.strip_prefix('.')?.rsplit_once(".partial-")?;
    pid.parse::<u32>().ok().map(|_| version)
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
