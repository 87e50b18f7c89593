//! `cargo xtask deploy`.

mod init;
mod list;
mod logs;
mod notify;
mod precheck;
mod rollback;
mod run;
mod settings;
mod site;
mod status;
mod vars;

pub use init::init;
pub use list::list;
pub use logs::logs;
pub use rollback::rollback;
pub use settings::settings;
pub use status::status;
pub use vars::vars_check;

use std::path::Path;

use super::{admitted, health_path, print};
use crate::cli::deploy::DeployArgs;
use crate::config::environment;
use crate::exec::Executor;
use crate::exit::Exit;
use crate::plan::deploy::VariableChange;
use crate::railway::memory::Memory;
use crate::railway::new_variables::NewVariables;
use crate::railway::pinned::PinnedImage;
use crate::railway::planning::{self, Input, Start};
use crate::railway::serving;
use crate::railway::state::{Remote, State};
use crate::railway::status::serving_before;
use crate::record::RunResult;
use crate::record::deploy::DeployRecord;
use crate::report;
use run::Run;
use site::Site;

/// The most that is read from standard input, in bytes.
const VARIABLES_SIZE_MAX: u64 = 1 << 20;

/// Whether a commit may be deployed where one that has it in its history is live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Older {
    /// Whoever types the command means it.
    Deploy,
    /// A workflow may come late, or be run again.
    Leave,
}

/// What came of a deployment.
pub enum Deployed {
    Done(Box<DeployRecord>),
    /// A dry run, which has printed the plan.
    Planned,
    /// Nothing was changed, since a newer commit is live.
    Overtaken(Newer),
}

/// What is live and newer.
pub struct Newer {
    /// The commit.
    pub revision: String,
    /// The service's address for its users.
    pub url: Option<String>,
}

pub fn run(exec: &Executor, args: &DeployArgs) -> anyhow::Result<()> {
    match deploy(exec, args, Older::Deploy)? {
        Deployed::Done(record) => print(&report::deploy::render(&record, args.format)?),
        Deployed::Planned | Deployed::Overtaken(_) => Ok(()),
    }
}

/// Deploys and records it.
pub fn deploy(exec: &Executor, args: &DeployArgs, older: Older) -> anyhow::Result<Deployed> {
    let image = PinnedImage::parse(args.image.as_deref().unwrap_or_default())?;
    let site = Site::load(exec)?;
    let revision = site.revision(exec, args.revision.as_deref())?;
    let new_variables = given_variables(exec, args.with_variables.as_deref())?;
    let (client, target) = site.connect(exec, &args.target)?;
    let remote = Remote { exec, client: &client, target: &target };
    let mut run = Run::begin(remote, &site.workspace.target_directory);
    run.new_variables = new_variables;
    run.record.image = Some(image.reference().to_owned());
    run.record.revision = Some(revision);
    let mut newer = None;
    let record = run.carry_out(|run| attempt(run, &site, args, &image, older, &mut newer))?;
    Ok(match (newer, record) {
        (Some(newer), _) => Deployed::Overtaken(newer),
        (None, Some(record)) => Deployed::Done(Box::new(record)),
        (None, None) => Deployed::Planned,
    })
}

/// What a record says of how a run ended.
fn result_of<T>(result: &anyhow::Result<T>) -> RunResult {
    match result {
        Ok(_) => RunResult::Ok,
        Err(error) if matches!(Exit::of(error), Exit::Interrupted(_)) => RunResult::Interrupted,
        Err(_) => RunResult::Failed,
    }
}

/// Everything that is recorded whatever becomes of it. False in a dry run, and where `newer` says what is live.
fn attempt(
    run: &mut Run<'_>,
    site: &Site,
    args: &DeployArgs,
    image: &PinnedImage,
    older: Older,
    newer: &mut Option<Newer>,
) -> anyhow::Result<bool> {
    let (remote, exec) = (run.remote, run.remote.exec);
    let _lock = run.lock()?;
    run.memory = Memory::read(run.directory, remote.target);
    let before = remote.state()?;
    let revision = run.record.revision.clone();
    run.record.previous = serving_before(&before, &run.memory, revision.as_deref());
    let url = before.instance.url(args.target.url.as_deref(), site.automation.railway.url.as_deref())?;
    run.record.url = Some(url.clone());
    let target = remote.target;
    let names = [&target.project_name, &target.environment_name, &target.service_name, &url];
    let texts = names.into_iter().map(String::as_str).chain([image.reference()]).chain(revision.as_deref());
    run.new_variables.keep_secret(exec, &texts.collect::<Vec<_>>());
    let health_path = health_path(None, &site.service, &site.automation);
    let (changes, has_old_variables) = compared(run, &before)?;
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
        new_variables: &changes,
        has_old_variables,
        detach: args.detach,
        health: None,
    };
    let health = match input.looks_current() {
        true => Some(serving::look(exec, &url, &health_path, input.revision)?),
        false => None,
    };
    input.health = health.as_ref();
    let plan = planning::plan(&input)?;
    planning::notes(&input, &plan).iter().for_each(|note| exec.ui().note(note));
    if planning::begins(&plan) {
        if older == Older::Leave {
            *newer = precheck::newer_live(run)?.map(|revision| Newer { revision, url: Some(url.clone()) });
            if newer.is_some() {
                return Ok(false);
            }
        }
        precheck::precheck(run, site, image, &before, args.precheck.unchecked)?;
    }
    if !admitted(exec, &plan, args.format)? {
        return Ok(false);
    }
    let under_way = input.pending().filter(|_| plan.steps.is_empty());
    let under_way = under_way.map(|pending| pending.id.clone());
    let followed = run.follow(&plan)?;
    // Where nobody waits, and nothing has to be begun.
    run.record.deployment = run.record.deployment.take().or(under_way);
    Ok(followed)
}

/// The variables of a file, or of standard input.
fn given_variables(exec: &Executor, file: Option<&Path>) -> anyhow::Result<NewVariables> {
    let Some(file) = file else { return Ok(NewVariables::default()) };
    if file == Path::new("-") {
        let shown = "standard input";
        let text = exec.read_input(VARIABLES_SIZE_MAX)?;
        return NewVariables::of(environment::read_text(&text, shown)?, shown);
    }
    NewVariables::of(environment::read_file(file)?, &file.display().to_string())
}

/// Which of the new variables the service lacks; and, where it lacks none, whether what is live was started before it
/// had them: a run may have been ended between the two.
fn compared(run: &Run<'_>, state: &State) -> anyhow::Result<(Vec<VariableChange>, bool)> {
    if run.new_variables.is_empty() {
        return Ok((Vec::new(), false));
    }
    let changes = run.new_variables.changes(&run.remote.written_variables()?);
    let deployed = match state.instance.live() {
        Some(live) if changes.is_empty() => run.remote.snapshot(&live.id)?,
        _ => None,
    };
    let has_old = deployed.is_some_and(|deployed| run.new_variables.differ_from(&deployed));
    Ok((changes, has_old))
}
