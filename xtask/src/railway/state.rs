//! What a service is now: its source, settings and variables, and its deployments. Only looks.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::client::Client;
use super::deployment::{Deployment, Phase, newest_first};
use super::deployment_queries::{DeploymentListInput, GetSnapshot, ListDeployments};
use super::service_queries::{GetServiceInstance, GetVariables, ServiceInstance};
use crate::config::address;
use crate::exec::Executor;
use crate::exit::Failure;
use crate::plan::deploy::Target;

/// The variable that tells the app which revision it is.
pub const REVISION_VARIABLE: &str = "APP_REVISION";
/// What Railway itself gives to each deployment begins with this.
pub const OF_RAILWAY: &str = "RAILWAY_";
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
    /// The names of the variables that the next deployment gets with a value that is not empty.
    pub filled: BTreeSet<String>,
}

impl Remote<'_> {
    /// Everything. Values of other variables than ours are not kept; secret ones are never shown from now on.
    pub fn state(&self) -> anyhow::Result<State> {
        let deployments = self.deployments()?;
        let instance = self.instance()?;
        let variables = self.variables()?;
        let revision = revision_in(&variables);
        let is_filled = |value: &Value| value.as_str() != Some("") && !value.is_null();
        let filled = variables.into_iter().filter(|(_, value)| is_filled(value)).map(|(name, _)| name);
        Ok(State { instance, deployments, revision, filled: filled.collect() })
    }

    /// The variables that the next deployment gets. Secret ones are never shown from now on.
    pub fn variables(&self) -> anyhow::Result<Variables> {
        self.asked_variables(false)
    }

    /// The same as they are written, with references to other variables. Secret ones are never shown from now on.
    pub fn written_variables(&self) -> anyhow::Result<Variables> {
        self.asked_variables(true)
    }

    fn asked_variables(&self, unrendered: bool) -> anyhow::Result<Variables> {
        let query = GetVariables {
            project_id: &self.target.project,
            environment_id: &self.target.environment,
            service_id: &self.target.service,
            unrendered,
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
        // The names above decide about most; this is for secrets under a name that does not tell.
        let revision = revision_in(&variables);
        for (name, value) in &variables {
            let value = value.as_str().unwrap_or_default();
            let is_public = name.starts_with(OF_RAILWAY) || revision.as_deref() == Some(value);
            if !is_public && looks_secret(value) {
                self.exec.learn_secret(value);
            }
        }
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

/// Whether a value looks like a key or a token: long, letters and digits mixed, and nothing that people would have to
/// read in a log, as addresses and paths are.
fn looks_secret(value: &str) -> bool {
    const LENGTH_MIN: usize = 16;
    let has = |is: fn(&char) -> bool| value.chars().any(|c| is(&c));
    let is_host = value.contains('.')
        && value.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-:".contains(c));
    value.len() >= LENGTH_MIN
        && has(char::is_ascii_alphabetic)
        && has(char::is_ascii_digit)
        && !value.contains(|c: char| c.is_whitespace() || c == '/')
        && !is_host
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
    fn keys_look_different_from_addresses() {
        for secret in
            ["sk-live-4f1d9a7c3b2e", "canary-4f1d-of-a-test", "0123456789abcdef", "eyJhbGciOi.J9x.abc4"]
        {
            assert!(looks_secret(secret), "{secret}");
        }
        for plain in [
            "production",
            "postgres://db.internal:5432/app",
            "db1.internal.example:5432",
            "two words of 1 sentence",
            "/app/data/analytics-2.db",
            "1234567890123456",
            "a1b2",
        ] {
            assert!(!looks_secret(plain), "{plain}");
        }
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
