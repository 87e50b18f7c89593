//! Rollbacks while requests come in: none of them fails, and what was there before is verified within seconds.

use std::time::Duration;

use serde_json::{Value, json};

use super::{CANARY, Station};
use crate::load::{Load, Seen};
use crate::support::Run;

/// Requests a second during a rollback.
const RATE: u32 = 300;
/// The overlap of the test's service, its end, and what a slow machine adds.
const DRAINED: Duration = Duration::from_secs(2);
/// The longest that a rollback may take until it is verified, in seconds.
const ROLLBACK_SECONDS_MAX: f64 = 10.0;

/// Runs this under load, and until the old one has been drained.
pub fn under_load(station: &Station, rate: u32, args: &[&str]) -> (Run, Seen) {
    loaded(station, rate, args, DRAINED)
}

/// Runs this under load, where nothing is drained because nothing takes over.
pub fn under_load_without_change(station: &Station, rate: u32, args: &[&str]) -> (Run, Seen) {
    loaded(station, rate, args, Duration::ZERO)
}

fn loaded(station: &Station, rate: u32, args: &[&str], after: Duration) -> (Run, Seen) {
    let load = Load::start(&format!("{}/page", station.model.told("front_url")), rate);
    load.settle();
    let run = station.run(args);
    std::thread::sleep(after);
    (run, load.stop())
}

/// The report of a rollback that succeeded, in time.
fn report(run: &Run) -> Value {
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let seconds = report["seconds"].as_f64().unwrap();
    eprintln!("the rollback took {seconds:.2} s");
    assert!(seconds < ROLLBACK_SECONDS_MAX, "{report:#}");
    report
}

#[test]
fn railways_rollback_fails_no_request() {
    let station = Station::new(&[]);
    let first = station.image("one");
    let one = station.deployed(&first, "one");
    let second = station.image("two");
    let two = station.deployed(&second, "two");
    // Set since the first one was deployed.
    station
        .model
        .set(&json!({ "NEW_KEY": format!("{CANARY}-2"), "SESSION_SECRET": format!("{CANARY}-3") }), true);
    station.model.wait(&one, "REMOVED");

    let (run, seen) = under_load(&station, RATE, &["deploy", "rollback", "--yes", "--format", "json"]);
    let report = report(&run);
    seen.assert_unbroken(RATE, &["one", "two"]);
    assert_eq!(station.served_revision(), "one");
    assert_eq!(report["rollback"], json!({ "to": one, "way": "railway" }));
    assert_eq!((&report["previous"]["deployment"], &report["image"]), (&json!(two), &json!(first)));
    assert_eq!(station.settings(), (first.clone(), "one".to_owned()));
    // Names are told, and which variables it runs with.
    assert!(run.stderr.contains("since then: SESSION_SECRET changed; NEW_KEY added"), "{}", run.stderr);
    assert_eq!(station.model.front("/env/SESSION_SECRET").text, CANARY);
    assert_eq!(station.model.front("/env/NEW_KEY").text, "");

    let (status, code) = station.status();
    assert_eq!((code, &status["remarks"]), (Some(0), &json!([])), "{status:#}");
    assert_eq!(status["receipt"]["deployed"]["deployment"], report["deployment"]);
    let requests = station.model.control("requests");
    let asked = |name: &str| requests.as_array().unwrap().iter().filter(|one| one["name"] == name).count();
    assert_eq!((asked("RollBackDeployment"), asked("DeployServiceInstance")), (1, 2));
    station.end();
}

#[test]
fn after_the_window_the_image_is_deployed_by_digest() {
    let station = Station::new(&["--rollback-window-s", "0"]);
    let first = station.image("one");
    let one = station.deployed(&first, "one");
    station.deployed(&station.image("two"), "two");
    station.model.wait(&one, "REMOVED");
    assert!(station.model.deployments().iter().all(|shown| shown["canRollback"] == false));

    let (run, seen) = under_load(&station, RATE, &["deploy", "rollback", &one, "--format", "json"]);
    let report = report(&run);
    seen.assert_unbroken(RATE, &["one", "two"]);
    assert_eq!(report["rollback"], json!({ "to": one, "way": "digest" }));
    assert_eq!(
        (station.served_revision(), station.settings()),
        ("one".to_owned(), (first, "one".to_owned()))
    );
    let requests = station.model.control("requests");
    assert!(requests.as_array().unwrap().iter().all(|one| one["name"] != "RollBackDeployment"));
    station.end();
}

#[test]
fn a_failed_deployment_is_undone_without_touching_what_serves() {
    let station = Station::new(&[]);
    let first = station.image("one");
    let one = station.deployed(&first, "one");
    let second = station.image("two");
    let two = station.deployed(&second, "two");
    station.model.wait(&one, "REMOVED");
    let sick = station.registry.image("sick", &["VERSION=three", "HEALTH=503"]);
    let failed = station.deploy(&sick, "three");
    assert_eq!(failed.code, Some(1), "{}", failed.stderr);
    let command = format!("`cargo xtask deploy rollback {two}` sets everything back to what served before");
    assert!(failed.stderr.contains(&command), "{}", failed.stderr);
    assert_eq!(station.settings(), (sick, "three".to_owned()));
    let (status, code) = station.status();
    assert_eq!(code, Some(0));
    assert!(status["remarks"][0]["found"].as_str().unwrap().contains("is FAILED"), "{status:#}");

    // The command that was named: what serves goes on, and the settings are its own again.
    let args = ["deploy", "rollback", &two, "--format", "json"];
    let (run, seen) = under_load_without_change(&station, RATE, &args);
    let report_of_settings = report(&run);
    assert_eq!(report_of_settings["rollback"], json!({ "to": two, "way": "settings" }));
    assert_eq!(report_of_settings["deployment"], json!(two));
    assert_eq!(station.model.deployments().len(), 3);
    assert_eq!(station.settings(), (second, "two".to_owned()));
    seen.assert_unbroken(RATE, &["two"]);
    let again = station.run(&["deploy", "rollback", &two]);
    assert_eq!(again.code, Some(1), "{}", again.stderr);
    assert!(again.stderr.contains("is what is live"), "{}", again.stderr);

    // Without an argument it is the newest earlier one that served; the failed one is left out.
    let (run, seen) = under_load(&station, RATE, &["deploy", "rollback", "--yes", "--format", "json"]);
    assert_eq!(report(&run)["rollback"], json!({ "to": one, "way": "railway" }));
    seen.assert_unbroken(RATE, &["one", "two"]);
    assert_eq!(station.served_revision(), "one");
    station.end();
}
