//! The operations of Railway's API that we use: text, variables and answer of each. What they do to a service is the
//! business of the files beside this one.
//!
//! Types follow Railway's public schema. A field that the schema may leave empty is an `Option` here.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::deployment::Deployment;

/// One operation; the value of the type is its variables.
pub trait Operation: Serialize {
    /// The name that stands in the text.
    const NAME: &'static str;
    const TEXT: &'static str;
    type Answer: DeserializeOwned;
}

/// Only looks; may be sent again, and in a dry run.
pub trait Query: Operation {}

/// Changes something; is sent once.
pub trait Mutation: Operation {}

macro_rules! operation {
    ($kind:ident $variables:ty, $name:literal, $file:literal, $answer:ty) => {
        impl Operation for $variables {
            const NAME: &'static str = $name;
            const TEXT: &'static str = include_str!(concat!("operations/", $file, ".graphql"));
            type Answer = $answer;
        }
        impl $kind for $variables {}
    };
}
pub(super) use operation;

operation!(Query GetProjectToken, "ProjectToken", "project_token", ProjectTokenAnswer);
operation!(Query GetProject<'_>, "Project", "project", ProjectAnswer);
operation!(Query GetServiceInstance<'_>, "ServiceInstance", "service_instance", ServiceInstanceAnswer);
operation!(Query GetDeployment<'_>, "Deployment", "deployment", DeploymentAnswer);
operation!(Query ListDeployments<'_>, "Deployments", "deployments", DeploymentsAnswer);
operation!(Query ListEvents<'_>, "DeploymentEvents", "deployment_events", EventsAnswer);
operation!(Query GetLogs<'_>, "DeploymentLogs", "deployment_logs", LogsAnswer);
operation!(Query GetBuildLogs<'_>, "BuildLogs", "build_logs", BuildLogsAnswer);
operation!(Query GetSnapshot<'_>, "DeploymentSnapshot", "deployment_snapshot", SnapshotAnswer);
operation!(Query GetVariables<'_>, "Variables", "variables", VariablesAnswer);
operation!(
    Mutation UpdateServiceInstance<'_>, "UpdateServiceInstance", "update_service_instance", UpdatedAnswer
);
operation!(Mutation UpsertVariables<'_>, "UpsertVariables", "upsert_variables", UpsertedAnswer);
operation!(
    Mutation DeployServiceInstance<'_>, "DeployServiceInstance", "deploy_service_instance", DeployedAnswer
);
operation!(Mutation RollBackDeployment<'_>, "RollBackDeployment", "roll_back_deployment", RolledBackAnswer);

/// A list as GraphQL's connections give it.
#[derive(Clone, Debug, Deserialize)]
pub struct Connection<T> {
    edges: Vec<Edge<T>>,
}

#[derive(Clone, Debug, Deserialize)]
struct Edge<T> {
    node: T,
}

impl<T> Connection<T> {
    pub fn into_nodes(self) -> Vec<T> {
        self.edges.into_iter().map(|edge| edge.node).collect()
    }
}

/// What a project token is for. Other tokens are refused.
#[derive(Serialize)]
pub struct GetProjectToken {}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProjectTokenAnswer {
    pub project_token: ProjectToken,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProjectToken {
    pub project_id: String,
    pub environment_id: String,
}

#[derive(Serialize)]
pub struct GetProject<'a> {
    pub id: &'a str,
}

#[derive(Debug, Deserialize)]
pub struct ProjectAnswer {
    pub project: Project,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Project {
    pub id: String,
    pub name: String,
    pub environments: Connection<Named>,
    pub services: Connection<Named>,
}

/// Anything with an id and a name.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Named {
    pub id: String,
    pub name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GetServiceInstance<'a> {
    pub service_id: &'a str,
    pub environment_id: &'a str,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceInstanceAnswer {
    pub service_instance: ServiceInstance,
}

/// A service in one environment. Times in seconds.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceInstance {
    pub source: Option<Source>,
    pub healthcheck_path: Option<String>,
    pub healthcheck_timeout: Option<i64>,
    pub restart_policy_type: Option<String>,
    pub restart_policy_max_retries: Option<i64>,
    pub overlap_seconds: Option<i64>,
    pub draining_seconds: Option<i64>,
    pub start_command: Option<String>,
    /// A list of texts, or one.
    pub pre_deploy_command: Option<Value>,
    pub num_replicas: Option<i64>,
    pub cron_schedule: Option<String>,
    pub sleep_application: Option<bool>,
    pub ipv6_egress_enabled: Option<bool>,
    pub domains: Domains,
    /// Deployed and running; two while one takes over from the other.
    pub active_deployments: Vec<Deployment>,
}

/// What a deployment starts from.
#[derive(Clone, Debug, Deserialize)]
pub struct Source {
    pub image: Option<String>,
    pub repo: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Domains {
    pub custom_domains: Vec<Domain>,
    pub service_domains: Vec<Domain>,
}

/// `host[:port]`.
#[derive(Clone, Debug, Deserialize)]
pub struct Domain {
    pub domain: String,
}

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

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GetVariables<'a> {
    pub project_id: &'a str,
    pub environment_id: &'a str,
    pub service_id: &'a str,
    /// Whether references to other variables stay as they are written: `${{db.URL}}`.
    pub unrendered: bool,
}

#[derive(Deserialize)]
pub struct VariablesAnswer {
    /// With their values, secrets too.
    pub variables: BTreeMap<String, Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UpdateServiceInstance<'a> {
    pub service_id: &'a str,
    pub environment_id: &'a str,
    pub input: ServiceInstanceUpdateInput<'a>,
}

/// What is left out stays as it is; `null` would unset it.
#[derive(Serialize)]
pub struct ServiceInstanceUpdateInput<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceInput<'a>>,
    /// For pulling the image. Railway never tells them again.
    #[serde(rename = "registryCredentials", skip_serializing_if = "Option::is_none")]
    pub registry_credentials: Option<RegistryCredentialsInput<'a>>,
    /// By Railway's names.
    #[serde(flatten)]
    pub settings: &'a BTreeMap<String, Value>,
}

#[derive(Serialize)]
pub struct SourceInput<'a> {
    pub image: &'a str,
}

/// Has no `Debug` on purpose: the password must not be printed.
#[derive(Serialize)]
pub struct RegistryCredentialsInput<'a> {
    pub username: &'a str,
    pub password: &'a str,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UpdatedAnswer {
    pub service_instance_update: bool,
}

#[derive(Serialize)]
pub struct UpsertVariables<'a> {
    pub input: VariableCollectionUpsertInput<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VariableCollectionUpsertInput<'a> {
    pub project_id: &'a str,
    pub environment_id: &'a str,
    pub service_id: &'a str,
    /// With their values, secrets too.
    pub variables: &'a BTreeMap<&'a str, &'a str>,
    /// Without it Railway deploys at once, whatever the source says then.
    pub skip_deploys: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UpsertedAnswer {
    pub variable_collection_upsert: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeployServiceInstance<'a> {
    pub service_id: &'a str,
    pub environment_id: &'a str,
}

/// Answers with a flag alone: the deployment that it makes has to be looked for.
#[derive(Serialize)]
pub struct RollBackDeployment<'a> {
    pub id: &'a str,
}

#[derive(Debug, Deserialize)]
pub struct RolledBackAnswer {
    #[serde(rename = "deploymentRollback")]
    pub accepted: bool,
}

#[derive(Debug, Deserialize)]
pub struct DeployedAnswer {
    /// The new deployment's id.
    #[serde(rename = "serviceInstanceDeployV2")]
    pub deployment: String,
}

#[cfg(test)]
pub mod tests {
    use super::*;

    pub fn check<O: Operation>(kind: &str) {
        let start = format!("{kind} {}", O::NAME);
        let rest = O::TEXT.strip_prefix(&start).unwrap_or_else(|| panic!("{} is no {start}", O::TEXT));
        assert!(rest.starts_with(['(', ' ']), "{rest}");
    }

    #[test]
    fn names_and_kinds_are_those_of_the_texts() {
        check::<GetProjectToken>("query");
        check::<GetProject<'_>>("query");
        check::<GetServiceInstance<'_>>("query");
        check::<GetDeployment<'_>>("query");
        check::<ListDeployments<'_>>("query");
        check::<ListEvents<'_>>("query");
        check::<GetLogs<'_>>("query");
        check::<GetBuildLogs<'_>>("query");
        check::<GetSnapshot<'_>>("query");
        check::<GetVariables<'_>>("query");
        check::<UpdateServiceInstance<'_>>("mutation");
        check::<UpsertVariables<'_>>("mutation");
        check::<DeployServiceInstance<'_>>("mutation");
        check::<RollBackDeployment<'_>>("mutation");
    }

    #[test]
    fn what_is_not_updated_is_left_out() {
        let settings = BTreeMap::from([("overlapSeconds".to_owned(), Value::from(5))]);
        let input =
            |source| ServiceInstanceUpdateInput { source, registry_credentials: None, settings: &settings };
        let json = |input| serde_json::to_string(&input).unwrap();
        assert_eq!(json(input(None)), r#"{"overlapSeconds":5}"#);
        let image = Some(SourceInput { image: "a@sha256:b" });
        assert_eq!(json(input(image)), r#"{"source":{"image":"a@sha256:b"},"overlapSeconds":5}"#);
    }
}
