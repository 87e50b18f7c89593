//! `deploy rollback`: what is chosen, and what is sent.

use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::fake::Reply;
use super::{Site, image};
use crate::support::Run;

impl Site {
    /// A service that served image 1 at revision `old` (d-1) and serves image 2 at revision `new` (d-2).
    pub(super) fn two() -> Site {
        let site = Site::deployed();
        site.fake.deployed("d-2", &image("2"), "SUCCESS", "new");
        site.settings("2", "new");
        site
    }

    pub(super) fn settings(&self, digit: &str, revision: &str) {
        self.fake.with(|service| {
            service.source["image"] = image(digit).into();
            service.variables["APP_REVISION"] = revision.into();
        });
    }

    pub(super) fn roll_back(&self, args: &[&str]) -> Run {
        self.run(&[&["deploy", "rollback"], args].concat())
    }

    /// Rolls back, which must succeed: the last record.
    pub(super) fn rolled_back(&self, args: &[&str]) -> Value {
        let run = self.roll_back(args);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        let record = self.records().pop().unwrap();
        assert_eq!(record["result"], "ok");
        record
    }

    /// What is refused changes nothing, and is on record all the same.
    pub(super) fn refuses(&self, args: &[&str], code: i32, expected: Expect) {
        let (sent, recorded) = (self.fake.mutations().len(), self.records().len());
        let run = self.roll_back(args);
        assert_eq!((run.code, run.stdout.as_str()), (Some(code), ""), "{}", run.stderr);
        expected.assert_eq(&self.message(&run));
        assert_eq!(self.fake.mutations().len(), sent);
        let records = self.records();
        assert_eq!(records.len(), recorded + 1);
        assert_eq!(
            (&records[recorded]["result"], &records[recorded]["steps"]),
            (&json!("failed"), &json!([]))
        );
    }
}

#[test]
fn by_railway_with_the_settings_that_follow() {
    let site = Site::two();
    site.fake.with(|service| {
        service.variables["ADDED"] = super::SECRET_VALUE.into();
        service.variables["DATABASE_PASSWORD"] = "hunter3-of-a-test".into();
    });
    let run = site.roll_back(&["--yes", "--format", "json"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(
        site.fake.mutation_names(),
        ["UpsertVariables", "UpdateServiceInstance", "RollBackDeployment"]
    );
    let mutations = site.fake.mutations();
    assert_eq!(mutations[0].1["input"]["variables"], json!({"APP_REVISION": "old"}));
    // Settings of railway.toml are for another version.
    assert_eq!(mutations[1].1["input"], json!({"source": {"image": image("1")}}));
    assert_eq!(mutations[2].1, json!({"id": "d-1"}));
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["rollback"], json!({"to": "d-1", "way": "railway"}));
    assert_eq!((&report["deployment"], &report["revision"]), (&json!("d-3"), &json!("old")));
    assert_eq!(report["previous"]["deployment"], "d-2");
    assert_eq!(site.records(), [report]);
    let receipt = site.workspace.read("target/xtask/receipts/deploy/production-web.json");
    let receipt: Value = serde_json::from_str(&receipt).unwrap();
    assert_eq!(
        (&receipt["deployed"]["deployment"], &receipt["previous"]["deployment"]),
        (&json!("d-3"), &json!("d-2"))
    );
    let note = run.stderr.lines().find(|line| line.contains("variables:")).unwrap();
    expect![[r#"
        note: variables: Railway's rollback runs with those that d-1 had (since then:
            DATABASE_PASSWORD changed; ADDED added); the service's own stay as they are, but for
            APP_REVISION, and count again from the next deployment on"#]]
    .assert_eq(&site.plain(note));
}

#[test]
fn by_digest_after_the_window() {
    let site = Site::new();
    site.fake.with(|service| service.keeps_removed = false);
    for (id, digit, revision) in [("d-1", "1", "old"), ("d-2", "2", "new")] {
        site.fake.deployed(id, &image(digit), "SUCCESS", revision);
        site.settings(digit, revision);
    }
    // Nothing tells that d-1 ever served but the steps that it went through.
    site.refuses(
        &["--yes"],
        1,
        expect![[r#"
            error: there is nothing to roll back to: of the newest 50 deployments none before d-2 is
                known to have served another image than ghcr.io/o/app@sha256:2
             hint: `cargo xtask deploy list` shows the deployments of the service; `cargo xtask
                deploy --image REGISTRY/NAME@sha256:… --revision TEXT` deploys any image"#]],
    );
    site.fake.with(|service| {
        let step = |name: &str| json!({"step": name, "createdAt": "x", "completedAt": "y", "payload": null});
        service.events = json!([step("CREATE_CONTAINER"), step("HEALTHCHECK")]);
    });
    let record = site.rolled_back(&["--yes"]);
    assert_eq!(record["rollback"], json!({"to": "d-1", "way": "digest"}));
    assert_eq!(
        site.fake.mutation_names(),
        ["UpsertVariables", "UpdateServiceInstance", "DeployServiceInstance"]
    );
}

#[test]
fn what_railway_refuses_is_deployed_by_digest() {
    let refused = Reply::Error("Deployment cannot be rolled back");
    let no = Reply::Raw("200 OK", "", r#"{"data":{"deploymentRollback":false}}"#);
    for reply in [refused, no] {
        let site = Site::two();
        site.fake.reply("RollBackDeployment", reply);
        let run = site.roll_back(&["d-1"]);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        assert!(run.stderr.contains("deploying its image by digest instead"), "{}", run.stderr);
        let sent = site.fake.mutation_names();
        assert_eq!(sent[2..], ["RollBackDeployment", "DeployServiceInstance"]);
        assert_eq!(site.fake.with(|service| service.served_revision.clone()), "old");
    }
    // A token that may not roll back may not deploy either.
    let site = Site::two();
    site.fake.reply("RollBackDeployment", Reply::Error("Not Authorized"));
    let run = site.roll_back(&["d-1"]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    assert_eq!(site.fake.mutation_names().last().unwrap(), "RollBackDeployment");
}

#[test]
fn an_answer_that_is_lost_and_one_without_a_deployment() {
    let site = Site::two();
    site.fake.reply("RollBackDeployment", Reply::Lost);
    let run = site.roll_back(&["d-1"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stdout.contains("deployment d-3, found in the list"), "{}", run.stdout);
    let asked = site.fake.mutation_names();
    assert_eq!(asked.iter().filter(|name| *name == "RollBackDeployment").count(), 1);

    let site = Site::two();
    let yes = r#"{"data":{"deploymentRollback":true}}"#;
    site.fake.reply("RollBackDeployment", Reply::Raw("200 OK", "", yes));
    let run = site.roll_back(&["d-1"]);
    assert_eq!(run.code, Some(4), "{}", run.stderr);
    expect![[r#"
        error: step `roll back`: Railway has accepted the rollback, and no deployment with
            ghcr.io/o/app@sha256:1 has appeared; it was not sent again
         hint: `cargo xtask deploy status` shows whether one has begun after all; if not, run the
            command again"#]]
    .assert_eq(&site.message(&run));
}

#[test]
fn a_digest_and_a_revision_of_ones_own() {
    let site = Site::two();
    let whole = image("1");
    let digest = whole.split('@').nth(1).unwrap();
    let record = site.rolled_back(&[digest, "--revision", "old-again"]);
    // Railway's rollback would bring the old name along.
    assert_eq!(record["rollback"], json!({"to": "d-1", "way": "digest"}));
    assert_eq!((&record["revision"], &record["image"]), (&json!("old-again"), &json!(whole)));
    // A second one goes forth again, and says so.
    let run = site.roll_back(&["--dry-run"]);
    assert!(
        run.stderr.contains("d-2 came after the image that is live: this goes forth again"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_revision_that_nobody_knows() {
    let site = Site::two();
    site.fake.with(|service| service.snapshots.clear());
    // Railway's own rollback has the variables of then.
    let run = site.roll_back(&["d-1", "--dry-run"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    expect![[r#"
        set -e
        # update service
        # web (production): set the image to ghcr.io/o/app@sha256:1
        # roll back
        # web (production): roll back to deployment d-1, unless there is a newer deployment than
            d-2
        # wait until served
        # wait at most 900 s until the deployment runs ghcr.io/o/app@sha256:1
        # verify
        # http://[address]/health answers 200 within 60 s"#]]
    .assert_eq(&site.plain(&run.stdout));
    expect![[r#"
        note: nobody knows which revision deployment d-1 was: APP_REVISION stays as it is, and is
            not looked for
        note: variables: Railway's rollback runs with those that d-1 had (which of them differ is
            not known); the service's own stay as they are, but for APP_REVISION, and count again
            from the next deployment on"#]]
    .assert_eq(&site.plain(&run.stderr));
    site.fake.with(|service| service.deployments[0]["canRollback"] = false.into());
    site.refuses(
        &["d-1"],
        2,
        expect![[r#"
        error: nobody knows which revision deployment d-1 was
         hint: --revision TEXT says what the app is told that it is, e.g. the commit of the image"#]],
    );
    assert_eq!(site.rolled_back(&["d-1", "--revision", "old"])["revision"], "old");
}

#[test]
fn the_newest_one_has_failed() {
    let site = Site::two();
    site.fake.deployed("d-3", &image("3"), "FAILED", "");
    site.settings("3", "bad");
    let run = site.roll_back(&["--dry-run"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stdout.contains("roll back to deployment d-1"), "{}", run.stdout);
    let note = run.stderr.lines().find(|line| line.contains("d-3")).unwrap();
    expect![[r#"
        note: the newest deployment, d-3, is FAILED, and d-2 still serves: `cargo xtask deploy
            rollback d-2` keeps it, and sets only the settings back"#]]
    .assert_eq(&site.plain(note));

    // What serves goes on; only the settings are its own again.
    let record = site.rolled_back(&["d-2"]);
    assert_eq!(record["rollback"], json!({"to": "d-2", "way": "settings"}));
    assert_eq!(record["deployment"], "d-2");
    assert_eq!(site.fake.mutation_names(), ["UpsertVariables", "UpdateServiceInstance"]);
    site.refuses(
        &["d-2"],
        1,
        expect![[r#"
        error: deployment d-2 with ghcr.io/o/app@sha256:2 is what is live
         hint: there is nothing to roll back; `cargo xtask deploy list` shows what was before it"#]],
    );
    site.refuses(
        &["d-3"],
        1,
        expect![[r#"
        error: deployment d-3 is FAILED: it never served
         hint: `cargo xtask deploy list` shows the deployments of the service; `cargo xtask
            deploy --image REGISTRY/NAME@sha256:… --revision TEXT` deploys any image"#]],
    );
}

#[test]
fn the_same_again_does_nothing() {
    let site = Site::two();
    site.rolled_back(&["d-1"]);
    let sent = site.fake.mutations().len();
    let record = site.rolled_back(&["d-1"]);
    assert_eq!((&record["already_current"], &record["deployment"]), (&json!(true), &json!("d-3")));
    assert_eq!(site.fake.mutations().len(), sent);
}

#[test]
fn a_dry_run_only_looks() {
    let site = Site::two();
    let run = site.roll_back(&["--dry-run"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    expect![[r#"
        set -e
        # set revision
        # web (production): set APP_REVISION=old without a deployment
        # update service
        # web (production): set the image to ghcr.io/o/app@sha256:1
        # roll back
        # web (production): roll back to deployment d-1, or deploy its image where Railway
            refuses, unless there is a newer deployment than d-2
        # wait until served
        # wait at most 900 s until the deployment runs ghcr.io/o/app@sha256:1
        # verify
        # http://[address]/health answers 200 and names revision old within 60 s"#]]
    .assert_eq(&site.plain(&run.stdout));
    assert_eq!(site.fake.mutations(), []);
    assert!(!site.workspace.root().join("target").exists());
}

#[test]
fn a_rollback_that_fails_leaves_what_serves() {
    let site = Site::two();
    site.fake.with(|service| service.course = vec!["DEPLOYING", "FAILED"]);
    let run = site.roll_back(&["d-1"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    expect![[r#"
        error: step `wait until served`: deployment d-3 is FAILED
          deployment d-2 with ghcr.io/o/app@sha256:2 still serves
         hint: `cargo xtask deploy rollback d-2` sets everything back to what served before"#]]
    .assert_eq(&site.message(&run));
}
