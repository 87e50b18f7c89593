//! `ci deps-report` in real repositories, with the real cargo: what two commits have, and what it is called.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::actions::Job;
use crate::support::{Workspace, listing};

/// Runs git as somebody.
fn git(folder: &Path, args: &[&str]) -> String {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]);
    command.args(["-c", "init.defaultBranch=main"]);
    let output = command.args(args).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn commit(workspace: &Workspace) -> String {
    git(workspace.root(), &["add", "--all"]);
    git(workspace.root(), &["commit", "--quiet", "--message", "change"]);
    git(workspace.root(), &["rev-parse", "HEAD"])
}

/// The fixture with one commit, and that commit.
fn repository() -> (Workspace, String) {
    let workspace = Workspace::fixture();
    workspace.write(".gitignore", "/target\n");
    git(workspace.root(), &["init", "--quiet"]);
    let base = commit(&workspace);
    (workspace, base)
}

/// What is told of the change since `base`: Markdown and JSON.
fn report(workspace: &Workspace, base: &str) -> (String, Value) {
    let run = workspace.xtask(&["ci", "deps-report", "--base", base, "--output", "out/report.md"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stdout.ends_with("report=out/report.md\n"), "{}", run.stdout);
    let json = workspace.read("out/report.json");
    (workspace.read("out/report.md"), serde_json::from_str(&json).unwrap())
}

#[test]
fn a_dependency_less_and_a_feature_more() {
    let (mut workspace, base) = repository();
    // In which the other commit's files are, too.
    workspace.set("CARGO_TARGET_DIR", workspace.root().join("target").display().to_string());
    workspace.edit("server/Cargo.toml", "signal-hook.workspace = true", "");
    workspace.edit("Cargo.toml", r#"features = ["derive"]"#, r#"features = ["derive", "rc"]"#);
    // Cargo itself takes out of the lock file what nobody asks for any more.
    let mut cargo = Command::new("cargo");
    let cargo = cargo.args(["metadata", "--format-version", "1"]).current_dir(workspace.root());
    assert!(cargo.output().unwrap().status.success());
    let head = commit(&workspace);
    let before = listing(&workspace.root().join(".git"));

    let (text, told) = report(&workspace, &base);
    assert_eq!((&told["base"], &told["head"]), (&json!(base), &json!(head)));
    let names = |list: &str| -> Vec<&str> {
        told["lock"][list].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect()
    };
    assert!(names("removed").contains(&"signal-hook"), "{told:#}");
    assert_eq!((names("added"), names("changed"), names("sources")), (vec![], vec![], vec![]));
    let of_server: Vec<&Value> =
        told["features"].as_array().unwrap().iter().filter(|one| one["dependency"] == "serde").collect();
    assert!(!of_server.is_empty() && of_server[0]["added"] == json!(["rc"]), "{told:#}");
    let units = &told["units"];
    assert_eq!(units["note"], Value::Null, "{told:#}");
    assert_eq!(units["before"]["front"], units["after"]["front"]);
    assert!(units["before"]["server"].as_u64() > units["after"]["server"].as_u64(), "{told:#}");
    assert_eq!(told["wasm"], json!({"before": null, "after": null}));

    assert!(text.starts_with("### What this changes in the dependencies\n\nFrom `"), "{text}");
    for part in
        ["| `signal-hook` | `", "| `serde` | `fixture-core` | `dependencies` | `rc` |  |", "| not measured |"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    // The other commit was looked at without touching index or work trees, and nothing of it stays.
    assert!(listing(&workspace.root().join(".git")) == before);
    assert!(!workspace.root().join("target/xtask/deps-report/base").exists());
}

#[test]
fn another_source_stands_first_and_what_cargo_cannot_list_is_a_remark() {
    let (workspace, base) = repository();
    let lock = workspace.read("Cargo.lock");
    let of_wasm_bindgen = lock.split("name = \"wasm-bindgen\"\n").nth(1).unwrap();
    let version = of_wasm_bindgen.lines().next().unwrap().to_owned();
    let registry = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
    let evil = "source = \"git+https://e.vil/<b>`@octocat#0123456789abcdef\"";
    let from = format!("name = \"wasm-bindgen\"\n{version}\n{registry}");
    workspace.edit("Cargo.lock", &from, &format!("name = \"wasm-bindgen\"\n{version}\n{evil}"));
    let second =
        "\n[[package]]\nname = \"wasm-bindgen\"\nversion = \"9.0.0\"\nsource = \"registry+https://e.vil\"\n";
    workspace.write("Cargo.lock", &(workspace.read("Cargo.lock") + second));
    commit(&workspace);
    let (text, told) = report(&workspace, &base);
    assert_eq!(told["lock"]["sources"][0]["before"], "crates.io");
    assert_eq!(told["lock"]["duplicates"][0]["name"], "wasm-bindgen");
    assert_eq!(told["lock"]["added"][0]["version"], "9.0.0");
    assert_eq!(told["units"]["after"], Value::Null);
    assert!(told["units"]["note"].as_str().unwrap().starts_with("cargo"), "{told:#}");
    assert!(text.contains("**1 package from elsewhere than before.**"), "{text}");
    assert!(text.contains("`git https://e.vil/<b>?@octocat at 0123456789ab`"), "{text}");
}

#[test]
fn nothing_to_say_is_said_and_sizes_on_record_are_taken() {
    let (workspace, base) = repository();
    workspace.write("notes.md", "text");
    let head = commit(&workspace);
    let build = |commit: &str, raw: u64, dirty: bool| {
        json!({"schema": "xtask.build/1", "result": "ok", "started": "2026-11-21T10:00:00Z", "seconds": 1.0,
               "profile": "production", "revision": {"commit": commit, "dirty": dirty},
               "sizes": [{"file": "pkg/a.wasm", "raw": raw, "gzip": null, "brotli": null}]})
        .to_string()
            + "\n"
    };
    let records = build(&base, 100, false) + &build(&head, 300, true) + &build(&head, 200, false);
    workspace.write("target/xtask/records/build.jsonl", &records);
    let (text, told) = report(&workspace, &base);
    assert!(text.ends_with("The dependencies stay as they are.\n"), "{text}");
    assert_eq!((&told["wasm"]["before"]["raw"], &told["wasm"]["after"]["raw"]), (&json!(100), &json!(200)));
    assert_eq!(told["wasm"]["after"]["gzip"], Value::Null);
}

#[test]
fn in_a_workflow_the_event_tells_what_to_compare_with() {
    let (mut workspace, base) = repository();
    workspace.edit("Cargo.toml", r#"features = ["derive"]"#, r#"features = ["derive", "rc"]"#);
    commit(&workspace);
    let job = Job::start(&mut workspace, "pull_request", "refs/pull/7/merge");
    let head = json!({"repo": {"full_name": "Octo-Org/Fixture"}});
    job.payload(json!({"pull_request": {"number": 7, "base": {"sha": base}, "head": head}}));
    let run = workspace.xtask(&["ci", "deps-report"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), ""), "{}", run.stderr);
    assert_eq!(job.output("changed"), "true");
    assert!(job.output("report").ends_with("target/xtask/deps-report/comment.md"), "{}", job.outputs());
    assert!(job.summary().starts_with("### Dependencies: ok\n\nFrom `"), "{}", job.summary());

    // What cargo notes for itself when it is asked is its own business.
    let ours = workspace.root().join("target/xtask");
    let before = listing(&ours);
    let run = workspace.xtask(&["ci", "deps-report", "--dry-run"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stdout.contains("a dry run writes no files of the other commit"), "{}", run.stdout);
    assert!(listing(&ours) == before);

    // Without an event that tells, and without a commit.
    job.payload(json!({}));
    workspace.set("GITHUB_EVENT_NAME", "schedule");
    let run = workspace.xtask(&["ci", "deps-report"]);
    assert_eq!(run.code, Some(4), "{}", run.stderr);
    assert!(run.stderr.contains("--base names a commit"), "{}", run.stderr);
    let run = workspace.xtask(&["ci", "deps-report", "--base", "nowhere"]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    let run = workspace.xtask(&["ci", "deps-report", "--output", "report.json"]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    assert!(run.stderr.contains("comment.md"), "{}", run.stderr);
}
