//! GitHub's REST API for runs, jobs, caches and packages, as far as `monitor` asks: answers in the shape of its
//! documentation, pages, the filters for branch and time, and faults on order.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::pack::server::{Reply, Seen, Server, serve};

pub const TOKEN: &str = "ghp_atokenofamonitortest0123456789";
pub const REPOSITORY: &str = "octo/app";

/// What goes wrong with the next request whose path has these letters.
pub enum Fault {
    /// Status, headers, body.
    Answer(u16, Vec<(&'static str, String)>, String),
    /// Nothing comes for half a minute.
    Silence,
    /// Half of what would have come.
    Half,
    /// The connection breaks.
    HangUp,
}

#[derive(Default)]
pub struct State {
    /// The newest first.
    pub runs: Vec<Value>,
    pub caches: Vec<Value>,
    pub versions: Vec<Value>,
    pub is_public: bool,
    /// So many runs of the first page are withheld.
    pub withheld: usize,
    faults: Vec<(&'static str, Fault)>,
}

pub struct GitHub {
    pub server: Server,
    state: Arc<Mutex<State>>,
}

/// RFC 3339 as GitHub writes it.
pub fn stamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A run so many hours ago that took so long, with the fields of GitHub's documentation.
pub fn run(id: u64, hours_ago: i64, seconds: i64, conclusion: &str) -> Value {
    let began = Utc::now() - TimeDelta::hours(hours_ago);
    let url = format!("https://api.github.com/repos/{REPOSITORY}/actions/runs/{id}");
    json!({
        "id": id, "name": "Image and deployment", "node_id": "MDEyOldvcmtmbG93IFJ1bjI2OTI4OQ==", "head_branch": "main",
        "head_sha": format!("{id:040x}"), "path": ".github/workflows/docker-build.yml", "run_number": id,
        "display_title": "A commit", "event": "push", "status": "completed", "conclusion": conclusion,
        "workflow_id": 159_038, "check_suite_id": 42, "url": url,
        "html_url": format!("https://github.com/{REPOSITORY}/actions/runs/{id}"), "pull_requests": [],
        "created_at": stamp(began), "updated_at": stamp(began + TimeDelta::seconds(seconds + 2)),
        "actor": {"login": "octocat", "id": 1, "type": "User"}, "run_attempt": 1, "referenced_workflows": [],
        "run_started_at": stamp(began), "triggering_actor": {"login": "octocat", "id": 1, "type": "User"},
        "jobs_url": format!("{url}/jobs"), "previous_attempt_url": null, "head_commit": {"message": "A commit"},
        "repository": {"id": 1, "name": "app", "full_name": REPOSITORY, "private": true},
    })
}

/// The jobs of a run: the build, and a deployment of forty seconds; of checks one alone.
fn jobs(run: &Value) -> Value {
    let time = |key: &str| DateTime::parse_from_rfc3339(run[key].as_str().unwrap()).unwrap().to_utc();
    let (began, ended) = (time("run_started_at"), time("updated_at") - TimeDelta::seconds(2));
    let deploy = ended - TimeDelta::seconds(40);
    let job = |id: u64,
               name: &str,
               conclusion: &Value,
               from: DateTime<Utc>,
               to: DateTime<Utc>,
               step: &str| {
        json!({
            "id": id, "run_id": run["id"], "run_attempt": 1, "head_sha": run["head_sha"], "status": "completed",
            "conclusion": conclusion, "created_at": stamp(from), "started_at": stamp(from), "completed_at": stamp(to),
            "name": name, "labels": ["ubuntu-24.04"], "runner_id": 1, "runner_name": "GitHub Actions 1",
            "runner_group_id": 2, "runner_group_name": "GitHub Actions", "workflow_name": run["name"],
            "head_branch": run["head_branch"],
            "steps": [
                {"name": "Set up job", "status": "completed", "conclusion": "success", "number": 1,
                 "started_at": stamp(from), "completed_at": stamp(from + TimeDelta::seconds(2))},
                {"name": step, "status": "completed", "conclusion": conclusion, "number": 2,
                 "started_at": stamp(from + TimeDelta::seconds(2)), "completed_at": stamp(to)},
                {"name": "Never begun", "status": "queued", "conclusion": null, "number": 3},
            ],
        })
    };
    let built =
        job(1, "Build, push and smoke-test the image", &json!("success"), began, deploy, "Build the image");
    let deployed = job(2, "Deploy the image", &run["conclusion"], deploy, ended, "Deploy");
    if run["name"] == "Checks" {
        return json!({"total_count": 1, "jobs": [job(1, "Tests", &run["conclusion"], began, ended, "Test")]});
    }
    json!({"total_count": 2, "jobs": [built, deployed]})
}

pub fn cache(id: u64, key: &str, bytes: u64) -> Value {
    json!({
        "id": id, "ref": "refs/heads/main", "key": key, "version": "73885106f58cc52a7df9ec4d4a5622a5614813162cb516c759a30af6bf56e6f0",
        "last_accessed_at": "2026-01-24T22:45:36.000000000Z", "created_at": "2026-01-24T22:45:36.000000000Z",
        "size_in_bytes": bytes,
    })
}

impl GitHub {
    pub fn start() -> GitHub {
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        let server = serve(move |request, _| answer(request, &shared));
        GitHub { server, state }
    }

    pub fn with(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap());
    }

    /// The next request whose path has these letters fails so.
    pub fn fail(&self, part: &'static str, fault: Fault) {
        self.with(|state| state.faults.push((part, fault)));
    }

    /// The same for a refusal in GitHub's words.
    pub fn refuse(&self, part: &'static str, status: u16, message: &str) {
        let body = json!({"message": message, "documentation_url": "https://docs.github.com/rest"});
        self.fail(part, Fault::Answer(status, Vec::new(), body.to_string()));
    }

    /// The paths of all requests, without their queries.
    pub fn asked(&self) -> Vec<String> {
        let path = |seen: Seen| seen.path.split('?').next().unwrap_or_default().to_owned();
        self.server.seen().into_iter().map(path).collect()
    }
}

fn answer(request: &Seen, state: &Mutex<State>) -> Reply {
    let reply = |status: u16, body: &Value| {
        Reply::new(status, &[("content-type", "application/json")], &body.to_string())
    };
    assert_eq!(request.method, "GET");
    assert_eq!(request.header("accept"), Some("application/vnd.github+json"));
    assert_eq!(request.header("x-github-api-version"), Some("2022-11-28"));
    let fault = {
        let mut state = state.lock().unwrap();
        let place = state.faults.iter().position(|(part, _)| request.path.contains(part));
        place.map(|place| state.faults.remove(place).1)
    };
    match fault {
        None => {}
        Some(Fault::Answer(status, headers, body)) => {
            let headers: Vec<(&str, &str)> =
                headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            return Reply::new(status, &headers, &body);
        }
        Some(Fault::Silence) => {
            std::thread::sleep(Duration::from_secs(30));
            return Reply::HangUp;
        }
        Some(Fault::Half) => {
            let body = known(request, &state.lock().unwrap()).1.to_string();
            return Reply::new(200, &[], &body[..body.len() / 2]);
        }
        Some(Fault::HangUp) => return Reply::HangUp,
    }
    if request.header("authorization").is_some_and(|given| given != format!("Bearer {TOKEN}")) {
        return reply(
            401,
            &json!({"message": "Bad credentials", "documentation_url": "https://docs.github.com/rest"}),
        );
    }
    let (status, body) = known(request, &state.lock().unwrap());
    reply(status, &body)
}

/// What GitHub knows, without any fault.
fn known(request: &Seen, state: &State) -> (u16, Value) {
    let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
    let value = |name: &str| {
        let pair = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        pair.map(|value| value.replace("%3A", ":").replace("%3E%3D", "").replace("%2F", "/"))
    };
    let page = |all: Vec<&Value>| -> Vec<Value> {
        let number = |name: &str, default: usize| value(name).map_or(default, |value| value.parse().unwrap());
        let size = number("per_page", 30).min(100);
        all.into_iter().skip((number("page", 1) - 1) * size).take(size).cloned().collect()
    };
    let base = format!("/repos/{REPOSITORY}");
    let not_found = (
        404,
        json!({"message": "Not Found", "documentation_url": "https://docs.github.com/rest", "status": "404"}),
    );
    if path == "/orgs/octo/packages/container/app/versions" {
        return (404, json!({"message": "Package not found."}));
    }
    if path == "/users/octo/packages/container/app/versions" {
        return (200, page(state.versions.iter().collect()).into());
    }
    // Nobody has to know how the owner writes the name.
    let (start, rest) = path.split_at_checked(base.len()).unwrap_or((path, ""));
    if !start.eq_ignore_ascii_case(&base) {
        return not_found;
    }
    if let Some(id) = rest.strip_prefix("/actions/runs/").and_then(|rest| rest.strip_suffix("/jobs")) {
        let run = state.runs.iter().find(|run| run["id"].as_u64() == id.parse().ok());
        return run.map_or(not_found, |run| (200, jobs(run)));
    }
    match rest {
        "" => (
            200,
            json!({"id": 1, "name": "app", "full_name": REPOSITORY, "private": !state.is_public,
                            "visibility": if state.is_public { "public" } else { "private" }, "default_branch": "main"}),
        ),
        "/actions/runs" => {
            let (branch, since) = (value("branch"), value("created"));
            let is_meant = |run: &&Value| {
                branch.as_deref().is_none_or(|branch| run["head_branch"] == branch)
                    && since.as_deref().is_none_or(|since| run["created_at"].as_str().unwrap() >= since)
            };
            let all: Vec<&Value> = state.runs.iter().filter(is_meant).collect();
            let total = all.len();
            let mut page_of_runs = page(all);
            if value("page").as_deref() == Some("1") {
                page_of_runs.truncate(page_of_runs.len() - state.withheld);
            }
            (200, json!({"total_count": total, "workflow_runs": page_of_runs}))
        }
        "/actions/cache/usage" => {
            let sum: u64 = state.caches.iter().map(|cache| cache["size_in_bytes"].as_u64().unwrap()).sum();
            (
                200,
                json!({"full_name": REPOSITORY, "active_caches_size_in_bytes": sum, "active_caches_count": state.caches.len()}),
            )
        }
        "/actions/caches" => {
            let all: Vec<&Value> = state.caches.iter().collect();
            (200, json!({"total_count": all.len(), "actions_caches": page(all)}))
        }
        _ => not_found,
    }
}
