//! The record of `deploy settings`: the settings of `railway.toml` beside those of the service.

use serde::Serialize;
use serde_json::Value;

use super::deploy::ServiceName;
use super::{RunResult, StepRecord};

/// The layout of [`SettingsRecord`].
pub const SETTINGS_SCHEMA: &str = "xtask.deploy-settings/1";

/// The name of the file that runs of `settings --apply` are recorded in.
pub const RUNS: &str = "settings";

/// One run.
#[derive(Clone, Debug, Serialize)]
pub struct SettingsRecord {
    /// The layout of this record.
    pub schema: &'static str,
    pub result: RunResult,
    /// RFC 3339, UTC.
    pub started: String,
    pub service: ServiceName,
    /// As they were when the run began.
    pub settings: Vec<Setting>,
    /// Whether what differed has been set, so that nothing differs any more.
    pub applied: bool,
    pub steps: Vec<StepRecord>,
    /// Wall-clock seconds of the whole run.
    pub seconds: f64,
    /// Why it failed; without secrets.
    pub error: Option<String>,
}

/// One setting, by Railway's name.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Setting {
    pub name: String,
    /// `None` where the file does not mention it.
    pub file: Option<Value>,
    /// `None` where nobody has set it at Railway.
    pub railway: Option<Value>,
    pub state: SettingState,
}

/// How a setting of the file stands to that of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SettingState {
    Same,
    Differs,
    /// The file does not mention it; it stays as it is.
    OnlyRailway,
}

impl SettingsRecord {
    /// The names of what differs.
    pub fn differing(&self) -> Vec<&str> {
        let differing = self.settings.iter().filter(|setting| setting.state == SettingState::Differs);
        differing.map(|setting| setting.name.as_str()).collect()
    }
}
