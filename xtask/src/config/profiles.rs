//! Cargo's profiles as cargo would apply them: `[profile.*]` of the root manifest, of cargo's configuration and of the
//! environment, resolved through `inherits` down to the built-in ones.
//!
//! Knows cargo's defaults, not which profile a build should use.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::cargo::CargoConfig;
use super::keys::{describe, not_known};
use super::{parse_toml, read_toml};
use crate::exit::Failure;

/// The profiles that cargo has by itself, and which of the two real ones each is based on.
const BUILT_IN: [(&str, &str); 4] =
    [("dev", "dev"), ("test", "dev"), ("release", "release"), ("bench", "release")];

/// All profiles of a workspace.
#[derive(Clone, Debug, Default)]
pub struct Profiles {
    tables: BTreeMap<String, Map<String, Value>>,
}

/// One profile with every setting that cargo would use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Profile {
    pub name: String,
    /// `0` to `3`, `s` or `z`.
    pub opt_level: String,
    /// `false` (within a crate only), `off`, `thin` or `fat`.
    pub lto: String,
    /// `none`, `debuginfo` or `symbols`. Cargo strips the debug info of dependencies' own binaries by itself where the
    /// profile has none.
    pub strip: String,
    /// `0` to `2`, `line-tables-only` or `line-directives-only`.
    pub debug: String,
    /// `unwind`, `abort`, …
    pub panic: String,
    pub codegen_units: u32,
    pub incremental: bool,
    /// Whether anybody has said how much debug info there is to be, for all packages or for some.
    pub says_debug: bool,
    /// Whether the profile is based on `release` rather than on `dev`.
    pub inherits_release: bool,
    /// Whether `package.*` or `build-override` change settings for some crates.
    pub has_package_overrides: bool,
    /// The folder below the target directory.
    pub target_subdir: String,
    /// Every setting, as TOML: what `--config profile.NAME.KEY=VALUE` takes.
    pub settings: BTreeMap<String, String>,
}

impl Profiles {
    /// Reads the root manifest, cargo's configuration and `CARGO_PROFILE_*`, in rising precedence.
    pub fn read(root: &Path) -> anyhow::Result<Profiles> {
        let manifest = read_toml(&root.join("Cargo.toml"))?;
        let config = CargoConfig::read(root)?;
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            let name = name.into_string().ok()?;
            Some((name.strip_prefix("CARGO_PROFILE_")?.to_owned(), value.into_string().ok()?))
        });
        Profiles::from_parts(manifest.get("profile"), config.value("/profile"), variables)
    }

    /// `variables` are named without `CARGO_PROFILE_`, e.g. `RELEASE_LTO`.
    pub fn from_parts(
        manifest: Option<&Value>,
        config: Option<&Value>,
        variables: impl Iterator<Item = (String, String)>,
    ) -> anyhow::Result<Profiles> {
        let mut tables: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
        for (name, table) in [manifest, config].into_iter().flatten().filter_map(Value::as_object).flatten() {
            let Value::Object(settings) = table else {
                let message = format!("`[profile.{name}]` must be a table, not {}", describe(table));
                return Err(Failure::usage(message).into());
            };
            tables.entry(name.clone()).or_default().extend(settings.clone());
        }
        let names: BTreeSet<String> =
            tables.keys().cloned().chain(BUILT_IN.map(|(name, _)| name.to_owned())).collect();
        for (variable, text) in variables {
            let upper = |name: &str| name.to_uppercase().replace('-', "_") + "_";
            let of =
                names.iter().filter(|name| variable.starts_with(&upper(name))).max_by_key(|name| name.len());
            let Some(name) = of else { continue };
            let key = variable[upper(name).len()..].to_lowercase().replace('_', "-");
            if !key.starts_with("build-override") && !key.starts_with("package") {
                tables.entry(name.clone()).or_default().insert(key, from_text(&text));
            }
        }
        Ok(Profiles { tables })
    }

    /// Whether cargo would accept the name.
    pub fn contains(&self, name: &str) -> bool {
        BUILT_IN.iter().any(|(built_in, _)| *built_in == name) || self.tables.contains_key(name)
    }

    /// All names, cargo's own included.
    pub fn names(&self) -> Vec<String> {
        let own = self.tables.keys().map(String::as_str);
        let all: BTreeSet<&str> = own.chain(BUILT_IN.map(|(name, _)| name)).collect();
        all.into_iter().map(str::to_owned).collect()
    }

    /// The profile as cargo would apply it.
    pub fn resolve(&self, name: &str) -> anyhow::Result<Profile> {
        let (chain, base) = self.chain(name)?;
        let mut settings = defaults(base);
        let (mut has_package_overrides, mut says_debug) = (false, false);
        for table in chain.iter().rev().filter_map(|link| self.tables.get(*link)) {
            for (key, value) in table {
                says_debug |= key == "debug" || (key == "package" && has_key(value, "debug"));
                match key.as_str() {
                    "inherits" => {}
                    "package" | "build-override" => {
                        has_package_overrides |= value.as_object().is_some_and(|table| !table.is_empty());
                    }
                    _ => drop(settings.insert(key.clone(), normal(key, value))),
                }
            }
        }
        let shown = |key: &str| settings.get(key).map(plain).unwrap_or_default();
        let codegen_units =
            settings.get("codegen-units").and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
        let Some(codegen_units) = codegen_units.filter(|units| *units > 0) else {
            let message = format!("`codegen-units` of profile `{name}` must be a positive number");
            return Err(Failure::usage(format!("{message}, not {}", shown("codegen-units"))).into());
        };
        let without_debug = shown("debug") == "0" && !has_package_overrides;
        Ok(Profile {
            name: name.to_owned(),
            opt_level: shown("opt-level"),
            lto: shown("lto"),
            strip: match settings.get("strip") {
                Some(strip) => plain(strip),
                None if without_debug => "debuginfo".to_owned(),
                None => "none".to_owned(),
            },
            debug: shown("debug"),
            says_debug,
            panic: shown("panic"),
            codegen_units,
            incremental: settings.get("incremental").and_then(Value::as_bool).unwrap_or(false),
            inherits_release: base == "release",
            has_package_overrides,
            target_subdir: match name {
                "dev" | "test" => "debug".to_owned(),
                "bench" => "release".to_owned(),
                other => other.to_owned(),
            },
            settings: settings.iter().map(|(key, value)| (key.clone(), as_toml(value))).collect(),
        })
    }

    /// The same for a profile that only `--config` defines; `settings` are keys and values in TOML.
    pub fn resolve_with(&self, name: &str, settings: &[(&str, &str)]) -> anyhow::Result<Profile> {
        let mut all = self.clone();
        let text: String = settings.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
        let Value::Object(table) = parse_toml(&text, &format!("the settings given for profile `{name}`"))?
        else {
            return all.resolve(name);
        };
        all.tables.entry(name.to_owned()).or_default().extend(table);
        all.resolve(name)
    }

    /// The names from `name` down to a built-in profile, and the real one that that is based on.
    fn chain<'a>(&'a self, name: &'a str) -> anyhow::Result<(Vec<&'a str>, &'static str)> {
        let mut chain = Vec::new();
        let mut link = name;
        loop {
            if chain.contains(&link) {
                let message =
                    format!("profile `{name}` inherits from itself: {} → {link}", chain.join(" → "));
                return Err(Failure::usage(message).into());
            }
            chain.push(link);
            if let Some((built_in, base)) = BUILT_IN.iter().find(|(built_in, _)| *built_in == link) {
                if built_in != base {
                    chain.push(base);
                }
                return Ok((chain, base));
            }
            let Some(table) = self.tables.get(link) else {
                let of = if link == name { String::new() } else { format!(", which `{name}` inherits from") };
                let names = self.names();
                let message = format!("there is no profile `{link}`{of}");
                return Err(not_known(message, link, names.iter().map(String::as_str), "profiles").into());
            };
            link = table.get("inherits").and_then(Value::as_str).ok_or_else(|| {
                Failure::usage(format!("profile `{link}` does not say what it inherits from")).hint(format!(
                    "add `inherits = \"release\"` to `[profile.{link}]` in the root Cargo.toml"
                ))
            })?;
        }
    }
}

fn defaults(base: &str) -> BTreeMap<String, Value> {
    let release = base == "release";
    let settings = [
        ("opt-level", if release { json!(3) } else { json!(0) }),
        ("debug", if release { json!(0) } else { json!(2) }),
        ("debug-assertions", json!(!release)),
        ("overflow-checks", json!(!release)),
        ("lto", json!(false)),
        ("panic", json!("unwind")),
        ("incremental", json!(!release)),
        ("codegen-units", if release { json!(16) } else { json!(256) }),
        ("rpath", json!(false)),
    ];
    settings.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// Whether one of the tables in this table has the key.
fn has_key(tables: &Value, key: &str) -> bool {
    tables.as_object().is_some_and(|tables| tables.values().any(|table| table.get(key).is_some()))
}

/// One spelling for settings that cargo knows by several.
fn normal(key: &str, value: &Value) -> Value {
    match (key, value) {
        ("debug", Value::Bool(on)) => json!(if *on { 2 } else { 0 }),
        ("debug", Value::String(level)) => match level.as_str() {
            "none" => json!(0),
            "limited" => json!(1),
            "full" => json!(2),
            other => from_text(other),
        },
        ("lto", Value::Bool(true)) => json!("fat"),
        ("strip", Value::Bool(on)) => json!(if *on { "symbols" } else { "none" }),
        ("opt-level", Value::String(level)) => from_text(level),
        _ => value.clone(),
    }
}

/// A value that was given as text, e.g. in a variable.
fn from_text(text: &str) -> Value {
    match text.parse::<u64>() {
        Ok(number) => json!(number),
        Err(_) => text.parse::<bool>().map_or_else(|_| json!(text), |flag| json!(flag)),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn as_toml(value: &Value) -> String {
    match value {
        Value::String(text) => format!("'{text}'"),
        other => other.to_string(),
    }
}

#[cfg(test)]
#[path = "profiles_tests.rs"]
mod tests;
