//! What `bench history` says: the runs that are kept, one after the other. Made anew each time, never kept.

use serde::{Deserialize, Serialize};

use super::compare::RunName;

/// The layout of [`BenchHistory`].
pub const HISTORY_SCHEMA: &str = "xtask.bench-history/1";

/// The runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BenchHistory {
    /// The layout of this result: [`HISTORY_SCHEMA`].
    pub schema: String,
    /// The class of host whose runs these are; `None` for all classes.
    pub class: Option<String>,
    /// The oldest first.
    pub runs: Vec<HistoryRun>,
    /// How many earlier ones there are.
    pub left_out: usize,
    /// What could not be read.
    pub notes: Vec<String>,
}

/// One run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HistoryRun {
    #[serde(flatten)]
    pub run: RunName,
    /// The processor; `None` where it is not known.
    pub cpu: Option<String>,
    /// One for each scenario that was measured, in the run's order.
    pub scenarios: Vec<ScenarioFigure>,
}

/// The arm that stands for a scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScenarioFigure {
    pub scenario: String,
    /// [`super::Comparison::id`].
    pub comparison: String,
    pub arm: String,
    /// Whether it is the first arm, with which the others are compared.
    pub is_baseline: bool,
    /// The median.
    pub seconds: f64,
    pub samples: usize,
    /// The ratio to the run before this one that measured the same, on the same class of host with the same processor:
    /// 1.1 is 10 % slower; `None` where there is none.
    pub change: Option<f64>,
}
