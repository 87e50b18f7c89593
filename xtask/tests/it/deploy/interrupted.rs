//! Ctrl-C while Railway deploys, the run after it, and two runs at once.

use std::process::Child;
use std::time::{Duration, Instant};

use expect_test::expect;

use super::fake::Reply;
use super::{Site, image};
use crate::support::signal;

fn wait_for(site: &Site, child: &mut Child, name: &str) {
    site.wait_for(child, name, |service| service.calls.iter().any(|call| call.name == name));
}

#[test]
fn ctrl_c_leaves_the_deployment_to_railway_and_the_next_run_goes_on_with_it() {
    let site = Site::deployed();
    site.fake.with(|service| service.course = vec!["DEPLOYING"]);
    let mut child = site.start(&[]);
    wait_for(&site, &mut child, "Deployment");
    let began = Instant::now();
    signal(&child, "INT");
    let run = site.finish(child);
    assert!(began.elapsed() < Duration::from_secs(5));
    assert_eq!((run.code, run.stdout.as_str()), (Some(130), ""), "{}", run.stderr);
    expect![[r#"
        note: step `wait until served`: interrupted by SIGINT; deployment d-2 goes on at Railway:
            the same command again goes on waiting, `cargo xtask deploy status` shows how it
            ends; `cargo xtask deploy rollback d-1` sets everything back to what served before"#]]
    .assert_eq(&site.plain(run.stderr.lines().last().unwrap()));
    let record = &site.records()[0];
    assert_eq!((&record["result"], &record["deployment"]), (&"interrupted".into(), &"d-2".into()));

    site.fake.with(|service| service.go_on("d-2", &["DEPLOYING", "SUCCESS"]));
    let again = site.deploy(&[]);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert!(again.stderr.contains("deployment d-2 with this image is under way already"), "{}", again.stderr);
    assert_eq!(site.fake.mutations().len(), 3);
    let record = &site.records()[1];
    assert_eq!((&record["deployment"], &record["previous"]["deployment"]), (&"d-2".into(), &"d-1".into()));
}

#[test]
fn ctrl_c_while_the_answer_is_awaited() {
    let site = Site::deployed();
    site.fake.reply("DeployServiceInstance", Reply::Silence);
    let mut child = site.start(&[]);
    wait_for(&site, &mut child, "DeployServiceInstance");
    signal(&child, "TERM");
    let run = site.finish(child);
    assert_eq!(run.code, Some(143), "{}", run.stderr);
    expect![[r#"
        note: step `deploy`: interrupted by SIGTERM; a deployment may have begun at Railway: the
            same command again goes on waiting, `cargo xtask deploy status` shows how it ends;
            `cargo xtask deploy rollback d-1` sets everything back to what served before"#]]
    .assert_eq(&site.plain(run.stderr.lines().last().unwrap()));
}

#[test]
fn one_deployment_at_a_time() {
    let site = Site::deployed();
    site.fake.with(|service| service.course = vec!["DEPLOYING"]);
    let mut first = site.start(&[]);
    wait_for(&site, &mut first, "Deployment");
    let second = site.deploy(&[]);
    signal(&first, "INT");
    let id = first.id().to_string();
    site.finish(first);
    assert_eq!(second.code, Some(1), "{}", second.stderr);
    let message = format!(
        "error: a deployment of web (production) from this checkout is under way (process {id} since "
    );
    assert!(second.stderr.starts_with(&message), "{}", second.stderr);
    let refused = site.records().into_iter().find(|record| record["result"] == "failed").unwrap();
    assert!(refused["error"].as_str().unwrap().contains("is under way (process"), "{refused:#}");
    assert_eq!(site.fake.mutations().len(), 3);
    let dry = site.run(&["deploy", "--image", &image("2"), "--revision", "new", "--dry-run"]);
    assert_eq!(dry.code, Some(0), "{}", dry.stderr);
}
