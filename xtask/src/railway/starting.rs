//! Begins a deployment: by Railway's ordinary way, or by its rollback. Each request is sent once; where its answer is
//! lost, or names no deployment, Railway's list of deployments says whether there is one.

use std::time::{Duration, Instant};

use super::changing::{DeployServiceInstance, RollBackDeployment};
use super::client::{CallError, CallErrorKind};
use super::deployment::{Deployment, Phase, newer_than};
use super::pauses::Pauses;
use super::pinned::PinnedImage;
use super::state::Remote;
use crate::exit::{Exit, Failure};
use crate::plan::deploy::{RollBack, SeenDeployment, StartDeployment, Target};
use crate::steps::Done;

/// How long a deployment may take to appear in Railway's list when no answer has named it.
const APPEAR_LIMIT: Duration = Duration::from_secs(10);

/// How ours is known in a list: newer than all that were there, and with our image.
struct Sought<'a> {
    seen: Option<(&'a str, &'a str)>,
    image: PinnedImage,
    /// The deployment that a rollback is to, where it was over before: Railway does not say whether a rollback makes a
    /// new one or brings this one back to life.
    revived: Option<&'a str>,
}

/// Asks Railway to deploy what the service's source says. The new deployment's id. `is_requested` is true while nobody
/// knows whether there is one.
pub fn deploy(
    remote: &Remote<'_>,
    input: &StartDeployment,
    is_requested: &mut bool,
) -> anyhow::Result<Done<String>> {
    let sought = sought(&input.image, input.newest_before.as_ref())?;
    nobody_else(&remote.deployments()?, &sought)?;
    ask_to_deploy(remote, &input.target, &sought, is_requested)
}

/// Has Railway roll back; where it refuses, the image is deployed in the ordinary way, if the plan admits that.
pub fn roll_back(
    remote: &Remote<'_>,
    input: &RollBack,
    is_requested: &mut bool,
) -> anyhow::Result<Done<String>> {
    let mut sought = sought(&input.image, input.newest_before.as_ref())?;
    let list = remote.deployments()?;
    nobody_else(&list, &sought)?;
    let is_over = |known: &Deployment| known.status.phase() == Phase::Over;
    sought.revived = list
        .iter()
        .find(|known| known.id == input.deployment)
        .filter(|known| is_over(known))
        .map(|_| input.deployment.as_str());
    *is_requested = true;
    let refusal = match remote.client.mutate(&RollBackDeployment { id: &input.deployment }) {
        Ok(answer) if answer.accepted => {
            return match appeared(remote, &sought, APPEAR_LIMIT)? {
                Some(id) => Ok(Done::ran(format!("deployment {id}"), id)),
                None => Err(missing("Railway has accepted the rollback", &sought.image).into()),
            };
        }
        Ok(_) => format!("Railway did not roll back to {}, and does not say why", input.deployment),
        Err(error) if error.kind == CallErrorKind::Unclear => {
            return found_out(remote, &sought, &error);
        }
        Err(error) => refused(error, is_requested)?,
    };
    // What `false` means is not documented, so the list has the last word.
    if let Some(id) = appeared(remote, &sought, Duration::ZERO)? {
        return Ok(Done::ran(format!("deployment {id}, found in the list"), id));
    }
    *is_requested = false;
    if !input.or_deploy {
        return Err(Failure::new(Exit::CommandFailed, refusal)
            .hint("--revision TEXT says what the app was told that it is; then its image can be deployed by digest")
            .into());
    }
    remote.exec.ui().note(format!("{refusal}; deploying its image by digest instead"));
    let done = ask_to_deploy(remote, &input.target, &sought, is_requested)?;
    Ok(Done::ran(format!("{}, by digest: Railway refused the rollback", done.detail), done.value))
}

fn sought<'a>(image: &str, newest_before: Option<&'a SeenDeployment>) -> anyhow::Result<Sought<'a>> {
    let seen = newest_before.map(|seen| (seen.id.as_str(), seen.created_at.as_str()));
    Ok(Sought { seen, image: PinnedImage::parse(image)?, revived: None })
}

fn ask_to_deploy(
    remote: &Remote<'_>,
    target: &Target,
    sought: &Sought<'_>,
    is_requested: &mut bool,
) -> anyhow::Result<Done<String>> {
    *is_requested = true;
    let request = DeployServiceInstance { service_id: &target.service, environment_id: &target.environment };
    match remote.client.mutate(&request) {
        Ok(answer) => Ok(Done::ran(format!("deployment {}", answer.deployment), answer.deployment)),
        Err(error) if error.kind == CallErrorKind::Unclear => found_out(remote, sought, &error),
        Err(error) => {
            // Still true after an interruption: the request may have arrived.
            let error = anyhow::Error::from(error);
            *is_requested = matches!(Exit::of(&error), Exit::Interrupted(_));
            Err(error)
        }
    }
}

/// What Railway said against a rollback. An interruption, and a token that may not, end the whole run.
fn refused(error: CallError, is_requested: &mut bool) -> anyhow::Result<String> {
    let is_busy = matches!(error.kind, CallErrorKind::Busy { .. });
    let error = anyhow::Error::from(error);
    match Exit::of(&error) {
        Exit::Interrupted(_) => Err(error),
        Exit::Usage => {
            *is_requested = false;
            Err(error)
        }
        _ if is_busy => {
            *is_requested = false;
            Err(error)
        }
        _ => Ok(format!("{error:#}")),
    }
}

fn nobody_else(list: &[Deployment], sought: &Sought<'_>) -> anyhow::Result<()> {
    let newer = newer_than(list, sought.seen);
    let Some(newer) = newer.into_iter().find(|newer| newer.status.phase() != Phase::Over) else {
        return Ok(());
    };
    let message = format!(
        "somebody else has deployed meanwhile: {} with {} is {}",
        newer.id,
        newer.image_or_unknown(),
        newer.status
    );
    Err(Failure::new(Exit::CheckFailed, message)
        .hint("nothing was deployed; the service's settings name the new image for whoever deploys next")
        .into())
}

/// The answer was lost: the list says whether the request had arrived.
fn found_out(remote: &Remote<'_>, sought: &Sought<'_>, error: &CallError) -> anyhow::Result<Done<String>> {
    remote.exec.ui().note(format!("{error}; looking for the deployment in Railway's list"));
    match appeared(remote, sought, APPEAR_LIMIT)? {
        Some(id) => Ok(Done::ran(format!("deployment {id}, found in the list"), id)),
        None => Err(missing(&error.to_string(), &sought.image).into()),
    }
}

fn missing(what: &str, image: &PinnedImage) -> Failure {
    let message = format!("{what}, and no deployment with {image} has appeared; it was not sent again");
    Failure::new(Exit::CommandFailed, message).hint(
        "`cargo xtask deploy status` shows whether one has begun after all; if not, run the command again",
    )
}

/// The deployment that must be ours, if it appears within the limit.
fn appeared(remote: &Remote<'_>, sought: &Sought<'_>, limit: Duration) -> anyhow::Result<Option<String>> {
    let deadline = Instant::now() + limit;
    let mut pauses = Pauses::up_to(Duration::from_secs(2));
    loop {
        let list = remote.deployments()?;
        let newer = newer_than(&list, sought.seen);
        if let Some(ours) = newer.iter().find(|deployment| deployment.runs(&sought.image)) {
            return Ok(Some(ours.id.clone()));
        }
        let revived = list.iter().find(|known| Some(known.id.as_str()) == sought.revived);
        if let Some(revived) = revived.filter(|revived| revived.status.phase() != Phase::Over) {
            return Ok(Some(revived.id.clone()));
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(None);
        }
        remote.exec.sleep(pauses.next_pause().min(left))?;
    }
}
