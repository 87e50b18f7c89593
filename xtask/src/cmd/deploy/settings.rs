//! `cargo xtask deploy settings`.

use std::time::{Duration, Instant};

use super::super::{admitted, print};
use super::result_of;
use super::run::now;
use super::site::Site;
use crate::cli::deploy_setup::SettingsArgs;
use crate::config::service::{FILE, Service};
use crate::exec::{Executor, FileLock};
use crate::exit::{Exit, Failure};
use crate::railway::state::Remote;
use crate::railway::status::name_of;
use crate::railway::{receipt, settings};
use crate::record::settings::{RUNS, SETTINGS_SCHEMA, SettingsRecord};
use crate::record::{self, RunResult};
use crate::report;

/// How long another run that changes this service is waited for.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);

pub fn settings(exec: &Executor, args: &SettingsArgs) -> anyhow::Result<()> {
    let began = Instant::now();
    let site = Site::load(exec)?;
    let service = Service::read_existing(&site.workspace.root)?.ok_or_else(|| missing(&site))?;
    let (client, target) = site.connect(exec, &args.target)?;
    let remote = Remote { exec, client: &client, target: &target };
    let directory = &site.workspace.target_directory;
    let _lock = match args.apply && !exec.is_dry_run() {
        true => {
            let holder = format!("a deployment of {target} from this checkout");
            let path = receipt::lock_path(directory, &target);
            Some(FileLock::take_within(exec, &path, &holder, LOCK_PATIENCE)?)
        }
        false => None,
    };
    let instance = remote.instance()?;
    let mut run = SettingsRecord {
        schema: SETTINGS_SCHEMA,
        result: RunResult::Ok,
        started: now(),
        service: name_of(&target),
        settings: settings::compare(&service, &instance),
        applied: false,
        steps: Vec::new(),
        seconds: 0.0,
        error: None,
    };
    let differing = settings::differing(&service, &instance);
    if args.apply {
        if !admitted(exec, &settings::plan(&target, &differing), args.format)? {
            return Ok(());
        }
        if !differing.is_empty() {
            let (steps, result) = settings::apply(&remote, &service, &differing);
            run.steps = steps;
            run.applied = result.is_ok();
            run.result = result_of(&result);
            run.error = result.as_ref().err().map(|error| exec.redact(&format!("{error:#}")));
            run.seconds = began.elapsed().as_secs_f64();
            let recorded = record::append(directory, RUNS, &run);
            result?;
            recorded?;
        }
    }
    run.seconds = began.elapsed().as_secs_f64();
    print(&exec.redact(&report::settings::render(&run, args.format)?))?;
    if differing.is_empty() || run.applied {
        return Ok(());
    }
    let names = run.differing().join(", ");
    Err(Failure::new(Exit::CheckFailed, format!("{target} differs from {FILE} in {names}"))
        .hint("`cargo xtask deploy settings --apply` sets them at Railway, for the next deployment")
        .into())
}

fn missing(site: &Site) -> Failure {
    let path = site.workspace.root.join(FILE);
    Failure::usage(format!("there is no {}, so there is nothing to compare", path.display())).hint(
        "write one, e.g.\n[deploy]\nhealthcheckPath = \"/health\"\noverlapSeconds = 5\ndrainingSeconds = 15",
    )
}
