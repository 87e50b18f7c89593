//! Records: what happened, as data with a schema version. One JSON line a run, appended, never rewritten.
//!
//! "Not measured" is `None` (JSON `null`), never zero. Nothing here prints.

pub mod bench;
pub mod ci_summary;
pub mod deploy;
pub mod deployments;
pub mod deps_report;
pub mod docker_build;
pub mod doctor;
pub mod init;
pub mod inspect;
pub mod kept;
pub mod lint;
pub mod monitor;
pub mod pack;
pub mod settings;
pub mod smoke;
pub mod test;
pub mod timings;
pub mod variables;
pub mod watch;

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::facts::host::Host;
use crate::facts::revision::Revision;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunResult {
    Ok,
    Failed,
    /// By a signal. Never counted as success.
    Interrupted,
}

/// One run of `build`.
#[derive(Clone, Debug, Serialize)]
pub struct BuildRecord {
    /// The layout of this record.
    pub schema: &'static str,
    pub result: RunResult,
    /// RFC 3339, UTC.
    pub started: String,
    pub project: String,
    /// The profile asked for.
    pub profile: String,
    /// `native`, or `cargo-leptos` with its version.
    pub driver: String,
    /// The release of rustc, e.g. `1.95.0`.
    pub rustc: String,
    pub host: Host,
    pub revision: Revision,
    pub steps: Vec<StepRecord>,
    /// Proc-macros and build scripts that both halves compiled; `None` where only one half was built.
    pub host_units_twice: Option<Vec<DoubledUnit>>,
    /// Wall-clock seconds of the whole build.
    pub seconds: f64,
    /// What ships.
    pub sizes: Vec<Sizes>,
    /// Dependencies that were compiled although they had been cooked before; `None` where nobody asked.
    pub recompiled: Option<Vec<Recompiled>>,
}

/// The layout of [`BuildRecord`].
pub const BUILD_SCHEMA: &str = "xtask.build/1";

/// One step of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    pub name: String,
    pub state: StepState,
    /// Wall-clock seconds.
    pub seconds: f64,
    /// Seconds of processor time of the step's processes, user and system; `None` where no process ran or the
    /// platform does not tell.
    pub cpu_seconds: Option<f64>,
    /// For a cargo run: units fresh and compiled.
    pub units: Option<UnitCounts>,
    /// A few words about the outcome.
    pub detail: String,
}

/// What became of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepState {
    /// It did its work.
    Ran,
    /// There was nothing to do.
    Fresh,
    /// An earlier result for the same content was used.
    Restored,
    Failed,
}

/// The numbers of one cargo run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitCounts {
    /// Units that cargo reused.
    pub fresh: usize,
    /// Units that were compiled.
    pub compiled: usize,
    /// The names of the compiled packages, sorted, each once.
    pub compiled_packages: Vec<String>,
    /// How the program was compiled, now or before; `None` where there was none among the units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<ProgramSettings>,
}

/// What cargo says of a program's profile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramSettings {
    /// `0` to `3`, `s`, `z`.
    pub opt_level: String,
    /// `0` (none), `1`, `2` (full), `line-tables-only`, `line-directives-only`.
    pub debuginfo: String,
}

/// A proc-macro or build script that each half compiled for itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DoubledUnit {
    pub package: String,
    /// `proc-macro` or `custom-build`, cargo's word for a build script.
    pub kind: String,
    pub reason: Doubling,
}

/// Why a unit could not serve both halves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Doubling {
    /// The halves ask for other features: really two units, however the build is arranged.
    OtherFeatures,
    /// Another profile, or a dependency that is doubled itself.
    OtherSettings,
}

/// A dependency that was compiled once more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recompiled {
    pub package: String,
    /// `front` or `server`.
    pub half: String,
    /// What was different when it was compiled before, e.g. `rustflags: none before, now -Ca`; empty where it was not
    /// compiled before, or where cargo's log has to be asked.
    pub differences: Vec<String>,
}

/// The sizes of one shipped file, in bytes; a variant that was not made is `None`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sizes {
    /// Path below the site root, or the name of the server binary.
    pub file: String,
    pub raw: u64,
    pub gzip: Option<u64>,
    pub brotli: Option<u64>,
}

/// The file of the records called `name`: `target/xtask/records/<name>.jsonl`.
pub fn path(target_directory: &Path, name: &str) -> PathBuf {
    target_directory.join("xtask/records").join(format!("{name}.jsonl"))
}

/// Appends a record to [`path`].
pub fn append(target_directory: &Path, name: &str, record: &impl Serialize) -> anyhow::Result<PathBuf> {
    let path = path(target_directory, name);
    let folder = path.parent().unwrap_or(target_directory);
    let mut line = serde_json::to_vec(record).context("serialise the record")?;
    line.push(b'\n');
    fs::create_dir_all(folder)
        .and_then(|()| OpenOptions::new().create(true).append(true).open(&path))
        // One write, so that records of two runs at the same time do not mix.
        .and_then(|mut file| file.write_all(&line))
        .with_context(|| format!("append to `{}`", path.display()))?;
    Ok(path)
}
