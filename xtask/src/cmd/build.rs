//! `cargo xtask build`.

use std::time::{Instant, SystemTime};

use super::context::Context;
use super::{admitted, print};
use crate::cli::{BuildArgs, CargoArgs, DriverArgs, Selection};
use crate::exec::Executor;
use crate::exit::{Exit, Failure};
use crate::facts::host::Host;
use crate::facts::revision::Revision;
use crate::leptos::build::{self, Outcome};
use crate::leptos::driver::Driver;
use crate::leptos::units::Units;
use crate::leptos::{WASM_TARGET, delegated, lock, planning, recompiled, shipped, untouched};
use crate::record::{self, BUILD_SCHEMA, BuildRecord, RunResult};
use crate::report::{self, Format};

pub fn run(exec: &Executor, args: &BuildArgs) -> anyhow::Result<()> {
    let context = Context::load(exec, &args.selection)?.driven_by(&args.driver, &args.selection)?;
    let Some(record) = build(exec, &context, args)? else { return Ok(()) };
    print(&report::build::render(&record, args.format)?)?;
    if is_cooked_in_vain(&record, args) {
        return Err(cooked_in_vain(&record));
    }
    if args.format == Format::Human {
        next(exec, &context, args);
    }
    Ok(())
}

/// Builds and records it; nothing in a dry run, which prints the plan.
fn build(exec: &Executor, context: &Context, args: &BuildArgs) -> anyhow::Result<Option<BuildRecord>> {
    let driver = context.look_for_driver(exec)?;
    let this = Run {
        exec,
        context,
        profile: &args.selection.profile,
        driver: driver.as_ref().map_or("native".to_owned(), |tool| format!("cargo-leptos {}", tool.version)),
        began: Instant::now(),
        started: SystemTime::now(),
    };
    let mut tools = context.tools(exec)?;
    let mut installed = Outcome::default();
    if !exec.is_dry_run() && !args.server_only && !tools.missing.is_empty() {
        // Looked for again afterwards: a wasm target may come as a private sysroot, which changes the plan.
        let (outcome, result) = super::setup::install(exec, context, &tools.missing);
        if let Err(error) = result {
            let failed = Err(error);
            let _ = this.append(&this.record(outcome, &failed));
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
    let delegate = driver.map(|tool| context.delegate(tool, &tools));
    let plan = match &delegate {
        None => planning::plan(&input),
        Some(delegate) => delegated::plan(&input, delegate),
    };
    if !admitted(exec, &plan, args.format)? {
        return Ok(None);
    }

    if context
        .project
        .tailwind
        .as_ref()
        .is_some_and(|tailwind| tailwind.config_file.is_some() && !tailwind.has_config())
    {
        exec.ui().note(
            "Tailwind 4 does not read `tailwind-config-file`: name it in the input (`@config \"…\";`), or set \
             LEPTOS_TAILWIND_VERSION to a version 3",
        );
    }
    // Held until everything is written that another build would write too.
    let _lock = lock::take(exec, &context.workspace.target_directory)?;
    let receipt = context.receipt(&args.selection);
    let this_build = untouched::Build {
        plan: &plan,
        input: &input,
        workspace: &context.workspace,
        toolchain: &context.toolchain,
        cargo_config: &context.cargo_config,
        receipt: &receipt,
    };
    let started = SystemTime::now();
    let (mut outcome, result) = if !args.ask_cargo && untouched::is(&this_build) {
        let step = untouched::step(started.elapsed().unwrap_or_default());
        (Outcome { steps: vec![step], ..Outcome::default() }, Ok(()))
    } else {
        let before = untouched::Sources::look(&this_build);
        let (outcome, result) = match &delegate {
            None => build::run(exec, &plan, &context.toolchain, &context.workspace.target_directory),
            Some(delegate) => delegated::run(exec, &plan, &input, &delegate.tool),
        };
        let noted = result.and_then(|()| {
            shipped::note(&input, &context.workspace, &receipt, started)?;
            untouched::note(&this_build, before, &outcome)
        });
        (outcome, noted)
    };
    let again = || recompiled::look(&context.workspace.target_directory, &outcome, started);
    let compiled_again = args.after_cook.then(again);
    outcome.steps.splice(0..0, installed.steps);
    let mut record = this.record(outcome, &result);
    if result.is_ok() {
        record.sizes = shipped::sizes(&input)?;
    }
    for again in compiled_again.iter().flatten() {
        let why = again.differences.join("; ");
        exec.ui().note(format!("{} was cooked in vain for the {} half: {why}", again.package, again.half));
    }
    record.recompiled = compiled_again;
    if result.is_ok() && is_cooked_in_vain(&record, args) {
        record.result = RunResult::Failed;
    }
    let recorded = this.append(&record);
    // The reason why the build failed matters more than a record that could not be written.
    result?;
    recorded?;
    Ok(Some(record))
}

/// Whether dependencies were compiled again although they must not be.
fn is_cooked_in_vain(record: &BuildRecord, args: &BuildArgs) -> bool {
    !args.allow_recompiled && record.recompiled.iter().flatten().next().is_some()
}

/// In a Docker build this fails the instruction, whose layer is kept nowhere then: were it kept, the next build would
/// find it and nobody would be told again.
fn cooked_in_vain(record: &BuildRecord) -> anyhow::Error {
    let again = record.recompiled.iter().flatten();
    let named: Vec<String> = again.map(|it| format!("{} ({} half)", it.package, it.half)).collect();
    Failure::new(Exit::CheckFailed, format!("dependencies were cooked in vain: {}", named.join(", ")))
        .hint(
            "give the cook exactly the flags and variables of the build (`cargo xtask generate`); \
             `--allow-recompiled` lets it pass",
        )
        .into()
}

/// Builds for another command, e.g. before the tests run. A dry run prints the build's plan in `format`.
pub fn for_command(
    exec: &Executor,
    context: &Context,
    selection: &Selection,
    format: Format,
) -> anyhow::Result<()> {
    for_command_with(exec, context, selection, format, &CargoArgs::default())
}

/// The same with flags for cargo.
pub fn for_command_with(
    exec: &Executor,
    context: &Context,
    selection: &Selection,
    format: Format,
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
            // What is tested, packed or watched is worth the third of a second.
            ask_cargo: true,
            after_cook: false,
            allow_recompiled: false,
            cargo: cargo.clone(),
            // The context knows who builds.
            driver: DriverArgs::default(),
            format,
            dry_run: exec.is_dry_run(),
        },
    )
    .map(drop)
}

/// What is known of a run before it does anything.
struct Run<'a> {
    exec: &'a Executor,
    context: &'a Context,
    profile: &'a str,
    driver: String,
    began: Instant,
    started: SystemTime,
}

impl Run<'_> {
    fn record(&self, outcome: Outcome, result: &anyhow::Result<()>) -> BuildRecord {
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
            started: chrono::DateTime::<chrono::Utc>::from(self.started).to_rfc3339(),
            project: self.context.project.name.clone(),
            profile: self.profile.to_owned(),
            driver: self.driver.clone(),
            rustc: self.context.toolchain.rustc_version.clone(),
            host: Host::probe(self.exec),
            revision: Revision::probe(self.exec, &self.context.workspace.root),
            steps: outcome.steps,
            host_units_twice,
            seconds: self.began.elapsed().as_secs_f64(),
            sizes: Vec::new(),
            recompiled: None,
        }
    }

    fn append(&self, record: &BuildRecord) -> anyhow::Result<()> {
        record::append(&self.context.workspace.target_directory, "build", record).map(drop)
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
    let driver = match context.driver {
        Driver::Native => "",
        Driver::CargoLeptos => " --driver cargo-leptos",
    };
    let demo = if context.automation.demo_args.is_empty() { "" } else { " --demo" };
    exec.ui().note(format!(
        "next: `cargo xtask serve{profile}{demo}` to see the app, `cargo xtask test{profile}{driver}` to run its tests"
    ));
}
