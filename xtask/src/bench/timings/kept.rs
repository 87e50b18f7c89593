//! Reads what `cargo xtask build --timings` left behind: cargo's reports, and what puts them on one time axis.

use std::fs;
use std::path::Path;

use anyhow::Context;

use super::Half;
use crate::exit::{Exit, Failure};
use crate::record::bench::timeline::TimedStep;
use crate::record::timings::{self, TIMINGS_SCHEMA, TimingsRecord};

/// The last build that asked for timings.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// When it began: seconds since 1970. What else was noted of it by the clock is counted from here.
    pub began: f64,
    pub halves: Vec<Half>,
    /// Its steps that are no units of cargo's.
    pub steps: Vec<TimedStep>,
}

/// Reads it. `target_directory` is the one that the build wrote to.
pub fn kept(target_directory: &Path) -> anyhow::Result<Kept> {
    let file = timings::file(target_directory);
    let text = fs::read(&file).map_err(|error| {
        let message = format!("no timings of a build: `{}`: {error}", file.display());
        let hint = "`cargo xtask build --timings` writes them; it has to succeed, and cargo-leptos cannot";
        Failure::new(Exit::CommandFailed, message).hint(hint)
    })?;
    let record: Option<TimingsRecord> = serde_json::from_slice(&text).ok();
    let Some(record) = record.filter(|record| record.schema == TIMINGS_SCHEMA) else {
        let message = format!("`{}` has another layout than `{TIMINGS_SCHEMA}`", file.display());
        return Err(Failure::new(Exit::CommandFailed, message).hint("build again with `--timings`").into());
    };
    let half = |half: timings::TimedHalf| {
        let report = timings::folder(target_directory).join(&half.report);
        let html = fs::read_to_string(&report).with_context(|| format!("read `{}`", report.display()))?;
        anyhow::Ok(Half { name: half.name, offset: half.start, report, html, compiled: half.compiled })
    };
    let halves = record.halves.into_iter().map(half).collect::<anyhow::Result<_>>()?;
    Ok(Kept { began: record.began, halves, steps: record.steps })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::hint_of;

    #[test]
    fn what_is_not_there_says_how_to_get_it() {
        let folder = tempfile::tempdir().unwrap();
        let error = kept(folder.path()).unwrap_err();
        assert!(error.to_string().starts_with("no timings of a build: `"), "{error}");
        assert!(hint_of(&error).unwrap().contains("build --timings"));

        let file = timings::file(folder.path());
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, r#"{"schema":"xtask.timings/0"}"#).unwrap();
        let error = kept(folder.path()).unwrap_err();
        assert!(error.to_string().ends_with("has another layout than `xtask.timings/1`"), "{error}");
    }
}
