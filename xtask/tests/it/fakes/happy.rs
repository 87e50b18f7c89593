//! A build in which every tool does its work: which calls there are, in which order, and what comes of them.

use std::collections::BTreeSet;

use expect_test::expect;
use serde_json::Value;

use super::Fakes;

/// The log's line for a planned step's command.
fn line(step: &Value) -> Option<(String, String)> {
    let action = &step["action"];
    let command = match &action["run"] {
        Value::Null => &action["operation"]["command"],
        run => run,
    };
    let program = command["program"].as_str()?.rsplit('/').next()?.to_owned();
    let args: Vec<&str> = command["args"].as_array()?.iter().filter_map(Value::as_str).collect();
    Some((step["stage"].as_str()?.to_owned(), format!("{program} {}", args.join(" "))))
}

#[test]
fn the_calls_are_those_of_the_plan_in_its_order() {
    let fakes = Fakes::new();
    let dry = fakes.run(&["build", "--dry-run", "--format", "json"]);
    assert_eq!((dry.code, dry.stderr.as_str()), (Some(0), ""));
    let plan: Value = serde_json::from_str(&dry.stdout).unwrap();
    let names: Vec<&str> =
        plan["steps"].as_array().unwrap().iter().filter_map(|s| s["name"].as_str()).collect();
    assert_eq!(names, ["compile front", "wasm-bindgen", "wasm-opt", "site", "compile server"]);
    let planned: Vec<(String, String)> = plan["steps"].as_array().unwrap().iter().filter_map(line).collect();
    // Cargo and rustc are asked at the same time.
    let sorted = |calls: &[String]| calls.iter().cloned().collect::<BTreeSet<_>>();
    let looked = fakes.calls();
    expect![[r#"
        cargo metadata --no-deps --format-version 1
        rustc --print sysroot
        rustc -vV
        wasm-bindgen --version
        wasm-opt --version"#]]
    .assert_eq(&sorted(&looked).into_iter().collect::<Vec<_>>().join("\n"));

    let run = fakes.run(&["build", "--format", "json"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let calls = fakes.calls();
    // Looks, then the commands of the plan, then the revision for the record.
    assert_eq!(sorted(&calls[..looked.len()]), sorted(&looked));
    let (commands, last) = calls[looked.len()..].split_at(planned.len());
    assert_eq!(last, ["git status --porcelain", "git log -1 --format=%H %cI"]);
    // The site is made while the server compiles, so the order of those two stages is free.
    let of = |stages: &[&str]| -> Vec<String> {
        let of_stage = planned.iter().filter(|(stage, _)| stages.contains(&stage.as_str()));
        of_stage.map(|(_, line)| line.clone()).collect()
    };
    let without = |stage: &str| -> Vec<String> {
        commands.iter().filter(|line| !of(&[stage]).contains(line)).cloned().collect()
    };
    assert_eq!(without("server"), of(&["front", "site"]));
    assert_eq!(without("site"), of(&["front", "server"]));
}

#[test]
fn the_report_is_the_record_and_the_site_is_whole() {
    let fakes = Fakes::new();
    let run = fakes.run(&["build", "--format", "json"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(fakes.records(), std::slice::from_ref(&report));
    let mut shown: Vec<String> =
        ["schema", "result", "project", "profile", "rustc", "revision", "host_units_twice"]
            .map(|key| format!("{key}: {}", report[key]))
            .to_vec();
    let mut steps: Vec<String> = report["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| format!("{} {} {} {}", step["name"], step["state"], step["units"], step["detail"]))
        .collect();
    steps.sort();
    shown.extend(steps);
    let sizes = report["sizes"].as_array().unwrap().iter();
    shown.extend(sizes.map(|size| format!("{} {}", size["file"], size["raw"])));
    expect![[r#"
        schema: "xtask.build/1"
        result: "ok"
        project: "app"
        profile: "production"
        rustc: "1.95.0"
        revision: {"commit":"0123abcd","commit_time":"2026-01-02T03:04:05+00:00","dirty":false}
        host_units_twice: []
        "compile front" "ran" {"compiled":1,"compiled_packages":["front"],"fresh":0} ""
        "compile server" "ran" {"compiled":1,"compiled_packages":["server"],"fresh":0} ""
        "site" "ran" null "4 written, 0 unchanged, 0 removed"
        "wasm-bindgen" "ran" null ""
        "wasm-opt" "ran" null ""
        "pkg/app.2l05qD_PCowLrPvYzsO8mw.js" 9
        "pkg/app.5gGDo6Aa8iGbT6zw4tG1vA.css" 19
        "pkg/app.b_wqw0NEbsb-HdY6sOxEzQ.wasm" 14
        "app-server" 11"#]]
    .assert_eq(&shown.join("\n"));
    let results = fakes.results();
    let names: Vec<&str> = results.keys().map(String::as_str).collect();
    expect![[r#"
        [root]/target/site/pkg/app.2l05qD_PCowLrPvYzsO8mw.js
        [root]/target/site/pkg/app.5gGDo6Aa8iGbT6zw4tG1vA.css
        [root]/target/site/pkg/app.b_wqw0NEbsb-HdY6sOxEzQ.wasm
        [root]/target/site/robots.txt
        [root]/target/xtask/receipts/app/production.json
        [root]/target/xtask/receipts/app/production.untouched.json
        [root]/target/xtask/site/app/production/bindings.made.json
        [root]/target/xtask/site/app/production/bindings/app.js
        [root]/target/xtask/site/app/production/bindings/app_bg.wasm
        [root]/target/xtask/site/app/production/optimised.made.json
        [root]/target/xtask/site/app/production/optimised/app_bg.wasm
        [root]/target/xtask/site/app/site.made.json"#]]
    .assert_eq(&fakes.plain(&names.join("\n")));
}

#[test]
fn a_second_build_only_asks_cargo() {
    let fakes = Fakes::new();
    assert_eq!(fakes.run(&["build"]).code, Some(0));
    let before = fakes.results();
    fakes.calls();
    let run = fakes.run(&["build"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let calls = fakes.calls();
    assert!(!calls.iter().any(|call| call.contains("--out-dir") || call.contains(" -o ")), "{calls:#?}");
    assert_eq!(
        calls
            .iter()
            .filter(|call| call.starts_with("cargo build") || call.starts_with("cargo rustc"))
            .count(),
        2
    );
    assert_eq!(fakes.results().keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>());
}

#[test]
fn a_workspace_with_sass_compiles_its_style() {
    let fakes = Fakes::new();
    fakes.use_sass();
    let run = fakes.run(&["build"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let css: Vec<String> =
        fakes.results().into_iter().filter(|(name, _)| name.ends_with(".css")).map(|f| f.1).collect();
    assert_eq!(css, ["body{}", "body{}"]);
}

#[test]
fn the_record_does_without_a_revision_where_git_does_not_answer() {
    for lines in
        ["err fatal: not a git repository\nexit 128", "noise\nexit 1", "kill", "sleep 600", "missing"]
    {
        let mut fakes = Fakes::new();
        fakes.workspace.set("XTASK_TIMEOUT", "2");
        match lines {
            "missing" => fakes.remove("git"),
            lines => fakes.when("git", "status", lines),
        }
        let run = fakes.run(&["build", "--format", "json"]);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        let report: Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(report["revision"]["commit"], Value::Null, "{lines}");
    }
}

#[test]
fn the_servers_own_cargo_command_may_have_arguments() {
    let fakes = Fakes::new();
    fakes.use_keys(&serde_json::json!({"bin-cargo-command": "cargo --config 'a = 1'", "js-minify": false}));
    assert_eq!(fakes.run(&["build"]).code, Some(0));
    let calls = fakes.calls();
    let of = |word: &str| calls.iter().find(|call| call.contains(word)).unwrap().clone();
    assert!(of(" --bin ").starts_with("cargo --config a = 1 build --package app-server "), "{calls:#?}");
    assert!(of(" --lib ").starts_with("cargo rustc --package app-front "), "{calls:#?}");
}
