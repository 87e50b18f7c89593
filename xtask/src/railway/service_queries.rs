//! The operations that tell what a service is: whose the token is, what the project has, the service's settings and its
//! variables. They are as in `operations.rs`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::deployment::Deployment;
use super::operations::{Connection, Named, Operation, Query, operation};

operation!(Query GetProjectToken, "ProjectToken", "project_token", ProjectTokenAnswer);
operation!(Query GetProject<'_>, "Project", "project", ProjectAnswer);
operation!(Query GetServiceInstance<'_>, "ServiceInstance", "service_instance", ServiceInstanceAnswer);
operation!(Query GetVariables<'_>, "Variables", "variables", VariablesAnswer);

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

#[cfg(test)]
mod tests {
    use super::super::operations::tests::check;
    use super::*;

    #[test]
    fn names_and_kinds_are_those_of_the_texts() {
        check::<GetProjectToken>("query");
        check::<GetProject<'_>>("query");
        check::<GetServiceInstance<'_>>("query");
        check::<GetVariables<'_>>("query");
    }
}
