//! Whether a build through a compile cache is the build that cargo makes without one: the same workspace, changed in
//! one way at a time, is compiled from nothing beside a cache that knows all earlier states. What a cache gets wrong
//! is in the snapshots as well: whoever sees them change has to change what `bench` says of that cache
//! (`bench::caches::caveats`).

mod server;
mod traps;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use expect_test::{Expect, expect};
use sha2::{Digest, Sha256};

use crate::support::{copy_folder, skipped};
use server::{Cache, Server};
use traps::{CHANGES, Change, VARIABLES};

/// What a build has made.
struct Made {
    /// What the program says, by line.
    said: BTreeMap<String, String>,
    /// Digests of the program and of every library.
    files: BTreeMap<String, String>,
}

/// The workspace, and the servers that it is compiled with.
struct Trial {
    folder: tempfile::TempDir,
}

impl Trial {
    fn new() -> Trial {
        let trial = Trial { folder: tempfile::tempdir().unwrap() };
        traps::write(&trial.here());
        trial
    }

    fn here(&self) -> PathBuf {
        self.folder.path().join("here")
    }

    /// Compiles from nothing, with these variables.
    fn build(&self, root: &Path, change: &Change, env: &BTreeMap<String, String>) -> Made {
        let target = root.join("target");
        let _ = fs::remove_dir_all(&target);
        let mut cargo = Command::new(std::env::var("CARGO").unwrap_or("cargo".to_owned()));
        cargo.args(["build", "--release", "--offline", "--quiet", "--package", "app"]).args(change.args);
        cargo.current_dir(root);
        let of_user = |name: &String| {
            ["SCCACHE_", "KACHE_", "CARGO_PKG_", "CARGO_PROFILE_"].iter().any(|start| name.starts_with(start))
        };
        for name in std::env::vars().map(|(name, _)| name).filter(of_user) {
            cargo.env_remove(name);
        }
        for name in ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR", "RUSTFLAGS", "CARGO_MANIFEST_DIR"] {
            cargo.env_remove(name);
        }
        for name in VARIABLES {
            cargo.env_remove(name);
        }
        cargo.env("RUSTC_WRAPPER", "").envs(env);
        if let Some(name) = change.variable {
            cargo.env(name, "second");
        }
        let output = cargo.output().unwrap();
        assert!(output.status.success(), "{}: {}", change.name, String::from_utf8_lossy(&output.stderr));
        let program = target.join("release/app");
        let said = Command::new(&program).output().unwrap();
        assert!(said.status.success());
        let said = String::from_utf8(said.stdout).unwrap();
        let said = said.lines().map(|line| line.split_once(": ").unwrap());
        let mut files = BTreeMap::from([("app".to_owned(), digest(&program))]);
        for entry in fs::read_dir(target.join("release/deps")).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if [".rlib", ".so", ".dylib"].iter().any(|end| name.ends_with(end)) {
                // Without cargo's hash, which is the same on both sides.
                files.insert(name.split('-').next().unwrap().to_owned(), digest(&path));
            }
        }
        Made { said: said.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(), files }
    }

    /// Makes the change, builds with each environment in turn, and takes the change back.
    fn compare(&self, change: &Change, environments: &[BTreeMap<String, String>]) -> Vec<Made> {
        let root = if change.moved { self.folder.path().join("elsewhere") } else { self.here() };
        if change.moved {
            copy_folder(&self.here(), &root);
        }
        let before =
            change.edit.or(change.touch).map(|file| (root.join(file), fs::read(root.join(file)).unwrap()));
        if let Some(file) = change.edit {
            let text = fs::read_to_string(root.join(file)).unwrap();
            assert!(text.contains("first"), "{file}");
            fs::write(root.join(file), text.replace("first", "second")).unwrap();
        }
        if let Some(file) = change.touch {
            fs::write(root.join(file), fs::read(root.join(file)).unwrap()).unwrap();
        }
        let made = environments.iter().map(|env| self.build(&root, change, env)).collect();
        if let Some((path, content)) = before {
            fs::write(path, content).unwrap();
        }
        made
    }
}

fn digest(path: &Path) -> String {
    Sha256::digest(fs::read(path).unwrap()).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Names under which the two say something else.
fn differing(one: &BTreeMap<String, String>, other: &BTreeMap<String, String>) -> Vec<String> {
    assert!(one.keys().eq(other.keys()), "{one:?} {other:?}");
    one.iter().filter(|(name, value)| other[*name] != **value).map(|(name, _)| name.clone()).collect()
}

/// One line for each change: what is wrong in a build through the cache beside one without, with these settings.
fn table(cache: Cache, more: &[(&str, &str)]) -> Option<String> {
    let Some(program) = cache.installed() else {
        match cache {
            Cache::Sccache => skipped("sccache is not installed (`cargo xtask setup --with bench`)"),
            // It compiles for 12 minutes. The result on a machine that has it is in docs/measurements/caches.txt.
            Cache::Kache => {
                eprintln!("not run: kache is not installed (`cargo xtask setup --with bench-full`)");
                true
            }
        };
        return None;
    };
    let trial = Trial::new();
    let server = Server::start(cache, &program, &trial.folder.path().join("cache"), more);
    let environments = [BTreeMap::new(), server.env.clone()];
    trial.compare(&CHANGES[0], &environments[1..]);
    let filled = server.hits();
    let mut text = String::new();
    for change in &CHANGES {
        let made = trial.compare(change, &environments);
        let (plain, cached) = (&made[0], &made[1]);
        let wrong = differing(&plain.said, &cached.said);
        let bytes = differing(&plain.files, &cached.files);
        let list = |names: &[String]| if names.is_empty() { "-".to_owned() } else { names.join(", ") };
        text.push_str(&format!(
            "{}\n    wrong: {}\n    other bytes: {}\n",
            change.name,
            list(&wrong),
            list(&bytes)
        ));
        if change.name == "nothing" {
            assert!(server.hits() > filled, "the cache gives nothing back, so nothing is tested");
        }
    }
    eprintln!("{cache:?} {more:?}\n{text}");
    Some(text)
}

fn check(cache: Cache, more: &[(&str, &str)], expected: Expect) {
    if let Some(text) = table(cache, more) {
        expected.assert_eq(&text);
    }
}

#[test]
fn sccache_beside_no_cache() {
    check(Cache::Sccache, &[], expect![[""]]);
}

#[test]
fn kache_beside_no_cache() {
    check(Cache::Kache, &[], expect![[""]]);
}
