//! The cache of the compiled automation: what the workflows keep is enough for `cargo xtask` to compile nothing in the
//! next checkout, whose files are all new to cargo.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use super::workflow::read;
use crate::changes::git;

const MAIN: &str = "fn main() {\n    print!(\"{}\", include_str!(\"../tools.toml\"));\n}\n";

/// What the workflow keeps, without what is outside of the checkout.
fn kept() -> Vec<String> {
    let workflow = read("ci.yml");
    let steps = workflow["jobs"]["changes"]["steps"].as_vec().unwrap();
    let is_cache = |step: &&yaml_rust2::Yaml| {
        step["uses"].as_str().is_some_and(|action| action.starts_with("actions/cache@"))
    };
    let step = steps.iter().find(is_cache).unwrap();
    let paths = step["with"]["path"].as_str().unwrap().lines().map(str::trim);
    paths.filter(|path| !path.starts_with('~')).map(str::to_owned).collect()
}

struct Repository {
    folder: tempfile::TempDir,
}

impl Repository {
    /// A workspace with an automation of one file, and this repository's own alias.
    fn new() -> Repository {
        let folder = tempfile::tempdir().unwrap();
        let origin = folder.path().join("origin");
        let write = |file: &str, text: &str| {
            fs::create_dir_all(origin.join(file).parent().unwrap()).unwrap();
            fs::write(origin.join(file), text).unwrap();
        };
        let alias = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.cargo/config.toml");
        write(".cargo/config.toml", &fs::read_to_string(alias).unwrap());
        write(".gitignore", "/target\n");
        write("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"xtask\"]\n");
        write("Cargo.lock", "version = 4\n\n[[package]]\nname = \"xtask\"\nversion = \"0.1.0\"\n");
        write("xtask/Cargo.toml", "[package]\nname = \"xtask\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
        write("xtask/tools.toml", "# tools\n");
        write("xtask/src/main.rs", MAIN);
        git(&origin, &["init", "--quiet"]);
        git(&origin, &["add", "--all"]);
        git(&origin, &["commit", "--quiet", "--message", "all"]);
        Repository { folder }
    }

    /// The one place that all checkouts are made in, as on GitHub's machines.
    fn place(&self) -> PathBuf {
        self.folder.path().join("checkout")
    }

    fn check_out(&self) {
        let _ = fs::remove_dir_all(self.place());
        git(self.folder.path(), &["clone", "--quiet", "origin", "checkout"]);
    }

    /// As `actions/cache` does it, with these paths.
    fn tar(&self, verb: &str, paths: &[String]) {
        let mut command = Command::new("tar");
        command.args(["--posix", verb, "../cache.tar", "-P"]).args(paths).current_dir(self.place());
        assert!(command.status().unwrap().success(), "tar {verb}");
    }

    /// Runs the alias: what the program says, and when it was compiled.
    fn xtask(&self) -> (String, SystemTime) {
        let mut command = Command::new("cargo");
        command.args(["xtask"]).current_dir(self.place());
        for name in ["CARGO_TARGET_DIR", "RUSTFLAGS", "CARGO_INCREMENTAL", "CARGO_ENCODED_RUSTFLAGS"] {
            command.env_remove(name);
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let compiled = self.place().join("target/xtask/xtask").metadata().unwrap().modified().unwrap();
        (String::from_utf8(output.stdout).unwrap(), compiled)
    }
}

#[test]
fn a_fresh_checkout_compiles_nothing() {
    let repository = Repository::new();
    let kept = kept();
    repository.check_out();
    let (said, compiled) = repository.xtask();
    assert_eq!(said, "# tools\n");
    // Without build scripts there is no folder for them, and the action keeps what there is.
    let is_there = |path: &&String| repository.place().join(path).exists();
    let there: Vec<String> = kept.iter().filter(is_there).cloned().collect();
    repository.tar("-cf", &there);

    repository.check_out();
    repository.tar("-xf", &[]);
    assert_eq!(repository.xtask(), (said.clone(), compiled));

    // What is edited is compiled all the same.
    fs::write(repository.place().join("xtask/tools.toml"), "# other tools\n").unwrap();
    let (said, again) = repository.xtask();
    assert!(said == "# other tools\n" && again > compiled, "{said}");

    // Without the times of the sources all of it would be of no use.
    repository.check_out();
    let is_source = |path: &&String| path.starts_with("xtask/");
    let sources: Vec<String> = kept.iter().filter(is_source).cloned().collect();
    assert!(!sources.is_empty());
    repository.tar("-xf", &[]);
    for path in sources {
        git(&repository.place(), &["rm", "-r", "--quiet", "--force", &path]);
    }
    git(&repository.place(), &["reset", "--quiet", "--hard"]);
    assert!(repository.xtask().1 > compiled);
}
