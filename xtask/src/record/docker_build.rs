//! The record of one run of `docker build`.

use serde::{Deserialize, Serialize};

use super::{Recompiled, RunResult, StepRecord, UnitCounts};
use crate::facts::revision::Revision;

/// The layout of [`DockerBuildRecord`].
pub const DOCKER_BUILD_SCHEMA: &str = "xtask.docker-build/1";

/// One run of `docker build`. What was not reached is `None` or empty.
#[derive(Clone, Debug, Serialize)]
pub struct DockerBuildRecord {
    /// The layout of this record.
    pub schema: &'static str,
    pub result: RunResult,
    /// RFC 3339, UTC.
    pub started: String,
    pub project: String,
    /// The sources that were built. Not in the image.
    pub revision: Revision,
    /// Where the image belongs, e.g. `ghcr.io/owner/app`.
    pub repository: Option<String>,
    /// The image by digest; `None` unless it is in its registry.
    pub reference: Option<String>,
    /// The tags that name it, that of its inputs first.
    pub tags: Vec<String>,
    /// The digest of its manifest, or of the index of several.
    pub digest: Option<String>,
    /// The digest of context, Dockerfile, arguments and platforms, in hexadecimal.
    pub input_digest: String,
    /// E.g. `linux/amd64`; empty where words after `--` say it.
    pub platforms: Vec<String>,
    pub builder: Option<String>,
    /// Whether an image of the same inputs was in the registry already.
    pub reused: bool,
    /// How often buildx was started.
    pub attempts: u32,
    pub stages: Vec<StageRecord>,
    pub after_cook: Option<AfterCook>,
    /// `None` where none was asked for, or nothing was compiled.
    pub compile_cache: Option<CompileCache>,
    pub steps: Vec<StepRecord>,
    /// Wall-clock seconds of the whole run.
    pub seconds: f64,
}

/// One instruction of the Dockerfile.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StageRecord {
    pub stage: String,
    /// Shortened, without mounts.
    pub instruction: String,
    pub state: StageState,
    /// `None` where nothing was run.
    pub seconds: Option<f64>,
}

/// What became of an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StageState {
    Ran,
    /// Its layer was in the builder or in a layer cache.
    Cached,
    Failed,
    /// It ran when the build ended for another reason.
    Unfinished,
}

/// What the compile cache gave, over all instructions that compiled something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CompileCache {
    /// Units of cargo.
    pub hits: u64,
    pub misses: u64,
    /// Results that could not be read or written.
    pub errors: u64,
    /// Instructions that compiled something and were not to do without.
    pub instructions: u32,
    /// Those among them that did without it, because its server did not start.
    pub without: u32,
    /// Why, in the cache's own words.
    pub reason: Option<String>,
}

/// What the build of the app compiled on top of the cooked dependencies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AfterCook {
    pub front: Option<UnitCounts>,
    pub server: Option<UnitCounts>,
    /// Dependencies among them: cooked in vain.
    pub dependencies: Vec<Recompiled>,
}
