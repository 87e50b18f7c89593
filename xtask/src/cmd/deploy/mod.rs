//! `cargo xtask deploy`.

mod init;
mod list;
mod logs;
mod rollback;
mod run;
mod settings;
mod site;
mod status;

pub use init::init;
pub use list::list;
pub use logs::logs;
pub use rollback::rollback;
pub use settings::settings;
pub use status::status;

use super::{admitted, health_path, print};
use crate::cli::deploy::DeployArgs;
use crate::exec::Executor;
use crate::exit::Exit;
use crate::railway::memory::Memory;
use crate::railway::pinned::PinnedImage;
use crate::railway::planning::{self, Input, Start};
use crate::railway::serving;
use crate::railway::state::Remote;
use crate::railway::status::serving_before;
use crate::record::RunResult;
use crate::record::deploy::DeployRecord;
use crate::report;
use run::Run;
use site::Site;

pub fn run(exec: &Executor, args: &DeployArgs) -> anyhow::Result<()> {
    match deploy(exec, args)? {
        Some(record) => print(&report::deploy::render(&record, args.format)?),
        None => Ok(()),
    }
}

/// Deploys and records it; nothing in a dry run, which prints the plan.
pub fn deploy(exec: &Executor, args: &DeployArgs) -> anyhow::Result<Option<DeployRecord>> {
    let image = PinnedImage::parse(args.image.as_deref().unwrap_or_default())?;
    let site = Site::load(exec)?;
    let revision = site.revision(exec, args.revision.as_deref())?;
    let (client, target) = site.connect(exec, &args.target)?;
    let remote = Remote { exec, client: &client, target: &target };
    let mut run = Run::begin(remote, &site.workspace.target_directory);
    run.record.image = Some(image.reference().to_owned());
    run.record.revision = Some(revision);
    run.carry_out(|run| attempt(run, &site, args, &image))
}

/// What a record says of how a run ended.
fn result_of<T>(result: &anyhow::Result<T>) -> RunResult {
    match result {
        Ok(_) => RunResult::Ok,
        Err(error) if matches!(Exit::of(error), Exit::Interrupted(_)) => RunResult::Interrupted,
        Err(_) => RunResult::Failed,
    }
}

/// Everything that is recorded whatever becomes of it. False in a dry run.
fn attempt(run: &mut Run<'_>, site: &Site, args: &DeployArgs, image: &PinnedImage) -> anyhow::Result<bool> {
    let (remote, exec) = (run.remote, run.remote.exec);
    let _lock = run.lock()?;
    run.memory = Memory::read(run.directory, remote.target);
    let before = remote.state()?;
    let revision = run.record.revision.clone();
    run.record.previous = serving_before(&before, &run.memory, revision.as_deref());
    let url = before.instance.url(args.target.url.as_deref(), site.automation.railway.url.as_deref())?;
    run.record.url = Some(url.clone());
    let health_path = health_path(None, &site.service, &site.automation);
    let mut input = Input {
        target: remote.target,
        image,
        revision: revision.as_deref(),
        start: Start::Deploy,
        service: &site.service,
        state: &before,
        url: &url,
        health_path: &health_path,
        verify_revision: site.verifies_revision(),
        wait_seconds: args.wait.wait_timeout,
        health: None,
    };
    let health = match input.looks_current() {
        true => Some(serving::look(exec, &url, &health_path, input.revision)?),
        false => None,
    };
    input.health = health.as_ref();
    let plan = planning::plan(&input)?;
    planning::notes(&input, &plan).iter().for_each(|note| exec.ui().note(note));
    if !admitted(exec, &plan, args.format)? {
        return Ok(false);
    }
    run.follow(&plan)
}
