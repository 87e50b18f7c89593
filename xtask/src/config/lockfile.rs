//! Which versions Cargo.lock has settled on.
//!
//! Knows nothing of why anybody asks.

use std::path::Path;

use serde::Deserialize;

use crate::exit::Failure;

#[derive(Deserialize)]
struct Lockfile {
    #[serde(default)]
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
}

/// The version of `package` in the workspace's Cargo.lock, or `None` where the package is not in it. More than one
/// version is an error that names them, because nobody can then say which one is meant.
pub fn locked_version(root: &Path, package: &str) -> anyhow::Result<Option<String>> {
    let path = root.join("Cargo.lock");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => {
            return Err(Failure::usage(format!("cannot read {}: {error}", path.display()))
                .hint("`cargo generate-lockfile` writes it")
                .into());
        }
    };
    version_in(&text, package)
}

fn version_in(text: &str, package: &str) -> anyhow::Result<Option<String>> {
    let lockfile: Lockfile = toml::from_str(text).map_err(|error| {
        Failure::usage(format!("Cargo.lock is not valid: {}", error.to_string().trim_end()))
            .hint("if a merge left marks in it, check out one side and run `cargo generate-lockfile`")
    })?;
    let mut versions: Vec<String> = lockfile
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
