//! What shows that an arm was what it says, and what becomes of a run that cannot go on: on the fixture, with real cargo.

use std::path::Path;

use serde_json::Value;

use crate::drivers::layouts;
use crate::support::{Run, Workspace};

fn bench(workspace: &Workspace, args: &[&str]) -> Run {
    workspace.xtask(&[&["bench", "--profile", "dev", "--format", "json"], args].concat())
}

fn record(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("no record: {}", run.stderr))
}

fn samples<'a>(record: &'a Value, comparison: &str, arm: &str) -> Vec<&'a Value> {
    let all = record["samples"].as_array().unwrap().iter();
    all.filter(|sample| sample["comparison"] == comparison && sample["arm"] == arm).collect()
}

#[test]
fn a_cold_build_by_cargo_leptos_is_one_from_nothing() {
    if !crate::drivers::is_there() {
        return;
    }
    let workspace = Workspace::fixture();
    let run = bench(&workspace, &["--scenario", "cold", "--variant", "driver=cargo-leptos", "--runs", "1"]);
    let record = record(&run);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let sample = samples(&record, "cold/driver=cargo-leptos", "driver=cargo-leptos")[0];
    assert_eq!(
        (&sample["invalid"], &sample["activity"]["fresh"]),
        (&Value::Null, &Value::from(0)),
        "{sample}"
    );
}

#[test]
fn one_run_at_a_time() {
    let workspace = Workspace::fixture();
    let folder = workspace.root().join("target/xtask");
    std::fs::create_dir_all(&folder).unwrap();
    let held = std::fs::File::create(folder.join("bench.lock")).unwrap();
    held.lock().unwrap();
    let run = bench(&workspace, &["--scenario", "hot", "--axis", "driver", "--runs", "1"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(run.stderr.contains("another `bench` of this workspace is under way"), "{}", run.stderr);
    assert!(!folder.join("bench").exists());
    // A plan can be looked at meanwhile.
    let plan = bench(&workspace, &["--scenario", "hot", "--axis", "driver", "--dry-run"]);
    assert_eq!(plan.code, Some(0), "{}", plan.stderr);
}

/// A `cp` that fails, before all others.
fn broken_cp(folder: &Path) -> String {
    let path = folder.join("cp");
    std::fs::write(&path, "#!/bin/sh\necho 'No space left on device' >&2\nexit 1\n").unwrap();
    std::process::Command::new("chmod").arg("+x").arg(&path).status().unwrap();
    format!("{}:{}", folder.display(), std::env::var("PATH").unwrap())
}

/// On a package that is both halves, in a workspace with other projects.
#[test]
fn a_run_that_could_not_go_on_is_gone_on_with() {
    let mut workspace = layouts::workspace();
    let list = "[[workspace.metadata.leptos]]";
    let pages = "[workspace.metadata.xtask.bench]\npatch-ui = \"apps/solo/src/lib.rs\"\n\n";
    workspace.edit("Cargo.toml", list, &format!("{pages}{list}"));
    let folder = tempfile::tempdir().unwrap();
    workspace.set("PATH", broken_cp(folder.path()));
    let scenarios = "link,hot,patch-ui,warm-target";
    let args = ["--project", layouts::SOLO, "--scenario", scenarios, "--runs", "1"];
    let run = bench(&workspace, &args);
    assert!(matches!(run.code, Some(code) if code != 0), "{}", run.stderr);
    assert!(run.stderr.contains("No space left on device"), "{}", run.stderr);
    assert!(run.stderr.contains("`cargo xtask bench --resume`"), "{}", run.stderr);
    assert!(!workspace.root().join("target/xtask/records/bench.jsonl").exists());
    workspace.set("PATH", std::env::var("PATH").unwrap());
    let run = bench(&workspace, &[&args[..], &["--resume"]].concat());
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let record = record(&run);
    assert_eq!(record["result"], "ok");
    for (comparison, arm) in [
        ("link/linker", "default"),
        ("hot/driver", "native"),
        ("patch-ui/driver", "native"),
        ("warm-target/mtimes", "content"),
    ] {
        assert_eq!(samples(&record, comparison, arm).len(), 1, "{comparison}: {record}");
    }
    // The one link of the package's program, and the page in both halves: the library twice and the program once.
    assert_eq!(samples(&record, "link/linker", "default")[0]["activity"]["links"]["default"], 1);
    assert_eq!(samples(&record, "patch-ui/driver", "native")[0]["activity"]["compiled"], 3);
}
