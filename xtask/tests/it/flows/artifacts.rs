//! What jobs leave for each other. Each runs on a machine of its own, so that nothing else gets from one to the other.
//!
//! Sources: the READMEs of `actions/upload-artifact` (v7) and `actions/download-artifact` (since v5): what a name or a
//! pattern finds is unpacked right into `path` where it is one artifact, or with `merge-multiple`; else each into a
//! folder of its own name.

use std::fs;
use std::path::{Path, PathBuf};

use super::workflow::Use;
use crate::support::copy_folder;

/// The artifacts of one run of a workflow.
pub struct Artifacts {
    folder: tempfile::TempDir,
}

impl Artifacts {
    pub fn new() -> Artifacts {
        Artifacts { folder: tempfile::tempdir().unwrap() }
    }

    /// Carries out a step in a checkout, where it is about artifacts; whether it succeeds.
    pub fn carry_out(&self, root: &Path, step: &Use) -> bool {
        let given = |name: &str| step.with.get(name).map(String::as_str);
        let path = || root.join(given("path").expect("a path"));
        match step.action.as_str() {
            "actions/upload-artifact" => {
                let is_kept = self.keep(given("name").expect("a name"), &path());
                is_kept || given("if-no-files-found") != Some("error")
            }
            "actions/download-artifact" => {
                let found = match (given("name"), given("pattern")) {
                    (Some(name), None) => self.named(|known| known == name),
                    (None, Some(pattern)) => {
                        let beginning = pattern.strip_suffix('*').expect("a pattern that ends in *");
                        self.named(|known| known.starts_with(beginning))
                    }
                    other => panic!("nobody knows {other:?}"),
                };
                unpack(&found, &path(), given("merge-multiple") == Some("true"));
                !found.is_empty() || given("name").is_none()
            }
            _ => true,
        }
    }

    /// Takes what is there: the next job has another machine. False where there is nothing.
    fn keep(&self, name: &str, path: &Path) -> bool {
        let kept = self.folder.path().join(name);
        if path.is_dir() {
            copy_folder(path, &kept);
            fs::remove_dir_all(path).unwrap();
        } else if path.is_file() {
            fs::create_dir_all(&kept).unwrap();
            fs::copy(path, kept.join(path.file_name().unwrap())).unwrap();
            fs::remove_file(path).unwrap();
        } else {
            return false;
        }
        true
    }

    fn named(&self, is_meant: impl Fn(&str) -> bool) -> Vec<PathBuf> {
        let folders = fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().path());
        let mut found: Vec<PathBuf> =
            folders.filter(|folder| is_meant(folder.file_name().unwrap().to_str().unwrap())).collect();
        found.sort();
        found
    }
}

fn unpack(artifacts: &[PathBuf], path: &Path, is_merged: bool) {
    let _ = fs::remove_dir_all(path);
    let is_flat = is_merged || artifacts.len() == 1;
    for artifact in artifacts {
        let into = if is_flat { path.to_owned() } else { path.join(artifact.file_name().unwrap()) };
        copy_folder(artifact, &into);
    }
}

#[test]
fn one_artifact_lies_elsewhere_than_two() {
    let (artifacts, checkout) = (Artifacts::new(), tempfile::tempdir().unwrap());
    let root = checkout.path();
    let step = |action: &str, with: &[(&str, &str)]| Use {
        action: format!("actions/{action}-artifact"),
        with: with.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
    };
    let keep = |name: &str| {
        fs::create_dir_all(root.join("left")).unwrap();
        fs::write(root.join("left/file"), name).unwrap();
        assert!(artifacts.carry_out(root, &step("upload", &[("name", name), ("path", "left")])));
        assert!(!root.join("left").exists());
    };
    let all = [("pattern", "a-*"), ("path", "taken")];
    keep("a-1");
    assert!(artifacts.carry_out(root, &step("download", &all)));
    assert!(root.join("taken/file").is_file());
    keep("a-2");
    assert!(artifacts.carry_out(root, &step("download", &all)));
    assert!(root.join("taken/a-1/file").is_file() && !root.join("taken/file").exists());
    let merged = [all[0], all[1], ("merge-multiple", "true")];
    assert!(artifacts.carry_out(root, &step("download", &merged)));
    assert!(root.join("taken/file").is_file() && !root.join("taken/a-1").exists());
    assert!(!artifacts.carry_out(root, &step("download", &[("name", "b"), ("path", "taken")])));
    let nothing = [("name", "b"), ("path", "nothing"), ("if-no-files-found", "error")];
    assert!(!artifacts.carry_out(root, &step("upload", &nothing)));
}
