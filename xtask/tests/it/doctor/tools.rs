//! Cargo.lock, the tools that `setup` keeps, and others of their names on `PATH`.

use std::fs;

use super::{Patient, case, case_by_hand};

/// Git for a test, without this machine's configuration.
pub fn as_committer(patient: &mut Patient) {
    for role in ["AUTHOR", "COMMITTER"] {
        patient.set(&format!("GIT_{role}_NAME"), "tester");
        patient.set(&format!("GIT_{role}_EMAIL"), "tester@example.com");
    }
    patient.set("GIT_CONFIG_NOSYSTEM", "1");
}

#[test]
fn lock_files() {
    let spoilt = |rule: &str, spoil: fn(&mut Patient)| {
        case("tools", rule, |patient| {
            patient.set("CARGO_NET_OFFLINE", "true");
            spoil(patient);
        });
    };
    spoilt("lockfile-missing", |patient| fs::remove_file(patient.root().join("Cargo.lock")).unwrap());
    spoilt("wasm-bindgen-not-locked", |patient| patient.workspace.write("Cargo.lock", "version = 4\n"));
    spoilt("wasm-bindgen-locked-twice", |patient| {
        let lock = patient.workspace.read("Cargo.lock");
        let second = "[[package]]\nname = \"wasm-bindgen\"\nversion = \"0.1.0\"\n\
                      source = \"registry+https://github.com/rust-lang/crates.io-index\"\n\n";
        let (before, after) = lock.split_once("[[package]]\nname = \"wasm-bindgen\"").unwrap();
        patient
            .workspace
            .write("Cargo.lock", &format!("{before}{second}[[package]]\nname = \"wasm-bindgen\"{after}"));
        for package in ["front", "server"] {
            let manifest = patient.workspace.read(&format!("{package}/Cargo.toml"));
            assert!(!manifest.contains("wasm-bindgen = \"0.1"));
        }
    });
    spoilt("lockfile-broken", |patient| {
        as_committer(patient);
        let ready =
            patient.doctor_after("git init -q && git add -A && git commit -qm one", &["--only", "host"]);
        assert!(ready.stderr.lines().all(|line| !line.contains("fatal")), "{}", ready.stderr);
        let lock = patient.workspace.read("Cargo.lock");
        patient.workspace.write("Cargo.lock", &format!("<<<<<<< HEAD\n{lock}"));
    });
}

#[test]
fn programs_on_path() {
    let found = case("tools", "wasm-bindgen-other-version", |patient| {
        patient.program("wasm-bindgen", "echo wasm-bindgen 0.2.1");
    });
    assert!(found["place"].as_str().unwrap().ends_with("bin/wasm-bindgen comes first on PATH"), "{found:#}");
    let found = case("tools", "wasm-opt-too-old", |patient| {
        let help = "echo '  --enable-sign-ext   x'; echo '  --enable-mutable-globals   y'";
        let script = format!("case $1 in --version) echo wasm-opt version 101;; *) {help};; esac");
        patient.program("wasm-opt", &script);
    });
    let unknown = found["found"].as_str().unwrap();
    assert!(unknown.contains("bulk-memory") && !unknown.contains("sign-ext"), "{unknown}");
}

#[test]
fn a_machine_that_setup_has_not_seen() {
    case("tools", "tools-offline", |patient| {
        patient.set("XTASK_HOME", patient.home().join("tools").display().to_string());
        patient.set("XTASK_OFFLINE", "1");
    });
    case_by_hand(
        "tools",
        "node-missing",
        |patient| {
            patient.set("XTASK_HOME", patient.home().join("tools").display().to_string());
            patient.bare(&["sh", "rustc", "cargo", "cc"]);
        },
        |patient| drop(patient.program("node", "echo v24.0.0")),
    );
}
