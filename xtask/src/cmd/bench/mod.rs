//! `cargo xtask bench`: from what was asked and what is there to a plan of comparisons, their measurement, and its
//! report.

mod apply;
mod available;
pub mod compare;
pub mod history;
mod notes;
pub mod report;
mod runs;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::context::Context;
use super::print;
use crate::bench::checkout::Checkout;
use crate::bench::estimate::Estimates;
use crate::bench::journal::{self, Journal};
use crate::bench::matrix::{Planned, matrix};
use crate::bench::request::Request;
use crate::bench::run::Bench;
use crate::bench::samples::minutes;
use crate::bench::scenario::Scenario;
use crate::bench::subject::{self, Subject};
use crate::bench::{budget, named, verdict};
use crate::cli::bench::RunArgs;
use crate::cli::bench::history::HostArgs;
use crate::config::environment;
use crate::exec::{Executor, FileLock};
use crate::exit::{Exit, Failure};
use crate::facts::host::Host;
use crate::facts::revision::Revision;
use crate::leptos::planning;
use crate::record::bench::{BENCH_SCHEMA, BenchRecord, BenchResult, Definition, ToolVersion};
use crate::report::Format;

/// For how long another run may still be ending.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);

/// The variable that tells cargo where to keep what is no result.
const BUILD_DIR: &str = "CARGO_BUILD_BUILD_DIR";

/// How many runs a trend shows.
pub const TREND: usize = 10;

/// A run that came to its end.
pub struct Finished {
    pub record: BenchRecord,
    /// The page with plots.
    pub page: PathBuf,
}

pub fn run(exec: &Executor, args: &RunArgs) -> anyhow::Result<()> {
    let Some(Finished { record, page }) = measure(exec, args)? else { return Ok(()) };
    print(&crate::report::bench::render(&record, args.format)?)?;
    if args.format == Format::Human {
        exec.ui().note(format_args!("every sample as a picture: {}", page.display()));
    }
    if args.apply {
        apply::apply(exec, &Context::load(exec, &args.selection)?, &record)?;
    }
    judged(&record)
}

/// The latest runs on this class of host as a table, in Markdown.
pub fn trend(exec: &Executor) -> anyhow::Result<String> {
    let runs = runs::load(exec, &HostArgs::default())?;
    let trend = crate::bench::trend::trend(&runs.history, runs.class.as_deref(), TREND);
    crate::report::bench_history::render(&trend, Format::Markdown)
}

/// Measures, and keeps what came out; `None` in a dry run, which prints what would be measured.
pub fn measure(exec: &Executor, args: &RunArgs) -> anyhow::Result<Option<Finished>> {
    let context = Context::load(exec, &args.selection)?;
    install_missing(exec, &context)?;
    let subject = subject_of(exec, &context, &args.selection.profile)?;
    let folder = context.workspace.target_directory.join("xtask/bench");
    let host = Host::probe(exec);
    let request = request(args);
    // Before anything is looked at: looking, too, writes to the run's folders.
    let _lock = if exec.is_dry_run() { None } else { Some(lock(exec, &folder)?) };
    let (available, place, tools) = available::look(exec, &context, &subject, &folder, &request)?;
    let history = runs::load(exec, &HostArgs::default())?.history;
    let is_like = |run: &&BenchRecord| run.project == subject.project && run.host.class == host.class;
    let earlier: Vec<BenchRecord> = history.runs.iter().filter(is_like).cloned().collect();
    let estimates = Estimates::new(
        &earlier,
        &cold_builds(&context.workspace.target_directory, &args.selection.profile),
        locked_packages(&context.workspace.root),
        host.cores.unwrap_or(1),
    );
    let (planned, mut notes) = matrix(&request, &available, &estimates);
    if planned.is_empty() {
        let message = "there is nothing to measure";
        let hint = notes
            .first()
            .cloned()
            .unwrap_or("`cargo xtask bench --help` lists scenarios and axes".to_owned());
        return Err(Failure::usage(message).hint(hint).into());
    }
    notes.extend(notes::bucket(&planned));
    tell_plan(exec, &planned, &notes, args)?;
    named::refuse(&request, &available)?;
    if exec.is_dry_run() {
        return Ok(None);
    }

    let mut record = new_record(exec, &context, &subject, host, tools, &planned);
    record.arguments = Some(args.asked());
    record.notes = notes;
    record.notes.extend(notes::caveats(exec, &context, &planned)?);
    let runs = folder.join("runs");
    let target = &context.workspace.target_directory;
    let checkout = Checkout::make(exec, &subject.root, &folder.join("app"), target)?;
    record.notes.extend(checkout.note().map(str::to_owned));
    record.plan_digest = journal::digest(&checkout.digest(), &record.comparisons, &record.tools)?;
    if args.resume {
        record = resumed(&runs, record)?;
    }
    let mut bench = Bench::new(exec, subject, &folder, checkout, place, Journal::new(&runs, record))?;
    bench.journal.save()?;
    let result = bench.run(&planned);
    let journal = bench.end();
    finish(exec, &context, args, &folder, journal, &earlier, result).map(Some)
}

/// One run at a time: another one would delete this one's copy of the workspace, and measure what this one does.
fn lock(exec: &Executor, folder: &Path) -> anyhow::Result<FileLock> {
    let path = folder.with_extension("lock");
    FileLock::take_within(exec, &path, "another `bench` of this workspace", LOCK_PATIENCE)
}

/// The run's line in the history, and its page.
fn finish(
    exec: &Executor,
    context: &Context,
    args: &RunArgs,
    folder: &Path,
    mut journal: Journal,
    earlier: &[BenchRecord],
    result: anyhow::Result<()>,
) -> anyhow::Result<Finished> {
    if !args.keep {
        for kept in ["app", "targets", "scratch", "place"] {
            let _ = std::fs::remove_dir_all(folder.join(kept));
        }
    }
    let record = &mut journal.record;
    let before: Vec<&BenchRecord> = earlier.iter().filter(|run| run.id != record.id).collect();
    record.budgets = budget::checks(record, &context.automation.bench.budgets, &before);
    journal.save()?;
    let path = journal.path().to_owned();
    let record = journal.record;
    if let Err(error) = result {
        if !record.samples.is_empty() {
            exec.ui().note(format_args!(
                "{} samples are kept in {}; `cargo xtask bench --resume` with the same arguments goes on",
                record.samples.len(),
                path.display()
            ));
        }
        return Err(error);
    }
    crate::record::append(&context.workspace.target_directory, runs::RECORDS, &record)?;
    let page = path.with_extension("html");
    crate::exec::replace_file(&page, crate::report::bench::html::html(&record, earlier).as_bytes())?;
    Ok(Finished { record, page })
}

/// The exit code: an arm that could not be built, or a budget that was not kept.
pub fn judged(record: &BenchRecord) -> anyhow::Result<()> {
    let broken: Vec<String> = record
        .samples
        .iter()
        .filter(|sample| sample.invalid.is_some())
        .map(|sample| format!("{} {}", sample.comparison, sample.arm))
        .collect();
    if !broken.is_empty() {
        let message = format!("could not be measured: {}", broken.join(", "));
        return Err(Failure::new(Exit::CommandFailed, message)
            .hint("the report says why; the other figures stand")
            .into());
    }
    budget::failure(&record.budgets).map_or(Ok(()), |failure| Err(failure.into()))
}

fn request(args: &RunArgs) -> Request {
    Request {
        profile: args.selection.profile.clone(),
        scenarios: args.scenario.clone(),
        axes: args.axis.clone(),
        variants: args.variant.clone(),
        runs: args.runs.map(usize::from),
        full: args.full,
        budget: args.minutes.map(|minutes| f64::from(minutes) * 60.0),
    }
}

/// What a build needs, so that no sample installs anything.
fn install_missing(exec: &Executor, context: &Context) -> anyhow::Result<()> {
    let missing = context.tools(exec)?.missing;
    if exec.is_dry_run() || missing.is_empty() {
        return Ok(());
    }
    super::setup::install(exec, context, &missing).1
}

fn subject_of(exec: &Executor, context: &Context, profile: &str) -> anyhow::Result<Subject> {
    let tools = context.tools(exec)?;
    let rustflags = context.rustflags(&tools);
    let input = context.plan_input(&tools, &rustflags, &[]);
    let server = planning::server_binary(&input);
    let project = &context.project;
    let configured = [
        (Scenario::PatchServer, &context.automation.bench.patch_server),
        (Scenario::PatchUi, &context.automation.bench.patch_ui),
        (Scenario::PatchCore, &context.automation.bench.patch_core),
    ];
    let configured: BTreeMap<Scenario, PathBuf> = configured
        .into_iter()
        .filter_map(|(scenario, file)| Some((scenario, PathBuf::from(file.clone()?))))
        .collect();
    let (lines, mut impossible) = subject::lines(
        &context.workspace,
        &project.lib_package.name,
        &project.bin_package.name,
        &project.bin_target,
        &configured,
    );
    if input.tools.wasm_opt.is_none() {
        impossible.insert(Scenario::WasmOpt, format!("the profile {profile} runs no wasm-opt"));
    }
    // What the process has is inherited.
    let mut settings = environment::read(&context.workspace.root)?;
    settings.retain(|name, _| std::env::var_os(name).is_none());
    let (server, target_folders) = folders(context, &server);
    Ok(Subject {
        root: context.workspace.root.clone(),
        project: project.name.clone(),
        host: context.toolchain.host.clone(),
        cargo: context.toolchain.cargo.clone(),
        rustc: crate::tools::rustc(&context.toolchain),
        xtask: std::env::current_exe()?,
        server,
        server_crate: project.bin_target.clone(),
        target_folders,
        settings,
        lines,
        impossible,
    })
}

/// Where the server is in the copy, relative to the target directory, and the variables that keep every folder that
/// builds write to below it: what is elsewhere would be there still when the next build begins from nothing.
fn folders(context: &Context, server: &Path) -> (PathBuf, BTreeMap<String, PathBuf>) {
    let target_directory = &context.workspace.target_directory;
    let mut variables = BTreeMap::new();
    let mut place = PathBuf::new();
    let own = context.project.bin_target_dir.as_ref().map(|own| context.workspace.root.join(own));
    if let Some(own) = &own {
        place = subject::server_folder(own, target_directory);
        variables.insert("LEPTOS_BIN_TARGET_DIR".to_owned(), place.clone());
    }
    let has_between = std::env::var_os(BUILD_DIR).is_some();
    if has_between || context.cargo_config.value("/build/build-dir").is_some() {
        variables.insert(BUILD_DIR.to_owned(), PathBuf::new());
    }
    let below = server.strip_prefix(own.as_ref().unwrap_or(target_directory)).unwrap_or(server);
    (place.join(below), variables)
}

fn new_record(
    exec: &Executor,
    context: &Context,
    subject: &Subject,
    host: Host,
    tools: Vec<ToolVersion>,
    planned: &[Planned],
) -> BenchRecord {
    let now = chrono::Utc::now();
    let revision = Revision::probe(exec, &context.workspace.root);
    let comparisons: Vec<_> = planned.iter().map(|planned| planned.comparison.clone()).collect();
    let mut definitions: Vec<Definition> = Vec::new();
    for planned in planned {
        let scenario = planned.scenario;
        if !definitions.iter().any(|definition| definition.word == scenario.name()) {
            definitions.push(Definition {
                word: scenario.name().to_owned(),
                meaning: scenario.meaning().to_owned(),
            });
        }
    }
    definitions.extend(verdict::definitions());
    BenchRecord {
        schema: BENCH_SCHEMA.to_owned(),
        id: now.format("%Y%m%d-%H%M%S").to_string(),
        result: BenchResult::Unfinished,
        started: now.to_rfc3339(),
        updated: now.to_rfc3339(),
        seconds: 0.0,
        project: subject.project.clone(),
        arguments: None,
        plan_digest: String::new(),
        host,
        tools,
        revision,
        noise: None,
        definitions,
        comparisons,
        samples: Vec::new(),
        verdicts: Vec::new(),
        budgets: Vec::new(),
        timelines: Vec::new(),
        notes: Vec::new(),
    }
}

fn resumed(runs: &Path, record: BenchRecord) -> anyhow::Result<BenchRecord> {
    let Some(mut earlier) = journal::resumable(runs, &record.plan_digest) else {
        let message = format!("there is no run in {} that ended early and had this plan", runs.display());
        return Err(Failure::usage(message)
            .hint("sources, tools and arguments have to be the same; leave `--resume` out to begin anew")
            .into());
    };
    earlier.result = BenchResult::Unfinished;
    Ok(earlier)
}

/// The plan, before anything is done: to standard output where it is all that was asked for.
fn tell_plan(exec: &Executor, planned: &[Planned], notes: &[String], args: &RunArgs) -> anyhow::Result<()> {
    let comparisons: Vec<_> = planned.iter().map(|planned| planned.comparison.clone()).collect();
    let text = match args.format {
        Format::Json => serde_json::to_string_pretty(&comparisons)? + "\n",
        format => crate::report::bench::plan::plan(&comparisons, format),
    };
    if exec.is_dry_run() {
        print(&text)?;
    } else {
        for line in crate::report::bench::plan::plan(&comparisons, Format::Human).lines() {
            exec.ui().status("", line);
        }
    }
    for note in notes {
        exec.ui().note(note);
    }
    let estimates: Option<Vec<f64>> =
        comparisons.iter().map(|comparison| comparison.estimated_seconds).collect();
    match estimates {
        Some(estimates) => exec.ui().note(format_args!(
            "about {}, by estimate; dependencies are fetched and noise is measured first",
            minutes(estimates.iter().sum())
        )),
        None => exec.ui().note("nothing has been built here yet, so nobody knows how long this will take"),
    }
    Ok(())
}

/// Seconds of the builds of this profile that compiled everything.
fn cold_builds(target_directory: &Path, profile: &str) -> Vec<f64> {
    let text =
        std::fs::read_to_string(target_directory.join("xtask/records/build.jsonl")).unwrap_or_default();
    let cold = |line: &str| {
        let record: serde_json::Value = serde_json::from_str(line).ok()?;
        let steps = record["steps"].as_array()?;
        let first = steps.iter().find_map(|step| step["units"].as_object())?;
        let whole = record["host_units_twice"].is_array() && record["result"] == "ok";
        (whole && record["profile"] == profile && first["fresh"] == 0).then(|| record["seconds"].as_f64())?
    };
    text.lines().filter_map(cold).collect()
}

fn locked_packages(root: &Path) -> usize {
    let lock = std::fs::read_to_string(root.join("Cargo.lock")).unwrap_or_default();
    lock.lines().filter(|line| *line == "[[package]]").count()
}
