//! The record of `deploy init`: what was there, what was made, and what is left to do.

use serde::Serialize;

use super::deploy::ServiceName;
use super::{RunResult, StepRecord};

/// The layout of [`InitRecord`].
pub const INIT_SCHEMA: &str = "xtask.deploy-init/1";

/// The name of the file that runs are recorded in.
pub const RUNS: &str = "init";

/// One run, from the moment on when it was known what there is. Values of variables are in no record.
#[derive(Clone, Debug, Serialize)]
pub struct InitRecord {
    /// The layout of this record.
    pub schema: &'static str,
    pub result: RunResult,
    /// RFC 3339, UTC.
    pub started: String,
    pub service: ServiceName,
    /// Railway's ids, each `None` for what does not exist.
    pub ids: Ids,
    /// Whether everything was there already, and nothing was changed.
    pub already_set_up: bool,
    pub items: Vec<Item>,
    /// Lines for `[workspace.metadata.xtask.railway]`, without which `deploy` would not find this service.
    pub keep: Vec<String>,
    /// The command that comes next.
    pub next: Option<String>,
    pub steps: Vec<StepRecord>,
    /// Wall-clock seconds of the whole run.
    pub seconds: f64,
    /// Why it failed; without secrets.
    pub error: Option<String>,
}

/// Railway's ids.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Ids {
    pub project: Option<String>,
    pub environment: Option<String>,
    pub service: Option<String>,
}

/// One part of the service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Item {
    /// `project`, `environment`, `service`, `image`, `settings`, `variables` or `domain`.
    pub name: String,
    pub state: ItemState,
    /// What it is called, or which names it has.
    pub detail: String,
}

/// How a part stands after the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ItemState {
    /// It was there, and is as it was.
    Found,
    /// It is this run's.
    Made,
    /// It is not there.
    Missing,
}
