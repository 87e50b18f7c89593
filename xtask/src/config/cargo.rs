//! Cargo's own configuration: `.cargo/config.toml` of the workspace, of the folders above it and of cargo's home.
//!
//! Knows how cargo merges the files and which variables override them, not what becomes of the values.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::{cfg, read_toml};
use crate::exit::Failure;

/// The merged configuration.
#[derive(Clone, Debug)]
pub struct CargoConfig {
    merged: Value,
    /// Variables of the process that override configuration; all start with `CARGO_` or are `RUSTFLAGS`.
    process: BTreeMap<String, String>,
    places: BTreeSet<PathBuf>,
}

impl CargoConfig {
    /// Reads the files that cargo reads when it runs in `root`, and the variables that override them.
    pub fn read(root: &Path) -> anyhow::Result<CargoConfig> {
        let home = home();
        let process = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| name.starts_with("CARGO_") || name == "RUSTFLAGS")
            .collect();
        let mut config = CargoConfig::from_files(&files(root, home.as_deref()), process)?;
        config.places.extend(candidates(root, home.as_deref()).into_iter().flatten());
        Ok(config)
    }

    /// Whether `.cargo/config.toml` of this folder includes the file of this name beside it.
    pub fn includes(root: &Path, name: &str) -> anyhow::Result<bool> {
        let file = root.join(".cargo/config.toml");
        if !file.is_file() {
            return Ok(false);
        }
        let own = read_toml(&file)?;
        let items = own.get("include").and_then(Value::as_array).cloned().unwrap_or_default();
        let path = |item: &Value| item.as_str().or_else(|| item.get("path")?.as_str()).map(str::to_owned);
        Ok(items.iter().filter_map(path).any(|path| path == name))
    }

    /// `files` in falling precedence.
    fn from_files(files: &[PathBuf], process: BTreeMap<String, String>) -> anyhow::Result<CargoConfig> {
        let mut merged = Value::Object(Map::new());
        let mut places = BTreeSet::new();
        for file in files.iter().rev() {
            merge(&mut merged, load(file, &mut Vec::new(), &mut places)?);
        }
        Ok(CargoConfig { merged, process, places })
    }

    /// Every file that cargo looks for, whether or not it is there, with those that are included.
    pub fn places(&self) -> &BTreeSet<PathBuf> {
        &self.places
    }

    /// The value that `[env]` gives a variable. Cargo lets a variable of the process win unless `force` is set.
    pub fn env(&self, name: &str) -> Option<String> {
        let entry = self.merged.get("env")?.get(name)?;
        entry.as_str().or_else(|| entry.get("value")?.as_str()).map(str::to_owned)
    }

    /// The flags that rustc gets for `triple`. As in cargo, only the first of these sources that has any counts:
    /// `CARGO_ENCODED_RUSTFLAGS`, `RUSTFLAGS`, all of `target.*.rustflags`, `build.rustflags`.
    pub fn rustflags(&self, triple: &str) -> Vec<String> {
        if let Some(encoded) = self.process.get("CARGO_ENCODED_RUSTFLAGS") {
            return encoded.split('\u{1f}').filter(|flag| !flag.is_empty()).map(str::to_owned).collect();
        }
        if let Some(flags) = self.process.get("RUSTFLAGS") {
            return words(flags);
        }
        let mut flags = self.rustflags_of_target(triple);
        if flags.is_empty() {
            flags = flags_of(self.value("/build"));
            flags.extend(
                self.process.get("CARGO_BUILD_RUSTFLAGS").map(|flags| words(flags)).into_iter().flatten(),
            );
        }
        flags
    }

    /// The variable that gives rustc one flag more for `triple` alone, after those that it gets anyway. `None` where no
    /// variable can: flags in the environment come before those of a target, and a flag with a blank cannot be told
    /// from two.
    pub fn with_rustflag(&self, triple: &str, flag: &str) -> Option<(String, String)> {
        if ["CARGO_ENCODED_RUSTFLAGS", "RUSTFLAGS"].iter().any(|name| self.process.contains_key(*name)) {
            return None;
        }
        let variable = rustflags_variable(triple);
        // Cargo joins the variable with what files say of the target, and leaves out what they say of all targets.
        let mut flags = match self.rustflags_of_target(triple).is_empty() {
            true => self.rustflags(triple),
            false => self.process.get(&variable).map(|flags| words(flags)).unwrap_or_default(),
        };
        flags.push(flag.to_owned());
        let is_one_word = |flag: &String| !flag.contains(char::is_whitespace);
        flags.iter().all(is_one_word).then(|| (variable, flags.join(" ")))
    }

    fn rustflags_of_target(&self, triple: &str) -> Vec<String> {
        let tables = self.value("/target").and_then(Value::as_object);
        let mut flags = flags_of(tables.and_then(|tables| tables.get(triple)));
        let variable = self.process.get(&rustflags_variable(triple));
        flags.extend(variable.map(|flags| words(flags)).into_iter().flatten());
        for (name, table) in tables.into_iter().flatten() {
            if cfg::holds(name, triple) {
                flags.extend(flags_of(Some(table)));
            }
        }
        flags
    }

    /// Any other value, by JSON pointer: `/profile/release`, `/build/rustc-wrapper`.
    pub fn value(&self, pointer: &str) -> Option<&Value> {
        self.merged.pointer(pointer)
    }
}

/// The variable with the flags of one target.
fn rustflags_variable(triple: &str) -> String {
    format!("CARGO_TARGET_{}_RUSTFLAGS", triple.to_uppercase().replace('-', "_"))
}

/// Cargo's home, where it is known.
pub fn home() -> Option<PathBuf> {
    match std::env::var_os("CARGO_HOME") {
        Some(home) => Some(PathBuf::from(home)),
        None => std::env::var_os("HOME").map(|home| Path::new(&home).join(".cargo")),
    }
}

/// The files that exist, in falling precedence: the nearest folder first, cargo's home last.
pub(super) fn files(root: &Path, home: Option<&Path>) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = Vec::new();
    for names in candidates(root, home) {
        let file = names.into_iter().find(|file| file.is_file());
        found.extend(file.filter(|file| !found.contains(file)));
    }
    found
}

/// The names in each folder, nearest folder first. Cargo still prefers the old name without extension.
fn candidates(root: &Path, home: Option<&Path>) -> Vec<[PathBuf; 2]> {
    let folders = root.ancestors().map(|folder| folder.join(".cargo")).chain(home.map(Path::to_owned));
    folders.map(|folder| ["config", "config.toml"].map(|name| folder.join(name))).collect()
}

/// One file with its includes below it, and with paths that are relative to it made absolute. Adds to `places` what it
/// looks for.
fn load(file: &Path, includers: &mut Vec<PathBuf>, places: &mut BTreeSet<PathBuf>) -> anyhow::Result<Value> {
    if includers.iter().any(|includer| includer == file) {
        return Err(Failure::usage(format!("{} includes itself", file.display())).into());
    }
    places.insert(file.to_owned());
    let mut own = read_toml(file)?;
    let folder = file.parent().unwrap_or(Path::new(""));
    let base = folder.parent().unwrap_or(Path::new(""));
    make_absolute(&mut own, base);
    let mut merged = Value::Object(Map::new());
    includers.push(file.to_owned());
    let includes = match own.get("include") {
        Some(Value::Array(items)) => items.clone(),
        Some(single) => vec![single.clone()],
        None => Vec::new(),
    };
    for include in includes {
        let path = include.as_str().or_else(|| include.get("path")?.as_str());
        let optional = include.get("optional").and_then(Value::as_bool).unwrap_or(false);
        let Some(path) = path.map(|path| folder.join(path)) else {
            let message = format!("`include` in {} must name files", file.display());
            return Err(Failure::usage(message)
                .hint("include = [{ path = \"local.toml\", optional = true }]")
                .into());
        };
        if path.is_file() || !optional {
            merge(&mut merged, load(&path, includers, places)?);
        } else {
            places.insert(path);
        }
    }
    includers.pop();
    merge(&mut merged, own);
    Ok(merged)
}

fn make_absolute(config: &mut Value, base: &Path) {
    let entries = config.get_mut("env").and_then(Value::as_object_mut).into_iter().flatten();
    for (_, entry) in entries {
        let relative = entry.get("relative").and_then(Value::as_bool) == Some(true);
        if let Some(Value::String(value)) = entry.get_mut("value").filter(|_| relative) {
            *value = base.join(&*value).display().to_string();
        }
    }
}

/// Lays `high` over `low` as cargo does: tables are merged, lists are joined, anything else is replaced.
fn merge(low: &mut Value, high: Value) {
    match (low, high) {
        (Value::Object(low), Value::Object(high)) => {
            for (key, value) in high {
                match low.get_mut(&key) {
                    Some(existing) => merge(existing, value),
                    None => drop(low.insert(key, value)),
                }
            }
        }
        (Value::Array(low), Value::Array(high)) => low.extend(high),
        (low, high) => *low = high,
    }
}

/// `rustflags` of a table, whether it is a list or one text.
fn flags_of(table: Option<&Value>) -> Vec<String> {
    match table.and_then(|table| table.get("rustflags")) {
        Some(Value::String(flags)) => words(flags),
        Some(Value::Array(flags)) => {
            flags.iter().filter_map(|flag| flag.as_str().map(str::to_owned)).collect()
        }
        _ => Vec::new(),
    }
}

fn words(flags: &str) -> Vec<String> {
    flags.split_whitespace().map(str::to_owned).collect()
}

#[cfg(test)]
#[path = "cargo_tests.rs"]
mod tests;
