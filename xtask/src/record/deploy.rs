//! The records of deployments: one run of `deploy` or `deploy rollback`, and one look at what is deployed. What has
//! been on record is read again here: it tells of deployments what Railway does not.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::smoke::CheckRecord;
use super::{RunResult, StepRecord, path};

/// The layout of [`DeployRecord`].
pub const DEPLOY_SCHEMA: &str = "xtask.deploy/1";
/// The layout of [`DeployStatus`].
pub const STATUS_SCHEMA: &str = "xtask.deploy-status/1";

/// The name of the file that runs are recorded in.
pub const RUNS: &str = "deploy";

/// One run of `deploy` or `deploy rollback`, from the moment on when the service was known.
#[derive(Clone, Debug, Serialize)]
pub struct DeployRecord {
    /// The layout of this record.
    pub schema: &'static str,
    pub result: RunResult,
    /// RFC 3339, UTC.
    pub started: String,
    pub service: ServiceName,
    /// By digest; `None` where the run ended before it was known.
    pub image: Option<String>,
    /// `None` where it is not known.
    pub revision: Option<String>,
    /// The service's address for its users; `None` where the run ended before it was known.
    pub url: Option<String>,
    /// The deployment that serves the image, or was meant to; `None` where it did not come that far.
    pub deployment: Option<String>,
    /// What served before; `None` where nothing did.
    pub previous: Option<Version>,
    /// What was gone back to; `None` for a deployment of something new.
    pub rollback: Option<Rollback>,
    /// Whether all of it was there already, and nothing was deployed.
    pub already_current: bool,
    /// Whether nobody waited for the deployment: then nothing here says that it is served.
    pub detached: bool,
    /// What was looked at before anything was changed; empty where there was nothing to begin.
    pub precheck: Vec<CheckRecord>,
    pub steps: Vec<StepRecord>,
    /// Wall-clock seconds of the whole run.
    pub seconds: f64,
    /// Why it failed; without secrets.
    pub error: Option<String>,
}

/// What a rollback went back to, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rollback {
    /// The id of the earlier deployment.
    pub to: String,
    pub way: RollbackWay,
}

/// How an earlier deployment is brought back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RollbackWay {
    /// By Railway's rollback: the image and the variables that it had then.
    Railway,
    /// By an ordinary deployment of its image, with the variables of now.
    Digest,
    /// It still serves: only the service's settings are set back.
    Settings,
}

impl DeployRecord {
    /// The record of a run that has found its service, and nothing else so far.
    pub fn begun(service: ServiceName, started: String) -> DeployRecord {
        DeployRecord {
            schema: DEPLOY_SCHEMA,
            result: RunResult::Failed,
            started,
            service,
            image: None,
            revision: None,
            url: None,
            deployment: None,
            previous: None,
            rollback: None,
            already_current: false,
            detached: false,
            precheck: Vec::new(),
            steps: Vec::new(),
            seconds: 0.0,
            error: None,
        }
    }
}

/// What is on record of one deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    pub deployment: String,
    pub revision: Option<String>,
    /// Whether it was verified.
    pub succeeded: bool,
    /// Whether it became something else than was asked for, or nothing.
    pub failed: bool,
}

/// The deployments that are on record, oldest first. Lines that cannot be read are left out: the records are a cache of
/// what Railway knows, and never a reason to stop.
pub fn remembered(target_directory: &Path) -> Vec<Remembered> {
    #[derive(Deserialize)]
    struct Line {
        schema: String,
        result: RunResult,
        deployment: Option<String>,
        revision: Option<String>,
        #[serde(default)]
        detached: bool,
    }
    let text = std::fs::read_to_string(path(target_directory, RUNS)).unwrap_or_default();
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok());
    let known = lines.filter(|line| line.schema == DEPLOY_SCHEMA);
    known
        .filter_map(|line| {
            let succeeded = line.result == RunResult::Ok && !line.detached;
            let failed = line.result == RunResult::Failed;
            Some(Remembered { deployment: line.deployment?, revision: line.revision, succeeded, failed })
        })
        .collect()
}

/// Which service, by the names that people use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ServiceName {
    pub project: String,
    pub environment: String,
    pub service: String,
}

/// What a deployment serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    pub deployment: String,
    /// `None` where Railway does not tell.
    pub image: Option<String>,
    /// `None` where it is not known.
    pub revision: Option<String>,
}

/// One look at what is deployed.
#[derive(Clone, Debug, Serialize)]
pub struct DeployStatus {
    /// The layout of this record.
    pub schema: &'static str,
    pub service: ServiceName,
    /// Whether a deployment serves and the health address answers 200.
    pub healthy: bool,
    /// Newest first; two while one takes over from the other.
    pub active: Vec<DeploymentStatus>,
    /// The newest, whatever became of it.
    pub latest: Option<DeploymentStatus>,
    /// Under way, newest first, wherever in Railway's list.
    pub pending: Vec<DeploymentStatus>,
    /// The image that the next deployment would get.
    pub source_image: Option<String>,
    /// The value of `APP_REVISION` that the next deployment would get.
    pub revision: Option<String>,
    /// `None` where the service has no address.
    pub health: Option<HealthStatus>,
    /// The last deployment from this checkout; `None` where there was none.
    pub receipt: Option<ReceiptStatus>,
    /// How the variables of now differ from those that what serves was started with, by name; `None` where Railway does
    /// not tell.
    pub variables: Option<VariableDifferences>,
    /// What is not as it should be, or not at its end yet.
    pub remarks: Vec<Remark>,
}

/// Variables that differ, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct VariableDifferences {
    pub changed: Vec<String>,
    pub added: Vec<String>,
    pub removed: Vec<String>,
}

/// Something that is not as a finished deployment leaves it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Remark {
    pub found: String,
    /// The commands that go on from here or go back, each with what it does.
    pub commands: Vec<String>,
}

/// One deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeploymentStatus {
    pub id: String,
    /// Railway's word.
    pub status: String,
    /// RFC 3339, UTC.
    pub since: String,
    /// `None` where Railway does not tell.
    pub image: Option<String>,
}

/// One look at the health address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HealthStatus {
    pub address: String,
    /// `None` where nothing answered.
    pub status: Option<u16>,
    /// What the deployment that serves should be, as far as that is known: our receipt's, or else the variable's.
    pub revision: Option<String>,
    /// Whether the answer names that revision; `None` where it is not known or the app does not tell.
    pub names_revision: Option<bool>,
    /// Why there was no answer.
    pub problem: Option<String>,
}

/// What the last deployment from this checkout was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReceiptStatus {
    pub deployed: Version,
    /// RFC 3339, UTC.
    pub time: String,
    /// Whether that deployment still serves.
    pub is_live: bool,
}

/// The digests of all images that runs from here have deployed.
pub fn deployed_digests(target_directory: &Path) -> Vec<String> {
    #[derive(Deserialize)]
    struct Line {
        image: Option<String>,
    }
    let text = std::fs::read_to_string(path(target_directory, RUNS)).unwrap_or_default();
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok());
    let mut digests: Vec<String> =
        lines.filter_map(|line| Some(line.image?.rsplit_once('@')?.1.to_owned())).collect();
    digests.sort();
    digests.dedup();
    digests
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_read_is_remembered() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(remembered(folder.path()), []);
        let name = ServiceName { project: "p".into(), environment: "e".into(), service: "s".into() };
        let mut record = DeployRecord::begun(name, "2026-11-20T10:00:00Z".to_owned());
        super::super::append(folder.path(), RUNS, &record).unwrap();
        record.deployment = Some("d-1".to_owned());
        super::super::append(folder.path(), RUNS, &record).unwrap();
        let path = path(folder.path(), RUNS);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("{text}half a li\n{{\"schema\":\"other\"}}\n")).unwrap();
        record.revision = Some("abc".to_owned());
        record.result = RunResult::Ok;
        super::super::append(folder.path(), RUNS, &record).unwrap();
        record.result = RunResult::Failed;
        super::super::append(folder.path(), RUNS, &record).unwrap();
        let one = |revision: Option<&str>, succeeded, failed| Remembered {
            deployment: "d-1".to_owned(),
            revision: revision.map(str::to_owned),
            succeeded,
            failed,
        };
        let begun = one(None, false, true);
        assert_eq!(
            remembered(folder.path()),
            [begun, one(Some("abc"), true, false), one(Some("abc"), false, true)]
        );
    }
}
