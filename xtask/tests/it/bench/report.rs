//! `bench report`: a run again, as a page with plots, and the committed page of figures.

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::compare::{lines, record};
use crate::running::repository;
use crate::support::{Workspace, finish};

const LOCAL: &str = "target/xtask/records/bench.jsonl";

fn committing(local: &[Value], committed: &[Value]) -> Workspace {
    let workspace = Workspace::fixture();
    let list = "[[workspace.metadata.leptos]]";
    let history = "[workspace.metadata.xtask.bench]\nhistory = \"docs/bench.jsonl\"\n\n";
    workspace.edit("Cargo.toml", list, &format!("{history}{list}"));
    workspace.write(LOCAL, &lines(local));
    if !committed.is_empty() {
        workspace.write("docs/bench.jsonl", &lines(committed));
    }
    workspace
}

fn five(id: &str) -> Value {
    record(id, &[100.0, 101.0, 99.0, 100.5, 99.5], &[50.0, 50.5, 49.5, 50.0, 50.0])
}

#[test]
fn a_run_is_told_again_and_drawn() {
    let workspace = committing(&[five("20261120-100000"), five("20261121-100000")], &[]);
    let host = ["--host", "linux-x86_64-2cpu-8gib"];
    let told = |args: &[&str]| {
        let run = workspace.xtask(&[&["bench", "report"], args, &host[..]].concat());
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        run
    };
    let text = told(&[]).stdout;
    assert!(text.contains("20261121-100000") && text.contains("cold/cache"), "{text}");
    let markdown = told(&["latest~1", "--format", "markdown"]).stdout;
    assert!(markdown.contains("20261120-100000") && markdown.contains("| kache | 50.0 s |"), "{markdown}");
    let read: Value = serde_json::from_str(&told(&["--format", "json"]).stdout).unwrap();
    // As it is written now, whatever was read.
    assert_eq!((&read["id"], &read["timelines"]), (&json!("20261121-100000"), &json!([])));

    let run = told(&["--html", "page.html"]);
    assert!(run.stderr.contains("the page with plots: page.html"), "{}", run.stderr);
    let page = workspace.read("page.html");
    assert!(page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"), "{page}");
    assert_eq!(page.matches("class=\"dot\"").count(), 10);
    // The run before is in its trend.
    assert!(page.contains("Medians of 2 runs on this class of host"), "{page}");

    let none = workspace.xtask(&["bench", "report", "nothing-like-this"]);
    assert_eq!((none.code, none.stdout.as_str()), (Some(2), ""), "{}", none.stderr);
}

#[test]
fn the_page_of_figures_is_made_of_committed_runs_alone() {
    let mut elsewhere = five("20261119-100000");
    elsewhere["host"]["class"] = json!("github-linux-x86_64-4cpu-16gib");
    let workspace = committing(&[five("20261122-100000")], &[five("20261120-100000"), elsewhere]);
    let page = |workspace: &Workspace| {
        let run = workspace.xtask(&["bench", "report", "--baseline"]);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        run.stdout
    };
    let first = page(&workspace);
    assert!(first.contains("from 2 records"), "{first}");
    assert!(
        first.contains("### Run 20261120-100000") && first.contains("### Run 20261119-100000"),
        "{first}"
    );
    assert!(!first.contains("20261122"), "{first}");
    // What this machine measures does not change it.
    workspace.write(LOCAL, "");
    assert_eq!(page(&workspace), first);
    // It sends nobody to a file that this workspace does not have.
    assert!(!first.contains(": see "), "{first}");
    workspace.write("docs/measurements/deploy.md", "");
    assert_eq!(page(&workspace).matches(": see docs/measurements/deploy.md").count(), 1);

    let message = |workspace: &Workspace| {
        let run = workspace.xtask(&["bench", "report", "--baseline"]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{}", run.stderr);
        run.stderr
    };
    let nothing = committing(&[five("20261122-100000")], &[]);
    assert!(message(&nothing).contains("there is no run in docs/bench.jsonl"));
    assert!(message(&Workspace::fixture()).contains("names no file for runs worth keeping"));
}

/// In this repository: its app was measured, the records are committed, and the page is what they give.
#[test]
fn the_committed_page_is_what_the_committed_records_give() {
    let root = repository();
    if !root.join("docs/bench.md").exists() {
        eprintln!("xtask was copied into another workspace, which may have measured nothing");
        return;
    }
    let records = root.join("docs/measurements/bench.jsonl");
    assert!(
        records.is_file(),
        "no {}: cargo xtask bench --full, then cargo xtask bench history --keep latest",
        records.display()
    );
    let page = root.join("docs/BASELINE_MEASUREMENTS.md");
    let page = std::fs::read_to_string(&page).unwrap_or_else(|error| panic!("{}: {error}", page.display()));
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(["bench", "report", "--baseline"]).current_dir(root);
    let run = finish(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(
        run.stdout == page,
        "make it again: cargo xtask bench report --baseline >docs/BASELINE_MEASUREMENTS.md"
    );
}
