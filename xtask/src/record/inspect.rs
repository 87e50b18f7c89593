//! The record of one image as it is in its registry.

use serde::{Deserialize, Serialize};

use super::doctor::Severity;

/// The layout of [`InspectRecord`].
pub const INSPECT_SCHEMA: &str = "xtask.inspect/1";

/// One look at an image. What could not be found out is `None`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InspectRecord {
    /// The layout of this record.
    pub schema: &'static str,
    /// Whether no finding is an error.
    pub ok: bool,
    /// As it was asked for, in full.
    pub image: String,
    /// The digest that the registry gives for it: that of the index, where there is one.
    pub digest: String,
    /// The digest of the manifest that was looked at, which is another one where `digest` is an index's.
    pub manifest: String,
    /// E.g. `linux/amd64`.
    pub platform: String,
    /// From the lowest to the highest.
    pub layers: Vec<LayerSizes>,
    /// The sum of all layers as they are sent, in bytes.
    pub size: u64,
    /// The sum of all archives, in bytes; `None` where one cannot be read here.
    pub raw_size: Option<u64>,
    pub base: Option<BaseShare>,
    /// The largest files of the image as it is seen in a container, largest first.
    pub largest: Vec<FileSize>,
    /// What differs from another image, if there is one to compare with.
    pub difference: Option<Difference>,
    pub budget: Budget,
    /// `None` where the image is not on GitHub's registry.
    pub ghcr: Option<Ghcr>,
    pub findings: Vec<InspectFinding>,
}

/// One layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LayerSizes {
    pub digest: String,
    pub media_type: String,
    /// As it is sent, in bytes.
    pub size: u64,
    /// The archive, in bytes; `None` where it cannot be read here.
    pub raw_size: Option<u64>,
    pub files: Option<usize>,
    /// Whether the base brings it; `None` where the base is not known.
    pub is_base: Option<bool>,
    /// What made it, in the words of the image's history.
    pub made_by: Option<String>,
}

/// How much of an image its base is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BaseShare {
    /// The base's name, where the image tells it.
    pub name: Option<String>,
    pub layers: usize,
    /// Of the layers as they are sent, in bytes.
    pub size: u64,
    /// In per cent of the image's.
    pub percent: u64,
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileSize {
    /// From the root.
    pub path: String,
    /// In bytes.
    pub size: u64,
    /// The number of its layer, from 0 for the lowest.
    pub layer: usize,
}

/// What changed from another image to this one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The other image, by digest.
    pub with: String,
    /// Of all layers as they are sent, in bytes.
    pub size_change: i64,
    /// Layers that both have.
    pub shared_layers: usize,
    /// What somebody who has the other image still has to fetch, in bytes.
    pub fetched: u64,
    pub added: usize,
    pub removed: usize,
    pub changed: usize,
    /// The files whose sizes changed most.
    pub files: Vec<FileChange>,
}

/// A file that is not the same in both images. A side without it is `None`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileChange {
    pub path: String,
    /// In bytes.
    pub before: Option<u64>,
    /// In bytes.
    pub after: Option<u64>,
}

/// How large an image may be, as it is sent, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Budget {
    pub warn: Option<u64>,
    pub fail: Option<u64>,
}

/// What GitHub says about the image's package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ghcr {
    /// Whether everybody may pull it.
    pub is_public: bool,
    /// Whom we pull it as where not everybody may.
    pub pulled_as: Option<String>,
    /// `org.opencontainers.image.source`.
    pub source: Option<String>,
    /// The repository that the package is linked to, e.g. `owner/app`; `None` where it is to none, or nobody may know.
    pub repository: Option<String>,
    pub versions: Option<usize>,
    /// Versions without a tag that no index names either.
    pub unreferenced: Option<usize>,
    /// Why GitHub's API told nothing.
    pub problem: Option<String>,
}

/// Something to mend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InspectFinding {
    /// E.g. `over-budget`.
    pub rule: String,
    pub severity: Severity,
    pub message: String,
    pub fix: String,
}

/// The layout of [`PruneRecord`].
pub const PRUNE_SCHEMA: &str = "xtask.prune/1";

/// What became of the versions of a package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PruneRecord {
    /// The layout of this record.
    pub schema: &'static str,
    /// E.g. `ghcr.io/owner/app`.
    pub package: String,
    pub versions: Vec<VersionRecord>,
    pub deleted: usize,
}

/// One version: what GitHub calls each manifest of a package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionRecord {
    pub id: u64,
    pub digest: String,
    pub tags: Vec<String>,
    /// RFC 3339.
    pub updated: String,
    pub fate: Fate,
    /// Why.
    pub reason: String,
}

/// What is to become of a version, or has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    Kept,
    /// It is to be deleted, and has not been.
    Doomed,
    Deleted,
    /// GitHub refused to delete it.
    Refused,
}
