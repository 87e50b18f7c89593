//! `docker inspect` and `docker prune`: a real registry, and for GitHub's packages a model of its API in front of it.

mod ghcr;
mod images;
mod unsure;

use serde_json::Value;

use crate::support::{Run, Workspace};

/// A workspace that nothing of this machine's user reaches.
fn workspace() -> Workspace {
    let mut workspace = Workspace::empty();
    workspace.write("Cargo.toml", "[workspace]\n");
    let folder = workspace.root().join("target/docker-config");
    workspace.set("DOCKER_CONFIG", folder.display().to_string());
    for name in [
        "XTASK_REGISTRY_USERNAME",
        "XTASK_REGISTRY_PASSWORD",
        "GITHUB_ACTOR",
        "GITHUB_TOKEN",
        "GH_TOKEN",
        "GITHUB_API_URL",
        "HTTP_PROXY",
        "http_proxy",
    ] {
        workspace.set(name, "");
    }
    workspace
}

fn run(workspace: &Workspace, args: &[&str]) -> Run {
    workspace.xtask(&[&["docker"], args].concat())
}

/// A run that must succeed; its JSON report.
fn report(workspace: &Workspace, args: &[&str]) -> Value {
    let run = run(workspace, &[args, &["--format", "json"]].concat());
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    serde_json::from_str(&run.stdout).unwrap()
}
