//! The reports of `monitor`: tables for a terminal and for Markdown, the record as JSON, and one HTML file with plots.
//!
//! What is said is made once, as sections (`sections.rs`), so that every format has the same numbers.

mod html;
mod plot;
mod sections;

#[cfg(test)]
pub(crate) mod records_tests;
#[cfg(test)]
mod text_tests;

use super::Format;
use super::page::{document, words};
use crate::record::monitor::MonitorRecord;

pub use html::html;

/// A section of these reports.
type Section = document::Section<Plot>;

/// What is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plot {
    /// Every run of every series.
    Runs,
    /// The sizes of images.
    Images,
}

/// Renders a look in the format asked for.
///
/// # Errors
/// Fails where the record cannot be serialised, which no record that was read from a file does.
pub fn render(record: &MonitorRecord, format: Format) -> anyhow::Result<String> {
    rendered(record, format, &title(record), sections::all(record))
}

/// The same with the last seven days beside the seven before.
///
/// # Errors
/// As [`render`].
pub fn weekly(record: &MonitorRecord, format: Format) -> anyhow::Result<String> {
    rendered(record, format, &weekly_title(record), sections::weekly(record))
}

/// The alerts alone.
///
/// # Errors
/// As [`render`].
pub fn alerts(record: &MonitorRecord, format: Format) -> anyhow::Result<String> {
    let lines = sections::alert_lines(record);
    Ok(match format {
        Format::Json => json(record)?,
        _ if lines.is_empty() => "Nothing to tell.\n".to_owned(),
        Format::Human => lines.iter().map(|line| format!("{}\n", words::clean(line))).collect(),
        Format::Markdown => lines.iter().map(|line| format!("- {}\n", document::escaped(line))).collect(),
    })
}

fn rendered(
    record: &MonitorRecord,
    format: Format,
    title: &str,
    mut sections: Vec<Section>,
) -> anyhow::Result<String> {
    Ok(match format {
        Format::Json => json(record)?,
        Format::Human => {
            // On a terminal the end is what one sees.
            sections.rotate_left(1);
            document::human(title, &sections)
        }
        Format::Markdown => document::markdown(title, 2, &sections),
    })
}

fn json(record: &MonitorRecord) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(record)? + "\n")
}

/// What it is of.
fn place(record: &MonitorRecord) -> &str {
    record.repository.as_deref().unwrap_or("this machine")
}

fn title(record: &MonitorRecord) -> String {
    format!("What has run: {}", place(record))
}

fn weekly_title(record: &MonitorRecord) -> String {
    let day: String = record.at.chars().take(10).collect();
    format!("The week to {day}: {}", place(record))
}
