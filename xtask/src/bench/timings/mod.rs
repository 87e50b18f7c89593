//! Where the time of one build goes: cargo's timing reports of both halves, the other steps and the linker script's
//! log, put on one time axis and looked at.
//!
//! The way through: [`kept`] reads what `cargo xtask build --timings` left behind, [`parse`] reads cargo's reports,
//! [`merge`] puts them on one axis, [`analysis`] and [`path`] say what follows.

mod analysis;
mod kept;
mod merge;
mod parse;
mod path;
mod wanted;

#[cfg(test)]
mod real_tests;
#[cfg(test)]
mod sample_tests;

use std::path::PathBuf;

pub use kept::kept;
pub use wanted::{is_timed, is_wanted};

use crate::record::bench::timeline::{TimedStep, TimedUnit, Timeline};
use crate::record::timings::CompiledUnit;

/// One run of cargo.
#[derive(Clone, Debug, PartialEq)]
pub struct Half {
    /// `front` or `server`.
    pub name: String,
    /// When cargo was started: seconds since the build began.
    pub offset: f64,
    /// Where cargo's report is, for messages.
    pub report: PathBuf,
    /// What is in it.
    pub html: String,
    /// What cargo compiled, in the order in which it was finished.
    pub compiled: Vec<CompiledUnit>,
}

/// One link, by the linker script's log.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// What rustc calls the crate, e.g. `serde_derive` or `build_script_build`.
    pub crate_name: String,
    /// Seconds since the build began ([`Kept::began`]).
    pub start: f64,
    pub seconds: f64,
}

impl Link {
    /// The link that made a file, e.g. `…/deps/libserde_derive-0123456789abcdef.so`.
    pub fn of(output: &str, start: f64, seconds: f64) -> Link {
        Link { crate_name: crate_name(output).to_owned(), start, seconds }
    }
}

/// `serde_derive` for `…/deps/libserde_derive-0123456789abcdef.so`.
fn crate_name(output: &str) -> &str {
    let file = output.rsplit('/').next().unwrap_or(output);
    // A program has neither the prefix nor an ending.
    let (stem, is_library) = match file.rsplit_once('.') {
        Some((stem, "so" | "dylib")) => (stem, true),
        Some((stem, "wasm")) => (stem, false),
        _ => (file, false),
    };
    let stem = if is_library { stem.strip_prefix("lib").unwrap_or(stem) } else { stem };
    let is_hash = |text: &str| text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    stem.rsplit_once('-').filter(|(_, hash)| is_hash(hash)).map_or(stem, |(name, _)| name)
}

/// Puts one build's units and steps on one time axis, and says what follows from them.
///
/// `jobs` is how many units cargo would run at the same time. An error says that a report cannot be read; the build
/// is not affected.
pub fn timeline(
    comparison: &str,
    arm: &str,
    halves: &[Half],
    mut steps: Vec<TimedStep>,
    links: &[Link],
    jobs: usize,
) -> anyhow::Result<Timeline> {
    steps.sort_by(|a, b| a.start.total_cmp(&b.start));
    let placed = merge::place(halves, links)?;
    let offsets: Vec<f64> = halves.iter().map(|half| half.offset).collect();
    let critical_path = path::critical_path(&placed, &offsets, &steps);
    let units: Vec<TimedUnit> = placed.into_iter().map(|placed| placed.unit).collect();
    let (first, last) = analysis::range(&units, &steps);
    Ok(Timeline {
        comparison: comparison.to_owned(),
        arm: arm.to_owned(),
        seconds: merge::rounded(last - first),
        jobs,
        kinds: analysis::kinds(&units),
        serial: analysis::serial(&units, &steps),
        critical_path,
        duplicates: analysis::duplicates(&units),
        units,
        steps,
    })
}

/// When a unit ended.
fn end(unit: &TimedUnit) -> f64 {
    unit.start + unit.seconds
}

/// When a step ended.
fn step_end(step: &TimedStep) -> f64 {
    step.start + step.seconds
}

/// As people name a unit: `leptos (lib, server)`.
fn name(unit: &TimedUnit) -> String {
    format!("{} ({}, {})", unit.package, unit.kind, unit.half)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crate_that_was_linked() {
        for (output, expected) in [
            ("/t/production/deps/libserde_derive-0123456789abcdef.so", "serde_derive"),
            ("/t/build/serde-0123456789abcdef/build_script_build-fedcba9876543210", "build_script_build"),
            ("/t/production/deps/my_server-0123456789abcdef", "my_server"),
            ("/t/wasm32-unknown-unknown/release/deps/front.wasm", "front"),
            ("my-server", "my-server"),
            ("lib.rs-0123456789abcdef", "lib.rs"),
        ] {
            assert_eq!(crate_name(output), expected, "{output}");
        }
    }
}
