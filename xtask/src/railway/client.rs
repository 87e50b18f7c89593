//! The client of Railway's API: one operation a request, and what each kind of answer means.
//!
//! Queries are repeated a few times when Railway is busy or does not answer; mutations never are, because nobody knows
//! what became of the first. What Railway says in `extensions` is the same for every error and is not read.

use std::time::Duration;

use serde_json::{Value, json};

use super::operations::{Mutation, Operation, Query};
use crate::config::railway::{Access, TOKEN_HINT, Token};
use crate::exec::{Answer, Executor, Method, Request};
use crate::exit::{Exit, Failure, hint_of};

/// Below the base of the address (source: docs.railway.com, "Public API").
const PATH: &str = "/graphql/v2";
/// The pauses before a query is sent again.
const PAUSES: [Duration; 3] =
    [Duration::from_millis(500), Duration::from_millis(1000), Duration::from_millis(2000)];
/// The longest that a `Retry-After` is obeyed; beyond it the command ends, and says how long Railway wants to rest.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);
/// What may help where several questions had no answer that could be read.
const SILENT_HINT: &str = "status.railway.com says whether Railway is well; RAILWAY_BACKBOARD_URL, where it is set, is \
    the address that is asked";
/// How much of an answer that makes no sense is shown, in characters.
const SHOWN_MAX: usize = 100;

/// The API, as one token sees it.
pub struct Client<'a> {
    exec: &'a Executor,
    endpoint: String,
    token: Token,
}

/// Why a call gave no result.
#[derive(Debug)]
pub struct CallError {
    pub kind: CallErrorKind,
    error: anyhow::Error,
}

/// What can be concluded from a call without a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallErrorKind {
    /// Nothing was done, and a second call would fare no better.
    Refused,
    /// Nothing was done; later it may be. Railway may say how much later.
    Busy { retry_after: Option<Duration> },
    /// No answer, or none that can be read: a mutation may have taken place.
    Unclear,
}

impl From<CallError> for anyhow::Error {
    fn from(error: CallError) -> anyhow::Error {
        error.error
    }
}

impl std::fmt::Display for CallError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.error.fmt(f)
    }
}

impl CallError {
    /// Whether another attempt may succeed.
    pub fn is_passing(&self) -> bool {
        self.kind != CallErrorKind::Refused
    }

    fn new(kind: CallErrorKind, failure: Failure) -> CallError {
        CallError { kind, error: failure.into() }
    }
}

impl<'a> Client<'a> {
    /// The token is kept out of everything shown from now on.
    pub fn new(exec: &'a Executor, access: &Access) -> Client<'a> {
        exec.learn_secret(&access.token.value);
        Client { exec, endpoint: format!("{}{PATH}", access.base), token: access.token.clone() }
    }

    /// Asks, and asks again when Railway is busy or does not answer. What to do about one that never does is in the
    /// error.
    pub fn query<O: Query>(&self, operation: &O) -> anyhow::Result<O::Answer> {
        for pause in PAUSES {
            let error = match self.query_once(operation) {
                Ok(answer) => return Ok(answer),
                Err(error) if error.is_passing() => error,
                Err(error) => return Err(error.into()),
            };
            let pause = match error.kind {
                CallErrorKind::Busy { retry_after: Some(wanted) } if wanted > RETRY_AFTER_MAX => {
                    return Err(error.into());
                }
                CallErrorKind::Busy { retry_after: Some(wanted) } => {
                    self.exec.ui().note(format!("{error}; waiting {} s", wanted.as_secs()));
                    wanted
                }
                _ => pause,
            };
            self.exec.sleep(pause)?;
        }
        self.query_once(operation).map_err(|problem| {
            let is_silent = problem.kind == CallErrorKind::Unclear;
            let error = anyhow::Error::from(problem);
            if !is_silent || hint_of(&error).is_some() {
                return error;
            }
            Failure::new(Exit::of(&error), format!("{error:#}")).hint(SILENT_HINT).into()
        })
    }

    /// Asks once; for those who ask again anyway.
    pub fn query_once<O: Query>(&self, operation: &O) -> Result<O::Answer, CallError> {
        self.call(operation, true)
    }

    /// Changes something, at most once.
    pub fn mutate<O: Mutation>(&self, operation: &O) -> Result<O::Answer, CallError> {
        self.call(operation, false)
    }

    fn call<O: Operation>(&self, operation: &O, looks_only: bool) -> Result<O::Answer, CallError> {
        let body = json!({"query": O::TEXT, "variables": operation, "operationName": O::NAME});
        let (name, before_token) = self.token.kind.header();
        let request = Request::new(Method::Post, &self.endpoint)
            .header("content-type", "application/json")
            .header(name, format!("{before_token}{}", self.token.value))
            .body(body.to_string().into_bytes());
        let request = if looks_only { request.looks_only() } else { request };
        let answer = self.exec.send(&request).map_err(|error| CallError {
            kind: match Exit::of(&error) {
                // The address is wrong, or somebody has stopped us.
                Exit::Usage | Exit::Interrupted(_) => CallErrorKind::Refused,
                _ => CallErrorKind::Unclear,
            },
            error,
        })?;
        let read = |answer: &Answer| read(&self.token, O::NAME, &self.endpoint, answer);
        // What is quoted is cut, and half a secret would not be found any more: secrets go first.
        let data = read(&answer)
            .or_else(|_| {
                read(&Answer { body: self.exec.redact(&answer.text()).into_bytes(), ..answer.clone() })
            })
            .map_err(|problem| CallError::new(problem.kind, problem.failure))?;
        // The text of this error may quote a value, and values may be secret.
        serde_json::from_value(data).map_err(|_| {
            let message = format!("Railway's answer to `{}` is not what its schema says", O::NAME);
            CallError::new(CallErrorKind::Unclear, Failure::new(Exit::CommandFailed, message))
        })
    }
}

struct Problem {
    kind: CallErrorKind,
    failure: Failure,
}

/// The `data` of an answer, or what is wrong with it. Almost every failure arrives with status 200 and `errors`.
fn read(token: &Token, name: &str, endpoint: &str, answer: &Answer) -> Result<Value, Problem> {
    let failed =
        |kind, message: String| Problem { kind, failure: Failure::new(Exit::CommandFailed, message) };
    let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let message = body.as_ref().and_then(|body| body.pointer("/errors/0/message")).and_then(Value::as_str);
    let is_unauthorised = message.is_some_and(|message| message.contains("Not Authorized"));
    if is_unauthorised || matches!(answer.status, 401 | 403) {
        let (header, _) = token.kind.header();
        let message = format!(
            "Railway says \"{}\" to `{name}`: the {} in {}, sent as `{header}`, is not valid or may not do this",
            message.unwrap_or("Not Authorized"),
            token.kind,
            token.kind.variable()
        );
        let failure = Failure::usage(message).hint(TOKEN_HINT);
        return Err(Problem { kind: CallErrorKind::Refused, failure });
    }
    let status = answer.status;
    match (status, message) {
        (429, _) => {
            let retry_after = answer.header("retry-after").and_then(|seconds| seconds.trim().parse().ok());
            let rest = match retry_after {
                Some(seconds) => format!(" for {seconds} s"),
                None => String::new(),
            };
            let kind = CallErrorKind::Busy { retry_after: retry_after.map(Duration::from_secs) };
            let text = format!("Railway takes no more requests{rest}: the limit of the plan is reached");
            Err(failed(kind, text))
        }
        (500.., _) => {
            let text =
                format!("Railway answers `{name}` with status {status}{}", said(message, &answer.body));
            Err(failed(CallErrorKind::Unclear, text))
        }
        (404, None) => {
            let mut problem =
                failed(CallErrorKind::Refused, format!("there is no Railway API at {endpoint} (status 404)"));
            problem.failure.hint =
                Some("RAILWAY_BACKBOARD_URL is the address without `/graphql/v2`".to_owned());
            Err(problem)
        }
        (_, Some(message)) => {
            Err(failed(CallErrorKind::Refused, format!("Railway refuses `{name}`: {}", shortened(message))))
        }
        (200, None) => {
            let errors = body.as_ref().and_then(|body| body.get("errors"));
            let is_error = errors.is_some_and(|errors| !errors.is_null() && *errors != json!([]));
            match body.and_then(|mut body| body.get_mut("data").map(Value::take)) {
                Some(data) if data.is_object() && !is_error => Ok(data),
                _ => {
                    let text =
                        format!("Railway's answer to `{name}` makes no sense{}", said(None, &answer.body));
                    Err(failed(CallErrorKind::Unclear, text))
                }
            }
        }
        (_, None) => {
            let text = format!("Railway answers `{name}` with status {status}{}", said(None, &answer.body));
            Err(failed(CallErrorKind::Refused, text))
        }
    }
}

/// `: <the beginning of what was said>`. The data of an answer is never shown: variables have secret values.
fn said(message: Option<&str>, body: &[u8]) -> String {
    let body = String::from_utf8_lossy(body);
    let text = match message {
        Some(message) => message,
        None if body.contains("\"data\"") => "",
        None => body.as_ref(),
    };
    let text = shortened(text);
    if text.is_empty() { String::new() } else { format!(": {text}") }
}

fn shortened(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ");
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::config::railway::TokenKind;

    fn answer(kind: TokenKind, status: u16, headers: &[(&str, &str)], body: &str) -> Result<Value, Problem> {
        let token = Token { kind, value: "secret".to_owned() };
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let answer = Answer { status, headers, body: body.as_bytes().to_vec() };
        read(&token, "Deployment", "https://x/graphql/v2", &answer)
    }

    fn check(status: u16, headers: &[(&str, &str)], body: &str, expected: Expect) {
        let problem = answer(TokenKind::Project, status, headers, body).unwrap_err();
        let Failure { exit, message, .. } = problem.failure;
        expected.assert_eq(&format!("{:?} {exit:?}: {message}", problem.kind));
    }

    #[test]
    fn data_is_data() {
        let data = answer(TokenKind::Project, 200, &[], r#"{"data":{"a":1},"extensions":{}}"#);
        assert_eq!(data.ok(), Some(json!({"a": 1})));
        let data = answer(TokenKind::Project, 200, &[], r#"{"data":{"a":1},"errors":[]}"#);
        assert_eq!(data.ok(), Some(json!({"a": 1})));
    }

    #[test]
    fn errors_with_status_200() {
        check(
            200,
            &[],
            r#"{"errors":[{"message":"Deployment not found","extensions":{"code":"INTERNAL_SERVER_ERROR"}}],"data":null}"#,
            expect!["Refused CommandFailed: Railway refuses `Deployment`: Deployment not found"],
        );
        check(
            200,
            &[],
            r#"{"errors":[{"message":"Not Authorized"}]}"#,
            expect![[
                r#"Refused Usage: Railway says "Not Authorized" to `Deployment`: the project token in RAILWAY_TOKEN, sent as `Project-Access-Token`, is not valid or may not do this"#
            ]],
        );
        let problem =
            answer(TokenKind::Account, 200, &[], r#"{"errors":[{"message":"Not Authorized"}]}"#).unwrap_err();
        expect![[
            r#"Railway says "Not Authorized" to `Deployment`: the account or workspace token in RAILWAY_API_TOKEN, sent as `Authorization`, is not valid or may not do this"#
        ]]
        .assert_eq(&problem.failure.message);
    }

    #[test]
    fn other_statuses_and_nonsense() {
        check(
            400,
            &[],
            r#"{"errors":[{"message":"Problem processing request"}]}"#,
            expect!["Refused CommandFailed: Railway refuses `Deployment`: Problem processing request"],
        );
        check(400, &[], "", expect!["Refused CommandFailed: Railway answers `Deployment` with status 400"]);
        check(
            404,
            &[],
            "Not Found",
            expect!["Refused CommandFailed: there is no Railway API at https://x/graphql/v2 (status 404)"],
        );
        check(
            301,
            &[],
            "moved",
            expect!["Refused CommandFailed: Railway answers `Deployment` with status 301: moved"],
        );
        check(
            502,
            &[],
            "<html>\n  bad gateway</html>",
            expect![
                "Unclear CommandFailed: Railway answers `Deployment` with status 502: <html> bad gateway</html>"
            ],
        );
        check(
            200,
            &[],
            "<html>hello</html>",
            expect![
                "Unclear CommandFailed: Railway's answer to `Deployment` makes no sense: <html>hello</html>"
            ],
        );
        check(
            200,
            &[],
            "",
            expect!["Unclear CommandFailed: Railway's answer to `Deployment` makes no sense"],
        );
        check(
            200,
            &[],
            r#"{"data":{"A":"secret"},"errors":[{}]}"#,
            expect!["Unclear CommandFailed: Railway's answer to `Deployment` makes no sense"],
        );
    }

    #[test]
    fn a_busy_railway_says_for_how_long() {
        check(
            429,
            &[("retry-after", "7")],
            "slow down",
            expect![
                "Busy { retry_after: Some(7s) } CommandFailed: Railway takes no more requests for 7 s: the limit of the plan is reached"
            ],
        );
        check(
            429,
            &[],
            "",
            expect![
                "Busy { retry_after: None } CommandFailed: Railway takes no more requests: the limit of the plan is reached"
            ],
        );
    }
}
