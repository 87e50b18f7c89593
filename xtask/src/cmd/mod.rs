//! One file a command: glue from arguments, configuration and facts to plan, outcome, record and report.

pub mod bench;
pub mod build;
pub mod ci;
mod context;
pub mod deploy;
pub mod docker;
pub mod doctor;
pub mod generate;
pub mod monitor;
pub mod serve;
pub mod setup;
pub mod test;
pub mod watch;
mod webhook;

use std::io::Write;

use crate::config::automation::Automation;
use crate::config::service::Service;
use crate::exec::Executor;
use crate::exit::{Exit, Failure};
use crate::plan::Plan;
use crate::report::Format;

/// In a dry run prints the plan and returns `false`: nothing may be done. Otherwise returns `true`.
fn admitted(exec: &Executor, plan: &Plan, format: Format) -> anyhow::Result<bool> {
    if !exec.is_dry_run() {
        return Ok(true);
    }
    match format {
        Format::Json => print(&exec.redact(&format!("{}\n", serde_json::to_string_pretty(plan)?))),
        Format::Human | Format::Markdown => print(&exec.redact(&plan.to_string())),
    }?;
    Ok(false)
}

/// Whether an outward step whose object was not named may be taken: `--yes` says so, or whoever sits at the terminal
/// does. `instead` is the command that names it.
fn confirmed(exec: &Executor, yes: bool, question: &str, instead: &str) -> anyhow::Result<()> {
    if yes {
        return Ok(());
    }
    match exec.ask(question)? {
        Some(true) => Ok(()),
        Some(false) => Err(Failure::new(Exit::CheckFailed, "not confirmed: nothing was changed").into()),
        None => Err(Failure::usage(format!("nobody is here to answer: {question}"))
            .hint(format!("{instead}; --yes takes it without asking"))
            .into()),
    }
}

/// The path that answers 200 when the server is healthy: the flag's, else that of `railway.toml`, else that of the
/// workspace's metadata, else the front page. It begins with `/`.
fn health_path(flag: Option<&str>, service: &Service, automation: &Automation) -> String {
    let configured = || service.healthcheck_path.as_deref().or(automation.health_path.as_deref());
    let path = flag.or_else(configured).unwrap_or("/");
    if path.starts_with('/') { path.to_owned() } else { format!("/{path}") }
}

/// Writes data to standard output. A reader that has gone away (`| head`) is not a failure.
fn print(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_health_path_wins() {
        let path = |path: &str| Some(path.to_owned());
        let service = Service { healthcheck_path: path("/service"), ..Service::default() };
        let automation = Automation { health_path: path("/metadata"), ..Automation::default() };
        let (no_service, nothing) = (Service::default(), Automation::default());
        assert_eq!(health_path(Some("flag?x=1"), &service, &automation), "/flag?x=1");
        assert_eq!(health_path(None, &service, &automation), "/service");
        assert_eq!(health_path(None, &no_service, &automation), "/metadata");
        assert_eq!(health_path(None, &no_service, &nothing), "/");
    }
}
