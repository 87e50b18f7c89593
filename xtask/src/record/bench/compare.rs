//! What `bench compare` says: two runs, arm by arm. Made anew each time, never kept.

use serde::{Deserialize, Serialize};

use super::{BenchResult, VerdictKind};

/// The layout of [`BenchCompare`].
pub const COMPARE_SCHEMA: &str = "xtask.bench-compare/1";

/// Two runs on one class of host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BenchCompare {
    /// The layout of this result: [`COMPARE_SCHEMA`].
    pub schema: String,
    /// Whether no arm is slower beyond threshold and noise.
    pub ok: bool,
    pub before: RunName,
    pub after: RunName,
    /// In per cent: an arm may become so much slower.
    pub threshold_percent: f64,
    /// Programs whose version differs.
    pub tools: Vec<ToolChange>,
    /// What both runs measured, in the order of the run after.
    pub arms: Vec<ArmChange>,
    /// What cannot be compared.
    pub unmatched: Vec<Unmatched>,
    /// What the reader has to know.
    pub notes: Vec<String>,
}

/// Which run it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunName {
    pub id: String,
    /// RFC 3339, UTC.
    pub started: String,
    pub project: String,
    /// The class of the host.
    pub class: String,
    pub commit: Option<String>,
    pub dirty: Option<bool>,
    pub result: BenchResult,
}

/// A program with another version than before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolChange {
    pub name: String,
    /// `None` where it was not used.
    pub before: Option<String>,
    pub after: Option<String>,
}

/// One arm in both runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArmChange {
    pub scenario: String,
    /// [`super::Comparison::id`].
    pub comparison: String,
    pub arm: String,
    /// Everything that is switched on, in both.
    pub variant: String,
    /// `None` where there is no valid sample.
    pub before: Option<Spread>,
    pub after: Option<Spread>,
    /// Of the medians, after to before: 1.1 is 10 % slower.
    pub ratio: Option<f64>,
    /// An interval that has the true ratio in it, with the probability [`ArmChange::coverage`].
    pub low: Option<f64>,
    pub high: Option<f64>,
    pub coverage: Option<f64>,
    /// What was taken as noise, as a share: the larger of both runs'.
    pub floor: f64,
    pub verdict: VerdictKind,
    /// Slower, and by more than the threshold.
    pub is_too_slow: bool,
}

/// The valid samples of an arm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Seconds.
    pub median: f64,
    pub min: f64,
    pub max: f64,
    pub samples: usize,
}

/// An arm that cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unmatched {
    pub comparison: String,
    pub arm: String,
    pub reason: String,
}
