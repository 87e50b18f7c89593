//! Reads what there is to look at: every file of a repository that says how its image is made and run. Nothing is
//! started, and a workspace that does not build is as good as any other.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::config::parse_toml;

/// The texts of a repository, by path below its root, with `/`.
#[derive(Clone, Debug, Default)]
pub struct Repository {
    pub root: PathBuf,
    pub files: BTreeMap<String, String>,
    /// The Rust sources of all members but the automation's own.
    pub sources: BTreeMap<String, String>,
    /// The Dockerfiles among the files.
    pub dockerfiles: Vec<String>,
    /// The manifests among the files: the root's first.
    pub manifests: Vec<String>,
    /// Only what is wrong with this file is asked for.
    pub only: Option<String>,
}

/// How far below the root Dockerfiles are looked for.
const DEPTH_MAX: usize = 2;
/// Folders that have no files of the repository's own, or examples of what not to do.
const SKIPPED: [&str; 7] = ["target", "node_modules", "vendor", "tests", "fixtures", "examples", "templates"];
/// The automation, whose sources say nothing of the app.
pub const OWN_PACKAGE: &str = "xtask";
/// Names in the root that are read where they are there.
const ROOT_FILES: [&str; 9] = [
    "Cargo.toml",
    "Cargo.lock",
    "rust-toolchain.toml",
    "rust-toolchain",
    ".cargo/config.toml",
    ".cargo/config",
    ".dockerignore",
    "railway.toml",
    "railway.json",
];

impl Repository {
    /// Reads the repository in a folder, or the one around a Dockerfile.
    pub fn read(path: &Path) -> std::io::Result<Repository> {
        let path = path.canonicalize()?;
        let root = if path.is_dir() { path.clone() } else { root_around(&path) };
        let mut repository = Repository { root: root.clone(), ..Repository::default() };
        for name in ROOT_FILES {
            repository.add(name);
        }
        if path.is_dir() {
            repository.add_folder("", 0);
        } else if let Ok(below) = path.strip_prefix(&root) {
            let name = slashed(below);
            repository.add_dockerfile(&name);
            repository.only = Some(name);
        }
        for entry in names(&root.join(".github/workflows")) {
            if entry.ends_with(".yml") || entry.ends_with(".yaml") {
                repository.add(&format!(".github/workflows/{entry}"));
            }
        }
        repository.add_members();
        Ok(repository)
    }

    /// A Dockerfile that another file names; `false` where it is not there.
    pub fn add_dockerfile(&mut self, name: &str) -> bool {
        let name = name.trim_start_matches("./");
        if self.add(name) && !self.dockerfiles.iter().any(|known| known == name) {
            self.dockerfiles.push(name.to_owned());
            // What BuildKit prefers to the file of the whole context.
            self.add(&format!("{name}.dockerignore"));
            if let Some((folder, _)) = name.rsplit_once('/') {
                self.add(&format!("{folder}/.dockerignore"));
                self.add(&format!("{folder}/Cargo.toml"));
            }
        }
        self.files.contains_key(name)
    }

    /// The folder that a Dockerfile's files come from: its own where that is a workspace, else the root. With a
    /// `/`, or empty.
    pub fn context(&self, dockerfile: &str) -> String {
        match dockerfile.rsplit_once('/') {
            Some((folder, _)) if self.files.contains_key(&format!("{folder}/Cargo.toml")) => {
                format!("{folder}/")
            }
            _ => String::new(),
        }
    }

    fn add(&mut self, name: &str) -> bool {
        if self.files.contains_key(name) {
            return true;
        }
        let path = self.root.join(name);
        let Ok(bytes) = std::fs::read(path) else { return false };
        self.files.insert(name.to_owned(), String::from_utf8_lossy(&bytes).into_owned());
        true
    }

    fn add_folder(&mut self, folder: &str, depth: usize) {
        for name in names(&self.root.join(folder)) {
            let below = format!("{folder}{name}");
            if self.root.join(&below).is_dir() {
                let is_skipped = name.starts_with('.') || SKIPPED.contains(&name.as_str());
                if depth < DEPTH_MAX && !is_skipped {
                    self.add_folder(&format!("{below}/"), depth + 1);
                }
            } else if is_dockerfile(&name) {
                self.add_dockerfile(&below);
            }
        }
    }

    /// The manifests and sources of the workspace's members, and of packages beside Dockerfiles.
    fn add_members(&mut self) {
        let beside = self.files.keys().filter(|name| name.ends_with("/Cargo.toml")).cloned();
        let mut manifests: Vec<String> = beside.collect();
        if self.files.contains_key("Cargo.toml") {
            manifests.insert(0, "Cargo.toml".to_owned());
        }
        for manifest in manifests.clone() {
            let folder = manifest.strip_suffix("Cargo.toml").unwrap_or_default();
            let value = toml(self.files.get(&manifest)).unwrap_or_default();
            for member in self.members(folder, &value) {
                let name = format!("{member}/Cargo.toml");
                if self.add(&name) && !manifests.contains(&name) {
                    manifests.push(name);
                }
            }
        }
        for manifest in &manifests {
            let package = toml(self.files.get(manifest)).unwrap_or_default();
            let name = package.pointer("/package/name").and_then(Value::as_str);
            if name.is_some_and(|name| name != OWN_PACKAGE) {
                let folder = manifest.strip_suffix("Cargo.toml").unwrap_or_default();
                self.add_sources(&format!("{folder}src/"));
            }
        }
        self.manifests = manifests;
    }

    /// The folders that `workspace.members` names.
    fn members(&self, folder: &str, manifest: &Value) -> Vec<String> {
        let patterns = manifest.pointer("/workspace/members").and_then(Value::as_array);
        let patterns = patterns.into_iter().flatten().filter_map(Value::as_str);
        patterns.flat_map(|pattern| self.matching(folder, pattern)).collect()
    }

    /// The folders that a pattern such as `crates/*` means.
    fn matching(&self, folder: &str, pattern: &str) -> Vec<String> {
        let mut found = vec![folder.trim_end_matches('/').to_owned()];
        for part in pattern.trim_matches('/').split('/').filter(|part| *part != ".") {
            let below = |base: &String, name: &str| match base.as_str() {
                "" => name.to_owned(),
                base => format!("{base}/{name}"),
            };
            found = match part.split_once('*') {
                None => found.iter().map(|base| below(base, part)).collect(),
                Some((before, after)) => {
                    let fits = |name: &String| {
                        name.len() >= before.len() + after.len()
                            && name.starts_with(before)
                            && name.ends_with(after.trim_start_matches('*'))
                    };
                    let inside = |base: &String| {
                        let all = names(&self.root.join(base));
                        all.into_iter()
                            .filter(|name| fits(name))
                            .map(|name| below(base, &name))
                            .collect::<Vec<_>>()
                    };
                    found.iter().flat_map(inside).collect()
                }
            };
        }
        found
    }

    fn add_sources(&mut self, folder: &str) {
        for name in names(&self.root.join(folder)) {
            let below = format!("{folder}{name}");
            let path = self.root.join(&below);
            if path.is_dir() {
                self.add_sources(&format!("{below}/"));
            } else if name.ends_with(".rs")
                && let Ok(text) = std::fs::read_to_string(path)
            {
                self.sources.insert(below, text);
            }
        }
    }
}

/// A file of TOML as plain data; `None` where it is none.
pub fn toml(text: Option<&String>) -> Option<Value> {
    parse_toml(text?, "").ok()
}

/// The nearest folder around a file that looks like a repository, else the file's own.
fn root_around(file: &Path) -> PathBuf {
    let own = file.parent().unwrap_or(Path::new("/"));
    let is_root = |folder: &&Path| folder.join(".git").exists();
    let is_workspace = |folder: &&Path| folder.join("Cargo.toml").is_file();
    let repository = own
        .ancestors()
        .find(is_root)
        .and_then(|git| own.ancestors().find(is_workspace).filter(|it| it.starts_with(git)).or(Some(git)));
    repository.or_else(|| own.ancestors().find(is_workspace)).unwrap_or(own).to_owned()
}

fn is_dockerfile(name: &str) -> bool {
    let is_named =
        |kind: &str| name == kind || name.strip_prefix(kind).is_some_and(|rest| rest.starts_with('.'));
    let lower = name.to_ascii_lowercase();
    (is_named("Dockerfile") || is_named("Containerfile") || lower.ends_with(".dockerfile"))
        && !lower.ends_with(".dockerignore")
}

/// The names in a folder, in order.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

fn slashed(path: &Path) -> String {
    let parts: Vec<_> = path.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, name: &str, text: &str) {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    #[test]
    fn what_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        write(root, "Cargo.toml", "[workspace]\nmembers = [\"crates/*\", \"xtask\"]\n");
        write(root, "crates/a/Cargo.toml", "[package]\nname = \"a\"\n");
        write(root, "crates/a/src/deep/x.rs", "");
        write(root, "crates/no/README.md", "");
        write(root, "xtask/Cargo.toml", "[package]\nname = \"xtask\"\n");
        write(root, "xtask/src/main.rs", "");
        write(root, "xtask/tests/Dockerfile", "FROM a\n");
        write(root, "Dockerfile", "FROM a\n");
        write(root, "Dockerfile.dockerignore", "target\n");
        write(root, "deploy/app.Dockerfile", "FROM a\n");
        write(root, "one/two/three/Dockerfile", "FROM a\n");
        write(root, ".github/workflows/ci.yml", "on: push\n");
        let read = Repository::read(root).unwrap();
        assert_eq!(read.dockerfiles, ["Dockerfile", "deploy/app.Dockerfile"]);
        assert_eq!(read.manifests, ["Cargo.toml", "crates/a/Cargo.toml", "xtask/Cargo.toml"]);
        assert_eq!(read.sources.keys().collect::<Vec<_>>(), ["crates/a/src/deep/x.rs"]);
        assert!(read.files.contains_key(".github/workflows/ci.yml"));
        assert!(read.files.contains_key("Dockerfile.dockerignore"));
    }

    #[test]
    fn one_dockerfile_brings_its_repository() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        write(&root, "Cargo.toml", "[package]\nname = \"a\"\n");
        write(&root, "deploy/Dockerfile", "FROM a\n");
        let read = Repository::read(&root.join("deploy/Dockerfile")).unwrap();
        assert_eq!((read.root, read.only.as_deref()), (root, Some("deploy/Dockerfile")));
        assert_eq!(read.manifests, ["Cargo.toml"]);
        assert_eq!(Repository::default().context("deploy/Dockerfile"), "");
    }
}
