//! Whoever wants to be told of deployments: what is sent, and that it never is in the way.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Site, image};

/// The secret part of the webhook's address.
const HOOK: &str = "hook-3f9a-of-a-test";

/// A service that serves image 1, and somebody who wants to know.
fn site() -> Site {
    let mut site = Site::deployed();
    site.workspace
        .set("XTASK_NOTIFY_URL", format!("http://{}/hook/{HOOK}?key={HOOK}-too", site.fake.address));
    site
}

fn told(site: &Site) -> Vec<Value> {
    site.fake.with(|service| service.neighbours.told.clone())
}

/// Neither address nor anything secret is in what was said, left behind or sent.
fn keeps_the_address(site: &Site, run: &crate::support::Run) {
    let files = crate::support::contents(&site.workspace.root().join("target"));
    let sent = told(site).iter().map(Value::to_string).collect::<String>();
    for text in files.values().chain([&run.stdout, &run.stderr, &sent]) {
        for secret in [HOOK, super::TOKEN, super::SECRET_VALUE] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

#[test]
fn success_and_failure_are_told() {
    let mut site = site();
    let run = site.deploy(&[]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    keeps_the_address(&site, &run);
    let sent = told(&site);
    assert_eq!(sent.len(), 1);
    assert_eq!((&sent[0]["schema"], &sent[0]["result"]), (&json!("xtask.notification/1"), &json!("ok")));
    assert_eq!((&sent[0]["deployment"], &sent[0]["image"]), (&json!("d-2"), &json!(image("2"))));
    // Nothing has happened, or is going to.
    assert_eq!(site.deploy(&[]).code, Some(0));
    assert_eq!(site.run(&["deploy", "--image", &image("3"), "--revision", "x", "--dry-run"]).code, Some(0));
    assert_eq!(told(&site).len(), 1);

    site.fake.with(|service| {
        service.course = vec!["FAILED"];
        let line = format!("password {}", super::SECRET_VALUE);
        service.logs = json!([{"timestamp": "2026-11-20T10:00:00Z", "message": line, "severity": null}]);
    });
    site.workspace.set("XTASK_NOTIFY_FORMAT", "slack");
    let run = site.run(&["deploy", "--image", &image("3"), "--revision", "x"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    keeps_the_address(&site, &run);
    let text = told(&site)[1]["text"].as_str().unwrap().to_owned();
    assert!(text.starts_with("web (production) in project shop: deployment FAILED after"), "{text}");
    assert!(text.contains("is FAILED") && text.contains("password [redacted]"), "{text}");

    // A rollback is a deployment too, and Discord has another word for text.
    site.workspace.set("XTASK_NOTIFY_FORMAT", "discord");
    site.fake.with(|service| service.course = vec!["SUCCESS"]);
    let run = site.run(&["deploy", "rollback", "d-1"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let last = told(&site).pop().unwrap();
    assert!(last["content"].as_str().unwrap().contains("rollback is served"), "{last}");
}

#[test]
fn what_the_precheck_refuses_is_told() {
    let site = site();
    site.fake.with(|service| service.plan.1 = true);
    let run = site.deploy(&[]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(told(&site)[0]["error"].as_str().unwrap().contains("restricts"), "{:#}", told(&site)[0]);
}

#[test]
fn a_webhook_is_never_in_the_way() {
    let answers = [
        (Some("404 Not Found"), "nobody was told: the webhook answers 404"),
        (Some("301 Moved Permanently"), "nobody was told: the webhook answers 301"),
        (None, "no complete answer within 5s"),
    ];
    // Nothing listens, or it is no address at all.
    let nowhere = [
        format!("http://127.0.0.1:1/{HOOK}"),
        format!("ftp://{HOOK}"),
        format!("http://chat.example/{HOOK}"),
    ];
    let never = |site: &Site, said: &str| {
        let began = Instant::now();
        let run = site.deploy(&[]);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        assert!(run.stderr.contains(said), "{}", run.stderr);
        assert!(began.elapsed() < Duration::from_secs(20));
        keeps_the_address(site, &run);
        assert_eq!(site.records()[0]["result"], "ok");
    };
    // One waits, the others need not wait for it.
    std::thread::scope(|scope| {
        for (answer, said) in answers {
            scope.spawn(move || {
                let site = site();
                site.fake.with(|service| service.neighbours.webhook = Some(answer));
                never(&site, said);
            });
        }
        for url in nowhere {
            scope.spawn(move || {
                let mut site = site();
                site.workspace.set("XTASK_NOTIFY_URL", url);
                never(&site, "note: nobody was told: ");
            });
        }
    });
}

#[test]
fn nobody_is_told_unless_asked_for() {
    let site = Site::deployed();
    assert_eq!(site.deploy(&[]).code, Some(0));
    assert_eq!(told(&site), [Value::Null; 0]);
}
