//! `ci changes` in real repositories: what each event compares with, shallow clones, force pushes and new branches;
//! and `ci gate`, which holds what ran against it.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::actions::Job;
use crate::support::Workspace;

/// Runs git as somebody.
pub fn git(folder: &Path, args: &[&str]) -> String {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]);
    command.args(["-c", "protocol.file.allow=always", "-c", "init.defaultBranch=main"]);
    let output = command.args(args).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// The fixture as a repository with one commit.
fn repository() -> Workspace {
    let workspace = Workspace::fixture();
    git(workspace.root(), &["init", "--quiet"]);
    // A server that serves any commit that is asked for, as GitHub's does.
    git(workspace.root(), &["config", "uploadpack.allowAnySHA1InWant", "true"]);
    commit(&workspace, "first");
    workspace
}

/// Commits all that differs. The commit.
pub fn commit(workspace: &Workspace, message: &str) -> String {
    git(workspace.root(), &["add", "--all"]);
    git(workspace.root(), &["commit", "--quiet", "--allow-empty", "--message", message]);
    git(workspace.root(), &["rev-parse", "HEAD"])
}

/// A clone with so many commits of a branch's history, or all.
fn clone(origin: &Workspace, branch: &str, depth: Option<u8>) -> Workspace {
    let clone = Workspace::empty();
    let url = format!("file://{}", origin.root().display());
    let depth = depth.map(|depth| format!("--depth={depth}"));
    let mut args = vec!["clone", "--quiet", "--branch", branch, &url, "."];
    args.extend(depth.as_deref());
    git(clone.root(), &args);
    clone
}

/// What `ci changes` says for an event: the outputs that are true.
fn runs(workspace: &mut Workspace, event: &str, git_ref: &str, payload: Value) -> (String, String) {
    let job = Job::start(workspace, event, git_ref);
    job.payload(payload);
    let run = workspace.xtask(&["ci", "changes"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let outputs = job.outputs();
    let set = outputs.lines().filter_map(|line| line.strip_suffix("=true")).collect::<Vec<_>>().join(" ");
    (set, job.summary())
}

const MAIN: &str = "refs/heads/main";
const EVERYTHING: &str = "checks image push deploy";

#[test]
fn a_push_is_compared_with_what_was_there_before() {
    let origin = repository();
    let before = git(origin.root(), &["rev-parse", "HEAD"]);
    origin.write("docs/guide.md", "text");
    commit(&origin, "a guide");
    for depth in [None, Some(1)] {
        let mut here = clone(&origin, "main", depth);
        let (set, summary) = runs(&mut here, "push", MAIN, json!({"before": before}));
        assert_eq!(set, "", "{depth:?}: {summary}");
        assert!(
            summary.contains("1 file has changed") && summary.contains("Nothing has to run."),
            "{summary}"
        );
    }

    // What the automation's tests read has to pass them.
    origin.write("xtask/tests/it/pages.rs", "fn page() -> &'static str {\n    \"guide.md\"\n}\n");
    origin.write("docs/other.md", "text");
    let named = commit(&origin, "a test");
    for (file, expected) in [("docs/guide.md", "checks"), ("docs/other.md", ""), ("guide.md", "")] {
        origin.write(file, "another text");
        commit(&origin, "a text");
        let mut here = clone(&origin, "main", Some(1));
        let (set, summary) = runs(&mut here, "push", MAIN, json!({"before": named}));
        assert_eq!(set, expected, "{file}: {summary}");
        git(origin.root(), &["reset", "--quiet", "--hard", &named]);
    }

    // Texts that are compiled are no documentation.
    origin.write("README.md", "more");
    origin.edit("ui/src/lib.rs", "pub fn page", "#[doc = include_str!(\"../../README.md\")]\npub fn page");
    let included = commit(&origin, "the page is described");
    origin.write("README.md", "more and more");
    commit(&origin, "described better");
    let mut here = clone(&origin, "main", Some(1));
    let (set, summary) = runs(&mut here, "push", MAIN, json!({"before": included}));
    assert_eq!(set, "checks image push deploy code_only", "{summary}");

    // Somebody has forced the branch to another history: what was there is not an ancestor any more.
    let gone = git(origin.root(), &["rev-parse", "HEAD"]);
    git(origin.root(), &["reset", "--quiet", "--hard", &before]);
    origin.edit("Cargo.toml", "[workspace]", "# changed\n[workspace]");
    commit(&origin, "another history");
    let mut here = clone(&origin, "main", Some(1));
    let (set, summary) = runs(&mut here, "push", MAIN, json!({"before": gone}));
    assert_eq!(set, EVERYTHING, "{summary}");
    assert!(summary.contains("`Cargo.toml`") && summary.contains("`ui/src/lib.rs`"), "{summary}");
}

#[test]
fn where_nobody_can_tell_everything_runs() {
    let origin = repository();
    origin.write("docs/guide.md", "text");
    commit(&origin, "a guide");
    let mut here = clone(&origin, "main", Some(1));
    let zeros = "0".repeat(40);
    for (payload, why) in [
        (json!({"before": zeros}), "there is nothing to compare with"),
        (json!({"before": "1".repeat(40)}), "is not in this clone and cannot be fetched"),
    ] {
        let (set, summary) = runs(&mut here, "push", MAIN, payload);
        assert_eq!(set, EVERYTHING, "{summary}");
        assert!(summary.contains(why), "{summary}");
    }
    let (set, _) = runs(&mut here, "schedule", MAIN, json!({}));
    assert_eq!(set, "checks image push");
}

#[test]
fn a_pull_request_is_what_it_would_change() {
    let origin = repository();
    let base = git(origin.root(), &["rev-parse", "HEAD"]);
    git(origin.root(), &["checkout", "--quiet", "-b", "feature"]);
    origin.edit("Cargo.lock", "version = 4", "version = 4\n");
    let first_push = commit(&origin, "dependencies");
    git(origin.root(), &["checkout", "--quiet", "main"]);
    // Meanwhile the base went on, which is no part of the request.
    origin.edit("server/src/page.rs", "<title>Fixture", "<title>Main");
    commit(&origin, "main goes on");
    git(origin.root(), &["checkout", "--quiet", "-b", "merged"]);
    git(origin.root(), &["merge", "--quiet", "--no-ff", "--message", "merge", "feature"]);
    // Where something was pushed to the branch before, the payload has that too, and it is no beginning.
    let request = json!({"before": first_push, "pull_request": {
        "number": 7, "base": {"sha": base}, "head": {"repo": {"full_name": "Octo-Org/Fixture"}},
    }});
    let mut here = clone(&origin, "merged", Some(2));
    let (set, summary) = runs(&mut here, "pull_request", "refs/pull/7/merge", request.clone());
    assert_eq!(set, "checks image trial dependencies", "{summary}");
    assert!(!summary.contains("page.rs"), "{summary}");
    // With the merge alone the base is fetched, and what main has changed since is looked at too.
    let mut here = clone(&origin, "merged", Some(1));
    let (set, summary) = runs(&mut here, "pull_request", "refs/pull/7/merge", request);
    assert_eq!(set, "checks image trial dependencies", "{summary}");
    assert!(summary.contains("page.rs"), "{summary}");

    let mut here = clone(&origin, "merged", Some(1));
    let queue = "refs/heads/gh-readonly-queue/main/pr-7-0123";
    let (set, _) = runs(&mut here, "merge_group", queue, json!({"merge_group": {"base_sha": base}}));
    assert_eq!(set, "checks image trial");
}

#[test]
fn on_a_laptop_it_is_the_same() {
    let origin = repository();
    let here = clone(&origin, "main", None);
    here.write("notes.md", "text");
    commit(&here, "notes");
    let run = here.xtask(&["ci", "changes"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stdout.starts_with("checks=false\nimage=false\n"), "{}", run.stdout);
    assert!(run.stderr.contains("Nothing has to run."), "{}", run.stderr);
    let run = here.xtask(&["ci", "changes", "--base", "nowhere"]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    assert!(run.stderr.contains("error: commit nowhere is not in this clone"), "{}", run.stderr);
}

#[test]
fn the_gate_is_closed_by_what_had_to_run() {
    let mut workspace = Workspace::fixture();
    let job = Job::start(&mut workspace, "pull_request", "refs/pull/7/merge");
    let needs = |changes: &str, image: &str| {
        json!({"changes": {"result": "success", "outputs": {"image": changes}}, "image": {"result": image}})
            .to_string()
    };
    workspace.set("XTASK_NEEDS", needs("false", "skipped"));
    let run = workspace.xtask(&["ci", "gate"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(job.summary().contains("| image | not needed |"), "{}", job.summary());
    workspace.set("XTASK_NEEDS", needs("true", "skipped"));
    let run = workspace.xtask(&["ci", "gate"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(run.stderr.contains("error: image was skipped, but has to run"), "{}", run.stderr);
    for nonsense in ["", "[]", "{}"] {
        workspace.set("XTASK_NEEDS", nonsense);
        assert_eq!(workspace.xtask(&["ci", "gate"]).code, Some(2), "{nonsense}");
    }
}
