//! What a change of dependencies does to the app, from the event to the comment: all jobs of `deps.yml` in a row, with
//! the real report, and what one job leaves for the next.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::artifacts::Artifacts;
use super::steps;
use super::workflow::{Call, Event, Runner, Told, Use, read};
use crate::changes::{commit, git};
use crate::github::{BOT, GitHub, REPOSITORY, TOKEN};
use crate::support::Workspace;

/// Runs the workflow for the pull request's last commit: its jobs with their results.
fn runs(workspace: &mut Workspace, base: &str, repository: &str, more: &[(&str, Value)]) -> String {
    let head = git(workspace.root(), &["rev-parse", "HEAD"]);
    let mut payload = json!({
        "repository": {"default_branch": "main"},
        "pull_request": {"number": 7, "base": {"sha": base}, "head": {
            "sha": head, "ref": "feature",
            "repo": {"full_name": repository, "owner": {"login": repository.split('/').next()}},
        }},
    });
    for (name, value) in more {
        payload[*name] = value.clone();
    }
    let secrets = BTreeMap::from([("", vec![("GITHUB_TOKEN", TOKEN.to_owned())])]);
    let git_ref = "refs/pull/7/merge".to_owned();
    let event = Event { name: "pull_request", git_ref, sha: head, payload, secrets };
    let (artifacts, root) = (Artifacts::new(), workspace.root().to_owned());
    let mut carry_out = |call: &Call| {
        let ended = steps::run(workspace, &event, call);
        eprintln!("---- {} {}: {:?}\n{}", call.job, call.words.join(" "), ended.run.code, ended.run.stderr);
        ended.done
    };
    let mut use_action = |step: &Use| artifacts.carry_out(&root, step);
    let told = Told::default();
    let mut runner = Runner { event: &event, carry_out: &mut carry_out, use_action: &mut use_action, told };
    runner.run(&read("deps.yml"), "");
    let jobs = runner.told.jobs.iter().map(|(job, result)| format!("{job}: {result}"));
    jobs.collect::<Vec<_>>().join(", ")
}

#[test]
fn from_the_change_to_its_comment() {
    let mut workspace = Workspace::fixture();
    workspace.write(".gitignore", "/target\n");
    git(workspace.root(), &["init", "--quiet"]);
    let base = commit(&workspace, "all");
    let github = GitHub::start(&mut workspace);
    // Whoever needs it is given it by the workflow.
    workspace.set("GITHUB_TOKEN", "");
    workspace.set("GH_TOKEN", "");
    let before = workspace.read("Cargo.toml");
    workspace.edit("Cargo.toml", r#"features = ["derive"]"#, r#"features = ["derive", "rc"]"#);
    let first = commit(&workspace, "a feature more");

    // From a fork nobody may comment, and nothing fails.
    let jobs = runs(&mut workspace, &base, "else/fixture", &[]);
    assert_eq!(jobs, "changes: success, report: success, comment: skipped");
    assert_eq!(github.asked(), [""; 0]);

    github.open(7, "Octo-Org", "feature", &first);
    let jobs = runs(&mut workspace, &base, REPOSITORY, &[]);
    assert_eq!(jobs, "changes: success, report: success, comment: success");
    let comments = github.comments();
    assert_eq!((comments.len(), comments[0].0.as_str()), (1, BOT), "{comments:?}");
    let said = &comments[0].1;
    assert!(said.contains(&format!("For commit {}", &first[..12])), "{said}");
    assert!(said.contains("| `serde` | `fixture-core` | `dependencies` | `rc` |  |"), "{said}");

    // It is taken back: as a whole the pull request changes nothing any more, and the comment says so.
    let pushed = |workspace: &mut Workspace, previous: &str| {
        let head = commit(workspace, "more");
        github.with(|state| state.pulls[0]["head"]["sha"] = head.clone().into());
        let jobs = runs(workspace, &base, REPOSITORY, &[("before", previous.into())]);
        (head, jobs)
    };
    workspace.write("Cargo.toml", &before);
    let (second, jobs) = pushed(&mut workspace, &first);
    assert_eq!(jobs, "changes: success, report: success, comment: success");
    let comments = github.comments();
    assert_eq!(comments.len(), 1, "{comments:?}");
    assert!(comments[0].1.contains("The dependencies stay as they are."), "{comments:?}");
    workspace.edit("core/src/lib.rs", "42", "43");
    let (_, jobs) = pushed(&mut workspace, &second);
    assert_eq!(jobs, "changes: success, report: skipped, comment: skipped");
}
