//! One look at what is deployed, as a record. Only looks.

use super::deployment::{Deployment, Phase, newest_first};
use super::memory::Memory;
use super::remarks::remarks;
use super::serving::Health;
use super::state::{Remote, State};
use super::variables::Changes;
use crate::exit::Exit;
use crate::plan::deploy::Target;
use crate::record::deploy::{
    DeployStatus, DeploymentStatus, HealthStatus, ReceiptStatus, STATUS_SCHEMA, ServiceName,
    VariableDifferences, Version,
};

/// The revision that the live deployment should have: what is remembered of it here, or else the variable's.
pub fn live_revision(state: &State, memory: &Memory) -> Option<String> {
    let live = state.instance.live()?;
    memory.served_revision(&live.id).or_else(|| state.revision.clone())
}

impl Remote<'_> {
    /// How the variables of now differ from those that what serves was started with; `None` where Railway does not
    /// tell.
    pub fn variable_differences(&self, state: &State) -> anyhow::Result<Option<VariableDifferences>> {
        let Some(live) = state.instance.live() else { return Ok(None) };
        let told = self.snapshot(&live.id).and_then(|then| Ok((then, self.variables()?)));
        match told {
            Ok((Some(then), now)) => {
                let Changes { changed, added, removed } = Changes::between(&then, &now);
                Ok(Some(VariableDifferences { changed, added, removed }))
            }
            Err(error) if matches!(Exit::of(&error), Exit::Interrupted(_)) => Err(error),
            Ok((None, _)) | Err(_) => Ok(None),
        }
    }
}

/// The record. `health` is what the service's address answered, if it has one, and which revision was looked for.
pub fn status(
    target: &Target,
    state: &State,
    health: Option<(String, Health, Option<String>)>,
    memory: &Memory,
    variables: Option<VariableDifferences>,
) -> DeployStatus {
    let live = state.instance.live();
    let is_healthy = health.as_ref().is_some_and(|(_, health, _)| health.is_healthy());
    let is_pending = |one: &&Deployment| one.status.phase() == Phase::Pending;
    let remarks = remarks(state, memory, health.as_ref().map(|(_, health, _)| health));
    DeployStatus {
        schema: STATUS_SCHEMA,
        service: name_of(target),
        healthy: live.is_some() && is_healthy,
        active: newest_first(state.instance.active_deployments.clone()).iter().map(shown).collect(),
        latest: state.deployments.first().map(shown),
        pending: state.deployments.iter().filter(is_pending).map(shown).collect(),
        source_image: state.instance.source_image().map(str::to_owned),
        revision: state.revision.clone(),
        health: health.map(|(address, health, revision)| HealthStatus {
            address,
            status: health.status,
            revision,
            names_revision: health.names_revision,
            problem: health.problem,
        }),
        receipt: memory.receipt.as_ref().map(|receipt| ReceiptStatus {
            is_live: live.is_some_and(|live| live.id == receipt.deployed.deployment),
            deployed: receipt.deployed.clone(),
            time: receipt.time.clone(),
        }),
        variables,
        remarks,
    }
}

/// What serves before a deployment. Its revision is what is remembered of it here; else the variable's, as long as no
/// newer deployment and no newer run of ours can have set it. `None` too where the deployment that is about to be
/// waited for has become live between two of our questions.
pub fn serving_before(state: &State, memory: &Memory, new_revision: Option<&str>) -> Option<Version> {
    let is_pending = |id: &str| {
        state.deployments.iter().any(|known| known.id == id && known.status.phase() == Phase::Pending)
    };
    let live = state.instance.live().filter(|live| !is_pending(&live.id))?;
    let is_newest = state.deployments.first().is_some_and(|newest| newest.id == live.id);
    let of_variable =
        || state.revision.clone().filter(|revision| is_newest && Some(revision.as_str()) != new_revision);
    let revision = memory.served_revision(&live.id).or_else(of_variable);
    Some(Version { deployment: live.id.clone(), image: live.image().map(str::to_owned), revision })
}

/// The names of a target.
pub fn name_of(target: &Target) -> ServiceName {
    ServiceName {
        project: target.project_name.clone(),
        environment: target.environment_name.clone(),
        service: target.service_name.clone(),
    }
}

fn shown(deployment: &Deployment) -> DeploymentStatus {
    DeploymentStatus {
        id: deployment.id.clone(),
        status: deployment.status.to_string(),
        since: deployment.created_at.clone(),
        image: deployment.image().map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::railway::receipt::DeployReceipt;

    #[test]
    fn the_previous_revision_is_only_told_when_it_is_known() {
        let target = Target {
            project: "p".to_owned(),
            environment: "e".to_owned(),
            service: "s".to_owned(),
            project_name: "shop".to_owned(),
            environment_name: "production".to_owned(),
            service_name: "web".to_owned(),
        };
        let deployment = |id: &str, status: &str| -> Deployment {
            let value = json!({"id": id, "status": status, "createdAt": "2026-11-20T10:00:00Z"});
            serde_json::from_value(value).unwrap()
        };
        let live = deployment("d-1", "SUCCESS");
        let mut state = State { deployments: vec![live.clone()], ..State::default() };
        state.revision = Some("variable".to_owned());
        let revision = |state: &State, memory: Option<&Memory>, new: &str| {
            let before = serving_before(state, memory.unwrap_or(&Memory::default()), Some(new));
            before.map(|version| version.revision)
        };
        assert_eq!(revision(&state, None, "new"), None);
        state.instance.active_deployments = vec![live.clone()];
        assert_eq!(revision(&state, None, "new"), Some(Some("variable".to_owned())));
        // Set by a run that was interrupted, or by a deployment that failed.
        assert_eq!(revision(&state, None, "variable"), Some(None));
        state.deployments.insert(0, deployment("d-2", "FAILED"));
        assert_eq!(revision(&state, None, "new"), Some(None));
        let of = |deployment: &str| Version {
            deployment: deployment.to_owned(),
            image: None,
            revision: Some("receipt".to_owned()),
        };
        let ours = Memory::of(DeployReceipt::new(&target, of("d-1"), None, "https://x", "2026-11-20"));
        assert_eq!(revision(&state, Some(&ours), "new"), Some(Some("receipt".to_owned())));
        state.deployments[1] = deployment("d-1", "DEPLOYING");
        assert_eq!(revision(&state, Some(&ours), "new"), None);
        state.deployments[1] = live;
        let other = Memory::of(DeployReceipt::new(&target, of("d-0"), None, "https://x", "2026-11-20"));
        assert_eq!(revision(&state, Some(&other), "new"), Some(None));
    }
}
