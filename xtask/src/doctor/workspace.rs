//! What the manifests say, as far as they can be read: cargo's own description, the lock file, our metadata.
//!
//! No group of its own: others conclude from it.

use std::path::PathBuf;

use super::base::{Base, Problem};
use crate::config::automation::Automation;
use crate::config::lockfile;
use crate::facts::workspace::Workspace;

/// The workspace. What could not be read is the problem in its place.
pub struct Facts {
    pub workspace: Result<Workspace, Problem>,
    pub automation: Result<Automation, Problem>,
    /// The version of wasm-bindgen that Cargo.lock has settled on.
    pub wasm_bindgen: Result<Option<String>, Problem>,
    /// The text of Cargo.lock; empty where there is none.
    pub lockfile: String,
    pub target_directory: PathBuf,
}

pub fn gather(base: &Base<'_>) -> Facts {
    let workspace = Workspace::probe(base.exec, &base.root).map_err(|error| Problem::of(&error));
    let metadata = workspace.as_ref().map(|workspace| workspace.metadata.clone()).unwrap_or_default();
    let target = workspace.as_ref().map(|workspace| workspace.target_directory.clone());
    Facts {
        automation: Automation::from_metadata(&metadata).map_err(|error| Problem::of(&error)),
        wasm_bindgen: lockfile::locked_version(&base.root, "wasm-bindgen")
            .map_err(|error| Problem::of(&error)),
        lockfile: std::fs::read_to_string(base.root.join("Cargo.lock")).unwrap_or_default(),
        target_directory: target.unwrap_or_else(|_| base.root.join("target")),
        workspace,
    }
}

impl Facts {
    /// Whether a package is in Cargo.lock.
    pub fn locks(&self, package: &str) -> bool {
        self.lockfile.lines().any(|line| line.strip_prefix("name = ") == Some(&format!("\"{package}\"")))
    }

    /// The metadata, or none of it.
    pub fn automation(&self) -> Automation {
        self.automation.clone().unwrap_or_default()
    }
}
