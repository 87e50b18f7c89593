//! What a change does to the dependencies: the data of `ci deps-report`.

use serde::Serialize;

use super::ci_summary::WasmFigures;

/// The layout of [`DepsReport`].
pub const DEPS_REPORT_SCHEMA: &str = "xtask.deps-report/1";

/// Two commits compared. Names, versions and sources are as somebody else has written them: hostile where a pull
/// request is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DepsReport {
    /// The layout of this record.
    pub schema: &'static str,
    /// The commit that is compared with, as a full hash.
    pub base: String,
    /// The commit that is checked out, as a full hash.
    pub head: String,
    pub lock: LockChanges,
    pub features: Vec<FeatureChange>,
    pub units: Units,
    pub wasm: Wasm,
}

/// What differs between two Cargo.lock files. Packages of the workspace itself do not count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LockChanges {
    /// How many packages there are.
    pub before: usize,
    pub after: usize,
    pub added: Vec<Package>,
    pub removed: Vec<Package>,
    pub changed: Vec<VersionChange>,
    pub sources: Vec<SourceChange>,
    /// Packages of which there are more versions than before.
    pub duplicates: Vec<Duplicate>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Package {
    pub name: String,
    pub version: String,
    /// E.g. `crates.io`.
    pub source: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VersionChange {
    pub name: String,
    pub before: String,
    pub after: String,
}

/// The same package from elsewhere, or with another content under the same version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SourceChange {
    pub name: String,
    /// The version after the change.
    pub version: String,
    pub before: String,
    pub after: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Duplicate {
    pub name: String,
    pub before: Vec<String>,
    pub after: Vec<String>,
}

/// A direct dependency that is asked for other features.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FeatureChange {
    /// The package of the workspace that asks.
    pub member: String,
    pub dependency: String,
    /// Where it asks, e.g. `dependencies` or `target.'cfg(unix)'.dev-dependencies`.
    pub table: String,
    pub added: Vec<String>,
    pub removed: Vec<String>,
    /// Whether the default features are on now, where that has changed.
    pub default_features: Option<bool>,
}

/// Packages that are compiled for each half: each version and each set of features once, as `cargo tree` lists them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Units {
    pub before: Option<HalfUnits>,
    pub after: Option<HalfUnits>,
    /// Why one of them is not known.
    pub note: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct HalfUnits {
    pub front: usize,
    pub server: usize,
}

/// The wasm file, where a build of the commit is on record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Wasm {
    pub before: Option<WasmFigures>,
    pub after: Option<WasmFigures>,
}

impl DepsReport {
    /// Whether anything about the dependencies has changed.
    pub fn is_change(&self) -> bool {
        let LockChanges { added, removed, changed, sources, .. } = &self.lock;
        let stay = added.is_empty() && removed.is_empty() && changed.is_empty() && sources.is_empty();
        !(stay && self.features.is_empty())
    }
}
