//! A run that GitHub cancels in the middle of a push, of a smoke test and of a deployment: over in time, nothing left
//! behind, neither processes nor containers, and the next run goes on.
//!
//! Source: "Workflow cancellation reference" of GitHub's documentation: SIGINT to the first process of the step, SIGTERM
//! 7.5 s later, and after another 2.5 s the end of all its processes.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::actions::{COMMIT, Job};
use crate::engine::docker;
use crate::pack::server::{Reply, Seen, forward, serve};
use crate::slice::Station;
use crate::support::{Run, Workspace, finish, processes_with, signal};

/// How long a step may take to end. GitHub goes on to SIGTERM half a second later.
const LIMIT: Duration = Duration::from_secs(7);
/// How long until what is waited for has come.
const PATIENCE: Duration = Duration::from_secs(120);

/// Starts `exec cargo xtask WORDS` as a step of a workflow: the first process is a shell with a script.
fn step(workspace: &Workspace, words: &str) -> Child {
    let script = workspace.root().join("target/step.sh");
    fs::create_dir_all(workspace.root().join("target")).unwrap();
    fs::write(&script, format!("exec {} {words}\n", env!("CARGO_BIN_EXE_xtask"))).unwrap();
    let mut command = Command::new("bash");
    command.args(["--noprofile", "--norc", "-eo", "pipefail"]).arg(&script).current_dir(workspace.root());
    for (name, value) in workspace.command(&[]).get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Cancels it as GitHub does, and holds it to its time.
fn cancel(workspace: &Workspace, mut child: Child) -> Run {
    let began = Instant::now();
    signal(&child, "INT");
    for (next, at) in [("TERM", 7_500), ("KILL", 10_000)] {
        while child.try_wait().unwrap().is_none() && began.elapsed() < Duration::from_millis(at) {
            std::thread::sleep(Duration::from_millis(10));
        }
        if child.try_wait().unwrap().is_none() {
            signal(&child, next);
        }
    }
    let took = began.elapsed();
    let run = finish(child);
    assert_eq!(run.code, Some(130), "{}", run.stderr);
    assert!(took < LIMIT, "it took {took:?} to end: {}", run.stderr);
    let root = workspace.root().canonicalize().unwrap();
    assert_eq!(processes_with(&root.display().to_string()), [""; 0]);
    run
}

fn wait_until(child: &mut Child, what: &str, has_come: impl Fn() -> bool) {
    let began = Instant::now();
    while !has_come() {
        assert!(began.elapsed() < PATIENCE, "{what}: it never comes to that");
        assert!(child.try_wait().unwrap().is_none(), "{what}: it ended before");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The containers that look at images of this registry, running or not.
fn containers(registry: &str) -> Vec<String> {
    let words = ["ps", "--all", "--filter", "label=xtask.smoke", "--format", "{{.ID}} {{.Image}}"];
    let listed = docker(&words).unwrap();
    assert_eq!(listed.code, Some(0), "{}", listed.stderr);
    listed.stdout.lines().filter(|line| line.contains(registry)).map(str::to_owned).collect()
}

fn is_upload(request: &Seen) -> bool {
    request.method == "PUT" && request.path.contains("/blobs/uploads/")
}

#[test]
fn push_smoke_test_and_deployment_end_in_time_and_the_next_run_goes_on() {
    let Some(mut station) = Station::new() else { return };
    // In front of the registry, and it takes nothing in.
    let behind = station.registry.address().to_owned();
    let front = serve(move |request, _| {
        if !is_upload(request) {
            return forward(request, &behind);
        }
        std::thread::sleep(Duration::from_secs(30));
        Reply::HangUp
    });
    let image = |address: &str| format!("\nimage = \"{address}/team/fixture\"");
    station.workspace.edit("Cargo.toml", &image(station.registry.address()), &image(&front.address));
    let job = Job::start(&mut station.workspace, "push", "refs/heads/main");

    let mut child = step(&station.workspace, "ci image");
    wait_until(&mut child, "upload", || front.seen().iter().any(is_upload));
    let run = cancel(&station.workspace, child);
    assert!(run.stderr.contains("SIGINT"), "{}", run.stderr);
    assert_eq!(job.outputs(), "");
    assert!(job.summary().starts_with("### Image: failed"), "{}", job.summary());
    assert_eq!(station.registry.get("/v2/team/fixture/tags/list").status, 404);

    station.workspace.edit("Cargo.toml", &image(&front.address), &image(station.registry.address()));
    // In the middle of the smoke test: no container stays, and what nobody has tested is not tagged.
    let registry = station.registry.address().to_owned();
    let mut child = step(&station.workspace, "ci image");
    wait_until(&mut child, "smoke test", || !containers(&registry).is_empty());
    cancel(&station.workspace, child);
    assert_eq!((containers(&registry), job.outputs()), (Vec::new(), String::new()));
    let tags = station.registry.get("/v2/team/fixture/tags/list").json().to_string();
    assert!(tags.contains("in-") && !tags.contains("latest") && !tags.contains("sha-"), "{tags}");

    let again = station.workspace.xtask(&["ci", "image"]);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    station.workspace.set("XTASK_IMAGE", job.output("reference"));

    let held = || station.railway.control("state")["held"].as_u64().unwrap();
    station.railway.control("hold/DeployServiceInstance/after");
    let mut child = step(&station.workspace, "ci deploy");
    wait_until(&mut child, "deployment", || held() > 0);
    let run = cancel(&station.workspace, child);
    station.railway.control("release");
    assert!(run.stderr.contains("deploy status"), "{}", run.stderr);
    assert!(job.summary().contains("### Deployment: failed"), "{}", job.summary());

    let again = station.workspace.xtask(&["ci", "deploy"]);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert_eq!(station.railway.deployments().len(), 1, "it was deployed twice");
    assert_eq!(station.served_revision(), COMMIT);
    assert_eq!(station.railway.control("violations"), json!([]));
}
