//! What `monitor` says: what has run, how long it took, how often it succeeded, what it holds and costs. Made anew each
//! time, never kept.

use serde::{Deserialize, Serialize};

/// The layout of [`MonitorRecord`].
pub const MONITOR_SCHEMA: &str = "xtask.monitor/1";

/// One look at what has run. What is not known is `None`, and why stands in the notes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MonitorRecord {
    /// The layout of this record: [`MONITOR_SCHEMA`].
    pub schema: String,
    /// When it was looked; RFC 3339, UTC.
    pub at: String,
    /// What began before is left out; RFC 3339, UTC.
    pub since: String,
    /// The only branch that was looked at; `None` for all.
    pub branch: Option<String>,
    /// `owner/name` at GitHub; `None` where only this machine's records were read.
    pub repository: Option<String>,
    pub is_private: Option<bool>,
    /// One for each workflow, deployments, the way from push to live, and each command of this machine.
    pub series: Vec<Series>,
    /// The last seven days, and the seven before.
    pub weeks: Vec<Week>,
    /// The slowest first.
    pub steps: Vec<StepFigures>,
    /// `None` where GitHub was not asked, or did not tell.
    pub caches: Option<Caches>,
    /// The oldest first.
    pub images: Vec<ImageSize>,
    pub hit_rates: Vec<HitRate>,
    pub costs: Vec<Cost>,
    pub alerts: Vec<Alert>,
    /// What the reader has to know.
    pub notes: Vec<String>,
}

/// Runs of the same thing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    pub kind: SeriesKind,
    /// The workflow's or the command's.
    pub name: String,
    /// The oldest first.
    pub points: Vec<Point>,
    /// Of those that succeeded; `None` where none did.
    pub figures: Option<Figures>,
    /// How the later half differs from the earlier one; `None` where there are too few to say.
    pub trend: Option<Trend>,
}

/// What a series is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SeriesKind {
    /// Runs of one workflow at GitHub.
    Workflow,
    /// The jobs that deploy.
    Deploy,
    /// From a push to the default branch until its deployment is done.
    PushToLive,
    /// A command on this machine.
    Local,
}

/// One run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// GitHub's id of the run; for a command of this machine when it began.
    pub id: String,
    /// As people name it, e.g. `#41 main abc1234`.
    pub label: String,
    /// When it began; RFC 3339, UTC.
    pub at: String,
    /// `None` where it is not known, as for what still runs.
    pub seconds: Option<f64>,
    pub outcome: Outcome,
    /// Its page; `None` for a command of this machine.
    pub url: Option<String>,
    /// Whether it says something about the state of the default branch: no pull request, no other branch.
    pub is_main: bool,
    /// The branch that it was for; `None` for a command of this machine, and where GitHub does not tell.
    pub branch: Option<String>,
    /// The jobs that had something to do, sorted; `None` where they were not asked for. Runs of a workflow with the
    /// same jobs did the same.
    pub jobs: Option<Vec<String>>,
}

/// How a run has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Ok,
    Failed,
    /// Stopped, replaced by a newer one, skipped: neither a success nor a failure.
    Cancelled,
    Running,
}

/// Times of runs that succeeded, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    pub runs: usize,
    pub average: f64,
    pub median: f64,
    /// Nine of ten runs took no longer.
    pub p90: f64,
    pub least: f64,
    pub most: f64,
}

/// The later half of the runs that succeeded beside the earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trend {
    /// Medians, in seconds.
    pub before: f64,
    pub after: f64,
    /// An interval that has the ratio of later to earlier times in it, with a probability of 93 % at least.
    pub low: f64,
    pub high: f64,
    pub verdict: TrendKind,
}

/// What a trend says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrendKind {
    Faster,
    Slower,
    /// No change that these runs' own differences do not explain.
    Steady,
}

/// Seven days.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Week {
    /// RFC 3339, UTC; up to the end of [`Week::to`].
    pub from: String,
    pub to: String,
    /// One for each of [`MonitorRecord::series`], in its order.
    pub series: Vec<Counts>,
}

/// What became of the runs of a series, and what they took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    pub ok: usize,
    pub failed: usize,
    pub cancelled: usize,
    pub figures: Option<Figures>,
}

impl Counts {
    /// How the runs ended; what they took is for others to say.
    pub fn of(points: &[Point]) -> Counts {
        let count = |outcome: Outcome| points.iter().filter(|point| point.outcome == outcome).count();
        Counts {
            ok: count(Outcome::Ok),
            failed: count(Outcome::Failed),
            cancelled: count(Outcome::Cancelled),
            figures: None,
        }
    }
}

/// One step of a job, over the runs in which it succeeded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepFigures {
    pub workflow: String,
    pub job: String,
    pub step: String,
    pub figures: Figures,
    /// Of the time of all jobs of the workflow that were looked at.
    pub share: f64,
}

/// The caches of GitHub Actions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Caches {
    pub count: u64,
    pub bytes: u64,
    /// What GitHub holds for nothing, in bytes; beyond that it removes the oldest, unless the owner pays for more.
    pub included_bytes: u64,
    /// The largest first.
    pub largest: Vec<CacheEntry>,
    /// By branch or pull request, the largest first.
    pub by_ref: Vec<CacheGroup>,
}

/// One cache.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CacheEntry {
    pub key: String,
    #[serde(rename = "ref")]
    pub git_ref: String,
    pub bytes: u64,
    /// RFC 3339, UTC.
    pub created: Option<String>,
    /// RFC 3339, UTC.
    pub used: Option<String>,
}

/// The caches of one branch or pull request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CacheGroup {
    #[serde(rename = "ref")]
    pub git_ref: String,
    pub count: u64,
    pub bytes: u64,
}

/// The size of one image as it is sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImageSize {
    /// A tag, or the beginning of the digest.
    pub name: String,
    pub digest: String,
    /// When it was made; RFC 3339, UTC.
    pub at: String,
    /// `None` where the registry does not show it.
    pub bytes: Option<u64>,
    pub source: ImageSource,
}

/// Who says how large an image is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImageSource {
    Registry,
    /// A record of `docker pack` on this machine.
    Local,
}

/// How much was there already, over all runs that tell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HitRate {
    /// E.g. `compile units that cargo reused`.
    pub what: String,
    pub hits: u64,
    pub total: u64,
    /// How many runs it is of.
    pub runs: usize,
}

impl HitRate {
    /// Hits of all, from 0 to 1; `None` where there was nothing to hit.
    pub fn rate(&self) -> Option<f64> {
        (self.total > 0).then(|| self.hits as f64 / self.total as f64)
    }
}

/// What something costs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    pub what: String,
    /// In US dollars a month of thirty days; `None` where it is not known.
    pub usd_per_month: Option<f64>,
    /// How the amount comes about, or why it is not known.
    pub how: String,
    /// The page that has the price.
    pub source: String,
}

/// Something that somebody should know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    pub kind: AlertKind,
    /// The series, or what has the budget.
    pub subject: String,
    /// One or two sentences.
    pub text: String,
    /// When it became so, RFC 3339, UTC; `None` where that is not known.
    pub began: Option<String>,
    /// The same for the same kind and subject.
    pub key: String,
    /// Before and now, or limit and now: in seconds, runs or bytes, as the kind says.
    pub before: f64,
    pub now: f64,
    /// The page of the run that showed it.
    pub url: Option<String>,
    /// When the webhook was told of it, RFC 3339, UTC; `None` where it was not, or where that is not known.
    pub told: Option<String>,
}

/// What an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlertKind {
    /// The last runs all failed. Numbers are runs.
    Failing,
    /// Slower than before, beyond what chance explains. Numbers are seconds.
    Slower,
    /// More than the workspace allows. Numbers are seconds or bytes.
    Budget,
}

impl AlertKind {
    pub fn name(self) -> &'static str {
        match self {
            AlertKind::Failing => "failing",
            AlertKind::Slower => "slower",
            AlertKind::Budget => "budget",
        }
    }
}
