//! `cargo xtask bench history`.

use anyhow::Context as _;

use super::super::print;
use super::runs::{self, Runs};
use crate::bench::choice;
use crate::bench::history::{is_same, read};
use crate::bench::trend::trend;
use crate::cli::bench::history::HistoryArgs;
use crate::exec::Executor;
use crate::report;

/// Lists the runs that are kept, or keeps one more.
pub fn run(exec: &Executor, args: &HistoryArgs) -> anyhow::Result<()> {
    let runs = runs::load(exec, &args.host)?;
    match &args.keep {
        Some(text) => keep(exec, &runs, text),
        None => print(&report::bench_history::render(
            &trend(&runs.history, runs.class.as_deref(), args.limit),
            args.format,
        )?),
    }
}

/// Appends a run to the committed history, where it is not there as it is now. A run that was resumed since is
/// there twice then, and the later line counts.
fn keep(exec: &Executor, runs: &Runs, text: &str) -> anyhow::Result<()> {
    let Some(file) = &runs.committed else {
        return Err(runs::no_file().into());
    };
    let record = choice::choose(&runs.history, runs.class.as_deref(), text)?;
    let kept = read(&runs.root, std::slice::from_ref(file))?.runs;
    if kept.iter().any(|run| is_same(run, &record) && run.updated == record.updated) {
        exec.ui().note(format_args!("run {} is in {} already", record.id, file.display()));
        return Ok(());
    }
    let mut line = serde_json::to_vec(&record).context("serialise the record")?;
    line.push(b'\n');
    exec.append_file(file, &line)?;
    exec.ui().status("Kept", format_args!("run {} in {}", record.id, file.display()));
    Ok(())
}
