//! Deployments that fail: what is said, what is recorded, and that nothing is sent twice.

use expect_test::{Expect, expect};
use serde_json::json;

use super::fake::Reply;
use super::{SECRET_VALUE, Site, image};

/// Deploys, and fails with this exit code and message. What failed is on record.
fn fails(site: &Site, args: &[&str], code: i32, deployment: Option<&str>, expected: Expect) {
    let run = site.deploy(args);
    assert_eq!(run.code, Some(code), "{}", run.stderr);
    assert_eq!(run.stdout, "");
    expected.assert_eq(&site.message(&run));
    let record = site.records().pop().unwrap();
    assert_eq!((&record["result"], &record["deployment"]), (&json!("failed"), &json!(deployment)));
    assert!(run.stderr.contains(record["error"].as_str().unwrap()));
    assert!(!site.workspace.root().join("target/xtask/receipts").exists());
    let sent = site.fake.mutation_names();
    assert!(sent.iter().filter(|name| *name == "DeployServiceInstance").count() <= 1, "{sent:?}");
}

#[test]
fn a_failing_health_check_leaves_the_previous_one_serving() {
    let site = Site::deployed();
    site.fake.with(|service| {
        service.course = vec!["DEPLOYING", "FAILED"];
        service.events = json!([
            {"step": "CREATE_CONTAINER", "createdAt": "x", "completedAt": "y", "payload": null},
            {"step": "HEALTHCHECK", "createdAt": "x", "completedAt": "y",
             "payload": {"error": "no answer with status 200 within 300 s"}},
        ]);
        let line = |second: usize, message: String| {
            json!({"timestamp": format!("2026-11-20T10:00:{second:02}Z"), "message": message, "severity": "err"})
        };
        let mut lines: Vec<_> = (0..30).map(|second| line(second, format!("line {second}"))).collect();
        lines.push(line(31, format!("\u{1b}[31mcannot connect\u{1b}[0m with {SECRET_VALUE}\n")));
        // Railway does not say in which order they come.
        lines.reverse();
        service.logs = lines.into();
    });
    let lines: String = (11..30).map(|second| format!("\n            line {second}")).collect();
    let run = site.deploy(&[]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    let message = site.message(&run).replace(&lines.replace("            ", "    "), "\n    …");
    expect![[r#"
        error: step `wait until served`: deployment d-2 is FAILED at step HEALTHCHECK (no answer
            with status 200 within 300 s)
          last lines of its log:
            …
            cannot connect with [redacted]
          deployment d-1 with ghcr.io/o/app@sha256:1 still serves
         hint: `cargo xtask deploy rollback d-1` sets everything back to what served before"#]]
    .assert_eq(&message);
    let record = &site.records()[0];
    assert_eq!((&record["result"], &record["deployment"]), (&json!("failed"), &json!("d-2")));
    assert_eq!(record["steps"][4]["state"], "failed");
}

#[test]
fn success_with_another_image_is_no_success() {
    let site = Site::deployed();
    site.fake.with(|service| service.ghost = Some(image("1")));
    fails(
        &site,
        &[],
        1,
        Some("d-2"),
        expect![[r#"
            error: step `wait until served`: deployment d-2 is SUCCESS, but runs
                ghcr.io/o/app@sha256:1 instead of ghcr.io/o/app@sha256:2
              deployment d-2 with ghcr.io/o/app@sha256:1 serves now
             hint: `cargo xtask deploy rollback d-1` sets everything back to what served before"#]],
    );
}

#[test]
fn a_status_that_ends_it() {
    for (status, hint) in
        [("REMOVED", "rollback d-1`"), ("SKIPPED", "rollback d-1`"), ("NEEDS_APPROVAL", "approve")]
    {
        let site = Site::deployed();
        site.fake.with(|service| service.course = vec![status]);
        let run = site.deploy(&[]);
        assert_eq!(run.code, Some(1), "{}", run.stderr);
        assert!(run.stderr.contains(&format!("deployment d-2 is {status}\n")), "{}", run.stderr);
        assert!(run.stderr.contains(hint), "{}", run.stderr);
    }
}

#[test]
fn a_crash_after_success() {
    let site = Site::deployed();
    site.fake.with(|service| {
        service.course = vec!["SUCCESS", "CRASHED"];
        service.app = Some(("502 Bad Gateway", ""));
    });
    fails(
        &site,
        &["--wait-timeout", "1"],
        1,
        Some("d-2"),
        expect![[r#"
            error: step `verify`: deployment d-2 is CRASHED, after Railway had called it a success
              nothing serves: the service has no active deployment
             hint: `cargo xtask deploy rollback d-1` sets everything back to what served before"#]],
    );
}

#[test]
fn the_time_is_up() {
    let site = Site::deployed();
    site.fake.with(|service| service.course = vec!["DEPLOYING"]);
    fails(
        &site,
        &["--wait-timeout", "1"],
        5,
        Some("d-2"),
        expect![[r#"
            error: step `wait until served`: deployment d-2 is still DEPLOYING after 1 s
              deployment d-1 with ghcr.io/o/app@sha256:1 still serves
             hint: it goes on at Railway: the same command again goes on waiting, --wait-timeout
                SECONDS waits longer, `cargo xtask deploy status` looks; `cargo xtask deploy rollback
                d-1` sets everything back to what served before"#]],
    );
}

#[test]
fn another_revision_is_served() {
    let site = Site::deployed();
    site.fake.with(|service| service.app = Some(("200 OK", r#"{"revision":"old"}"#)));
    fails(
        &site,
        &["--wait-timeout", "1"],
        1,
        Some("d-2"),
        expect![[r#"
            error: step `verify`: http://[address]/health answers 200 but has not named revision
                `new` within 1 s
              deployment d-2 with ghcr.io/o/app@sha256:2 serves now
             hint: the health answer has to hold the value of APP_REVISION in some field; where the
                app does not tell, set `verify-revision = false` in [workspace.metadata.xtask];
                `cargo xtask deploy rollback d-1` sets everything back to what served before"#]],
    );
}

#[test]
fn an_answer_that_is_lost_and_no_deployment() {
    let site = Site::deployed();
    site.fake.reply("DeployServiceInstance", Reply::Dropped);
    fails(
        &site,
        &[],
        4,
        None,
        expect![[r#"
        error: step `deploy`: POST http://[address]/graphql/v2: io: Peer disconnected, and no
            deployment with ghcr.io/o/app@sha256:2 has appeared; it was not sent again
         hint: `cargo xtask deploy status` shows whether one has begun after all; if not, run the
            command again"#]],
    );
}

#[test]
fn a_refused_mutation_ends_it() {
    let site = Site::deployed();
    site.fake.reply("UpdateServiceInstance", Reply::Error("Not Authorized"));
    fails(
        &site,
        &[],
        2,
        None,
        expect![[r#"
        error: step `update service`: Railway says "Not Authorized" to `UpdateServiceInstance`:
            the project token in RAILWAY_TOKEN, sent as `Project-Access-Token`, is not valid or
            may not do this
         hint: make a project token in the project's settings on railway.com (Settings → Tokens,
            for one environment) and put it into RAILWAY_TOKEN; an account or workspace token
            goes into RAILWAY_API_TOKEN"#]],
    );
    assert_eq!(site.fake.mutation_names(), ["UpsertVariables", "UpdateServiceInstance"]);
}

#[test]
fn a_mutation_is_not_sent_again() {
    let site = Site::deployed();
    site.fake.reply("UpsertVariables", Reply::Raw("502 Bad Gateway", "", ""));
    fails(
        &site,
        &[],
        4,
        None,
        expect!["error: step `set revision`: Railway answers `UpsertVariables` with status 502"],
    );
    assert_eq!(site.fake.mutation_names(), ["UpsertVariables"]);
}

#[test]
fn somebody_else_deploys_at_the_same_time() {
    let site = Site::deployed();
    site.fake.with(|service| service.course = vec!["DEPLOYING"]);
    let mut child = site.start(&[]);
    site.wait_for(&mut child, "the deployment", |service| service.deployments.len() == 2);
    site.fake.deployed("d-9", &image("3"), "SUCCESS", "theirs");
    site.fake.with(|service| service.go_on("d-2", &["REMOVED"]));
    let run = site.finish(child);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    expect![[r#"
        error: step `wait until served`: deployment d-2 is REMOVED, and there is a newer one that
            is not ours: d-9 with ghcr.io/o/app@sha256:3 is SUCCESS
         hint: somebody else deployed at the same time; `cargo xtask deploy status` shows what
            serves in the end"#]]
    .assert_eq(&site.message(&run));
}

#[test]
fn somebody_else_deploys_just_before() {
    let site = Site::deployed();
    site.fake.with(|service| service.intruder = Some(image("3")));
    fails(
        &site,
        &[],
        1,
        None,
        expect![[r#"
        error: step `deploy`: somebody else has deployed meanwhile: d-9 with
            ghcr.io/o/app@sha256:3 is DEPLOYING
         hint: nothing was deployed; the service's settings name the new image for whoever
            deploys next"#]],
    );
    assert_eq!(site.fake.mutation_names(), ["UpsertVariables", "UpdateServiceInstance"]);
}
