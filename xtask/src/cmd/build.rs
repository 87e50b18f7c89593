//! `cargo xtask build`.

use std::time::{Instant, SystemTime};

use super::context::Context;
use super::{admitted, print};
use crate::cli::{BuildArgs, CargoArgs, Selection};
use crate::exec::Executor;
use crate::exit::Exit;
use crate::facts::host::Host;
use crate::facts::revision::Revision;
use crate::leptos::build::{self, Outcome};
use crate::leptos::lock::BuildLock;
use crate::leptos::planning;
use crate::leptos::units::Units;
use crate::leptos::{WASM_TARGET, shipped};
use crate::record::{self, BUILD_SCHEMA, BuildRecord, RunResult};
use crate::report::{self, Format};

pub fn run(exec: &Executor, args: &BuildArgs) -> anyhow::Result<()> {
    let context = Context::load(exec, &args.selection)?;
    let Some(record) = build(exec, &context, args)? else { return Ok(()) };
    print(&report::build::render(&record, args.format)?)?;
    if args.format == Format::Human {
        next(exec, &context, args);
    }
    Ok(())
}

/// Builds and records it; nothing in a dry run, which prints the plan.
fn build(exec: &Executor, context: &Context, args: &BuildArgs) -> anyhow::Result<Option<BuildRecord>> {
    let began = Instant::now();
    let started = SystemTime::now();
    let mut tools = context.tools(exec)?;
    let mut installed = Outcome::default();
    if !exec.is_dry_run() && !args.server_only && !tools.missing.is_empty() {
        // Looked for again afterwards: a wasm target may come as a private sysroot, which changes the plan.
        let (outcome, result) = super::setup::install(exec, context, &tools);
        if let Err(error) = result {
            let failed = Err(error);
            let record = record_of(exec, context, args, (began, started), outcome, &failed);
            let _ = record::append(&context.workspace.target_directory, "build", &record);
            return failed.map(|()| None);
        }
        installed = outcome;
        tools = context.tools(exec)?;
    }
    let rustflags = context.rustflags(&tools);
    let cargo_args = args.cargo.flags();
    let mut input = context.plan_input(&tools, &rustflags, &cargo_args);
    input.front = !args.server_only;
    input.server = !args.front_only;
    input.timings = args.timings;
    let plan = planning::plan(&input);
    if !admitted(exec, &plan, args.format)? {
        return Ok(None);
    }

    // Held until everything is written that another build would write too.
    let _lock = BuildLock::take(exec, &context.workspace.target_directory)?;
    let started = SystemTime::now();
    let (mut outcome, result) =
        build::run(exec, &plan, &context.toolchain, &context.workspace.target_directory);
    outcome.steps.splice(0..0, installed.steps);
    let receipt = context.receipt(&args.selection);
    let result = result.and_then(|()| shipped::note(&input, &context.workspace, &receipt, started));
    let mut record = record_of(exec, context, args, (began, started), outcome, &result);
    if result.is_ok() {
        record.sizes = shipped::sizes(&input)?;
    }
    let recorded = record::append(&context.workspace.target_directory, "build", &record);
    // The reason why the build failed matters more than a record that could not be written.
    result?;
    recorded?;
    Ok(Some(record))
}

/// Builds for another command, e.g. before the tests run.
pub fn for_command(exec: &Executor, context: &Context, selection: &Selection) -> anyhow::Result<()> {
    for_command_with(exec, context, selection, &CargoArgs::default())
}

/// The same with flags for cargo.
pub fn for_command_with(
    exec: &Executor,
    context: &Context,
    selection: &Selection,
    cargo: &CargoArgs,
) -> anyhow::Result<()> {
    build(
        exec,
        context,
        &BuildArgs {
            selection: selection.clone(),
            front_only: false,
            server_only: false,
            timings: false,
            cargo: cargo.clone(),
            format: Format::Human,
            dry_run: exec.is_dry_run(),
        },
    )
    .map(drop)
}

fn record_of(
    exec: &Executor,
    context: &Context,
    args: &BuildArgs,
    (began, started): (Instant, SystemTime),
    outcome: Outcome,
    result: &anyhow::Result<()>,
) -> BuildRecord {
    let host_units_twice = match (&outcome.front, &outcome.server) {
        (Some(front), Some(server)) => Some(Units::host_units_twice(front, server, WASM_TARGET)),
        _ => None,
    };
    BuildRecord {
        schema: BUILD_SCHEMA,
        result: match result {
            Ok(()) => RunResult::Ok,
            Err(error) if matches!(Exit::of(error), Exit::Interrupted(_)) => RunResult::Interrupted,
            Err(_) => RunResult::Failed,
        },
        started: chrono::DateTime::<chrono::Utc>::from(started).to_rfc3339(),
        project: context.project.name.clone(),
        profile: args.selection.profile.clone(),
        rustc: context.toolchain.rustc_version.clone(),
        host: Host::probe(exec),
        revision: Revision::probe(exec, &context.workspace.root),
        steps: outcome.steps,
        host_units_twice,
        seconds: began.elapsed().as_secs_f64(),
        sizes: Vec::new(),
    }
}

/// Says what can be done with the build.
fn next(exec: &Executor, context: &Context, args: &BuildArgs) {
    let profile = match args.selection.profile.as_str() {
        crate::leptos::halves::DEFAULT_PROFILE => String::new(),
        other => format!(" --profile {other}"),
    };
    if args.front_only || args.server_only {
        return;
    }
    let demo = if context.automation.demo_args.is_empty() { "" } else { " --demo" };
    exec.ui().note(format!(
        "next: `cargo xtask serve{profile}{demo}` to see the app, `cargo xtask test{profile}` to run its tests"
    ));
}
