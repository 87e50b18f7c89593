//! `cargo xtask deploy`.

mod site;
mod status;

use std::path::Path;
use std::time::{Duration, Instant};

pub use status::status;

use super::{admitted, health_path, print};
use crate::cli::deploy::DeployArgs;
use crate::exec::{Executor, FileLock};
use crate::exit::Exit;
use crate::plan::deploy::Target;
use crate::railway::pinned::PinnedImage;
use crate::railway::planning::{self, Input};
use crate::railway::receipt::{self, DeployReceipt};
use crate::railway::state::Remote;
use crate::railway::status::{name_of, serving_before};
use crate::railway::{self, serving};
use crate::record::deploy::{DEPLOY_SCHEMA, DeployRecord, Version};
use crate::record::{self, RunResult};
use crate::report;
use site::Site;

/// How long another deployment from this checkout is waited for. It takes minutes; this is for one about to end.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);

pub fn run(exec: &Executor, args: &DeployArgs) -> anyhow::Result<()> {
    match deploy(exec, args)? {
        Some(record) => print(&report::deploy::render(&record, args.format)?),
        None => Ok(()),
    }
}

/// Deploys and records it; nothing in a dry run, which prints the plan.
pub fn deploy(exec: &Executor, args: &DeployArgs) -> anyhow::Result<Option<DeployRecord>> {
    let began = Instant::now();
    let started = now();
    let image = PinnedImage::parse(args.image.as_deref().unwrap_or_default())?;
    let site = Site::load(exec)?;
    let revision = site.revision(exec, args.revision.as_deref())?;
    let (client, target) = site.connect(exec, &args.target)?;
    let remote = Remote { exec, client: &client, target: &target };
    let directory = &site.workspace.target_directory;
    let _lock = match exec.is_dry_run() {
        true => None,
        false => {
            let holder = format!("a deployment of {target} from this checkout");
            let path = receipt::lock_path(directory, &target);
            Some(FileLock::take_within(exec, &path, &holder, LOCK_PATIENCE)?)
        }
    };

    let before = remote.state()?;
    let url = before.instance.url(args.target.url.as_deref(), site.automation.railway.url.as_deref())?;
    let health_path = health_path(None, &site.service, &site.automation);
    let mut input = Input {
        target: &target,
        image: &image,
        revision: &revision,
        service: &site.service,
        state: &before,
        url: &url,
        health_path: &health_path,
        verify_revision: site.verifies_revision(),
        wait_seconds: args.wait_timeout,
        health: None,
    };
    let health = match input.looks_current() {
        true => Some(serving::look(exec, &url, &health_path, Some(&revision))?),
        false => None,
    };
    input.health = health.as_ref();
    let plan = planning::plan(&input)?;
    planning::notes(&input, &plan).iter().for_each(|note| exec.ui().note(note));
    if !admitted(exec, &plan, args.format)? {
        return Ok(None);
    }

    let receipt = DeployReceipt::read(directory, &target);
    let previous = serving_before(&before, receipt.as_ref(), &revision);
    let (outcome, result) = railway::deploy::run(&remote, &plan, previous.as_ref());
    let record = DeployRecord {
        schema: DEPLOY_SCHEMA,
        result: match &result {
            Ok(()) => RunResult::Ok,
            Err(error) if matches!(Exit::of(error), Exit::Interrupted(_)) => RunResult::Interrupted,
            Err(_) => RunResult::Failed,
        },
        started,
        service: name_of(&target),
        image: image.reference().to_owned(),
        revision,
        url,
        deployment: outcome.deployment,
        previous,
        already_current: planning::is_current(&plan),
        steps: outcome.steps,
        seconds: began.elapsed().as_secs_f64(),
        error: result.as_ref().err().map(|error| exec.redact(&format!("{error:#}"))),
    };
    let recorded = record::append(directory, "deploy", &record).map(drop);
    // The reason why the deployment failed matters more than a record that could not be written.
    result?;
    recorded?;
    remember(&record, directory, &target)?;
    Ok(Some(record))
}

/// Leaves a receipt of what was deployed.
fn remember(record: &DeployRecord, directory: &Path, target: &Target) -> anyhow::Result<()> {
    let Some(deployment) = record.deployment.clone().filter(|_| !record.already_current) else {
        return Ok(());
    };
    let deployed =
        Version { deployment, image: Some(record.image.clone()), revision: Some(record.revision.clone()) };
    let time = now();
    DeployReceipt::new(target, deployed, record.previous.clone(), &record.url, &time).write(directory, target)
}

/// RFC 3339, UTC.
fn now() -> String {
    chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}
