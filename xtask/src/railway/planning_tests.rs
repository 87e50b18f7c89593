//! Tests of the plan: a service as it may be found, and what is done about it.

use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::*;
use crate::exit::hint_of;

const IMAGE: &str = "ghcr.io/o/app@sha256:";

/// An image by a digest of one digit, repeated.
fn image(digit: &str) -> String {
    format!("{IMAGE}{}", digit.repeat(64))
}

fn deployment(id: &str, status: &str, second: u32, image: &str) -> Value {
    let created = format!("2026-11-20T10:00:{second:02}Z");
    json!({"id": id, "status": status, "createdAt": created, "meta": {"image": image}})
}

/// A service whose source is `source`, with these deployments; those that succeeded are active.
fn state(source: &str, revision: &str, deployments: &[Value]) -> State {
    let active: Vec<&Value> = deployments.iter().filter(|one| one["status"] == "SUCCESS").collect();
    let instance = json!({
        "source": {"image": source}, "healthcheckPath": "/health", "overlapSeconds": 0,
        "domains": {"customDomains": [], "serviceDomains": []}, "activeDeployments": active,
    });
    State {
        instance: serde_json::from_value(instance).unwrap(),
        deployments: deployments.iter().map(|one| serde_json::from_value(one.clone()).unwrap()).collect(),
        revision: (!revision.is_empty()).then(|| revision.to_owned()),
        ..State::default()
    }
}

fn health(names_revision: bool) -> Health {
    Health { status: Some(200), names_revision: Some(names_revision), problem: None }
}

struct Case {
    state: State,
    service: Service,
    health: Option<Health>,
    verify_revision: bool,
    revision: Option<&'static str>,
    start: Start<'static>,
    new_variables: Vec<VariableChange>,
    has_old_variables: bool,
    detach: bool,
}

impl Case {
    fn new(state: State) -> Case {
        let service = Service { healthcheck_path: Some("/health".to_owned()), ..Service::default() };
        let (revision, start) = (Some("new"), Start::Deploy);
        let (new_variables, has_old_variables, detach) = (Vec::new(), false, false);
        Case {
            state,
            service,
            health: None,
            verify_revision: true,
            revision,
            start,
            new_variables,
            has_old_variables,
            detach,
        }
    }

    /// The plan for image 2 and revision `new`, without digests and without what is the same every time.
    fn check(&self, expected: Expect) {
        let target = Target {
            project: "p".to_owned(),
            environment: "e".to_owned(),
            service: "s".to_owned(),
            project_name: "shop".to_owned(),
            environment_name: "production".to_owned(),
            service_name: "web".to_owned(),
        };
        let image = PinnedImage::parse(&image("2")).unwrap();
        let input = Input {
            target: &target,
            image: &image,
            revision: self.revision,
            start: self.start,
            service: &self.service,
            state: &self.state,
            url: "https://app.example",
            health_path: "/health",
            verify_revision: self.verify_revision,
            wait_seconds: 900,
            new_variables: &self.new_variables,
            has_old_variables: self.has_old_variables,
            detach: self.detach,
            health: self.health.as_ref(),
        };
        let text = match plan(&input) {
            Ok(plan) => {
                let notes: String =
                    notes(&input, &plan).iter().map(|note| format!("note: {note}\n")).collect();
                format!("{plan}{notes}")
            }
            Err(error) => format!("error: {error}\nhint: {}\n", hint_of(&error).unwrap()),
        };
        let short = ["1", "2", "3"].iter().fold(text, |text, digit| text.replace(&digit.repeat(64), digit));
        expected.assert_eq(&short.replace("set -e\n", "").replace(IMAGE, "app@"));
    }
}

#[test]
fn a_first_deployment() {
    let mut case = Case::new(state("", "", &[]));
    case.state.instance.source = None;
    case.state.instance.healthcheck_path = None;
    case.check(expect![[r#"
        # set revision
        # web (production): set APP_REVISION=new without a deployment
        # update service
        # web (production): set the image to app@2, healthcheckPath to "/health"
        # deploy
        # web (production): deploy
        # wait until served
        # wait at most 900 s until the deployment runs app@2
        # verify
        # https://app.example/health answers 200 and names revision new within 60 s
    "#]]);
    case.service = Service::default();
    case.verify_revision = false;
    case.check(expect![[r#"
        # set revision
        # web (production): set APP_REVISION=new without a deployment
        # update service
        # web (production): set the image to app@2
        # deploy
        # web (production): deploy
        # wait until served
        # wait at most 900 s until the deployment runs app@2
        # verify
        # https://app.example/health answers 200 within 60 s
        note: Railway has no health check for this service: it switches over as soon as the container has started; `healthcheckPath` in railway.toml makes it wait
    "#]]);
}

#[test]
fn the_next_deployment_changes_what_differs() {
    let mut case = Case::new(state(&image("1"), "old", &[deployment("d-1", "SUCCESS", 1, &image("1"))]));
    case.service.overlap_seconds = Some(5);
    case.check(expect![[r#"
        # set revision
        # web (production): set APP_REVISION=new without a deployment
        # update service
        # web (production): set the image to app@2, overlapSeconds to 5
        # deploy
        # web (production): deploy, unless there is a newer deployment than d-1
        # wait until served
        # wait at most 900 s until the deployment runs app@2
        # verify
        # https://app.example/health answers 200 and names revision new within 60 s
    "#]]);
}

#[test]
fn the_same_image_with_another_revision_is_deployed() {
    let case = Case::new(state(&image("2"), "old", &[deployment("d-1", "SUCCESS", 1, &image("2"))]));
    case.check(expect![[r#"
        # set revision
        # web (production): set APP_REVISION=new without a deployment
        # deploy
        # web (production): deploy, unless there is a newer deployment than d-1
        # wait until served
        # wait at most 900 s until the deployment runs app@2
        # verify
        # https://app.example/health answers 200 and names revision new within 60 s
    "#]]);
}

#[test]
fn what_is_served_already_is_not_deployed_again() {
    let mut case = Case::new(state(&image("2"), "new", &[deployment("d-1", "SUCCESS", 1, &image("2"))]));
    case.health = Some(health(true));
    case.check(expect![[r#"
        # verify
        # https://app.example/health answers 200 and names revision new within 60 s
        note: already current: deployment d-1 serves app@2
    "#]]);
    // The variable was set after the deployment had started.
    case.health = Some(health(false));
    case.check(expect![[r#"
        # deploy
        # web (production): deploy, unless there is a newer deployment than d-1
        # wait until served
        # wait at most 900 s until the deployment runs app@2
        # verify
        # https://app.example/health answers 200 and names revision new within 60 s
    "#]]);
    case.verify_revision = false;
    case.check(expect![[r#"
        # verify
        # https://app.example/health answers 200 within 60 s
        note: already current: deployment d-1 serves app@2
    "#]]);
}

#[test]
fn settings_alone_are_a_reason_to_deploy() {
    let mut case = Case::new(state(&image("2"), "new", &[deployment("d-1", "SUCCESS", 1, &image("2"))]));
    case.health = Some(health(true));
    case.service.draining_seconds = Some(10);
    case.check(expect![[r#"
        # update service
        # web (production): set drainingSeconds to 10
        # deploy
        # web (production): deploy, unless there is a newer deployment than d-1
        # wait until served
        # wait at most 900 s until the deployment runs app@2
        # verify
        # https://app.example/health answers 200 and names revision new within 60 s
    "#]]);
}

#[test]
fn the_last_one_says_how_long_the_next_may_take() {
    let mut live = deployment("d-1", "SUCCESS", 1, &image("1"));
    live["statusUpdatedAt"] = json!("2026-11-20T10:01:02.600Z");
    let mut case = Case::new(state(&image("2"), "new", &[live]));
    case.check(expect![[r#"
        # deploy
        # web (production): deploy, unless there is a newer deployment than d-1
        # wait until served
        # wait at most 900 s until the deployment runs app@2 (the last one took 62 s)
        # verify
        # https://app.example/health answers 200 and names revision new within 60 s
    "#]]);
    // A rollback has nothing to fetch, so it says nothing of that.
    case.start = Start::RollBack("d-0");
    case.check(expect![[r#"
        # roll back
        # web (production): roll back to deployment d-0, or deploy its image where Railway refuses, unless there is a newer deployment than d-1
        # wait until served
        # wait at most 900 s until the deployment runs app@2
        # verify
        # https://app.example/health answers 200 and names revision new within 60 s
    "#]]);
}

#[test]
fn a_deployment_of_the_same_under_way_is_waited_for() {
    let pending = deployment("d-2", "DEPLOYING", 2, &image("2"));
    let live = deployment("d-1", "SUCCESS", 1, &image("1"));
    Case::new(state(&image("2"), "new", &[pending.clone(), live.clone()])).check(expect![[r#"
        # wait until served
        # wait at most 900 s until deployment d-2, which is under way, runs app@2
        # verify
        # https://app.example/health answers 200 and names revision new within 60 s
        note: deployment d-2 with this image is under way already; waiting for it
    "#]]);
    // With the revision of another one it is not the same.
    Case::new(state(&image("2"), "old", &[pending, live])).check(expect![[r#"
        error: another deployment is under way: d-2 with app@2 is DEPLOYING
        hint: `cargo xtask deploy status` shows how it ends; it can be aborted on railway.com
    "#]]);
}

#[test]
fn a_deployment_of_something_else_under_way_is_in_the_way() {
    let pending = deployment("d-2", "BUILDING", 2, &image("3"));
    Case::new(state(&image("3"), "new", &[pending])).check(expect![[r#"
        error: another deployment is under way: d-2 with app@3 is BUILDING
        hint: `cargo xtask deploy status` shows how it ends; it can be aborted on railway.com
    "#]]);
}

#[test]
fn a_failed_deployment_is_followed_by_another() {
    let failed = deployment("d-2", "FAILED", 2, &image("2"));
    let live = deployment("d-1", "SUCCESS", 1, &image("1"));
    Case::new(state(&image("2"), "new", &[failed, live])).check(expect![[r#"
        # deploy
        # web (production): deploy, unless there is a newer deployment than d-2
        # wait until served
        # wait at most 900 s until the deployment runs app@2
        # verify
        # https://app.example/health answers 200 and names revision new within 60 s
    "#]]);
}

#[test]
fn one_under_way_is_found_below_newer_ones() {
    let failed = deployment("d-3", "FAILED", 3, &image("3"));
    let pending = |image: &str| deployment("d-2", "DEPLOYING", 2, image);
    let live = deployment("d-1", "SUCCESS", 1, &image("1"));
    let found =
        |pending: Value| Case::new(state(&image("2"), "new", &[failed.clone(), pending, live.clone()]));
    found(pending(&image("2"))).check(expect![[r#"
        # wait until served
        # wait at most 900 s until deployment d-2, which is under way, runs app@2
        # verify
        # https://app.example/health answers 200 and names revision new within 60 s
        note: deployment d-2 with this image is under way already; waiting for it
    "#]]);
    found(pending(&image("3"))).check(expect![[r#"
        error: another deployment is under way: d-2 with app@3 is DEPLOYING
        hint: `cargo xtask deploy status` shows how it ends; it can be aborted on railway.com
    "#]]);
}

#[test]
fn a_rollback_by_railway_and_the_settings_that_follow() {
    let live = deployment("d-3", "SUCCESS", 3, &image("3"));
    let mut case =
        Case::new(state(&image("3"), "bad", &[live, deployment("d-2", "REMOVED", 2, &image("2"))]));
    case.service = Service::default();
    case.start = Start::RollBack("d-2");
    case.check(expect![[r#"
        # set revision
        # web (production): set APP_REVISION=new without a deployment
        # update service
        # web (production): set the image to app@2
        # roll back
        # web (production): roll back to deployment d-2, or deploy its image where Railway refuses, unless there is a newer deployment than d-3
        # wait until served
        # wait at most 900 s until the deployment runs app@2
        # verify
        # https://app.example/health answers 200 and names revision new within 60 s
    "#]]);
    // Without a revision an ordinary deployment would name a wrong one.
    case.revision = None;
    case.check(expect![[r#"
        # update service
        # web (production): set the image to app@2
        # roll back
        # web (production): roll back to deployment d-2, unless there is a newer deployment than d-3
        # wait until served
        # wait at most 900 s until the deployment runs app@2
        # verify
        # https://app.example/health answers 200 within 60 s
    "#]]);
}

#[test]
fn what_still_serves_gets_its_settings_back() {
    let failed = deployment("d-3", "FAILED", 3, &image("3"));
    let live = deployment("d-2", "SUCCESS", 2, &image("2"));
    let mut case = Case::new(state(&image("3"), "bad", &[failed, live]));
    case.service = Service::default();
    case.start = Start::Nothing;
    case.check(expect![[r#"
        # set revision
        # web (production): set APP_REVISION=new without a deployment
        # update service
        # web (production): set the image to app@2
        # verify
        # https://app.example/health answers 200 and names revision new within 60 s
        note: deployment d-2 still serves: only the service's settings are set back
    "#]]);
}

#[test]
fn variables_of_a_file_go_with_the_revision_in_one_request() {
    let one = deployment("d-1", "SUCCESS", 1, &image("1"));
    let two = deployment("d-2", "SUCCESS", 2, &image("2"));
    let mut case = Case::new(state(&image("1"), "old", &[one]));
    let change = |name: &str, is_new| VariableChange { name: name.to_owned(), is_new };
    case.new_variables = vec![change("API_URL", false), change("TIMEOUT", true)];
    case.check(expect![[r#"
        # set variables
        # web (production): set APP_REVISION=new, API_URL, TIMEOUT without a deployment
        #   ~ API_URL=[redacted] (changed)
        #   + TIMEOUT=[redacted] (new)
        # update service
        # web (production): set the image to app@2
        # deploy
        # web (production): deploy, unless there is a newer deployment than d-1
        # wait until served
        # wait at most 900 s until the deployment runs app@2
        # verify
        # https://app.example/health answers 200 and names revision new within 60 s
        note: variables: API_URL changed, TIMEOUT new
    "#]]);
    // The same image and revision: the variables alone are reason enough for a deployment.
    case.state = state(&image("2"), "new", &[two]);
    case.health = Some(health(true));
    case.check(expect![[r#"
        # set variables
        # web (production): set API_URL, TIMEOUT without a deployment
        #   ~ API_URL=[redacted] (changed)
        #   + TIMEOUT=[redacted] (new)
        # deploy
        # web (production): deploy, unless there is a newer deployment than d-2
        # wait until served
        # wait at most 900 s until the deployment runs app@2
        # verify
        # https://app.example/health answers 200 and names revision new within 60 s
        note: variables: API_URL changed, TIMEOUT new
    "#]]);
    // A run was ended after it had set them.
    case.new_variables.clear();
    case.has_old_variables = true;
    case.check(expect![[r#"
        # deploy
        # web (production): deploy, unless there is a newer deployment than d-2
        # wait until served
        # wait at most 900 s until the deployment runs app@2
        # verify
        # https://app.example/health answers 200 and names revision new within 60 s
        note: what is live runs with older variables than the service has; deploying again
    "#]]);
}

#[test]
fn whoever_does_not_wait_does_not_verify() {
    let one = deployment("d-1", "SUCCESS", 1, &image("1"));
    let two = deployment("d-2", "DEPLOYING", 2, &image("2"));
    let mut case = Case::new(state(&image("1"), "old", std::slice::from_ref(&one)));
    case.detach = true;
    case.check(expect![[r#"
        # set revision
        # web (production): set APP_REVISION=new without a deployment
        # update service
        # web (production): set the image to app@2
        # deploy
        # web (production): deploy, unless there is a newer deployment than d-1
    "#]]);
    // It is under way already: there is nothing to do.
    case.state = state(&image("2"), "new", &[two, one]);
    case.check(expect![[r#"
        note: deployment d-2 with this image is under way already
    "#]]);
}
