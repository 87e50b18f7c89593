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

use expect_test::expect;
use sha2::{Digest, Sha256};

use crate::support::{copy_folder, not_run, skipped};
pub use server::Cache;
use server::Server;
use traps::{CHANGES, Change, VARIABLES};

/// What a build has made.
struct Made {
    /// What the program says, by line.
    said: BTreeMap<String, String>,
    /// Digests of the program and of every library.
    files: BTreeMap<String, String>,
}

impl Made {
    fn read(target: &Path) -> Made {
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
                files.insert(name.split(['-', '.']).next().unwrap().to_owned(), digest(&path));
            }
        }
        Made { said: said.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(), files }
    }
}

/// The workspace, in a folder of its own.
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

    /// Compiles what has to be compiled, with these variables.
    fn build(&self, root: &Path, change: &Change, env: &BTreeMap<String, String>) -> Made {
        let target = root.join("target");
        let mut cargo = Command::new(std::env::var("CARGO").unwrap_or("cargo".to_owned()));
        cargo.args(["build", "--release", "--offline", "--quiet", "--package", "app", "--package", "front"]);
        cargo.args(change.args).current_dir(root);
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
        Made::read(&target)
    }

    /// Compiles from nothing.
    fn build_all(&self, root: &Path, change: &Change, env: &BTreeMap<String, String>) -> Made {
        let _ = fs::remove_dir_all(root.join("target"));
        self.build(root, change, env)
    }

    /// Makes the change, builds with each environment in turn, and takes the change back.
    fn compare(&self, change: &Change, environments: &[BTreeMap<String, String>]) -> Vec<Made> {
        let root = if change.moved { self.folder.path().join("elsewhere") } else { self.here() };
        if change.moved {
            copy_folder(&self.here(), &root);
        }
        let before = change.edit.or(change.touch).map(|file| {
            let path = root.join(file);
            let time = path.metadata().unwrap().modified().unwrap();
            (fs::read(&path).unwrap(), time, path)
        });
        if let Some(file) = change.edit {
            let text = fs::read_to_string(root.join(file)).unwrap();
            assert!(text.contains("first"), "{file}");
            fs::write(root.join(file), text.replace("first", "second")).unwrap();
        }
        if let Some(file) = change.touch {
            fs::write(root.join(file), fs::read(root.join(file)).unwrap()).unwrap();
        }
        let made = environments.iter().map(|env| self.build_all(&root, change, env)).collect();
        if let Some((content, time, path)) = before {
            fs::write(&path, content).unwrap();
            // Or it would be one more change.
            fs::File::options().append(true).open(path).unwrap().set_modified(time).unwrap();
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

/// The program, or the reason to do without this test.
pub fn program(cache: Cache) -> Option<PathBuf> {
    let program = cache.installed();
    if program.is_none() {
        match cache {
            Cache::Sccache => skipped("sccache is not installed (`cargo xtask setup --with bench`)"),
            // It compiles for 10 minutes. What it does where it is installed is in docs/measurements/caches.txt.
            Cache::Kache => not_run("kache is not installed (`cargo xtask setup --with bench-full`)"),
        };
    }
    program
}

/// What is wrong in a build through the cache beside one without, change by change.
fn table(cache: Cache, program: &Path, trial: &Trial, more: &[(&str, &str)]) -> String {
    let server = Server::start(cache, program, &trial.folder.path().join("cache"), more);
    let environments = [BTreeMap::new(), server.env.clone()];
    trial.compare(&CHANGES[0], &environments[1..]);
    let filled = server.hits();
    let mut text = String::new();
    for change in &CHANGES {
        let made = trial.compare(change, &environments);
        let (plain, cached) = (&made[0], &made[1]);
        let (wrong, bytes) = (differing(&plain.said, &cached.said), differing(&plain.files, &cached.files));
        let verdict =
            if wrong.is_empty() { "right".to_owned() } else { format!("WRONG: {}", wrong.join(", ")) };
        text.push_str(&format!("{}: {verdict}\n", change.name));
        if !bytes.is_empty() {
            text.push_str(&format!("    other bytes: {}\n", bytes.join(", ")));
        }
        if change.name == "nothing" {
            assert!(server.hits() > filled, "the cache gives nothing back, so nothing is tested");
        }
    }
    println!("{cache:?} {more:?}\n{text}");
    text
}

#[test]
fn sccache_beside_no_cache() {
    let Some(program) = program(Cache::Sccache) else { return };
    expect![[r#"
        nothing: right
        an edit: right
        a file's time: right
        a feature: right
        a variable read by option_env!: right
        a variable read by a macro: WRONG: secret variable
            other bytes: app, libfront, libplain
        a file read by include_str!: right
        a file read by a macro: WRONG: secret file
            other bytes: app, libfront, libplain
        a file that a build script declares: right
        a variable that a build script declares: right
        a file that a build script just reads: right
        a variable that a build script just reads: right
        another checkout: right
        nothing, once more: right
    "#]]
    .assert_eq(&table(Cache::Sccache, &program, &Trial::new(), &[]));
}

#[test]
fn kache_beside_no_cache() {
    let Some(program) = program(Cache::Kache) else { return };
    expect![[r#"
        nothing: right
            other bytes: libmacros, libplain, libscripted
        an edit: right
            other bytes: libmacros, libplain, libscripted
        a file's time: right
            other bytes: libmacros, libplain, libscripted
        a feature: right
            other bytes: libmacros, libplain, libscripted
        a variable read by option_env!: right
            other bytes: libmacros, libplain, libscripted
        a variable read by a macro: WRONG: secret variable
            other bytes: app, libfront, libmacros, libplain, libscripted
        a file read by include_str!: right
            other bytes: libmacros, libplain, libscripted
        a file read by a macro: WRONG: secret file
            other bytes: app, libfront, libmacros, libplain, libscripted
        a file that a build script declares: right
            other bytes: libmacros, libplain, libscripted
        a variable that a build script declares: right
            other bytes: libmacros, libplain, libscripted
        a file that a build script just reads: WRONG: script's secret file, secret file beside a script
            other bytes: app, libmacros, libplain, libscripted
        a variable that a build script just reads: WRONG: script's secret variable
            other bytes: app, libmacros, libplain, libscripted
        another checkout: right
            other bytes: libmacros, libplain, libscripted
        nothing, once more: right
            other bytes: libmacros, libplain, libscripted
    "#]]
    .assert_eq(&table(Cache::Kache, &program, &Trial::new(), &[]));
}

/// Told of everything, kache gets everything right, and with the true paths in its results the bytes are the same too.
#[test]
fn kache_that_is_told() {
    let Some(program) = program(Cache::Kache) else { return };
    let trial = Trial::new();
    for package in ["plain", "scripted"] {
        fs::write(trial.here().join(package).join("kache.toml"), "extra_inputs = [\"secret.txt\"]\n")
            .unwrap();
    }
    let told = [
        ("KACHE_KEY_ENV_VARS", "SECRET"),
        ("KACHE_BUILD_SCRIPT_CACHE", "0"),
        ("KACHE_RUSTC_PATH_NORMALIZE", "0"),
    ];
    expect![[r#"
        nothing: right
        an edit: right
        a file's time: right
        a feature: right
        a variable read by option_env!: right
        a variable read by a macro: right
        a file read by include_str!: right
        a file read by a macro: right
        a file that a build script declares: right
        a variable that a build script declares: right
        a file that a build script just reads: right
        a variable that a build script just reads: right
        another checkout: right
        nothing, once more: right
    "#]]
    .assert_eq(&table(Cache::Kache, &program, &trial, &told));
}

/// What a cache has put into a target directory is overwritten by a build without it, and the cache is none the
/// worse. But build scripts that kache has compiled go on through kache, into the user's own store.
#[test]
fn with_and_without_sccache_and_kache_in_turn() {
    for cache in [Cache::Sccache, Cache::Kache] {
        let Some(program) = program(cache) else { continue };
        let trial = Trial::new();
        let server = Server::start(cache, &program, &trial.folder.path().join("cache"), &[]);
        let (here, first) = (trial.here(), &CHANGES[0]);
        let expected = trial.build_all(&here, first, &BTreeMap::new());
        for _ in 0..2 {
            trial.build_all(&here, first, &server.env);
        }
        let sources = ["plain/src/lib.rs", "scripted/input.txt"].map(|file| here.join(file));
        let texts = sources.each_ref().map(|path| fs::read_to_string(path).unwrap());
        for (path, text) in sources.iter().zip(&texts) {
            fs::write(path, text.replace("first", "second")).unwrap();
        }
        let home = trial.folder.path().join("home");
        let user = BTreeMap::from([("XDG_CACHE_HOME".to_owned(), home.display().to_string())]);
        let made = trial.build(&here, first, &user);
        assert_eq!(differing(&expected.said, &made.said), ["script's file", "source"], "{cache:?}");
        assert_eq!(home.join("kache").exists(), cache == Cache::Kache);
        for (path, text) in sources.iter().zip(&texts) {
            fs::write(path, text).unwrap();
        }
        let hits = server.hits();
        let made = trial.build_all(&here, first, &server.env);
        assert_eq!(differing(&expected.said, &made.said), [""; 0], "{cache:?}");
        assert!(server.hits() > hits, "{cache:?}");
    }
}
