//! `cargo xtask ci bench`: `bench`, with the run, the trend and the budgets in the summary.

use super::super::bench;
use super::Outputs;
use crate::ci::summary::Summary;
use crate::cli::ci::CiBenchArgs;
use crate::exec::Executor;
use crate::exit::Failure;
use crate::report::{self, Format};

/// Measures, appends the run to the history that is here, tells it beside the runs before, and fails as `bench` does.
pub fn measure(exec: &Executor, args: &CiBenchArgs, summary: &mut Summary) -> anyhow::Result<Outputs> {
    summary.begin("configuration");
    if args.run.apply {
        return Err(Failure::usage(
            "`--apply` changes the cargo configuration of a machine that is gone afterwards",
        )
        .hint("leave it out, or run `cargo xtask bench --apply` on a machine that stays")
        .into());
    }
    summary.begin("measurement");
    let Some(measured) = bench::measure(exec, &args.run)? else { return Ok(Outputs::new()) };
    let record = &measured.record;
    summary.add(report::bench::render(record, Format::Markdown)?);
    summary.add(format!(
        "#### The last {} runs on {}\n\n{}",
        bench::TREND,
        record.host.class,
        bench::trend(exec)?
    ));
    summary.begin("budgets");
    bench::judged(record)?;
    Ok(Outputs::from([("run", record.id.clone())]))
}
