//! One step of a job: its command, run with what the event and the step itself give to it.

use super::workflow::{Call, Done, Event};
use crate::actions::Job;
use crate::support::{Run, Workspace};

/// How a step ended.
pub struct Ended {
    pub run: Run,
    pub done: Done,
    /// Its part of the job's summary.
    pub summary: String,
}

/// Runs it in the workspace, whose variables are the same after it.
pub fn run(workspace: &mut Workspace, event: &Event, call: &Call) -> Ended {
    keeps_secrets(event, call);
    let own = workspace.env.len();
    let job = Job::start(workspace, event.name, &event.git_ref);
    workspace.set("GITHUB_SHA", &event.sha);
    job.payload(event.payload.clone());
    for (name, value) in &call.env {
        workspace.set(name, value.as_str());
    }
    let words: Vec<&str> = call.words.iter().map(String::as_str).collect();
    let run = workspace.xtask(&words);
    workspace.env.truncate(own);
    let lines = job.outputs();
    let pairs = lines.lines().filter_map(|line| line.split_once('='));
    let outputs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Ended { done: Done { is_good: run.code == Some(0), outputs }, summary: job.summary(), run }
}

/// Fails where a step is given more than it may have.
pub fn keeps_secrets(event: &Event, call: &Call) {
    assert_eq!(told_too_much(event, call), None);
}

/// Why a step must not have what it is given: what runs code that is not merged gets no secret. The one exception is
/// the comment, whose job checks out the base; and for a fork GitHub has nothing to give to it.
fn told_too_much(event: &Event, call: &Call) -> Option<String> {
    if !matches!(event.name, "pull_request" | "merge_group") {
        return None;
    }
    let from = event.payload["pull_request"]["head"]["repo"]["full_name"].as_str();
    let is_fork = from.is_some_and(|from| from != "Octo-Org/Fixture");
    let is_comment = call.words.starts_with(&["ci".to_owned(), "comment".to_owned()]);
    let mut secrets = event.secrets.values().flatten();
    let (name, _) = secrets.find(|(_, value)| call.env.iter().any(|(_, given)| given.contains(value)))?;
    let is_admitted = is_comment && !is_fork;
    (!is_admitted).then(|| format!("{} of {} gets {name}", call.words.join(" "), call.job))
}

#[test]
fn a_secret_in_a_step_of_a_pull_request_is_found() {
    use std::collections::BTreeMap;

    use serde_json::json;

    let told = |name: &'static str, repository: &str, words: &str, value: &str| {
        let payload = json!({"pull_request": {"head": {"repo": {"full_name": repository}}}});
        let secrets = BTreeMap::from([("production", vec![("TOKEN", "hunter2-hunter2".to_owned())])]);
        let (git_ref, sha) = ("refs/pull/7/merge".to_owned(), "0".repeat(40));
        let event = Event { name, git_ref, sha, payload, secrets };
        let words = words.split(' ').map(str::to_owned).collect();
        let env = vec![("GIVEN".to_owned(), value.to_owned())];
        told_too_much(&event, &Call { job: "job".to_owned(), words, env })
    };
    let (own, fork, secret) = ("Octo-Org/Fixture", "else/fixture", "Bearer hunter2-hunter2");
    let found = Some("ci image of job gets TOKEN".to_owned());
    assert_eq!(told("pull_request", own, "ci image", secret), found);
    assert_eq!(told("merge_group", own, "ci image", secret), found);
    assert_eq!(told("pull_request", own, "ci image", "nothing"), None);
    assert_eq!(told("pull_request", own, "ci comment --file x", secret), None);
    assert!(told("pull_request", fork, "ci comment --file x", secret).is_some());
    assert_eq!(told("push", own, "ci image", secret), None);
}
