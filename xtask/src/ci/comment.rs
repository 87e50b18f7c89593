//! The one comment on a pull request: found by a mark that nobody sees and by who wrote it, made or brought up to date.
//!
//! Owns GitHub's operations for it. Which pull request is meant comes from the event, and GitHub has to confirm it; the
//! text comes from `hostile.rs`. Sources: "Pulls" and "Issue comments" of GitHub's REST documentation.

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::checks::Place;
use super::event::About;
use crate::exec::{Answer, Executor, Method, Request};
use crate::exit::{Exit, Failure};

/// The longest that one answer is waited for.
const LIMIT: Duration = Duration::from_secs(20);
/// How long is waited before a question is asked again.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3)];
const PAGE_SIZE: usize = 100;
/// More than 3,000 comments are looked through by nobody.
const PAGES_MAX: usize = 30;

/// A comment that is there.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Comment {
    pub id: u64,
    #[serde(default)]
    pub body: String,
    /// `None` for somebody who is gone.
    user: Option<User>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct User {
    login: String,
}

#[derive(Deserialize)]
struct Pull {
    number: u64,
    state: String,
    head: Head,
    base: Base,
}

#[derive(Deserialize)]
struct Head {
    sha: String,
}

#[derive(Deserialize)]
struct Base {
    repo: Repo,
}

#[derive(Deserialize)]
struct Repo {
    full_name: String,
}

/// What has to be done so that there is exactly one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub action: Action,
    /// What a run beside this one has made too.
    pub delete: Vec<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Create,
    Update(u64),
    /// It says the same already.
    Keep(u64),
}

/// The line that the comment begins with.
pub fn mark(name: &str) -> String {
    format!("<!-- cargo-xtask:{name} -->")
}

/// The whole comment. What is ours stands first, so that nothing in the report can hide it.
pub fn body(name: &str, about: &About, report: &str) -> String {
    let commit = about.head.get(..12).unwrap_or(&about.head);
    let run = about.run_url.as_ref().map(|url| format!(" by [this run]({url})")).unwrap_or_default();
    format!("{}\nFor commit {commit}{run}.\n\n{}\n", mark(name), report.trim_end())
}

/// The number of the pull request, once GitHub has confirmed it; inside, why nothing is to be said on it.
pub fn confirmed(exec: &Executor, place: &Place<'_>, about: &About) -> anyhow::Result<Result<u64, String>> {
    let pull = match about.number {
        Some(number) => ask::<Pull>(exec, place, &format!("pulls/{number}"))?,
        None => {
            let head = encoded(&format!("{}:{}", about.head_owner, about.head_branch));
            let pulls: Vec<Pull> = ask(exec, place, &format!("pulls?state=open&per_page=100&head={head}"))?;
            let mut pulls = pulls.into_iter().filter(|pull| pull.head.sha == about.head);
            match (pulls.next(), pulls.next()) {
                (Some(pull), None) => pull,
                (None, _) => {
                    return Ok(Err("no open pull request has this commit as its last one".to_owned()));
                }
                (Some(_), Some(_)) => {
                    return Ok(Err("several pull requests have this commit as their last one".to_owned()));
                }
            }
        }
    };
    if !pull.base.repo.full_name.eq_ignore_ascii_case(place.repository) {
        let message = format!("pull request {} is none of {}", pull.number, place.repository);
        return Err(Failure::new(Exit::CheckFailed, message).into());
    }
    if pull.state != "open" {
        return Ok(Err(format!("pull request {} is {}", pull.number, pull.state)));
    }
    if pull.head.sha != about.head {
        return Ok(Err(format!("pull request {} has newer commits, whose run will comment", pull.number)));
    }
    Ok(Ok(pull.number))
}

/// Our comments on it, oldest first. The mark alone would not do: anybody can write it.
pub fn ours(
    exec: &Executor,
    place: &Place<'_>,
    number: u64,
    name: &str,
    author: &str,
) -> anyhow::Result<Vec<Comment>> {
    let mark = mark(name);
    let mut found = Vec::new();
    for page in 1..=PAGES_MAX {
        let path = format!("issues/{number}/comments?per_page={PAGE_SIZE}&page={page}");
        let comments: Vec<Comment> = ask(exec, place, &path)?;
        let is_last = comments.len() < PAGE_SIZE;
        found.extend(comments.into_iter().filter(|comment| {
            let is_by_us = comment.user.as_ref().is_some_and(|user| user.login.eq_ignore_ascii_case(author));
            is_by_us && comment.body.lines().next().map(str::trim_end) == Some(mark.as_str())
        }));
        if is_last {
            found.sort_by_key(|comment| comment.id);
            return Ok(found);
        }
    }
    let message = format!("pull request {number} has more than {} comments", PAGES_MAX * PAGE_SIZE);
    Err(Failure::new(Exit::CheckFailed, message)
        .hint("among so many our own cannot be looked for; nothing was written")
        .into())
}

/// The oldest stays, as links to it do.
pub fn plan(ours: &[Comment], body: &str) -> Plan {
    let lines =
        |text: &str| text.trim_end().lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>();
    match ours.split_first() {
        None => Plan { action: Action::Create, delete: Vec::new() },
        Some((first, others)) => Plan {
            action: match lines(&first.body) == lines(body) {
                true => Action::Keep(first.id),
                false => Action::Update(first.id),
            },
            delete: others.iter().map(|comment| comment.id).collect(),
        },
    }
}

/// Carries the plan out. Each change is sent once: the next run finds whatever this one has left. A comment that is
/// made has to be by `author`, or no run would ever find it again and each would make another.
pub fn carry_out(
    exec: &Executor,
    place: &Place<'_>,
    number: u64,
    plan: &Plan,
    body: &str,
    author: &str,
) -> anyhow::Result<()> {
    let body = json!({ "body": body }).to_string().into_bytes();
    let request = |method: Method, path: String| Request::new(method, url(place, &path)).body(body.clone());
    match plan.action {
        Action::Keep(_) => {}
        Action::Update(id) => {
            let changed = send(exec, place, request(Method::Patch, format!("issues/comments/{id}")))?;
            expect(&changed, 200, "change the comment", exec)?;
        }
        Action::Create => {
            let made = send(exec, place, request(Method::Post, format!("issues/{number}/comments")))?;
            expect(&made, 201, "comment", exec)?;
            let made = serde_json::from_slice::<Comment>(&made.body).ok().and_then(|comment| comment.user);
            if let Some(User { login }) = made.filter(|user| !user.login.eq_ignore_ascii_case(author)) {
                let message =
                    format!("the comment on pull request {number} is by `{login}`, not by `{author}`");
                return Err(Failure::usage(message)
                    .hint(format!("delete it, and name whose token it is: --author '{login}'"))
                    .into());
            }
        }
    }
    for id in &plan.delete {
        let deleted =
            send(exec, place, Request::new(Method::Delete, url(place, &format!("issues/comments/{id}"))))?;
        // Whoever made it may have been faster.
        if deleted.status != 404 {
            expect(&deleted, 204, "delete a second comment", exec)?;
        }
    }
    Ok(())
}

fn url(place: &Place<'_>, path: &str) -> String {
    format!("{}/repos/{}/{path}", place.api, place.repository)
}

/// Asks, and again where GitHub or the network is out of order.
fn ask<T: DeserializeOwned>(exec: &Executor, place: &Place<'_>, path: &str) -> anyhow::Result<T> {
    let mut pauses = PAUSES.iter();
    let answer = loop {
        let result = send(exec, place, Request::new(Method::Get, url(place, path)));
        let is_passing = match &result {
            Ok(answer) => matches!(answer.status, 429 | 500..=599),
            Err(error) => matches!(Exit::of(error), Exit::CommandFailed | Exit::TimedOut),
        };
        match pauses.next().filter(|_| is_passing) {
            Some(pause) => exec.sleep(*pause)?,
            None => break result?,
        }
    };
    expect(&answer, 200, "look at the pull request", exec)?;
    serde_json::from_slice(&answer.body).map_err(|_| {
        let path = path.split('?').next().unwrap_or(path);
        Failure::new(
            Exit::CommandFailed,
            format!("GitHub's answer about {path} is not what its API promises"),
        )
        .into()
    })
}

fn send(exec: &Executor, place: &Place<'_>, request: Request) -> anyhow::Result<Answer> {
    let request = request
        .timeout(LIMIT)
        .without_redirections()
        .header("accept", "application/vnd.github+json")
        .header("x-github-api-version", "2022-11-28")
        .header("authorization", format!("Bearer {}", place.token));
    exec.send(&request)
}

fn expect(answer: &Answer, status: u16, what: &str, exec: &Executor) -> anyhow::Result<()> {
    if answer.status == status {
        return Ok(());
    }
    let text = answer.text();
    let value = serde_json::from_str::<serde_json::Value>(&text).unwrap_or_default();
    let said = value.get("message").and_then(serde_json::Value::as_str).unwrap_or_default();
    let said: String = said.chars().filter(|c| !c.is_control()).take(200).collect();
    let said = if said.is_empty() { String::new() } else { format!(" ({})", exec.redact(&said)) };
    let message = format!("cannot {what}: GitHub answers {}{said}", answer.status);
    let failure = Failure::new(Exit::CommandFailed, message);
    Err(match answer.status {
        401 | 403 | 404 => {
            failure.hint("the job needs `permissions: pull-requests: write`, and GITHUB_TOKEN")
        }
        _ => failure.hint("running the job again is safe: what is there is found by its mark"),
    }
    .into())
}

/// For the query of an address.
fn encoded(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_in_the_end() {
        let comment = |id: u64, body: &str| Comment { id, body: body.to_owned(), user: None };
        let plan = |ours: &[Comment]| {
            let Plan { action, delete } = plan(ours, "mark\ntext\n");
            (action, delete)
        };
        assert_eq!(plan(&[]), (Action::Create, vec![]));
        assert_eq!(plan(&[comment(1, "mark\r\ntext")]), (Action::Keep(1), vec![]));
        assert_eq!(plan(&[comment(1, "mark\nold"), comment(2, "x")]), (Action::Update(1), vec![2]));
    }

    #[test]
    fn ours_stands_before_what_is_not() {
        let about = About {
            number: None,
            head: "0123456789abcdef".to_owned(),
            head_owner: "o".to_owned(),
            head_branch: "b".to_owned(),
            run_url: Some("https://github.com/o/r/actions/runs/1".to_owned()),
        };
        let expected = "<!-- cargo-xtask:deps -->\nFor commit 0123456789ab by [this run]\
                        (https://github.com/o/r/actions/runs/1).\n\nreport\n";
        assert_eq!(body("deps", &about, "report\n\n"), expected);
        assert_eq!(encoded("o:a b/ü&x"), "o%3Aa%20b%2F%C3%BC%26x");
    }
}
