//! The table of tool versions, `tools.toml`: what is in it and whether it is pinned as it should be.
//!
//! Knows nothing of how a tool is found or installed.

use std::collections::BTreeMap;

use clap::ValueEnum;
use serde::Serialize;
use serde_json::Value;

use super::keys::{Section, not_known};
use super::parse_toml;
use crate::exit::Failure;

const FILE: &str = "xtask/tools.toml";

/// All tools by key.
#[derive(Clone, Debug)]
pub struct Table {
    tools: BTreeMap<String, Tool>,
}

/// One tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    /// The key of its table.
    pub name: String,
    /// The pinned version; `None` where something else decides it.
    pub version: Option<String>,
    /// What decides the version instead.
    pub version_from: Option<VersionFrom>,
    /// What the tool is for.
    pub group: Group,
    /// The target triple, for a tool that is a standard library.
    pub target: Option<String>,
    /// The package in the archive of a Debian-like system.
    pub apt: Option<String>,
    /// Whether the crate's authors publish programs where cargo-binstall finds them.
    pub binstall: bool,
    /// The crate on crates.io.
    pub cargo: Option<Package>,
    /// The package on npm.
    pub npm: Option<Package>,
    /// Packages that are installed beside the one on npm, e.g. plugins.
    pub npm_with: Vec<Package>,
    /// The package on PyPI.
    pub pip: Option<Package>,
}

/// What tools are for. Everything but `build` is set up only where it is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// What a build of the app needs
    #[default]
    Build,
    /// Another linker and a compile cache
    Bench,
    /// One more of each, compiled for a quarter of an hour
    BenchFull,
    /// What looks at Dockerfiles and runs images
    Docker,
    /// What a deployment needs
    Deploy,
    /// What the tests talk to
    Services,
}

/// What decides a version that the table does not pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionFrom {
    /// The compiler that builds.
    Rustc,
    /// The crate of the tool's name in Cargo.lock.
    Lockfile,
}

/// A package of some registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    pub name: String,
    /// `None` where it is the tool's own version.
    pub version: Option<String>,
}

impl Table {
    /// The table that this program was compiled with.
    ///
    /// # Panics
    /// Never in a program whose tests have passed: one of them parses the table.
    pub fn builtin() -> Table {
        match Table::parse(include_str!("../../tools.toml")) {
            Ok(table) => table,
            Err(error) => panic!("{error}"),
        }
    }

    /// Parses a table; unknown keys and loose pins are errors.
    pub fn parse(text: &str) -> anyhow::Result<Table> {
        let Value::Object(entries) = parse_toml(text, FILE)? else {
            return Err(Failure::usage(format!("{FILE} must be made of tables")).into());
        };
        let tools = entries.iter().map(|(name, value)| Ok((name.clone(), tool(name, value)?)));
        Ok(Table { tools: tools.collect::<anyhow::Result<_>>()? })
    }

    /// The tool with this key.
    pub fn tool(&self, name: &str) -> anyhow::Result<&Tool> {
        self.tools.get(name).ok_or_else(|| {
            let message = format!("there is no tool `{name}` in {FILE}");
            not_known(message, name, self.tools.keys().map(String::as_str), "tools").into()
        })
    }

    /// All tools, by key.
    pub fn tools(&self) -> impl Iterator<Item = &Tool> {
        self.tools.values()
    }
}

fn tool(name: &str, value: &Value) -> anyhow::Result<Tool> {
    let mut section = Section::new(format!("`[{name}]` in {FILE}"), value)?;
    let place = section.place().to_owned();
    let version = section.text("version")?;
    let version_from = match section.text("version-from")?.as_deref() {
        None => None,
        Some("rustc") => Some(VersionFrom::Rustc),
        Some("Cargo.lock") => Some(VersionFrom::Lockfile),
        Some(other) => {
            let message =
                format!("`version-from` in {place} must be \"rustc\" or \"Cargo.lock\", not \"{other}\"");
            return Err(Failure::usage(message).into());
        }
    };
    let group = match section.text("group")? {
        None => Group::default(),
        Some(text) => Group::from_str(&text, false).map_err(|_| {
            let message = format!("there is no group `{text}`, which {place} names");
            let groups = Group::value_variants().iter().filter_map(ValueEnum::to_possible_value);
            let groups: Vec<String> = groups.map(|group| group.get_name().to_owned()).collect();
            not_known(message, &text, groups.iter().map(String::as_str), "groups")
        })?,
    };
    let tool = Tool {
        name: name.to_owned(),
        group,
        apt: package(&mut section, "apt", "=")?.map(|package| package.name),
        binstall: section.flag("binstall")?.unwrap_or_default(),
        target: section.text("target")?,
        cargo: package(&mut section, "cargo", "@")?,
        npm: package(&mut section, "npm", "@")?,
        npm_with: packages(&mut section, "npm-with", "@")?,
        pip: package(&mut section, "pip", "==")?,
        version,
        version_from,
    };
    section.finish()?;
    if tool.version.is_some() == tool.version_from.is_some() {
        let message = format!("{place} needs either `version` or `version-from`");
        return Err(Failure::usage(message).into());
    }
    if let Some(version) = tool.version.as_deref().filter(|version| !is_exact(version)) {
        let message = format!("`version` in {place} must be one exact version, not \"{version}\"");
        return Err(Failure::usage(message).into());
    }
    Ok(tool)
}

fn package(section: &mut Section<'_>, key: &'static str, separator: &str) -> anyhow::Result<Option<Package>> {
    let text = section.text(key)?;
    text.map(|text| named(section.place(), key, separator, &text)).transpose()
}

fn packages(section: &mut Section<'_>, key: &'static str, separator: &str) -> anyhow::Result<Vec<Package>> {
    let texts = section.texts(key)?.unwrap_or_default();
    texts.iter().map(|text| named(section.place(), key, separator, text)).collect()
}

fn named(place: &str, key: &str, separator: &str, text: &str) -> anyhow::Result<Package> {
    // The first letter may be npm's scope mark.
    let split = text.char_indices().nth(1).and_then(|(second, _)| {
        let at = second + text[second..].find(separator)?;
        Some((&text[..at], &text[at + separator.len()..]))
    });
    let (name, version) = split.map_or((text, None), |(name, version)| (name, Some(version)));
    if name.is_empty()
        || name.contains(char::is_whitespace)
        || version.is_some_and(|version| !is_exact(version))
    {
        let message = format!(
            "`{key}` in {place} must be \"name\" or \"name{separator}exact version\", not \"{text}\""
        );
        return Err(Failure::usage(message).into());
    }
    Ok(Package { name: name.to_owned(), version: version.map(str::to_owned) })
}

/// A version without wildcards, ranges or words like `latest`.
fn is_exact(version: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-+_".contains(c);
    version.starts_with(|c: char| c.is_ascii_digit()) && version.chars().all(plain) && !version.contains(".x")
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(text: &str, expected: Expect) {
        expected.assert_eq(&Table::parse(text).unwrap_err().to_string());
    }

    #[test]
    fn the_table_of_this_program_is_valid() {
        let table = Table::builtin();
        assert!(table.tool("wasm-bindgen").unwrap().version_from == Some(VersionFrom::Lockfile));
    }

    #[test]
    fn versions_and_packages() {
        let table = Table::parse(
            "[std]\nversion-from = 'rustc'\ntarget = 'wasm32-unknown-unknown'\n\
             [bind]\nversion-from = 'Cargo.lock'\ncargo = 'bind-cli'\n\
             [opt]\nversion = '132'\nnpm = '@scope/opt@132.0.0'\nnpm-with = ['@scope/more@1.0']\npip = 'opt-bin==132.0.0'\n",
        )
        .unwrap();
        let opt = table.tool("opt").unwrap();
        assert_eq!(opt.version.as_deref(), Some("132"));
        let package = |name: &str| Package { name: name.to_owned(), version: Some("132.0.0".to_owned()) };
        assert_eq!(opt.npm, Some(package("@scope/opt")));
        let more = Package { name: "@scope/more".to_owned(), version: Some("1.0".to_owned()) };
        assert_eq!(opt.npm_with, [more]);
        assert_eq!(opt.pip, Some(package("opt-bin")));
        let bind = table.tool("bind").unwrap();
        assert_eq!(bind.cargo, Some(Package { name: "bind-cli".to_owned(), version: None }));
        assert_eq!(table.tool("std").unwrap().version_from, Some(VersionFrom::Rustc));
        expect!["there is no tool `opts` in xtask/tools.toml; did you mean `opt`?"]
            .assert_eq(&table.tool("opts").unwrap_err().to_string());
    }

    #[test]
    fn the_table_is_strict() {
        check(
            "[a]\nversion = '1'\nnmp = 'a@1'\n",
            expect!["unknown key `nmp` in `[a]` in xtask/tools.toml; did you mean `npm`?"],
        );
        check("[a]\n", expect!["`[a]` in xtask/tools.toml needs either `version` or `version-from`"]);
        check(
            "[a]\nversion = '1'\nversion-from = 'rustc'\n",
            expect!["`[a]` in xtask/tools.toml needs either `version` or `version-from`"],
        );
        check(
            "[a]\nversion-from = 'npm'\n",
            expect![[
                r#"`version-from` in `[a]` in xtask/tools.toml must be "rustc" or "Cargo.lock", not "npm""#
            ]],
        );
        check(
            "[a]\nversion = '^1.2'\n",
            expect![[r#"`version` in `[a]` in xtask/tools.toml must be one exact version, not "^1.2""#]],
        );
        check(
            "[a]\nversion = '1'\nnpm = 'a@latest'\n",
            expect![[
                r#"`npm` in `[a]` in xtask/tools.toml must be "name" or "name@exact version", not "a@latest""#
            ]],
        );
        check(
            "[a]\nversion = '1'\npip = 'a>=1'\ncargo = 'b c'\n",
            expect![[
                r#"`cargo` in `[a]` in xtask/tools.toml must be "name" or "name@exact version", not "b c""#
            ]],
        );
        check(
            "[a]\nversion = '1'\ngroup = 'bensh'\n",
            expect![
                "there is no group `bensh`, which `[a]` in xtask/tools.toml names; did you mean `bench`?"
            ],
        );
        check("a = 1\n", expect!["`[a]` in xtask/tools.toml must be a table, not the number 1"]);
    }
}
