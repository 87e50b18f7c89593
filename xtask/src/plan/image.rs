//! The operations on images, as data. How they are carried out is the business of room `image`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use super::Invocation;

/// Input of [`super::Operation::ReadBase`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReadBase {
    /// The image that ours stands on, in full, by tag or digest, e.g. `gcr.io/distroless/cc-debian13:nonroot`.
    pub reference: String,
    /// What the server binary was compiled for, e.g. `linux/amd64`.
    pub platform: String,
}

/// Input of [`super::Operation::AssembleImage`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AssembleImage {
    pub binary: PathBuf,
    pub site_root: PathBuf,
    /// The file beside the binary that maps site files to their digests.
    pub hash_file: Option<PathBuf>,
    /// The folder of the image that all of it goes to, and the working directory, e.g. `/app`.
    pub app_dir: String,
    /// Where the site is below `app_dir`, e.g. `site`.
    pub site_dir: String,
    /// Added to the base's environment.
    pub env: BTreeMap<String, String>,
    pub labels: BTreeMap<String, String>,
    /// The time in the image, in RFC 3339. Not the time of the build: the same inputs give the same image.
    pub created: String,
}

/// Input of [`super::Operation::PushImage`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PushImage {
    /// Registry and name, e.g. `ghcr.io/owner/app`.
    pub repository: String,
    /// Tags beside the one for the image's inputs.
    pub tags: Vec<String>,
    /// Send it even if an image of the same inputs is there.
    pub force: bool,
}

/// Input of [`super::Operation::TagImage`]. Which image it is, an earlier step finds out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TagImage {
    /// Registry and name, e.g. `ghcr.io/owner/app`.
    pub repository: String,
    pub tags: Vec<String>,
}

/// Input of [`super::Operation::SmokeImage`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SmokeImage {
    pub image: String,
    /// The name of the container, which no other has.
    pub container: String,
    /// `PORT` of the container: one that nobody would build in.
    pub port: u16,
    /// The path that answers 200 when the server is healthy, e.g. `/api/health`.
    pub health_path: String,
    /// Variables of the container, beside `PORT`. Only their names are shown: the values may be secret.
    #[serde(serialize_with = "names")]
    pub env: BTreeMap<String, String>,
    /// Arguments for the server.
    pub args: Vec<String>,
    /// How long the server may take until it is healthy, in seconds.
    pub start_seconds: u64,
    /// How long the server may take to end after SIGTERM, in seconds.
    pub drain_seconds: u64,
}

impl fmt::Display for ReadBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "# read {} for {} from its registry", self.reference, self.platform)
    }
}

impl fmt::Display for AssembleImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "# assemble an image: {} and {} into {}",
            self.binary.display(),
            self.site_root.display(),
            self.app_dir
        )
    }
}

impl fmt::Display for PushImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tags: Vec<&str> =
            self.tags.iter().map(String::as_str).chain(["in-<digest of its inputs>"]).collect();
        write!(f, "# push it to {} as {}", self.repository, tags.join(", "))?;
        f.write_str(if self.force { "" } else { ", unless an image of the same inputs is there" })
    }
}

/// The label of every container that is made here; its value is the container's name.
pub const SMOKE_LABEL: &str = "xtask.smoke";

impl SmokeImage {
    /// The command that starts the container. Values are in its environment, where other processes do not see them.
    pub fn start(&self, cwd: &Path) -> Invocation {
        let port = self.port;
        let mut command = docker(cwd)
            .args(["run", "--pull", "never", "--detach", "--name", &self.container])
            .args(["--label".to_owned(), format!("{SMOKE_LABEL}={}", self.container)])
            .args(["--env".to_owned(), format!("PORT={port}")])
            .args(["--publish".to_owned(), format!("127.0.0.1::{port}")]);
        for (name, value) in &self.env {
            command = command.args(["--env", name]).env(name, value);
        }
        command.arg(&self.image).args(&self.args).timeout(Duration::from_secs(60))
    }

    /// The command that asks the server to end, as a platform does whatever the image's own `STOPSIGNAL` is.
    pub fn stop(&self, cwd: &Path) -> Invocation {
        docker(cwd).args(["kill", "--signal", "TERM", &self.container])
    }

    /// The command that removes the container with its volumes, running or not, there or not.
    pub fn remove(&self, cwd: &Path) -> Invocation {
        docker(cwd).args(["rm", "--force", "--volumes", &self.container]).timeout(Duration::from_secs(60))
    }
}

fn docker(cwd: &Path) -> Invocation {
    Invocation::new("docker", cwd).timeout(Duration::from_secs(20))
}

fn names<S: serde::Serializer>(env: &BTreeMap<String, String>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(env.keys())
}

impl fmt::Display for TagImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "# tag {}@DIGEST as {}", self.repository, self.tags.join(", "))
    }
}

impl fmt::Display for SmokeImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut start = self.start(Path::new("/"));
        start.env.clear();
        writeln!(f, "{start}")?;
        writeln!(f, "# wait until {} answers 200, at most {} s", self.health_path, self.start_seconds)?;
        writeln!(f, "# get the page and what it links to: script, wasm and style")?;
        let limit = self.drain_seconds;
        writeln!(f, "{}  # it has to end with exit code 0 within {limit} s", self.stop(Path::new("/")))?;
        write!(f, "{}", self.remove(Path::new("/")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_smoke_test_shows_its_commands_and_no_value() {
        let input = SmokeImage {
            image: "app:1".to_owned(),
            container: "xtask-smoke-1".to_owned(),
            port: 43_117,
            health_path: "/health".to_owned(),
            env: BTreeMap::from([("MODE".to_owned(), "hidden".to_owned())]),
            args: vec!["--name".to_owned(), "a b".to_owned()],
            start_seconds: 60,
            drain_seconds: 10,
        };
        expect_test::expect![[r#"
            docker run --pull never --detach --name xtask-smoke-1 --label xtask.smoke=xtask-smoke-1 --env PORT=43117 --publish 127.0.0.1::43117 --env MODE app:1 --name 'a b'
            # wait until /health answers 200, at most 60 s
            # get the page and what it links to: script, wasm and style
            docker kill --signal TERM xtask-smoke-1  # it has to end with exit code 0 within 10 s
            docker rm --force --volumes xtask-smoke-1"#]]
        .assert_eq(&input.to_string());
        let json = serde_json::to_string(&input).unwrap();
        assert!(json.contains(r#""env":["MODE"]"#) && !json.contains("hidden"), "{json}");
        let start = input.start(Path::new("/"));
        assert_eq!(start.env["MODE"], "hidden");
        assert!(!start.args.concat().contains("hidden"));
    }
}
