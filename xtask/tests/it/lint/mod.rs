//! `docker lint`: a good repository, and for each rule variants of it that break exactly that rule.

mod cases_image;
mod cases_recipe;
mod cases_settings;
mod cases_workflow;
mod docs;
mod repositories;
mod seen;

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::support::{Run, Workspace, copy_folder};

/// A file and what is changed in it: the text that is replaced, and the one that comes instead. Nothing to replace: added
/// at the end; `*`: the whole file.
pub type Edit = (&'static str, &'static str, &'static str);
/// A rule, and what breaks it.
pub type Case = (&'static str, &'static [Edit]);

const DOCKERFILE: &str = "Dockerfile";
const WORKFLOW: &str = ".github/workflows/image.yml";
const RAILWAY: &str = "railway.toml";
const MANIFEST: &str = "Cargo.toml";

/// The repository that breaks no rule.
fn good() -> Workspace {
    let workspace = Workspace::empty();
    copy_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lint/good"), workspace.root());
    workspace
}

fn change(workspace: &Workspace, edits: &[Edit]) {
    for (file, from, to) in edits {
        match *from {
            "*" => workspace.write(file, to),
            "" if workspace.root().join(file).exists() => {
                workspace.write(file, &(workspace.read(file) + to));
            }
            "" => workspace.write(file, to),
            from => workspace.edit(file, from, to),
        }
    }
}

/// The report on a folder. The exit code has to be that of the worst finding.
fn report(workspace: &Workspace, args: &[&str]) -> Value {
    let run = lint(workspace, args);
    let report: Value =
        serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{}\n{}", run.stdout, run.stderr));
    assert_eq!(report["schema"], "xtask.lint/1");
    let findings = report["findings"].as_array().unwrap();
    let is_bad = findings.iter().any(|finding| finding["severity"] == "error");
    assert_eq!((run.code, &report["ok"]), (Some(i32::from(is_bad)), &Value::from(!is_bad)), "{}", run.stderr);
    for finding in findings {
        for key in ["rule", "file", "severity", "found", "reason", "fix"] {
            assert!(finding[key].as_str().is_some_and(|text| !text.is_empty()), "no {key} in {finding:#}");
        }
        let text = workspace.read(finding["file"].as_str().unwrap());
        let line = finding["line"].as_u64().unwrap() as usize;
        assert!((1..=text.lines().count().max(1)).contains(&line), "{finding:#}");
    }
    report
}

fn lint(workspace: &Workspace, args: &[&str]) -> Run {
    workspace.xtask(&[&["docker", "lint", "--format", "json"], args].concat())
}

fn rules(report: &Value) -> BTreeSet<String> {
    let findings = report["findings"].as_array().unwrap().iter();
    findings.map(|finding| finding["rule"].as_str().unwrap().to_owned()).collect()
}

fn cases() -> impl Iterator<Item = &'static Case> {
    [cases_recipe::CASES, cases_image::CASES, cases_settings::CASES, cases_workflow::CASES]
        .into_iter()
        .flatten()
}

/// The names in the program's own table.
fn table() -> BTreeSet<String> {
    let run = Workspace::empty().xtask(&["docker", "lint", "--rules", "--format", "json"]);
    let listed: Value = serde_json::from_str(&run.stdout).unwrap();
    let rules = listed["rules"].as_array().unwrap();
    let names: BTreeSet<String> =
        rules.iter().map(|rule| rule["rule"].as_str().unwrap().to_owned()).collect();
    assert_eq!(names.len(), rules.len(), "a name stands twice in the table");
    names
}

#[test]
fn the_good_repository_breaks_no_rule() {
    let report = report(&good(), &["."]);
    assert_eq!(report["findings"], serde_json::json!([]), "{report:#}");
    let files = report["files"].as_array().unwrap();
    for name in [DOCKERFILE, WORKFLOW, RAILWAY, MANIFEST, ".cargo/config.toml", ".dockerignore"] {
        assert!(files.iter().any(|file| file == name), "{name} was not looked at");
    }
}

#[test]
fn each_variant_breaks_its_rule_and_no_other() {
    let mut wrong = Vec::new();
    for (rule, edits) in cases() {
        let workspace = good();
        change(&workspace, edits);
        let report = report(&workspace, &["."]);
        if rules(&report) != BTreeSet::from([(*rule).to_owned()]) {
            let findings = report["findings"].as_array().unwrap();
            let shown: Vec<String> = findings
                .iter()
                .map(|it| format!("  {} {}:{} {}", it["rule"], it["file"], it["line"], it["found"]))
                .collect();
            wrong.push(format!("{rule}: {edits:?}\n{}", shown.join("\n")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_has_a_variant_and_every_variant_a_rule() {
    let tested: BTreeSet<String> = cases().map(|(rule, _)| (*rule).to_owned()).collect();
    assert_eq!(tested, table());
    // What the sources call a rule is in the table.
    let mut named = BTreeSet::new();
    let mut pending = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lint")];
    while let Some(folder) = pending.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                pending.push(path);
                continue;
            }
            let text = std::fs::read_to_string(path).unwrap();
            let rules = text.split(": Rule = Rule {").skip(1);
            named
                .extend(rules.map(|rule| {
                    rule.split("name: \"").nth(1).unwrap().split('"').next().unwrap().to_owned()
                }));
        }
    }
    assert_eq!(named, table());
}

#[test]
fn comments_silence_a_rule_where_they_stand() {
    let workspace = good();
    change(
        &workspace,
        &[
            (
                DOCKERFILE,
                "ENV LEPTOS_OUTPUT_NAME=site \\\n",
                "# Known.\n# xtask-lint: ignore=bakes-port\nENV LEPTOS_OUTPUT_NAME=site \\\n",
            ),
            (DOCKERFILE, "LEPTOS_ENV=PROD", "LEPTOS_ENV=PROD \\\n    PORT=3000"),
            (WORKFLOW, "timeout-minutes: 15", "environment: x"),
            (WORKFLOW, "  deploy:\n", "  deploy: # xtask-lint: ignore=job-without-timeout\n"),
            (RAILWAY, "drainingSeconds = 15", "drainingSeconds = 0 # xtask-lint: ignore=railway-no-draining"),
        ],
    );
    let report = report(&workspace, &["."]);
    assert_eq!(report["findings"], serde_json::json!([]), "{report:#}");
}

#[test]
fn warnings_fail_where_that_is_asked_for() {
    let workspace = good();
    change(&workspace, &[(WORKFLOW, ",mode=max", "")]);
    assert_eq!(lint(&workspace, &["."]).code, Some(0));
    let run = lint(&workspace, &[".", "--deny-warnings"]);
    assert_eq!(run.code, Some(1));
    assert_eq!(run.stderr.lines().last(), Some("error: 1 finding to mend"));
}
