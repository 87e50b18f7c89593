//! What one run of a workflow came to, from the records of all its steps: the data of `ci summary`.

use serde::Serialize;

use super::test::TestRun;
use super::{RunResult, Sizes, StepRecord};

/// The layout of [`CiSummary`].
pub const CI_SUMMARY_SCHEMA: &str = "xtask.ci-summary/1";

/// All of it. What was not measured is `None`, never 0.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CiSummary {
    /// The layout of this record.
    pub schema: &'static str,
    /// `None` outside of a workflow.
    pub commit: Option<String>,
    /// E.g. `push`; `None` outside of a workflow.
    pub event: Option<String>,
    /// In the order of a workflow.
    pub runs: Vec<RunFigures>,
    pub build: Option<BuildFigures>,
    pub image: Option<ImageFigures>,
    /// What ships, file by file.
    pub files: Vec<Sizes>,
    /// All wasm files together.
    pub wasm: Option<WasmFigures>,
    pub tests: Vec<TestRun>,
    pub deployment: Option<DeploymentFigures>,
    pub budgets: Vec<BudgetVerdict>,
}

/// One run of one of our commands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunFigures {
    /// E.g. `build`.
    pub command: String,
    pub result: RunResult,
    /// RFC 3339.
    pub started: String,
    /// Wall-clock seconds.
    pub seconds: f64,
    pub steps: Vec<StepRecord>,
}

/// The build that counts.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BuildFigures {
    /// `build` or `docker-build`.
    pub command: String,
    pub class: BuildClass,
    /// Wall-clock seconds.
    pub seconds: f64,
    /// `None` where nothing was looked up.
    pub hits: Option<Hits>,
}

/// What a build found. The order is that of how much it had to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BuildClass {
    /// Every dependency compiled: nothing, or only packages of the workspace, were compiled.
    Hot,
    /// Some of them.
    Warm,
    /// Nothing.
    Cold,
}

impl BuildClass {
    pub fn name(self) -> &'static str {
        match self {
            BuildClass::Hot => "hot",
            BuildClass::Warm => "warm",
            BuildClass::Cold => "cold",
        }
    }
}

/// How much was there already.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Hits {
    /// What is counted: `compile units`, or `RUN instructions` of a Dockerfile.
    pub of: String,
    pub reused: usize,
    pub all: usize,
    pub percent: f64,
}

/// The image that was made.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ImageFigures {
    /// By digest; `None` unless it is in its registry.
    pub reference: Option<String>,
    pub digest: Option<String>,
    /// Whether an image of the same inputs was there already.
    pub reused: bool,
    /// All layers as they are sent, in bytes.
    pub compressed: Option<u64>,
    /// All layers unpacked, in bytes; `None` where one of them was not unpacked.
    pub raw: Option<u64>,
}

/// In bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct WasmFigures {
    pub raw: u64,
    pub gzip: Option<u64>,
    pub brotli: Option<u64>,
}

/// What became of the image.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DeploymentFigures {
    pub result: RunResult,
    pub id: Option<String>,
    pub url: Option<String>,
    /// Of the whole run; `None` where there was nothing to deploy, or nobody waited.
    pub seconds: Option<f64>,
    /// From the push to the deployment being verified.
    pub push_to_live_seconds: Option<f64>,
    /// Why that was not measured.
    pub note: Option<String>,
}

/// A budget and what it was held against.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BudgetVerdict {
    /// E.g. `hot build`.
    pub name: String,
    /// The key in `[workspace.metadata.xtask.budgets]`, without `-warn` and `-fail`.
    pub key: String,
    pub unit: Unit,
    pub warn: Option<f64>,
    pub fail: Option<f64>,
    pub measured: Option<f64>,
    pub verdict: Verdict,
    /// Why there is no verdict.
    pub note: Option<String>,
}

/// What a budget counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    Seconds,
    Bytes,
    /// More is better, unlike the others.
    Percent,
}

/// How a budget was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    Kept,
    /// Past the limit that warns.
    Warning,
    /// Past the limit that fails.
    Failed,
    NotMeasured,
    /// It has no limit.
    Off,
}
