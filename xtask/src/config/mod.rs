//! Reads and validates files and environment: manifests, lockfile, cargo's configuration, profiles, our own tables.
//!
//! Nothing here spawns a process, writes a file or knows what the values are for.

pub mod address;
pub mod automation;
pub mod bench;
pub mod budgets;
pub mod cargo;
pub mod cfg;
pub mod dockerignore;
pub mod environment;
pub mod expected;
pub mod github;
pub mod image;
pub mod keys;
pub mod lockfile;
pub mod monitor;
pub mod notify;
pub mod places;
pub mod profiles;
pub mod railway;
pub mod registries;
pub mod registry;
pub mod root;
pub mod service;
pub mod size;
pub mod toolchain_file;
pub mod tools;

use std::path::Path;

use anyhow::Context;
use serde_json::Value;

use crate::exit::Failure;

/// A TOML file as plain data; a syntax error names the file and shows the line.
pub fn read_toml(path: &Path) -> anyhow::Result<Value> {
    let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    parse_toml(&text, &path.display().to_string())
}

/// TOML text as plain data; `name` is what the text is called in errors.
pub fn parse_toml(text: &str, name: &str) -> anyhow::Result<Value> {
    toml::from_str(text).map_err(|error| {
        Failure::usage(format!("{name} is not valid TOML: {}", error.to_string().trim_end())).into()
    })
}
