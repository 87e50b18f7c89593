//! The plan of one deployment or rollback: pure, from what is wanted and what is.
//!
//! The revision is set before the image, so that no image is ever the service's source with the revision of another one
//! for long; neither of the two deploys anything.

use std::collections::BTreeMap;

use serde_json::Value;

use super::deployment::{Deployment, newest_pending};
use super::pinned::PinnedImage;
use super::serving::Health;
use super::settings;
use super::state::{REVISION_VARIABLE, State};
use crate::config::service::Service;
use crate::exit::{Exit, Failure};
use crate::plan::deploy::{
    RollBack, SeenDeployment, SetVariables, StartDeployment, Target, UpdateService, VariableChange,
    VerifyServed, WaitUntilServed,
};
use crate::plan::{Action, Operation, Plan, Stage, Step};

/// How long the service's own address may take to show a deployment that Railway calls served, in seconds. Proxies
/// switch over within a few. Never longer than the deployment itself may take.
const VERIFY_SECONDS: u64 = 60;

/// What begins the deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start<'a> {
    Deploy,
    /// Railway's rollback to the deployment of this id.
    RollBack(&'a str),
    /// The image serves already: nothing.
    Nothing,
}

/// What is wanted, and what is.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    pub target: &'a Target,
    pub image: &'a PinnedImage,
    /// `None` where it is not known: then it is neither set nor looked for.
    pub revision: Option<&'a str>,
    pub start: Start<'a>,
    /// The settings that the service has to have; those that are left out stay as they are.
    pub service: &'a Service,
    pub state: &'a State,
    pub url: &'a str,
    pub health_path: &'a str,
    /// Whether the health answer names the revision.
    pub verify_revision: bool,
    /// How long a deployment may take, in seconds.
    pub wait_seconds: u64,
    /// The variables of a file that the service has not got so far.
    pub new_variables: &'a [VariableChange],
    /// Whether what is live runs with older values of that file's variables.
    pub has_old_variables: bool,
    /// Whether nobody waits for the deployment.
    pub detach: bool,
    /// What the service's address answers now; it only counts where nothing else differs.
    pub health: Option<&'a Health>,
}

impl Input<'_> {
    /// Whether Railway is as it should be: only a look at the served revision can tell more.
    pub fn looks_current(&self) -> bool {
        self.is_configured()
            && !self.has_old_variables
            && self.state.instance.live().is_some_and(|live| live.runs(self.image))
    }

    /// The deployment of the same that is under way, if there is one: nothing has to be begun.
    pub fn pending(&self) -> Option<&Deployment> {
        let pending = newest_pending(&self.state.deployments)?;
        (pending.runs(self.image) && self.is_configured()).then_some(pending)
    }

    /// Whether the next deployment would be the one that is wanted.
    fn is_configured(&self) -> bool {
        self.image_differs().is_none()
            && self.differing_settings().is_empty()
            && self.new_revision().is_none()
            && self.new_variables.is_empty()
    }

    fn image_differs(&self) -> Option<String> {
        let source = self.state.instance.source_image();
        (source != Some(self.image.reference())).then(|| self.image.reference().to_owned())
    }

    fn new_revision(&self) -> Option<&str> {
        self.revision.filter(|revision| self.state.revision.as_deref() != Some(*revision))
    }

    /// What `railway.toml` sets to something else than Railway has. What it does not mention stays as it is.
    fn differing_settings(&self) -> BTreeMap<String, Value> {
        settings::differing(self.service, &self.state.instance)
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
    let verify = VerifyServed {
        url: input.url.to_owned(),
        health_path: input.health_path.to_owned(),
        revision: input.revision.filter(|_| input.verify_revision).map(str::to_owned),
        limit_seconds: VERIFY_SECONDS.min(input.wait_seconds),
    };
    let wait = |deployment: Option<String>| {
        Operation::WaitUntilServed(WaitUntilServed {
            target: target(),
            expected_seconds: expected_seconds(input).filter(|_| deployment.is_none()),
            deployment,
            image: input.image.reference().to_owned(),
            limit_seconds: input.wait_seconds,
        })
    };
    let mut is_waited_for = !input.detach;
    match (input.pending(), newest_pending(&input.state.deployments)) {
        // What an interrupted run has left behind, or another machine has just begun.
        (Some(pending), _) => {
            if is_waited_for {
                add("wait until served", wait(Some(pending.id.clone())));
            }
        }
        (None, Some(pending)) => return Err(under_way(pending).into()),
        (None, None) if input.looks_current() && input.health.is_some_and(|health| health.shows(&verify)) => {
            is_waited_for = true;
        }
        (None, None) => {
            if let Some((name, variables)) = variables(input) {
                add(name, Operation::SetVariables(variables));
            }
            let (image, settings) = (input.image_differs(), input.differing_settings());
            if image.is_some() || !settings.is_empty() {
                let update = UpdateService { target: target(), image, settings };
                add("update service", Operation::UpdateService(update));
            }
            if let Some((name, start)) = start(input) {
                add(name, start);
                if is_waited_for {
                    add("wait until served", wait(None));
                }
            }
        }
    }
    if is_waited_for {
        add("verify", Operation::VerifyServed(verify));
    }
    let command = if input.start == Start::Deploy { "deploy" } else { "deploy rollback" };
    Ok(Plan { command: command.to_owned(), steps })
}

/// How long a deployment is likely to take: as long as the one that serves, in seconds. A rollback has no image to
/// fetch.
fn expected_seconds(input: &Input<'_>) -> Option<u64> {
    let took = input.state.instance.live().and_then(Deployment::took)?;
    (input.start == Start::Deploy).then(|| took.as_secs_f64().round() as u64)
}

/// The one request that sets variables, with the name of its step.
fn variables(input: &Input<'_>) -> Option<(&'static str, SetVariables)> {
    let revision = input.new_revision().map(|revision| (REVISION_VARIABLE.to_owned(), revision.to_owned()));
    let from_file = input.new_variables.to_vec();
    let name = match (&revision, from_file.is_empty()) {
        (None, true) => return None,
        (Some(_), true) => "set revision",
        _ => "set variables",
    };
    let variables = revision.into_iter().collect::<BTreeMap<_, _>>();
    Some((name, SetVariables { target: input.target.clone(), variables, from_file }))
}

/// What makes the deployment, with the name of its step.
fn start(input: &Input<'_>) -> Option<(&'static str, Operation)> {
    let target = input.target.clone();
    let image = input.image.reference().to_owned();
    let newest_before = input
        .state
        .deployments
        .first()
        .map(|newest| SeenDeployment { id: newest.id.clone(), created_at: newest.created_at.clone() });
    match input.start {
        Start::Deploy => {
            let start = StartDeployment { target, image, newest_before };
            Some(("deploy", Operation::StartDeployment(start)))
        }
        Start::RollBack(deployment) => {
            // An ordinary deployment without the revision would tell the app a wrong one.
            let (deployment, or_deploy) = (deployment.to_owned(), input.revision.is_some());
            let roll_back = RollBack { target, deployment, image, or_deploy, newest_before };
            Some(("roll back", Operation::RollBack(roll_back)))
        }
        Start::Nothing => None,
    }
}

/// Whether a plan finds everything as it should be.
pub fn is_current(plan: &Plan) -> bool {
    let is_verified = |step: &Step| matches!(&step.action, Action::Operation(Operation::VerifyServed(_)));
    !plan.steps.is_empty() && plan.steps.iter().all(is_verified)
}

/// Whether a plan has Railway begin a deployment.
pub fn begins(plan: &Plan) -> bool {
    plan.steps.iter().any(|step| {
        matches!(&step.action, Action::Operation(Operation::StartDeployment(_) | Operation::RollBack(_)))
    })
}

/// Whether a plan waits for a deployment, or finds that there is none to wait for.
pub fn is_waited_for(plan: &Plan) -> bool {
    plan.steps.iter().any(|step| matches!(&step.action, Action::Operation(Operation::VerifyServed(_))))
}

/// Whether a plan leaves the deployment that serves.
pub fn keeps_live(plan: &Plan) -> bool {
    let waits = |step: &Step| matches!(&step.action, Action::Operation(Operation::WaitUntilServed(_)));
    is_waited_for(plan) && !begins(plan) && !plan.steps.iter().any(waits)
}

/// What people should know of a plan beside its steps.
pub fn notes(input: &Input<'_>, plan: &Plan) -> Vec<String> {
    let mut notes = Vec::new();
    if is_current(plan) {
        let live = input.state.instance.live().map_or("", |live| &live.id);
        notes.push(format!("already current: deployment {live} serves {}", input.image));
    } else if let Some(pending) = newest_pending(&input.state.deployments) {
        let rest = if input.detach { "" } else { "; waiting for it" };
        notes.push(format!("deployment {} with this image is under way already{rest}", pending.id));
    } else if input.has_old_variables && input.new_variables.is_empty() {
        notes.push("what is live runs with older variables than the service has; deploying again".to_owned());
    }
    if !input.new_variables.is_empty() {
        notes.push(format!("variables: {}", in_words(input.new_variables)));
    }
    if input.start == Start::Nothing {
        let live = input.state.instance.live().map_or("", |live| &live.id);
        notes.push(format!("deployment {live} still serves: only the service's settings are set back"));
        return notes;
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

/// `A new, B changed`: names alone.
fn in_words(changes: &[VariableChange]) -> String {
    let word = |one: &VariableChange| format!("{} {}", one.name, if one.is_new { "new" } else { "changed" });
    changes.iter().map(word).collect::<Vec<_>>().join(", ")
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
