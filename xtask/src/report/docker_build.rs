//! The report of `docker build`: the digest alone for people and scripts, tables for a pull request, the record as
//! JSON.

use super::table::{Align, Table};
use super::{Format, seconds};
use crate::record::docker_build::{DockerBuildRecord, StageState};

/// Renders the run in the format asked for.
pub fn render(record: &DockerBuildRecord, format: Format) -> anyhow::Result<String> {
    Ok(match format {
        Format::Json => serde_json::to_string_pretty(record)? + "\n",
        Format::Human => record.digest.as_ref().map(|digest| format!("{digest}\n")).unwrap_or_default(),
        Format::Markdown => format!("{}\n{}", facts(record).markdown(), stages(record).markdown()),
    })
}

fn facts(record: &DockerBuildRecord) -> Table {
    let mut table = Table::new(&[("image", Align::Left), ("", Align::Left)]);
    let code = |text: &str| format!("`{text}`");
    let mut row = |name: &str, value: String| table.row(vec![name.to_owned(), value]);
    if let Some(repository) = &record.repository {
        row("repository", code(repository));
    }
    row("digest", record.digest.as_deref().map(code).unwrap_or_default());
    if !record.tags.is_empty() {
        row("tags", record.tags.iter().map(|tag| code(tag)).collect::<Vec<_>>().join(", "));
    }
    if record.reused {
        row("outcome", "reused: an image of the same inputs was there".to_owned());
    }
    if let Some(after_cook) = &record.after_cook {
        let halves = [("front", &after_cook.front), ("server", &after_cook.server)];
        for (name, units) in halves {
            let Some(units) = units else { continue };
            let packages = units.compiled_packages.join(", ");
            row(&format!("compiled after the cook, {name}"), format!("{}: {packages}", units.compiled));
        }
    }
    if let Some(cache) = &record.compile_cache {
        let without = match cache.without {
            0 => String::new(),
            without => format!("; {without} of {} instructions without it", cache.instructions),
        };
        let (hits, misses, errors) = (cache.hits, cache.misses, cache.errors);
        row("compile cache", format!("{hits} hits, {misses} misses, {errors} errors{without}"));
    }
    row("seconds", seconds(record.seconds));
    table
}

fn stages(record: &DockerBuildRecord) -> Table {
    let mut table = Table::new(&[
        ("stage", Align::Left),
        ("instruction", Align::Left),
        ("", Align::Left),
        ("seconds", Align::Right),
    ]);
    for stage in &record.stages {
        let state = match stage.state {
            StageState::Ran => "ran",
            StageState::Cached => "cached",
            StageState::Failed => "failed",
            StageState::Unfinished => "unfinished",
        };
        table.row(vec![
            stage.stage.clone(),
            format!("`{}`", stage.instruction.replace('|', "\\|").replace('`', "'")),
            state.to_owned(),
            stage.seconds.map(seconds).unwrap_or_default(),
        ]);
    }
    table
}
