//! The room of `doctor`: looks at everything that a build, an image or a deployment depends on, and concludes what is
//! wrong with it.
//!
//! Each group of findings has a file with two halves: `gather` observes and never changes anything, and `examine` is
//! pure, from facts to findings. A workspace that is broken is what it is for: what cannot be read becomes a finding.

mod base;
mod cache;
mod cargo;
mod checkout;
mod compiler;
mod docker;
mod host;
mod leptos;
mod linker;
mod network;
mod profiles;
mod railway;
mod registry;
mod rustflags;
mod toolchain;
mod tools;
mod workspace;

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::exec::Executor;
use crate::record::doctor::{Finding, Group};
use base::Base;

/// The longest that one question to a program of this machine may take. All of them together are to take less than a
/// second where nothing is wrong; this is for the one that hangs.
pub const PROBE_LIMIT: Duration = Duration::from_secs(4);

/// What one look found.
pub struct Examination {
    pub root: PathBuf,
    pub findings: Vec<Finding>,
    /// By group.
    pub facts: Value,
}

/// Looks at these groups. The executor refuses effects.
pub fn examine(exec: &Executor, groups: &[Group]) -> anyhow::Result<Examination> {
    let base = Base::new(exec);
    let base = &base;
    let wants = |group: Group| groups.contains(&group);
    let mut facts = Map::new();
    let mut findings = Vec::new();
    // What other threads borrow has to outlive the scope.
    let (workspace_cell, toolchain_cell) = (OnceLock::new(), OnceLock::new());
    std::thread::scope(|scope| {
        // What is slow and depends on nothing starts first.
        let docker = wants(Group::Docker).then(|| scope.spawn(|| docker::gather(base)));
        let checkout = wants(Group::Checkout).then(|| scope.spawn(|| checkout::gather(base)));
        let workspace = scope.spawn(|| workspace::gather(base));
        let toolchain = toolchain_cell.get_or_init(|| toolchain::gather(base));
        let workspace = joined(workspace)?;
        let workspace = workspace_cell.get_or_init(|| workspace);
        let flags = rustflags::gather(base, toolchain);
        let tools = wants(Group::Tools).then(|| scope.spawn(|| tools::gather(base, toolchain, workspace)));
        let cache = wants(Group::Cache).then(|| scope.spawn(|| cache::gather(base, toolchain, workspace)));
        let registry = wants(Group::Registry).then(|| scope.spawn(|| registry::gather(base, workspace)));
        let network = wants(Group::Network).then(|| scope.spawn(|| network::gather(base, workspace)));
        let mut add = |group: Group, value: Value, found: Vec<Finding>| {
            facts.insert(group.name().to_owned(), value);
            findings.extend(found);
        };
        if wants(Group::Toolchain) {
            add(Group::Toolchain, json(toolchain), toolchain::examine(toolchain, workspace));
        }
        if wants(Group::Cargo) {
            let cargo = cargo::gather(base, workspace);
            let mut found = cargo::examine(&cargo);
            found.extend(rustflags::examine(&flags));
            add(Group::Cargo, json(&(&cargo, &flags)), found);
        }
        if wants(Group::Linker) {
            let linker = linker::gather(base, toolchain, &flags);
            add(Group::Linker, json(&linker), linker::examine(&linker));
        }
        if wants(Group::Leptos) {
            let leptos = leptos::gather(base, workspace);
            add(Group::Leptos, json(&leptos), leptos::examine(&leptos, workspace));
        }
        if wants(Group::Railway) {
            let railway = railway::gather(base, workspace);
            add(Group::Railway, json(&railway), railway::examine(&railway).into_iter().collect());
        }
        if wants(Group::Host) {
            let host = host::gather(workspace);
            add(Group::Host, json(&host), host::examine(&host));
        }
        if let Some(tools) = tools {
            let tools = joined(tools)?;
            add(Group::Tools, json(&tools), tools::examine(&tools));
        }
        if let Some(cache) = cache {
            let cache = joined(cache)?;
            add(Group::Cache, json(&cache), cache::examine(&cache));
        }
        if let Some(docker) = docker {
            let docker = joined(docker)?;
            add(Group::Docker, json(&docker), docker::examine(&docker));
        }
        if let Some(checkout) = checkout {
            let checkout = joined(checkout)?;
            add(Group::Checkout, json(&checkout), checkout::examine(&checkout));
        }
        if let Some(registry) = registry {
            let registry = joined(registry)?;
            add(Group::Registry, json(&registry), registry::examine(&registry).into_iter().collect());
        }
        if let Some(network) = network {
            let network = joined(network)?;
            add(Group::Network, json(&network), network::examine(&network));
        }
        anyhow::Ok(())
    })?;
    exec.check_interrupted()?;
    // The worst of a group comes first; otherwise the order in which they were concluded stays.
    findings.sort_by_key(|finding| (finding.group, finding.severity));
    Ok(Examination { root: base.root.clone(), findings, facts: Value::Object(facts) })
}

fn json(facts: &impl Serialize) -> Value {
    serde_json::to_value(facts).unwrap_or(Value::Null)
}

fn joined<T>(thread: std::thread::ScopedJoinHandle<'_, T>) -> anyhow::Result<T> {
    thread.join().map_err(|_| anyhow::anyhow!("a check of the doctor broke down"))
}
