//! Which versions Cargo.lock has settled on.
//!
//! Knows nothing of why anybody asks.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;

use crate::exit::Failure;

#[derive(Deserialize)]
struct Lockfile {
    #[serde(default)]
    package: Vec<Locked>,
    #[serde(default)]
    patch: Patches,
}

/// Patches that no package uses; cargo reads their manifests all the same.
#[derive(Default, Deserialize)]
struct Patches {
    #[serde(default)]
    unused: Vec<Locked>,
}

/// A package that Cargo.lock has settled on.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Locked {
    pub name: String,
    pub version: String,
    /// Where it comes from, in cargo's words; `None` for a folder.
    pub source: Option<String>,
    /// Of what a registry serves.
    pub checksum: Option<String>,
}

/// The version of `package` in the workspace's Cargo.lock, or `None` where the package is not in it. More than one
/// version is an error that names them, because nobody can then say which one is meant.
pub fn locked_version(root: &Path, package: &str) -> anyhow::Result<Option<String>> {
    version_in(&text(root)?, package)
}

/// The names of the packages that come from a folder rather than from a registry or a repository: the workspace's
/// members, and path dependencies.
pub fn packages_of_folders(root: &Path) -> anyhow::Result<BTreeSet<String>> {
    of_folders_in(&text(root)?)
}

/// All packages of a Cargo.lock that has this text.
pub fn packages(text: &str) -> anyhow::Result<Vec<Locked>> {
    Ok(parse(text)?.package)
}

fn text(root: &Path) -> anyhow::Result<String> {
    let path = root.join("Cargo.lock");
    std::fs::read_to_string(&path).map_err(|error| {
        Failure::usage(format!("cannot read {}: {error}", path.display()))
            .hint("`cargo generate-lockfile` writes it")
            .into()
    })
}

fn parse(text: &str) -> anyhow::Result<Lockfile> {
    toml::from_str(text).map_err(|error| {
        Failure::usage(format!("Cargo.lock is not valid: {}", error.to_string().trim_end()))
            .hint("if a merge left marks in it, check out one side and run `cargo generate-lockfile`")
            .into()
    })
}

fn of_folders_in(text: &str) -> anyhow::Result<BTreeSet<String>> {
    let Lockfile { package, patch } = parse(text)?;
    let all = package.into_iter().chain(patch.unused);
    Ok(all.filter(|locked| locked.source.is_none()).map(|locked| locked.name).collect())
}

fn version_in(text: &str, package: &str) -> anyhow::Result<Option<String>> {
    let mut versions: Vec<String> = parse(text)?
        .package
        .into_iter()
        .filter(|locked| locked.name == package)
        .map(|locked| locked.version)
        .collect();
    versions.dedup();
    if versions.len() > 1 {
        return Err(Failure::usage(format!(
            "Cargo.lock has {} versions of `{package}`: {}; exactly one is needed",
            versions.len(),
            versions.join(", ")
        ))
        .hint(format!(
            "`cargo tree --invert {package}@VERSION` shows who asks for each; `cargo update` may join them"
        ))
        .into());
    }
    Ok(versions.pop())
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::exit::{Exit, hint_of};

    const LOCK: &str = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"0.2.100\"\n\
        source = \"registry+https://github.com/rust-lang/crates.io-index\"\ndependencies = [\"b 1.0.0\"]\n\n\
        [[package]]\nname = \"b\"\nversion = \"1.0.0\"\n\n[[package]]\nname = \"b\"\nversion = \"2.0.0\"\n";

    #[test]
    fn one_none_and_several() {
        assert_eq!(version_in(LOCK, "a").unwrap().as_deref(), Some("0.2.100"));
        assert_eq!(version_in(LOCK, "c").unwrap(), None);
        let error = version_in(LOCK, "b").unwrap_err();
        assert_eq!(Exit::of(&error), Exit::Usage);
        expect!["Cargo.lock has 2 versions of `b`: 1.0.0, 2.0.0; exactly one is needed"]
            .assert_eq(&error.to_string());
    }

    #[test]
    fn packages_without_a_source_are_those_of_folders() {
        let unused = "\n[[patch.unused]]\nname = \"c\"\nversion = \"1.0.0\"\n";
        let names = of_folders_in(&format!("{LOCK}{unused}")).unwrap();
        assert_eq!(names.into_iter().collect::<Vec<_>>(), ["b", "c"]);
    }

    #[test]
    fn conflict_marks_and_absence_say_what_to_do() {
        let error = version_in("<<<<<<< HEAD\n", "a").unwrap_err();
        assert_eq!(Exit::of(&error), Exit::Usage);
        assert!(
            error.to_string().starts_with("Cargo.lock is not valid: TOML parse error at line 1"),
            "{error}"
        );
        let folder = tempfile::tempdir().unwrap();
        let error = locked_version(folder.path(), "a").unwrap_err();
        assert_eq!(hint_of(&error), Some("`cargo generate-lockfile` writes it"));
    }
}
