//! `deploy list` and `deploy logs`: what was, without secrets.

use expect_test::expect;
use serde_json::{Value, json};

use super::{SECRET_VALUE, Site, TOKEN, image, short};

/// A service with every kind of deployment; the newest last.
fn site() -> Site {
    let site = Site::deployed();
    site.fake.deployed("d-2", &image("2"), "SUCCESS", "two");
    site.fake.deployed("d-3", &image("3"), "FAILED", "");
    site.fake.deployed("d-4", "ghcr.io/o/app:latest", "SKIPPED", "");
    site
}

#[test]
fn the_list_says_what_can_be_brought_back() {
    let site = site();
    assert_eq!(site.run(&["deploy", "--image", &image("1"), "--revision", "again"]).code, Some(0));
    let run = site.run(&["deploy", "list"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    expect![[r#"
        deployment  status   created                   rollback  revision  digest
        d-5         SUCCESS  2026-11-20T10:04:00.000Z  live      again     sha256:1
        d-4         SKIPPED  2026-11-20T10:03:00.000Z  none      unknown   ghcr.io/o/app:latest
        d-3         FAILED   2026-11-20T10:02:00.000Z  none      unknown   sha256:3
        d-2         REMOVED  2026-11-20T10:01:00.000Z  railway   unknown   sha256:2
        d-1         REMOVED  2026-11-20T10:00:00.000Z  railway   unknown   sha256:1
    "#]]
    .assert_eq(&short(&run.stdout));
    let run = site.run(&["deploy", "list", "--limit", "2", "--format", "json"]);
    let list: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(
        (&list["schema"], list["deployments"].as_array().unwrap().len()),
        (&json!("xtask.deploy-list/1"), 2)
    );
    assert_eq!(list["deployments"][0]["revision"], "again");
    // The window is over, and there are no steps to tell whether it served.
    site.fake.with(|service| service.deployments[1]["canRollback"] = false.into());
    let run = site.run(&["deploy", "list", "--format", "json"]);
    let list: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(list["deployments"][3]["rollback"], "unknown", "{list:#}");
    assert_eq!(Site::new().run(&["deploy", "list"]).stdout.lines().count(), 2);
}

#[test]
fn logs_are_bounded_and_without_secrets() {
    let site = site();
    site.fake.with(|service| {
        let line = |second: &str, message: String, severity: Value| {
            json!({"timestamp": format!("2026-11-20T10:00:{second}Z"), "message": message, "severity": severity})
        };
        let long = "x".repeat(9000);
        service.logs = json!([
            line("03", format!("token {TOKEN}\nnext"), Value::Null),
            line("02.5", format!("\u{1b}[31mpassword {SECRET_VALUE}\u{1b}[0m"), json!("error")),
            line("02", long, json!("info")),
            line("01", "first".to_owned(), json!("info")),
        ]);
    });
    let run = site.run(&["deploy", "logs", "d-3", "--lines", "3"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    expect![[r#"
        2026-11-20T10:00:02Z info  [4000 x]…
        2026-11-20T10:00:02.5Z error password [redacted]
        2026-11-20T10:00:03Z token [redacted] next
    "#]]
    .assert_eq(&run.stdout.replace(&"x".repeat(4000), "[4000 x]"));
    let asked = |name: &str| {
        let calls = site.fake.with(|service| service.calls.clone());
        calls.into_iter().rfind(|call| call.name == name).unwrap().variables
    };
    assert_eq!(asked("DeploymentLogs"), json!({"deploymentId": "d-3", "limit": 3}));
    // Without an id it is the newest, whatever became of it.
    let run = site.run(&["deploy", "logs", "--build", "--format", "json"]);
    let log: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(
        (&log["deployment"], &log["status"], &log["is_build"]),
        (&json!("d-4"), &json!("SKIPPED"), &json!(true))
    );
    assert_eq!(asked("BuildLogs"), json!({"deploymentId": "d-4", "limit": 100}));
    assert!(!site.workspace.root().join("target").exists());
}

#[test]
fn a_secret_of_then_is_no_more_shown_than_one_of_now() {
    let site = site();
    site.fake.with(|service| {
        service.snapshots.get_mut("d-3").unwrap()["API_KEY"] = "rotated-since-then".into();
        service.logs = json!([{"timestamp": "x", "message": "with rotated-since-then", "severity": null}]);
    });
    let run = site.run(&["deploy", "logs", "d-3"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "x with [redacted]\n"), "{}", run.stderr);
}

#[test]
fn there_may_be_no_log() {
    let site = site();
    let run = site.run(&["deploy", "logs", "--build"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), ""), "{}", run.stderr);
    assert!(run.stderr.contains("no lines for deployment d-4; an image is not built"), "{}", run.stderr);
    let run = site.run(&["deploy", "logs", "d-77"]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    expect![[r#"
        error: there is no deployment `d-77` that this token may see (Railway refuses
            `Deployment`: not found)
         hint: `cargo xtask deploy list` shows the deployments of the service"#]]
    .assert_eq(&site.message(&run));
    let run = Site::new().run(&["deploy", "logs"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
}
