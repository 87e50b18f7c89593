//! `cargo xtask deploy status`.

use super::super::{health_path, print};
use super::site::Site;
use crate::cli::deploy::StatusArgs;
use crate::exec::Executor;
use crate::exit::{Exit, Failure};
use crate::railway::memory::Memory;
use crate::railway::state::Remote;
use crate::railway::status::live_revision;
use crate::railway::{self, serving};
use crate::report;

/// Looks at what is deployed. A service that is not healthy is a failed check, after the report.
pub fn status(exec: &Executor, args: &StatusArgs) -> anyhow::Result<()> {
    let site = Site::load(exec)?;
    let (client, target) = site.connect(exec, &args.target)?;
    let remote = Remote { exec, client: &client, target: &target };
    let state = remote.state()?;
    let (flag, metadata) = (args.target.url.as_deref(), site.automation.railway.url.as_deref());
    let url = match state.instance.url(flag, metadata) {
        Err(error) if flag.or(metadata).is_some() => return Err(error),
        url => url.ok(),
    };
    let health_path = health_path(None, &site.service, &site.automation);
    let memory = Memory::read(&site.workspace.target_directory, &target);
    let revision = live_revision(&state, &memory).filter(|_| site.verifies_revision());
    let health = match url {
        Some(url) => {
            let health = serving::look(exec, &url, &health_path, revision.as_deref())?;
            Some((format!("{url}{health_path}"), health, revision))
        }
        None => None,
    };
    let variables = remote.variable_differences(&state)?;
    let status = railway::status::status(&target, &state, health, &memory, variables);
    print(&report::deploy::render_status(&status, args.format)?)?;
    if status.healthy {
        return Ok(());
    }
    let (problem, hint) = match &status.health {
        _ if state.instance.live().is_none() => (
            "no deployment is active".to_owned(),
            match status.latest {
                None => "`cargo xtask deploy --image REGISTRY/NAME@sha256:…` makes the first one",
                Some(_) => "`cargo xtask deploy logs` shows the last words of the newest one",
            },
        ),
        Some(health) => (
            format!("{} does not answer 200", health.address),
            "`cargo xtask deploy logs` shows what the app says; `cargo xtask deploy rollback --dry-run`, what could be \
             gone back to",
        ),
        None => (
            "it has no domain that could be asked".to_owned(),
            "`cargo xtask deploy init` makes one; --url names another address",
        ),
    };
    let message = format!("{target} is not healthy: {problem}");
    Err(Failure::new(Exit::CheckFailed, message).hint(hint).into())
}
