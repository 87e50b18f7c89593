//! The record of one run of `docker pack`.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{RunResult, StepRecord};
use crate::facts::revision::Revision;

/// The layout of [`PackRecord`].
pub const PACK_SCHEMA: &str = "xtask.pack/1";

/// One run of `docker pack`. What was not reached is `None` or empty.
#[derive(Clone, Debug, Serialize)]
pub struct PackRecord {
    /// The layout of this record.
    pub schema: &'static str,
    pub result: RunResult,
    /// RFC 3339, UTC.
    pub started: String,
    pub project: String,
    /// The sources that were packed. Not in the image.
    pub revision: Revision,
    /// Where the image belongs, e.g. `ghcr.io/owner/app`.
    pub repository: Option<String>,
    /// The image by digest; `None` unless it is in its registry.
    pub reference: Option<String>,
    /// The tags that name it there, that of its inputs first.
    pub tags: Vec<String>,
    /// The digest of its manifest.
    pub digest: Option<String>,
    /// The digest of everything that the image is made from, in hexadecimal.
    pub input_digest: Option<String>,
    pub base: BaseRecord,
    /// E.g. `linux/amd64`.
    pub platform: String,
    /// From the lowest to the highest.
    pub layers: Vec<LayerRecord>,
    /// Whether an image of the same inputs was in the registry already.
    pub reused: bool,
    pub steps: Vec<StepRecord>,
    /// Wall-clock seconds of the whole run, the build included.
    pub seconds: f64,
}

/// An image that a run from here has brought into its registry, by `docker pack` or `docker build`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Packed {
    /// E.g. `ghcr.io/owner/app`.
    pub repository: String,
    pub digest: String,
    /// By digest.
    pub reference: String,
    /// RFC 3339, UTC.
    #[serde(default)]
    pub started: String,
}

/// The images of all runs from here that are on record, oldest first. Lines of another layout are passed over.
pub fn packed(target_directory: &Path) -> Vec<Packed> {
    let mut all: Vec<Packed> = Vec::new();
    for name in ["pack", "docker-build"] {
        let text = std::fs::read_to_string(super::path(target_directory, name)).unwrap_or_default();
        all.extend(text.lines().filter_map(|line| serde_json::from_str::<Packed>(line).ok()));
    }
    all.sort_by(|one, other| one.started.cmp(&other.started));
    all
}

/// The image that ours stands on.
#[derive(Clone, Debug, Serialize)]
pub struct BaseRecord {
    /// As it was asked for; `scratch` where there is none.
    pub reference: String,
    /// The digest of the manifest for the platform.
    pub digest: Option<String>,
}

/// One layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LayerRecord {
    pub kind: LayerKind,
    /// The digest of the compressed archive.
    pub digest: String,
    /// The compressed size in bytes.
    pub size: u64,
    /// The size of the archive in bytes; `None` for layers of the base, which are not unpacked.
    pub raw_size: Option<u64>,
    /// How it came to be in the registry; `None` if nothing was pushed.
    pub state: Option<LayerState>,
}

/// What is in a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LayerKind {
    /// A layer of the base.
    Base,
    /// What a program needs of a system, where there is no base: certificates, a user, `/tmp`.
    System,
    /// What browsers load, and the file that tells the server its hashed names.
    Site,
    /// The server.
    Binary,
}

impl LayerKind {
    pub fn name(self) -> &'static str {
        match self {
            LayerKind::Base => "base",
            LayerKind::System => "system",
            LayerKind::Site => "site",
            LayerKind::Binary => "binary",
        }
    }
}

/// How a layer came to be in the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LayerState {
    /// It went over the network.
    Sent,
    /// The registry took it from another of its repositories.
    Mounted,
    /// It was there.
    There,
}

impl LayerState {
    pub fn name(self) -> &'static str {
        match self {
            LayerState::Sent => "sent",
            LayerState::Mounted => "mounted",
            LayerState::There => "there",
        }
    }
}
