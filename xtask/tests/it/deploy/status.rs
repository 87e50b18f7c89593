//! `deploy status`: what is deployed, whether it is healthy, and whether it is what was deployed from here.

use expect_test::expect;
use serde_json::{Value, json};

use super::{Site, image};

#[test]
fn a_healthy_service() {
    let site = Site::deployed();
    assert_eq!(site.deploy(&[]).code, Some(0));
    let run = site.run(&["deploy", "status", "--format", "json"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let status: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((&status["schema"], &status["healthy"]), (&json!("xtask.deploy-status/1"), &json!(true)));
    assert_eq!(status["active"][0]["id"], "d-2");
    assert_eq!((&status["source_image"], &status["revision"]), (&json!(image("2")), &json!("new")));
    assert_eq!(
        (&status["health"]["status"], &status["health"]["names_revision"]),
        (&json!(200), &json!(true))
    );
    assert_eq!(
        (&status["receipt"]["is_live"], &status["receipt"]["deployed"]["deployment"]),
        (&json!(true), &json!("d-2"))
    );
    // Somebody else deploys.
    site.fake.deployed("d-3", &image("3"), "SUCCESS", "theirs");
    let run = site.run(&["deploy", "status"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let text = site.plain(&run.stdout);
    let from_here = text.lines().find(|line| line.starts_with("from here")).unwrap();
    assert!(
        from_here.starts_with("from here     d-2 at 2") && from_here.ends_with("; something else serves now")
    );
    let text = text.replace(from_here, "from here  …");
    expect![[r#"
        service       web (production) in project shop
        health        200, does not name revision new (http://[address]/health)
        source        ghcr.io/o/app@sha256:2
        APP_REVISION  new
        from here  …

                deployment  status   since                     image
        active  d-3         SUCCESS  2026-11-20T10:02:00.000Z  ghcr.io/o/app@sha256:3

        note: the service's settings name ghcr.io/o/app@sha256:2, which is not what serves: a
            deployment was interrupted before it began, or somebody changed it
              `cargo xtask deploy --image ghcr.io/o/app@sha256:2 --revision new` deploys it
              `cargo xtask deploy rollback d-3` sets the settings back to what serves"#]]
    .assert_eq(&text);
}

#[test]
fn an_unhealthy_service_is_a_failed_check() {
    let site = Site::deployed();
    site.fake.with(|service| service.app = Some(("503 Service Unavailable", "")));
    let run = site.run(&["deploy", "status"]);
    assert_eq!(run.code, Some(1));
    assert!(run.stdout.contains("health        503"), "{}", run.stdout);
    expect![[r#"
        error: web (production) is not healthy: http://[address]/health does not answer 200
         hint: `cargo xtask deploy logs` shows what the app says; `cargo xtask deploy rollback
            --dry-run`, what could be gone back to"#]]
    .assert_eq(&site.message(&run));
}

#[test]
fn nothing_is_deployed() {
    let site = Site::new();
    let run = site.run(&["deploy", "status"]);
    assert_eq!(run.code, Some(1));
    expect![[r#"
        service       web (production) in project shop
        health        404 (http://[address]/health)
        source        not set
        APP_REVISION  not set

                deployment  status  since  image
        active  none"#]]
    .assert_eq(&site.plain(&run.stdout));
    expect![[r#"
        error: web (production) is not healthy: no deployment is active
         hint: `cargo xtask deploy --image REGISTRY/NAME@sha256:…` makes the first one"#]]
    .assert_eq(&site.message(&run));
    assert!(!site.workspace.root().join("target").exists());
}
