//! `monitor`: a GitHub that answers as its documentation says, records of this machine, and a webhook.

mod alerts;
mod faults;
mod figures;
mod github;

use serde_json::Value;

use crate::support::{Run, Workspace};
use github::{GitHub, REPOSITORY, TOKEN, run};

/// A workspace that asks this GitHub, and nobody else.
fn workspace(github: &GitHub) -> Workspace {
    let mut workspace = alone();
    workspace.set("GITHUB_API_URL", format!("http://{}", github.server.address));
    workspace.set("GITHUB_REPOSITORY", REPOSITORY);
    workspace.set("GITHUB_TOKEN", TOKEN);
    // Images are asked for at a registry; this one is nobody.
    workspace.set("XTASK_GHCR_HOST", "127.0.0.1:1");
    workspace
}

/// A workspace that nothing of this machine's user reaches.
fn alone() -> Workspace {
    let mut workspace = Workspace::empty();
    workspace.write("Cargo.toml", "[workspace]\n");
    workspace.set("DOCKER_CONFIG", workspace.root().join("target/docker-config").display().to_string());
    for name in [
        "GITHUB_TOKEN",
        "GH_TOKEN",
        "GITHUB_REPOSITORY",
        "GITHUB_API_URL",
        "GITHUB_ACTOR",
        "XTASK_GHCR_HOST",
        "XTASK_NOTIFY_URL",
        "XTASK_NOTIFY_FORMAT",
        "XTASK_REGISTRY_USERNAME",
        "XTASK_REGISTRY_PASSWORD",
        "HTTP_PROXY",
        "http_proxy",
        "ALL_PROXY",
        "all_proxy",
    ] {
        workspace.set(name, "");
    }
    workspace
}

fn monitor(workspace: &Workspace, args: &[&str]) -> Run {
    let run = workspace.xtask(&[&["monitor"], args].concat());
    let files = crate::support::contents(&workspace.root().join("target/xtask"));
    for text in files.values().chain([&run.stdout, &run.stderr]) {
        assert!(!text.contains(TOKEN), "{text}");
    }
    run
}

/// A look that must succeed; its JSON report.
fn report(workspace: &Workspace, args: &[&str]) -> Value {
    let run = monitor(workspace, &[args, &["--format", "json"]].concat());
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    serde_json::from_str(&run.stdout).unwrap()
}

/// Two runs a day, the newest four hours ago: `seconds` are the times, the oldest first.
fn runs(seconds: &[i64]) -> Vec<Value> {
    let count = seconds.len();
    let one = |(index, seconds): (usize, &i64)| {
        let ago = 4 + 12 * (count - 1 - index) as i64;
        run(index as u64 + 1, ago, *seconds, "success")
    };
    let mut runs: Vec<Value> = seconds.iter().enumerate().map(one).collect();
    runs.reverse();
    runs
}
