//! Builds of which nothing was touched since the last one: who is called then, and when cargo is asked all the same.

use std::process::Stdio;
use std::time::Duration;

use serde_json::json;

use super::{Fakes, artifact};
use crate::support::finish;

/// Fakes whose cargo tells where the packages are.
fn fakes() -> Fakes {
    let fakes = Fakes::new();
    let lock = fakes.workspace.read("Cargo.lock");
    let from_registry = "version = \"0.2.100\"\nsource = \"registry+https://example.org/index\"";
    fakes.workspace.write("Cargo.lock", &lock.replace("version = \"0.2.100\"", from_registry));
    fakes.when("cargo", "--lib", &compiles(&fakes, "front"));
    fakes.when("cargo", "build --bin", &compiles(&fakes, "server"));
    // What was written just now could change once more without a trace.
    std::thread::sleep(Duration::from_millis(250));
    fakes
}

/// What cargo does to compile a half.
fn compiles(fakes: &Fakes, half: &str) -> String {
    let (kind, source, file) = match half {
        "front" => ("cdylib", "src/lib.rs", "wasm32-unknown-unknown/production/app_front.wasm"),
        _ => ("bin", "src/main.rs", "production/app-server"),
    };
    let package = fakes.root().join(half);
    let file = fakes.root().join("target").join(file);
    let mut message = artifact(&package, kind, &file);
    message["manifest_path"] = package.join("Cargo.toml").display().to_string().into();
    format!(
        "write {file} made of {kind}\nwrite {dep_info} {file}: {source}\nout {message}\nout {finished}",
        file = file.display(),
        dep_info = file.with_extension("d").display(),
        source = package.join(source).display(),
        finished = json!({"reason": "build-finished", "success": true}),
    )
}

fn cargo_is_asked(fakes: &Fakes, args: &[&str]) -> bool {
    fakes.calls();
    let run = fakes.run(args);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    fakes.calls().iter().any(|call| call.starts_with("cargo rustc") || call.starts_with("cargo build"))
}

#[test]
fn nobody_is_called_who_could_build() {
    let fakes = fakes();
    assert!(cargo_is_asked(&fakes, &["build"]));
    fakes.run(&["build"]);
    let mut calls = fakes.calls();
    calls.sort();
    expect_test::expect![[r#"
        cargo metadata --no-deps --format-version 1
        git log -1 --format=%H %cI
        git status --porcelain
        rustc --print sysroot
        rustc -vV
        wasm-bindgen --version
        wasm-opt --version"#]]
    .assert_eq(&calls.join("\n"));
    let records = fakes.records();
    let last = records.last().unwrap();
    assert_eq!((&last["result"], &last["host_units_twice"]), (&json!("ok"), &json!(null)));
    assert_eq!(last["steps"][0]["units"], json!(null));
    assert_eq!(last["sizes"], records[0]["sizes"]);
    assert!(cargo_is_asked(&fakes, &["build", "--ask-cargo"]));
    // What is tested is worth the question.
    fakes.calls();
    fakes.run(&["test"]);
    assert!(fakes.calls().iter().any(|call| call.starts_with("cargo rustc")));
}

#[test]
fn an_edit_while_the_build_runs_is_not_lost() {
    let fakes = fakes();
    let marker = fakes.root().join("target/marker");
    let lines = compiles(&fakes, "server");
    fakes.when("cargo", "build --bin", &format!("write {} x\nsleep 1\n{lines}", marker.display()));
    let mut command = fakes.workspace.command(&["build"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while !marker.exists() {
        std::thread::sleep(Duration::from_millis(10));
    }
    // The front half has been compiled by now.
    fakes.workspace.write("front/src/lib.rs", "// the wasm half, edited\n");
    let run = finish(child);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(cargo_is_asked(&fakes, &["build"]));
    assert!(!cargo_is_asked(&fakes, &["build"]));
}

#[test]
fn builds_that_are_more_than_their_result_ask_cargo() {
    let fakes = fakes();
    assert!(cargo_is_asked(&fakes, &["build"]));
    assert!(!cargo_is_asked(&fakes, &["build"]));
    assert!(!cargo_is_asked(&fakes, &["build", "--dry-run"]));
    let noted = fakes.workspace.read("target/xtask/receipts/app/production.untouched.json");
    for _ in 0..2 {
        assert!(cargo_is_asked(&fakes, &["build", "--timings"]));
    }
    let left = fakes.workspace.read("target/xtask/receipts/app/production.untouched.json");
    assert_eq!(left, noted, "another kind of build leaves the note alone");
    // A command of the user's own may do anything.
    fakes.use_keys(&json!({"bin-cargo-command": "cargo"}));
    for _ in 0..2 {
        assert!(cargo_is_asked(&fakes, &["build"]));
    }
}
