//! Which of the earlier deployments have served, and how each could be brought back. Only looks.
//!
//! A deployment that has given its place to another is REMOVED, whether it ever served or was replaced before; only its
//! steps tell the two apart, where Railway has no way back to it and nothing here remembers it.

use super::deployment::{Deployment, DeploymentStatus, Phase};
use super::deployment_queries::{Event, ListEvents};
use super::memory::Memory;
use super::state::{Remote, State};
use super::status::name_of;
use crate::exit::Exit;
use crate::record::deploy::RollbackWay;
use crate::record::deployments::{DeploymentList, LIST_SCHEMA, Listed, Standing};

/// The most deployments whose steps are asked for, one request each.
const LOOKS_MAX: usize = 10;

/// Tells whether deployments have served; remembers how many requests that took.
pub struct History<'a> {
    remote: &'a Remote<'a>,
    memory: &'a Memory,
    looks_left: usize,
}

impl<'a> History<'a> {
    pub fn new(remote: &'a Remote<'a>, memory: &'a Memory) -> History<'a> {
        History { remote, memory, looks_left: LOOKS_MAX }
    }

    /// Whether it has served and could again; `None` where nothing tells. One that crashed had its chance.
    pub fn has_served(&mut self, deployment: &Deployment) -> anyhow::Result<Option<bool>> {
        match (&deployment.status, deployment.status.phase()) {
            (_, Phase::Live) => return Ok(Some(true)),
            (_, Phase::Unknown) => return Ok(None),
            (DeploymentStatus::Removed | DeploymentStatus::Removing, _) => {}
            _ => return Ok(Some(false)),
        }
        if deployment.can_rollback == Some(true) || self.memory.has_served(&deployment.id) {
            return Ok(Some(true));
        }
        if self.looks_left == 0 {
            return Ok(None);
        }
        self.looks_left -= 1;
        match self.remote.client.query(&ListEvents { id: &deployment.id }) {
            Ok(answer) => Ok(all_done(&answer.deployment_events.into_nodes())),
            Err(error) if matches!(Exit::of(&error), Exit::Interrupted(_)) => Err(error),
            Err(_) => Ok(None),
        }
    }

    fn standing(&mut self, deployment: &Deployment, live: Option<&Deployment>) -> anyhow::Result<Standing> {
        if live.is_some_and(|live| live.id == deployment.id) {
            return Ok(Standing::Live);
        }
        Ok(match self.has_served(deployment)? {
            Some(true) if deployment.pinned().is_none() => Standing::None,
            Some(true) => match way_to(deployment) {
                RollbackWay::Railway => Standing::Railway,
                RollbackWay::Digest | RollbackWay::Settings => Standing::Digest,
            },
            Some(false) => Standing::None,
            None => Standing::Unknown,
        })
    }
}

/// How a deployment that does not serve any more is brought back.
pub fn way_to(deployment: &Deployment) -> RollbackWay {
    if deployment.can_rollback == Some(true) { RollbackWay::Railway } else { RollbackWay::Digest }
}

/// Whether a deployment got through all of its steps; `None` where none is told. One that was aborted or replaced has a
/// step without an end.
fn all_done(events: &[Event]) -> Option<bool> {
    let is_done = |event: &Event| {
        let error = event.payload.as_ref().and_then(|payload| payload.error.as_ref());
        event.completed_at.is_some() && error.is_none()
    };
    (!events.is_empty()).then(|| events.iter().all(is_done))
}

/// The list, as a record. `live_revision` is what the deployment that serves should be.
pub fn list(
    remote: &Remote<'_>,
    state: &State,
    memory: &Memory,
    live_revision: Option<&str>,
) -> anyhow::Result<DeploymentList> {
    let live = state.instance.live();
    let mut history = History::new(remote, memory);
    let mut deployments = Vec::new();
    for one in &state.deployments {
        let rollback = history.standing(one, live)?;
        let of_live = live_revision.filter(|_| rollback == Standing::Live).map(str::to_owned);
        deployments.push(Listed {
            id: one.id.clone(),
            status: one.status.to_string(),
            created: one.created_at.clone(),
            image: one.image().map(str::to_owned),
            digest: one.pinned().map(|image| image.digest().to_owned()),
            revision: memory.revision(&one.id).or(of_live),
            rollback,
        });
    }
    Ok(DeploymentList { schema: LIST_SCHEMA, service: name_of(remote.target), deployments })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn steps_tell_who_served() {
        let events = |list: serde_json::Value| serde_json::from_value::<Vec<Event>>(list).unwrap();
        let step = |completed: Option<&str>, error: Option<&str>| {
            json!({"step": "HEALTHCHECK", "completedAt": completed,
                   "payload": error.map(|error| json!({"error": error}))})
        };
        assert_eq!(all_done(&events(json!([]))), None);
        assert_eq!(all_done(&events(json!([step(Some("x"), None), step(Some("y"), None)]))), Some(true));
        assert_eq!(all_done(&events(json!([step(Some("x"), None), step(None, None)]))), Some(false));
        assert_eq!(all_done(&events(json!([step(Some("x"), Some("no answer"))]))), Some(false));
    }
}
