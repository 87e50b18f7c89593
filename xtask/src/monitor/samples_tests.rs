//! What the tests of this room share: points one a day, and answers of GitHub as they happen.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::github::Known;
use crate::record::monitor::{Outcome, Point};

/// Successful runs on the default branch, one a day from the first of November (2026) on, at 10 o'clock.
pub fn points(seconds: &[f64]) -> Vec<Point> {
    let first = super::time::parse("2026-11-01T10:00:00Z").unwrap();
    let point = |(index, seconds): (usize, &f64)| {
        let at = super::time::format(first + chrono::TimeDelta::days(index as i64));
        Point {
            id: (index + 1).to_string(),
            label: format!("#{} main", index + 1),
            at,
            seconds: Some(*seconds),
            outcome: Outcome::Ok,
            url: Some(format!("https://github.com/octo/app/actions/runs/{}", index + 1)),
            is_main: true,
            branch: Some("main".to_owned()),
            jobs: None,
        }
    };
    seconds.iter().enumerate().map(point).collect()
}

fn run(id: u64, name: &str, day: u32, event: &str, conclusion: Value) -> Value {
    let status = if conclusion.is_null() { "in_progress" } else { "completed" };
    json!({
        "id": id, "name": name, "path": ".github/workflows/x.yml", "run_number": id, "run_attempt": 1, "event": event,
        "status": status, "conclusion": conclusion, "head_branch": "main",
        "head_sha": "0123456789abcdef0123456789abcdef01234567",
        "html_url": format!("https://github.com/octo/app/actions/runs/{id}"),
        "created_at": format!("2026-11-{day:02}T10:00:00Z"), "run_started_at": format!("2026-11-{day:02}T10:00:00Z"),
        "updated_at": format!("2026-11-{day:02}T10:06:12Z"),
    })
}

pub fn job(name: &str, conclusion: &str, start: &str, end: &str) -> Value {
    json!({
        "id": 1, "run_id": 1, "name": name, "status": "completed", "conclusion": conclusion,
        "started_at": format!("2026-11-20T{start}Z"), "completed_at": format!("2026-11-20T{end}Z"),
        "labels": ["ubuntu-24.04"],
        "steps": [
            {"name": "Set up job", "status": "completed", "conclusion": "success", "number": 1,
             "started_at": format!("2026-11-20T{start}Z"), "completed_at": format!("2026-11-20T{start}Z")},
            {"name": "Work", "status": "completed", "conclusion": conclusion, "number": 2,
             "started_at": format!("2026-11-20T{start}Z"), "completed_at": format!("2026-11-20T{end}Z")},
        ],
    })
}

/// Five runs of two workflows, with the jobs of three of them.
pub fn known() -> Known {
    let runs = json!([
        run(5, "Image and deployment", 21, "push", Value::Null),
        run(4, "Image and deployment", 20, "workflow_dispatch", json!("failure")),
        run(3, "Image and deployment", 20, "push", json!("success")),
        run(2, "Checks", 20, "pull_request", json!("cancelled")),
        run(1, "Checks", 19, "push", json!("success")),
    ]);
    let built = job("Build", "success", "10:00:10", "10:05:00");
    let jobs = [
        (3, json!([built, job("Deploy the image", "success", "10:05:10", "10:06:10")])),
        (4, json!([built, job("Deploy the image", "failure", "10:05:10", "10:05:40")])),
        (2, json!([job("Deploy the image", "skipped", "10:00:00", "10:00:00")])),
    ];
    Known {
        repository: serde_json::from_value(
            json!({"full_name": "octo/app", "private": true, "default_branch": "main"}),
        )
        .unwrap(),
        runs: serde_json::from_value(runs).unwrap(),
        total: 5,
        jobs: jobs
            .into_iter()
            .map(|(id, jobs)| (id, serde_json::from_value(jobs).unwrap()))
            .collect::<BTreeMap<_, _>>(),
        cache_usage: None,
        caches: None,
        versions: None,
        notes: Vec::new(),
    }
}
