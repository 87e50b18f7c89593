//! Compile caches as arms of a benchmark: which are there, what is known against each, and one on a server of its own.
//!
//! Nothing of the user's own caches is used, counted or changed. Whatever is wrong with a cache is the reason why an
//! arm is not measured, never a failed run: the outer error of a function is an interruption, the inner one is the
//! reason.

mod caveats;
mod counters;
mod kache;
mod proof;
mod readers;
mod sccache;
mod session;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use caveats::concerns;
pub use counters::{Counters, activity};
pub use proof::prove;
pub use readers::{Readers, look as readers};
pub use sccache::bucket;
pub use session::Session;

use crate::config::tools::Table;
use crate::exec::Executor;
use crate::exit::Exit;
use crate::facts::tool::find_on_path;
use crate::tools::{self, Tool};

/// What `--variant cache=…` can name.
pub const NAMES: [&str; 4] = ["none", "sccache", IN_BUCKET, "kache"];
/// The one that writes to where others read.
pub const IN_BUCKET: &str = "sccache-s3";

/// What stands before rustc in one arm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CompileCache {
    /// Nothing, whatever the user's configuration says.
    None,
    Sccache {
        program: PathBuf,
        version: String,
        /// In the bucket that the environment configures, instead of a folder.
        s3: bool,
    },
    Kache {
        program: PathBuf,
        version: String,
    },
}

/// Changes to the environment of cargo, and of the cache's server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    pub env: BTreeMap<String, String>,
    /// What the user set for a cache of their own.
    pub env_remove: Vec<String>,
}

impl CompileCache {
    /// The version of the program, where there is one.
    pub fn version(&self) -> Option<&str> {
        match self {
            CompileCache::None => None,
            CompileCache::Sccache { version, .. } | CompileCache::Kache { version, .. } => Some(version),
        }
    }

    /// What stands before rustc.
    pub fn program(&self) -> Option<&Path> {
        match self {
            CompileCache::None => None,
            CompileCache::Sccache { program, .. } | CompileCache::Kache { program, .. } => Some(program),
        }
    }
}

/// The cache of this name: of the user-local folder at the version of `tools.toml`, else the one on `PATH` at any. Else
/// the reason why there is none.
pub fn find(exec: &Executor, name: &str) -> anyhow::Result<Result<CompileCache, String>> {
    let (tool, group) = match name {
        "none" => return Ok(Ok(CompileCache::None)),
        "sccache" => (Tool::Sccache, "bench"),
        IN_BUCKET if bucket().is_some() => (Tool::Sccache, "bench"),
        IN_BUCKET => return Ok(Err("the environment configures no bucket (SCCACHE_BUCKET)".to_owned())),
        "kache" => (Tool::Kache, "bench-full"),
        _ => return Ok(Err(format!("there is no compile cache `{name}`"))),
    };
    let Some((program, version)) = tools::look_for_any(exec, tool)? else {
        let key = tool.key();
        return Ok(Err(match find_on_path(key) {
            Some(program) => format!("{} does not tell its version", program.display()),
            None => format!("{key} is not installed: `cargo xtask setup --with {group}`"),
        }));
    };
    Ok(Ok(match tool {
        Tool::Kache => CompileCache::Kache { program, version },
        _ => CompileCache::Sccache { program, version, s3: name == IN_BUCKET },
    }))
}

/// The version of a cache's program whose builds were compared with builds without: that of the table.
fn tried(key: &str) -> Option<String> {
    Table::builtin().tool(key).ok()?.version.clone()
}

/// One line that says why a cache is of no use, unless the user has interrupted us.
fn reason(exec: &Executor, error: anyhow::Error) -> anyhow::Result<String> {
    if matches!(Exit::of(&error), Exit::Interrupted(_)) {
        return Err(error);
    }
    let text = format!("{error:#}");
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    // Of a command's last lines the one that tells most.
    let telling = lines.find(|line| line.to_lowercase().contains("error"));
    Ok(exec.redact(&telling.map_or(first.to_owned(), |line| format!("{first}: {line}"))))
}
