//! `docker smoke` with the real engine: small images of a server that can be told to be bad in every way.
//!
//! Each test has an image of its own, so that its containers can be told from others', and leaves neither behind.

mod ci;
mod full;
mod good;
mod interrupted;
mod private;
mod refused;
pub mod remote;
mod sick;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::engine::{docker, has_engine};
use crate::support::{Run, Workspace, example};

/// The configuration of an image as it should be.
pub const GOOD: [&str; 7] = [
    "USER 65532",
    "ENV LEPTOS_OUTPUT_NAME=app",
    "ENV LEPTOS_SITE_ROOT=site",
    "ENV LEPTOS_SITE_PKG_DIR=pkg",
    "ENV LEPTOS_ENV=PROD",
    "ENTRYPOINT [\"/server\"]",
    "LABEL org.opencontainers.image.source=https://github.com/owner/app",
];

/// An image that lives as long as the test, and the workspace that it is looked at from.
struct Smoke {
    image: String,
    workspace: Workspace,
}

impl Smoke {
    /// The image with this configuration. `None` where no engine answers, which is said in one line.
    fn new(configuration: &[&str]) -> Option<Smoke> {
        if !has_engine() {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let name = folder.path().file_name().unwrap().to_string_lossy().to_lowercase();
        let image = format!("xtask-test-{}:1", name.trim_start_matches('.'));
        import(&image, configuration);
        let workspace = Workspace::empty();
        workspace.write("Cargo.toml", "[workspace]\n");
        workspace.write("railway.toml", "[deploy]\nhealthcheckPath = \"/health\"\ndrainingSeconds = 5\n");
        Some(Smoke { image, workspace })
    }

    /// Runs `docker smoke` on the image.
    fn run(&self, args: &[&str]) -> Run {
        self.workspace.xtask(&[&["docker", "smoke", &self.image], args].concat())
    }

    /// Runs it with a server that behaves like this, and returns the JSON report. There is a verdict.
    fn report(&self, behaviour: &str, args: &[&str]) -> (Run, Value) {
        let behaviour = format!("BEHAVIOUR={behaviour}");
        let run = self.run(&[&["--format", "json", "--env", &behaviour], args].concat());
        let report: Value =
            serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("no report: {}", run.stderr));
        let expected = if report["result"] == "ok" { 0 } else { 1 };
        assert_eq!(run.code, Some(expected), "{}", run.stderr);
        (run, report)
    }

    fn records(&self) -> Vec<Value> {
        let path = self.workspace.root().join("target/xtask/records/smoke.jsonl");
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The containers of the image, running or not.
    fn containers(&self) -> Vec<String> {
        let of_image = format!("ancestor={}", self.image);
        let found =
            docker(&["ps", "--all", "--quiet", "--filter", "label=xtask.smoke", "--filter", &of_image]);
        found.unwrap().stdout.lines().map(str::to_owned).collect()
    }
}

impl Drop for Smoke {
    fn drop(&mut self) {
        let left = self.containers();
        for container in &left {
            let _ = docker(&["rm", "--force", "--volumes", container]);
        }
        let removed = docker(&["image", "rm", "--force", &self.image]);
        if !std::thread::panicking() {
            assert_eq!(left, [""; 0], "containers are left");
            assert!(removed.is_ok_and(|removed| removed.code == Some(0)), "the test's image is left");
        }
    }
}

/// One check of a report in a line: verdict, name and detail.
pub fn line(report: &Value, name: &str) -> String {
    let checks = report["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["name"] == name).unwrap();
    format!("{}: {}", check["verdict"].as_str().unwrap(), check["detail"].as_str().unwrap())
}

/// The names of the checks with this verdict.
pub fn with_verdict(report: &Value, verdict: &str) -> Vec<String> {
    let checks = report["checks"].as_array().unwrap().iter();
    let named = checks.filter(|check| check["verdict"] == verdict);
    named.map(|check| check["name"].as_str().unwrap().to_owned()).collect()
}

/// An image from nothing but the server and the libraries that it is linked to.
fn import(image: &str, configuration: &[&str]) {
    let mut archive = tar::Builder::new(Vec::new());
    // Linkers leave holes in what they write, and engines read no archive that has any.
    archive.sparse(false);
    for (path, file) in files() {
        archive.append_path_with_name(file, path).unwrap();
    }
    let archive = archive.into_inner().unwrap();
    let mut command = Command::new("docker");
    command.arg("import");
    for line in configuration {
        command.args(["--change", line]);
    }
    command.args(["-", image]).stdin(Stdio::piped()).stdout(Stdio::null());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(&archive).unwrap();
    assert!(child.wait().unwrap().success(), "docker import");
}

/// The server and the libraries that it is linked to, by their paths in the image.
pub fn files() -> Vec<(PathBuf, PathBuf)> {
    let server = example("smoke-server");
    // What the loader's path names is a link to the file.
    let inside = |library: &Path| library.strip_prefix("/").unwrap().to_owned();
    let libraries = libraries(&server);
    let libraries =
        libraries.iter().map(|library| (inside(library), std::fs::canonicalize(library).unwrap()));
    let mut files: Vec<(PathBuf, PathBuf)> = libraries.collect();
    files.push((PathBuf::from("server"), server));
    files
}

fn libraries(program: &Path) -> Vec<PathBuf> {
    let output = Command::new("ldd").arg(program).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.split_whitespace().filter(|word| word.starts_with('/')).map(PathBuf::from).collect()
}
