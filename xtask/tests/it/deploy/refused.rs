//! What is refused before anything is changed.

use expect_test::expect;
use serde_json::json;

use super::fake::Reply;
use super::{Site, image};

/// The message of a run that must change nothing at Railway, and is on record where its service was known.
fn refused_of(site: &Site, args: &[&str], code: i32, recorded: bool) -> String {
    let run = site.run(args);
    assert_eq!(run.code, Some(code), "{}", run.stderr);
    assert_eq!(run.stdout, "");
    assert_eq!(site.fake.mutations(), []);
    let records = site.records();
    assert_eq!(records.len(), usize::from(recorded), "{records:?}");
    for record in records {
        assert_eq!(
            (&record["result"], &record["steps"], &record["service"]["service"]),
            (&json!("failed"), &json!([]), &json!("web"),)
        );
        assert!(run.stderr.contains(record["error"].as_str().unwrap()), "{record:#}");
    }
    site.message(&run)
}

/// The same before the service was known.
fn refused(site: &Site, args: &[&str], code: i32) -> String {
    refused_of(site, args, code, false)
}

#[test]
fn a_tag_is_no_digest() {
    let site = Site::new();
    expect![[r#"
        error: `ghcr.io/o/app:latest` does not name an image by digest
         hint: `cargo xtask docker pack` prints what it has pushed as REGISTRY/NAME@sha256:…; a
            tag is not enough, because it may mean another image by the time it is pulled"#]]
    .assert_eq(&refused(&site, &["deploy", "--image", "ghcr.io/o/app:latest", "--revision", "r"], 2));
    assert_eq!(site.fake.with(|service| service.calls.len()), 0);
}

#[test]
fn no_token_and_two() {
    let mut site = Site::new();
    let (one, args) = (image("1"), |image| ["deploy", "--image", image, "--revision", "r"]);
    site.workspace.set("RAILWAY_API_TOKEN", "another-token");
    expect![[r#"
        error: both RAILWAY_TOKEN and RAILWAY_API_TOKEN are set, and they may mean different
            projects
         hint: unset one: RAILWAY_TOKEN is a project token, RAILWAY_API_TOKEN an account or
            workspace token"#]]
    .assert_eq(&refused(&site, &args(&one), 2));
    site.workspace.set("RAILWAY_API_TOKEN", "");
    site.workspace.set("RAILWAY_TOKEN", "");
    expect![[r#"
        error: there is no Railway token in the environment
         hint: make a project token in the project's settings on railway.com (Settings → Tokens,
            for one environment) and put it into RAILWAY_TOKEN; an account or workspace token
            goes into RAILWAY_API_TOKEN"#]]
    .assert_eq(&refused(&site, &args(&one), 2));
}

#[test]
fn without_a_checkout_the_revision_has_to_be_named() {
    let site = Site::new();
    expect![[r#"
        error: the revision is not known: this is no git checkout, or git is missing
         hint: --revision TEXT says what the app is told that it is, e.g. the commit of the image"#]]
    .assert_eq(&refused(&site, &["deploy", "--image", &image("1")], 2));
}

#[test]
fn a_token_that_may_not() {
    let site = Site::new();
    site.fake.reply("ProjectToken", Reply::Error("Not Authorized"));
    expect![[r#"
        error: Railway says "Not Authorized" to `ProjectToken`: the project token in
            RAILWAY_TOKEN, sent as `Project-Access-Token`, is not valid or may not do this
         hint: make a project token in the project's settings on railway.com (Settings → Tokens,
            for one environment) and put it into RAILWAY_TOKEN; an account or workspace token
            goes into RAILWAY_API_TOKEN"#]]
    .assert_eq(&refused(&site, &["deploy", "--image", &image("1"), "--revision", "r"], 2));
    assert_eq!(site.fake.with(|service| service.calls.len()), 1);
}

#[test]
fn an_environment_that_the_token_is_not_for() {
    let site = Site::new();
    let args = ["deploy", "--image", &image("1"), "--revision", "r", "--environment", "staging"];
    expect![[r#"
        error: project `shop` has no environment `staging` (--environment)
         hint: environments: production"#]]
    .assert_eq(&refused(&site, &args, 2));
}

#[test]
fn a_deployment_of_something_else_is_under_way() {
    let site = Site::deployed();
    site.fake.deployed("d-2", &image("3"), "BUILDING", "");
    expect![[r#"
        error: another deployment is under way: d-2 with ghcr.io/o/app@sha256:3 is BUILDING
         hint: `cargo xtask deploy status` shows how it ends; it can be aborted on railway.com"#]]
    .assert_eq(&refused_of(&site, &["deploy", "--image", &image("2"), "--revision", "new"], 1, true));
    let record = &site.records()[0];
    assert_eq!((&record["image"], &record["revision"]), (&json!(image("2")), &json!("new")));
    assert_eq!((&record["previous"]["deployment"], &record["deployment"]), (&json!("d-1"), &json!(null)));
}

#[test]
fn a_service_without_an_address_is_on_record_too() {
    let site = Site::deployed();
    site.fake.with(|service| service.has_domain = false);
    expect![[r#"
        error: the service has no domain, so nobody could see whether it is served
         hint: `cargo xtask deploy init` makes one, and so does railway.com (Settings →
            Networking → Generate Domain); --url names another address"#]]
    .assert_eq(&refused_of(&site, &["deploy", "--image", &image("2"), "--revision", "new"], 2, true));
    assert_eq!(site.records()[0]["url"], json!(null));
}

#[test]
fn an_api_that_breaks_down_before_the_plan_is_on_record() {
    let site = Site::deployed();
    site.fake.reply("Variables", Reply::Error("Problem processing request"));
    expect!["error: Railway refuses `Variables`: Problem processing request"].assert_eq(&refused_of(
        &site,
        &["deploy", "--image", &image("2"), "--revision", "new"],
        4,
        true,
    ));
}

#[test]
fn an_api_that_rests_for_an_hour_is_not_waited_for() {
    let site = Site::new();
    site.fake.reply("Project", Reply::Raw("429 Too Many Requests", "Retry-After: 3600\r\n", ""));
    expect!["error: Railway takes no more requests for 3600 s: the limit of the plan is reached"]
        .assert_eq(&refused(&site, &["deploy", "--image", &image("1"), "--revision", "r"], 4));
}

#[test]
fn an_api_that_is_not_there() {
    let mut site = Site::new();
    site.workspace.set("RAILWAY_BACKBOARD_URL", "http://127.0.0.1:1");
    expect![[r#"
        error: POST http://127.0.0.1:1/graphql/v2: connection refused: nothing listens there
         hint: status.railway.com says whether Railway is well; RAILWAY_BACKBOARD_URL, where it
            is set, is the address that is asked"#]]
    .assert_eq(&refused(&site, &["deploy", "--image", &image("1"), "--revision", "r"], 4));
}

#[test]
fn an_address_without_tls() {
    let mut site = Site::new();
    site.workspace.set("RAILWAY_BACKBOARD_URL", "http://backboard.example");
    expect![[r#"
        error: RAILWAY_BACKBOARD_URL `http://backboard.example` is no address that can be used:
            only this machine is asked without TLS; write `https://`"#]]
    .assert_eq(&refused(&site, &["deploy", "--image", &image("1"), "--revision", "r"], 2));
}
