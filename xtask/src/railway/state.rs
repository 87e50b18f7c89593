//! What a service is now: its source, settings and variables, and its deployments. Only looks.

use std::collections::BTreeMap;

use serde_json::Value;

use super::client::Client;
use super::deployment::{Deployment, Phase, newest_first};
use super::operations::{
    DeploymentListInput, GetServiceInstance, GetSnapshot, GetVariables, ListDeployments, ServiceInstance,
};
use crate::config::address;
use crate::exec::Executor;
use crate::exit::Failure;
use crate::plan::deploy::Target;

/// The variable that tells the app which revision it is.
pub const REVISION_VARIABLE: &str = "APP_REVISION";
/// How many deployments are looked at. Railway does not say in which order it lists them, so one is not enough; and one
/// that is under way may be older than others that have failed since.
pub const DEPLOYMENTS_LISTED: u32 = 50;

/// Names and values of variables, secret ones too: never printed.
pub type Variables = BTreeMap<String, Value>;

/// One service at Railway, and the means to ask about it.
#[derive(Clone, Copy)]
pub struct Remote<'a> {
    pub exec: &'a Executor,
    pub client: &'a Client<'a>,
    pub target: &'a Target,
}

/// What a service is.
#[derive(Clone, Debug, Default)]
pub struct State {
    pub instance: ServiceInstance,
    /// Newest first.
    pub deployments: Vec<Deployment>,
    /// The value of [`REVISION_VARIABLE`]: what the next deployment gets, not always what the live one has got.
    pub revision: Option<String>,
}

impl Remote<'_> {
    /// Everything. Values of other variables than ours are not kept; secret ones are never shown from now on.
    pub fn state(&self) -> anyhow::Result<State> {
        let deployments = self.deployments()?;
        let instance = self.instance()?;
        let revision = revision_in(&self.variables()?);
        Ok(State { instance, deployments, revision })
    }

    /// The variables that the next deployment gets. Secret ones are never shown from now on.
    pub fn variables(&self) -> anyhow::Result<Variables> {
        let query = GetVariables {
            project_id: &self.target.project,
            environment_id: &self.target.environment,
            service_id: &self.target.service,
        };
        Ok(self.learnt(self.client.query(&query)?.variables))
    }

    /// The variables that a deployment was started with; `None` where Railway has not kept them. Secret ones are never
    /// shown from now on.
    pub fn snapshot(&self, deployment: &str) -> anyhow::Result<Option<Variables>> {
        let answer = self.client.query(&GetSnapshot { deployment_id: deployment })?;
        Ok(answer.deployment_snapshot.map(|snapshot| self.learnt(snapshot.variables)))
    }

    fn learnt(&self, variables: Variables) -> Variables {
        let texts = variables.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)));
        self.exec.learn_variables(texts);
        variables
    }

    /// The newest deployments, newest first.
    pub fn deployments(&self) -> anyhow::Result<Vec<Deployment>> {
        self.newest_deployments(DEPLOYMENTS_LISTED)
    }

    /// So many of the newest deployments, newest first.
    pub fn newest_deployments(&self, count: u32) -> anyhow::Result<Vec<Deployment>> {
        let input = DeploymentListInput {
            project_id: &self.target.project,
            environment_id: &self.target.environment,
            service_id: &self.target.service,
        };
        let answer = self.client.query(&ListDeployments { input, first: count })?;
        Ok(newest_first(answer.deployments.into_nodes()))
    }

    /// The service itself.
    pub fn instance(&self) -> anyhow::Result<ServiceInstance> {
        let query =
            GetServiceInstance { service_id: &self.target.service, environment_id: &self.target.environment };
        Ok(self.client.query(&query)?.service_instance)
    }
}

/// Railway writes one command as a text, and several as a list.
fn as_list(commands: Value) -> Value {
    if commands.is_string() { Value::Array(vec![commands]) } else { commands }
}

/// The revision that these variables tell the app.
pub fn revision_in(variables: &Variables) -> Option<String> {
    variables.get(REVISION_VARIABLE).and_then(Value::as_str).map(str::to_owned)
}

impl ServiceInstance {
    /// The image that the next deployment gets.
    pub fn source_image(&self) -> Option<&str> {
        self.source.as_ref()?.image.as_deref()
    }

    /// The deployment that serves: the newest one that is active and well.
    pub fn live(&self) -> Option<&Deployment> {
        let live = self.active_deployments.iter().filter(|one| one.status.phase() == Phase::Live);
        live.max_by_key(|deployment| deployment.created())
    }

    /// The settings that can be compared with those of `railway.toml`, by Railway's names.
    pub fn settings(&self) -> BTreeMap<String, Value> {
        let all = [
            ("healthcheckPath", self.healthcheck_path.clone().map(Value::from)),
            ("healthcheckTimeout", self.healthcheck_timeout.map(Value::from)),
            ("restartPolicyType", self.restart_policy_type.clone().map(Value::from)),
            ("restartPolicyMaxRetries", self.restart_policy_max_retries.map(Value::from)),
            ("overlapSeconds", self.overlap_seconds.map(Value::from)),
            ("drainingSeconds", self.draining_seconds.map(Value::from)),
            ("startCommand", self.start_command.clone().map(Value::from)),
            ("preDeployCommand", self.pre_deploy_command.clone().map(as_list)),
            ("numReplicas", self.num_replicas.map(Value::from)),
            ("cronSchedule", self.cron_schedule.clone().map(Value::from)),
            ("sleepApplication", self.sleep_application.map(Value::from)),
            ("ipv6EgressEnabled", self.ipv6_egress_enabled.map(Value::from)),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }

    /// The service's address for its users: as given on the command line or in the metadata, else the first domain of
    /// its owner's, else the first of Railway's.
    pub fn url(&self, flag: Option<&str>, metadata: Option<&str>) -> anyhow::Result<String> {
        if let Some(text) = flag {
            return address::base(text, "--url");
        }
        if let Some(text) = metadata {
            return address::base(text, "`url` in [workspace.metadata.xtask.railway]");
        }
        let domains = self.domains.custom_domains.iter().chain(&self.domains.service_domains);
        match domains.map(|domain| domain.domain.trim()).find(|domain| !domain.is_empty()) {
            Some(domain) => address::base(&address::of_domain(domain), "the domain that Railway lists,"),
            None => Err(Failure::usage("the service has no domain, so nobody could see whether it is served")
                .hint(
                    "`cargo xtask deploy init` makes one, and so does railway.com (Settings → Networking → Generate \
                     Domain); --url names another address",
                )
                .into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::exit::Exit;

    fn instance(value: Value) -> ServiceInstance {
        let mut all = json!({
            "domains": {"customDomains": [], "serviceDomains": []}, "activeDeployments": [],
        });
        all.as_object_mut().unwrap().extend(value.as_object().unwrap().clone());
        serde_json::from_value(all).unwrap()
    }

    #[test]
    fn the_address_is_the_first_that_is_known() {
        let domains = |custom: &[&str], service: &[&str]| {
            let list = |names: &[&str]| names.iter().map(|name| json!({"domain": name})).collect::<Vec<_>>();
            instance(json!({"domains": {"customDomains": list(custom), "serviceDomains": list(service)}}))
        };
        let both = domains(&["app.example"], &["app.up.railway.app"]);
        assert_eq!(both.url(None, None).unwrap(), "https://app.example");
        assert_eq!(both.url(None, Some("https://meta.example/")).unwrap(), "https://meta.example");
        assert_eq!(both.url(Some("https://flag.example"), Some("x")).unwrap(), "https://flag.example");
        assert_eq!(Exit::of(&both.url(Some("http://flag.example"), None).unwrap_err()), Exit::Usage);
        assert_eq!(domains(&[], &["127.0.0.1:81"]).url(None, None).unwrap(), "http://127.0.0.1:81");
        assert_eq!(Exit::of(&domains(&[], &[]).url(None, None).unwrap_err()), Exit::Usage);
    }

    #[test]
    fn the_live_deployment_is_the_newest_that_is_well() {
        let active = |id: &str, status: &str, second: u32| json!({"id": id, "status": status, "createdAt": format!("2026-11-20T10:00:{second:02}Z"), "meta": {}});
        let all = instance(json!({"activeDeployments": [
            active("crashed", "CRASHED", 9), active("old", "SUCCESS", 1), active("new", "SLEEPING", 5),
        ]}));
        assert_eq!(all.live().map(|one| one.id.as_str()), Some("new"));
        assert!(instance(json!({})).live().is_none());
    }

    #[test]
    fn settings_have_the_names_of_railway_toml() {
        let settings = instance(json!({"healthcheckPath": "/health", "overlapSeconds": null,
                                       "restartPolicyType": "ON_FAILURE", "restartPolicyMaxRetries": 10}))
        .settings();
        let names: Vec<&str> = settings.keys().map(String::as_str).collect();
        assert_eq!(names, ["healthcheckPath", "restartPolicyMaxRetries", "restartPolicyType"]);
    }
}
