//! What was built, from which sources: written after each successful half, read by whatever uses the result.
//!
//! A build is stale when a source that it was made from changed since. Cargo's own dep-info files say which those are.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::cached::files_below;
use super::digest::Stamp;
use crate::exec::replace_file;

/// The layout of the file; a reader that finds another one treats the build as missing.
const SCHEMA: &str = "xtask.receipt/1";

/// What one project and profile has been built from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    schema: String,
    pub front: Option<HalfReceipt>,
    pub server: Option<HalfReceipt>,
}

/// One half of a build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HalfReceipt {
    /// Seconds since 1970 when the build began.
    pub started: u64,
    /// Each source with its state; `None` for one that changed while the build ran.
    pub sources: BTreeMap<PathBuf, Option<Stamp>>,
    /// Folders all of whose files are sources, with the files that were there.
    pub folders: BTreeMap<PathBuf, Vec<PathBuf>>,
    /// What was made and has to be there still.
    pub artifacts: Vec<PathBuf>,
}

impl Receipt {
    /// The receipt's file for a project and profile.
    pub fn path(target_directory: &Path, project: &str, profile: &str) -> PathBuf {
        target_directory.join("xtask/receipts").join(project).join(format!("{profile}.json"))
    }

    /// Reads a receipt; none, or one of another layout, is an empty one.
    pub fn read(path: &Path) -> Receipt {
        let text = fs::read(path).unwrap_or_default();
        let receipt: Option<Receipt> = serde_json::from_slice(&text).ok();
        receipt.filter(|receipt| receipt.schema == SCHEMA).unwrap_or_default()
    }

    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        replace_file(path, &serde_json::to_vec_pretty(self)?).map(drop)
    }
}

impl Default for Receipt {
    fn default() -> Receipt {
        Receipt { schema: SCHEMA.to_owned(), front: None, server: None }
    }
}

impl HalfReceipt {
    /// Notes the state of sources after a build that began at `started`.
    pub fn of(
        started: SystemTime,
        sources: impl IntoIterator<Item = PathBuf>,
        folders: &[PathBuf],
        artifacts: Vec<PathBuf>,
    ) -> anyhow::Result<HalfReceipt> {
        let began = started.duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut noted = BTreeMap::new();
        let mut listed = BTreeMap::new();
        for folder in folders {
            listed.insert(folder.clone(), files_below(folder)?);
        }
        let in_folders = listed.iter().flat_map(|(folder, files)| files.iter().map(|file| folder.join(file)));
        for source in in_folders.chain(sources) {
            let stamp = Stamp::of(&source).ok().filter(|stamp| stamp.modified < began.as_nanos());
            noted.insert(source, stamp);
        }
        Ok(HalfReceipt { started: began.as_secs(), sources: noted, folders: listed, artifacts })
    }

    /// What changed since the build, as readable findings; empty when the build is current.
    pub fn stale(&self) -> Vec<String> {
        let mut findings = Vec::new();
        for artifact in self.artifacts.iter().filter(|artifact| !artifact.exists()) {
            findings.push(format!("`{}` is gone", artifact.display()));
        }
        for (source, stamp) in &self.sources {
            match Stamp::of(source) {
                Err(_) => findings.push(format!("`{}` was removed", source.display())),
                Ok(now) if Some(&now) != stamp.as_ref() => {
                    findings.push(format!("`{}` changed", source.display()));
                }
                Ok(_) => {}
            }
        }
        for (folder, files) in &self.folders {
            for file in files_below(folder).unwrap_or_default() {
                if !files.contains(&file) {
                    findings.push(format!("`{}` is new", folder.join(file).display()));
                }
            }
        }
        findings
    }
}

/// The sources that a dep-info file (`app.d`, in make's syntax) names.
pub fn dep_info_sources(dep_info: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let text = fs::read_to_string(dep_info).with_context(|| format!("read `{}`", dep_info.display()))?;
    let base = dep_info.parent().unwrap_or(Path::new("."));
    Ok(parse_dep_info(&text).into_iter().map(|source| base.join(source)).collect())
}

/// Splits `target: source source`; a space inside a path is written `\ `.
fn parse_dep_info(text: &str) -> Vec<String> {
    let mut sources = Vec::new();
    for line in text.lines() {
        let Some((_, list)) = line.split_once(": ") else {
            continue;
        };
        let mut current = String::new();
        let mut characters = list.chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '\\' if characters.peek() == Some(&' ') => {
                    characters.next();
                    current.push(' ');
                }
                ' ' => {
                    if !current.is_empty() {
                        sources.push(std::mem::take(&mut current));
                    }
                }
                other => current.push(other),
            }
        }
        if !current.is_empty() {
            sources.push(current);
        }
    }
    sources
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn dep_info_with_spaces_in_paths() {
        let text = "/t/app: /w/src/main.rs /w/my\\ app/src/lib.rs\n";
        assert_eq!(parse_dep_info(text), ["/w/src/main.rs", "/w/my app/src/lib.rs"]);
    }

    #[test]
    fn names_what_changed() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir(root.join("public")).unwrap();
        for file in ["main.rs", "lib.rs", "public/a.svg", "app"] {
            fs::write(root.join(file), "x").unwrap();
        }
        let half = |started: SystemTime| {
            let sources = [root.join("main.rs"), root.join("lib.rs")];
            HalfReceipt::of(started, sources, &[root.join("public")], vec![root.join("app")]).unwrap()
        };
        let current = half(SystemTime::now() + Duration::from_secs(5));
        assert!(current.stale().is_empty());
        let edited_meanwhile = half(SystemTime::now() - Duration::from_secs(60));
        assert_eq!(edited_meanwhile.stale().len(), 3);

        fs::write(root.join("main.rs"), "longer").unwrap();
        fs::remove_file(root.join("lib.rs")).unwrap();
        fs::write(root.join("public/b.svg"), "x").unwrap();
        fs::remove_file(root.join("app")).unwrap();
        let stale = current.stale().join("\n").replace(&root.display().to_string(), "");
        expect_test::expect![[r#"
            `/app` is gone
            `/lib.rs` was removed
            `/main.rs` changed
            `/public/b.svg` is new"#]]
        .assert_eq(&stale);
    }
}
