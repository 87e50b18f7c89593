//! The reports of `bench`: tables for a terminal and for Markdown, the record as JSON, one HTML file with plots, and
//! the committed page of figures. A report says what the record says; median, least and most of samples are all that
//! it computes (`figures.rs`).
//!
//! What is said is made once, as sections (`report/page/document.rs`), so that every format has the same numbers.

pub mod baseline;
pub mod html;
pub mod plan;

mod activity;
mod comparison;
mod figures;
mod general;
mod never_kept;
mod predecessors;
mod timeline;
mod words;

#[cfg(test)]
mod baseline_tests;
#[cfg(test)]
pub(crate) mod records_tests;
#[cfg(test)]
mod schema_tests;
#[cfg(test)]
mod text_tests;
#[cfg(test)]
pub(crate) mod timelines_tests;

use super::Format;
use super::page::document;
use crate::record::bench::BenchRecord;

/// A section of these reports.
type Section = document::Section<Plot>;

/// What is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plot {
    /// The comparison with this index.
    Comparison(usize),
    /// The timeline with this index.
    Timeline(usize),
}

/// Renders a run in the format asked for.
///
/// # Errors
/// Fails where the record cannot be serialised, which no record that was read from a file does.
pub fn render(record: &BenchRecord, format: Format) -> anyhow::Result<String> {
    Ok(match format {
        Format::Json => serde_json::to_string_pretty(record)? + "\n",
        Format::Human => {
            let mut found = found(record);
            // On a terminal the end is what one sees.
            found.rotate_left(1);
            document::human(&title(record), &joined(background(record), found))
        }
        Format::Markdown => document::markdown(&title(record), 2, &joined(found(record), background(record))),
    })
}

fn title(record: &BenchRecord) -> String {
    format!("Benchmark of {}", record.project)
}

fn joined(first: Vec<Section>, then: Vec<Section>) -> Vec<Section> {
    first.into_iter().chain(then).collect()
}

/// What was found, what matters most first.
fn found(record: &BenchRecord) -> Vec<Section> {
    let comparisons = (0..record.comparisons.len()).map(|index| comparison::section(record, index));
    [general::in_short(record)]
        .into_iter()
        .chain(comparisons)
        .chain([activity::section(record)])
        .chain((0..record.timelines.len()).map(|index| timeline::section(record, index)))
        .chain(general::budgets(record))
        .chain(general::notes(record))
        .collect()
}

/// On what, and what the words of it mean.
fn background(record: &BenchRecord) -> Vec<Section> {
    vec![general::run(record), general::definitions(record), general::noise(record)]
}
