//! One run that changes a service: its lock, its record, and its receipt. Whatever becomes of it, it is on record from
//! the moment on when its service is known; but a dry run leaves nothing.

use std::path::Path;
use std::time::{Duration, Instant};

use super::notify;
use crate::exec::FileLock;
use crate::exit::Exit;
use crate::plan::Plan;
use crate::railway::memory::Memory;
use crate::railway::new_variables::NewVariables;
use crate::railway::receipt::{self, DeployReceipt};
use crate::railway::state::Remote;
use crate::railway::status::name_of;
use crate::railway::{self, planning};
use crate::record::deploy::{DeployRecord, RUNS, Version};
use crate::record::{self, RunResult};

/// How long another deployment from this checkout is waited for. It takes minutes; this is for one about to end.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);

/// The run so far.
pub struct Run<'a> {
    pub remote: Remote<'a>,
    /// Cargo's target directory.
    pub directory: &'a Path,
    pub record: DeployRecord,
    /// What is remembered from before.
    pub memory: Memory,
    /// The variables that the service is to get.
    pub new_variables: NewVariables,
    began: Instant,
}

impl<'a> Run<'a> {
    pub fn begin(remote: Remote<'a>, directory: &'a Path) -> Run<'a> {
        let record = DeployRecord::begun(name_of(remote.target), now());
        let (memory, new_variables) = (Memory::default(), NewVariables::default());
        Run { remote, directory, record, memory, new_variables, began: Instant::now() }
    }

    /// The right to change this service from this checkout; nothing in a dry run.
    pub fn lock(&self) -> anyhow::Result<Option<FileLock>> {
        let Remote { exec, target, .. } = self.remote;
        if exec.is_dry_run() {
            return Ok(None);
        }
        let holder = format!("a deployment of {target} from this checkout");
        let path = receipt::lock_path(self.directory, target);
        FileLock::take_within(exec, &path, &holder, LOCK_PATIENCE).map(Some)
    }

    /// Carries out a plan that is admitted, and notes what happened.
    pub fn follow(&mut self, plan: &Plan) -> anyhow::Result<bool> {
        self.record.already_current = planning::is_current(plan);
        self.record.detached = !planning::is_waited_for(plan);
        let previous = self.record.previous.as_ref();
        let (outcome, result) = railway::deploy::run(&self.remote, plan, previous, &self.new_variables);
        self.record.steps.extend(outcome.steps);
        self.record.deployment = outcome.deployment;
        result.map(|()| true)
    }

    /// Does the work and records it. The record, or nothing where the work says that nothing was to be done: a run that
    /// has only looked is on no record, and nobody is told of it.
    pub fn carry_out(
        mut self,
        work: impl FnOnce(&mut Run<'a>) -> anyhow::Result<bool>,
    ) -> anyhow::Result<Option<DeployRecord>> {
        let exec = self.remote.exec;
        let result = work(&mut self);
        if exec.is_dry_run() || matches!(result, Ok(false)) {
            return result.map(|_| None);
        }
        self.record.result = match &result {
            Ok(_) => RunResult::Ok,
            Err(error) if matches!(Exit::of(error), Exit::Interrupted(_)) => RunResult::Interrupted,
            Err(_) => RunResult::Failed,
        };
        self.record.seconds = self.began.elapsed().as_secs_f64();
        self.record.error = result.as_ref().err().map(|error| exec.redact(&format!("{error:#}")));
        let recorded = record::append(self.directory, RUNS, &self.record).map(drop);
        notify::tell(exec, &self.record);
        // The reason why the deployment failed matters more than a record that could not be written.
        result?;
        recorded?;
        self.remember()?;
        Ok(Some(self.record))
    }

    /// Leaves a receipt of what was deployed. What was there already has one, unless a run of ours began it and did not
    /// see its end.
    fn remember(&self) -> anyhow::Result<()> {
        let (record, memory) = (&self.record, &self.memory);
        let Some(deployment) = record.deployment.clone().filter(|_| !record.detached) else { return Ok(()) };
        let old = memory.receipt.as_ref();
        let is_known = old.is_some_and(|old| old.deployed.deployment == deployment);
        if record.already_current && (is_known || !memory.knows(&deployment)) {
            return Ok(());
        }
        let replaced = record.previous.clone().filter(|previous| previous.deployment != deployment);
        let previous = replaced.or_else(|| match old {
            Some(old) if is_known => old.previous.clone(),
            other => other.map(|old| old.deployed.clone()),
        });
        let deployed = Version { deployment, image: record.image.clone(), revision: record.revision.clone() };
        let url = record.url.as_deref().unwrap_or_default();
        DeployReceipt::new(self.remote.target, deployed, previous, url, &now())
            .write(self.directory, self.remote.target)
    }
}

/// RFC 3339, UTC.
pub fn now() -> String {
    chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}
