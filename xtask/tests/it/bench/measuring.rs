//! `bench` measures: each scenario on the fixture with real cargo, and what must never become a number.

use std::path::Path;

use expect_test::expect;
use serde_json::Value;

use crate::support::{Run, Workspace, finish, not_run, processes_with, signal, skipped};

/// The record that a run has left.
pub fn record(workspace: &Workspace) -> Value {
    let folder = workspace.root().join("target/xtask/bench/runs");
    let files = std::fs::read_dir(&folder).unwrap_or_else(|_| panic!("no runs in {}", folder.display()));
    let mut paths: Vec<_> = files.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    serde_json::from_slice(&std::fs::read(paths.last().unwrap()).unwrap()).unwrap()
}

pub fn samples<'a>(record: &'a Value, comparison: &str, arm: &str) -> Vec<&'a Value> {
    let all = record["samples"].as_array().unwrap().iter();
    all.filter(|sample| sample["comparison"] == comparison && sample["arm"] == arm).collect()
}

pub fn valid(record: &Value, comparison: &str, arm: &str) -> usize {
    samples(record, comparison, arm).iter().filter(|sample| sample["invalid"].is_null()).count()
}

/// The arm's reason not to be measured, if any.
pub fn unavailable(record: &Value, comparison: &str, arm: &str) -> Option<String> {
    let mut comparisons = record["comparisons"].as_array().unwrap().iter();
    let found = comparisons.find(|one| one["id"] == comparison).unwrap();
    let arms = found["arms"].as_array().unwrap();
    let arm = arms.iter().find(|one| one["name"] == arm).unwrap();
    arm["unavailable"].as_str().map(str::to_owned)
}

pub fn bench(workspace: &Workspace, args: &[&str]) -> Run {
    workspace.xtask(&[&["bench"], args].concat())
}

#[test]
fn links_and_changed_lines_are_measured_and_proved() {
    let workspace = Workspace::fixture();
    let before = crate::support::contents(&workspace.root().join("server"));
    let scenarios = "link,wasm-opt,hot,patch-server,patch-core,warm-target";
    let run = bench(
        &workspace,
        &[
            "--scenario",
            scenarios,
            "--axis",
            "linker,wasm-opt,mtimes,driver",
            "--runs",
            "2",
            "--format",
            "json",
        ],
    );
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let record: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(record["result"], "ok");
    assert_eq!(record["noise"]["samples"].as_array().unwrap().len(), 9);

    // Links alone: through the script, told by its log and by the program.
    assert_eq!(valid(&record, "link/linker", "default"), 2);
    assert_eq!(valid(&record, "link/linker", "lld"), 2, "{record}");
    for sample in samples(&record, "link/linker", "lld") {
        assert_eq!(sample["activity"]["links"]["lld"], 1);
        assert_eq!(sample["activity"]["linked_by"], "lld");
        assert!(sample["sizes"][0]["raw"].as_u64().unwrap() > 100_000);
        // Of what is over in a moment nobody has seen how much memory it held.
        assert!(sample["cpu_seconds"].is_number() && sample["peak_memory_bytes"].is_null(), "{sample}");
    }

    links_by_processes_of_their_own(&record);

    // wasm-opt alone: what it leaves out is in the sizes.
    let size = |arm: &str| samples(&record, "wasm-opt/wasm-opt", arm)[0]["sizes"][0]["raw"].as_u64().unwrap();
    assert!(size("Oz") < size("off"), "{} {}", size("Oz"), size("off"));
    // Each level is compared with the usual one; where nothing runs there is nothing to say of the time.
    let judged = record["verdicts"].as_array().unwrap().iter();
    let judged = judged.filter(|verdict| verdict["comparison"] == "wasm-opt/wasm-opt");
    let judged: Vec<_> =
        judged.map(|verdict| (&verdict["arm"], &verdict["baseline"], &verdict["pairs"])).collect();
    let pairs = Value::from(2);
    assert_eq!(judged, [(&"O2".into(), &"Oz".into(), &pairs), (&"Os".into(), &"Oz".into(), &pairs)]);

    // Nothing changed, then one line of one crate.
    for (comparison, arm) in [("hot/driver", "native"), ("patch-core/driver", "native")] {
        assert_eq!(valid(&record, comparison, arm), 2, "{comparison} {arm}: {record}");
    }
    for sample in samples(&record, "hot/driver", "native") {
        assert_eq!(sample["activity"]["compiled"].as_u64().unwrap_or(0), 0);
    }
    let core = samples(&record, "patch-core/driver", "native")[0];
    assert!(core["activity"]["compiled"].as_u64().unwrap() >= 4, "{core}");

    // A fresh checkout makes every file new, unless it keeps the times of what is the same.
    let compiled =
        |arm: &str| samples(&record, "warm-target/mtimes", arm)[0]["activity"]["compiled"].as_u64();
    assert!(compiled("checkout").unwrap() >= 4);
    assert_eq!(compiled("content").unwrap_or(0), 0);

    // The workspace itself was left alone, and nothing but the record is left of the copy.
    assert_eq!(crate::support::contents(&workspace.root().join("server")), before);
    let left: Vec<_> = std::fs::read_dir(workspace.root().join("target/xtask/bench")).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    let page = std::fs::read_dir(workspace.root().join("target/xtask/bench/runs")).unwrap();
    assert!(
        page.flatten().any(|entry| entry.path().extension().is_some_and(|extension| extension == "html"))
    );
    assert!(processes_with(&workspace.root().display().to_string()).is_empty());
}

/// mold and wild are over before their work is done by a process of their own, so what that cost is not known.
fn links_by_processes_of_their_own(record: &Value) {
    for linker in ["bfd", "mold", "wild"] {
        if let Some(reason) = unavailable(record, "link/linker", linker) {
            match linker {
                "wild" => not_run(&format!("wild cannot be measured: {reason}")),
                _ => skipped(&format!("{linker} cannot be measured: {reason}")),
            };
            continue;
        }
        assert_eq!(valid(record, "link/linker", linker), 2, "{linker}: {record}");
        for sample in samples(record, "link/linker", linker) {
            if linker == "bfd" {
                assert!(sample["cpu_seconds"].is_number() && sample["foreign_cores"].is_number(), "{sample}");
                assert_eq!(sample["activity"]["linked_by"], Value::Null);
                continue;
            }
            for figure in ["cpu_seconds", "peak_memory_bytes", "foreign_cores"] {
                assert!(sample[figure].is_null(), "{figure}: {sample}");
            }
        }
    }
}

#[test]
fn a_cold_build_has_its_timeline_and_an_arm_that_does_not_compile_is_no_number() {
    let workspace = Workspace::fixture();
    let main = workspace.read("server/src/main.rs");
    workspace.write(
        "server/src/main.rs",
        &format!("{main}\n#[cfg(not(debug_assertions))]\ncompile_error!(\"not in this profile\");\n"),
    );
    workspace.edit("Cargo.toml", "hash-files = true", "hash-files = true\nbin-target-dir = \"of-server\"");
    let variant = "profile=production";
    let run = bench(
        &workspace,
        &["--profile", "dev", "--scenario", "cold", "--variant", variant, "--runs", "2", "--format", "json"],
    );
    assert_eq!(run.code, Some(4), "{}", run.stderr);
    let record: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(record["result"], "failed");
    assert_eq!(valid(&record, "cold/profile=production", "usual"), 2, "{record}");
    // The server's own target directory is emptied as well, and no build writes to the workspace's.
    for sample in samples(&record, "cold/profile=production", "usual") {
        assert_eq!(sample["activity"]["fresh"], 0, "{sample}");
    }
    assert!(!workspace.root().join("of-server").exists());
    let broken = samples(&record, "cold/profile=production", "profile=production");
    // Once is enough, and it is told why.
    assert_eq!(broken.len(), 1);
    assert!(
        broken[0]["invalid"].as_str().unwrap().contains("not in this profile"),
        "{}",
        broken[0]["invalid"]
    );
    assert_eq!(record["verdicts"][0]["verdict"], "not-measured");
    assert_eq!(record["timelines"].as_array().unwrap().len(), 1);
    assert!(record["timelines"][0]["units"].as_array().unwrap().len() > 40);
    // What built before lacks nothing.
    assert!(!run.stderr.contains("the copy that is measured"), "{}", run.stderr);
    assert!(
        run.stderr.contains("could not be measured: cold/profile=production profile=production"),
        "{}",
        run.stderr
    );
}

/// A home with all tools that were installed before, but for these.
pub fn home_without(missing: &[&str], folder: &Path) -> String {
    let home = folder.join("home");
    std::fs::create_dir_all(home.join("tools")).unwrap();
    for tool in std::fs::read_dir(crate::support::tools_home().join("tools")).unwrap().flatten() {
        if !missing.iter().any(|missing| tool.file_name() == *missing) {
            std::os::unix::fs::symlink(tool.path(), home.join("tools").join(tool.file_name())).unwrap();
        }
    }
    home.display().to_string()
}

/// A program that says its name and version, and then does this.
pub fn pretender(folder: &Path, name: &str, version: &str, then: &str) {
    let path = folder.join(name);
    let script = format!("#!/bin/sh\ncase $1 in --version) echo '{version}' ;; *) {then} ;; esac\n");
    std::fs::write(&path, script).unwrap();
    std::process::Command::new("chmod").arg("+x").arg(&path).status().unwrap();
}

#[test]
fn a_cache_is_filled_and_used_and_one_that_is_not_running_is_no_arm() {
    let mut workspace = Workspace::fixture();
    let tools = tempfile::tempdir().unwrap();
    pretender(tools.path(), "kache", "kache 2.0.0", "echo 'no server today' >&2; exit 1");
    let path = format!("{}:{}", tools.path().display(), std::env::var("PATH").unwrap());
    workspace.set("PATH", path);
    workspace.set("XTASK_HOME", home_without(&["kache"], tools.path()));
    let run = bench(
        &workspace,
        &[
            "--profile",
            "dev",
            "--scenario",
            "cold,warm",
            "--axis",
            "cache",
            "--runs",
            "1",
            "--format",
            "json",
        ],
    );
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let record: Value = serde_json::from_str(&run.stdout).unwrap();
    let arm = |name: &str| {
        let arms = record["comparisons"][0]["arms"].as_array().unwrap();
        arms.iter().find(|arm| arm["name"] == name).unwrap().clone()
    };
    let reason = arm("kache")["unavailable"].as_str().unwrap().to_owned();
    assert!(reason.contains("no server today"), "{reason}");
    assert!(samples(&record, "warm/cache", "kache").is_empty());
    // Without a cache there is nothing warm, and one build is a sample of both.
    let none = |comparison: &str| samples(&record, comparison, "none")[0]["seconds"].clone();
    assert_eq!(none("cold/cache"), none("warm/cache"));
    if let Some(reason) = arm("sccache")["unavailable"].as_str() {
        skipped(reason);
        return;
    }
    let cache = |comparison: &str| samples(&record, comparison, "sccache")[0]["activity"]["cache"].clone();
    let (filled, used) = (cache("cold/cache"), cache("warm/cache"));
    // For debugging each half compiles its own build scripts and macros, and the second finds those of the first.
    let count = |which: &str| filled[which].as_u64().unwrap();
    assert!(count("hits") < count("misses") && count("misses") > 20, "{filled}");
    assert!(used["hits"].as_u64().unwrap() > 20 && used["misses"] == 0, "{used}");
    told_of_cache(&record, "sccache", ("cold/cache", "none"), ("warm/cache", "sccache"));
    // What the cache's server has compiled is the build's own.
    let figure = |arm: &str, name: &str| samples(&record, "cold/cache", arm)[0][name].as_f64().unwrap();
    let (all, server) = (figure("sccache", "cpu_seconds"), filled["server_cpu_seconds"].as_f64().unwrap());
    assert!(server > 1.0 && all > server * 0.9, "{all} of which {server}");
    let (with, without) = (figure("sccache", "peak_memory_bytes"), figure("none", "peak_memory_bytes"));
    assert!(with > without * 0.6, "{with} {without}");
    assert!(processes_with(&workspace.root().display().to_string()).is_empty());
}

/// Where the time of the first cold and of the first warm build went, and what is known against the cache.
pub fn told_of_cache(record: &Value, cache: &str, cold: (&str, &str), warm: (&str, &str)) {
    let timelines = record["timelines"].as_array().unwrap().iter();
    let of: Vec<_> =
        timelines.map(|one| (one["comparison"].as_str().unwrap(), one["arm"].as_str().unwrap())).collect();
    assert_eq!(of, [cold, warm]);
    let units = |index: usize| record["timelines"][index]["units"].as_array().unwrap().len();
    assert!(units(0) > 40 && units(1) > 20, "{} {}", units(0), units(1));
    assert!(record["timelines"][1]["seconds"].as_f64() < record["timelines"][0]["seconds"].as_f64());
    let notes = record["notes"].as_array().unwrap().iter().map(|note| note.as_str().unwrap());
    assert!(
        notes.filter(|note| note.starts_with(&format!("before {cache} is used: "))).count() >= 2,
        "{record}"
    );
}

#[test]
fn what_was_measured_before_ctrl_c_is_kept_and_gone_on_with() {
    let workspace = Workspace::fixture();
    let args = ["bench", "--profile", "dev", "--scenario", "link", "--axis", "linker", "--runs", "12"];
    let mut command = workspace.command(&args);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let child = command.spawn().unwrap();
    let runs = workspace.root().join("target/xtask/bench/runs");
    let taken = || {
        let text =
            std::fs::read_dir(&runs).ok()?.flatten().find_map(|entry| std::fs::read(entry.path()).ok())?;
        serde_json::from_slice::<Value>(&text).ok()?["samples"].as_array().map(Vec::len)
    };
    let began = std::time::Instant::now();
    while taken().unwrap_or(0) < 6 {
        assert!(began.elapsed().as_secs() < 300, "no sample came");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    signal(&child, "INT");
    let run = finish(child);
    assert_eq!(run.code, Some(130), "{}", run.stderr);
    assert!(
        run.stderr.contains("`cargo xtask bench --resume` with the same arguments goes on"),
        "{}",
        run.stderr
    );
    assert!(processes_with(&workspace.root().display().to_string()).is_empty());
    let interrupted = record(&workspace);
    assert_eq!(interrupted["result"], "interrupted");
    let kept = interrupted["samples"].as_array().unwrap().len();
    assert!(kept >= 6);
    assert!(
        !workspace.root().join("target/xtask/records/bench.jsonl").exists(),
        "only whole runs are history"
    );

    // Another plan is another run.
    let other = bench(&workspace, &["--profile", "dev", "--scenario", "hot", "--axis", "driver", "--resume"]);
    assert_eq!(other.code, Some(2), "{}", other.stderr);
    let again: Vec<&str> = args[1..].iter().copied().chain(["--resume", "--format", "json"]).collect();
    let run = bench(&workspace, &again);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let resumed: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(resumed["id"], interrupted["id"]);
    assert_eq!(resumed["result"], "ok");
    let first = |record: &Value| record["samples"][0]["seconds"].clone();
    assert_eq!(first(&resumed), first(&interrupted));
    // These links are the other half of a test that would have to measure them again.
    super::loaded::agrees_beside_spinners(&workspace, &resumed);
}

#[test]
fn a_dry_run_tells_the_plan_and_makes_nothing() {
    let workspace = Workspace::fixture();
    let run = bench(&workspace, &["--full", "--dry-run", "--format", "json"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stderr.contains("by estimate"), "{}", run.stderr);
    assert!(!workspace.root().join("target/xtask/bench").exists());
    // Whatever is installed, but for another compiler, which is compared where there is one.
    let comparisons: Value = serde_json::from_str(&run.stdout).unwrap();
    let names = |values: &Value| {
        let values = values.as_array().unwrap().iter().map(|arm| arm["name"].as_str().unwrap().to_owned());
        values.collect::<Vec<_>>().join(" ")
    };
    let comparisons = comparisons.as_array().unwrap().iter().filter(|one| one["axis"] != "compiler");
    let mut plan: Vec<String> = comparisons
        .map(|one| format!("{} x{}: {}\n", one["id"].as_str().unwrap(), one["runs"], names(&one["arms"])))
        .collect();
    plan.sort();
    expect![[r#"
        cold/cache x3: none sccache sccache-s3 kache
        cold/driver x3: native cargo-leptos
        cold/profile x3: production
        hot/driver x5: native cargo-leptos
        link/linker x9: default bfd lld mold wild
        patch-core/driver x5: native cargo-leptos
        patch-server/debug x5: profile none line-tables-only full
        patch-server/linker x5: default bfd lld mold wild
        warm-target/mtimes x3: checkout content
        warm/cache x3: none sccache sccache-s3 kache
        wasm-opt/wasm-opt x3: Oz O2 Os off
    "#]]
    .assert_eq(&plan.concat());
    let plan = bench(&workspace, &["--dry-run", "--format", "json"]);
    let plan: Value = serde_json::from_str(&plan.stdout).unwrap();
    assert_eq!(plan[0]["id"], "cold/cache");
}
