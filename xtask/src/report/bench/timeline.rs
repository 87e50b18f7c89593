//! The section that says where the time of one build went. Every table has its most expensive rows and says how many it
//! leaves out.

use super::document::Grid;
use super::never_kept;
use super::words::{self, MISSING};
use super::{Plot, Section};
use crate::record::bench::BenchRecord;
use crate::record::bench::timeline::{TimedUnit, Timeline};

/// Rows of a table at most.
const ROWS: usize = 10;
const TITLE: &str = "Where the time goes";

/// The section of the timeline with this index. Where there is one alone, its place needs no name.
pub fn section(record: &BenchRecord, index: usize) -> Section {
    let timeline = &record.timelines[index];
    let (id, title) = match (index, record.timelines.len()) {
        (0, 1) => ("time".to_owned(), TITLE.to_owned()),
        (0, _) => ("time".to_owned(), format!("{TITLE}: {}, {}", timeline.comparison, timeline.arm)),
        _ => (format!("time-{}", index + 1), format!("{TITLE}: {}, {}", timeline.comparison, timeline.arm)),
    };
    let parallel = words::count(timeline.jobs, "unit");
    let introduction = format!(
        "One build of {}, arm {}: {} in {}, at most {parallel} at the same time.",
        timeline.comparison,
        timeline.arm,
        words::count(timeline.units.len(), "unit"),
        words::time(timeline.seconds),
    );
    let section = Section::new(&id, &title).plot(Plot::Timeline(index)).paragraph(introduction);
    let section = match never_kept::told(record, timeline) {
        Some(told) => section.paragraph(told),
        None => section,
    };
    section
        .grid(slowest(timeline))
        .grid(kinds(timeline))
        .grid(steps(timeline))
        .grid(serial(timeline))
        .grid(critical_path(timeline))
        .grid(duplicates(timeline))
}

/// As people name a unit: `leptos (lib, server)`.
pub fn name(unit: &TimedUnit) -> String {
    format!("{} ({}, {})", unit.package, unit.kind, unit.half)
}

/// Seconds, or that they are not known.
pub fn known(seconds: Option<f64>) -> String {
    seconds.map_or(MISSING.to_owned(), words::time)
}

/// The rows with the greatest cost, in their own order, and how the caption says what is left out.
fn most<T>(all: &[T], cost: impl Fn(&T) -> f64) -> (Vec<&T>, String) {
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by(|a, b| cost(&all[*b]).total_cmp(&cost(&all[*a])));
    let (shown, rest) = order.split_at(ROWS.min(order.len()));
    let mut shown = shown.to_vec();
    shown.sort_unstable();
    let left_out: f64 = rest.iter().map(|index| cost(&all[*index])).sum();
    let caption = match rest.len() {
        0 => String::new(),
        count => format!(" (the longest {ROWS}; {count} more took {})", words::time(left_out)),
    };
    (shown.into_iter().map(|index| &all[index]).collect(), caption)
}

fn slowest(timeline: &Timeline) -> Grid {
    let (mut units, rest) = most(&timeline.units, |unit| unit.seconds);
    units.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    let columns = ["unit", "version", ">time", ">front end", ">code generation", ">of that linking"];
    let mut grid = Grid::new(format!("Slowest units{rest}"), &columns);
    for unit in units {
        grid.row(vec![
            name(unit),
            unit.version.clone(),
            words::time(unit.seconds),
            known(unit.frontend_seconds),
            known(unit.codegen_seconds),
            known(unit.link_seconds),
        ]);
    }
    grid
}

fn kinds(timeline: &Timeline) -> Grid {
    let columns = ["kind", ">units", ">time", ">front end", ">code generation", ">of that linking"];
    let mut grid = Grid::new("Totals by kind of unit", &columns);
    // A sum of what cargo tells of no unit is zero, and not known.
    let some = |seconds: f64| known((seconds > 0.0).then_some(seconds));
    for kind in &timeline.kinds {
        grid.row(vec![
            kind.kind.clone(),
            kind.units.to_string(),
            words::time(kind.seconds),
            some(kind.frontend_seconds),
            some(kind.codegen_seconds),
            some(kind.link_seconds),
        ]);
    }
    grid
}

fn steps(timeline: &Timeline) -> Grid {
    let mut grid = Grid::new("Steps that are no units", &["step", ">begins at", ">time"]);
    for step in &timeline.steps {
        grid.row(vec![step.name.clone(), words::time(step.start), words::time(step.seconds)]);
    }
    grid
}

fn serial(timeline: &Timeline) -> Grid {
    let (stretches, rest) = most(&timeline.serial, |stretch| stretch.seconds);
    let sum: f64 = timeline.serial.iter().map(|stretch| stretch.seconds).sum();
    let caption = format!("Serial stretches, {} together: at most one unit ran{rest}", words::time(sum));
    let mut grid = Grid::new(caption, &[">begins at", ">time", "what ran"]);
    for stretch in stretches {
        grid.row(vec![words::time(stretch.start), words::time(stretch.seconds), stretch.what.clone()]);
    }
    grid
}

fn critical_path(timeline: &Timeline) -> Grid {
    let (entries, rest) = most(&timeline.critical_path, |entry| entry.seconds);
    let sum: f64 = timeline.critical_path.iter().map(|entry| entry.seconds).sum();
    let caption = format!("Critical path, {} together: what the end waited for{rest}", words::time(sum));
    let mut grid = Grid::new(caption, &[">begins at", ">waited", "unit"]);
    for entry in entries {
        grid.row(vec![words::time(entry.start), words::time(entry.seconds), entry.what.clone()]);
    }
    grid
}

fn duplicates(timeline: &Timeline) -> Grid {
    let (duplicates, rest) = most(&timeline.duplicates, |duplicate| duplicate.extra_seconds);
    let columns = ["package", "versions", ">times", ">at most saved by one", "why"];
    let mut grid = Grid::new(format!("Compiled more than once{rest}"), &columns);
    for duplicate in duplicates {
        grid.row(vec![
            duplicate.package.clone(),
            duplicate.versions.join(", "),
            duplicate.times.to_string(),
            words::time(duplicate.extra_seconds),
            duplicate.reason.clone(),
        ]);
    }
    grid
}
