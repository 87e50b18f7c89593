//! The record of one image that was run and looked at.

use serde::{Deserialize, Serialize};

use super::RunResult;

/// One run of `docker smoke`. Values of variables and arguments of the server are not in it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SmokeRecord {
    /// The layout of this record.
    pub schema: &'static str,
    pub result: RunResult,
    /// RFC 3339, UTC.
    pub started: String,
    /// The reference as it was given.
    pub image: String,
    /// The engine's id of the image that ran; `None` where it could not be had.
    pub image_id: Option<String>,
    /// The image by digest, e.g. `ghcr.io/owner/app@sha256:…`; `None` where the engine knows none.
    pub digest: Option<String>,
    /// What the image was made for, e.g. `linux/amd64`.
    pub platform: Option<String>,
    /// The engine's version.
    pub engine: Option<String>,
    pub health_path: String,
    /// Every check, run or not.
    pub checks: Vec<CheckRecord>,
    /// From the start of `docker run` to the first good answer at the health path, in seconds.
    pub healthy_seconds: Option<f64>,
    /// From SIGTERM until the container was seen to have ended, in seconds.
    pub stop_seconds: Option<f64>,
    /// Wall-clock seconds of all of it.
    pub seconds: f64,
}

/// The layout of [`SmokeRecord`].
pub const SMOKE_SCHEMA: &str = "xtask.smoke/1";

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckRecord {
    /// E.g. `no-baked-port`.
    pub name: String,
    pub verdict: Verdict,
    /// What was found, and what was wanted if that is something else. One line.
    pub detail: String,
}

/// What became of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    Ok,
    Failed,
    /// There was nothing to look at, and need not be.
    Skipped,
    /// It could not be looked at, because of an earlier failure.
    NotRun,
}

impl SmokeRecord {
    /// The names of the checks that failed.
    pub fn failed(&self) -> Vec<&str> {
        let failed = self.checks.iter().filter(|check| check.verdict == Verdict::Failed);
        failed.map(|check| check.name.as_str()).collect()
    }
}
