//! The page of a run in a real browser, on a desktop and on a telephone, light and dark: nothing is outside of it, all
//! is drawn, and the browser has nothing to complain of.

use std::path::Path;

use serde_json::{Value, json};

use super::compare::{lines, record};
use crate::browser::Browser;
use crate::running::repository;
use crate::support::Workspace;

/// What looks at a page; it gives `problems`, and what there is.
const LOOK: &str = include_str!("page.js");

/// A desktop's and a telephone's, in pixels.
const WIDTHS: [u32; 2] = [1280, 400];

/// Longer than any name that is usual, and with no place to break a line.
const LONG: &str = "production-with-debug-information-and-more";

fn sample(comparison: &str, arm: &str, round: usize, seconds: f64) -> Value {
    let cache = json!({
        "cache": arm, "requests": 615, "hits": 470, "misses": 9, "not_cacheable":
            {"crate-type": 86, "multiple input files": 31, "missing input": 12, "-": 5, "unknown source language": 2},
        "write_errors": 0, "read_errors": 0, "size_bytes": 412_000_000, "size_bytes_max": 10_737_418_240_u64,
        "server_cpu_seconds": 41.5,
    });
    json!({
        "comparison": comparison, "arm": arm, "round": round, "seconds": seconds, "cpu_seconds": seconds * 1.8,
        "peak_memory_bytes": 1_369_247_744, "foreign_cores": 0.02,
        "activity": {
            "compiled": 479, "fresh": 102, "links": {"default": 81}, "linked_by": "lld",
            "cache": if ["sccache", "kache"].contains(&arm) { cache } else { Value::Null },
        },
        "steps": [{
            "name": "compile front", "state": "ran", "seconds": seconds * 0.4, "cpu_seconds": null, "units": null,
            "detail": "",
        }],
        "sizes": [], "invalid": null,
    })
}

/// A build of as many units as a real one has, of which the last one of a half takes long.
fn timeline(comparison: &str, arm: &str, count: usize) -> Value {
    let kinds = ["build-script", "run-build-script", "proc-macro", "lib", "lib", "lib", "lib"];
    let mut start = 0.0;
    let units: Vec<Value> = (0..count)
        .map(|index| {
            let is_last = index + 1 == count || index == count / 3;
            let seconds = if is_last { 60.0 } else { 0.1 + (index % 37) as f64 * (index % 5) as f64 * 0.02 };
            let kind = if is_last { "bin" } else { kinds[index % kinds.len()] };
            let began = start;
            start += if is_last { seconds } else { seconds / 2.0 };
            json!({
                "half": if index <= count / 3 { "front" } else { "server" },
                "package": format!("a-package-with-a-long-name-{index:03}"), "version": "1.10.0-rc.1", "kind": kind,
                "target": null, "features": ["default", "std"], "start": began, "seconds": seconds,
                "frontend_seconds": seconds * 0.4, "codegen_seconds": seconds * 0.6,
                "link_seconds": if is_last { json!(seconds * 0.2) } else { Value::Null },
            })
        })
        .collect();
    let what = |unit: &Value| {
        format!("{} ({}, {})", words(unit, "package"), words(unit, "kind"), words(unit, "half"))
    };
    let path: Vec<Value> = units
        .iter()
        .step_by(20)
        .map(|unit| json!({"what": what(unit), "start": unit["start"], "seconds": unit["seconds"]}))
        .collect();
    let end = start + 3.0;
    json!({
        "comparison": comparison, "arm": arm, "seconds": end, "jobs": 2, "units": units,
        "steps": [
            {"name": "wasm-opt", "start": end / 3.0, "seconds": 2.1},
            {"name": "site", "start": end - 3.0, "seconds": 3.0},
        ],
        "kinds": [{
            "kind": "lib", "units": count, "seconds": end, "frontend_seconds": 9.0, "codegen_seconds": 9.0,
            "link_seconds": 0.0,
        }],
        "serial": [{"start": end / 2.0, "seconds": 9.0, "what": format!("{}, then 7 more", what(&units[0]).repeat(3))}],
        "critical_path": path,
        "duplicates": [{
            "package": "syn", "versions": ["1.0.109", "2.0.90"], "times": 3, "extra_seconds": 7.25,
            "reason": "other versions",
        }],
    })
}

fn words<'a>(unit: &'a Value, key: &str) -> &'a str {
    unit[key].as_str().unwrap()
}

/// A run with all that a page shows: arms that differ by much and by little, one with a long name, one that is not
/// there, many samples, some of them invalid, and two timelines.
fn full(id: &str) -> Value {
    let mut run = record(id, &[], &[]);
    run.as_object_mut().unwrap().remove("timeline");
    let arms: [(&str, f64, f64); 4] =
        [("none", 300.0, 1.0), ("sccache", 117.0, 0.39), ("kache", 4.8, 0.016), (LONG, 301.0, 1.003)];
    let (mut comparisons, mut samples, mut verdicts) = (Vec::new(), Vec::new(), Vec::new());
    for scenario in ["cold", "warm"] {
        let comparison = format!("{scenario}/cache");
        let mut of_comparison: Vec<Value> = Vec::new();
        for (name, seconds, ratio) in arms {
            let variant = format!(
                "driver=native profile=production linker=default cache={name} debug=line-tables-only"
            );
            of_comparison.push(
                json!({"name": name, "version": "2.40.4-nightly", "variant": variant, "unavailable": null}),
            );
            for round in 1..=20 {
                let seconds = seconds * (1.0 + (round * 7 % 11) as f64 * 0.004);
                samples.push(sample(&comparison, name, round, seconds));
            }
            if name != "none" {
                verdicts.push(json!({
                    "comparison": comparison, "arm": name, "baseline": "none",
                    "verdict": if ratio < 0.9 { "faster" } else { "no-measurable-gain" },
                    "ratio": ratio, "low": ratio * 0.97, "high": ratio * 1.04, "coverage": 0.9586, "pairs": 20,
                    "floor": 0.035,
                }));
            }
        }
        let mut failed = sample(&comparison, LONG, 21, 480.0);
        let place = "/a/folder/with/a/long/name/".repeat(8);
        failed["invalid"] =
            json!(format!("the build failed: error: could not compile `app`\n  --> {place}src/lib.rs:3:1"));
        samples.push(failed);
        let reason =
            "the environment configures no bucket (SCCACHE_BUCKET), and this reason is longer than a line";
        of_comparison.push(json!({
            "name": "sccache-s3", "version": null, "variant": "cache=sccache-s3", "unavailable": reason,
        }));
        comparisons.push(json!({
            "id": comparison, "scenario": scenario, "axis": "cache", "arms": of_comparison, "runs": 20,
            "estimated_seconds": 3600.0,
        }));
    }
    run["comparisons"] = json!(comparisons);
    run["samples"] = json!(samples);
    run["verdicts"] = json!(verdicts);
    run["timelines"] = json!([timeline("cold/cache", "none", 600), timeline("warm/cache", "sccache", 600)]);
    run["notes"] =
        json!(["before sccache is used: ".to_owned() + &"it gives back what it had for a macro. ".repeat(9)]);
    run["budgets"] = json!([{
        "scenario": "warm", "arm": "sccache", "unit": "ratio", "limit": 0.35, "measured": 0.39, "kept": false,
    }]);
    run
}

/// Writes the page of the latest of these runs.
fn draw(workspace: &Workspace, runs: &str) -> String {
    workspace.write("target/xtask/records/bench.jsonl", runs);
    let run = workspace.xtask(&["bench", "report", "--host", "any", "--html", "page.html"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    workspace.read("page.html")
}

/// Looks at a page in every window and in both schemes; `expected` says how many samples and timelines it has.
fn look(browser: &Browser, file: &Path, name: &str, expected: &Value) {
    for width in WIDTHS {
        for scheme in ["light", "dark"] {
            browser.look(width, scheme);
            browser.open(file);
            browser.take_picture(&format!("{name}-{width}-{scheme}"));
            let seen = browser.evaluate(LOOK);
            let place = format!("{name}, {width} pixels, {scheme}");
            assert_eq!(seen["problems"], json!([]), "{place}");
            for key in ["valid", "invalid", "timelines"] {
                assert_eq!(seen[key], expected[key], "{place}: {key}");
            }
            assert!(seen["plots"].as_u64() > Some(1), "{place}: {seen}");
            let paper = seen["paper"].as_f64().unwrap();
            assert!(if scheme == "dark" { paper < 0.05 } else { paper > 0.9 }, "{place}: {seen}");
            // Of text of this size, by WCAG 2, level AA.
            assert!(seen["contrast"].as_f64().unwrap() >= 4.5, "{place}: {seen}");
            assert_eq!(browser.complaints(), [""; 0], "{place}");
        }
    }
}

/// How many samples and timelines a record has.
fn counted(record: &Value) -> Value {
    let samples = record["samples"].as_array().unwrap();
    let valid = samples.iter().filter(|sample| sample["invalid"].is_null()).count();
    let timelines = record["timelines"].as_array().map_or(0, Vec::len);
    json!({"valid": valid, "invalid": samples.len() - valid, "timelines": timelines})
}

#[test]
fn a_page_is_whole_on_a_desktop_and_on_a_telephone_light_and_dark() {
    let Some(browser) = Browser::start() else { return };
    let workspace = Workspace::fixture();
    let runs: Vec<Value> = (15..=21).map(|day| full(&format!("202611{day}-100000"))).collect();
    let page = draw(&workspace, &lines(&runs));
    look(&browser, &workspace.root().join("page.html"), "bench", &counted(&runs[0]));

    // What is wrong is found: a line that cannot be broken, a point beside its plot, something from elsewhere.
    let line = format!(
        "<main><p style=\"white-space: nowrap\">{}</p><img src=\"missing.png\">",
        "word ".repeat(400)
    );
    let broken = page.replacen("<main>", &line, 1);
    // A mark is a drawing of one pixel that reaches beyond itself.
    let mark = broken.find(" width=\"1\" height=\"1\"").unwrap();
    let (before, rest) = broken.split_at(mark);
    let (before, place) = before.rsplit_once("<svg x=\"").unwrap();
    let down = place.split_once('"').unwrap().1;
    workspace.write("broken.html", &format!("{before}<svg x=\"130%\"{down}{rest}"));
    browser.look(1280, "light");
    browser.open(&workspace.root().join("broken.html"));
    let problems = browser.evaluate(LOOK)["problems"].to_string();
    for found in ["the page is ", "text \\\"word word ", ": a dot goes from "] {
        assert!(problems.contains(found), "{found:?} is not in {problems}");
    }
    assert!(!browser.complaints().is_empty());
    browser.end();
}

/// In this repository: the same of the runs that are committed.
#[test]
fn the_page_of_a_committed_run_is_whole() {
    let records = repository().join("docs/measurements/bench.jsonl");
    let Ok(committed) = std::fs::read_to_string(records) else { return };
    let Some(browser) = Browser::start() else { return };
    let workspace = Workspace::fixture();
    for (number, run) in committed.lines().enumerate() {
        draw(&workspace, &format!("{run}\n"));
        let record: Value = serde_json::from_str(run).unwrap();
        look(
            &browser,
            &workspace.root().join("page.html"),
            &format!("run-{}", number + 1),
            &counted(&record),
        );
    }
    browser.end();
}
