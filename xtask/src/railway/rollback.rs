//! What a rollback brings back beside the image: the revision, and the variables of then. Only looks.

use super::goal::{Goal, Wanted, surprises};
use super::memory::Memory;
use super::planning::Start;
use super::state::{Remote, State, Variables, revision_in};
use super::variables::{Changes, note};
use crate::exit::{Exit, Failure};
use crate::record::deploy::RollbackWay;

/// A rollback, before it is planned.
pub struct Rollback {
    pub goal: Goal,
    /// What the app was told that it is; `None` where nobody knows.
    pub revision: Option<String>,
    /// What the deployment was started with, where Railway tells.
    then: Option<Variables>,
}

impl Rollback {
    /// Finds out what is gone back to. `given` is the revision that whoever asks says it is; Railway's word for what
    /// the deployment was told comes next, and then what is remembered here.
    pub fn find(
        remote: &Remote<'_>,
        state: &State,
        memory: &Memory,
        wanted: &Wanted,
        given: Option<String>,
    ) -> anyhow::Result<Rollback> {
        let mut goal = remote.goal(state, memory, wanted)?;
        let id = &goal.deployment.id;
        let then = variables_then(remote, id)?;
        let of_railway = then.as_ref().and_then(revision_in);
        let is_other = given.is_some() && of_railway.is_some() && given != of_railway;
        let revision = given.or(of_railway).or_else(|| memory.revision(id));
        if is_other && goal.way == RollbackWay::Railway {
            // Railway would bring back the revision of then as well.
            goal.way = RollbackWay::Digest;
        }
        if revision.is_none() && goal.way == RollbackWay::Digest {
            return Err(Failure::usage(format!("nobody knows which revision deployment {id} was"))
                .hint("--revision TEXT says what the app is told that it is, e.g. the commit of the image")
                .into());
        }
        Ok(Rollback { goal, revision, then })
    }

    /// What begins the deployment.
    pub fn start(&self) -> Start<'_> {
        match self.goal.way {
            RollbackWay::Railway => Start::RollBack(&self.goal.deployment.id),
            RollbackWay::Digest => Start::Deploy,
            RollbackWay::Settings => Start::Nothing,
        }
    }

    /// Whether what is live has the variables that a rollback would bring back: then a run may have done so, and have
    /// been ended before it saw it. An image that is deployed again gets those of now, whatever they are.
    pub fn has_variables(&self, remote: &Remote<'_>, state: &State) -> anyhow::Result<bool> {
        let (RollbackWay::Railway, Some(live)) = (self.goal.way, state.instance.live()) else {
            return Ok(true);
        };
        let (Some(then), Some(now)) = (&self.then, variables_then(remote, &live.id)?) else {
            return Ok(false);
        };
        Ok(Changes::between(then, &now) == Changes::default())
    }

    /// What people should know before.
    pub fn notes(&self, remote: &Remote<'_>, state: &State) -> anyhow::Result<Vec<String>> {
        let id = &self.goal.deployment.id;
        let mut notes = surprises(state, &self.goal);
        if self.revision.is_none() {
            notes.push(format!(
                "nobody knows which revision deployment {id} was: APP_REVISION stays as it is, and is not looked for"
            ));
        }
        let changes = match &self.then {
            Some(then) => Some(Changes::between(then, &remote.variables()?)),
            None => None,
        };
        notes.extend(note(self.goal.way, id, changes.as_ref()));
        Ok(notes)
    }

    /// What has to be confirmed where nobody has named the deployment.
    pub fn question(&self, remote: &Remote<'_>, state: &State) -> String {
        let live = match state.instance.live() {
            Some(live) => format!("{} with {}", live.id, live.image_or_unknown()),
            None => "nothing that serves".to_owned(),
        };
        let revision = self.revision.as_deref().map(|revision| format!(", revision {revision}"));
        let Goal { deployment, image, .. } = &self.goal;
        let (target, revision) = (remote.target, revision.unwrap_or_default());
        format!("roll {target} back from {live} to {} with {image}{revision}?", deployment.id)
    }
}

/// What a deployment was started with. Who cannot be told goes on without.
fn variables_then(remote: &Remote<'_>, deployment: &str) -> anyhow::Result<Option<Variables>> {
    match remote.snapshot(deployment) {
        Err(error) if matches!(Exit::of(&error), Exit::Interrupted(_)) => Err(error),
        Err(error) => {
            remote.exec.ui().note(format!("the variables of {deployment} are not told: {error:#}"));
            Ok(None)
        }
        then => then,
    }
}
