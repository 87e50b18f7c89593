//! `cargo xtask bench history`.

use super::super::print;
use super::runs;
use crate::bench::trend::trend;
use crate::cli::bench::history::HistoryArgs;
use crate::exec::Executor;
use crate::report;

/// Lists the runs that are kept. Changes nothing.
pub fn run(exec: &Executor, args: &HistoryArgs) -> anyhow::Result<()> {
    let (history, class) = runs::load(exec, &args.host)?;
    print(&report::bench_history::render(&trend(&history, class.as_deref(), args.limit), args.format)?)
}
