//! The report of one build: the step table, the sizes of what ships, and the units compiled twice.

use super::table::{Align, Table};
use super::{Format, bytes, seconds};
use crate::record::{BuildRecord, Sizes, StepRecord, StepState};

/// Renders a build in the format asked for.
pub fn render(record: &BuildRecord, format: Format) -> anyhow::Result<String> {
    Ok(match format {
        Format::Json => serde_json::to_string_pretty(record)? + "\n",
        Format::Human => {
            tables(record).iter().map(Table::human).collect::<Vec<_>>().join("\n") + &twice(record)
        }
        Format::Markdown => {
            tables(record).iter().map(Table::markdown).collect::<Vec<_>>().join("\n") + &twice(record)
        }
    })
}

fn tables(record: &BuildRecord) -> Vec<Table> {
    let mut tables = vec![steps(record)];
    if !record.sizes.is_empty() {
        tables.push(sizes(&record.sizes));
    }
    tables
}

fn steps(record: &BuildRecord) -> Table {
    let mut table = Table::new(&[
        ("step", Align::Left),
        ("seconds", Align::Right),
        ("CPU s", Align::Right),
        ("compiled", Align::Right),
        ("fresh", Align::Right),
        ("", Align::Left),
    ]);
    for step in &record.steps {
        let count =
            |number: fn(&StepRecord) -> Option<usize>| number(step).map_or(String::new(), |n| n.to_string());
        table.row(vec![
            step.name.clone(),
            seconds(step.seconds),
            step.cpu_seconds.map_or(String::new(), seconds),
            count(|step| step.units.as_ref().map(|units| units.compiled)),
            count(|step| step.units.as_ref().map(|units| units.fresh)),
            detail(step),
        ]);
    }
    let measured: Vec<f64> = record.steps.iter().filter_map(|step| step.cpu_seconds).collect();
    let cpu = if measured.is_empty() { String::new() } else { seconds(measured.iter().sum()) };
    table.row(vec!["total".to_owned(), seconds(record.seconds), cpu]);
    table
}

fn detail(step: &StepRecord) -> String {
    let state = match step.state {
        StepState::Ran => "",
        StepState::Fresh => "unchanged",
        StepState::Restored => "from the cache",
        StepState::Failed => "failed",
    };
    [state, &step.detail].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ")
}

fn sizes(sizes: &[Sizes]) -> Table {
    let mut table = Table::new(&[
        ("ships", Align::Left),
        ("raw", Align::Right),
        ("gzip", Align::Right),
        ("brotli", Align::Right),
    ]);
    for size in sizes {
        let variant = |size: Option<u64>| size.map_or(String::new(), bytes);
        table.row(vec![size.file.clone(), bytes(size.raw), variant(size.gzip), variant(size.brotli)]);
    }
    table
}

fn twice(record: &BuildRecord) -> String {
    match &record.host_units_twice {
        None => String::new(),
        Some(units) if units.is_empty() => "\nhost units compiled twice: 0\n".to_owned(),
        Some(units) => format!("\nhost units compiled twice: {} ({})\n", units.len(), units.join(", ")),
    }
}
