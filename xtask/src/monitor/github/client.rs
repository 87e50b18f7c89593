//! One question to GitHub's REST API: whom it is asked as, how often it is asked again, and what its refusals mean.
//!
//! Requests are made one after the other, as "Best practices for using the REST API" of GitHub's documentation
//! wants it.

use std::cell::Cell;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::config::github::GitHubApi;
use crate::exec::{Answer, Executor, Method, Request};
use crate::exit::{Exit, Failure};
use crate::monitor::time;

/// The longest that one answer is waited for.
const LIMIT: Duration = Duration::from_secs(10);
/// Questions are asked again after these pauses where the fault seems to be GitHub's or the network's.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(4)];
/// Longer than this nobody is kept waiting for the end of a limit.
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// What GitHub is allowed to say in our messages, in characters.
const MESSAGE_MAX: usize = 200;

/// Whoever asks.
pub struct Client<'a> {
    exec: &'a Executor,
    github: &'a GitHubApi,
    asked: Cell<usize>,
}

/// Why a question has no answer.
#[derive(Debug)]
pub enum Refusal {
    /// GitHub answers nobody any more for a while.
    Limit(Failure),
    /// All else. With GitHub's status, where it was GitHub who said it.
    Other(Option<u16>, anyhow::Error),
}

impl From<Refusal> for anyhow::Error {
    fn from(refusal: Refusal) -> anyhow::Error {
        match refusal {
            Refusal::Limit(failure) => failure.into(),
            Refusal::Other(_, error) => error,
        }
    }
}

impl Refusal {
    /// The words for a note; an interruption is an error instead.
    pub fn told(self, exec: &Executor) -> anyhow::Result<String> {
        let error = anyhow::Error::from(self);
        match Exit::of(&error) {
            Exit::Interrupted(_) => Err(error),
            _ => Ok(exec.redact(&format!("{error:#}"))),
        }
    }
}

impl<'a> Client<'a> {
    pub fn new(exec: &'a Executor, github: &'a GitHubApi) -> Client<'a> {
        if let Some(token) = &github.token {
            exec.learn_secret(token);
        }
        Client { exec, github, asked: Cell::new(0) }
    }

    /// How many requests were sent.
    pub fn asked(&self) -> usize {
        self.asked.get()
    }

    /// The answer at this path, which begins with `/`.
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Refusal> {
        let mut pauses = PAUSES.iter();
        loop {
            let (refusal, wanted) = match self.once(path) {
                Ok(value) => return Ok(value),
                Err(Trouble::Final(refusal)) => return Err(refusal),
                Err(Trouble::Passing(refusal, wanted)) => (refusal, wanted),
            };
            let Some(pause) = pauses.next() else { return Err(refusal) };
            let pause = wanted.unwrap_or(*pause);
            if pause > PAUSE_MAX {
                return Err(refusal);
            }
            let what = path.split('?').next().unwrap_or(path);
            self.exec.ui().status("Retrying", format!("GET {what} in {} s", pause.as_secs()));
            self.exec.sleep(pause).map_err(|error| Refusal::Other(None, error))?;
        }
    }

    fn once<T: DeserializeOwned>(&self, path: &str) -> Result<T, Trouble> {
        let request = self.request(path);
        let what = request.display();
        self.asked.set(self.asked.get() + 1);
        let answer = self.exec.send(&request).map_err(|error| match Exit::of(&error) {
            // A server that hangs would hang again, for as long.
            Exit::CommandFailed => Trouble::Passing(Refusal::Other(None, error), None),
            _ => Trouble::Final(Refusal::Other(None, error)),
        })?;
        if answer.status != 200 {
            return Err(refused(&what, &answer, self.github.token.is_some(), Utc::now()));
        }
        serde_json::from_slice(&answer.body).map_err(|error| {
            let is_cut = error.is_eof();
            let why =
                if is_cut { "the answer is cut off" } else { "not what GitHub's documentation promises" };
            let failure = Failure::new(Exit::CommandFailed, format!("{what}: {why}: {error}"));
            let refusal = Refusal::Other(None, failure.into());
            if is_cut { Trouble::Passing(refusal, None) } else { Trouble::Final(refusal) }
        })
    }

    fn request(&self, path: &str) -> Request {
        let mut request = Request::new(Method::Get, format!("{}{path}", self.github.url))
            .timeout(LIMIT)
            .header("accept", "application/vnd.github+json")
            .header("x-github-api-version", "2022-11-28")
            .without_redirections()
            .over_any_connection();
        if let Some(token) = &self.github.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        request
    }
}

enum Trouble {
    /// Worth another try, after this pause where GitHub wants one.
    Passing(Refusal, Option<Duration>),
    Final(Refusal),
}

/// What an answer other than 200 means. Sources: "Rate limits for the REST API", "Troubleshooting the REST API".
fn refused(what: &str, answer: &Answer, has_token: bool, now: DateTime<Utc>) -> Trouble {
    let said = message(answer);
    let status = answer.status;
    let failed = |text: String| Failure::new(Exit::CommandFailed, format!("{what}: {text}"));
    let told = |failure: Failure| Refusal::Other(Some(status), failure.into());
    let retry_after = answer.header("retry-after").and_then(|text| text.trim().parse().ok());
    let is_used_up = answer.header("x-ratelimit-remaining").map(str::trim) == Some("0");
    let hint_of_token = match has_token {
        true => "the token needs to read Actions: `actions: read` in a workflow, `repo` for a classic token",
        false => "set GITHUB_TOKEN or GH_TOKEN, or log in with `gh auth login`; --local asks nobody",
    };
    match status {
        403 | 429 if is_used_up && retry_after.is_none() => {
            let reset = answer.header("x-ratelimit-reset").and_then(|text| text.trim().parse().ok());
            let reset = reset.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
            let until = reset.map_or("an unknown time".to_owned(), time::format);
            let limit = answer.header("x-ratelimit-limit");
            let limit = limit.map(|limit| format!(" ({limit} requests an hour)")).unwrap_or_default();
            let text = format!("GitHub's rate limit{limit} is used up until {until}");
            let hint = match has_token {
                true => "wait until then, or ask for less: --limit and --jobs",
                false => "60 requests an hour are for those without a token: set GITHUB_TOKEN",
            };
            let wait = reset.and_then(|reset| (reset - now).to_std().ok());
            let refusal = Refusal::Limit(failed(text).hint(hint));
            match wait {
                Some(wait) if wait <= PAUSE_MAX => {
                    Trouble::Passing(refusal, Some(wait + Duration::from_secs(1)))
                }
                _ => Trouble::Final(refusal),
            }
        }
        403 | 429 if retry_after.is_some() || said.to_lowercase().contains("rate limit") => {
            let text = format!("GitHub wants us to slow down: {status}{said}");
            let hint = "wait a few minutes, or ask for less: --limit and --jobs";
            let pause = Duration::from_secs(retry_after.unwrap_or(60));
            Trouble::Passing(Refusal::Limit(failed(text).hint(hint)), Some(pause))
        }
        401 => {
            Trouble::Final(told(failed(format!("GitHub does not accept the token: 401{said}")).hint(
                "GITHUB_TOKEN or GH_TOKEN is wrong or has expired; `gh auth status` says what `gh` has",
            )))
        }
        403 => {
            Trouble::Final(told(failed(format!("GitHub does not allow it: 403{said}")).hint(hint_of_token)))
        }
        404 => Trouble::Final(told(
            failed(format!("not there, or not shown to us: 404{said}")).hint(hint_of_token),
        )),
        301 | 302 | 307 | 308 => Trouble::Final(told(
            failed(format!("has moved: {status}"))
                .hint("the repository has another name now; `--repository OWNER/NAME` takes it"),
        )),
        500 | 502..=504 => {
            let pause = retry_after.map(Duration::from_secs);
            Trouble::Passing(told(failed(format!("GitHub answers {status}{said}"))), pause)
        }
        _ => Trouble::Final(told(failed(format!("GitHub answers {status}{said}")))),
    }
}

/// ` (what GitHub says)`, in one line; nothing where it says nothing that can be read.
fn message(answer: &Answer) -> String {
    #[derive(Deserialize)]
    struct Body {
        message: String,
    }
    let Ok(body) = serde_json::from_slice::<Body>(&answer.body) else { return String::new() };
    let text: String = body.message.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!(" ({})", text.chars().take(MESSAGE_MAX).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::hint_of;

    fn trouble(status: u16, headers: &[(&str, &str)], body: &str) -> (bool, Option<Duration>, String) {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let answer = Answer { status, headers, body: body.as_bytes().to_vec() };
        let now = time::parse("2026-11-21T10:00:00Z").unwrap();
        let (is_passing, pause, refusal) = match refused("GET x", &answer, true, now) {
            Trouble::Passing(refusal, pause) => (true, pause, refusal),
            Trouble::Final(refusal) => (false, None, refusal),
        };
        let error = anyhow::Error::from(refusal);
        (is_passing, pause, format!("{error}; {}", hint_of(&error).unwrap_or("-")))
    }

    #[test]
    fn limits_are_waited_for_where_that_is_short() {
        let used_up = |reset: &str| {
            let headers =
                [("x-ratelimit-limit", "1000"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", reset)];
            trouble(403, &headers, r#"{"message": "API rate limit exceeded for installation ID 1."}"#)
        };
        // 2026-11-21T10:00:00Z is 1795255200.
        let (is_passing, _, text) = used_up("1795257000");
        assert!(!is_passing);
        assert!(
            text.starts_with(
                "GET x: GitHub's rate limit (1000 requests an hour) is used up until 2026-11-21T10:30:00Z"
            ),
            "{text}"
        );
        let (is_passing, pause, _) = used_up("1795255220");
        assert_eq!((is_passing, pause), (true, Some(Duration::from_secs(21))));
        let secondary = r#"{"message": "You have exceeded a secondary rate limit."}"#;
        assert_eq!(trouble(403, &[], secondary).1, Some(Duration::from_secs(60)));
        assert_eq!(trouble(429, &[("retry-after", "7")], "{}").1, Some(Duration::from_secs(7)));
    }

    #[test]
    fn refusals_say_what_to_do() {
        for (status, body, is_passing, expected) in [
            (
                401,
                r#"{"message": "Bad credentials"}"#,
                false,
                "does not accept the token: 401 (Bad credentials)",
            ),
            (
                403,
                r#"{"message": "Resource not accessible by integration"}"#,
                false,
                "`actions: read` in a workflow",
            ),
            (404, r#"{"message": "Not Found"}"#, false, "not there, or not shown to us: 404 (Not Found)"),
            (301, "", false, "`--repository OWNER/NAME` takes it"),
            (502, "<html>", true, "GitHub answers 502; -"),
            (422, r#"{"message": "a\nb"}"#, false, "GitHub answers 422 (a b)"),
        ] {
            let (passing, _, text) = trouble(status, &[], body);
            assert_eq!(passing, is_passing, "{text}");
            assert!(text.contains(expected), "{text}");
        }
    }
}
