//! What the service's own address answers: whether it is healthy, and which revision it says it is.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::pauses::Pauses;
use crate::exec::{Executor, Method, Request};
use crate::exit::{Exit, Failure};
use crate::plan::deploy::VerifyServed;

/// How long one answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest health answer that is read, in bytes; a page with everything on it is smaller.
const BODY_SIZE_MAX: u64 = 4 * 1024 * 1024;

/// One look at the health address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// `None` where nothing answered.
    pub status: Option<u16>,
    /// Whether the answer names the revision that was asked for; `None` where none was.
    pub names_revision: Option<bool>,
    /// Why there was no answer.
    pub problem: Option<String>,
}

impl Health {
    /// Whether this is what has to be served.
    pub fn shows(&self, wanted: &VerifyServed) -> bool {
        self.is_healthy() && (wanted.revision.is_none() || self.names_revision == Some(true))
    }

    /// Exactly 200, as for Railway's own check.
    pub fn is_healthy(&self) -> bool {
        self.status == Some(200)
    }
}

/// Asks once. Only an interruption and an address that cannot be asked are errors.
pub fn look(exec: &Executor, url: &str, path: &str, revision: Option<&str>) -> anyhow::Result<Health> {
    look_within(exec, url, path, revision, ANSWER_TIMEOUT)
}

fn look_within(
    exec: &Executor,
    url: &str,
    path: &str,
    revision: Option<&str>,
    timeout: Duration,
) -> anyhow::Result<Health> {
    let mut request = Request::new(Method::Get, format!("{url}{path}")).timeout(timeout);
    request.body_size_max = BODY_SIZE_MAX;
    match exec.send(&request) {
        Ok(answer) => Ok(Health {
            status: Some(answer.status),
            names_revision: revision.map(|revision| names(&answer.text(), revision)),
            problem: None,
        }),
        Err(error) if matches!(Exit::of(&error), Exit::Interrupted(_) | Exit::Usage) => Err(error),
        Err(error) => Ok(Health { status: None, names_revision: None, problem: Some(format!("{error:#}")) }),
    }
}

/// Asks until the service is healthy and names its revision. Another answer in the meantime is no failure: the old
/// deployment may still get a request or two. A few words about what was seen.
pub fn verify(exec: &Executor, wanted: &VerifyServed) -> anyhow::Result<String> {
    let deadline = Instant::now() + Duration::from_secs(wanted.limit_seconds);
    let mut pauses = Pauses::up_to(Duration::from_secs(2));
    loop {
        // A slow answer must not take longer than all of them may.
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = left.clamp(Duration::from_secs(1), ANSWER_TIMEOUT);
        let (url, path) = (&wanted.url, &wanted.health_path);
        let health = look_within(exec, url, path, wanted.revision.as_deref(), timeout)?;
        if health.shows(wanted) {
            return Ok(match &wanted.revision {
                Some(_) => "200, names the revision".to_owned(),
                None => "200, revision not asked for".to_owned(),
            });
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(not_served(wanted, &health).into());
        }
        exec.sleep(pauses.next_pause().min(left))?;
    }
}

fn not_served(wanted: &VerifyServed, health: &Health) -> Failure {
    let place = format!("{}{}", wanted.url, wanted.health_path);
    let limit = wanted.limit_seconds;
    let fail = |message: String| Failure::new(Exit::CheckFailed, message);
    match (health.status, &wanted.revision) {
        (Some(200), Some(revision)) => {
            fail(format!("{place} answers 200 but has not named revision `{revision}` within {limit} s")).hint(
                "the health answer has to hold the value of APP_REVISION in some field; where the app does not tell, \
                 set `verify-revision = false` in [workspace.metadata.xtask]",
            )
        }
        (Some(status), _) => {
            fail(format!("{place} has not answered 200 within {limit} s; the last answer was {status}")).hint(
                "`healthcheckPath` in railway.toml, or `health-path` in [workspace.metadata.xtask], says what is asked",
            )
        }
        (None, _) => {
            let problem = health.problem.as_deref().unwrap_or("no answer");
            fail(format!("{place} has not answered within {limit} s: {problem}"))
                .hint("--url, or `url` in [workspace.metadata.xtask.railway], says where the service is")
        }
    }
}

/// Whether a health answer names this revision: in JSON as the value of any text, exactly; in any other text as a word.
fn names(body: &str, revision: &str) -> bool {
    match serde_json::from_str::<Value>(body) {
        Ok(value) => has_text(&value, revision),
        Err(_) => has_word(body, revision),
    }
}

fn has_text(value: &Value, wanted: &str) -> bool {
    match value {
        Value::String(text) => text == wanted,
        Value::Array(items) => items.iter().any(|item| has_text(item, wanted)),
        Value::Object(entries) => entries.values().any(|item| has_text(item, wanted)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Not as a part of a longer word: revision `1` is not in `HTTP/1.1`.
fn has_word(text: &str, wanted: &str) -> bool {
    let joins = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    text.match_indices(wanted).any(|(start, found)| {
        let after = &text[start + found.len()..];
        // A full stop may end a sentence.
        let after = after.strip_prefix('.').filter(|rest| !rest.starts_with(joins)).unwrap_or(after);
        !text[..start].ends_with(joins) && !after.starts_with(joins)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_is_a_whole_value() {
        for (body, is_named) in [
            (r#"{"status":"ok","revision":"abc123"}"#, true),
            (r#"{"data":{"build":[{"rev":"abc123"}]}}"#, true),
            (r#""abc123""#, true),
            (r#"{"abc123":"revision"}"#, false),
            (r#"{"revision":"abc1234"}"#, false),
            (r#"{"revision":"at abc123"}"#, false),
            (r#"{"revision":null}"#, false),
            ("abc123\n", true),
            ("<p>revision abc123.</p>", true),
            ("revision=abc123;", true),
            ("xabc123", false),
            ("abc123-dirty", false),
            ("v1.abc123.2", false),
            ("", false),
        ] {
            assert_eq!(names(body, "abc123"), is_named, "{body}");
        }
    }

    #[test]
    fn what_was_seen_decides() {
        let wanted = |revision: Option<&str>| VerifyServed {
            url: "https://x".to_owned(),
            health_path: "/".to_owned(),
            revision: revision.map(str::to_owned),
            limit_seconds: 60,
        };
        let seen = |status, names_revision| Health { status: Some(status), names_revision, problem: None };
        assert!(seen(200, Some(true)).shows(&wanted(Some("a"))));
        assert!(!seen(200, Some(false)).shows(&wanted(Some("a"))));
        assert!(!seen(204, Some(true)).shows(&wanted(Some("a"))));
        assert!(seen(200, None).shows(&wanted(None)));
        assert!(!seen(503, None).shows(&wanted(None)));
        let message = |revision, health: &Health| not_served(&wanted(revision), health).message;
        expect_test::expect!["https://x/ answers 200 but has not named revision `a` within 60 s"]
            .assert_eq(&message(Some("a"), &seen(200, Some(false))));
        expect_test::expect!["https://x/ has not answered 200 within 60 s; the last answer was 503"]
            .assert_eq(&message(None, &seen(503, None)));
        let nothing = Health { status: None, names_revision: None, problem: Some("no such host".to_owned()) };
        expect_test::expect!["https://x/ has not answered within 60 s: no such host"]
            .assert_eq(&message(Some("a"), &nothing));
    }
}
