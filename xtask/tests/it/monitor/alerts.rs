//! `monitor --alert`: what the webhook is told, and that it is told once.

use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use yaml_rust2::{Yaml, YamlLoader};

use super::github::{GitHub, cache, run};
use super::{monitor, report, runs, workspace};
use crate::pack::server::{Reply, Server, serve};
use crate::support::{Workspace, skipped};

/// The secret part of the webhook's address.
const HOOK: &str = "hook-51c7-of-a-test";

const USUAL: [i64; 14] = [300, 310, 290, 305, 295, 300, 300, 310, 290, 300, 300, 295, 308, 299];

/// Whoever is told, and what it answers.
struct Hook {
    server: Server,
    status: Arc<Mutex<u16>>,
}

impl Hook {
    fn start() -> Hook {
        let status = Arc::new(Mutex::new(200));
        let shared = Arc::clone(&status);
        Hook { server: serve(move |_, _| Reply::new(*shared.lock().unwrap(), &[], "ok")), status }
    }

    fn told(&self) -> Vec<Value> {
        self.server.seen().iter().map(|seen| serde_json::from_slice(&seen.body).unwrap()).collect()
    }
}

/// A repository that has become slower by a third with its last five runs.
fn slower() -> (GitHub, Hook, Workspace) {
    let github = GitHub::start();
    github.with(|state| state.runs = runs(&[&USUAL[..], &[400, 405, 398, 410, 402]].concat()));
    let hook = Hook::start();
    let mut workspace = workspace(&github);
    workspace.set("XTASK_NOTIFY_URL", format!("http://{}/{HOOK}?key={HOOK}-too", hook.server.address));
    (github, hook, workspace)
}

/// A run of `monitor --alert` that must succeed, and says nothing of the address.
fn alert(workspace: &Workspace, args: &[&str]) -> crate::support::Run {
    let run = monitor(workspace, &[&["--alert"], args].concat());
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    let files = crate::support::contents(&workspace.root().join("target/xtask"));
    for text in files.values().chain([&run.stdout, &run.stderr]) {
        assert!(!text.contains(HOOK), "{text}");
    }
    run
}

#[test]
fn a_slow_down_is_told_once_with_what_explains_it() {
    let (github, hook, workspace) = slower();
    let plan = alert(&workspace, &["--dry-run"]);
    let message: Value = serde_json::from_str(&plan.stdout).unwrap();
    assert_eq!((hook.told().len(), &message["schema"]), (0, &json!("xtask.alerts/1")));

    let first = alert(&workspace, &[]);
    let told = hook.told();
    assert_eq!((told.len(), &told[0]["repository"]), (1, &json!("octo/app")));
    // The run as a whole, and the way to live, which is the same here; the deployment itself takes as long as ever.
    let alerts = told[0]["alerts"].as_array().unwrap();
    let subjects: Vec<&str> = alerts.iter().map(|alert| alert["subject"].as_str().unwrap()).collect();
    assert_eq!(subjects, ["Image and deployment", "push to live"]);
    let text = alerts[0]["text"].as_str().unwrap();
    assert!(text.starts_with("Image and deployment: slower by 34 % since #19 main "), "{text}");
    assert!(text.contains("the last 5 runs took 6m 42s in the median, those before it 5m 00s"), "{text}");
    assert!(text.contains(
        "Most of it is in `Build, push and smoke-test the image / Build the image`: 258 s before, 360 s now."
    ));
    assert!(first.stdout.contains("(told "), "{}", first.stdout);
    assert_eq!(alerts[0]["url"], "https://github.com/octo/app/actions/runs/19");

    // The same state, and one more slow run.
    let again = alert(&workspace, &[]);
    github.with(|state| state.runs.insert(0, run(20, 1, 404, "success")));
    alert(&workspace, &[]);
    assert_eq!(hook.told().len(), 1, "{}", again.stdout);
    assert!(again.stdout.contains("(told "), "{}", again.stdout);
    let listed = report(&workspace, &[]);
    assert!(listed["alerts"][0]["told"].is_string(), "{:#}", listed["alerts"]);

    // Something else is news.
    github.with(|state| {
        for id in 21..24 {
            state.runs.insert(0, run(id, 0, 60, "failure"));
        }
    });
    alert(&workspace, &[]);
    let last = hook.told().pop().unwrap();
    assert_eq!(hook.told().len(), 2);
    let subjects: Vec<&Value> =
        last["alerts"].as_array().unwrap().iter().map(|alert| &alert["kind"]).collect();
    assert_eq!(subjects, [&json!("failing"), &json!("failing")], "the workflow and its deployments");
}

#[test]
fn noise_is_told_to_nobody() {
    let (github, hook, workspace) = slower();
    github.with(|state| state.runs = runs(&[&USUAL[..], &[300, 600, 295, 900, 310]].concat()));
    let run = alert(&workspace, &[]);
    assert_eq!((run.stdout.as_str(), hook.told().len()), ("Nothing to tell.\n", 0));
    assert!(alert(&workspace, &["--dry-run"]).stderr.contains("there is nothing new to tell"));
}

#[test]
fn a_webhook_that_does_not_listen_is_no_failure_and_is_tried_again() {
    let (_github, hook, mut workspace) = slower();
    *hook.status.lock().unwrap() = 500;
    let run = alert(&workspace, &[]);
    assert!(run.stderr.contains("nobody was told: the webhook answers 500"), "{}", run.stderr);
    assert!(run.stdout.contains("(new)"), "{}", run.stdout);
    *hook.status.lock().unwrap() = 200;
    workspace.set("XTASK_NOTIFY_FORMAT", "slack");
    alert(&workspace, &[]);
    alert(&workspace, &[]);
    let told = hook.told();
    assert_eq!(told.len(), 2);
    assert!(
        told[1]["text"].as_str().unwrap().starts_with("octo/app: 2 alerts\n- Image and deployment: slower")
    );
    // Off by default, and an address that is none is said.
    workspace.set("XTASK_NOTIFY_URL", "");
    std::fs::remove_file(workspace.root().join("target/xtask/monitor/told.json")).unwrap();
    assert!(alert(&workspace, &[]).stderr.contains("nobody is told: XTASK_NOTIFY_URL is not set"));
    workspace.set("XTASK_NOTIFY_URL", format!("ftp://{HOOK}"));
    assert!(alert(&workspace, &[]).stderr.contains("nobody is told: "));
}

#[test]
fn a_machine_that_keeps_nothing_tells_of_what_has_begun() {
    let (_github, hook, workspace) = slower();
    let forget = || std::fs::remove_file(workspace.root().join("target/xtask/monitor/told.json")).unwrap();
    // The run that showed it began four hours ago.
    alert(&workspace, &["--begun-within", "6"]);
    forget();
    let run = alert(&workspace, &["--begun-within", "3"]);
    assert!(run.stdout.contains("(new)"), "{}", run.stdout);
    assert_eq!(hook.told().len(), 1);
}

/// Failures on three mornings, the first of them three days ago.
fn failing() -> (GitHub, Hook, Workspace) {
    let (github, hook, workspace) = slower();
    github.with(|state| {
        state.runs = vec![
            run(4, 18, 60, "failure"),
            run(3, 42, 60, "failure"),
            run(2, 65, 60, "failure"),
            run(1, 80, 300, "success"),
        ];
    });
    (github, hook, workspace)
}

#[test]
fn a_state_is_news_when_it_became_one() {
    // It was none before the third failure, so nobody can have told it.
    let (_github, hook, workspace) = failing();
    alert(&workspace, &["--begun-within", "25"]);
    let told = hook.told().remove(0);
    let first = &told["alerts"][0];
    assert_eq!((&first["kind"], &first["subject"]), (&json!("failing"), &json!("Image and deployment")));
    assert_eq!(first["url"], "https://github.com/octo/app/actions/runs/4");
    let began = chrono::DateTime::parse_from_rfc3339(first["began"].as_str().unwrap()).unwrap();
    assert_eq!((chrono::Utc::now() - began.to_utc()).num_hours(), 18);
    assert!(first["text"].as_str().unwrap().contains("the last 3 runs have failed, since #2 main "));
}

#[test]
fn a_nightly_look_tells_a_state_once_however_long_it_lasts() {
    let (github, hook, workspace) = failing();
    alert(&workspace, &[]);
    assert_eq!(hook.told().len(), 1);
    github.with(|state| state.runs.insert(0, run(5, 3, 60, "failure")));
    let again = alert(&workspace, &[]);
    assert_eq!(hook.told().len(), 1, "{}", again.stdout);
    assert!(again.stdout.contains("the last 4 runs have failed"), "{}", again.stdout);
}

/// The steps of our own workflow's job that looks.
fn nightly_steps(workflow: &str) -> Vec<Yaml> {
    let documents = YamlLoader::load_from_str(workflow).unwrap();
    let jobs = documents[0]["jobs"].as_hash().unwrap();
    let mut steps = jobs.values().map(|job| job["steps"].as_vec().unwrap());
    steps.find(|steps| steps.iter().any(is_look)).unwrap().clone()
}

fn is_look(step: &Yaml) -> bool {
    step["run"].as_str().is_some_and(|line| line.contains("monitor --alert"))
}

#[test]
fn the_nightly_workflow_keeps_what_was_told() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.github/workflows/bench.yml");
    let Ok(workflow) = std::fs::read_to_string(file) else {
        skipped("there is no bench.yml here");
        return;
    };
    let steps = nightly_steps(&workflow);
    let look = steps.iter().position(is_look).unwrap();
    // What is kept makes a window of time superfluous, and a night that was left out would be left out of it.
    assert!(!steps[look]["run"].as_str().unwrap().contains("--begun-within"));
    let cache = |step: &Yaml, action: &str| -> Option<String> {
        let is_meant = step["uses"].as_str()?.starts_with(action);
        let path = step["with"]["path"].as_str()?;
        let key = step["with"]["key"].as_str()?;
        (is_meant && path == "target/xtask/monitor/told.json").then(|| key.to_owned())
    };
    let before = steps[..look].iter().find_map(|step| cache(step, "actions/cache/restore@")).unwrap();
    let after = steps[look..].iter().find_map(|step| cache(step, "actions/cache/save@")).unwrap();
    assert_eq!(before, after);
    // Its key is one of this night alone; the one before is found by the beginning.
    let restored = steps.iter().find(|step| cache(step, "actions/cache/restore@").is_some()).unwrap();
    let beginning = restored["with"]["restore-keys"].as_str().unwrap();
    assert!(after.starts_with(beginning) && after.contains("${{ github.run_id }}"), "{after}");
    // And the file is where `monitor` writes it.
    let (_github, _hook, workspace) = failing();
    alert(&workspace, &[]);
    assert!(workspace.root().join("target/xtask/monitor/told.json").is_file());
}

#[test]
fn budgets_are_the_workspace_s_own() {
    let (github, hook, workspace) = slower();
    github.with(|state| {
        state.runs = runs(&[300; 6]);
        state.caches = vec![cache(1, "cargo", 5_000_000_000), cache(2, "tools", 4_000_000_000)];
    });
    workspace.write(
        "Cargo.toml",
        "[workspace]\n[workspace.metadata.xtask.monitor.budgets]\ncaches = \"8GB\"\n\
         workflows = { \"Image and deployment\" = 240 }\n[workspace.metadata.xtask.budgets]\ndeploy-warn = 30\n",
    );
    alert(&workspace, &[]);
    let told = hook.told().remove(0);
    let texts: Vec<&str> =
        told["alerts"].as_array().unwrap().iter().map(|alert| alert["text"].as_str().unwrap()).collect();
    assert_eq!(
        texts,
        [
            "Image and deployment: takes 5m 00s (the median of the last 5), allowed 4m 00s.",
            "deployments: takes 40 s (the median of the last 5), allowed 30 s.",
            "caches: 9.00 GB are held, allowed 8.00 GB.",
        ]
    );
}

#[test]
fn github_that_cannot_be_asked_is_a_failure() {
    let (github, hook, workspace) = slower();
    github.refuse("/actions/runs?", 401, "Bad credentials");
    // A watchman who cannot see must not say that all is well.
    let run = monitor(&workspace, &["--alert"]);
    assert_eq!((run.code, hook.told().len()), (Some(4), 0), "{}", run.stderr);
}
