//! `ci image` among fakes: what is planned for each event, and a build that fails.

use expect_test::expect;

use super::Fakes;
use crate::actions::Job;
use crate::support::{folded, listing};

/// What a dry run says about the image, after the plan of the build.
fn planned(event: &str, git_ref: &str) -> String {
    let mut fakes = Fakes::new();
    let job = Job::start(&mut fakes.workspace, event, git_ref);
    let before = listing(&fakes.root());
    let run = fakes.run(&["ci", "image", "--dry-run"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(job.outputs() + &job.summary(), "");
    assert!(listing(&fakes.root()) == before);
    let (build, image) = run.stdout.split_once("# read base").unwrap();
    assert!(build.contains("cargo build") || build.contains("cargo rustc"), "{build}");
    fakes.plain(&format!("# read base{image}"))
}

#[test]
fn the_default_branch_pushes_and_tests() {
    expect![[r#"
        # read base
        # read gcr.io/distroless/cc-debian13:nonroot for linux/amd64 from its registry
        # assemble image
        # assemble an image: [root]/target/production/app-server and [root]/target/site into /app
        # push image
        # push it to ghcr.io/octo-org/fixture as in-<digest of its inputs>, unless an image of
            the same inputs is there
        # smoke
        # cargo xtask docker smoke IMAGE@DIGEST
        # tag
        # sha-0123456, main, latest"#]]
    .assert_eq(&folded(&planned("push", "refs/heads/main")));
}

#[test]
fn tags_follow_the_ref() {
    for (event, git_ref, tags) in [
        ("push", "refs/heads/a/b", "sha-0123456, a-b"),
        ("push", "refs/tags/v1.2.3", "sha-0123456, 1.2.3"),
        ("merge_group", "refs/heads/gh-readonly-queue/main/pr-7", "sha-0123456"),
    ] {
        let plan = planned(event, git_ref);
        assert!(plan.ends_with(&format!("# tag\n# {tags}\n")), "{plan}");
    }
}

#[test]
fn nothing_of_a_pull_request_gets_into_the_registry() {
    for event in ["pull_request", "pull_request_target"] {
        let plan = planned(event, "refs/pull/7/merge");
        assert!(plan.contains("# assemble") && !plan.contains("push"), "{plan}");
        assert!(!plan.contains("smoke") && !plan.contains("# tag"), "{plan}");
    }
}

#[test]
fn on_a_laptop_it_must_be_said_where_to() {
    let fakes = Fakes::new();
    let run = fakes.run(&["ci", "image", "--dry-run"]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    expect![[r#"
        error: there is no registry to push the image to
         hint: set `image = "ghcr.io/owner/app"` in [workspace.metadata.xtask] in Cargo.toml"#]]
    .assert_eq(&run.messages(&fakes.workspace));
}

#[test]
fn a_build_that_fails_is_in_the_summary_without_its_secrets() {
    let mut fakes = Fakes::new();
    fakes.workspace.set("A_TOKEN", "hunter2-of-a-test");
    let job = Job::start(&mut fakes.workspace, "push", "refs/heads/main");
    fakes.when("wasm-bindgen", "--out-dir", "err it says hunter2-of-a-test\nexit 1");
    let run = fakes.run(&["ci", "image"]);
    assert_eq!((run.code, job.outputs().as_str()), (Some(4), ""), "{}", run.stderr);
    let summary = job.summary();
    assert!(summary.starts_with("### Image: failed\n\n**build and pack failed**\n\n```text\n"), "{summary}");
    assert!(summary.contains("it says [redacted]"), "{summary}");
    assert!(!summary.contains("hunter2"), "{summary}");
}
