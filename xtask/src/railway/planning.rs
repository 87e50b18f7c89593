//! The plan of one deployment: pure, from what is wanted and what is.
//!
//! The revision is set before the image, so that no image is ever the service's source with the revision of another one
//! for long; neither of the two deploys anything.

use std::collections::BTreeMap;

use serde_json::Value;

use super::deployment::{Deployment, Phase};
use super::pinned::PinnedImage;
use super::serving::Health;
use super::state::{REVISION_VARIABLE, State};
use crate::config::service::Service;
use crate::exit::{Exit, Failure};
use crate::plan::deploy::{
    SeenDeployment, SetVariables, StartDeployment, Target, UpdateService, VerifyServed, WaitUntilServed,
};
use crate::plan::{Action, Operation, Plan, Stage, Step};

/// How long the service's own address may take to show a deployment that Railway calls served, in seconds. Proxies
/// switch over within a few. Never longer than the deployment itself may take.
const VERIFY_SECONDS: u64 = 60;

/// What is wanted, and what is.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    pub target: &'a Target,
    pub image: &'a PinnedImage,
    pub revision: &'a str,
    pub service: &'a Service,
    pub state: &'a State,
    pub url: &'a str,
    pub health_path: &'a str,
    /// Whether the health answer names the revision.
    pub verify_revision: bool,
    /// How long a deployment may take, in seconds.
    pub wait_seconds: u64,
    /// What the service's address answers now; it only counts where nothing else differs.
    pub health: Option<&'a Health>,
}

impl Input<'_> {
    /// Whether Railway is as it should be: only a look at the served revision can tell more.
    pub fn looks_current(&self) -> bool {
        self.is_configured() && self.state.instance.live().is_some_and(|live| live.runs(self.image))
    }

    /// Whether the next deployment would be the one that is wanted.
    fn is_configured(&self) -> bool {
        self.image_differs().is_none() && self.differing_settings().is_empty() && !self.revision_differs()
    }

    fn image_differs(&self) -> Option<String> {
        let source = self.state.instance.source.as_ref().and_then(|source| source.image.as_deref());
        (source != Some(self.image.reference())).then(|| self.image.reference().to_owned())
    }

    fn revision_differs(&self) -> bool {
        self.state.revision.as_deref() != Some(self.revision)
    }

    /// What `railway.toml` sets to something else than Railway has. What it does not mention stays as it is.
    fn differing_settings(&self) -> BTreeMap<String, Value> {
        let current = self.state.instance.settings();
        let mut wanted = self.service.by_name();
        wanted.retain(|name, value| current.get(name) != Some(value));
        wanted
    }
}

/// The steps. A plan that only verifies says that everything is as it should be. A deployment of something else that is
/// under way is an error: one of the two would undo the other.
pub fn plan(input: &Input<'_>) -> anyhow::Result<Plan> {
    let target = || input.target.clone();
    let mut steps = Vec::new();
    let mut add = |name: &str, operation: Operation| {
        let action = Action::Operation(operation);
        steps.push(Step { name: name.to_owned(), stage: Stage::Finish, action });
    };
    let newest = input.state.deployments.first();
    let pending = newest.filter(|newest| newest.status.phase() == Phase::Pending);
    let verify = VerifyServed {
        url: input.url.to_owned(),
        health_path: input.health_path.to_owned(),
        revision: input.verify_revision.then(|| input.revision.to_owned()),
        limit_seconds: VERIFY_SECONDS.min(input.wait_seconds),
    };
    let wait = |deployment: Option<String>| {
        Operation::WaitUntilServed(WaitUntilServed {
            target: target(),
            deployment,
            image: input.image.reference().to_owned(),
            limit_seconds: input.wait_seconds,
        })
    };
    match pending {
        // What an interrupted run has left behind, or another machine has just begun.
        Some(pending) if pending.runs(input.image) && input.is_configured() => {
            add("wait until served", wait(Some(pending.id.clone())));
        }
        Some(pending) => return Err(under_way(pending).into()),
        None if input.looks_current() && input.health.is_some_and(|health| health.shows(&verify)) => {}
        None => {
            if input.revision_differs() {
                let variables = BTreeMap::from([(REVISION_VARIABLE.to_owned(), input.revision.to_owned())]);
                add("set revision", Operation::SetVariables(SetVariables { target: target(), variables }));
            }
            let (image, settings) = (input.image_differs(), input.differing_settings());
            if image.is_some() || !settings.is_empty() {
                let update = UpdateService { target: target(), image, settings };
                add("update service", Operation::UpdateService(update));
            }
            let newest_before = newest.map(|newest| SeenDeployment {
                id: newest.id.clone(),
                created_at: newest.created_at.clone(),
            });
            let image = input.image.reference().to_owned();
            let start = StartDeployment { target: target(), image, newest_before };
            add("deploy", Operation::StartDeployment(start));
            add("wait until served", wait(None));
        }
    }
    add("verify", Operation::VerifyServed(verify));
    Ok(Plan { command: "deploy".to_owned(), steps })
}

/// Whether a plan finds everything as it should be.
pub fn is_current(plan: &Plan) -> bool {
    plan.steps.iter().all(|step| matches!(&step.action, Action::Operation(Operation::VerifyServed(_))))
}

/// What people should know of a plan beside its steps.
pub fn notes(input: &Input<'_>, plan: &Plan) -> Vec<String> {
    let mut notes = Vec::new();
    let newest = input.state.deployments.first();
    if is_current(plan) {
        let live = input.state.instance.live().map_or("", |live| &live.id);
        notes.push(format!("already current: deployment {live} serves {}", input.image));
    } else if let Some(pending) = newest.filter(|newest| newest.status.phase() == Phase::Pending) {
        notes.push(format!("deployment {} with this image is under way already; waiting for it", pending.id));
    }
    if let Some(repo) = input.state.instance.source.as_ref().and_then(|source| source.repo.as_ref()) {
        notes.push(format!("the service's source is the repository {repo}; this makes it the image"));
    }
    let health_path =
        input.service.healthcheck_path.as_ref().or(input.state.instance.healthcheck_path.as_ref());
    if health_path.is_none_or(|path| path.is_empty()) {
        notes.push(
            "Railway has no health check for this service: it switches over as soon as the container has started; \
             `healthcheckPath` in railway.toml makes it wait"
                .to_owned(),
        );
    }
    notes
}

fn under_way(pending: &Deployment) -> Failure {
    let message = format!(
        "another deployment is under way: {} with {} is {}",
        pending.id,
        pending.image_or_unknown(),
        pending.status
    );
    Failure::new(Exit::CheckFailed, message)
        .hint("`cargo xtask deploy status` shows how it ends; it can be aborted on railway.com")
}

#[cfg(test)]
#[path = "planning_tests.rs"]
mod tests;
