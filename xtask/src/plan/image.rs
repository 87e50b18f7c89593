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
    /// The image that ours stands on, in full, by tag or digest, e.g. `gcr.io/distroless/cc-debian13:nonroot`; `None`
    /// for a static program, which stands on nothing.
    pub reference: Option<String>,
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

/// Input of [`super::Operation::CheckLinkage`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckLinkage {
    pub binary: PathBuf,
    /// Whether there is no base, so that the program has to need nothing.
    pub is_static: bool,
    /// Whether a static program may have musl's own allocator.
    pub any_allocator: bool,
    /// Where it is kept what the base has.
    pub target_directory: PathBuf,
}

/// Input of [`super::Operation::WriteLayout`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WriteLayout {
    /// A folder, or an archive where it ends in `.tar`.
    pub path: PathBuf,
    /// What the image is called in it, e.g. `ghcr.io/owner/app:1.2`.
    pub name: Option<String>,
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

/// Input of [`super::Operation::DeleteVersions`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeleteVersions {
    /// E.g. `ghcr.io/owner/app`.
    pub package: String,
    /// In the order of deletion: what names others comes before them.
    pub versions: Vec<DoomedVersion>,
    /// Which images of deployments are kept whatever their age, in words.
    pub protection: String,
}

/// One version of a package that is to be deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DoomedVersion {
    /// GitHub's number for it.
    pub id: u64,
    pub digest: String,
    pub tags: Vec<String>,
    /// The manifests that it names. Where it cannot be deleted, they are not either.
    pub names: Vec<String>,
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
    /// The most memory that the container gets, in bytes; `None` for as much as there is.
    pub memory: Option<u64>,
    /// Whether the server has to work with a root file system that it cannot write to.
    pub read_only: bool,
    /// The engine's address that the port is published at.
    pub publish: String,
    /// The host at which it is reached from here.
    pub host: String,
}

impl fmt::Display for ReadBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reference {
            Some(reference) => write!(f, "# read {reference} for {} from its registry", self.platform),
            None => write!(f, "# no base: certificates, a user and /tmp for {}", self.platform),
        }
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

impl fmt::Display for CheckLinkage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let binary = self.binary.display();
        match self.is_static {
            true => write!(f, "# check that {binary} needs no library, and which allocator it has"),
            false => write!(
                f,
                "# check that the base has the libraries of {binary}, in versions that are new enough"
            ),
        }
    }
}

impl fmt::Display for WriteLayout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "# write it to {} as an OCI image layout", self.path.display())
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

impl fmt::Display for DeleteVersions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.versions.len();
        write!(f, "# delete {count} version{} of {}", if count == 1 { "" } else { "s" }, self.package)?;
        for version in &self.versions {
            let tags = if version.tags.is_empty() { "no tag".to_owned() } else { version.tags.join(", ") };
            write!(f, "\n#   {} {} ({tags})", version.id, version.digest)?;
        }
        write!(f, "\n# {}", self.protection)
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
            .args(["--publish".to_owned(), format!("{}::{port}", self.publish)]);
        if let Some(memory) = self.memory {
            // Without swap, which platforms do not give either.
            command = command.args(["--memory".to_owned(), memory.to_string()]);
            command = command.args(["--memory-swap".to_owned(), memory.to_string()]);
        }
        for (name, value) in &self.env {
            command = command.args(["--env", name]).env(name, value);
        }
        command.arg(&self.image).args(&self.args).timeout(Duration::from_secs(60))
    }

    /// The same container with a root file system that nobody can write to, but for `/tmp`.
    pub fn start_read_only(&self, cwd: &Path) -> Invocation {
        let mut command = self.start(cwd);
        let flags = ["--read-only", "--tmpfs", "/tmp"].map(str::to_owned);
        command.args.splice(1..1, flags);
        command
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
        writeln!(
            f,
            "# get the page and what it links to: script, wasm and style, as they are and compressed"
        )?;
        writeln!(f, "# run the image's own health check in it (docker exec), if it has one")?;
        let limit = self.drain_seconds;
        writeln!(f, "{}  # it has to end with exit code 0 within {limit} s", self.stop(Path::new("/")))?;
        writeln!(f, "{}", self.remove(Path::new("/")))?;
        writeln!(f, "# the same with --read-only --tmpfs /tmp, until it is healthy")?;
        write!(f, "docker save {}  # look for secrets, and in its provenance", super::quote(&self.image))
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
            memory: Some(512 << 20),
            read_only: false,
            publish: "127.0.0.1".to_owned(),
            host: "127.0.0.1".to_owned(),
        };
        expect_test::expect![[r#"
            docker run --pull never --detach --name xtask-smoke-1 --label xtask.smoke=xtask-smoke-1 --env PORT=43117 --publish 127.0.0.1::43117 --memory 536870912 --memory-swap 536870912 --env MODE app:1 --name 'a b'
            # wait until /health answers 200, at most 60 s
            # get the page and what it links to: script, wasm and style, as they are and compressed
            # run the image's own health check in it (docker exec), if it has one
            docker kill --signal TERM xtask-smoke-1  # it has to end with exit code 0 within 10 s
            docker rm --force --volumes xtask-smoke-1
            # the same with --read-only --tmpfs /tmp, until it is healthy
            docker save app:1  # look for secrets, and in its provenance"#]]
        .assert_eq(&input.to_string());
        let json = serde_json::to_string(&input).unwrap();
        assert!(json.contains(r#""env":["MODE"]"#) && !json.contains("hidden"), "{json}");
        let start = input.start(Path::new("/"));
        assert_eq!(start.env["MODE"], "hidden");
        assert!(!start.args.concat().contains("hidden"));
    }
}
