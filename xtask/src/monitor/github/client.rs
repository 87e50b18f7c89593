//! One question of ours to GitHub's REST API: as whom it is asked, and what its refusals mean here.

use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::config::github::GitHubApi;
use crate::exec::{Answer, Executor, Method};
use crate::exit::{Exit, Failure};
use crate::github::{self, Limit};
use crate::monitor::time;

/// The longest that one answer is waited for.
const LIMIT: Duration = Duration::from_secs(10);
/// What the pauses of all questions together may take; the job that tells of alerts has a quarter of an hour.
const PATIENCE: Duration = Duration::from_secs(120);

/// Whoever asks.
pub struct Client<'a> {
    github: github::Client<'a>,
    api: &'a GitHubApi,
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
    pub fn new(exec: &'a Executor, api: &'a GitHubApi) -> Client<'a> {
        if let Some(token) = &api.token {
            exec.learn_secret(token);
        }
        Client { github: github::Client::new(exec, PATIENCE), api }
    }

    /// How many requests were sent.
    pub fn sent(&self) -> usize {
        self.github.sent()
    }

    /// The answer at this path, which begins with `/`.
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Refusal> {
        let token = self.api.token.as_deref();
        let request = github::request(Method::Get, format!("{}{path}", self.api.url), token)
            .timeout(LIMIT)
            .over_any_connection();
        let what = request.display();
        let answer = self.github.ask(&request).map_err(|error| Refusal::Other(None, error))?;
        if answer.status != 200 {
            return Err(refused(&what, &answer, token.is_some()));
        }
        serde_json::from_slice(&answer.body).map_err(|error| {
            let why = match error.is_eof() {
                true => "the answer is cut off",
                false => "not what GitHub's documentation promises",
            };
            let failure = Failure::new(Exit::CommandFailed, format!("{what}: {why}: {error}"));
            Refusal::Other(None, failure.into())
        })
    }
}

/// What an answer other than 200 means. Source: "Troubleshooting the REST API".
fn refused(what: &str, answer: &Answer, has_token: bool) -> Refusal {
    let said = github::said(answer);
    let status = answer.status;
    let failed = |text: String| Failure::new(Exit::CommandFailed, format!("{what}: {text}"));
    match github::limit(answer) {
        Some(Limit::UsedUp(until)) => {
            let until = until.map_or("an unknown time".to_owned(), time::format);
            let limit = answer.header("x-ratelimit-limit");
            let limit = limit.map(|limit| format!(" ({limit} requests an hour)")).unwrap_or_default();
            let hint = match has_token {
                true => "wait until then, or ask for less: --limit and --jobs",
                false => "60 requests an hour are for those without a token: set GITHUB_TOKEN",
            };
            let text = format!("GitHub's rate limit{limit} is used up until {until}");
            return Refusal::Limit(failed(text).hint(hint));
        }
        Some(Limit::TooFast(_)) => {
            let hint = "wait a few minutes, or ask for less: --limit and --jobs";
            let text = format!("GitHub wants us to slow down: {status}{said}");
            return Refusal::Limit(failed(text).hint(hint));
        }
        None => {}
    }
    let hint_of_token = match has_token {
        true => "the token needs to read Actions: `actions: read` in a workflow, `repo` for a classic token",
        false => "set GITHUB_TOKEN or GH_TOKEN, or log in with `gh auth login`; --local asks nobody",
    };
    let failure = match status {
        401 => failed(format!("GitHub does not accept the token: 401{said}"))
            .hint("GITHUB_TOKEN or GH_TOKEN is wrong or has expired; `gh auth status` says what `gh` has"),
        403 => failed(format!("GitHub does not allow it: 403{said}")).hint(hint_of_token),
        404 => failed(format!("not there, or not shown to us: 404{said}")).hint(hint_of_token),
        301 | 302 | 307 | 308 => failed(format!("has moved: {status}"))
            .hint("the repository has another name now; `--repository OWNER/NAME` takes it"),
        _ => failed(format!("GitHub answers {status}{said}")),
    };
    Refusal::Other(Some(status), failure.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::hint_of;

    fn told(status: u16, headers: &[(&str, &str)], body: &str) -> String {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let answer = Answer { status, headers, body: body.as_bytes().to_vec() };
        let error = anyhow::Error::from(refused("GET x", &answer, true));
        format!("{error}; {}", hint_of(&error).unwrap_or("-"))
    }

    #[test]
    fn refusals_say_what_to_do() {
        let used_up = [
            ("x-ratelimit-limit", "1000"),
            ("x-ratelimit-remaining", "0"),
            // 2026-11-21T10:30:00Z.
            ("x-ratelimit-reset", "1795257000"),
        ];
        let none: &[(&str, &str)] = &[];
        for (status, headers, body, expected) in [
            (
                403,
                &used_up[..],
                r#"{"message": "API rate limit exceeded for installation ID 1."}"#,
                "GET x: GitHub's rate limit (1000 requests an hour) is used up until 2026-11-21T10:30:00Z; wait",
            ),
            (429, none, r#"{"message": "Slow"}"#, "wants us to slow down: 429 (Slow); wait a few minutes"),
            (
                401,
                none,
                r#"{"message": "Bad credentials"}"#,
                "does not accept the token: 401 (Bad credentials)",
            ),
            (
                403,
                none,
                r#"{"message": "Resource not accessible by integration"}"#,
                "`actions: read` in a workflow",
            ),
            (404, none, r#"{"message": "Not Found"}"#, "not there, or not shown to us: 404 (Not Found)"),
            (301, none, "", "`--repository OWNER/NAME` takes it"),
            (502, none, "<html>", "GitHub answers 502; -"),
            (422, none, r#"{"message": "a\nb"}"#, "GitHub answers 422 (a b); -"),
        ] {
            let text = told(status, headers, body);
            assert!(text.contains(expected), "{text}");
        }
    }
}
