//! What cargo says about the workspace: its packages, their targets, and the metadata that manifests carry.
//!
//! Knows nothing of what the metadata means.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::toolchain::cargo_program;
use crate::exec::Executor;
use crate::exit::{Exit, Failure};
use crate::plan::Invocation;

/// The workspace as `cargo metadata --no-deps` describes it.
#[derive(Clone, Debug, Deserialize)]
pub struct Workspace {
    #[serde(rename = "workspace_root")]
    pub root: PathBuf,
    pub target_directory: PathBuf,
    /// The members.
    pub packages: Vec<Package>,
    /// `workspace.metadata` of the root manifest.
    #[serde(default)]
    pub metadata: Value,
}

/// A member of the workspace.
#[derive(Clone, Debug, Deserialize)]
pub struct Package {
    pub name: String,
    /// `package.repository` of its manifest.
    #[serde(default)]
    pub repository: Option<String>,
    pub manifest_path: PathBuf,
    /// `package.rust-version` of its manifest.
    #[serde(default)]
    pub rust_version: Option<String>,
    /// `package.metadata` of its manifest.
    #[serde(default)]
    pub metadata: Value,
    #[serde(default)]
    pub dependencies: Vec<Dependency>,
    pub targets: Vec<Target>,
}

/// What a manifest says a package needs.
#[derive(Clone, Debug, Deserialize)]
pub struct Dependency {
    pub name: String,
    /// `dev` or `build`; `None` for the code itself.
    pub kind: Option<String>,
    /// The folder, where it is one of this machine.
    #[serde(default)]
    pub path: Option<PathBuf>,
}

/// Something that cargo compiles for a package: library, binary, test, …
#[derive(Clone, Debug, Deserialize)]
pub struct Target {
    pub name: String,
    pub kind: Vec<String>,
    pub crate_types: Vec<String>,
    pub src_path: PathBuf,
}

impl Workspace {
    /// Asks cargo. A manifest that cargo rejects is a configuration error with cargo's own words.
    pub fn probe(exec: &Executor, root: &Path) -> anyhow::Result<Workspace> {
        let command =
            Invocation::new(cargo_program(), root).args(["metadata", "--no-deps", "--format-version", "1"]);
        let answer = exec.probe(&command)?;
        if !answer.success {
            return Err(rejected(&answer.stderr).into());
        }
        Workspace::parse(&answer.stdout).map_err(|error| {
            let message = format!("`cargo metadata` does not describe a workspace: {error}");
            Failure::new(Exit::CommandFailed, message)
                .hint("`cargo --version` shows whether it is cargo at all")
                .into()
        })
    }

    /// Reads the output of `cargo metadata`.
    pub fn parse(json: &str) -> serde_json::Result<Workspace> {
        serde_json::from_str(json)
    }

    /// The member with this name.
    pub fn package(&self, name: &str) -> Option<&Package> {
        self.packages.iter().find(|package| package.name == name)
    }
}

impl Package {
    /// The folder of its manifest.
    pub fn dir(&self) -> &Path {
        self.manifest_path.parent().unwrap_or(Path::new(""))
    }

    /// Its binaries.
    pub fn bins(&self) -> impl Iterator<Item = &Target> {
        self.targets.iter().filter(|target| target.kind.iter().any(|kind| kind == "bin"))
    }

    /// The library that can become a wasm module.
    pub fn cdylib(&self) -> Option<&Target> {
        self.targets.iter().find(|target| {
            is_library(target) && target.crate_types.iter().any(|crate_type| crate_type == "cdylib")
        })
    }

    /// Its library of whatever type.
    pub fn library(&self) -> Option<&Target> {
        self.targets.iter().find(|target| is_library(target))
    }
}

/// Examples can be cdylibs too, and are not meant.
fn is_library(target: &Target) -> bool {
    target.kind.iter().any(|kind| kind.ends_with("lib") || kind == "proc-macro")
}

fn rejected(stderr: &str) -> Failure {
    let text = stderr.trim();
    let text = match text.find("error: ") {
        Some(start) => &text[start + "error: ".len()..],
        None => text,
    };
    // Indented, so that further lines of cargo's do not look like messages of their own.
    let text =
        text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n  ");
    Failure::usage(format!("cargo cannot read the workspace: {text}"))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn cargos_answer_is_read() {
        let workspace = Workspace::parse(
            r#"{"packages":[{"name":"app","version":"0.1.0","id":"path+file:///w/app#0.1.0","license":null,
                "manifest_path":"/w/app/Cargo.toml","metadata":{"leptos":{}},"features":{"ssr":["dep:x"]},
                "targets":[
                    {"kind":["cdylib","rlib"],"crate_types":["cdylib","rlib"],"name":"app","src_path":"/w/app/src/lib.rs"},
                    {"kind":["example"],"crate_types":["cdylib"],"name":"demo","src_path":"/w/app/examples/demo.rs"},
                    {"kind":["bin"],"crate_types":["bin"],"name":"server","src_path":"/w/app/src/main.rs"}]}],
                "workspace_members":[],"workspace_default_members":["path+file:///w/app#0.1.0"],"resolve":null,
                "target_directory":"/w/target","version":1,"workspace_root":"/w","metadata":null}"#,
        )
        .unwrap();
        assert_eq!(workspace.root, Path::new("/w"));
        assert!(workspace.metadata.is_null());
        let app = workspace.package("app").unwrap();
        assert_eq!(app.dir(), Path::new("/w/app"));
        assert_eq!(app.cdylib().unwrap().name, "app");
        assert_eq!(app.library().unwrap().name, "app");
        assert_eq!(app.bins().map(|bin| bin.name.as_str()).collect::<Vec<_>>(), ["server"]);
        assert!(workspace.package("other").is_none());
        assert!(Workspace::parse("[").is_err());
    }

    #[test]
    fn a_rejected_manifest_keeps_cargos_words() {
        let failure = rejected(
            "warning: something\nerror: failed to parse manifest at `/w/Cargo.toml`\n\nCaused by:\n  x\n",
        );
        assert_eq!(failure.exit, crate::exit::Exit::Usage);
        expect![[r#"
            cargo cannot read the workspace: failed to parse manifest at `/w/Cargo.toml`
              Caused by:
                x"#]]
        .assert_eq(&failure.message);
        assert_eq!(rejected("odd").message, "cargo cannot read the workspace: odd");
    }
}
