//! `ci summary`: records, event and settings in; report, annotations and exit code out.

use serde_json::{Value, json};

use crate::actions::{COMMIT, Job};
use crate::support::Workspace;

/// A workspace with these budgets.
fn workspace(budgets: &str) -> Workspace {
    let mut workspace = Workspace::empty();
    workspace.write("Cargo.toml", &format!("[workspace]\n[workspace.metadata.xtask.budgets]\n{budgets}\n"));
    workspace.set("GITHUB_RUN_ATTEMPT", "1");
    workspace
}

/// A line of a record: 30 seconds, that began so many minutes after ten.
fn line(minute: u32, more: Value) -> String {
    let started = format!("2026-11-21T10:{minute:02}:00+00:00");
    let mut line = json!({"schema": "xtask.x/1", "result": "ok", "started": started, "seconds": 30.0});
    line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    line.to_string() + "\n"
}

/// A build of this commit, in which the first half found `fresh` units and compiled `compiled`.
fn build(minute: u32, commit: &str, seconds: f64, fresh: usize, compiled: usize) -> String {
    let packages = if compiled == 0 { json!([]) } else { json!(["serde"]) };
    let units = json!({"fresh": fresh, "compiled": compiled, "compiled_packages": packages});
    let step = json!({"name": "compile front", "state": "ran", "seconds": 20.0, "cpu_seconds": null, "units": units,
                      "detail": ""});
    let sizes = json!([{"file": "pkg/app.wasm", "raw": 500_000, "gzip": 200_000, "brotli": null}]);
    let revision = json!({"commit": commit, "commit_time": null, "dirty": false});
    line(
        minute,
        json!({"seconds": seconds, "steps": [step], "sizes": sizes, "revision": revision, "profile": "production"}),
    )
}

fn pack(minute: u32, commit: &str, size: u64) -> String {
    let layers = json!([{"size": size, "raw_size": null, "kind": "base"}]);
    let digest = format!("sha256:{}", "a".repeat(64));
    line(
        minute,
        json!({"revision": {"commit": commit}, "layers": layers, "digest": digest, "reused": false,
                        "reference": format!("ghcr.io/o/app@{digest}")}),
    )
}

const RECORDS: &str = "target/xtask/records";

/// A run that builds, packs and deploys, after a cache has brought records of another one.
fn records(workspace: &Workspace) {
    let old = "f".repeat(40);
    let builds =
        build(1, &old, 1.0, 0, 9) + &build(3, COMMIT, 310.0, 90, 10) + &build(9, COMMIT, 2.0, 100, 0);
    workspace.write(&format!("{RECORDS}/build.jsonl"), &builds);
    workspace.write(&format!("{RECORDS}/pack.jsonl"), &(pack(1, &old, 1) + &pack(4, COMMIT, 26_000_000)));
    let deployed = json!({"revision": COMMIT, "deployment": "d-2", "url": "https://app.example"});
    workspace.write(&format!("{RECORDS}/deploy.jsonl"), &(line(6, deployed) + "half a li"));
}

#[test]
fn a_push_is_summed_up_on_its_page() {
    let mut workspace = workspace("");
    records(&workspace);
    let job = Job::start(&mut workspace, "push", "refs/heads/main");
    // 10:00:00 of that day.
    job.payload_of_push(1_795_255_200);
    let run = workspace.xtask(&["ci", "summary"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), ""), "{}", run.stderr);
    let summary = job.summary();
    for line in [
        "### Run\n",
        &format!("| commit | `{COMMIT}`, by `push` |\n"),
        // Of two builds of this commit, the one that had something to do.
        "| build | warm, 310 s |\n",
        "| there already | 90.0 % (90 of 100 compile units) |\n",
        "| image size | 26.00 MB as it is sent, not measured unpacked |\n",
        "| wasm | 500.0 kB raw, 200.0 kB gzip, not measured brotli |\n",
        "| deployment | ok (`d-2`) |\n",
        "| push to live | 390 s |\n",
        "| warm build | 310 s | 300 s |  | **over, a warning** |\n",
        "| cold build | not measured | 12m 00s |  | the build was warm |\n",
        "| hit rate | 90.0 % | 80.0 % |  | kept |\n",
        "| image | 26.00 MB | 25.00 MB |  | **over, a warning** |\n",
        "| deployment | 30.0 s | 90.0 s |  | kept |\n",
        "| push to live | 390 s | 420 s |  | kept |\n",
        "| build | compile front | 20.0 | 10 | 90 |  |\n",
    ] {
        assert!(summary.contains(line), "{line}: {summary}");
    }
    let warning = "::warning title=budget::warm build: 310 s, and 300 s are allowed\n";
    assert!(run.stderr.contains(warning) && !run.stderr.contains("::error"), "{}", run.stderr);

    // A second attempt began long after the push.
    workspace.set("GITHUB_RUN_ATTEMPT", "2");
    let run = workspace.xtask(&["ci", "summary", "--format", "json"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let told: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((&told["schema"], &told["commit"]), (&json!("xtask.ci-summary/1"), &json!(COMMIT)));
    assert_eq!(told["deployment"]["push_to_live_seconds"], Value::Null);
    assert_eq!(told["deployment"]["note"], "this is attempt 2 of the workflow");
    assert_eq!(told["budgets"][6]["verdict"], "not-measured");
    assert_eq!(told["image"]["raw"], Value::Null);
}

#[test]
fn a_broken_budget_fails_the_job_after_the_report() {
    let mut workspace = workspace("warm-fail = 300\nimage-fail = \"20MB\"\npush-to-live-warn = false");
    records(&workspace);
    let job = Job::start(&mut workspace, "push", "refs/heads/main");
    job.payload_of_push(1_795_255_200);
    let run = workspace.xtask(&["ci", "summary"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    let message = "error: 2 budgets are broken: warm build: 310 s, and 300 s are allowed; image: 26.00 MB as it is sent, \
                   and 20 MB are allowed\n";
    assert!(run.stderr.contains(message), "{}", run.stderr);
    assert!(run.stderr.contains("::error title=budget::image: 26.00 MB"), "{}", run.stderr);
    let summary = job.summary();
    assert!(summary.contains("| image | 26.00 MB |  | 20.00 MB | **broken** |"), "{summary}");
    assert!(summary.contains("| push to live | 390 s |  |  | no limit |"), "{summary}");
}

#[test]
fn nothing_on_record_is_nothing_measured() {
    let mut workspace = workspace("");
    let job = Job::start(&mut workspace, "workflow_dispatch", "refs/heads/main");
    let run = workspace.xtask(&["ci", "summary", "--format", "json"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let told: Value = serde_json::from_str(&run.stdout).unwrap();
    for field in ["build", "image", "wasm", "deployment"] {
        assert_eq!(told[field], Value::Null, "{field}");
    }
    let budgets = told["budgets"].as_array().unwrap();
    assert_eq!(budgets.len(), 7);
    assert!(budgets.iter().all(|budget| budget["measured"].is_null() && budget["verdict"] == "not-measured"));
    assert!(job.summary().contains("| image | not measured |"), "{}", job.summary());

    // Somebody wanted it from nothing.
    workspace.write(&format!("{RECORDS}/build.jsonl"), &build(3, COMMIT, 700.0, 0, 10));
    job.payload(json!({"inputs": {"force_rebuild": "true"}}));
    let run = workspace.xtask(&["ci", "summary", "--format", "json"]);
    let told: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(
        (&told["build"]["class"], &told["budgets"][3]["verdict"]),
        (&json!("cold"), &json!("not-measured"))
    );
    assert!(run.stderr.is_empty(), "{}", run.stderr);
}

#[test]
fn on_a_laptop_the_newest_of_each_counts_and_other_jobs_leave_folders() {
    let workspace = workspace("");
    records(&workspace);
    workspace.write("left/deploy.jsonl", &line(59, json!({"revision": "x", "deployment": "d-9"})));
    let run = workspace.xtask(&["ci", "summary"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stdout.contains("| build | hot, 2.0 s |"), "{}", run.stdout);
    assert!(!run.stderr.contains("::"), "{}", run.stderr);
    let records = format!("{RECORDS}/");
    let run =
        workspace.xtask(&["ci", "summary", "--records", &records, "--records", "left", "--format", "human"]);
    assert!(run.stdout.contains("ok (`d-9`)") && run.stdout.starts_with("figure"), "{}", run.stdout);
}

#[test]
fn a_folder_without_records_is_said_and_where_none_has_any_it_is_a_failure() {
    let workspace = workspace("");
    workspace.write("left/image/build.jsonl", &build(3, COMMIT, 310.0, 90, 10));
    let summed_up = |folders: [&str; 2]| {
        workspace.xtask(&["ci", "summary", "--records", folders[0], "--records", folders[1]])
    };
    let run = summed_up(["left/image", "left/deploy"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stdout.contains("| build | warm, 310 s |"), "{}", run.stdout);
    assert_eq!(run.stderr, "note: there are no records in left/deploy\n");
    // They are there, and not where they are looked for: "not measured" throughout would pass for good.
    let run = summed_up(["left", "left/deploy"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{}", run.stderr);
    assert!(run.stderr.contains("error: there are no records in left, left/deploy\n"), "{}", run.stderr);
}

#[test]
fn a_wrong_key_is_named() {
    let workspace = workspace("cold = 720");
    let run = workspace.xtask(&["ci", "summary"]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    let message = "error: unknown key `cold` in `[workspace.metadata.xtask.budgets]` in Cargo.toml";
    assert!(run.stderr.contains(message) && run.stderr.contains("cold-fail, cold-warn"), "{}", run.stderr);
}
