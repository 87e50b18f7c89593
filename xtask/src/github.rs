//! How GitHub's REST API is asked, whoever asks it: what every request has with it, which faults pass and how long
//! their end is waited for, and what GitHub says in a refusal.
//!
//! Knows no operation, and what mends a refusal neither: both belong to the rooms that ask.

use std::cell::Cell;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::exec::{Answer, Executor, Method, Request};
use crate::exit::Exit;

/// A request is sent again after these pauses where the fault seems to be GitHub's or the network's.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(4)];
/// Longer than this nobody is kept waiting for the end of a limit, and so long at least GitHub wants us to wait where
/// it does not say how long ("Rate limits for the REST API" of its documentation).
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// What GitHub is allowed to say in our messages, in characters.
const MESSAGE_MAX: usize = 200;

/// A request as GitHub wants it. A redirection is its answer: the token is for this very address.
pub fn request(method: Method, url: impl Into<String>, token: Option<&str>) -> Request {
    let request = Request::new(method, url)
        .header("accept", "application/vnd.github+json")
        .header("x-github-api-version", "2022-11-28")
        .without_redirections();
    match token {
        Some(token) => request.header("authorization", format!("Bearer {token}")),
        None => request,
    }
}

/// Whoever asks, one question after the other, as "Best practices for using the REST API" of GitHub's documentation
/// wants it.
pub struct Client<'a> {
    exec: &'a Executor,
    /// What all pauses together may take.
    patience: Duration,
    paused: Cell<Duration>,
    sent: Cell<usize>,
}

impl<'a> Client<'a> {
    /// `patience` is what the pauses of all questions together may take: whoever asks a hundred of them must not be
    /// kept waiting a hundred times.
    pub fn new(exec: &'a Executor, patience: Duration) -> Client<'a> {
        Client { exec, patience, paused: Cell::new(Duration::ZERO), sent: Cell::new(0) }
    }

    /// How many requests were sent.
    pub fn sent(&self) -> usize {
        self.sent.get()
    }

    /// The answer to a request that may be sent again, whatever its status. It is sent twice more at most, and only
    /// where the fault passes and the wait is short.
    ///
    /// # Errors
    /// Where there is no answer, and where it is interrupted.
    pub fn ask(&self, request: &Request) -> anyhow::Result<Answer> {
        let mut pauses = PAUSES.iter();
        loop {
            self.sent.set(self.sent.get() + 1);
            let result = self.exec.send(request);
            let pause = match &result {
                Ok(answer) => passing(answer, Utc::now()),
                // A server that hangs would hang again, for as long.
                Err(error) => (Exit::of(error) == Exit::CommandFailed).then_some(Pause::Usual),
            };
            let (Some(pause), Some(usual)) = (pause, pauses.next()) else { return result };
            let pause = match pause {
                Pause::Usual => *usual,
                Pause::Wanted(time) => time,
            };
            if !self.takes(pause) {
                return result;
            }
            self.exec.ui().status("Retrying", format!("{} in {} s", request.display(), pause.as_secs()));
            self.exec.sleep(pause)?;
        }
    }

    /// Whether so long may still be waited; if so, it counts as waited.
    fn takes(&self, pause: Duration) -> bool {
        let all = self.paused.get().saturating_add(pause);
        let is_short = pause <= PAUSE_MAX && all <= self.patience;
        if is_short {
            self.paused.set(all);
        }
        is_short
    }
}

/// How the end of a fault is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pause {
    Usual,
    /// As GitHub wants it.
    Wanted(Duration),
}

/// Whether what is wrong with an answer may be over soon; `None` where nothing is wrong, or it would be the same again.
fn passing(answer: &Answer, now: DateTime<Utc>) -> Option<Pause> {
    match (limit(answer), answer.status) {
        // A second more, as no two clocks are the same.
        (Some(Limit::UsedUp(until)), _) => {
            let wait = (until? - now).to_std().ok()?;
            Some(Pause::Wanted(wait.saturating_add(Duration::from_secs(1))))
        }
        (Some(Limit::TooFast(pause)), _) => Some(Pause::Wanted(pause)),
        (None, 500 | 502..=504) => Some(retry_after(answer).map_or(Pause::Usual, Pause::Wanted)),
        (None, 200) if is_cut(answer) => Some(Pause::Usual),
        (None, _) => None,
    }
}

/// A limit that an answer tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// The requests of this hour are used up, until then where GitHub tells.
    UsedUp(Option<DateTime<Utc>>),
    /// Too many requests in a short time: so long nothing is to be asked.
    TooFast(Duration),
}

/// The limit that this answer is about. Source: "Rate limits for the REST API", where a status of 403 says it as often
/// as 429.
pub fn limit(answer: &Answer) -> Option<Limit> {
    if !matches!(answer.status, 403 | 429) {
        return None;
    }
    if let Some(pause) = retry_after(answer) {
        return Some(Limit::TooFast(pause));
    }
    if answer.header("x-ratelimit-remaining").map(str::trim) == Some("0") {
        let reset = answer.header("x-ratelimit-reset").and_then(|text| text.trim().parse::<i64>().ok());
        return Some(Limit::UsedUp(reset.and_then(|seconds| DateTime::from_timestamp(seconds, 0))));
    }
    let is_told = answer.status == 429 || said(answer).to_lowercase().contains("rate limit");
    is_told.then_some(Limit::TooFast(PAUSE_MAX))
}

fn retry_after(answer: &Answer) -> Option<Duration> {
    answer.header("retry-after")?.trim().parse().ok().map(Duration::from_secs)
}

/// Whether the end of the JSON is missing, as where a proxy has broken off.
fn is_cut(answer: &Answer) -> bool {
    serde_json::from_slice::<IgnoredAny>(&answer.body).is_err_and(|error| error.is_eof())
}

/// ` (what GitHub says)`, in one line; nothing where it says nothing that can be read.
pub fn said(answer: &Answer) -> String {
    #[derive(Deserialize)]
    struct Body {
        message: String,
    }
    let Ok(body) = serde_json::from_slice::<Body>(&answer.body) else { return String::new() };
    let text: String = body.message.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!(" ({})", text.chars().take(MESSAGE_MAX).collect::<String>())
}

/// For a query, or for one part of a path.
pub fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;
    use crate::exec::Mode;
    use crate::ui::Ui;

    fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Answer { status, headers, body: body.as_bytes().to_vec() }
    }

    fn wait(status: u16, headers: &[(&str, &str)], body: &str) -> Option<Pause> {
        let now = DateTime::parse_from_rfc3339("2026-11-21T10:00:00Z").unwrap().to_utc();
        passing(&answer(status, headers, body), now)
    }

    fn seconds(count: u64) -> Option<Pause> {
        Some(Pause::Wanted(Duration::from_secs(count)))
    }

    #[test]
    fn what_passes() {
        let used_up =
            |reset: &str| wait(403, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", reset)], "");
        // 2026-11-21T10:00:00Z is 1795255200.
        assert_eq!(used_up("1795255220"), seconds(21));
        assert_eq!(used_up("1795257000"), seconds(1801), "too long for anybody, which is for others to say");
        assert_eq!((used_up("1795255100"), used_up("soon")), (None, None));
        let secondary = r#"{"message": "You have exceeded a secondary rate limit."}"#;
        assert_eq!(wait(403, &[], secondary), seconds(60));
        assert_eq!(wait(429, &[], ""), seconds(60));
        assert_eq!(wait(429, &[("retry-after", "7")], "{}"), seconds(7));
        assert_eq!(wait(503, &[("retry-after", "7")], ""), seconds(7));
        for (status, body) in [(500, ""), (502, "<html>"), (504, ""), (200, "{\"half\": "), (200, "")] {
            assert_eq!(wait(status, &[], body), Some(Pause::Usual), "{status} {body}");
        }
        for (status, body) in [
            (200, "{}"),
            (200, "no JSON"),
            (204, ""),
            (301, ""),
            (401, ""),
            (403, "{}"),
            (404, ""),
            (422, ""),
        ] {
            assert_eq!(wait(status, &[], body), None, "{status} {body}");
        }
    }

    /// Gives these answers, one a connection. The server's address.
    fn serve(answers: &'static [&'static str]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        format!("http://{address}/x")
    }

    const TOO_FAST: &str = concat!(
        "HTTP/1.1 429 Too Many Requests\r\nretry-after: 1\r\n",
        "content-length: 2\r\nconnection: close\r\n\r\n{}"
    );
    const GOOD: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";

    #[test]
    fn patience_is_for_all_questions_together() {
        let exec = Executor::new(Ui::detect(true), Mode::Run).unwrap();
        let client = Client::new(&exec, Duration::from_secs(120));
        let ask = |url: &str| client.ask(&request(Method::Get, url, None)).unwrap().status;
        assert_eq!((ask(&serve(&[TOO_FAST, GOOD])), client.sent()), (200, 2));
        assert_eq!(client.paused.get(), Duration::from_secs(1));
        // What one question may wait for, and no longer.
        assert!(!client.takes(Duration::from_secs(61)) && !client.takes(Duration::MAX));
        assert!(client.takes(Duration::from_secs(60)));
        assert!(!client.takes(Duration::from_secs(60)), "121 seconds");
        assert!(client.takes(Duration::from_secs(59)));
        assert_eq!((ask(&serve(&[TOO_FAST, GOOD])), client.sent()), (429, 3));
    }

    #[test]
    fn words_and_names() {
        assert_eq!(said(&answer(422, &[], r#"{"message": "a\nb"}"#)), " (a b)");
        assert_eq!(said(&answer(502, &[], "<html>")), "");
        assert_eq!(encoded(">=2026-11-01T00:00:00Z"), "%3E%3D2026-11-01T00%3A00%3A00Z");
        assert_eq!(encoded("nested/app"), "nested%2Fapp");
        assert_eq!(encoded("fix/ü&a=b"), "fix%2F%C3%BC%26a%3Db");
    }
}
