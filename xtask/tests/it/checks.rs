//! `ci check` with the real linters: what is good passes, and each remark stands beside its line.

use std::process::Command;

use crate::actions::Job;
use crate::support::Workspace;

#[test]
fn what_linters_find_is_shown_beside_its_line() {
    let mut workspace = Workspace::fixture();
    // It is formatted as this repository is, whose settings it does not have here.
    let formatted =
        Command::new("cargo").args(["fmt", "--all"]).current_dir(workspace.root()).status().unwrap();
    assert!(formatted.success());
    let job = Job::start(&mut workspace, "pull_request", "refs/pull/7/merge");
    let run = workspace.xtask(&["ci", "check"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let summary = job.summary();
    assert!(summary.starts_with("### Checks: ok\n"), "{summary}");
    assert_eq!(summary.matches("| ok |").count(), 4, "{summary}");
    assert!(!run.stderr.contains("::error"), "{}", run.stderr);

    // One remark in each half, a file that is not formatted, and a rule for images that is broken.
    workspace.edit("front/src/lib.rs", "use ", "use  std::rc::Rc as _;\nuse ");
    workspace.edit("server/src/main.rs", "fn main", "const UNUSED: u8 = 1;\n\nfn main");
    workspace.write("Dockerfile", "FROM rust:latest\nARG PASSWORD=hunter2\nRUN cargo build --release\n");
    let run = workspace.xtask(&["ci", "check"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    let annotated = |beginning: &str| {
        let line = run.stderr.lines().find(|line| line.starts_with(beginning));
        line.unwrap_or_else(|| panic!("no {beginning} in {}", run.stderr)).to_owned()
    };
    annotated("::error file=front/src/lib.rs,line=");
    assert!(annotated("::error file=server/src/main.rs,line=").contains("UNUSED"));
    annotated("::error file=Dockerfile,line=");
    let failed =
        "failed: format, linter of the front half, linter of the server half and the rest, rules for images";
    assert!(run.stderr.contains(failed), "{}", run.stderr);
    assert!(job.summary().contains("### Checks: failed"), "{}", job.summary());
}
