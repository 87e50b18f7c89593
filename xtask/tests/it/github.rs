//! GitHub's API for pull requests and their comments, modelled by its documented shapes: `GET …/pulls`, `…/pulls/N`,
//! `…/issues/N/comments` with pages, POST, PATCH and DELETE of a comment. Tests script what goes wrong.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::pack::server::{Reply, Seen, Server, serve};
use crate::support::Workspace;

pub const TOKEN: &str = "ghs_atokenofatest0123456789";
/// The repository of every job in tests.
pub const REPOSITORY: &str = "Octo-Org/Fixture";
/// Who the token belongs to.
pub const BOT: &str = "github-actions[bot]";

/// What the model knows.
#[derive(Default)]
pub struct State {
    pub pulls: Vec<Value>,
    /// Oldest first.
    pub comments: Vec<Value>,
    /// Answers to the next requests of a method, instead of the usual ones; 0 hangs up.
    pub failures: VecDeque<(&'static str, u16)>,
    /// Whether another run comments in the moment in which we do.
    pub has_twin: bool,
    next: u64,
}

pub struct GitHub {
    server: Server,
    state: Arc<Mutex<State>>,
}

impl GitHub {
    /// From now on the workspace's commands ask this one.
    pub fn start(workspace: &mut Workspace) -> GitHub {
        let state = Arc::new(Mutex::new(State::default()));
        let known = Arc::clone(&state);
        let server = serve(move |request, _| answer(request, &mut known.lock().unwrap()));
        workspace.set("GITHUB_API_URL", format!("http://{}", server.address));
        workspace.set("GITHUB_TOKEN", TOKEN);
        GitHub { server, state }
    }

    /// Looks at what it knows, or scripts it.
    pub fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.state.lock().unwrap())
    }

    /// An open pull request from `owner:branch` whose last commit is `head`.
    pub fn open(&self, number: u64, owner: &str, branch: &str, head: &str) {
        let pull = json!({
            "number": number, "state": "open", "title": "a title",
            "head": {"sha": head, "ref": branch, "label": format!("{owner}:{branch}")},
            "base": {"ref": "main", "repo": {"full_name": REPOSITORY}},
        });
        self.with(|state| state.pulls.push(pull));
    }

    /// A comment by somebody.
    pub fn say(&self, login: &str, body: &str) -> u64 {
        self.with(|state| state.add(1, login, body)["id"].as_u64().unwrap())
    }

    /// All comments: who, and what.
    pub fn comments(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        self.with(|state| {
            state.comments.iter().map(|one| (text(&one["user"]["login"]), text(&one["body"]))).collect()
        })
    }

    /// What was asked so far, as `METHOD path?query` below the repository.
    pub fn asked(&self) -> Vec<String> {
        let prefix = format!("/repos/{REPOSITORY}/");
        let line =
            |seen: Seen| format!("{} {}", seen.method, seen.path.strip_prefix(&prefix).unwrap_or(&seen.path));
        self.server.seen().into_iter().map(line).collect()
    }

    /// The same for what changed something.
    pub fn changed(&self) -> Vec<String> {
        self.asked().into_iter().filter(|line| !line.starts_with("GET ")).collect()
    }
}

impl State {
    fn add(&mut self, step: u64, login: &str, body: &str) -> Value {
        self.next += step;
        let comment = json!({"id": 100 + self.next, "body": body, "user": {"login": login, "type": "Bot"}});
        self.comments.push(comment.clone());
        comment
    }
}

/// Whether this is what a part of an address names.
fn is_number(value: &Value, text: &str) -> bool {
    text.parse().is_ok_and(|number: u64| *value == number)
}

fn answer(request: &Seen, state: &mut State) -> Reply {
    let reply = |status: u16, body: Value| Reply::new(status, &[], &body.to_string());
    if request.header("authorization") != Some(&format!("Bearer {TOKEN}")) {
        return reply(401, json!({"message": "Bad credentials"}));
    }
    assert_eq!(request.header("accept"), Some("application/vnd.github+json"));
    if let Some(index) = state.failures.iter().position(|(method, _)| *method == request.method) {
        let (_, status) = state.failures.remove(index).unwrap();
        let said = json!({"message": format!("said {TOKEN}")});
        return if status == 0 { Reply::HangUp } else { reply(status, said) };
    }
    let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
    let value = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    let number = |name: &str| value(name).unwrap().parse::<usize>().unwrap();
    let body =
        || serde_json::from_slice::<Value>(&request.body).unwrap()["body"].as_str().unwrap().to_owned();
    let Some(rest) = path.strip_prefix(&format!("/repos/{REPOSITORY}/")) else {
        return reply(404, json!({"message": "Not Found"}));
    };
    let words: Vec<&str> = rest.split('/').collect();
    match (request.method.as_str(), words.as_slice()) {
        ("GET", ["pulls"]) => {
            assert_eq!(value("state"), Some("open"));
            let label = value("head").unwrap().replace("%3A", ":").replace("%2F", "/");
            let found = state.pulls.iter().filter(|pull| pull["head"]["label"] == label.as_str());
            reply(200, found.filter(|pull| pull["state"] == "open").cloned().collect())
        }
        ("GET", ["pulls", wanted]) => {
            let found = state.pulls.iter().find(|pull| is_number(&pull["number"], wanted));
            found.map_or_else(|| reply(404, json!({"message": "Not Found"})), |pull| reply(200, pull.clone()))
        }
        ("GET", ["issues", _, "comments"]) => {
            let start = (number("page") - 1) * number("per_page");
            reply(200, state.comments.iter().skip(start).take(number("per_page")).cloned().collect())
        }
        ("POST", ["issues", _, "comments"]) => {
            let body = body();
            if state.has_twin {
                let first = body.lines().next().unwrap().to_owned();
                state.add(1, BOT, &format!("{first}\nby the other run"));
            }
            reply(201, state.add(1, BOT, &body))
        }
        ("PATCH" | "DELETE", ["issues", "comments", id]) => {
            let Some(index) = state.comments.iter().position(|one| is_number(&one["id"], id)) else {
                return reply(404, json!({"message": "Not Found"}));
            };
            if request.method == "DELETE" {
                state.comments.remove(index);
                return Reply::new(204, &[], "");
            }
            state.comments[index]["body"] = body().into();
            reply(200, state.comments[index].clone())
        }
        _ => reply(404, json!({"message": "Not Found"})),
    }
}
