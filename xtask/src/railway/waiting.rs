//! Following one deployment to its end. Railway's SUCCESS is believed only of a deployment that runs the right image.

use std::time::{Duration, Instant};

use super::aftermath::way_back;
use super::client::CallErrorKind;
use super::deployment::{Deployment, Phase};
use super::deployment_queries::GetDeployment;
use super::pauses::Pauses;
use super::pinned::PinnedImage;
use super::state::Remote;
use crate::exit::{Exit, Failure};
use crate::plan::deploy::WaitUntilServed;
use crate::record::deploy::Version;

/// The longest time between two looks.
const PAUSE_MAX: Duration = Duration::from_secs(5);

const STATUS_HINT: &str = "`cargo xtask deploy status` shows what serves, and what is under way";

/// Asks until the deployment serves the image. The deployment as it was in the end.
///
/// An API that is busy or silent ends nothing: the deployment goes on meanwhile, and the time limit ends the wait.
pub fn wait(
    remote: &Remote<'_>,
    wanted: &WaitUntilServed,
    id: &str,
    previous: Option<&Version>,
) -> anyhow::Result<Deployment> {
    let image = PinnedImage::parse(&wanted.image)?;
    let ui = remote.exec.ui();
    let began = Instant::now();
    let deadline = began + Duration::from_secs(wanted.limit_seconds);
    let mut pauses = Pauses::up_to(PAUSE_MAX);
    let expected = wanted.expected_seconds.map(Duration::from_secs);
    let mut seen: Option<Deployment> = None;
    let mut is_troubled = false;
    loop {
        let mut pause = pauses.next_pause_at(began.elapsed(), expected);
        match remote.client.query_once(&GetDeployment { id }) {
            Ok(answer) => {
                let now = answer.deployment;
                if seen.as_ref().map(|seen| &seen.status) != Some(&now.status) {
                    tell(remote, &now, began.elapsed());
                }
                match now.status.phase() {
                    Phase::Live => return served(remote, now, &image, previous),
                    Phase::Over => {
                        let problem = format!("is {}", now.status);
                        return Err(remote.failed(&now, &problem, previous).into());
                    }
                    Phase::Pending | Phase::Unknown => seen = Some(now),
                }
            }
            Err(error) if error.is_passing() => {
                if let CallErrorKind::Busy { retry_after: Some(wanted) } = error.kind {
                    pause = pause.max(wanted);
                }
                if !is_troubled {
                    ui.note(format!("{error}; asking again until the time is up"));
                    is_troubled = true;
                }
            }
            Err(error) => {
                let error = anyhow::Error::from(error);
                if matches!(Exit::of(&error), Exit::Interrupted(_)) {
                    return Err(error);
                }
                let message =
                    format!("deployment {id} cannot be asked about: {error:#}{}", remote.serving(previous));
                return Err(Failure::new(Exit::of(&error), message).hint(STATUS_HINT).into());
            }
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(timed_out(remote, wanted, id, seen.as_ref(), previous).into());
        }
        remote.exec.sleep(pause.min(left))?;
    }
}

fn tell(remote: &Remote<'_>, now: &Deployment, elapsed: Duration) {
    let ui = remote.exec.ui();
    ui.status("Railway", format!("deployment {} is {} ({} s)", now.id, now.status, elapsed.as_secs()));
    if now.status.phase() == Phase::Unknown {
        ui.note(format!("`{}` is a status that xtask does not know; waiting on", now.status));
    }
}

/// A deployment that Railway calls a success: it has to run our image, and to be the newest.
fn served(
    remote: &Remote<'_>,
    deployment: Deployment,
    image: &PinnedImage,
    previous: Option<&Version>,
) -> anyhow::Result<Deployment> {
    if !deployment.runs(image) {
        let problem = format!(
            "is {}, but runs {} instead of {image}",
            deployment.status,
            deployment.image_or_unknown()
        );
        return Err(remote.failed(&deployment, &problem, previous).into());
    }
    match remote.overtaken(&deployment, previous) {
        Some(failure) => Err(failure.into()),
        None => Ok(deployment),
    }
}

fn timed_out(
    remote: &Remote<'_>,
    wanted: &WaitUntilServed,
    id: &str,
    seen: Option<&Deployment>,
    previous: Option<&Version>,
) -> Failure {
    if let Some(failure) = seen.and_then(|seen| remote.overtaken(seen, previous)) {
        return failure;
    }
    let what = match seen {
        Some(seen) => format!("is still {}", seen.status),
        None => "could not be asked about".to_owned(),
    };
    let message =
        format!("deployment {id} {what} after {} s{}", wanted.limit_seconds, remote.serving(previous));
    let back = way_back(previous).map(|command| format!("; {command}")).unwrap_or_default();
    Failure::new(Exit::TimedOut, message).hint(format!(
        "it goes on at Railway: the same command again goes on waiting, --wait-timeout SECONDS waits longer, \
         `cargo xtask deploy status` looks{back}"
    ))
}
