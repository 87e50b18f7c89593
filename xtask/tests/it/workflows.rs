//! Checks on the workflows of the workspace: they only call `cargo xtask`, and nothing in them can change under us.
//!
//! Each check has a sample that must fail. A workspace without workflows says that it skips them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use yaml_rust2::{Yaml, YamlLoader};

use crate::running::repository;
use crate::support::{Workspace, skipped};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../.github/workflows")
}

/// The workflows by file name.
fn workflows() -> Vec<(String, String)> {
    let entries = fs::read_dir(folder()).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_yaml = |path: &PathBuf| path.extension().is_some_and(|end| end == "yml" || end == "yaml");
    let named = |path: PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, fs::read_to_string(path).unwrap())
    };
    entries.filter(is_yaml).map(named).collect()
}

/// What a line begins with: the program takes the shell's place, so that a cancellation reaches it.
const CALL: &str = "exec cargo xtask ";

/// Whether a line is one call of a command that exists, with flags that it knows.
fn is_call(line: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || " -_,./=".contains(c);
    let Some(words) = line.strip_prefix(CALL).filter(|words| words.chars().all(is_plain)) else {
        return false;
    };
    let words: Vec<&str> = words.split(' ').collect();
    let is_step = words[0] != "ci" || words.get(1).is_some_and(|step| !step.starts_with('-'));
    let asks_for_help = words.iter().any(|word| word.is_empty() || *word == "--help" || *word == "-h");
    let help = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        // What follows `--` goes to another program.
        let own = words.split(|word| *word == "--").next().unwrap_or_default();
        command.args(own).arg("--help").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().unwrap().success()
    };
    // That alone compiles the program, where nothing is to be read in its environment.
    words == ["--version"] || (is_step && !asks_for_help && !words[0].starts_with('-') && help())
}

/// Every key with its text below a node, with the way to it, e.g. `/jobs/image/steps/0/run`.
fn texts(node: &Yaml, way: &str, found: &mut Vec<(String, String)>) {
    match node {
        Yaml::Hash(entries) => {
            for (key, value) in entries {
                texts(value, &format!("{way}/{}", key.as_str().unwrap_or_default()), found);
            }
        }
        Yaml::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| texts(item, &format!("{way}/{index}"), found));
        }
        Yaml::String(text) => found.push((way.to_owned(), text.clone())),
        _ => {}
    }
}

/// What is wrong with a workflow.
fn problems(text: &str) -> Vec<String> {
    let documents = match YamlLoader::load_from_str(text) {
        Ok(documents) => documents,
        Err(error) => return vec![format!("not valid YAML: {error}")],
    };
    let [workflow] = documents.as_slice() else { return vec!["not one document".to_owned()] };
    let mut problems = Vec::new();
    if workflow["permissions"].as_hash().is_none_or(|rights| !rights.is_empty()) {
        problems.push("`permissions` of the workflow are not empty; each job names its own".to_owned());
    }
    for (name, job) in workflow["jobs"].as_hash().into_iter().flatten() {
        let name = name.as_str().unwrap_or_default();
        if job["uses"].is_badvalue() && job["timeout-minutes"].as_i64().is_none() {
            problems.push(format!("job `{name}` has no `timeout-minutes`"));
        }
        if job["permissions"].is_badvalue() {
            problems.push(format!("job `{name}` does not name its `permissions`"));
        }
        for step in job["steps"].as_vec().into_iter().flatten() {
            let is_checkout =
                step["uses"].as_str().is_some_and(|action| action.starts_with("actions/checkout@"));
            if is_checkout && step["with"]["persist-credentials"].as_bool() != Some(false) {
                problems.push(format!("job `{name}`: the checkout keeps its token"));
            }
        }
    }
    let mut found = Vec::new();
    texts(workflow, "", &mut found);
    for (way, text) in found {
        let key = way.rsplit('/').next().unwrap_or_default();
        let parent = way.rsplit('/').nth(1).unwrap_or_default();
        if key == "run" && !is_call(&text) {
            problems.push(format!("{way}: `{text}` is not one call of `{CALL}…` with what it knows"));
        }
        if key == "uses" && !is_pinned(&text) {
            problems.push(format!("{way}: `{text}` is not pinned by a full hash"));
        }
        let is_given_to_a_step = ["env", "with"].contains(&parent) && way.contains("/steps/");
        if key == "secrets" || (names_secrets(key, &text) && !is_given_to_a_step) {
            problems.push(format!("{way}: a secret goes further than one step"));
        }
        if is_given_to_a_step && !names_each_secret(&text) {
            problems.push(format!("{way}: a step gets more than one secret by its name"));
        }
    }
    problems.extend(pins_without_version(text));
    problems.extend(exceptions_without_reason(text));
    problems
}

/// What of a text is expressions: all of a condition, and else what stands in braces.
fn expressions<'t>(key: &str, text: &'t str) -> Vec<&'t str> {
    if key == "if" && !text.contains("${{") {
        return vec![text];
    }
    text.split("${{").skip(1).map(|rest| rest.split_once("}}").map_or(rest, |(inner, _)| inner)).collect()
}

/// Whether it says `secrets`, in whatever form: `secrets.X`, `secrets['X']`, `toJSON(secrets)`.
fn names_secrets(key: &str, text: &str) -> bool {
    expressions(key, text).iter().any(|expression| expression.contains("secrets"))
}

/// Whether every expression with a secret is that one secret.
fn names_each_secret(text: &str) -> bool {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let is_one = |expression: &str| match expression.trim().strip_prefix("secrets.") {
        Some(name) => !name.is_empty() && name.chars().all(is_name),
        None => !expression.contains("secrets"),
    };
    expressions("", text).into_iter().all(is_one)
}

/// Where a linter is not heeded, the line says why.
fn exceptions_without_reason(text: &str) -> impl Iterator<Item = String> {
    let bare = text.lines().filter(|line| {
        line.split_once("zizmor: ignore[")
            .is_some_and(|(_, rest)| rest.split_once(']').is_none_or(|(_, reason)| reason.trim().is_empty()))
    });
    bare.map(|line| format!("`{}` does not say why", line.trim()))
}

/// Actions of other repositories by commit; those of this one come with the checkout.
fn is_pinned(action: &str) -> bool {
    let hash = |revision: &str| revision.len() == 40 && revision.bytes().all(|byte| byte.is_ascii_hexdigit());
    action.starts_with("./") || action.split_once('@').is_some_and(|(_, revision)| hash(revision))
}

/// A hash says nothing to people, so the version stands behind it.
fn pins_without_version(text: &str) -> impl Iterator<Item = String> {
    let uses = text.lines().filter(|line| line.contains("uses:") && line.contains('@'));
    uses.filter(|line| !line.contains(" # v"))
        .map(|line| format!("`{}` does not say its version", line.trim()))
}

#[test]
fn workflows_only_call_xtask() {
    let workflows = workflows();
    if workflows.is_empty() {
        skipped(&format!("there are no workflows in {}", folder().display()));
    }
    for (name, text) in workflows {
        assert_eq!(problems(&text), [""; 0], "{name}");
    }
}

const GOOD: &str = "\
permissions: {}
jobs:
  image:
    permissions: {contents: read}
    timeout-minutes: 5
    steps:
      - uses: actions/checkout@0123456789abcdef0123456789abcdef01234567 # v1.2.3
        with:
          persist-credentials: false
      - run: exec cargo xtask ci image
        env:
          TOKEN: ${{ secrets.TOKEN }}
";

#[test]
fn each_check_can_fail() {
    assert_eq!(problems(GOOD), [""; 0]);
    for (from, to, problem) in [
        ("permissions: {}\n", "", "`permissions` of the workflow are not empty; each job names its own"),
        (
            "permissions: {}\n",
            "permissions: read-all\n",
            "`permissions` of the workflow are not empty; each job names its own",
        ),
        (
            "permissions: {}\n",
            "permissions: {contents: read}\n",
            "`permissions` of the workflow are not empty; each job names its own",
        ),
        ("    permissions: {contents: read}\n", "", "job `image` does not name its `permissions`"),
        ("    timeout-minutes: 5\n", "", "job `image` has no `timeout-minutes`"),
        ("persist-credentials: false", "fetch-depth: 1", "job `image`: the checkout keeps its token"),
        (
            "persist-credentials: false",
            "persist-credentials: true",
            "job `image`: the checkout keeps its token",
        ),
        (
            "run: exec cargo xtask ci image",
            "run: exec cargo xtask ci nonsense",
            "/jobs/image/steps/1/run: `exec cargo xtask ci nonsense` is not one call of `exec cargo xtask …` with what \
             it knows",
        ),
        (
            "run: exec cargo xtask ci image",
            "run: exec cargo xtask ci image && rm -r target",
            "/jobs/image/steps/1/run: `exec cargo xtask ci image && rm -r target` is not one call of `exec cargo xtask \
             …` with what it knows",
        ),
        (
            "run: exec cargo xtask ci image",
            "run: exec cargo xtask ci image --unheard-of",
            "/jobs/image/steps/1/run: `exec cargo xtask ci image --unheard-of` is not one call of `exec cargo xtask …` \
             with what it knows",
        ),
        (
            "run: exec cargo xtask ci image",
            "run: cargo xtask ci image",
            "/jobs/image/steps/1/run: `cargo xtask ci image` is not one call of `exec cargo xtask …` with what it \
             knows",
        ),
        (
            "run: exec cargo xtask ci image",
            "run: exec cargo xtask ci --help",
            "/jobs/image/steps/1/run: `exec cargo xtask ci --help` is not one call of `exec cargo xtask …` with what \
             it knows",
        ),
        (
            "checkout@0123456789abcdef0123456789abcdef01234567 # v1.2.3",
            "checkout@main # v1.2.3",
            "/jobs/image/steps/0/uses: `actions/checkout@main` is not pinned by a full hash",
        ),
        (
            " # v1.2.3",
            "",
            "`- uses: actions/checkout@0123456789abcdef0123456789abcdef01234567` does not say its version",
        ),
        (
            "    steps:\n",
            "    env:\n      TOKEN: ${{ secrets.TOKEN }}\n    steps:\n",
            "/jobs/image/env/TOKEN: a secret goes further than one step",
        ),
        (
            "    steps:\n",
            "    env:\n      ALL: ${{ toJSON(secrets) }}\n    steps:\n",
            "/jobs/image/env/ALL: a secret goes further than one step",
        ),
        (
            "    steps:\n",
            "    if: secrets['TOKEN'] != ''\n    steps:\n",
            "/jobs/image/if: a secret goes further than one step",
        ),
        (
            "    steps:\n",
            "    secrets: inherit\n    steps:\n",
            "/jobs/image/secrets: a secret goes further than one step",
        ),
        (
            "    steps:\n",
            "    secrets:\n      TOKEN: ${{ secrets.TOKEN }}\n    steps:\n",
            "/jobs/image/secrets/TOKEN: a secret goes further than one step",
        ),
        (
            "${{ secrets.TOKEN }}",
            "${{ toJSON(secrets) }}",
            "/jobs/image/steps/1/env/TOKEN: a step gets more than one secret by its name",
        ),
        (
            "    steps:\n",
            "    # zizmor: ignore[cache-poisoning]\n    steps:\n",
            "`# zizmor: ignore[cache-poisoning]` does not say why",
        ),
    ] {
        assert!(GOOD.contains(from), "{from}");
        assert_eq!(problems(&GOOD.replacen(from, to, 1)), [problem], "{to}");
    }
    assert!(problems("jobs: [")[0].starts_with("not valid YAML: "));
    assert_eq!(problems(&format!("{GOOD}---\n{GOOD}")), ["not one document"]);
}

#[test]
fn a_change_of_the_app_alone_leaves_the_automations_own_tests_out() {
    let mut workspace = Workspace::empty();
    for (value, is_in) in [("", true), ("false", true), ("true", false)] {
        workspace.set("XTASK_CODE_ONLY", value);
        let mut command = workspace.command(&["test", "--dry-run"]);
        let planned = command.current_dir(repository()).output().unwrap();
        let text = String::from_utf8_lossy(&planned.stdout);
        assert!(planned.status.success(), "{}", String::from_utf8_lossy(&planned.stderr));
        assert_eq!(text.contains("--package xtask"), is_in, "{value}: {text}");
    }
}

#[test]
fn what_workflows_share_is_held_and_the_newest_pin_is_everybodys() {
    let workspace = Workspace::fixture();
    let own = workflows();
    let Some((name, text)) = own.iter().find(|(name, _)| name == "bench.yml") else {
        skipped("there is no bench.yml here");
        return;
    };
    let file = format!(".github/workflows/{name}");
    let pin =
        |version: &str, digit: &str| format!("actions/upload-artifact@{} # {version}", digit.repeat(40));
    let line = text.lines().find(|line| line.contains("actions/upload-artifact@")).unwrap();
    let (before, _) = line.split_once("actions/").unwrap();
    let with = |pin: &str| text.replace(line, &format!("{before}{pin}"));
    workspace.write(&file, text);
    workspace.write(".github/workflows/of-somebody-else.yml", "on: push\njobs: {}\n");
    let checked = |expected: i32| {
        let run = workspace.xtask(&["generate", "--check"]);
        assert_eq!(run.code, Some(expected), "{}{}", run.stdout, run.stderr);
        run
    };
    checked(0);

    workspace.edit(
        &file,
        "persist-credentials: false\n      # xtask: end",
        "fetch-depth: 0\n      # xtask: end",
    );
    workspace.write(".github/workflows/second.yml", &with(&pin("v99.0.0", "a")));
    let drifted = checked(1);
    assert!(drifted.stderr.contains("hint: run `cargo xtask generate`"), "{}", drifted.stderr);
    assert!(drifted.stderr.contains(&file) && drifted.stdout.contains("pins"), "{}", drifted.stdout);
    assert_eq!(workspace.xtask(&["generate"]).code, Some(0));
    checked(0);
    assert_eq!(workspace.read(&file), with(&pin("v99.0.0", "a")));
    assert_eq!(workspace.read(".github/workflows/of-somebody-else.yml"), "on: push\njobs: {}\n");
}
