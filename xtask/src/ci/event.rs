//! What an event's payload tells beside what every step wants to know: when it began, and which pull request a workflow
//! ran for that has ended. Pure but for reading the payload.
//!
//! Sources: "Webhook events and payloads" of GitHub's documentation, for `push`, `pull_request` and `workflow_run`.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::github::{self, GitHub};
use crate::exit::Failure;

/// The payload of this process's event; null where there is none.
pub fn payload() -> anyhow::Result<Value> {
    match std::env::var("GITHUB_EVENT_PATH").ok().filter(|path| !path.is_empty()) {
        Some(path) => github::payload(&path),
        None => Ok(Value::Null),
    }
}

/// Which attempt of the workflow this is: 1 unless somebody has run it again.
pub fn attempt() -> u64 {
    std::env::var("GITHUB_RUN_ATTEMPT").ok().and_then(|text| text.parse().ok()).unwrap_or(1)
}

/// When what runs now was pushed; the error says why that is not known.
///
/// For `push` that is `repository.pushed_at`, which the payload has as seconds since 1970: GitHub's own clock, at the
/// moment when the push arrived. For a workflow that follows another (`workflow_run`) it is the start of that one,
/// where a push had started it. Everything else was started by somebody or something at another time, and so was a
/// second attempt: a duration since then would say nothing about the pipeline.
pub fn pushed_at(event: &str, payload: &Value, attempt: u64) -> Result<DateTime<Utc>, String> {
    let time = |place: &str| payload.pointer(place).and_then(time_of);
    let missing = |what: &str| format!("the event does not tell {what}");
    if attempt > 1 {
        return Err(format!("this is attempt {attempt} of the workflow"));
    }
    match event {
        "push" => time("/repository/pushed_at").ok_or_else(|| missing("when it was pushed")),
        "workflow_run" => {
            let followed = |place: &str| payload.pointer(&format!("/workflow_run/{place}"));
            if followed("event").and_then(Value::as_str) != Some("push") {
                return Err("no push has started this".to_owned());
            }
            if followed("run_attempt").and_then(Value::as_u64).is_some_and(|attempt| attempt > 1) {
                return Err("the workflow that this follows was run again".to_owned());
            }
            time("/workflow_run/run_started_at").ok_or_else(|| missing("when the workflow was started"))
        }
        other => Err(format!("`{other}` is no push")),
    }
}

/// Seconds since 1970 as a number, or RFC 3339: payloads have both.
fn time_of(value: &Value) -> Option<DateTime<Utc>> {
    match value {
        Value::Number(seconds) => DateTime::from_timestamp(seconds.as_i64()?, 0),
        Value::String(text) => Some(DateTime::parse_from_rfc3339(text).ok()?.to_utc()),
        _ => None,
    }
}

/// The pull request that a report is about, as the event tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// `None` for one from a fork: a `workflow_run` does not tell those.
    pub number: Option<u64>,
    /// The commit that the report was made for, as a full hash.
    pub head: String,
    /// Who owns the branch, as `owner`.
    pub head_owner: String,
    pub head_branch: String,
    /// The page of the run that made the report.
    pub run_url: Option<String>,
}

/// Reads which pull request the report is about. Nothing of it comes from the report.
pub fn about(github: &GitHub, payload: &Value) -> anyhow::Result<About> {
    let (top, head, branch, owner) = match github.event.as_str() {
        "workflow_run" => ("/workflow_run", "head_sha", "head_branch", "head_repository/owner/login"),
        "pull_request" => ("/pull_request", "head/sha", "head/ref", "head/repo/owner/login"),
        other => {
            let message = format!("event `{other}` is about no pull request");
            return Err(Failure::usage(message)
                .hint(
                    "`ci comment` belongs into a workflow `on: workflow_run`, which runs nothing of the pull request",
                )
                .into());
        }
    };
    let value = |place: &str| payload.pointer(&format!("{top}/{place}"));
    let text = |place: &str| value(place).and_then(Value::as_str).unwrap_or_default().to_owned();
    if top == "/workflow_run" && text("event") != "pull_request" {
        let message = format!("the workflow that this follows was started by `{}`", text("event"));
        return Err(Failure::usage(message)
            .hint("give the job the condition `if: github.event.workflow_run.event == 'pull_request'`")
            .into());
    }
    let about = About {
        number: match top {
            "/workflow_run" => only_number(value("pull_requests"), github, payload),
            _ => value("number").and_then(Value::as_u64),
        },
        head: text(head),
        head_owner: text(owner),
        head_branch: text(branch),
        run_url: value("html_url")
            .and_then(Value::as_str)
            .filter(|_| top == "/workflow_run")
            .map(str::to_owned),
    };
    if !github::is_commit(&about.head) {
        return Err(Failure::usage("GITHUB_EVENT_PATH does not tell the pull request's commit").into());
    }
    Ok(about)
}

/// The number, where the list has one that merges into this repository. A branch may have several: then GitHub is
/// asked.
fn only_number(list: Option<&Value>, github: &GitHub, payload: &Value) -> Option<u64> {
    let own = payload.pointer("/repository/id").and_then(Value::as_u64);
    let is_own = |request: &&Value| {
        let base = request.pointer("/base/repo");
        let id = base.and_then(|repo| repo.get("id")).and_then(Value::as_u64);
        let name = base.and_then(|repo| repo.get("name")).and_then(Value::as_str);
        let short = github.repository.rsplit('/').next();
        if own.is_some() { id == own } else { name == short }
    };
    let mut numbers = list?.as_array()?.iter().filter(is_own).filter_map(|one| one.get("number")?.as_u64());
    numbers.next().filter(|_| numbers.next().is_none())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::github::tests::job;
    use super::*;
    use crate::exit::Exit;

    #[test]
    fn only_a_first_attempt_of_a_push_tells_when_it_was_pushed() {
        let told = |event: &str, payload: Value, attempt: u64| {
            pushed_at(event, &payload, attempt).map(|time| time.to_rfc3339())
        };
        let pushed = json!({"repository": {"pushed_at": 1_700_000_000}});
        let time: Result<String, String> = Ok("2023-11-14T22:13:20+00:00".to_owned());
        assert_eq!(told("push", pushed.clone(), 1), time);
        assert_eq!(told("push", json!({"repository": {"pushed_at": "2023-11-14T22:13:20Z"}}), 1), time);
        assert!(told("push", pushed.clone(), 2).is_err());
        assert!(told("push", json!({}), 1).is_err());
        assert_eq!(told("schedule", pushed, 1), Err("`schedule` is no push".to_owned()));
        let followed = |event: &str, attempt: u64| {
            let run =
                json!({"event": event, "run_attempt": attempt, "run_started_at": "2023-11-14T22:13:20Z"});
            told("workflow_run", json!({"workflow_run": run}), 1)
        };
        assert_eq!(followed("push", 1), time);
        assert!(followed("push", 2).is_err() && followed("pull_request", 1).is_err());
    }

    #[test]
    fn which_pull_request_a_report_is_about() {
        let head = "0123456789abcdef0123456789abcdef01234567";
        let github = job("workflow_run", "refs/heads/main");
        let payload = |event: &str, requests: Value| {
            json!({"repository": {"id": 1}, "workflow_run": {
                "event": event, "head_sha": head, "head_branch": "fix", "pull_requests": requests,
                "head_repository": {"owner": {"login": "somebody"}}, "html_url": "https://github.com/o/a/runs/1",
            }})
        };
        let request = |number: u64, id: u64| json!({"number": number, "base": {"repo": {"id": id}}});
        let told = |requests: Value| about(&github, &payload("pull_request", requests)).unwrap();
        assert_eq!(told(json!([request(7, 1), request(8, 2)])).number, Some(7));
        assert_eq!(told(json!([request(7, 1), request(8, 1)])).number, None);
        let fork = told(json!([]));
        let expected = About {
            number: None,
            head: head.to_owned(),
            head_owner: "somebody".to_owned(),
            head_branch: "fix".to_owned(),
            run_url: Some("https://github.com/o/a/runs/1".to_owned()),
        };
        assert_eq!(fork, expected);
        let pushed = about(&github, &payload("push", json!([]))).unwrap_err();
        assert_eq!(pushed.to_string(), "the workflow that this follows was started by `push`");
        let own = json!({"pull_request": {"number": 9, "html_url": "x", "head": {
            "sha": head, "ref": "fix", "repo": {"owner": {"login": "octo-org"}}}}});
        let direct = about(&job("pull_request", "refs/pull/9/merge"), &own).unwrap();
        assert_eq!((direct.number, direct.head_owner.as_str(), direct.run_url), (Some(9), "octo-org", None));
        for (event, payload) in [("push", json!({})), ("workflow_run", json!({}))] {
            let error = about(&job(event, "refs/heads/main"), &payload).unwrap_err();
            assert_eq!(Exit::of(&error), Exit::Usage, "{error}");
        }
    }
}
