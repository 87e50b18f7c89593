//! `deploy settings`: what differs between railway.toml and the service, and how it is set.

use expect_test::expect;
use serde_json::json;

use super::Site;
use super::fake::Reply;

const FILE: &str = "[deploy]\nhealthcheckPath = \"/health\"\nhealthcheckTimeout = 300\noverlapSeconds = 5\n\
                    drainingSeconds = 15\nrestartPolicyType = \"always\"\n";

const APPLY: [&str; 3] = ["deploy", "settings", "--apply"];
const DIFF: [&str; 3] = ["deploy", "settings", "--diff"];

/// A service whose draining time and restart policy are not those of the file.
fn site() -> Site {
    let site = Site::new();
    site.workspace.write("railway.toml", FILE);
    site.fake.with(|service| {
        service.settings = json!({
            "healthcheckPath": "/health", "overlapSeconds": 5, "restartPolicyType": "ON_FAILURE",
            "startCommand": "serve --all", "numReplicas": 1,
        });
    });
    site
}

fn records(site: &Site) -> Vec<serde_json::Value> {
    let path = site.workspace.root().join("target/xtask/records/settings.jsonl");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_difference_is_shown_and_is_code_1() {
    let site = site();
    let run = site.run(&DIFF);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    expect![[r#"
        setting             railway.toml  Railway
        drainingSeconds     15            not set      differs
        healthcheckPath     /health       /health
        healthcheckTimeout  300           not set
        numReplicas         not set       1            stays: not in the file
        overlapSeconds      5             5
        restartPolicyType   ALWAYS        ON_FAILURE   differs
        startCommand        not set       serve --all  stays: not in the file

        2 settings differ
    "#]]
    .assert_eq(&run.stdout);
    expect![[r#"
        error: web (production) differs from railway.toml in drainingSeconds, restartPolicyType
         hint: `cargo xtask deploy settings --apply` sets them at Railway, for the next
            deployment"#]]
    .assert_eq(&site.message(&run));
    assert_eq!(site.fake.mutations(), []);
    // It only looks.
    assert!(!site.workspace.root().join("target").exists());

    let json = site.run(&[&DIFF[..], &["--format", "json"]].concat());
    let report: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!((json.code, &report["schema"]), (Some(1), &json!("xtask.deploy-settings/1")));
    assert_eq!(
        report["settings"][0],
        json!({"name": "drainingSeconds", "file": 15, "railway": null, "state": "differs"})
    );
}

#[test]
fn only_what_differs_is_set_and_only_once() {
    let site = site();
    let run = site.run(&APPLY);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let mutations = site.fake.mutations();
    let input = json!({"drainingSeconds": 15, "restartPolicyType": "ALWAYS"});
    assert_eq!(
        mutations,
        [(
            "UpdateServiceInstance".to_owned(),
            json!({"serviceId": "s-1", "environmentId": "e-1", "input": input})
        )]
    );
    assert!(run.stdout.contains("drainingSeconds") && run.stdout.contains("set now"), "{}", run.stdout);
    let again = site.run(&APPLY);
    assert_eq!((again.code, site.fake.mutations().len()), (Some(0), 1), "{}", again.stderr);
    assert!(again.stdout.ends_with("nothing differs\n"), "{}", again.stdout);
    assert_eq!(site.run(&DIFF).code, Some(0));
    let records = records(&site);
    assert_eq!(records.len(), 1);
    assert_eq!((&records[0]["result"], &records[0]["applied"]), (&json!("ok"), &json!(true)));
}

#[test]
fn a_dry_run_prints_what_would_be_set() {
    let site = site();
    let run = site.run(&[&APPLY[..], &["--dry-run"]].concat());
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    expect![[r#"
        set -e
        # update service
        # web (production): set drainingSeconds to 15, restartPolicyType to "ALWAYS"
    "#]]
    .assert_eq(&run.stdout);
    assert_eq!((site.fake.mutations(), records(&site).len()), (vec![], 0));
}

#[test]
fn an_answer_that_is_lost_is_looked_for() {
    let site = site();
    site.fake.reply("UpdateServiceInstance", Reply::Lost);
    let run = site.run(&APPLY);
    assert_eq!((run.code, site.fake.mutations().len()), (Some(0), 1), "{}", run.stderr);
    assert!(records(&site)[0]["steps"][0]["detail"].as_str().unwrap().contains("the answer was lost"));

    // Nothing was done: it is not sent again, and the next run does it.
    let site = self::site();
    site.fake.reply("UpdateServiceInstance", Reply::Dropped);
    let run = site.run(&APPLY);
    assert_eq!((run.code, site.fake.mutations().len()), (Some(4), 1), "{}", run.stderr);
    expect![[r#"
        error: step `update service`: Railway did not answer, and the settings are as they were
         hint: the same command again tries once more"#]]
    .assert_eq(&site.message(&run));
    assert_eq!(records(&site)[0]["result"], "failed");
    assert_eq!((site.run(&APPLY).code, site.fake.mutations().len()), (Some(0), 2));
}

#[test]
fn refusals_change_nothing() {
    for (reply, code, expected) in [
        (Reply::Error("Not Authorized"), 2, "Railway says \"Not Authorized\" to `UpdateServiceInstance`"),
        (Reply::Error("Service not found"), 4, "Railway refuses `UpdateServiceInstance`: Service not found"),
        (
            Reply::Raw("429 Too Many Requests", "Retry-After: 7\r\n", ""),
            4,
            "Railway takes no more requests for 7 s",
        ),
        (
            Reply::Raw("200 OK", "", r#"{"data":{"serviceInstanceUpdate":false}}"#),
            4,
            "Railway did not update the service",
        ),
    ] {
        let site = site();
        site.fake.reply("UpdateServiceInstance", reply);
        let run = site.run(&APPLY);
        assert_eq!((run.code, site.fake.mutations().len()), (Some(code), 1), "{}", run.stderr);
        assert!(run.stderr.contains(expected), "{}", run.stderr);
        assert_eq!(records(&site)[0]["result"], "failed");
    }
    // Queries wait for a limit that ends soon.
    let site = site();
    site.fake.reply("ServiceInstance", Reply::Raw("429 Too Many Requests", "Retry-After: 1\r\n", ""));
    assert_eq!(site.run(&APPLY).code, Some(0));
    site.fake.reply("ServiceInstance", Reply::Error("ServiceInstance not found"));
    let run = site.run(&DIFF);
    assert_eq!(run.code, Some(4));
    assert!(run.stderr.contains("ServiceInstance not found"), "{}", run.stderr);
}

#[test]
fn what_railway_does_not_keep_is_no_success() {
    let site = site();
    site.fake.with(|service| service.keeps_settings = false);
    let run = site.run(&APPLY);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    expect![[r#"
        error: step `update service`: Railway has accepted the settings, but still has its own
            for drainingSeconds, restartPolicyType
         hint: `cargo xtask deploy settings --diff` shows them; the plan may not allow what
            railway.toml says"#]]
    .assert_eq(&site.message(&run));
    assert_eq!(records(&site)[0]["applied"], false);
}

#[test]
fn the_file_is_read_strictly_before_anybody_is_asked() {
    let site = site();
    site.workspace.write("railway.toml", "# The service.\n[deploy]\n\ndrainSeconds = 15\n");
    let run = site.run(&DIFF);
    assert_eq!(run.code, Some(2));
    expect![[r#"
        error: unknown key `drainSeconds` in `[deploy]` in railway.toml (line 4); did you mean
            `drainingSeconds`?
         hint: known keys: cronSchedule, drainingSeconds, healthcheckPath, healthcheckTimeout,
            ipv6EgressEnabled, numReplicas, overlapSeconds, preDeployCommand,
            restartPolicyMaxRetries, restartPolicyType, sleepApplication, startCommand"#]]
    .assert_eq(&site.message(&run));
    site.workspace.write("railway.toml", "[deploy]\nregion = \"europe-west4\"\n");
    let run = site.run(&APPLY);
    assert_eq!(run.code, Some(2));
    expect![[r#"
        error: `region` in `[deploy]` in railway.toml (line 2) is not carried to Railway from
            here
         hint: Railway stops reading this file itself on 2026-12-01: set it in the service's
            settings on railway.com and take it out of the file"#]]
    .assert_eq(&site.message(&run));
    std::fs::remove_file(site.workspace.root().join("railway.toml")).unwrap();
    let run = site.run(&DIFF);
    assert_eq!(run.code, Some(2));
    expect![[r#"
        error: there is no [root]/railway.toml, so there is nothing to compare
         hint: write one, e.g.
        [deploy]
        healthcheckPath = "/health"
        overlapSeconds = 5
        drainingSeconds = 15"#]]
    .assert_eq(&site.message(&run));
    for args in [&DIFF[..2], &[&DIFF[..], &["--apply"]].concat()] {
        assert_eq!(site.run(args).code, Some(2));
    }
    assert_eq!(site.fake.with(|service| service.calls.len()), 0);
}

#[test]
fn a_deployment_that_is_under_way_here_is_not_interfered_with() {
    let site = site();
    site.fake.with(|service| service.course = vec!["DEPLOYING"]);
    let mut deploying = site.start(&[]);
    site.wait_for(&mut deploying, "the deployment", |service| !service.deployments.is_empty());
    site.workspace.edit("railway.toml", "drainingSeconds = 15", "drainingSeconds = 20");
    let run = site.run(&APPLY);
    crate::support::signal(&deploying, "INT");
    site.finish(deploying);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(run.stderr.contains("is under way (process"), "{}", run.stderr);
}
