//! The Docker engine as the tests use it: whether there is one, its commands, and what it must not keep.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{Run, skipped};

/// Whether an engine answers; says that the test is skipped where none does.
pub fn has_engine() -> bool {
    let answers = docker(&["version", "--format", "{{.Server.Version}}"]);
    let answers = answers.is_ok_and(|answer| answer.code == Some(0));
    answers || !skipped("no Docker engine answers")
}

/// Where an engine of this machine listens.
pub const SOCKET: &str = "/var/run/docker.sock";

/// Whether the engine is the one at [`SOCKET`]; says that the test is skipped where it is not.
pub fn is_at_its_socket() -> bool {
    let is_there = std::env::var_os("DOCKER_HOST").is_none() && Path::new(SOCKET).exists();
    is_there || !skipped(&format!("the engine is not at {SOCKET}"))
}

/// Runs a command of the engine to its end.
pub fn docker(args: &[&str]) -> std::io::Result<Run> {
    let output = Command::new("docker").args(args).stdin(Stdio::null()).output()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Run { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) })
}

/// The images of a repository that the engine has pulled for a test; they go with the value.
pub struct Pulled(pub String);

impl Pulled {
    fn images(&self) -> Vec<String> {
        let listed = docker(&["images", "--digests", "--format", "{{.Repository}}@{{.Digest}}", &self.0]);
        listed.unwrap().stdout.lines().map(str::to_owned).collect()
    }
}

impl Drop for Pulled {
    fn drop(&mut self) {
        for image in self.images() {
            let _ = docker(&["image", "rm", "--force", &image]);
        }
        if !std::thread::panicking() {
            assert_eq!(self.images(), [""; 0], "images are left");
        }
    }
}
