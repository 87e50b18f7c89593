//! `cargo xtask bench compare`.

use super::super::print;
use super::runs::{self, Runs};
use crate::bench::choice::choose;
use crate::bench::compare;
use crate::cli::bench::compare::CompareArgs;
use crate::exec::Executor;
use crate::report;

/// Compares two runs; the report comes before the failure. Changes nothing.
pub fn run(exec: &Executor, args: &CompareArgs) -> anyhow::Result<()> {
    let Runs { history, class, .. } = runs::load(exec, &args.host)?;
    let before = choose(&history, class.as_deref(), &args.before)?;
    let after = choose(&history, class.as_deref(), &args.after)?;
    let result = compare::compare(&before, &after, args.threshold)?;
    print(&report::bench_compare::render(&result, args.format)?)?;
    compare::failure(&result).map_or(Ok(()), |failure| Err(failure.into()))
}
