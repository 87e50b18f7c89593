//! `cargo xtask bench report`.

use super::runs::{self, Runs};
use crate::bench::choice;
use crate::cli::bench::report::ReportArgs;
use crate::cmd::print;
use crate::exec::Executor;
use crate::exit::Failure;
use crate::report;

pub fn run(exec: &Executor, args: &ReportArgs) -> anyhow::Result<()> {
    let Runs { history, class, .. } = runs::load(exec, &args.host)?;
    if args.baseline {
        let is_meant =
            |class: &Option<String>, of_run: &str| class.as_deref().is_none_or(|class| class == of_run);
        let meant: Vec<_> =
            history.runs.iter().filter(|run| is_meant(&class, &run.host.class)).cloned().collect();
        if meant.is_empty() {
            let message = "there is no run on this class of host to make the page from";
            return Err(Failure::usage(message).hint("run `cargo xtask bench`").into());
        }
        return print(&report::bench::baseline::baseline(&meant));
    }
    let record = choice::choose(&history, class.as_deref(), &args.run)?;
    if let Some(file) = &args.html {
        let earlier: Vec<_> = history.earlier_like(&record).into_iter().cloned().collect();
        exec.write_file(file, report::bench::html::html(&record, &earlier).as_bytes())?;
        exec.ui().note(format_args!("the page with plots: {}", file.display()));
    }
    print(&report::bench::render(&record, args.format)?)
}
