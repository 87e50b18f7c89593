//! `cargo xtask build`.

use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use anyhow::Context as _;

use super::context::Context;
use super::{admitted, print};
use crate::cli::{BuildArgs, CargoArgs, Selection};
use crate::exec::Executor;
use crate::exit::Exit;
use crate::facts::host::Host;
use crate::facts::revision::Revision;
use crate::leptos::build::{self, Outcome};
use crate::leptos::planning::{self, Input};
use crate::leptos::receipt::{HalfReceipt, Receipt, dep_info_sources};
use crate::leptos::units::Units;
use crate::leptos::{WASM_TARGET, site};
use crate::record::{self, BUILD_SCHEMA, BuildRecord, RunResult, Sizes};
use crate::report::{self, Format};

pub fn run(exec: &Executor, args: &BuildArgs) -> anyhow::Result<()> {
    let began = Instant::now();
    let started = SystemTime::now();
    let context = Context::load(exec, &args.selection)?;
    let mut tools = context.tools(exec)?;
    let mut installed = Outcome::default();
    if !exec.is_dry_run() && !args.server_only && !tools.missing.is_empty() {
        // Looked for again afterwards: a wasm target may come as a private sysroot, which changes the plan.
        let (outcome, result) = super::setup::install(exec, &context, &tools);
        if result.is_err() {
            let record = record_of(exec, &context, args, (began, started), outcome, &result);
            let _ = record::append(&context.workspace.target_directory, "build", &record);
            return result;
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
        return Ok(());
    }

    let (mut outcome, result) =
        build::run(exec, &plan, &context.toolchain, &context.workspace.target_directory);
    outcome.steps.splice(0..0, installed.steps);
    let result = result.and_then(|()| write_receipt(&context, &args.selection, &input, started));
    let mut record = record_of(exec, &context, args, (began, started), outcome, &result);
    if result.is_ok() {
        record.sizes = sizes(&input)?;
    }
    let recorded = record::append(&context.workspace.target_directory, "build", &record);
    // The reason why the build failed matters more than a record that could not be written.
    result?;
    recorded?;
    print(&report::build::render(&record, args.format)?)?;
    if args.format == Format::Human {
        next(exec, &context, args);
    }
    Ok(())
}

/// Builds for another command, e.g. before the tests run.
pub fn for_command(exec: &Executor, selection: &Selection) -> anyhow::Result<()> {
    run(
        exec,
        &BuildArgs {
            selection: selection.clone(),
            front_only: false,
            server_only: false,
            timings: false,
            cargo: CargoArgs::default(),
            format: Format::Human,
            dry_run: exec.is_dry_run(),
        },
    )
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

/// The sizes of what this build made.
fn sizes(input: &Input<'_>) -> anyhow::Result<Vec<Sizes>> {
    let mut sizes = Vec::new();
    if input.front {
        sizes = site::sizes(&input.project.site_root, &input.project.site_pkg_dir)?;
    }
    if input.server {
        let binary = planning::server_binary(input);
        let raw = binary.metadata().with_context(|| format!("read `{}`", binary.display()))?.len();
        let file = binary.file_name().unwrap_or_default().to_string_lossy().into_owned();
        sizes.push(Sizes { file, raw, gzip: None, brotli: None });
    }
    Ok(sizes)
}

/// Notes what each half was built from, so that `serve` can refuse a stale one.
fn write_receipt(
    context: &Context,
    selection: &Selection,
    input: &Input<'_>,
    started: SystemTime,
) -> anyhow::Result<()> {
    let path = context.receipt(selection);
    let mut receipt = Receipt::read(&path);
    if input.front {
        let dep_info = planning::compiled_wasm(input).with_extension("d");
        let mut sources = sources(context, &dep_info)?;
        sources.extend(input.project.style_sources.iter().cloned());
        let assets: Vec<PathBuf> = input.project.assets_dir.iter().cloned().collect();
        let shipped = site::sizes(&input.project.site_root, &input.project.site_pkg_dir)?;
        let mut artifacts: Vec<PathBuf> =
            shipped.iter().map(|size| input.project.site_root.join(&size.file)).collect();
        artifacts.extend(planning::hash_file(input));
        receipt.front = Some(HalfReceipt::of(started, sources, &assets, artifacts)?);
    }
    if input.server {
        let binary = planning::server_binary(input);
        let sources = sources(context, &binary.with_extension("d"))?;
        receipt.server = Some(HalfReceipt::of(started, sources, &[], vec![binary])?);
    }
    receipt.write(&path)
}

/// What cargo says that a half was compiled from, and the manifests beside it.
fn sources(context: &Context, dep_info: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut sources = dep_info_sources(dep_info)?;
    let root = &context.workspace.root;
    let of_half: Vec<PathBuf> = context
        .workspace
        .packages
        .iter()
        .filter(|package| {
            let folder = package.manifest_path.parent().unwrap_or(root);
            folder != root && sources.iter().any(|source| source.starts_with(folder))
        })
        .map(|package| package.manifest_path.clone())
        .collect();
    sources.extend(of_half);
    let shared = ["Cargo.toml", "Cargo.lock", ".cargo/config.toml", "rust-toolchain.toml"];
    sources.extend(shared.iter().map(|file| root.join(file)).filter(|file| file.exists()));
    Ok(sources)
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
        "next: `cargo xtask serve{profile}{demo}` to see the app, `cargo xtask test` to run its tests"
    ));
}
