//! `bench compare` and `bench history` on records that are written here: which run is meant, what is slower, what is
//! refused, and files that are not whole.

use expect_test::expect;
use serde_json::{Value, json};

use crate::support::{Run, Workspace};

const LOCAL: &str = "target/xtask/records/bench.jsonl";
const HOST: &str = "linux-x86_64-2cpu-8gib";

/// A run with samples of the arms `none` and `kache` in one cold comparison.
pub fn record(id: &str, none: &[f64], kache: &[f64]) -> Value {
    let samples = [("none", none), ("kache", kache)].into_iter().flat_map(|(arm, all)| {
        all.iter().enumerate().map(move |(index, seconds)| {
            json!({
                "comparison": "cold/cache", "arm": arm, "round": index + 1, "seconds": seconds,
                "cpu_seconds": seconds * 1.8, "peak_memory_bytes": null, "foreign_cores": 0.01,
                "activity": {"compiled": 600, "fresh": 0, "links": {}, "linked_by": null, "cache": null},
                "steps": [], "sizes": [], "invalid": null,
            })
        })
    });
    let arm = |name: &str| json!({"name": name, "version": null, "variant": format!("cache={name}"), "unavailable": null});
    let started = format!("{}-{}-{}T{}:00:00Z", &id[..4], &id[4..6], &id[6..8], &id[9..11]);
    json!({
        "schema": "xtask.bench/1", "id": id, "result": "ok", "started": started, "updated": started, "seconds": 900.0,
        "project": "fixture",
        "host": {
            "os": "linux", "arch": "x86_64", "cpu": "Some CPU", "cores": 2, "memory_bytes": 8_346_865_664_u64,
            "class": HOST,
        },
        "tools": [{"name": "rustc", "version": "1.95.0"}],
        "revision": {"commit": format!("c0ffee{}", &id[6..8]), "commit_time": null, "dirty": false},
        "plan_digest": "d", "noise": {"samples": [1.0, 1.0, 1.0], "floor": 0.02, "foreign_cores": 0.01},
        "definitions": [],
        "comparisons": [{
            "id": "cold/cache", "scenario": "cold", "axis": "cache", "arms": [arm("none"), arm("kache")], "runs": 5,
            "estimated_seconds": null,
        }],
        "samples": samples.collect::<Vec<_>>(), "verdicts": [], "budgets": [], "timeline": null, "notes": [],
    })
}

fn before() -> Value {
    record("20261120-100000", &[100.0, 101.0, 99.0, 100.5, 99.5], &[90.0, 90.5, 89.5, 90.0, 90.0])
}

/// A tenth slower without a cache.
fn slower() -> Value {
    record("20261121-100000", &[110.0, 111.0, 109.0, 110.5, 109.5], &[90.0, 90.0, 89.0, 91.0, 90.0])
}

pub fn lines(records: &[Value]) -> String {
    records.iter().map(|record| format!("{record}\n")).collect()
}

fn workspace(records: &[Value]) -> Workspace {
    let workspace = Workspace::fixture();
    workspace.write(LOCAL, &lines(records));
    workspace
}

fn bench(workspace: &Workspace, args: &[&str]) -> Run {
    let mut all = vec!["bench"];
    all.extend_from_slice(args);
    all.extend_from_slice(&["--host", HOST]);
    workspace.xtask(&all)
}

/// The message of a run that must be refused as wrong usage.
fn refused(workspace: &Workspace, args: &[&str]) -> String {
    let run = bench(workspace, args);
    assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{}", run.stderr);
    run.messages(workspace)
}

#[test]
fn what_became_slower_fails() {
    let workspace = workspace(&[before(), slower()]);
    let run = bench(&workspace, &["compare", "latest~1"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    expect![[r#"
                run              at                commit    host
        before  20261120-100000  2026-11-20 10:00  c0ffee20  linux-x86_64-2cpu-8gib
        after   20261121-100000  2026-11-21 10:00  c0ffee21  linux-x86_64-2cpu-8gib

        comparison  arm    before  after   change  interval           noise  verdict
        cold/cache  none      100    110  +10.0 %  +8.9 % to +11.1 %  2.0 %  SLOWER by more than 5 %
        cold/cache  kache    90.0   90.0   +0.0 %  -1.1 % to +1.1 %   2.0 %  no measurable change
    "#]]
    .assert_eq(&run.stdout);
    expect![[r#"
        error: slower than before by more than 5 % and the noise: cold/cache none by 10.0 %
         hint: `--threshold PERCENT` allows more; a budget in the workspace's metadata limits seconds"#]]
    .assert_eq(&run.messages(&workspace));
    // By less than the threshold, and the other way round.
    assert_eq!(bench(&workspace, &["compare", "latest~1", "latest", "--threshold", "15"]).code, Some(0));
    assert_eq!(bench(&workspace, &["compare", "latest", "latest~1"]).code, Some(0));
    let run = bench(&workspace, &["compare", "20261120", "c0ffee21", "--format", "json"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    let json: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((&json["schema"], &json["ok"]), (&json!("xtask.bench-compare/1"), &json!(false)));
    assert_eq!(
        (&json["arms"][0]["is_too_slow"], &json["arms"][1]["is_too_slow"]),
        (&json!(true), &json!(false))
    );
}

#[test]
fn what_cannot_be_told_does_not_fail() {
    let wide = record("20261121-100000", &[99.0, 100.0, 120.0, 150.0, 160.0], &[200.0]);
    let workspace = workspace(&[before(), wide]);
    let run = bench(&workspace, &["compare", "latest~1"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stdout.contains("1 of 2 arms cannot be told"), "{}", run.stdout);
    assert!(run.stdout.contains("1 of 2 arms have a single sample"), "{}", run.stdout);
}

#[test]
fn other_classes_projects_and_schemas_are_refused() {
    let mut elsewhere = slower();
    elsewhere["host"]["class"] = json!("github-linux-x86_64-4cpu-16gib");
    let mut other = record("20261122-100000", &[1.0], &[]);
    other["project"] = json!("shop");
    let workspace = workspace(&[before(), elsewhere, other]);
    expect![[r#"
        error: 20261120-100000 was measured on linux-x86_64-2cpu-8gib, 20261121-100000 on github-linux-x86_64-4cpu-16gib: times are compared within one class of host only
         hint: `cargo xtask bench history --host any` lists the runs of each class"#]].assert_eq(&refused(&workspace, &["compare", "20261120", "20261121"]));
    expect!["error: 20261120-100000 was measured for the project fixture, 20261122-100000 for the project shop: these are different things"].assert_eq(&refused(&workspace, &["compare", "20261120", "20261122"]));
    // A file of another version of this program.
    workspace.write("old.json", "{\"schema\": \"xtask.bench/0\", \"samples\": []}");
    expect![[r#"
        error: ./old.json is of schema xtask.bench/0; this xtask reads xtask.bench/1
         hint: measure again with this one, or use the xtask that wrote it"#]]
    .assert_eq(&refused(&workspace, &["compare", "./old.json", "latest"]));
    expect![[r#"
        error: there is no `latest~7`: there are 2 runs on linux-x86_64-2cpu-8gib
         hint: `cargo xtask bench` makes one; `cargo xtask bench history --host any` lists the runs"#]]
    .assert_eq(&refused(&workspace, &["compare", "latest~7", "latest"]));
    expect![[r#"
        error: both are the run 20261122-100000: compared with itself, nothing is ever slower
         hint: `latest~1` is the run before the latest"#]]
    .assert_eq(&refused(&workspace, &["compare", "latest", "latest"]));
}

#[test]
fn files_that_are_not_whole() {
    let cut = slower().to_string();
    let workspace = workspace(&[json!({"schema": "xtask.bench/0", "cold": 1}), before()]);
    let text = workspace.read(LOCAL) + &cut[..cut.len() / 2];
    workspace.write(LOCAL, &text);
    workspace.edit(
        "Cargo.toml",
        "[[workspace.metadata.leptos]]",
        "[workspace.metadata.xtask.bench]\nhistory = \"docs/bench.jsonl\"\n\n[[workspace.metadata.leptos]]",
    );
    // The committed history is not there yet.
    let run = bench(&workspace, &["history"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    expect![[r#"
        note: target/xtask/records/bench.jsonl: the last line is cut off, as by a run that was killed, and is left out
        note: target/xtask/records/bench.jsonl: left out 1 record of another schema than xtask.bench/1: 1 of xtask.bench/0
    "#]].assert_eq(&run.stderr);
    // The run that was cut off here is whole there, and the older one is in both.
    workspace.write("docs/bench.jsonl", &lines(&[slower(), before()]));
    let run = bench(&workspace, &["history"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    expect![[r#"
        run              at                commit    host                             cold
        20261120-100000  2026-11-20 10:00  c0ffee20  linux-x86_64-2cpu-8gib            100
        20261121-100000  2026-11-21 10:00  c0ffee21  linux-x86_64-2cpu-8gib  110 (+10.0 %)
    "#]]
    .assert_eq(&run.stdout);
    assert_eq!(bench(&workspace, &["compare", "latest~1"]).code, Some(1));
}

#[test]
fn a_run_worth_keeping_is_kept_once() {
    let workspace = workspace(&[before(), slower()]);
    expect![[r#"
        error: the workspace names no file for runs worth keeping
         hint: add `history = "docs/measurements/bench.jsonl"` to [workspace.metadata.xtask.bench] in Cargo.toml"#]]
    .assert_eq(&refused(&workspace, &["history", "--keep", "latest"]));
    let table = "[[workspace.metadata.leptos]]";
    let history = "[workspace.metadata.xtask.bench]\nhistory = \"docs/bench.jsonl\"\n\n";
    workspace.edit("Cargo.toml", table, &format!("{history}{table}"));
    for _ in 0..2 {
        let run = bench(&workspace, &["history", "--keep", "20261120"]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(0), ""), "{}", run.stderr);
    }
    assert_eq!(bench(&workspace, &["history", "--keep", "20261121"]).code, Some(0));
    let kept = workspace.read("docs/bench.jsonl");
    let ids = kept.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].clone());
    assert_eq!(ids.collect::<Vec<_>>(), ["20261120-100000", "20261121-100000"]);
}

#[test]
fn the_history_of_this_machine_is_the_default() {
    let workspace = workspace(&[before()]);
    let run = workspace.xtask(&["bench", "history", "--format", "json"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let json: Value = serde_json::from_str(&run.stdout).unwrap();
    let class = json["class"].as_str().unwrap();
    assert_eq!(json["runs"].as_array().unwrap().len(), usize::from(class == HOST));
    let run = workspace.xtask(&["bench", "history", "--host", "any", "--format", "json"]);
    let json: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((&json["class"], &json["runs"][0]["id"]), (&Value::Null, &json!("20261120-100000")));
    let run = workspace.xtask(&["bench", "history", "--host", "none-like-this"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "no runs on none-like-this\n"));
}

#[test]
fn budgets_are_read_strictly() {
    let workspace = workspace(&[]);
    workspace.edit(
        "Cargo.toml",
        "[[workspace.metadata.leptos]]",
        "[workspace.metadata.xtask.bench]\nbudgets = { cold = { minutes = 12 } }\n\n[[workspace.metadata.leptos]]",
    );
    expect![[r#"
        error: unknown key `minutes` in `[workspace.metadata.xtask.bench.budgets.cold]` in Cargo.toml
         hint: known keys: arm, percent, ratio, seconds"#]]
    .assert_eq(&refused(&workspace, &["history"]));
}
