//! Which deployment a rollback goes back to. Only looks; what cannot be gone back to is refused here.

use super::client::CallErrorKind;
use super::deployment::{Deployment, DeploymentStatus, Phase};
use super::deployment_queries::GetDeployment;
use super::history::{History, way_to};
use super::memory::Memory;
use super::pinned::{PinnedImage, digest_of};
use super::state::{DEPLOYMENTS_LISTED, Remote, State};
use crate::exit::{Exit, Failure};
use crate::record::deploy::RollbackWay;

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The newest earlier one that served another image.
    Newest,
    /// A deployment's id.
    Deployment(String),
    /// `sha256:…`
    Digest(String),
}

/// What is gone back to, and how.
#[derive(Clone, Debug)]
pub struct Goal {
    pub deployment: Deployment,
    /// What it ran.
    pub image: PinnedImage,
    pub way: RollbackWay,
}

impl Wanted {
    /// As it is typed: an id, a digest, or a whole reference by digest.
    pub fn parse(text: Option<&str>) -> anyhow::Result<Wanted> {
        let Some(text) = text.map(str::trim) else { return Ok(Wanted::Newest) };
        let digest = text.rsplit_once('@').map_or(text, |(_, digest)| digest);
        if digest_of(&format!("x@{digest}")).is_some() {
            return Ok(Wanted::Digest(digest.to_owned()));
        }
        let is_id =
            !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        match is_id {
            true => Ok(Wanted::Deployment(text.to_owned())),
            false => Err(Failure::usage(format!("`{text}` is neither a deployment's id nor a digest"))
                .hint("a digest is `sha256:` and 64 digits; `cargo xtask deploy list` shows ids and digests")
                .into()),
        }
    }
}

impl Remote<'_> {
    /// A deployment of this service by its id.
    pub fn deployment_of_service(&self, state: &State, id: &str) -> anyhow::Result<Deployment> {
        if let Some(known) = state.deployments.iter().find(|known| known.id == id) {
            return Ok(known.clone());
        }
        let known = match self.client.query_once(&GetDeployment { id }) {
            Ok(answer) => answer.deployment,
            Err(error) if error.kind == CallErrorKind::Refused => {
                let error = anyhow::Error::from(error);
                if matches!(Exit::of(&error), Exit::Interrupted(_)) {
                    return Err(error);
                }
                let message = format!("there is no deployment `{id}` that this token may see ({error:#})");
                return Err(Failure::usage(message).hint(LIST_HINT).into());
            }
            Err(error) => return Err(error.into()),
        };
        let is_other = |theirs: &Option<String>, ours: &str| theirs.as_deref().is_some_and(|id| id != ours);
        let other = match () {
            () if is_other(&known.service_id, &self.target.service) => "service",
            () if is_other(&known.environment_id, &self.target.environment) => "environment",
            () => return Ok(known),
        };
        let message = format!("deployment `{id}` is of another {other} than {}", self.target);
        Err(Failure::usage(message).hint(LIST_HINT).into())
    }

    /// What the rollback goes back to. `state` is what the service is now.
    pub fn goal(&self, state: &State, memory: &Memory, wanted: &Wanted) -> anyhow::Result<Goal> {
        let mut history = History::new(self, memory);
        match wanted {
            Wanted::Newest => self.newest_earlier(state, &mut history),
            Wanted::Deployment(id) => {
                let deployment = self.deployment_of_service(state, id)?;
                match state.instance.live().filter(|live| live.id == *id) {
                    Some(live) => still_live(live),
                    None => judged(deployment, &mut history),
                }
            }
            Wanted::Digest(digest) => {
                let of_image = |one: &Deployment| one.pinned().is_some_and(|image| image.digest() == digest);
                if let Some(live) = state.instance.live().filter(|live| of_image(live)) {
                    return still_live(live);
                }
                let all: Vec<&Deployment> = state.deployments.iter().filter(|one| of_image(one)).collect();
                let Some(newest) = all.first() else {
                    let message = format!(
                        "none of the newest {DEPLOYMENTS_LISTED} deployments of {} ran {digest}",
                        self.target
                    );
                    return Err(Failure::usage(message).hint(format!("{LIST_HINT}; {IMAGE_HINT}")).into());
                };
                for one in &all {
                    if history.has_served(one)? == Some(true) {
                        return judged((*one).clone(), &mut history);
                    }
                }
                judged((*newest).clone(), &mut history)
            }
        }
    }

    fn newest_earlier(&self, state: &State, history: &mut History<'_>) -> anyhow::Result<Goal> {
        // Where nothing serves, what served last has crashed.
        let crashed = || state.deployments.iter().find(|one| one.status == DeploymentStatus::Crashed);
        let away = state.instance.live().or_else(crashed);
        let digest = |one: &Deployment| one.pinned().map(|image| image.digest().to_owned());
        let earlier = state.deployments.iter().filter(|one| match away {
            Some(away) => one.created() < away.created() && one.id != away.id && digest(one) != digest(away),
            None => true,
        });
        for one in earlier.filter(|one| one.pinned().is_some()) {
            if history.has_served(one)? == Some(true) {
                return judged(one.clone(), history);
            }
        }
        let message = match away {
            Some(away) => format!(
                "there is nothing to roll back to: of the newest {DEPLOYMENTS_LISTED} deployments none before {} is \
                 known to have served another image than {}",
                away.id,
                away.image_or_unknown()
            ),
            None => format!("there is nothing to roll back to: no deployment of {} ever served", self.target),
        };
        Err(Failure::new(Exit::CheckFailed, message).hint(format!("{LIST_HINT}; {IMAGE_HINT}")).into())
    }
}

const LIST_HINT: &str = "`cargo xtask deploy list` shows the deployments of the service";
const IMAGE_HINT: &str =
    "`cargo xtask deploy --image REGISTRY/NAME@sha256:… --revision TEXT` deploys any image";

/// What serves is brought back by nothing; but what was begun after it may have left its settings.
fn still_live(live: &Deployment) -> anyhow::Result<Goal> {
    Ok(Goal { deployment: live.clone(), image: image_of(live)?, way: RollbackWay::Settings })
}

/// The refusal where what is live has its settings as well.
pub fn is_live(goal: &Goal) -> Failure {
    let message = format!("deployment {} with {} is what is live", goal.deployment.id, goal.image);
    Failure::new(Exit::CheckFailed, message)
        .hint("there is nothing to roll back; `cargo xtask deploy list` shows what was before it")
}

/// What people may not expect of a rollback to this.
pub fn surprises(state: &State, goal: &Goal) -> Vec<String> {
    let mut notes = Vec::new();
    let id = &goal.deployment.id;
    let Some(live) = state.instance.live().filter(|live| live.id != *id) else { return notes };
    let runs_the_same = |one: &&Deployment| match live.pinned() {
        Some(image) => one.runs(&image),
        None => one.image() == live.image(),
    };
    let first = state.deployments.iter().filter(runs_the_same).filter_map(Deployment::created).min();
    if first.is_some_and(|first| goal.deployment.created() > Some(first)) {
        notes.push(format!("{id} came after the image that is live: this goes forth again, not back"));
    }
    if let Some(newest) = state.deployments.first().filter(|newest| newest.id != live.id) {
        let (status, live) = (&newest.status, &live.id);
        notes.push(format!(
            "the newest deployment, {}, is {status}, and {live} still serves: `cargo xtask deploy rollback {live}` \
             keeps it, and sets only the settings back",
            newest.id
        ));
    }
    notes
}

/// A deployment that is not live: it must have served, and its image has to be known.
fn judged(deployment: Deployment, history: &mut History<'_>) -> anyhow::Result<Goal> {
    let refused = |problem: &str| {
        let message = format!("deployment {} is {}: {problem}", deployment.id, deployment.status);
        anyhow::Error::from(
            Failure::new(Exit::CheckFailed, message).hint(format!("{LIST_HINT}; {IMAGE_HINT}")),
        )
    };
    match (deployment.status.phase(), &deployment.status) {
        (Phase::Pending, _) => return Err(refused("it is under way, and nothing to go back to yet")),
        (_, DeploymentStatus::Crashed) => return Err(refused("it served, and did not hold")),
        _ => {}
    }
    if history.has_served(&deployment)? == Some(false) {
        return Err(refused("it never served"));
    }
    let (image, way) = (image_of(&deployment)?, way_to(&deployment));
    Ok(Goal { deployment, image, way })
}

fn image_of(deployment: &Deployment) -> anyhow::Result<PinnedImage> {
    deployment.pinned().ok_or_else(|| {
        let message = format!(
            "deployment {} runs {}, whose digest nobody knows: it could not be verified",
            deployment.id,
            deployment.image_or_unknown()
        );
        Failure::new(Exit::CheckFailed, message)
            .hint(format!("it can be rolled back on railway.com; {IMAGE_HINT}"))
            .into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_digests() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let of = |text: &str| Wanted::parse(Some(text)).unwrap();
        assert_eq!(of("7f3c0a52-aa"), Wanted::Deployment("7f3c0a52-aa".to_owned()));
        assert_eq!(of(&digest), Wanted::Digest(digest.clone()));
        assert_eq!(of(&format!("ghcr.io/o/app@{digest}")), Wanted::Digest(digest.clone()));
        assert_eq!(Wanted::parse(None).unwrap(), Wanted::Newest);
        for wrong in ["", "sha256:abc", "ghcr.io/o/app:1", "a b"] {
            let error = Wanted::parse(Some(wrong)).unwrap_err();
            assert_eq!(Exit::of(&error), Exit::Usage, "{wrong}");
        }
    }
}
