//! The operations that tell of deployments: one of them, the list, their steps, their logs, and what they were started
//! with. They are as in `operations.rs`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::deployment::Deployment;
use super::operations::{Connection, Operation, Query, operation};

operation!(Query GetDeployment<'_>, "Deployment", "deployment", DeploymentAnswer);
operation!(Query ListDeployments<'_>, "Deployments", "deployments", DeploymentsAnswer);
operation!(Query ListEvents<'_>, "DeploymentEvents", "deployment_events", EventsAnswer);
operation!(Query GetLogs<'_>, "DeploymentLogs", "deployment_logs", LogsAnswer);
operation!(Query GetBuildLogs<'_>, "BuildLogs", "build_logs", BuildLogsAnswer);
operation!(Query GetSnapshot<'_>, "DeploymentSnapshot", "deployment_snapshot", SnapshotAnswer);

#[derive(Serialize)]
pub struct GetDeployment<'a> {
    pub id: &'a str,
}

#[derive(Debug, Deserialize)]
pub struct DeploymentAnswer {
    pub deployment: Deployment,
}

#[derive(Serialize)]
pub struct ListDeployments<'a> {
    pub input: DeploymentListInput<'a>,
    /// How many.
    pub first: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentListInput<'a> {
    pub project_id: &'a str,
    pub environment_id: &'a str,
    pub service_id: &'a str,
}

#[derive(Debug, Deserialize)]
pub struct DeploymentsAnswer {
    pub deployments: Connection<Deployment>,
}

#[derive(Serialize)]
pub struct ListEvents<'a> {
    pub id: &'a str,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventsAnswer {
    pub deployment_events: Connection<Event>,
}

/// One step of a deployment on Railway's side.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// E.g. `HEALTHCHECK`.
    pub step: String,
    pub completed_at: Option<String>,
    pub payload: Option<EventPayload>,
}

#[derive(Debug, Deserialize)]
pub struct EventPayload {
    pub error: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GetLogs<'a> {
    pub deployment_id: &'a str,
    /// How many lines.
    pub limit: u32,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogsAnswer {
    pub deployment_logs: Vec<Log>,
}

/// The log of a build.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GetBuildLogs<'a> {
    pub deployment_id: &'a str,
    /// How many lines.
    pub limit: u32,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BuildLogsAnswer {
    pub build_logs: Vec<Log>,
}

#[derive(Debug, Deserialize)]
pub struct Log {
    /// RFC 3339, with as many digits of a second as there are.
    pub timestamp: String,
    pub message: String,
    pub severity: Option<String>,
}

/// What a deployment was started with.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GetSnapshot<'a> {
    pub deployment_id: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotAnswer {
    pub deployment_snapshot: Option<Snapshot>,
}

#[derive(Deserialize)]
pub struct Snapshot {
    /// With their values, secrets too.
    pub variables: BTreeMap<String, Value>,
}

#[cfg(test)]
mod tests {
    use super::super::operations::tests::check;
    use super::*;

    #[test]
    fn names_and_kinds_are_those_of_the_texts() {
        check::<GetDeployment<'_>>("query");
        check::<ListDeployments<'_>>("query");
        check::<ListEvents<'_>>("query");
        check::<GetLogs<'_>>("query");
        check::<GetBuildLogs<'_>>("query");
        check::<GetSnapshot<'_>>("query");
    }
}
