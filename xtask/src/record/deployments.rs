//! The records of looks at earlier deployments: the list of them, and the log of one.

use serde::Serialize;

use super::deploy::ServiceName;

/// The layout of [`DeploymentList`].
pub const LIST_SCHEMA: &str = "xtask.deploy-list/1";
/// The layout of [`DeploymentLog`].
pub const LOG_SCHEMA: &str = "xtask.deploy-log/1";

/// The deployments of a service.
#[derive(Clone, Debug, Serialize)]
pub struct DeploymentList {
    /// The layout of this record.
    pub schema: &'static str,
    pub service: ServiceName,
    /// Newest first.
    pub deployments: Vec<Listed>,
}

/// One deployment of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listed {
    pub id: String,
    /// Railway's word.
    pub status: String,
    /// When it was created: RFC 3339, UTC.
    pub created: String,
    /// The reference as it was given; `None` where Railway does not tell.
    pub image: Option<String>,
    /// `sha256:…`; `None` where neither the reference nor Railway names it.
    pub digest: Option<String>,
    /// `None` where it is not known.
    pub revision: Option<String>,
    /// Whether and how it can be rolled back to.
    pub rollback: Standing,
}

/// How a deployment stands to a rollback.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It serves.
    Live,
    /// Railway's rollback can bring it back.
    Railway,
    /// Its image can be deployed again.
    Digest,
    /// It never served, or names no digest.
    None,
    /// Railway does not say whether it served.
    Unknown,
}

/// The last lines of a log.
#[derive(Clone, Debug, Serialize)]
pub struct DeploymentLog {
    /// The layout of this record.
    pub schema: &'static str,
    pub service: ServiceName,
    pub deployment: String,
    /// Railway's word.
    pub status: String,
    /// Whether these are the lines of its build.
    pub is_build: bool,
    /// Oldest first.
    pub lines: Vec<LogLine>,
}

/// One line of a log, without secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogLine {
    /// RFC 3339.
    pub time: String,
    /// E.g. `info`; `None` where Railway does not tell.
    pub severity: Option<String>,
    pub text: String,
}
