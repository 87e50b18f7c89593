//! The records of deployments: one run of `deploy`, and one look at what is deployed.

use serde::{Deserialize, Serialize};

use super::{RunResult, StepRecord};

/// The layout of [`DeployRecord`].
pub const DEPLOY_SCHEMA: &str = "xtask.deploy/1";
/// The layout of [`DeployStatus`].
pub const STATUS_SCHEMA: &str = "xtask.deploy-status/1";

/// One run of `deploy`.
#[derive(Clone, Debug, Serialize)]
pub struct DeployRecord {
    /// The layout of this record.
    pub schema: &'static str,
    pub result: RunResult,
    /// RFC 3339, UTC.
    pub started: String,
    pub service: ServiceName,
    /// By digest.
    pub image: String,
    pub revision: String,
    /// The service's address for its users.
    pub url: String,
    /// The deployment that serves the image, or was meant to; `None` where it did not come that far.
    pub deployment: Option<String>,
    /// What served before; `None` where nothing did.
    pub previous: Option<Version>,
    /// Whether all of it was there already, and nothing was deployed.
    pub already_current: bool,
    pub steps: Vec<StepRecord>,
    /// Wall-clock seconds of the whole run.
    pub seconds: f64,
    /// Why it failed; without secrets.
    pub error: Option<String>,
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
    /// The image that the next deployment would get.
    pub source_image: Option<String>,
    /// The value of `APP_REVISION` that the next deployment would get.
    pub revision: Option<String>,
    /// `None` where the service has no address.
    pub health: Option<HealthStatus>,
    /// The last deployment from this checkout; `None` where there was none.
    pub receipt: Option<ReceiptStatus>,
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
