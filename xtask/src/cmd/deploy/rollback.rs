//! `cargo xtask deploy rollback`.

use super::super::{admitted, confirmed, health_path, print};
use super::run::Run;
use super::site::Site;
use crate::cli::deploy::RollbackArgs;
use crate::config::service::Service;
use crate::exec::Executor;
use crate::railway::goal::{Wanted, is_live};
use crate::railway::memory::Memory;
use crate::railway::planning::{self, Input};
use crate::railway::rollback::Rollback;
use crate::railway::serving;
use crate::railway::state::Remote;
use crate::railway::status::serving_before;
use crate::record;
use crate::record::deploy::RollbackWay;
use crate::report;

pub fn rollback(exec: &Executor, args: &RollbackArgs) -> anyhow::Result<()> {
    let wanted = Wanted::parse(args.to.as_deref())?;
    let site = Site::load(exec)?;
    let given = args.revision.as_deref().map(|given| site.revision(exec, Some(given))).transpose()?;
    let (client, target) = site.connect(exec, &args.target)?;
    let remote = Remote { exec, client: &client, target: &target };
    let run = Run::begin(remote, &site.workspace.target_directory);
    match run.carry_out(|run| attempt(run, &site, args, &wanted, given))? {
        Some(record) => print(&report::deploy::render(&record, args.format)?),
        None => Ok(()),
    }
}

/// Everything that is recorded whatever becomes of it. False in a dry run.
fn attempt(
    run: &mut Run<'_>,
    site: &Site,
    args: &RollbackArgs,
    wanted: &Wanted,
    given: Option<String>,
) -> anyhow::Result<bool> {
    let (remote, exec) = (run.remote, run.remote.exec);
    let _lock = run.lock()?;
    run.memory = Memory::read(run.directory, remote.target);
    let before = remote.state()?;
    let rollback = Rollback::find(&remote, &before, &run.memory, wanted, given)?;
    let (goal, revision) = (&rollback.goal, rollback.revision.as_deref());
    run.record.image = Some(goal.image.reference().to_owned());
    run.record.revision = rollback.revision.clone();
    run.record.rollback = Some(record::deploy::Rollback { to: goal.deployment.id.clone(), way: goal.way });
    run.record.previous = serving_before(&before, &run.memory, revision);
    let url = before.instance.url(args.target.url.as_deref(), site.automation.railway.url.as_deref())?;
    run.record.url = Some(url.clone());
    let health_path = health_path(None, &site.service, &site.automation);
    let mut input = Input {
        target: remote.target,
        image: &goal.image,
        revision,
        start: rollback.start(),
        // What railway.toml says now is for what this checkout is now.
        service: &Service::default(),
        state: &before,
        url: &url,
        health_path: &health_path,
        verify_revision: site.verifies_revision(),
        wait_seconds: args.wait.wait_timeout,
        new_variables: &[],
        has_old_variables: false,
        detach: false,
        health: None,
    };
    let health = match input.looks_current() && rollback.has_variables(&remote, &before)? {
        true => Some(serving::look(exec, &url, &health_path, revision)?),
        false => None,
    };
    input.health = health.as_ref();
    let plan = planning::plan(&input)?;
    if goal.way == RollbackWay::Settings && planning::is_current(&plan) {
        return Err(is_live(goal).into());
    }
    let mut notes = planning::notes(&input, &plan);
    if !planning::is_current(&plan) {
        notes.extend(rollback.notes(&remote, &before)?);
    }
    notes.iter().for_each(|note| exec.ui().note(note));
    if !admitted(exec, &plan, args.format)? {
        return Ok(false);
    }
    if *wanted == Wanted::Newest {
        let named = format!("`cargo xtask deploy rollback {}` names it", goal.deployment.id);
        confirmed(exec, args.yes, &rollback.question(&remote, &before), &named)?;
    }
    run.follow(&plan)
}
