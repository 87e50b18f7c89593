//! Tests of how cargo's configuration is merged.

use std::fs;

use super::*;
use crate::exit::{Exit, hint_of};

const LINUX: &str = "x86_64-unknown-linux-gnu";
const WASM: &str = "wasm32-unknown-unknown";

struct Fixture(tempfile::TempDir);

impl Fixture {
    fn new() -> Fixture {
        Fixture(tempfile::tempdir().unwrap())
    }

    fn file(self, name: &str, text: &str) -> Fixture {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    fn try_read(&self, process: &[(&str, &str)]) -> anyhow::Result<CargoConfig> {
        let process = process.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let (root, home) = (self.0.path().join("app"), self.0.path().join("home"));
        let files = files(&root, Some(&home));
        CargoConfig::from_files(&files, process)
    }

    fn read(&self, process: &[(&str, &str)]) -> CargoConfig {
        self.try_read(process).unwrap()
    }
}

#[test]
fn nothing_gives_nothing() {
    let config = Fixture::new().read(&[]);
    assert_eq!(config.env("A"), None);
    assert_eq!(config.rustflags(LINUX), Vec::<String>::new());
}

#[test]
fn nearer_files_win_and_lists_are_joined() {
    let fixture = Fixture::new()
        .file("home/config.toml", "[build]\nrustflags = ['home']\njobs = 1\n[env]\nA = 'home'\nB = 'home'\n")
        .file(".cargo/config.toml", "[build]\nrustflags = ['above']\njobs = 2\n")
        .file(
            "app/.cargo/config.toml",
            "[build]\nrustflags = ['own']\n[env]\nA = { value = 'own', force = true }\n",
        );
    let config = fixture.read(&[]);
    assert_eq!(config.rustflags(LINUX), ["home", "above", "own"]);
    assert_eq!(config.value("/build/jobs"), Some(&Value::from(2)));
    assert_eq!(config.env("B").as_deref(), Some("home"));
    assert_eq!(config.env("A").as_deref(), Some("own"));
}

#[test]
fn relative_paths_start_beside_the_dot_cargo_folder() {
    let fixture =
        Fixture::new().file("app/.cargo/config.toml", "[env]\nA = { value = 'x', relative = true }\n");
    let app = fixture.0.path().join("app");
    let config = fixture.read(&[]);
    assert_eq!(config.env("A"), Some(app.join("x").display().to_string()));
}

#[test]
fn includes_lie_below_the_file_that_includes_them() {
    let fixture = Fixture::new()
        .file(
            "app/.cargo/config.toml",
            "include = ['one.toml', { path = 'none.toml', optional = true }]\n[env]\nA = 'own'\n",
        )
        .file("app/.cargo/one.toml", "[env]\nA = 'one'\nB = 'one'\n");
    let config = fixture.read(&[]);
    assert_eq!(config.env("A").as_deref(), Some("own"));
    assert_eq!(config.env("B").as_deref(), Some("one"));
}

#[test]
fn bad_includes_are_configuration_errors() {
    let fixture = Fixture::new().file("app/.cargo/config.toml", "include = 'config.toml'\n");
    let error = fixture.try_read(&[]).unwrap_err();
    assert_eq!(Exit::of(&error), Exit::Usage);
    assert!(error.to_string().ends_with("app/.cargo/config.toml includes itself"), "{error}");
    let fixture = Fixture::new().file("app/.cargo/config.toml", "include = 1\n");
    let error = fixture.try_read(&[]).unwrap_err();
    assert_eq!(hint_of(&error), Some("include = [{ path = \"local.toml\", optional = true }]"));
}

#[test]
fn only_the_first_source_of_rustflags_counts() {
    let fixture = Fixture::new().file(
        "app/.cargo/config.toml",
        "[build]\nrustflags = '-C build'\n[target.wasm32-unknown-unknown]\nrustflags = ['wasm']\n\
         [target.'cfg(target_family = \"wasm\")']\nrustflags = ['family']\n",
    );
    let config = fixture.read(&[]);
    assert_eq!(config.rustflags(LINUX), ["-C", "build"]);
    assert_eq!(config.rustflags(WASM), ["wasm", "family"]);
    let variable = ("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", "own");
    assert_eq!(fixture.read(&[variable]).rustflags(WASM), ["wasm", "own", "family"]);
    assert_eq!(fixture.read(&[("CARGO_BUILD_RUSTFLAGS", "more")]).rustflags(LINUX), ["-C", "build", "more"]);
    assert_eq!(fixture.read(&[("RUSTFLAGS", "a  b")]).rustflags(WASM), ["a", "b"]);
    let both = [("RUSTFLAGS", "a"), ("CARGO_ENCODED_RUSTFLAGS", "x y\u{1f}z")];
    assert_eq!(fixture.read(&both).rustflags(WASM), ["x y", "z"]);
}

#[test]
fn one_flag_more_hides_no_other() {
    let config = "[build]\nrustflags = '-C build'\n[target.wasm32-unknown-unknown]\nrustflags = ['wasm']\n";
    let fixture = Fixture::new().file("app/.cargo/config.toml", config);
    let variable = "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS";
    let check = |process: &[(&str, &str)], triple: &str, expected: &str| {
        let (name, value) = fixture.read(process).with_rustflag(triple, "-Zmore").unwrap();
        assert_eq!(value, expected);
        // With the variable there is exactly one flag more.
        let mut flags = fixture.read(process).rustflags(triple);
        let with = fixture.read(&[process, &[(name.as_str(), value.as_str())]].concat()).rustflags(triple);
        flags.push("-Zmore".to_owned());
        assert_eq!(with, flags, "{process:?}");
    };
    check(&[], WASM, "-Zmore");
    check(&[(variable, "own")], WASM, "own -Zmore");
    check(&[], LINUX, "-C build -Zmore");
    check(&[("CARGO_BUILD_RUSTFLAGS", "else")], LINUX, "-C build else -Zmore");
    for hidden in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"] {
        assert_eq!(fixture.read(&[(hidden, "")]).with_rustflag(WASM, "-Zmore"), None, "{hidden}");
    }
    let blank = Fixture::new().file("app/.cargo/config.toml", "[build]\nrustflags = ['-C link-arg=a b']\n");
    assert_eq!(blank.read(&[]).with_rustflag(LINUX, "-Zmore"), None);
}
