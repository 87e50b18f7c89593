//! `docker pack` on the fixture workspace, into a real registry.

mod auth;
mod bearer;
mod connections;
mod faults;
mod image;
mod linkage;
mod output;
mod refused;
pub mod server;
mod statically;
mod tls;
mod wire;

use serde_json::Value;

use crate::registry::{self, Registry};
use crate::support::{Run, Workspace};

pub use bearer::registry_with_tokens;

/// The fixture, built: cargo takes what was compiled in another folder for its own.
fn workspace() -> Workspace {
    alone(Workspace::built_fixture())
}

/// The fixture as it is checked out.
fn checkout() -> Workspace {
    alone(Workspace::fixture())
}

/// Out of reach of this machine's user: no Docker configuration, no GitHub.
fn alone(mut workspace: Workspace) -> Workspace {
    let folder = workspace.root().join("target/docker-config");
    workspace.set("DOCKER_CONFIG", folder.display().to_string());
    for name in [
        "XTASK_REGISTRY_USERNAME",
        "XTASK_REGISTRY_PASSWORD",
        "GITHUB_ACTOR",
        "GITHUB_TOKEN",
        "GITHUB_REPOSITORY",
        "SOURCE_DATE_EPOCH",
        "HTTP_PROXY",
        "http_proxy",
        "ALL_PROXY",
        "all_proxy",
    ] {
        workspace.set(name, "");
    }
    workspace
}

/// `docker pack --push` to `ADDRESS/app` on `ADDRESS/base:1`, with more arguments.
fn push(workspace: &Workspace, address: &str, more: &[&str]) -> Run {
    push_as(workspace, address, "app", more)
}

/// The same under another name.
fn push_as(workspace: &Workspace, address: &str, name: &str, more: &[&str]) -> Run {
    let (image, base) = (format!("{address}/{name}"), format!("{address}/base:1"));
    workspace.xtask(&[&["docker", "pack", "--push", "--image", &image, "--base", &base], more].concat())
}

/// The same, which must succeed; its JSON report.
fn pushed(workspace: &Workspace, address: &str, more: &[&str]) -> Value {
    let run = push(workspace, address, &[more, &["--format", "json"]].concat());
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    serde_json::from_str(&run.stdout).unwrap()
}

/// A registry for everybody, with a base image for this machine.
fn registry_with_base() -> Option<Registry> {
    let registry = Registry::start()?;
    registry.push_base_index("base", "1", &["linux/s390x", registry::platform()]);
    Some(registry)
}

/// The records of all runs so far.
fn records(workspace: &Workspace) -> Vec<Value> {
    let lines = workspace.read("target/xtask/records/pack.jsonl");
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The messages without what differs from run to run: addresses of servers on this machine, and the fixture's folder.
fn messages(run: &Run, workspace: &Workspace, addresses: &[(&str, &str)]) -> String {
    let mut text = run.messages(workspace).replace(&workspace.root().display().to_string(), "[root]");
    for (address, name) in addresses {
        text = text.replace(address, name);
    }
    crate::support::folded(&text)
}
