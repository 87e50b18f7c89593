//! One file a command: glue from arguments, configuration and facts to plan, outcome, record and report.

pub mod build;
pub mod ci;
mod context;
pub mod deploy;
pub mod docker;
pub mod serve;
pub mod setup;
pub mod test;
pub mod watch;

use std::io::Write;

use crate::exec::Executor;
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

/// Writes data to standard output. A reader that has gone away (`| head`) is not a failure.
fn print(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
