//! `cargo xtask setup`: every tool that `build` needs, at its pinned version, in a user-local folder.

use serde::Serialize;

use super::context::Context;
use super::{admitted, print};
use crate::cli::SetupArgs;
use crate::exec::Executor;
use crate::exit::{Exit, Failure};
use crate::leptos::build::{self, Outcome};
use crate::leptos::planning::{self, BuildTools};
use crate::plan::Plan;
use crate::report::Format;
use crate::report::table::{Align, Table};
use crate::tools::{self, State, Status};

/// The report of `setup`.
#[derive(Serialize)]
struct Report {
    schema: &'static str,
    tools: Vec<Status>,
}

pub fn run(exec: &Executor, args: &SetupArgs) -> anyhow::Result<()> {
    let context = Context::load(exec, &args.selection)?;
    if !args.check {
        let tools = context.tools(exec)?;
        if !admitted(exec, &install_plan(&tools), args.format)? {
            return Ok(());
        }
        if !tools.missing.is_empty() {
            install(exec, &context, &tools).1?;
        }
    }
    let wanted = context.wanted()?;
    let status = wanted.iter().map(|wanted| tools::status(exec, &context.toolchain, wanted));
    let report = Report { schema: "xtask.setup/1", tools: status.collect::<anyhow::Result<_>>()? };
    print(&render(&report, args.format)?)?;
    let absent: Vec<&str> =
        report.tools.iter().filter(|status| status.state != State::Ready).map(|status| status.tool).collect();
    if absent.is_empty() {
        return Ok(());
    }
    let message = format!("not ready: {}", absent.join(", "));
    Err(Failure::new(Exit::MissingTool, message).hint("run `cargo xtask setup`").into())
}

/// Installs what is missing; the outcome has a step for each tool, up to the one that failed.
pub fn install(exec: &Executor, context: &Context, tools: &BuildTools) -> (Outcome, anyhow::Result<()>) {
    build::run(exec, &install_plan(tools), &context.toolchain, &context.workspace.target_directory)
}

fn install_plan(tools: &BuildTools) -> Plan {
    Plan { command: "setup".to_owned(), steps: planning::install_steps(&tools.missing) }
}

fn render(report: &Report, format: Format) -> anyhow::Result<String> {
    let mut table = Table::new(&[
        ("tool", Align::Left),
        ("wanted", Align::Left),
        ("found", Align::Left),
        ("from", Align::Left),
        ("state", Align::Left),
    ]);
    for status in &report.tools {
        let state = match status.state {
            State::Ready => "ready",
            State::Missing => "missing",
            State::OtherVersion => "other version",
        };
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        table.row(vec![
            status.tool.to_owned(),
            status.wanted.clone(),
            text(&status.found),
            text(&status.source),
            state.to_owned(),
        ]);
    }
    Ok(match format {
        Format::Human => table.human(),
        Format::Markdown => table.markdown(),
        Format::Json => serde_json::to_string_pretty(report)? + "\n",
    })
}
