//! `bench` measures a copy of the workspace: what comes along, wherever the copy lies, and what is said where something
//! does not.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::measuring::{bench, record, samples};
use crate::support::Workspace;

/// From here on git says what is a source.
fn ignore(workspace: &Workspace, patterns: &str) {
    workspace.write(".gitignore", patterns);
    let made = Command::new("git").args(["init", "--quiet"]).current_dir(workspace.root()).status().unwrap();
    assert!(made.success());
}

fn append(workspace: &Workspace, file: &str, line: &str) {
    workspace.write(file, &format!("{}\n{line}\n", workspace.read(file)));
}

/// With a target directory outside of the workspace, another one for the server, and settings that git does not know.
#[test]
fn a_variant_is_compared_with_what_is_usual_wherever_the_target_directories_are() {
    let mut workspace = Workspace::fixture();
    let elsewhere = tempfile::tempdir().unwrap();
    workspace.set("CARGO_TARGET_DIR", elsewhere.path().display().to_string());
    ignore(&workspace, ".env\n/.cargo\n");
    workspace.write(".env", "LEPTOS_OUTPUT_NAME=renamed\nLEPTOS_BIN_TARGET_DIR=of-server\n");
    workspace.write(".cargo/config.toml", "[env]\nFIXTURE_WORD = \"configured\"\n");
    append(&workspace, "server/src/main.rs", "const _: &str = env!(\"FIXTURE_WORD\");");
    let args = ["--profile", "dev", "--scenario", "patch-server", "--variant", "linker=lld", "--runs", "3"];
    let run = bench(&workspace, &[&args[..], &["--format", "json"]].concat());
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let record: Value = serde_json::from_str(&run.stdout).unwrap();
    for (arm, linker) in [("usual", "default"), ("linker=lld", "lld")] {
        let samples = samples(&record, "patch-server/linker=lld", arm);
        assert_eq!(samples.len(), 3);
        for sample in samples {
            // Which linker it was is read in the server, wherever that is.
            assert_eq!(sample["invalid"], Value::Null);
            assert_eq!(sample["activity"]["compiled"], 1);
            assert_eq!(sample["activity"]["links"][linker], 1, "{sample}");
            let mut files = sample["sizes"].as_array().unwrap().iter();
            assert!(files.any(|size| size["file"].as_str().unwrap().contains("renamed")), "{sample}");
        }
    }
    assert_eq!(record["verdicts"][0]["pairs"], 3);
    let mut notes = record["notes"].as_array().unwrap().iter();
    let told = "the copy that is measured lies outside of the workspace";
    assert!(notes.any(|note| note.as_str().unwrap().starts_with(told)), "{record}");
    for folder in ["target", "of-server"] {
        assert!(!workspace.root().join(folder).exists(), "{folder}");
    }
}

/// The reason is told without anything having been built.
fn reason_not_to_build(workspace: &Workspace) -> String {
    let args = ["--profile", "dev", "--scenario", "hot", "--axis", "driver", "--runs", "1"];
    let run = bench(workspace, &args);
    assert_eq!(run.code, Some(4), "{}", run.stderr);
    assert!(run.stderr.contains("could not be measured: hot/driver native"), "{}", run.stderr);
    let record = record(workspace);
    let mut notes = record["notes"].as_array().unwrap().iter().map(|note| note.as_str().unwrap());
    let told = notes.find(|note| note.contains("the copy that is measured")).unwrap();
    assert!(run.stderr.contains(told), "{told}: {}", run.stderr);
    told.to_owned()
}

#[test]
fn what_the_workspace_has_and_the_copy_has_not_is_named() {
    let workspace = Workspace::fixture();
    ignore(&workspace, "target\nbuild.rs\n");
    workspace.write("core/build.rs", "fn main() {}\n");
    workspace.edit("core/Cargo.toml", "publish = false", "publish = false\nbuild = \"build.rs\"");
    let reason = reason_not_to_build(&workspace);
    assert!(reason.contains("lacks `core/build.rs`, which the workspace has"), "{reason}");

    // A package beside the workspace is not beside the copy.
    workspace.edit("core/Cargo.toml", "build = \"build.rs\"\n", "");
    let beside = tempfile::tempdir().unwrap();
    let manifest = "[package]\nname = \"beside\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
    std::fs::write(beside.path().join("Cargo.toml"), manifest).unwrap();
    std::fs::create_dir(beside.path().join("src")).unwrap();
    std::fs::write(beside.path().join("src/lib.rs"), "").unwrap();
    let name = beside.path().file_name().map(Path::new).unwrap().display();
    workspace.edit(
        "core/Cargo.toml",
        "serde.workspace = true",
        &format!("serde.workspace = true\nbeside = {{ path = \"../../{name}\" }}"),
    );
    let reason = reason_not_to_build(&workspace);
    assert!(reason.contains(&format!("lacks `../{name}/Cargo.toml`: what lies outside")), "{reason}");
}
