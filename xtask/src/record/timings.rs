//! What puts cargo's timing reports of one build on one time axis: when each step began, and what each half compiled.
//!
//! One JSON document beside the reports, of the last build that asked for them.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::bench::timeline::TimedStep;

/// The layout of [`TimingsRecord`].
pub const TIMINGS_SCHEMA: &str = "xtask.timings/1";

/// One build.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimingsRecord {
    /// The layout of this record: [`TIMINGS_SCHEMA`].
    pub schema: String,
    /// When the build began: seconds since 1970.
    pub began: f64,
    /// In the order in which they were built.
    pub halves: Vec<TimedHalf>,
    /// The other steps of the build, in the order in which they ended. Starts are seconds since the build began.
    pub steps: Vec<TimedStep>,
}

/// One run of cargo.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimedHalf {
    /// `front` or `server`.
    pub name: String,
    /// When cargo was started: seconds since the build began. Cargo's report counts from here.
    pub start: f64,
    /// Cargo's report, beside this record.
    pub report: PathBuf,
    /// What cargo compiled, in the order in which it was finished. The report does not say what a library was
    /// compiled for, and whether it is a proc-macro; cargo's messages do.
    pub compiled: Vec<CompiledUnit>,
}

/// One unit that cargo compiled, by its messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompiledUnit {
    pub package: String,
    pub version: String,
    /// What rustc calls it.
    pub crate_name: String,
    /// `lib`, `bin`, `cdylib`, `proc-macro` or `build-script`.
    pub kind: String,
    /// The triple that it was compiled for; `None` for this machine.
    pub target: Option<String>,
    pub features: Vec<String>,
}

/// Where the reports of the last build are that asked for them.
pub fn folder(target_directory: &Path) -> PathBuf {
    target_directory.join("xtask/timings")
}

/// The record beside them.
pub fn file(target_directory: &Path) -> PathBuf {
    folder(target_directory).join("build.json")
}
