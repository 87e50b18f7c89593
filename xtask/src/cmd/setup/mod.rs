//! `cargo xtask setup`: every tool that `build` and other groups need, at its pinned version, in a user-local folder.

pub mod local;
mod update;

use std::collections::BTreeSet;

use serde::Serialize;

use super::context::Context;
use super::{admitted, print};
use crate::cli::SetupArgs;
use crate::config::tools::Group;
use crate::exec::Executor;
use crate::exit::{Exit, Failure};
use crate::leptos::build::{self, Outcome};
use crate::leptos::planning;
use crate::plan::{InstallTool, Plan};
use crate::report::Format;
use crate::report::table::{Align, Table};
use crate::tools::{self, State, Status, Wanted, system};

/// The report of `setup`.
#[derive(Serialize)]
struct Report {
    schema: &'static str,
    tools: Vec<Status>,
    /// What root would have to type.
    root: Option<String>,
}

pub fn run(exec: &Executor, args: &SetupArgs) -> anyhow::Result<()> {
    if args.update {
        return update::run(exec, args.format);
    }
    if args.undo {
        return local::undo(exec);
    }
    let context = Context::load(exec, &args.selection)?;
    let groups: BTreeSet<Group> = args.with.iter().copied().collect();
    let mut wanted = only(context.wanted()?, &args.only)?;
    wanted.extend(
        groups.iter().filter(|group| **group != Group::Build).flat_map(|group| Wanted::of_group(*group)),
    );
    if !args.check {
        let mut missing = Vec::new();
        for wanted in &wanted {
            if tools::look(exec, &context.toolchain, wanted)?.missing {
                missing.push(tools::install_step(wanted)?);
            }
        }
        if !admitted(exec, &install_plan(&missing), args.format)? {
            return if args.local { local::write(exec, &context, args.format) } else { Ok(()) };
        }
        if !missing.is_empty() {
            // Whoever types this may have mended the network.
            tools::forget_silence(exec)?;
            install(exec, &context, &missing).1?;
        }
    }
    let status = wanted.iter().map(|wanted| tools::status(exec, &context.toolchain, wanted));
    let mut report =
        Report { schema: "xtask.setup/1", tools: status.collect::<anyhow::Result<_>>()?, root: None };
    let (of_system, root) = system::look(exec, &groups.into_iter().collect::<Vec<_>>())?;
    report.tools.extend(of_system);
    report.root = root;
    if args.local {
        ready(&report, args)?;
        return local::write(exec, &context, args.format);
    }
    report.tools.extend(tools::local::status(&context.workspace.root)?);
    print(&render(&report, args.format)?)?;
    ready(&report, args)
}

/// Those with these names, or all where no name is given.
fn only(wanted: Vec<Wanted>, names: &[String]) -> anyhow::Result<Vec<Wanted>> {
    let known: Vec<&str> = wanted.iter().map(|wanted| wanted.tool.key()).collect();
    if let Some(name) = names.iter().find(|name| !known.contains(&name.as_str())) {
        return Err(Failure::usage(format!("a build of this project needs no tool `{name}`"))
            .hint(format!("it needs: {}", known.join(", ")))
            .into());
    }
    let is_chosen = |wanted: &Wanted| names.is_empty() || names.iter().any(|name| name == wanted.tool.key());
    Ok(wanted.into_iter().filter(is_chosen).collect())
}

/// A failure that names what is missing, and who can bring it.
fn ready(report: &Report, args: &SetupArgs) -> anyhow::Result<()> {
    let absent: Vec<&str> =
        report.tools.iter().filter(|status| status.state != State::Ready).map(|status| status.tool).collect();
    if absent.is_empty() {
        return Ok(());
    }
    let message = format!("not ready: {}", absent.join(", "));
    let hint = match &report.root {
        Some(root) => format!("only root can: {root}"),
        None if args.with.is_empty() => "run `cargo xtask setup`".to_owned(),
        None => "run `cargo xtask setup`, with the same `--with`".to_owned(),
    };
    Err(Failure::new(Exit::MissingTool, message).hint(hint).into())
}

/// Installs what is missing; the outcome has a step for each tool, up to the one that failed.
pub fn install(exec: &Executor, context: &Context, missing: &[InstallTool]) -> (Outcome, anyhow::Result<()>) {
    build::run(exec, &install_plan(missing), &context.toolchain, &context.workspace.target_directory)
}

fn install_plan(missing: &[InstallTool]) -> Plan {
    Plan { command: "setup".to_owned(), steps: planning::install_steps(missing) }
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
