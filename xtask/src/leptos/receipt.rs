//! What was built, from which sources: written after each successful half, read by whatever uses the result.
//!
//! A build is stale when a source that it was made from changed since. Cargo's own dep-info files say which those are.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::digest::Stamp;
use super::folder::files_below;
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
    /// What was made.
    pub artifacts: Vec<PathBuf>,
    /// The state that each artifact was left in. Another one is the work of another build, e.g. of another profile.
    made: BTreeMap<PathBuf, Stamp>,
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
    /// Notes the state of sources and artifacts after a build that began at `started`. What is in the folders
    /// `built_in` was written by the build itself and is no source.
    pub fn of(
        started: SystemTime,
        sources: impl IntoIterator<Item = PathBuf>,
        folders: &[PathBuf],
        built_in: &[PathBuf],
        artifacts: Vec<PathBuf>,
    ) -> anyhow::Result<HalfReceipt> {
        let began = started.duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut noted = BTreeMap::new();
        let mut listed = BTreeMap::new();
        for folder in folders {
            listed.insert(folder.clone(), files_below(folder)?);
        }
        let in_folders = listed.iter().flat_map(|(folder, files)| files.iter().map(|file| folder.join(file)));
        let is_built = |source: &PathBuf| built_in.iter().any(|folder| source.starts_with(folder));
        for source in in_folders.chain(sources).filter(|source| !is_built(source)) {
            let stamp = Stamp::of(&source).ok().filter(|stamp| stamp.modified < began.as_nanos());
            noted.insert(source, stamp);
        }
        let made = artifacts.iter().map(|path| Ok((path.clone(), Stamp::of(path)?)));
        let made = made.collect::<anyhow::Result<_>>()?;
        Ok(HalfReceipt { started: began.as_secs(), sources: noted, folders: listed, artifacts, made })
    }

    /// What changed since the build, as readable findings; empty when the build is current.
    pub fn stale(&self) -> Vec<String> {
        let mut findings = Vec::new();
        for artifact in &self.artifacts {
            match Stamp::of(artifact) {
                Err(_) => findings.push(format!("`{}` is gone", artifact.display())),
                Ok(now) if Some(&now) != self.made.get(artifact) => {
                    findings.push(format!("`{}` is of another build", artifact.display()));
                }
                Ok(_) => {}
            }
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
    use std::fs::File;
    use std::time::Duration;

    use super::*;

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
            HalfReceipt::of(started, sources, &[root.join("public")], &[], vec![root.join("app")]).unwrap()
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

    #[test]
    fn artifacts_of_another_build_are_told_from_ours() {
        let folder = tempfile::tempdir().unwrap();
        let (server, script) = (folder.path().join("server"), folder.path().join("app.js"));
        for file in [&server, &script] {
            fs::write(file, "ours").unwrap();
        }
        let half = || {
            let artifacts = vec![server.clone(), script.clone()];
            HalfReceipt::of(SystemTime::now(), [], &[], &[], artifacts).unwrap()
        };
        let noted = half();
        assert!(noted.stale().is_empty());
        fs::write(&script, "another profile's").unwrap();
        // As long as ours, so that only its time tells.
        fs::write(&server, "oors").unwrap();
        File::options().append(true).open(&server).unwrap().set_modified(UNIX_EPOCH).unwrap();
        let expected = [&server, &script].map(|file| format!("`{}` is of another build", file.display()));
        assert_eq!(noted.stale(), expected);
        fs::remove_file(&server).unwrap();
        let missing = HalfReceipt::of(SystemTime::now(), [], &[], &[], vec![server]);
        missing.unwrap_err();
    }

    #[test]
    fn what_the_build_wrote_itself_is_no_source() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("target");
        let started = SystemTime::now() - Duration::from_secs(60);
        fs::create_dir_all(target.join("debug/build/x/out")).unwrap();
        let generated = target.join("debug/build/x/out/gen.rs");
        fs::write(&generated, "").unwrap();
        let half = HalfReceipt::of(started, [generated.clone()], &[], &[target], Vec::new()).unwrap();
        assert!(half.stale().is_empty());
        let half = HalfReceipt::of(started, [generated], &[], &[], Vec::new()).unwrap();
        assert_eq!(half.stale().len(), 1);
    }
}
