//! What GitHub's concurrency groups do to runs that come one upon the other.
//!
//! Source: "Control the concurrency of workflows and jobs" of GitHub's documentation: in a group one run is under way
//! and one waits; whoever comes next takes the place of the one that waits, which is cancelled, and with
//! `cancel-in-progress` also of the one under way; with `queue: max` all of them wait (up to 100). The group of a
//! workflow that is called counts too.

use std::collections::BTreeMap;

use serde_json::json;
use yaml_rust2::Yaml;

use super::expression::{Scope, Status, evaluate, interpolate, is_true};
use super::workflow::read;

/// A run in its group.
struct Entered {
    group: String,
    /// Whether it ends the one under way.
    cancels: bool,
    /// Whether all wait.
    queues: bool,
}

/// The run with this number that an event starts, of a workflow or of a job with this setting.
fn entered(concurrency: &Yaml, event: &str, git_ref: &str, number: u32) -> Entered {
    let github = json!({"event_name": event, "ref": git_ref, "run_id": number.to_string()});
    let contexts = BTreeMap::from([("github", github), ("inputs", json!({}))]);
    let scope = Scope { contexts, status: Status::Success };
    let cancels = &concurrency["cancel-in-progress"];
    Entered {
        group: interpolate(concurrency["group"].as_str().unwrap(), &scope),
        cancels: match cancels.as_str() {
            Some(condition) => is_true(&evaluate(condition, &scope)),
            None => cancels.as_bool().unwrap(),
        },
        queues: concurrency["queue"].as_str() == Some("max"),
    }
}

/// Which of these runs GitHub cancels, where each has come before the one before it has ended.
fn cancelled(runs: &[Entered]) -> Vec<usize> {
    let mut cancelled = Vec::new();
    // Of each group the run under way, and the one that waits.
    let mut groups: BTreeMap<&str, (usize, Option<usize>)> = BTreeMap::new();
    for (index, run) in runs.iter().enumerate() {
        match groups.get_mut(run.group.as_str()) {
            None => {
                groups.insert(&run.group, (index, None));
            }
            Some(held) if run.cancels => {
                cancelled.push(held.0);
                cancelled.extend(held.1);
                *held = (index, None);
            }
            Some(_) if run.queues => {}
            Some(held) => cancelled.extend(held.1.replace(index)),
        }
    }
    cancelled
}

#[test]
fn the_one_that_waits_gives_way() {
    let runs = |cancels: bool, queues: bool| {
        let run = |group: &str| Entered { group: group.to_owned(), cancels, queues };
        cancelled(&["a", "a", "b", "a"].map(run))
    };
    assert_eq!(runs(false, false), [1_usize]);
    assert_eq!(runs(true, false), [0_usize, 1]);
    assert_eq!(runs(false, true), [0_usize; 0]);
}

#[test]
fn what_is_pushed_is_checked_to_its_end() {
    let workflow = read("ci.yml");
    let concurrency = &workflow["concurrency"];
    let three = |event: &str, git_ref: &str| {
        cancelled(&[1, 2, 3].map(|number| entered(concurrency, event, git_ref, number)))
    };
    for (event, git_ref) in [
        ("push", "refs/heads/main"),
        ("workflow_dispatch", "refs/heads/main"),
        ("merge_group", "refs/heads/gh-readonly-queue/main/pr-7-0123"),
    ] {
        assert_eq!(three(event, git_ref), [0_usize; 0], "{event}");
    }
    // Of a pull request only the last state counts, and another one has nothing to do with it.
    assert_eq!(three("pull_request", "refs/pull/7/merge"), [0_usize, 1]);
    let two = ["refs/pull/7/merge", "refs/pull/8/merge"];
    assert_eq!(cancelled(&two.map(|git_ref| entered(concurrency, "pull_request", git_ref, 1))), [0_usize; 0]);
}

/// What has passed its checks later need not be what was pushed later.
#[test]
fn every_deployment_has_its_turn() {
    let workflow = read("docker-build.yml");
    let concurrency = &workflow["jobs"]["deploy"]["concurrency"];
    let runs = [1, 2, 3].map(|number| entered(concurrency, "push", "refs/heads/main", number));
    assert_eq!(runs.each_ref().map(|run| run.group.as_str()), ["deploy-production"; 3]);
    assert_eq!(cancelled(&runs), [0_usize; 0]);
}
