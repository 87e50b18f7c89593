//! `cargo xtask bench report`.

use super::runs::{self, Runs};
use crate::bench::choice;
use crate::cli::bench::report::ReportArgs;
use crate::cmd::print;
use crate::exec::Executor;
use crate::report;

pub fn run(exec: &Executor, args: &ReportArgs) -> anyhow::Result<()> {
    if args.baseline {
        let (root, committed) = runs::committed(exec)?;
        let is_there = |file: &str| root.join(file).is_file();
        return print(&report::bench::baseline::baseline(&committed.runs, is_there));
    }
    let Runs { history, class, .. } = runs::load(exec, &args.host)?;
    let record = choice::choose(&history, class.as_deref(), &args.run)?;
    if let Some(file) = &args.html {
        let earlier: Vec<_> = history.earlier_like(&record).into_iter().cloned().collect();
        exec.write_file(file, report::bench::html::html(&record, &earlier).as_bytes())?;
        exec.ui().note(format_args!("the page with plots: {}", file.display()));
    }
    print(&report::bench::render(&record, args.format)?)
}
