//! `ci comment`: exactly one comment, on the pull request that the event and GitHub agree on, and nothing hostile in it.

use expect_test::expect;
use serde_json::{Value, json};

use crate::actions::Job;
use crate::github::{BOT, GitHub, TOKEN};
use crate::support::{Run, Workspace};

/// The last commit of the pull request.
const HEAD: &str = "89abcdef0123456789abcdef0123456789abcdef";

struct Scene {
    workspace: Workspace,
    github: GitHub,
    job: Job,
}

impl Scene {
    /// A job that follows the checks of pull request 7, from a branch of the repository itself.
    fn new() -> Scene {
        let mut workspace = Workspace::empty();
        workspace.write("comment.md", "### Dependencies\n\n| a | b |\n| --- | --- |\n| `serde` | 1.0 |\n");
        let github = GitHub::start(&mut workspace);
        github.open(7, "Octo-Org", "fix/deps", HEAD);
        github.say("somebody", "Looks good.");
        let job = Job::start(&mut workspace, "workflow_run", "refs/heads/main");
        let scene = Scene { workspace, github, job };
        scene.follows(json!([{"number": 7, "base": {"repo": {"name": "Fixture"}}}]), "Octo-Org");
        scene
    }

    /// The workflow that this follows told these pull requests.
    fn follows(&self, requests: Value, owner: &str) {
        self.job.payload(json!({"workflow_run": {
            "event": "pull_request", "head_sha": HEAD, "head_branch": "fix/deps", "pull_requests": requests,
            "head_repository": {"owner": {"login": owner}},
            "html_url": "https://github.com/Octo-Org/Fixture/actions/runs/1",
        }}));
    }

    fn run(&self) -> Run {
        let run = self.workspace.xtask(&["ci", "comment", "--file", "comment.md"]);
        assert!(!run.stderr.contains(TOKEN) && !self.job.summary().contains(TOKEN), "{}", run.stderr);
        run
    }

    /// A run that must succeed; what became of the comment.
    fn comment(&self) -> String {
        let run = self.run();
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        let outputs = self.job.outputs();
        let last = outputs.lines().rev().find_map(|line| line.strip_prefix("comment="));
        last.unwrap().to_owned()
    }

    /// Our comments.
    fn ours(&self) -> Vec<String> {
        let all = self.github.comments().into_iter();
        all.filter(|(login, _)| login == BOT).map(|(_, body)| body).collect()
    }
}

#[test]
fn it_is_made_once_and_brought_up_to_date_after_that() {
    let scene = Scene::new();
    assert_eq!(scene.comment(), "created");
    expect![[r#"
        <!-- cargo-xtask:deps -->
        For commit 89abcdef0123 by [this run](https://github.com/Octo-Org/Fixture/actions/runs/1).

        ### Dependencies

        | a | b |
        | --- | --- |
        | `serde` | 1.0 |
    "#]]
    .assert_eq(&scene.ours()[0]);
    assert_eq!(
        scene.github.asked(),
        [
            "GET pulls/7",
            "GET issues/7/comments?per_page=100&page=1",
            "POST issues/7/comments",
            // Whether another run has done the same.
            "GET issues/7/comments?per_page=100&page=1",
        ]
    );
    assert_eq!(scene.job.outputs(), "comment=created\npull_request=7\n");
    assert!(scene.job.summary().contains("Pull request 7: created."), "{}", scene.job.summary());

    assert_eq!(scene.comment(), "unchanged");
    assert_eq!(scene.github.changed().len(), 1);
    scene.workspace.write("comment.md", "Nothing changes.\n");
    assert_eq!(scene.comment(), "updated");
    assert_eq!(scene.github.changed()[1], "PATCH issues/comments/102");
    assert!(scene.ours().len() == 1 && scene.ours()[0].contains("Nothing changes."), "{:?}", scene.ours());
    // Another report is another comment.
    let run = scene.workspace.xtask(&["ci", "comment", "--file", "comment.md", "--name", "sizes"]);
    assert_eq!((run.code, scene.ours().len()), (Some(0), 2), "{}", run.stderr);
}

#[test]
fn others_cannot_pass_for_us_and_twins_become_one() {
    let scene = Scene::new();
    // A mark that somebody else has written, on the first page and behind it; ours is quoted, too.
    scene.github.say("somebody", "<!-- cargo-xtask:deps -->\nthis one, please");
    for _ in 0..120 {
        scene.github.say("somebody", "more");
    }
    scene.github.say(BOT, "See <!-- cargo-xtask:deps -->");
    scene.github.with(|state| state.has_twin = true);
    assert_eq!(scene.comment(), "created");
    // Of the two that were made at once, the older one stays, and says what was said last.
    assert_eq!(scene.ours().len(), 2);
    assert!(scene.ours()[1].contains("| `serde` | 1.0 |"), "{:?}", scene.ours());
    let changed = scene.github.changed();
    assert_eq!(changed.len(), 3, "{changed:?}");
    assert!(changed[1].starts_with("PATCH ") && changed[2].starts_with("DELETE "), "{changed:?}");
    assert_eq!(scene.github.comments()[1].1, "<!-- cargo-xtask:deps -->\nthis one, please");
    assert_eq!(scene.comment(), "unchanged");
}

#[test]
fn a_fork_is_found_by_its_commit_and_the_file_says_nothing_about_where() {
    let scene = Scene::new();
    scene.github.open(8, "Somebody", "fix/deps", HEAD);
    scene.follows(json!([]), "Somebody");
    scene.workspace.write("comment.md", "pull request 7, number: 7, #7\n");
    assert_eq!(scene.comment(), "created");
    assert_eq!(scene.github.asked()[0], "GET pulls?state=open&per_page=100&head=Somebody%3Afix%2Fdeps");
    assert_eq!(scene.github.changed(), ["POST issues/8/comments"]);
}

#[test]
fn where_there_is_nothing_to_comment_on_nothing_fails() {
    let scene = Scene::new();
    let none = |why: &str| {
        assert_eq!(scene.comment(), "none", "{why}");
        assert!(scene.job.summary().contains(&format!("No comment: {why}.")), "{}", scene.job.summary());
    };
    scene.github.with(|state| state.pulls[0]["head"]["sha"] = "f".repeat(40).into());
    none("pull request 7 has newer commits, whose run will comment");
    scene.github.with(|state| state.pulls[0]["state"] = "closed".into());
    none("pull request 7 is closed");
    scene.follows(json!([]), "Octo-Org");
    none("no open pull request has this commit as its last one");
    scene.github.open(8, "Octo-Org", "fix/deps", HEAD);
    scene.github.open(9, "Octo-Org", "fix/deps", HEAD);
    none("several pull requests have this commit as their last one");
    assert_eq!(scene.github.changed(), [""; 0]);
}

#[test]
fn a_pull_request_of_another_repository_is_refused() {
    let scene = Scene::new();
    scene.github.with(|state| state.pulls[0]["base"]["repo"]["full_name"] = "else/where".into());
    let run = scene.run();
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(run.stderr.contains("error: pull request 7 is none of Octo-Org/Fixture"), "{}", run.stderr);
    assert_eq!(scene.github.changed(), [""; 0]);
}

#[test]
fn a_hostile_report_is_harmless_or_not_taken() {
    let scene = Scene::new();
    scene.workspace.write(
        "comment.md",
        "<!-- cargo-xtask:sizes -->\n@octocat and &#64;octocat see [this](https://e.vil) ![x](https://e.vil/x.png) #1\n",
    );
    assert_eq!(scene.comment(), "created");
    let body = &scene.ours()[0];
    let report = body.split_once("\n\n").unwrap().1;
    for part in ["<", "@o", "&#64", "](", "://", "#1"] {
        assert!(!report.contains(part), "{part}: {report}");
    }
    assert_eq!(body.matches("<!--").count(), 1);

    for (content, why) in [
        (vec![b'a'; 70_000], "it has 60001 bytes, and 60000 are allowed"),
        (vec![0xff], "it is no text in UTF-8"),
        (Vec::new(), "it is empty"),
    ] {
        std::fs::write(scene.workspace.root().join("comment.md"), content).unwrap();
        let run = scene.run();
        assert_eq!(run.code, Some(1), "{}", run.stderr);
        assert!(run.stderr.contains(&format!("error: comment.md is not published: {why}")), "{}", run.stderr);
    }
    std::fs::remove_file(scene.workspace.root().join("comment.md")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", scene.workspace.root().join("comment.md")).unwrap();
    let run = scene.run();
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    assert_eq!(scene.github.changed().len(), 1);
}

#[test]
fn questions_are_asked_again_and_changes_never() {
    let scene = Scene::new();
    scene.github.with(|state| state.failures = [("GET", 502), ("GET", 0)].into());
    assert_eq!(scene.comment(), "created");
    assert_eq!(scene.github.asked().iter().filter(|line| *line == "GET pulls/7").count(), 3);

    scene.workspace.write("comment.md", "other\n");
    for (failure, words) in [
        (("PATCH", 403), "cannot change the comment: GitHub answers 403 (said [redacted])"),
        (("PATCH", 500), "running the job again is safe"),
        (("PATCH", 0), "error: "),
    ] {
        scene.github.with(|state| state.failures = [failure].into());
        let before = scene.github.changed().len();
        let run = scene.run();
        assert_eq!(run.code, Some(4), "{}", run.stderr);
        assert!(run.stderr.contains(words), "{words}: {}", run.stderr);
        assert_eq!(scene.github.changed().len(), before + 1);
    }
    assert_eq!(scene.comment(), "updated");
    assert_eq!(scene.ours().len(), 1);
}

#[test]
fn the_wrong_event_and_no_token_are_named() {
    let mut scene = Scene::new();
    scene.job.payload(json!({"workflow_run": {"event": "push", "head_sha": HEAD}}));
    let run = scene.run();
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    assert!(run.stderr.contains("started by `push`"), "{}", run.stderr);

    // In the pull request's own workflow a fork may not write, and its job must not fail for that.
    scene.workspace.set("GITHUB_EVENT_NAME", "pull_request");
    let request = |repository: &str| {
        json!({"pull_request": {"number": 7, "head": {"sha": HEAD, "ref": "fix/deps",
               "repo": {"full_name": repository, "owner": {"login": "x"}}}}})
    };
    scene.job.payload(request("somebody/fixture"));
    assert_eq!(scene.comment(), "none");
    assert_eq!(scene.github.asked(), [""; 0]);
    scene.job.payload(request("Octo-Org/Fixture"));
    assert_eq!(scene.comment(), "created");

    scene.workspace.set("GITHUB_TOKEN", "");
    scene.workspace.set("GH_TOKEN", "");
    let run = scene.run();
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    assert!(run.stderr.contains("error: GITHUB_TOKEN is not set"), "{}", run.stderr);
    scene.workspace.set("GITHUB_ACTIONS", "");
    let run = scene.run();
    assert_eq!(run.code, Some(2), "{}", run.stderr);
}

#[test]
fn nothing_is_said_only_where_something_was_said_before() {
    let mut scene = Scene::new();
    scene.workspace.set("XTASK_REPORT_CHANGED", "false");
    assert_eq!(scene.comment(), "none");
    assert_eq!(scene.github.changed(), [""; 0]);
    scene.workspace.set("XTASK_REPORT_CHANGED", "true");
    assert_eq!(scene.comment(), "created");
    scene.workspace.set("XTASK_REPORT_CHANGED", "false");
    scene.workspace.write("comment.md", "All is as it was.\n");
    assert_eq!(scene.comment(), "updated");
    assert!(scene.ours()[0].contains("All is as it was."), "{:?}", scene.ours());
}

#[test]
fn a_token_of_somebody_else_is_noticed() {
    let scene = Scene::new();
    let words = ["ci", "comment", "--file", "comment.md", "--author", "our-app[bot]"];
    let run = scene.workspace.xtask(&words);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    let told = format!("error: the comment on pull request 7 is by `{BOT}`, not by `our-app[bot]`");
    assert!(
        run.stderr.contains(&told) && run.stderr.contains(&format!("--author '{BOT}'")),
        "{}",
        run.stderr
    );
    assert_eq!(scene.github.changed(), ["POST issues/7/comments"]);
}

#[test]
fn a_dry_run_only_looks() {
    let scene = Scene::new();
    let run = scene.workspace.xtask(&["ci", "comment", "--file", "comment.md", "--dry-run"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(
        run.stdout.starts_with("# pull request 7: create a comment\n<!-- cargo-xtask:deps -->\n"),
        "{}",
        run.stdout
    );
    assert_eq!(scene.github.changed(), [""; 0]);
    assert_eq!(scene.job.outputs() + &scene.job.summary(), "");
}
