//! The record of one round of `watch`.

use serde::Serialize;

use super::StepRecord;

/// One round: from changed files to what the pages were told. Seconds are wall-clock.
#[derive(Clone, Debug, Serialize)]
pub struct WatchRecord {
    /// The layout of this record.
    pub schema: &'static str,
    pub result: WatchResult,
    /// RFC 3339, UTC.
    pub started: String,
    pub project: String,
    /// The profile asked for.
    pub profile: String,
    /// The files, relative to the workspace where they are in it.
    pub changed: Vec<String>,
    /// Whether cargo was asked for both halves at the same time.
    pub at_once: bool,
    /// What was done, with the units that cargo compiled.
    pub steps: Vec<StepRecord>,
    /// From the last change of a file until the round began; `None` where the file does not tell when it was changed.
    pub noticed_seconds: Option<f64>,
    /// Compiling and writing the site.
    pub build_seconds: f64,
    /// From stopping the server until the new one answered; `None` where it was left alone.
    pub restart_seconds: Option<f64>,
    /// What the pages were told, if anything.
    pub told: Option<Told>,
    /// How many pages were told.
    pub pages: usize,
    /// From the last change of a file until the pages were told; `None` where they were not.
    pub seconds: Option<f64>,
}

/// The layout of [`WatchRecord`].
pub const WATCH_SCHEMA: &str = "xtask.watch/1";

/// How a round ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WatchResult {
    Ok,
    Failed,
    /// By a signal.
    Interrupted,
    /// By another change, with which the next round begins.
    Superseded,
}

/// What pages are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Told {
    /// Load everything anew.
    All,
    /// Load the style sheet anew.
    Css,
}
