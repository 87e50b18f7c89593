//! `ci bench`, as the nightly workflow runs it: one run more in the history, the trend, and the budgets' verdict.

use crate::actions::Job;
use crate::support::Workspace;

#[test]
fn a_night_is_measured_told_and_held_against_its_budget() {
    let mut workspace = Workspace::fixture();
    workspace.edit(
        "Cargo.toml",
        "[[workspace.metadata.leptos]]",
        "[workspace.metadata.xtask.bench.budgets]\nhot = { seconds = 0.001 }\n\n[[workspace.metadata.leptos]]",
    );
    let job = Job::start(&mut workspace, "schedule", "refs/heads/main");
    let args = ["ci", "bench", "--scenario", "hot", "--axis", "driver", "--runs", "1"];
    let planned = workspace.xtask(&[&args[..], &["--dry-run"]].concat());
    assert_eq!(planned.code, Some(0), "{}", planned.stderr);
    assert_eq!(job.outputs() + &job.summary(), "");

    let run = workspace.xtask(&args);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    let summary = job.summary();
    assert!(summary.starts_with("### Benchmark: failed\n\n**budgets failed**"), "{summary}");
    assert!(summary.contains("#### The last 10 runs on ") && summary.contains("| run | at |"), "{summary}");
    assert_eq!(job.outputs(), "");
    // What was too slow belongs to the history, and to the page.
    assert_eq!(workspace.read("target/xtask/records/bench.jsonl").lines().count(), 1);
    let files = std::fs::read_dir(workspace.root().join("target/xtask/bench/runs")).unwrap();
    let pages = files.flatten().filter(|file| file.path().extension().is_some_and(|end| end == "html"));
    assert_eq!(pages.count(), 1);

    let refused = workspace.xtask(&[&args[..], &["--apply"]].concat());
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert!(refused.stderr.contains("hint: leave it out"), "{}", refused.stderr);
}
