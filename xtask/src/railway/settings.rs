//! The settings of `railway.toml` beside those of the service: what differs, and how it is set.
//!
//! What the file does not mention is nobody's business here: it stays as it is. Nothing of this deploys.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::changing::{ServiceInstanceUpdateInput, UpdateServiceInstance};
use super::client::CallErrorKind;
use super::service_queries::ServiceInstance;
use super::state::Remote;
use crate::config::service::{FILE, Service};
use crate::exit::{Exit, Failure};
use crate::plan::deploy::{Target, UpdateService};
use crate::plan::{Action, Operation, Plan, Stage, Step};
use crate::record::StepRecord;
use crate::record::settings::{Setting, SettingState};
use crate::steps::{Done, step};

/// What the file sets to something else than the service has, by Railway's names.
pub fn differing(service: &Service, instance: &ServiceInstance) -> BTreeMap<String, Value> {
    let current = instance.settings();
    let mut wanted = service.by_name();
    wanted.retain(|name, value| !is_same(name, value, current.get(name)));
    wanted
}

/// Every setting that the file or the service has, in the order of their names.
pub fn compare(service: &Service, instance: &ServiceInstance) -> Vec<Setting> {
    let (wanted, current) = (service.by_name(), instance.settings());
    let mut names: Vec<&String> = wanted.keys().chain(current.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let setting = |name: &String| {
        let (file, railway) = (wanted.get(name), current.get(name));
        let state = match file {
            None => SettingState::OnlyRailway,
            Some(value) if is_same(name, value, railway) => SettingState::Same,
            Some(_) => SettingState::Differs,
        };
        Setting { name: name.clone(), file: file.cloned(), railway: railway.cloned(), state }
    };
    names.into_iter().map(setting).collect()
}

/// Whether the service has this value, be it because nobody has set it and it is Railway's own.
pub(super) fn is_same(name: &str, wanted: &Value, current: Option<&Value>) -> bool {
    match current {
        Some(current) if !is_nothing(current) => current == wanted,
        _ => default_of(name).as_ref() == Some(wanted) || is_nothing(wanted),
    }
}

fn is_nothing(value: &Value) -> bool {
    *value == json!("") || *value == json!([])
}

/// What Railway takes where a setting is not set (source: docs.railway.com, "Config as Code" and "Deployments").
fn default_of(name: &str) -> Option<Value> {
    match name {
        "healthcheckTimeout" => Some(json!(300)),
        "overlapSeconds" | "drainingSeconds" => Some(json!(0)),
        "numReplicas" => Some(json!(1)),
        "sleepApplication" | "ipv6EgressEnabled" => Some(json!(false)),
        _ => None,
    }
}

/// The plan of `settings --apply`; without steps where nothing differs.
pub fn plan(target: &Target, differing: &BTreeMap<String, Value>) -> Plan {
    let update = UpdateService { target: target.clone(), image: None, settings: differing.clone() };
    let update = Step {
        name: "update service".to_owned(),
        stage: Stage::Finish,
        action: Action::Operation(Operation::UpdateService(update)),
    };
    let steps = if differing.is_empty() { Vec::new() } else { vec![update] };
    Plan { command: "deploy settings".to_owned(), steps }
}

/// Sets what differs, in one request that is sent once, and looks whether Railway has it now.
pub fn apply(
    remote: &Remote<'_>,
    service: &Service,
    settings: &BTreeMap<String, Value>,
) -> (Vec<StepRecord>, anyhow::Result<()>) {
    let mut steps = Vec::new();
    let result = step(remote.exec, &mut steps, "update service", || {
        let input = ServiceInstanceUpdateInput { source: None, registry_credentials: None, settings };
        let is_answered = update(remote, input)?;
        let left = differing(service, &remote.instance()?);
        let names: Vec<&str> = left.keys().map(String::as_str).collect();
        match (names.is_empty(), is_answered) {
            (true, _) => {
                let set: Vec<&str> = settings.keys().map(String::as_str).collect();
                let rest = if is_answered { "" } else { "; the answer was lost, and they are set" };
                Ok(Done::ran(format!("{}{rest}", set.join(", ")), ()))
            }
            (false, true) => Err(kept_its_own(&names).into()),
            (false, false) => Err(lost("the settings are as they were").into()),
        }
    });
    (steps, result)
}

/// Sends an update of the service. False where the answer was lost, so that only a look can tell what became of it.
pub(super) fn update(remote: &Remote<'_>, input: ServiceInstanceUpdateInput<'_>) -> anyhow::Result<bool> {
    let (service_id, environment_id) = (&remote.target.service, &remote.target.environment);
    match remote.client.mutate(&UpdateServiceInstance { service_id, environment_id, input }) {
        Ok(answer) if answer.service_instance_update => Ok(true),
        Ok(_) => {
            let message = "Railway did not update the service, and does not say why";
            Err(Failure::new(Exit::CommandFailed, message).into())
        }
        Err(error) if error.kind == CallErrorKind::Unclear => {
            remote.exec.ui().note(format!("{error}; looking what has become of it"));
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

fn kept_its_own(names: &[&str]) -> Failure {
    let message =
        format!("Railway has accepted the settings, but still has its own for {}", names.join(", "));
    Failure::new(Exit::CheckFailed, message).hint(format!(
        "`cargo xtask deploy settings --diff` shows them; the plan may not allow what {FILE} says"
    ))
}

/// A request that Railway did not answer and that has changed nothing.
pub(super) fn lost(found: &str) -> Failure {
    let message = format!("Railway did not answer, and {found}");
    Failure::new(Exit::CommandFailed, message).hint("the same command again tries once more")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(value: Value) -> ServiceInstance {
        let mut all = json!({
            "domains": {"customDomains": [], "serviceDomains": []}, "activeDeployments": [],
        });
        all.as_object_mut().unwrap().extend(value.as_object().unwrap().clone());
        serde_json::from_value(all).unwrap()
    }

    #[test]
    fn what_is_not_set_is_railways_own_value() {
        let service = Service {
            healthcheck_timeout: Some(300),
            overlap_seconds: Some(0),
            draining_seconds: Some(15),
            sleep_application: Some(false),
            start_command: Some(String::new()),
            ..Service::default()
        };
        let names =
            |instance: &ServiceInstance| differing(&service, instance).into_keys().collect::<Vec<_>>();
        assert_eq!(names(&instance(json!({}))), ["drainingSeconds"]);
        let other = instance(json!({"overlapSeconds": 3, "drainingSeconds": 15, "startCommand": "run"}));
        assert_eq!(names(&other), ["overlapSeconds", "startCommand"]);
    }

    #[test]
    fn each_setting_is_of_the_file_or_of_railway() {
        let service = Service {
            healthcheck_path: Some("/health".to_owned()),
            pre_deploy_command: Some(vec!["migrate".to_owned()]),
            draining_seconds: Some(15),
            ..Service::default()
        };
        let instance = instance(json!({
            "healthcheckPath": "/health", "preDeployCommand": "migrate", "restartPolicyType": "ALWAYS",
        }));
        let shown: Vec<String> = compare(&service, &instance)
            .into_iter()
            .map(|setting| format!("{} {:?}", setting.name, setting.state))
            .collect();
        let expected = [
            "drainingSeconds Differs",
            "healthcheckPath Same",
            "preDeployCommand Same",
            "restartPolicyType OnlyRailway",
        ];
        assert_eq!(shown, expected);
    }
}
