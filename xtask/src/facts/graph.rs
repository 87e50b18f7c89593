//! All packages that a workspace is compiled from, those of others too, and which of them run in macros or have a build
//! script.
//!
//! Knows nothing of what is in them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use serde::Deserialize;

use super::toolchain::cargo_program;
use crate::exec::Executor;
use crate::plan::Invocation;

/// What the browser half is compiled for.
const BROWSER: &str = "wasm32-unknown-unknown";
/// Cargo downloads what it does not have.
const LIMIT: Duration = Duration::from_secs(60);

/// What `cargo metadata` says of all packages, for this machine and the browser, with all features of the members: no
/// less than any build of the workspace has.
#[derive(Clone, Debug, Deserialize)]
pub struct Graph {
    packages: Vec<Node>,
    workspace_members: Vec<String>,
    resolve: Resolve,
}

/// A package.
#[derive(Clone, Debug, Deserialize)]
pub struct Node {
    id: String,
    pub name: String,
    pub version: String,
    manifest_path: PathBuf,
    targets: Vec<Target>,
}

#[derive(Clone, Debug, Deserialize)]
struct Target {
    kind: Vec<String>,
    src_path: PathBuf,
}

#[derive(Clone, Debug, Deserialize)]
struct Resolve {
    nodes: Vec<Edges>,
}

#[derive(Clone, Debug, Deserialize)]
struct Edges {
    id: String,
    deps: Vec<Edge>,
}

#[derive(Clone, Debug, Deserialize)]
struct Edge {
    pkg: String,
    dep_kinds: Vec<EdgeKind>,
}

#[derive(Clone, Debug, Deserialize)]
struct EdgeKind {
    /// `dev` or `build`; `None` for the code itself.
    kind: Option<String>,
}

impl Graph {
    /// Asks cargo, which changes nothing in the workspace. `host` is the triple of this machine.
    pub fn probe(exec: &Executor, root: &Path, host: &str) -> anyhow::Result<Graph> {
        let ask = Invocation::new(cargo_program(), root)
            .args(["metadata", "--format-version", "1", "--locked", "--all-features"])
            .args(["--filter-platform", host, "--filter-platform", BROWSER])
            .timeout(LIMIT);
        // Where everything is there already, the network is left alone.
        let mut answer = exec.probe(&ask.clone().arg("--offline"))?;
        if !answer.success {
            answer = exec.probe(&ask)?;
        }
        if !answer.success {
            let mut lines = answer.stderr.lines().map(str::trim);
            let telling = lines.find(|line| line.starts_with("error"));
            anyhow::bail!("`cargo metadata` failed: {}", telling.unwrap_or("it said nothing"));
        }
        Graph::parse(&answer.stdout).context("`cargo metadata` does not describe a workspace")
    }

    /// Reads the output of `cargo metadata`.
    pub fn parse(json: &str) -> serde_json::Result<Graph> {
        serde_json::from_str(json)
    }

    /// Those whose code runs while others compile: the macros that any package is compiled with, and what these are
    /// made of.
    pub fn in_macros(&self) -> impl Iterator<Item = &Node> {
        let compiled = self.compiled();
        let is_macro = |package: &&Node| compiled.contains(package.id.as_str()) && package.has("proc-macro");
        let macros = self.packages.iter().filter(is_macro).map(|package| package.id.as_str());
        let found =
            self.reachable(macros.collect(), |edge| edge.dep_kinds.iter().any(|it| it.kind.is_none()));
        self.packages.iter().filter(move |package| found.contains(package.id.as_str()))
    }

    /// Those with a build script.
    pub fn scripted(&self) -> impl Iterator<Item = &Node> {
        let compiled = self.compiled();
        let is_meant =
            move |package: &&Node| compiled.contains(package.id.as_str()) && package.has("custom-build");
        self.packages.iter().filter(is_meant)
    }

    /// The members and what they need; for tests alone nothing is built.
    fn compiled(&self) -> BTreeSet<&str> {
        let members = self.workspace_members.iter().map(String::as_str).collect();
        self.reachable(members, |edge| edge.dep_kinds.iter().any(|it| it.kind.as_deref() != Some("dev")))
    }

    /// Where one gets to from here along the edges that are followed.
    fn reachable<'a>(
        &'a self,
        mut waiting: Vec<&'a str>,
        is_followed: impl Fn(&Edge) -> bool,
    ) -> BTreeSet<&'a str> {
        let edges: BTreeMap<&str, &[Edge]> =
            self.resolve.nodes.iter().map(|node| (node.id.as_str(), node.deps.as_slice())).collect();
        let mut found = BTreeSet::new();
        while let Some(id) = waiting.pop() {
            if found.insert(id) {
                let next = edges.get(id).copied().unwrap_or_default().iter();
                waiting.extend(next.filter(|edge| is_followed(edge)).map(|edge| edge.pkg.as_str()));
            }
        }
        found
    }
}

impl Node {
    /// The folder of its manifest.
    pub fn dir(&self) -> &Path {
        self.manifest_path.parent().unwrap_or(Path::new(""))
    }

    /// The root file of its library, of whatever type.
    pub fn library(&self) -> Option<&Path> {
        let is_library =
            |target: &&Target| target.kind.iter().any(|kind| kind.ends_with("lib") || kind == "proc-macro");
        self.targets.iter().find(is_library).map(|target| target.src_path.as_path())
    }

    /// The file of its build script.
    pub fn script(&self) -> Option<&Path> {
        let mut targets = self.targets.iter();
        targets
            .find(|target| target.kind.iter().any(|kind| kind == "custom-build"))
            .map(|it| it.src_path.as_path())
    }

    fn has(&self, kind: &str) -> bool {
        self.targets.iter().any(|target| target.kind.iter().any(|it| it == kind))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn package(name: &str, kinds: &[&str]) -> Value {
        let targets: Vec<Value> = kinds
            .iter()
            .map(|kind| json!({"kind": [kind], "crate_types": ["bin"], "name": name, "src_path": format!("/r/{name}/{kind}.rs")}))
            .collect();
        json!({"id": format!("{name}#1.0.0"), "name": name, "version": "1.0.0", "targets": targets,
            "manifest_path": format!("/r/{name}/Cargo.toml")})
    }

    fn edges(from: &str, to: &[(&str, Option<&str>)]) -> Value {
        let to = to.iter().map(|(name, kind)| {
            json!({"name": name, "pkg": format!("{name}#1.0.0"), "dep_kinds": [{"kind": kind, "target": null}]})
        });
        json!({"id": format!("{from}#1.0.0"), "dependencies": [], "deps": to.collect::<Vec<_>>(), "features": []})
    }

    fn names<'a>(found: impl Iterator<Item = &'a Node>) -> Vec<&'a str> {
        found.map(|package| package.name.as_str()).collect()
    }

    #[test]
    fn what_runs_in_macros_and_what_has_a_script() {
        let packages = [
            package("app", &["lib", "custom-build"]),
            package("derive", &["proc-macro"]),
            package("parser", &["lib"]),
            package("generator", &["lib"]),
            package("for-scripts", &["proc-macro"]),
            package("for-tests", &["proc-macro", "custom-build"]),
            package("other", &["rlib"]),
        ];
        let edges = [
            edges(
                "app",
                &[
                    ("derive", None),
                    ("other", None),
                    ("generator", Some("build")),
                    ("for-tests", Some("dev")),
                ],
            ),
            edges("derive", &[("parser", None), ("for-tests", Some("dev")), ("other", Some("build"))]),
            edges("generator", &[("for-scripts", None)]),
        ];
        let answer = json!({"packages": packages, "workspace_members": ["app#1.0.0"], "workspace_root": "/r",
            "resolve": {"nodes": edges, "root": null}});
        let graph = Graph::parse(&answer.to_string()).unwrap();
        assert_eq!(names(graph.in_macros()), ["derive", "parser", "for-scripts"]);
        assert_eq!(names(graph.scripted()), ["app"]);
        let app = graph.scripted().next().unwrap();
        assert_eq!((app.dir(), app.library()), (Path::new("/r/app"), Some(Path::new("/r/app/lib.rs"))));
        assert_eq!(app.script(), Some(Path::new("/r/app/custom-build.rs")));
        assert!(Graph::parse("{}").is_err());
    }
}
