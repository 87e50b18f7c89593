//! What is said of a deployment that did not succeed: the step that failed, the last lines of its log, and what serves
//! now. Everything here is told as far as Railway tells it; a question without an answer is left out.

use super::deployment::{Deployment, DeploymentStatus, Phase, newer_than};
use super::deployment_queries::{Event, GetLogs, ListEvents};
use super::state::Remote;
use crate::exit::{Exit, Failure};
use crate::record::deploy::Version;

/// The most lines of the log that a message repeats.
const LINES_MAX: usize = 20;
/// How many lines are asked for; Railway does not say which end it counts from.
const LINES_ASKED: u32 = 100;

impl Remote<'_> {
    /// The failure of a deployment that is over, or that runs something else than it should; `problem` completes
    /// "deployment X …".
    pub fn failed(&self, deployment: &Deployment, problem: &str, previous: Option<&Version>) -> Failure {
        let is_pushed_out = matches!(
            deployment.status,
            DeploymentStatus::Removed | DeploymentStatus::Removing | DeploymentStatus::Skipped
        );
        if let Some(failure) = self.overtaken(deployment, previous).filter(|_| is_pushed_out) {
            return failure;
        }
        let step = self.failing_step(deployment).map(|step| format!(" at step {step}")).unwrap_or_default();
        let mut message = format!("deployment {} {problem}{step}", deployment.id);
        message.push_str(&self.last_lines(&deployment.id));
        message.push_str(&self.serving(previous));
        let failure = Failure::new(Exit::CheckFailed, message);
        match (&deployment.status, way_back(previous)) {
            (DeploymentStatus::NeedsApproval, _) => failure.hint("somebody has to approve it on railway.com"),
            (_, Some(hint)) => failure.hint(hint),
            (_, None) => failure,
        }
    }

    /// The failure where somebody else has deployed since. Nothing is rolled back over that.
    pub fn overtaken(&self, deployment: &Deployment, previous: Option<&Version>) -> Option<Failure> {
        let list = self.deployments().ok()?;
        let newer = newer_than(&list, Some((&deployment.id, &deployment.created_at)));
        // One that failed or was skipped has taken nothing over, and what served before is what we take over from.
        let was_there = |newer: &Deployment| previous.is_some_and(|previous| previous.deployment == newer.id);
        let newer =
            newer.into_iter().find(|newer| newer.status.phase() != Phase::Over && !was_there(newer))?;
        let message = format!(
            "deployment {} is {}, and there is a newer one that is not ours: {} with {} is {}",
            deployment.id,
            deployment.status,
            newer.id,
            newer.image_or_unknown(),
            newer.status
        );
        Some(Failure::new(Exit::CheckFailed, message).hint(
            "somebody else deployed at the same time; `cargo xtask deploy status` shows what serves in the end",
        ))
    }

    /// `\n  …` what serves at this moment, as a further line of a message.
    pub fn serving(&self, previous: Option<&Version>) -> String {
        let Ok(instance) = self.instance() else { return String::new() };
        match instance.live() {
            Some(live) => {
                let was_there = previous.is_some_and(|previous| previous.deployment == live.id);
                let still = if was_there { "still serves" } else { "serves now" };
                format!("\n  deployment {} with {} {still}", live.id, live.image_or_unknown())
            }
            None => "\n  nothing serves: the service has no active deployment".to_owned(),
        }
    }

    /// E.g. `HEALTHCHECK (no answer with status 200)`.
    fn failing_step(&self, deployment: &Deployment) -> Option<String> {
        let events =
            self.client.query(&ListEvents { id: &deployment.id }).ok()?.deployment_events.into_nodes();
        let error_of = |event: &Event| event.payload.as_ref().and_then(|payload| payload.error.clone());
        if let Some((step, error)) = events.iter().find_map(|event| Some((&event.step, error_of(event)?))) {
            return Some(format!("{step} ({})", self.shown(&error)));
        }
        // A deployment that has served has later steps under way, which are not to blame.
        let unfinished = events.iter().rev().find(|event| event.completed_at.is_none());
        unfinished.filter(|_| deployment.status == DeploymentStatus::Failed).map(|event| event.step.clone())
    }

    fn last_lines(&self, id: &str) -> String {
        let query = GetLogs { deployment_id: id, limit: LINES_ASKED };
        let lines = match self.client.query(&query) {
            Ok(answer) => self.lines(answer.deployment_logs, LINES_MAX),
            Err(_) => return String::new(),
        };
        let texts: String = lines.iter().map(|line| format!("\n    {}", line.text)).collect();
        if texts.is_empty() { texts } else { format!("\n  last lines of its log:{texts}") }
    }
}

/// The command that brings back what served before. Where that still serves, the failed deployment has left its image
/// in the service's settings, and these are set back.
pub fn way_back(previous: Option<&Version>) -> Option<String> {
    let id = &previous?.deployment;
    Some(format!("`cargo xtask deploy rollback {id}` sets everything back to what served before"))
}
