//! The operations on images, as data. How they are carried out is the business of room `image`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use super::quote;

/// Input of [`super::Operation::ReadBase`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReadBase {
    /// The image that ours stands on, in full, by tag or digest, e.g. `gcr.io/distroless/cc-debian12:nonroot`.
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

/// Input of [`super::Operation::SmokeImage`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SmokeImage {
    pub image: String,
    /// The path that answers 200 when the server is healthy, e.g. `/api/health`.
    pub health_path: String,
    /// Variables of the container, beside `PORT`.
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

impl fmt::Display for SmokeImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "docker run --rm --publish-all --env PORT=<a random one>")?;
        for (name, value) in &self.env {
            write!(f, " --env {}", quote(&format!("{name}={value}")))?;
        }
        write!(f, " {}", quote(&self.image))?;
        for arg in &self.args {
            write!(f, " {}", quote(arg))?;
        }
        write!(f, "  # healthy at {} within {} s, ", self.health_path, self.start_seconds)?;
        write!(f, "the page with what it links to, ended {} s after SIGTERM", self.drain_seconds)
    }
}
