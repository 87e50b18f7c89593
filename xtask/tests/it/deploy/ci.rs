//! `ci deploy`, as the workflow's step runs it and as people do.

use expect_test::expect;
use serde_json::json;

use super::{Site, image};
use crate::actions::{COMMIT, Job};
use crate::support::{folded, listing};

/// A service that serves image 1, and image 2 as what is to be deployed.
fn site() -> Site {
    let mut site = Site::deployed();
    site.workspace.set("XTASK_IMAGE", image("2"));
    site
}

#[test]
fn a_job_gets_outputs_and_a_summary() {
    let mut site = site();
    let job = Job::start(&mut site.workspace, "push", "refs/heads/main");
    let run = site.run(&["ci", "deploy"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), ""), "{}", run.stderr);
    assert_eq!(site.plain(&job.outputs()), "deployment=d-2\nurl=http://[address]");
    let summary = job.summary();
    assert!(summary.starts_with("### Deployment: ok\n\n| step | seconds |"), "{summary}");
    for fact in ["d-2", &image("2"), COMMIT] {
        assert!(summary.contains(fact), "{fact}: {summary}");
    }
    // What is served already is an output too.
    let again = site.run(&["ci", "deploy"]);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert_eq!(job.outputs().matches("deployment=d-2\n").count(), 2);
    assert_eq!(site.fake.mutations().len(), 3);
}

#[test]
fn a_failure_is_in_the_summary_and_has_no_outputs() {
    let mut site = site();
    site.fake.with(|service| service.course = vec!["DEPLOYING", "FAILED"]);
    let job = Job::start(&mut site.workspace, "push", "refs/heads/main");
    let run = site.run(&["ci", "deploy"]);
    assert_eq!((run.code, job.outputs().as_str()), (Some(1), ""), "{}", run.stderr);
    let summary = job.summary();
    assert!(summary.starts_with("### Deployment: failed\n\n**deployment failed**\n\n```text\n"), "{summary}");
    let error = run.stderr.lines().find_map(|line| line.strip_prefix("error: ")).unwrap();
    assert!(summary.contains(error) && summary.contains("\nhint: "), "{summary}");
    assert!(!summary.contains(super::TOKEN) && !summary.contains(super::SECRET_VALUE), "{summary}");
}

#[test]
fn people_get_the_same_on_their_terminal() {
    let site = site();
    site.workspace.write(".gitignore", "/target\n");
    let git = |args: &[&str]| {
        let user = ["-c", "user.name=tester", "-c", "user.email=tester@example.org"];
        let mut command = std::process::Command::new("git");
        assert!(command.args(user).args(args).current_dir(site.workspace.root()).status().unwrap().success());
    };
    git(&["init", "--quiet"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "--message", "all"]);
    let run = site.run(&["ci", "deploy"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(site.plain(&run.stdout), "deployment=d-2\nurl=http://[address]");
    assert!(run.stderr.contains("### Deployment: ok\n\n| step | seconds |"), "{}", run.stderr);

    site.workspace.write("new", "");
    let run = site.run(&["ci", "deploy"]);
    // Something differs from the commit, so there is no revision to tell the app.
    assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{}", run.stderr);
    assert!(run.stderr.contains("### Deployment: failed"), "{}", run.stderr);
}

#[test]
fn only_the_default_branch_deploys_and_only_where_it_is_meant() {
    let ticked = |push: &str, deploy: &str| json!({"inputs": {"push": push, "deploy": deploy}});
    for (event, git_ref, payload, code) in [
        ("push", "refs/heads/feature", json!({}), 2),
        ("push", "refs/tags/v1.2.3", json!({}), 2),
        ("pull_request", "refs/pull/7/merge", json!({}), 2),
        ("pull_request_target", "refs/heads/main", json!({}), 2),
        ("merge_group", "refs/heads/gh-readonly-queue/main/pr-7", json!({}), 2),
        ("workflow_dispatch", "refs/heads/main", ticked("true", "false"), 2),
        ("workflow_dispatch", "refs/heads/main", ticked("false", "true"), 2),
        ("workflow_dispatch", "refs/heads/feature", ticked("true", "true"), 2),
        // Of the default branch, and for nobody to see.
        ("schedule", "refs/heads/main", json!({}), 2),
        ("repository_dispatch", "refs/heads/main", json!({}), 2),
        ("workflow_dispatch", "refs/heads/main", ticked("true", "true"), 0),
    ] {
        let mut site = site();
        let job = Job::start(&mut site.workspace, event, git_ref);
        job.payload(payload);
        let run = site.run(&["ci", "deploy"]);
        assert_eq!(run.code, Some(code), "{event} {git_ref}: {}", run.stderr);
        assert_eq!(site.fake.mutations().is_empty(), code == 2, "{event} {git_ref}");
        assert_eq!(job.outputs().is_empty(), code == 2, "{event} {git_ref}");
    }
}

#[test]
fn an_older_commit_does_not_take_the_place_of_a_newer_one() {
    const LIVE: &str = "89abcdef0123456789abcdef0123456789abcdef";
    let site_with = |comparison: Option<&'static str>| {
        let mut site = site();
        site.workspace.set("GITHUB_TOKEN", "github-token-of-a-test");
        site.workspace.set("GITHUB_API_URL", format!("http://{}", site.fake.address));
        site.fake.with(|service| {
            service.variables["APP_REVISION"] = LIVE.into();
            service.neighbours.check_runs = Some(json!([]));
            service.neighbours.comparison = comparison;
        });
        let job = Job::start(&mut site.workspace, "push", "refs/heads/main");
        (site, job)
    };
    let (site, job) = site_with(Some("behind"));
    let run = site.run(&["ci", "deploy"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), ""), "{}", run.stderr);
    assert_eq!((site.fake.mutations(), site.records()), (vec![], vec![]));
    let told = format!("nothing was deployed: {LIVE} is live, which is newer");
    assert!(run.stderr.contains(&told) && job.summary().contains(&told), "{}", run.stderr);
    assert!(job.summary().starts_with("### Deployment: ok\n"), "{}", job.summary());
    assert_eq!(site.plain(&job.outputs()), "url=http://[address]");
    let asked = site.fake.with(|service| service.neighbours.compared.clone());
    assert_eq!(asked, [format!("/repos/Octo-Org/Fixture/compare/{LIVE}...{COMMIT}?per_page=1")]);
    // Whoever means it says so, here or by the other command.
    let run = site.run(&["ci", "deploy", "--unchecked"]);
    assert_eq!((run.code, site.fake.mutations().is_empty()), (Some(0), false), "{}", run.stderr);

    // Newer, of another history, and what GitHub does not know.
    for comparison in [Some("ahead"), Some("diverged"), None] {
        let (site, _job) = site_with(comparison);
        let run = site.run(&["ci", "deploy"]);
        assert_eq!(run.code, Some(0), "{comparison:?}: {}", run.stderr);
        assert!(!site.fake.mutations().is_empty(), "{comparison:?}");
        assert_eq!(run.stderr.contains("is not known: GET "), comparison.is_none(), "{}", run.stderr);
    }
}

#[test]
fn the_environment_that_was_chosen_is_the_one_at_railway() {
    for (chosen, code) in [("production", 0), ("staging", 2)] {
        let mut site = site();
        let job = Job::start(&mut site.workspace, "workflow_dispatch", "refs/heads/main");
        job.payload(json!({"inputs": {"deploy": "true", "environment": chosen}}));
        let run = site.run(&["ci", "deploy"]);
        assert_eq!(run.code, Some(code), "{chosen}: {}", run.stderr);
        assert_eq!(site.fake.mutations().is_empty(), code == 2, "{chosen}");
        assert!(code == 0 || run.stderr.contains("`staging`"), "{}", run.stderr);
    }
}

#[test]
fn nothing_to_deploy_and_a_tag_are_refused() {
    let mut site = site();
    let job = Job::start(&mut site.workspace, "push", "refs/heads/main");
    site.workspace.set("XTASK_IMAGE", "");
    let run = site.run(&["ci", "deploy"]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    site.workspace.set("XTASK_IMAGE", "ghcr.io/o/app:latest");
    let run = site.run(&["ci", "deploy"]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    expect![[r#"
        ### Deployment: failed

        **configuration failed**

        ```text
        XTASK_IMAGE is not set, so there is nothing to deploy
        ```

        hint: it is the output `reference` of `cargo xtask ci image`: REGISTRY/NAME@sha256:…

        ### Deployment: failed

        **deployment failed**

        ```text
        `ghcr.io/o/app:latest` does not name an image by digest
        ```

        hint: `cargo xtask docker pack` prints what it has pushed as REGISTRY/NAME@sha256:…; a
            tag is not enough, because it may mean another image by the time it is pulled
    "#]]
    .assert_eq(&folded(&job.summary()));
    assert_eq!(site.fake.mutations(), []);
}

#[test]
fn a_dry_run_writes_nothing() {
    let mut site = site();
    let job = Job::start(&mut site.workspace, "push", "refs/heads/main");
    let before = listing(site.workspace.root());
    let run = site.run(&["ci", "deploy", "--dry-run"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    expect![[r#"
        set -e
        # set revision
        # web (production): set APP_REVISION=0123456789abcdef0123456789abcdef01234567 without a
            deployment
        # update service
        # web (production): set the image to ghcr.io/o/app@sha256:2
        # deploy
        # web (production): deploy, unless there is a newer deployment than d-1
        # wait until served
        # wait at most 900 s until the deployment runs ghcr.io/o/app@sha256:2
        # verify
        # http://[address]/health answers 200 and names revision
            0123456789abcdef0123456789abcdef01234567 within 60 s"#]]
    .assert_eq(&site.plain(&run.stdout));
    assert_eq!((job.outputs() + &job.summary(), site.fake.mutations()), (String::new(), vec![]));
    assert!(listing(site.workspace.root()) == before);
}

#[test]
fn hints_name_flags_that_there_are() {
    let mut site = site();
    site.fake.with(|service| service.course = vec!["DEPLOYING"]);
    let _job = Job::start(&mut site.workspace, "push", "refs/heads/main");
    let url = format!("http://{}", site.fake.address);
    let args =
        ["ci", "deploy", "--revision", "given", "--wait-timeout", "1", "--service", "web", "--url", &url];
    let run = site.run(&args);
    assert_eq!(run.code, Some(5), "{}", run.stderr);
    assert!(run.stderr.contains("--wait-timeout SECONDS waits longer"), "{}", run.stderr);
    assert_eq!(site.fake.mutations()[0].1["input"]["variables"]["APP_REVISION"], "given");
    let run = site.run(&["ci", "deploy", "--service", "worker"]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    assert!(run.stderr.contains("no service `worker` (--service)"), "{}", run.stderr);
}
