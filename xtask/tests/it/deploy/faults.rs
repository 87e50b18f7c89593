//! What can go wrong between us, Railway and the app, and the test that shows what becomes of it. Those without a folder
//! are in this file or beside it; the others are in that folder of `tests/it`.
//!
//! | fault | test |
//! |---|---|
//! | 18: `Not Authorized`, with status 200 | `a_token_that_may_not`, `a_refused_mutation_ends_it` |
//! | 19: two tokens | `no_token_and_two` |
//! | 20: 429 with and without `Retry-After` | `a_busy_or_broken_api_is_asked_again`, `an_api_that_rests_for_an_hour_is_not_waited_for`, `a_busy_railway_is_given_up_by_the_deadline` |
//! | 21: 400, 404, 502, no JSON, nothing | `answers_that_make_no_sense`, `a_mutation_is_not_sent_again` |
//! | 22: applied, and the answer lost | `a_lost_answer_is_looked_up_and_never_sent_again`, `an_answer_that_is_lost_and_no_deployment`, `rollback/a_deployment_that_is_ended_at_any_step_goes_on_with_the_next` |
//! | 23: no deployment appears | `a_deployment_that_does_not_appear` |
//! | 24: SUCCESS with another image | `success_with_another_image_is_no_success` |
//! | 25: FAILED at HEALTHCHECK | `a_failing_health_check_leaves_the_previous_one_serving` |
//! | 26: CRASHED after SUCCESS | `a_crash_after_success` |
//! | 27: REMOVED, SKIPPED, NEEDS_APPROVAL, a status of the future | `a_status_that_ends_it`, `a_status_of_the_future_ends_the_wait_by_its_limit` |
//! | 28: somebody else deploys | `somebody_else_deploys_at_the_same_time`, `somebody_else_deploys_just_before`, `a_deployment_of_something_else_is_under_way` |
//! | 29: two runs at once | `one_deployment_at_a_time` |
//! | 30: the lock of a killed run | `a_lock_of_a_killed_run_holds_nobody` |
//! | 31: a rollback that Railway refuses | `what_railway_refuses_is_deployed_by_digest`, `by_digest_after_the_window`, `rollback/after_the_window_the_image_is_deployed_by_digest` |
//! | 32: health that flaps, 204, 301, slow, another revision | `an_address_that_flaps_is_asked_again`, `answers_that_are_not_health`, `another_revision_is_served` |
//! | 33: crash, never healthy, localhost, a missing variable | `rollback/broken_images_leave_the_first_one_serving`, `smoke/servers_that_never_become_healthy_are_told_apart` |

use std::time::{Duration, Instant};

use expect_test::expect;

use super::fake::{Reply, SLOW};
use super::{Site, image};
use crate::support::signal;

#[test]
fn every_fault_has_its_test() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let sources = |folder: &std::path::Path| {
        let files = crate::support::contents(folder);
        files.into_values().collect::<String>()
    };
    let here = sources(&folder.join("deploy"));
    let rows: Vec<&str> =
        include_str!("faults.rs").lines().filter(|line| line.starts_with("//! | ")).skip(1).collect();
    for number in 18..=33 {
        let row = rows.iter().find(|row| row.starts_with(&format!("//! | {number}: ")));
        let row = row.unwrap_or_else(|| panic!("fault {number} has no test"));
        let tests = row.rsplit(" | ").next().unwrap().split('`').skip(1).step_by(2);
        for test in tests {
            let is_there = match test.split_once('/') {
                Some((room, name)) => sources(&folder.join(room)).contains(&format!("fn {name}(")),
                None => here.contains(&format!("fn {test}(")),
            };
            assert!(is_there, "{number}: there is no test `{test}`");
        }
    }
}

#[test]
fn a_busy_railway_is_given_up_by_the_deadline() {
    std::thread::scope(|scope| {
        for headers in ["Retry-After: 7\r\n", ""] {
            scope.spawn(move || {
                let site = Site::deployed();
                for _ in 0..20 {
                    site.fake.reply("Deployment", Reply::Raw("429 Too Many Requests", headers, ""));
                }
                let began = Instant::now();
                let run = site.deploy(&["--wait-timeout", "2"]);
                assert_eq!(run.code, Some(5), "{}", run.stderr);
                assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
                for said in ["deployment d-2 could not be asked about after 2 s", "deployment d-1 with"] {
                    assert!(run.stderr.contains(said), "{}", run.stderr);
                }
                assert_eq!(site.fake.mutations().len(), 3);
            });
        }
    });
}

#[test]
fn answers_that_make_no_sense() {
    let table = [
        ("400 Bad Request", "", "Railway answers `Project` with status 400"),
        ("404 Not Found", "Not Found", "there is no Railway API at"),
        ("502 Bad Gateway", "<html>\n<b>bad gateway</b>", "with status 502: <html> <b>bad gateway</b>"),
        ("200 OK", "", "Railway's answer to `Project` makes no sense"),
        ("200 OK", "<html>maintenance</html>", "makes no sense: <html>maintenance</html>"),
        ("200 OK", r#"{"data":{"project":7}}"#, "Railway's answer to `Project` is not what its schema says"),
    ];
    std::thread::scope(|scope| {
        for (status, body, said) in table {
            scope.spawn(move || {
                let site = Site::deployed();
                for _ in 0..4 {
                    site.fake.reply("Project", Reply::Raw(status, "", body));
                }
                let run = site.deploy(&[]);
                assert_eq!((run.code, run.stdout.as_str()), (Some(4), ""), "{}", run.stderr);
                assert!(run.stderr.contains(said), "{}", run.stderr);
                assert_eq!(site.fake.mutations(), []);
            });
        }
    });
}

#[test]
fn a_deployment_that_does_not_appear() {
    let site = Site::deployed();
    site.fake.reply("Deployment", Reply::Error("Deployment not found"));
    let run = site.deploy(&[]);
    assert_eq!(run.code, Some(4), "{}", run.stderr);
    expect![[r#"
        error: step `wait until served`: deployment d-2 cannot be asked about: Railway refuses
            `Deployment`: Deployment not found
          deployment d-1 with ghcr.io/o/app@sha256:1 still serves
         hint: `cargo xtask deploy status` shows what serves, and what is under way"#]]
    .assert_eq(&site.message(&run));
    assert_eq!(site.fake.mutation_names().iter().filter(|name| *name == "DeployServiceInstance").count(), 1);
}

#[test]
fn a_status_of_the_future_ends_the_wait_by_its_limit() {
    let site = Site::deployed();
    site.fake.with(|service| service.course = vec!["TELEPORTING"]);
    let run = site.deploy(&["--wait-timeout", "1"]);
    assert_eq!(run.code, Some(5), "{}", run.stderr);
    assert!(run.stderr.contains("`TELEPORTING` is a status that xtask does not know"), "{}", run.stderr);
    expect![[r#"
        error: step `wait until served`: deployment d-2 is still TELEPORTING after 1 s
          deployment d-1 with ghcr.io/o/app@sha256:1 still serves
         hint: it goes on at Railway: the same command again goes on waiting, --wait-timeout
            SECONDS waits longer, `cargo xtask deploy status` looks; `cargo xtask deploy rollback
            d-1` sets everything back to what served before"#]]
    .assert_eq(&site.message(&run));
}

#[test]
fn a_lock_of_a_killed_run_holds_nobody() {
    let site = Site::deployed();
    site.fake.with(|service| service.course = vec!["DEPLOYING"]);
    let mut child = site.start(&[]);
    site.wait_for(&mut child, "the wait", |service| {
        service.calls.iter().any(|call| call.name == "Deployment")
    });
    let id = child.id();
    signal(&child, "KILL");
    assert_eq!(site.finish(child).code, None);
    // Its note is still there, and nobody minds.
    let files = crate::support::contents(&site.workspace.root().join("target"));
    assert!(files.values().any(|text| text.starts_with(&format!("process {id} since "))), "{files:#?}");
    site.fake.with(|service| service.go_on("d-2", &["SUCCESS"]));
    let next = site.deploy(&[]);
    assert_eq!(next.code, Some(0), "{}", next.stderr);
    assert_eq!(site.fake.mutations().len(), 3);
}

#[test]
fn an_address_that_flaps_is_asked_again() {
    let site = Site::deployed();
    site.fake.with(|service| {
        service.app_answers.extend([
            ("503 Service Unavailable", ""),
            ("200 OK", r#"{"revision":"old"}"#),
            ("503 Service Unavailable", ""),
        ]);
    });
    let run = site.deploy(&[]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stdout.contains("200, names the revision"), "{}", run.stdout);
}

#[test]
fn answers_that_are_not_health() {
    let table = [
        (("204 No Content", ""), "has not answered 200 within 1 s; the last answer was 204"),
        (("301 Moved Permanently", ""), "has not answered"),
        (SLOW, "has not answered within 1 s: "),
    ];
    std::thread::scope(|scope| {
        for (answer, said) in table {
            scope.spawn(move || {
                let site = Site::deployed();
                site.fake.with(|service| service.app = Some(answer));
                let began = Instant::now();
                let run =
                    site.run(&["deploy", "--image", &image("2"), "--revision", "new", "--wait-timeout", "1"]);
                assert_eq!(run.code, Some(1), "{}", run.stderr);
                assert!(run.stderr.contains(said), "{}", run.stderr);
                assert!(run.stderr.contains("cargo xtask deploy rollback d-1"), "{}", run.stderr);
                assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
            });
        }
    });
}
