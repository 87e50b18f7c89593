//! What GitHub's concurrency groups do to runs that come one upon the other.
//!
//! Source: "Control the concurrency of workflows and jobs" of GitHub's documentation: in a group one run is under way and
//! one waits; whoever comes next takes the place of the one that waits, which is cancelled, and with
//! `cancel-in-progress` also of the one under way. The group of a workflow that is called counts too.

use std::collections::BTreeMap;

use serde_json::json;

use super::expression::{Scope, Status, evaluate, interpolate, is_true};
use super::workflow::read;

/// A run in its group.
struct Entered {
    group: String,
    /// Whether it ends the one under way.
    cancels: bool,
}

/// The run with this number that an event starts.
fn entered(file: &str, event: &str, git_ref: &str, number: u32) -> Entered {
    let workflow = read(file);
    let concurrency = &workflow["concurrency"];
    let github = json!({"event_name": event, "ref": git_ref, "run_id": number.to_string()});
    let scope = Scope { contexts: BTreeMap::from([("github", github)]), status: Status::Success };
    let cancels = &concurrency["cancel-in-progress"];
    Entered {
        group: interpolate(concurrency["group"].as_str().unwrap(), &scope),
        cancels: match cancels.as_str() {
            Some(condition) => is_true(&evaluate(condition, &scope)),
            None => cancels.as_bool().unwrap(),
        },
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
            Some(held) => cancelled.extend(held.1.replace(index)),
        }
    }
    cancelled
}

#[test]
fn the_one_that_waits_gives_way() {
    let runs = |groups: [&str; 4], cancels: bool| {
        let run = |group: &str| Entered { group: group.to_owned(), cancels };
        cancelled(&groups.map(run))
    };
    assert_eq!(runs(["a", "a", "b", "a"], false), [1]);
    assert_eq!(runs(["a", "a", "b", "a"], true), [0, 1]);
}

#[test]
fn what_is_pushed_is_checked_to_its_end() {
    let three = |event: &str, git_ref: &str| {
        cancelled(&[1, 2, 3].map(|number| entered("ci.yml", event, git_ref, number)))
    };
    for (event, git_ref) in [
        ("push", "refs/heads/main"),
        ("workflow_dispatch", "refs/heads/main"),
        ("merge_group", "refs/heads/gh-readonly-queue/main/pr-7-0123"),
    ] {
        assert_eq!(three(event, git_ref), [0_usize; 0], "{event}");
    }
    // Of a pull request only the last state counts, and another one has nothing to do with it.
    assert_eq!(three("pull_request", "refs/pull/7/merge"), [0, 1]);
    let two = ["refs/pull/7/merge", "refs/pull/8/merge"];
    assert_eq!(cancelled(&two.map(|git_ref| entered("ci.yml", "pull_request", git_ref, 1))), [0_usize; 0]);
}
