//! What ends a measurement in the middle: Ctrl-C in a build, a compile cache's server that is killed, a full disk.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::measuring::{record, samples, valid};
use crate::bad_input::machine::with_target_and;
use crate::support::{Workspace, finish, processes_with, signal, skipped};

const VARIANT: &str = "cache=sccache";
const COMPARISON: &str = "cold/cache=sccache";
/// For what takes seconds.
const LIMIT: Duration = Duration::from_secs(240);

/// Starts a run, and gives it as soon as it compiles through the cache. The lines before are taken from its messages.
fn compiling(workspace: &Workspace, more: &[&str]) -> Child {
    let args = ["bench", "--profile", "dev", "--scenario", "cold", "--variant", VARIANT, "--runs", "2"];
    let mut command = workspace.command(&[&args[..], more].concat());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let wanted = format!("{COMPARISON}: {VARIANT}, 1 of 2");
    let mut messages = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains(&wanted) {
        line.clear();
        assert!(messages.read_line(&mut line).unwrap() > 0, "it ended before `{wanted}`");
    }
    child.stderr = Some(messages.into_inner());
    let began = Instant::now();
    while compilers(workspace).is_empty() {
        assert!(began.elapsed() < LIMIT, "nothing is compiled");
        std::thread::sleep(Duration::from_millis(20));
    }
    child
}

/// Runs of rustc through the cache, in the copy.
fn compilers(workspace: &Workspace) -> Vec<String> {
    let all = processes_with(&workspace.root().display().to_string()).into_iter();
    all.filter(|line| line.contains("sccache") && line.contains("--crate-name")).collect()
}

/// Ids of the cache's servers of this run. A server is the one that names nothing, so it is known by its environment.
fn servers(workspace: &Workspace) -> Vec<String> {
    let root = workspace.root().display().to_string();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let read = |name: &str| {
            let bytes = std::fs::read(entry.path().join(name)).unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let is_server =
            read("comm").trim() == "sccache" && read("environ").contains("SCCACHE_START_SERVER=1");
        if is_server && read("environ").contains(&root) {
            found.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    found
}

#[test]
fn ctrl_c_in_a_build_and_then_a_killed_server() {
    let workspace = Workspace::fixture();
    let plan = super::measuring::bench(
        &workspace,
        &["--scenario", "cold", "--variant", VARIANT, "--dry-run", "--format", "json"],
    );
    let plan: Value = serde_json::from_str(&plan.stdout).unwrap();
    if let Some(reason) = plan[0]["arms"][1]["unavailable"].as_str() {
        skipped(reason);
        return;
    }

    let child = compiling(&workspace, &[]);
    assert_eq!(servers(&workspace).len(), 1);
    signal(&child, "INT");
    let run = finish(child);
    assert_eq!(run.code, Some(130), "{}", run.stderr);
    assert!(processes_with(&workspace.root().display().to_string()).is_empty());
    assert_eq!(servers(&workspace), [""; 0]);
    let interrupted = record(&workspace);
    assert_eq!(interrupted["result"], "interrupted");
    // The build that was under way is no sample.
    assert_eq!(valid(&interrupted, COMPARISON, "usual"), 1);
    assert!(samples(&interrupted, COMPARISON, VARIANT).is_empty());

    let child = compiling(&workspace, &["--resume", "--format", "json"]);
    for id in servers(&workspace) {
        assert!(Command::new("kill").args(["-KILL", &id]).status().unwrap().success());
    }
    let run = finish(child);
    assert_eq!(run.code, Some(4), "{}", run.stderr);
    let record: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((&record["id"], &record["result"]), (&interrupted["id"], &"failed".into()));
    let killed = samples(&record, COMPARISON, VARIANT);
    assert_eq!(killed.len(), 1, "{record}");
    let reason = killed[0]["invalid"].as_str().unwrap();
    assert!(reason.contains("server has ended") || reason.contains("the build failed"), "{reason}");
    // The others go on, and nothing is said of what was not measured.
    assert_eq!(valid(&record, COMPARISON, "usual"), 2);
    assert_eq!(record["verdicts"][0]["verdict"], "not-measured");
    assert!(processes_with(&workspace.root().display().to_string()).is_empty());
    // Also none that a compiler has started in its place.
    assert_eq!(servers(&workspace), [""; 0]);
}

#[test]
fn what_was_measured_before_the_disk_was_full_is_kept_and_nothing_else_a_number() {
    let workspace = Workspace::fixture();
    let variant = "profile=production";
    let comparison = "cold/profile=production";
    let args = ["bench", "--profile", "dev", "--scenario", "cold", "--variant", variant, "--runs", "1"];
    // The first sample is written down, and then something else takes all that is left.
    let fill = "until grep -qs '\"arm\": \"usual\"' target/xtask/bench/runs/*.json; do sleep 0.1; done; \
                cat /dev/zero >target/filler 2>/dev/null";
    let Some(run) = with_target_and(&workspace, "size=800m", fill, &args) else { return };
    assert!(matches!(run.code, Some(code) if code != 0), "{}", run.stderr);
    assert!(run.stderr.contains("No space left on device"), "{}", run.stderr);
    // Once there is room again, it can be gone on with.
    assert!(run.stderr.contains("`cargo xtask bench --resume` with the same arguments"), "{}", run.stderr);
    let files = std::fs::read_dir(workspace.root().join("left")).unwrap().flatten();
    let mut files = files.map(|entry| entry.path());
    let kept = files.find(|path| path.extension().is_some_and(|end| end == "json")).unwrap();
    // Whole, whatever was to be written after it.
    let record: Value = serde_json::from_slice(&std::fs::read(kept).unwrap()).unwrap();
    assert_eq!(valid(&record, comparison, "usual"), 1, "{record}");
    assert_eq!(valid(&record, comparison, variant), 0, "{record}");
    assert_ne!(record["result"], "ok");
    // Only whole runs are history.
    assert!(!workspace.read("left.txt").contains("records/bench.jsonl"));
}
