//! What shows that an arm was what it says, and what becomes of a run that cannot go on: on the fixture, with real cargo.

use std::path::Path;

use serde_json::Value;

use crate::support::{Run, Workspace, skipped};

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

/// Why an arm is not there on this machine.
fn absent<'a>(record: &'a Value, comparison: &str, arm: &str) -> Option<&'a str> {
    let comparisons = record["comparisons"].as_array().unwrap();
    let found = comparisons.iter().find(|one| one["id"] == comparison).unwrap();
    let arms = found["arms"].as_array().unwrap();
    arms.iter().find(|one| one["name"] == arm).unwrap()["unavailable"].as_str()
}

#[test]
fn what_a_link_by_a_process_of_its_own_cost_is_not_known() {
    let workspace = Workspace::fixture();
    let run = bench(&workspace, &["--scenario", "link", "--axis", "linker", "--runs", "2"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let record = record(&run);
    for linker in ["mold", "wild"] {
        if let Some(reason) = absent(&record, "link/linker", linker) {
            skipped(reason);
            continue;
        }
        let samples = samples(&record, "link/linker", linker);
        assert_eq!(samples.len(), 2);
        for sample in samples {
            assert_eq!(sample["invalid"], Value::Null);
            for figure in ["cpu_seconds", "peak_memory_bytes", "foreign_cores"] {
                assert!(sample[figure].is_null(), "{figure}: {sample}");
            }
        }
    }
    for sample in samples(&record, "link/linker", "bfd") {
        assert!(sample["cpu_seconds"].is_number() && sample["foreign_cores"].is_number(), "{sample}");
        assert_eq!(sample["activity"]["linked_by"], Value::Null);
    }
}

#[test]
fn debug_info_is_what_cargo_says_of_the_server() {
    let workspace = Workspace::fixture();
    let args = ["--scenario", "patch-server", "--variant", "debug=none", "--runs", "1"];
    let run = bench(&workspace, &args);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let record = record(&run);
    let debuginfo = |arm: &str| {
        let sample = samples(&record, "patch-server/debug=none", arm)[0].clone();
        let steps = sample["steps"].as_array().unwrap().clone();
        let programs: Vec<Value> =
            steps.iter().map(|step| step["units"]["program"]["debuginfo"].clone()).collect();
        programs.into_iter().find(|debuginfo| !debuginfo.is_null()).unwrap()
    };
    assert_eq!(debuginfo("debug=none"), "0");
    assert_ne!(debuginfo("usual"), "0");
}

#[test]
fn what_a_caches_server_has_compiled_is_the_builds_own() {
    let workspace = Workspace::fixture();
    let run = bench(&workspace, &["--scenario", "cold,warm", "--variant", "cache=sccache", "--runs", "1"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let record = record(&run);
    if let Some(reason) = absent(&record, "cold/cache=sccache", "cache=sccache") {
        skipped(reason);
        return;
    }
    let sample = samples(&record, "cold/cache=sccache", "cache=sccache")[0];
    let (all, server) = (&sample["cpu_seconds"], &sample["activity"]["cache"]["server_cpu_seconds"]);
    let (all, server) = (all.as_f64().unwrap(), server.as_f64().unwrap());
    assert!(server > 1.0 && all > server * 0.9, "{all} of which {server}");
    // With the server's compilers, a build holds what it holds without a cache, about.
    let peak =
        |arm: &str| samples(&record, "cold/cache=sccache", arm)[0]["peak_memory_bytes"].as_f64().unwrap();
    assert!(peak("cache=sccache") > peak("usual") * 0.6, "{} {}", peak("cache=sccache"), peak("usual"));
}

#[test]
fn a_cold_build_by_cargo_leptos_is_one_from_nothing() {
    let workspace = Workspace::fixture();
    let run = bench(&workspace, &["--scenario", "cold", "--variant", "driver=cargo-leptos", "--runs", "1"]);
    let record = record(&run);
    if let Some(reason) = absent(&record, "cold/driver=cargo-leptos", "driver=cargo-leptos") {
        skipped(reason);
        return;
    }
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

#[test]
fn a_run_that_could_not_go_on_is_gone_on_with() {
    let mut workspace = Workspace::fixture();
    let folder = tempfile::tempdir().unwrap();
    workspace.set("PATH", broken_cp(folder.path()));
    let args = ["--scenario", "link,warm-target", "--axis", "linker,mtimes", "--runs", "1"];
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
    assert_eq!(samples(&record, "link/linker", "default").len(), 1);
    assert_eq!(samples(&record, "warm-target/mtimes", "content").len(), 1);
}
