//! Images that are broken in every way in which images are: what served before goes on serving, no request fails, and what
//! is said is what it takes to mend them.

use serde_json::json;

use super::Station;
use super::under_load::{under_load, under_load_without_change};

/// Requests a second; other tests have the machine as well, and what counts here is that none fails.
const RATE: u32 = 150;

#[test]
fn broken_images_leave_the_first_one_serving() {
    let station = Station::new(&[]);
    let first = station.image("one");
    let one = station.deployed(&first, "one");
    for (tag, variables, said) in [
        ("crash", ["VERSION=two", "FAIL=no database"], "cannot start: no database"),
        ("sick", ["VERSION=two", "HEALTH=503"], "at step HEALTHCHECK"),
        ("needy", ["VERSION=two", "NEEDS=NEEDED_ONE"], "NEEDED_ONE is not set"),
        // A process has no network of its own, so this one would be reached there.
        ("local", ["VERSION=two", "LISTEN=127.0.0.1"], "at step HEALTHCHECK"),
    ] {
        if tag == "local" && station.model.told("runner") != "docker" {
            continue;
        }
        let image = station.registry.image(tag, &variables);
        let args = ["deploy", "--image", &image, "--revision", "two"];
        let (run, seen) = under_load_without_change(&station, RATE, &args);
        assert_eq!(run.code, Some(1), "{tag}: {}", run.stderr);
        for text in [said, &format!("deployment {one} with {first} still serves")] {
            assert!(run.stderr.contains(text), "{tag}: {text}: {}", run.stderr);
        }
        seen.assert_unbroken(RATE, &["one"]);
        assert_eq!(station.served_revision(), "one", "{tag}");
    }
    station.end();
}

#[test]
fn a_missing_variable_is_seen_before_anything_is_deployed_and_comes_with_the_next() {
    let station = Station::new(&["--runner", "process"]);
    station.deployed(&station.image("one"), "one");
    station.workspace.write(".env.example", "NEEDED_ONE=\n#GREETING=hello\n");
    let needy = station.registry.image("needy", &["VERSION=two", "NEEDS=NEEDED_ONE", "SAY=NEEDED_ONE"]);
    let refused = station.deploy(&needy, "two");
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    assert!(refused.stderr.contains("variables: required and not set: NEEDED_ONE"), "{}", refused.stderr);
    assert_eq!(station.model.deployments().len(), 1);
    let check = station.run(&["deploy", "vars", "check"]);
    assert_eq!(check.code, Some(1), "{}", check.stderr);

    // A reference to another variable counts as what it means.
    station.workspace.write("two.env", "NEEDED_ONE=${{SESSION_SECRET}}-${{web.SAY}}\n");
    let args =
        ["deploy", "--image", &needy, "--revision", "two", "--with-variables", "two.env", "--format", "json"];
    let run = station.run(&args);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(station.model.deployments().len(), 2, "one deployment for variables and image");
    let value = station.model.front("/env/NEEDED_ONE").text;
    assert_eq!(value, format!("{}-SESSION_SECRET", super::CANARY));
    let check = station.run(&["deploy", "vars", "check"]);
    assert_eq!(check.code, Some(0), "{}", check.stderr);
    assert!(check.stdout.contains("refers to SESSION_SECRET, web.SAY"), "{}", check.stdout);
    let again = station.run(&args);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert_eq!(station.model.deployments().len(), 2, "{}", again.stderr);
    station.end();
}

#[test]
fn one_that_serves_another_revision_is_gone_back_from() {
    let station = Station::new(&[]);
    let one = station.deployed(&station.image("one"), "one");
    let mute = station.registry.image("mute", &["VERSION=two", "MUTE=1"]);
    let args = ["deploy", "--image", &mute, "--revision", "two", "--wait-timeout", "5"];
    let (run, seen) = under_load(&station, RATE, &args);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(run.stderr.contains("has not named revision `two`"), "{}", run.stderr);
    assert!(run.stderr.contains(&format!("`cargo xtask deploy rollback {one}`")), "{}", run.stderr);
    seen.assert_unbroken(RATE, &["one", "two"]);
    let (run, seen) = under_load(&station, RATE, &["deploy", "rollback", &one]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    seen.assert_unbroken(RATE, &["one", "two"]);
    assert_eq!(
        (station.served_revision(), station.status().0["remarks"].clone()),
        ("one".to_owned(), json!([]))
    );
    station.end();
}
