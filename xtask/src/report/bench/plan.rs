//! What a run is going to measure, before it does.

use super::super::table::{Align, Table};
use super::super::{Format, seconds};
use crate::record::bench::Comparison;

/// One line a comparison. JSON is the comparisons themselves, and not made here.
pub fn plan(comparisons: &[Comparison], format: Format) -> String {
    let mut table = Table::new(&[
        ("comparison", Align::Left),
        ("arms", Align::Left),
        ("runs", Align::Right),
        ("seconds", Align::Right),
    ]);
    for comparison in comparisons {
        let arms = comparison.arms.iter().map(|arm| match &arm.unavailable {
            None => arm.name.clone(),
            Some(_) => format!("({})", arm.name),
        });
        table.row(vec![
            comparison.id.clone(),
            arms.collect::<Vec<_>>().join(", "),
            comparison.runs.to_string(),
            comparison.estimated_seconds.map_or("?".to_owned(), seconds),
        ]);
    }
    let missing = comparisons.iter().flat_map(|comparison| &comparison.arms);
    let mut reasons: Vec<String> = missing
        .filter_map(|arm| Some(format!("({}): not measured, {}", arm.name, arm.unavailable.as_ref()?)))
        .collect();
    reasons.sort();
    reasons.dedup();
    let table = if format == Format::Markdown { table.markdown() } else { table.human() };
    if reasons.is_empty() { table } else { format!("{table}{}\n", reasons.join("\n")) }
}
