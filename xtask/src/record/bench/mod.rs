//! The record of one run of `bench`: what was to be measured, every sample, and what can be said of them.
//!
//! One JSON document, written again after every sample, so that an interruption loses nothing. Every figure that a
//! report shows is in here. "Not measured" is `None`, never zero.

pub mod activity;
pub mod compare;
pub mod history;
pub mod timeline;

use serde::{Deserialize, Serialize};

use super::{Sizes, StepRecord};
use crate::facts::host::Host;
use crate::facts::revision::Revision;
use activity::Activity;
use timeline::Timeline;

/// The layout of [`BenchRecord`].
pub const BENCH_SCHEMA: &str = "xtask.bench/1";

/// One run of `bench`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BenchRecord {
    /// The layout of this record: [`BENCH_SCHEMA`].
    pub schema: String,
    /// Names the run, e.g. `20261121-103000`: when it began, UTC.
    pub id: String,
    pub result: BenchResult,
    /// RFC 3339, UTC.
    pub started: String,
    /// When the last sample was taken, RFC 3339, UTC.
    pub updated: String,
    /// Seconds that the run has taken, those of earlier parts of a resumed one included.
    pub seconds: f64,
    /// The Leptos project.
    pub project: String,
    /// What was asked for: the flags of `cargo xtask bench` that say what is measured. `None` in records of before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Vec<String>>,
    pub host: Host,
    /// What was used, in the order in which it is told: rustc first.
    pub tools: Vec<ToolVersion>,
    pub revision: Revision,
    /// A digest of the plan: what is measured, how often, and of which sources. A run is resumed only with the same.
    pub plan_digest: String,
    /// `None` until it was measured.
    pub noise: Option<Noise>,
    /// What the words mean that this record uses, for people who read a report.
    pub definitions: Vec<Definition>,
    /// What was to be measured, in order.
    pub comparisons: Vec<Comparison>,
    /// In the order in which they were taken.
    pub samples: Vec<Sample>,
    /// One for each arm but the baseline of each comparison, and none for an arm in which nothing runs.
    pub verdicts: Vec<Verdict>,
    /// Budgets of the workspace that were looked at.
    pub budgets: Vec<BudgetCheck>,
    /// Where the time went: of the first cold build, and of the first warm one with each compile cache. Records from
    /// before there were several have one of a cold build, or null, under the name `timeline`.
    #[serde(default, alias = "timeline", deserialize_with = "timeline::one_or_several")]
    pub timelines: Vec<Timeline>,
    /// What the reader has to know: arms that could not be measured, other load, caches that are not recommended.
    pub notes: Vec<String>,
}

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BenchResult {
    /// Under way, or ended without having been able to say so (killed, power lost).
    Unfinished,
    Ok,
    /// At least one arm did not compile, or could not be measured for another reason than being absent.
    Failed,
    /// By a signal. What was measured is there.
    Interrupted,
}

/// A program and its version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolVersion {
    pub name: String,
    pub version: String,
}

/// A word and its meaning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    pub word: String,
    pub meaning: String,
}

/// How far this machine's times differ when nothing differs: the same compilation of seconds, several times.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Noise {
    /// Seconds of each run.
    pub samples: Vec<f64>,
    /// What two equal pieces of work of that length may differ by, as a share of their time: 0.02 is two per cent. Two
    /// pairs of samples, and two runs, need more to differ; three pairs and more tell themselves how far they differ.
    pub floor: f64,
    /// Cores that other programs kept busy meanwhile; `None` where the system does not tell.
    pub foreign_cores: Option<f64>,
}

/// Arms that are measured in turn, in one scenario. The first one is the baseline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Names it within the run, e.g. `cold/cache`.
    pub id: String,
    /// What state each sample starts from, e.g. `cold`.
    pub scenario: String,
    /// What differs between the arms, e.g. `linker`.
    pub axis: String,
    pub arms: Vec<Arm>,
    /// How many samples of each arm.
    pub runs: usize,
    /// What all of it takes, in seconds, as estimated before; `None` where there was nothing to estimate from.
    pub estimated_seconds: Option<f64>,
}

/// One setting of what a comparison is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arm {
    /// Names it within the comparison, e.g. `mold`.
    pub name: String,
    /// The version of what it is named after, where that is a program.
    pub version: Option<String>,
    /// Everything that is switched on, e.g. `profile=production linker=mold cache=none`.
    pub variant: String,
    /// Why it is not measured: not there, or not active. `None` where it is.
    pub unavailable: Option<String>,
}

/// One timed execution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// [`Comparison::id`].
    pub comparison: String,
    /// [`Arm::name`].
    pub arm: String,
    /// The samples of one round, one of each arm, are a pair (or a tuple). From 1.
    pub round: usize,
    /// Wall-clock seconds.
    pub seconds: f64,
    /// CPU seconds of the command, all that it waited for and a compile cache's server; `None` where the work was done
    /// by a process that nobody waits for.
    pub cpu_seconds: Option<f64>,
    /// The most memory that the command's processes and those that a compile cache's server runs held together, beyond
    /// what was held before, looked at five times a second; `None` for less than a second.
    pub peak_memory_bytes: Option<u64>,
    /// Cores that other programs kept busy meanwhile, on average; `None` where they cannot be told from the command's.
    pub foreign_cores: Option<f64>,
    /// What shows that this arm was what ran.
    pub activity: Activity,
    /// The steps of the build; empty where the sample is no build.
    pub steps: Vec<StepRecord>,
    /// What was made, where the comparison is about that.
    pub sizes: Vec<Sizes>,
    /// Why this is no measurement: the command failed, or the arm was not active. Such a sample is in no figure.
    pub invalid: Option<String>,
}

/// What one comparison says of one arm beside the baseline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    pub comparison: String,
    pub arm: String,
    pub baseline: String,
    pub verdict: VerdictKind,
    /// The median of the pairs' ratios, arm to baseline: 0.5 is half the time.
    pub ratio: Option<f64>,
    /// An interval that has the true median in it, with the probability [`Verdict::coverage`].
    pub low: Option<f64>,
    pub high: Option<f64>,
    /// 0.9375 for the extremes of five pairs; less with fewer.
    pub coverage: Option<f64>,
    pub pairs: usize,
    /// What was taken as noise, as a share: how far the samples of both arms differ among themselves, or what other
    /// programs took where that was more.
    pub floor: f64,
}

/// What can be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VerdictKind {
    Faster,
    Slower,
    /// The ratio lies within the noise, and a gain or loss of 5 % can be ruled out.
    NoMeasurableGain,
    /// Samples lie too far apart to say anything.
    CannotTell,
    /// One pair: a number, no verdict.
    OneSample,
    /// There is no valid pair.
    NotMeasured,
}

/// A budget and what was measured against it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BudgetCheck {
    /// The scenario, e.g. `cold`.
    pub scenario: String,
    /// The arm that counts, e.g. `kache`; `None` where none is named and none was measured.
    pub arm: Option<String>,
    /// What is limited: `seconds`, `percent` more than the median of earlier runs on this class of host, or the `ratio`
    /// to the time without what the arm switches on.
    pub unit: String,
    pub limit: f64,
    /// `None` where it was not measured.
    pub measured: Option<f64>,
    /// `None` where it cannot be told.
    pub kept: Option<bool>,
}
