//! Both halves on one time axis: what cargo's reports say, with what its messages and the linker script's log add.

use std::collections::HashMap;
use std::path::Path;

use super::parse::{self, Unit, What};
use super::{Half, Link, end};
use crate::exit::{Exit, Failure};
use crate::record::bench::timeline::TimedUnit;
use crate::record::timings::CompiledUnit;

/// How far a link may seem to reach beyond its unit, in seconds: cargo rounds, and counts from when it has started.
const LINK_SLACK: f64 = 0.25;

/// One unit on the axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    pub unit: TimedUnit,
    /// The half, by its position.
    pub half: usize,
    /// What it waited for last; `None` for one that could begin with its half.
    pub waited_for: Option<WaitedFor>,
    /// What rustc calls it; `None` for the run of a build script.
    crate_name: Option<String>,
}

/// Why a unit could not begin before.
#[derive(Clone, Debug, PartialEq)]
pub struct WaitedFor {
    /// By its position among all placed units.
    pub unit: usize,
    /// When that one let it begin.
    pub until: f64,
}

/// All units, by start.
pub fn place(halves: &[Half], links: &[Link]) -> anyhow::Result<Vec<Placed>> {
    let mut units: Vec<(usize, Unit, Option<&CompiledUnit>)> = Vec::new();
    for (position, half) in halves.iter().enumerate() {
        let read = parse::units(&half.report, &half.html)?;
        let compiled = matched(&half.report, &read, &half.compiled)?;
        units.extend(read.into_iter().zip(compiled).map(|(unit, compiled)| (position, unit, compiled)));
    }
    units.sort_by(|a, b| (halves[a.0].offset + a.1.start).total_cmp(&(halves[b.0].offset + b.1.start)));
    let positions: HashMap<(usize, u64), usize> =
        units.iter().enumerate().map(|(position, (half, unit, _))| ((*half, unit.index), position)).collect();
    let mut placed: Vec<Placed> =
        units.iter().map(|(half, unit, compiled)| on_axis(*half, &halves[*half], unit, *compiled)).collect();
    for (position, (half, unit, _)) in units.iter().enumerate() {
        let whole = end(&placed[position].unit);
        let metadata = placed[position].unit.frontend_seconds;
        let until_metadata = metadata.map_or(whole, |seconds| placed[position].unit.start + seconds);
        for (others, until) in [(&unit.unblocked, whole), (&unit.unblocked_by_metadata, until_metadata)] {
            // Some of them may not have been compiled: the build failed before.
            for other in others.iter().filter_map(|index| positions.get(&(*half, *index))) {
                placed[*other].waited_for = Some(WaitedFor { unit: position, until: rounded(until) });
            }
        }
    }
    link(&mut placed, links);
    Ok(placed)
}

/// To the hundredth of a second that cargo gives: sums of floating point numbers have more digits than they know.
pub fn rounded(seconds: f64) -> f64 {
    (seconds * 100.0).round() / 100.0
}

fn on_axis(position: usize, half: &Half, unit: &Unit, compiled: Option<&CompiledUnit>) -> Placed {
    let features = unit.features.as_ref().or(compiled.map(|compiled| &compiled.features));
    let kind = match unit.what {
        What::BuildScriptRun => "run-build-script",
        _ => compiled.map_or("lib", |compiled| compiled.kind.as_str()),
    };
    Placed {
        unit: TimedUnit {
            half: half.name.clone(),
            package: unit.package.clone(),
            version: unit.version.clone(),
            kind: kind.to_owned(),
            target: compiled.and_then(|compiled| compiled.target.clone()),
            features: features.cloned().unwrap_or_default(),
            start: rounded(half.offset + unit.start),
            seconds: unit.seconds,
            frontend_seconds: unit.frontend_seconds,
            codegen_seconds: unit.frontend_seconds.map(|seconds| rounded(unit.seconds - seconds)),
            link_seconds: None,
        },
        half: position,
        waited_for: None,
        crate_name: compiled
            .filter(|_| unit.what != What::BuildScriptRun)
            .map(|compiled| compiled.crate_name.clone()),
    }
}

/// What cargo's messages say of each unit. Both are in the order in which units were finished, which tells units apart
/// that differ in nothing but whom they were compiled for. The run of a build script gets the library that it is for.
fn matched<'a>(
    report: &Path,
    units: &[Unit],
    compiled: &'a [CompiledUnit],
) -> anyhow::Result<Vec<Option<&'a CompiledUnit>>> {
    let mut by_end: Vec<usize> = (0..units.len()).collect();
    let unit_end = |position: &usize| units[*position].start + units[*position].seconds;
    by_end.sort_by(|a, b| unit_end(a).total_cmp(&unit_end(b)));
    let mut found: Vec<Option<&CompiledUnit>> = vec![None; units.len()];
    let mut rest: Vec<&CompiledUnit> = compiled.iter().collect();
    for position in by_end {
        let unit = &units[position];
        if unit.what == What::BuildScriptRun {
            continue;
        }
        let Some(next) = rest.iter().position(|compiled| is_same(unit, compiled)) else {
            let only = format!("`{} {}` is only in the report", unit.package, unit.version);
            return Err(of_another_build(report, &only));
        };
        found[position] = Some(rest.remove(next));
    }
    if let Some(compiled) = rest.first() {
        let only = format!("`{} {}` is only in the messages", compiled.package, compiled.version);
        return Err(of_another_build(report, &only));
    }
    for (position, library) in libraries_of_runs(units) {
        found[position] = found[library];
    }
    Ok(found)
}

fn of_another_build(report: &Path, only: &str) -> anyhow::Error {
    let message = format!(
        "cargo's timing report `{}` and cargo's messages are not of one build: {only}",
        report.display()
    );
    let hint = "build again with `--timings`. The build itself is not affected";
    Failure::new(Exit::CommandFailed, message).hint(hint).into()
}

fn is_same(unit: &Unit, compiled: &CompiledUnit) -> bool {
    let what = match compiled.kind.as_str() {
        "bin" => What::Binary,
        "build-script" => What::BuildScript,
        _ => What::Library,
    };
    let features = unit.features.as_ref().is_none_or(|features| *features == compiled.features);
    unit.what == what && unit.package == compiled.package && unit.version == compiled.version && features
}

/// For each run of a build script the library that waited for it, or else, in order, one that nobody took.
fn libraries_of_runs(units: &[Unit]) -> Vec<(usize, usize)> {
    let is_for = |run: &Unit, library: &Unit| {
        (&run.package, &run.version, &run.features) == (&library.package, &library.version, &library.features)
            && matches!(library.what, What::Library | What::Binary)
    };
    let mut found: Vec<(usize, usize)> = Vec::new();
    for waited in [true, false] {
        for (position, run) in units.iter().enumerate() {
            if run.what != What::BuildScriptRun || found.iter().any(|(taken, _)| *taken == position) {
                continue;
            }
            let library = units.iter().enumerate().find(|(candidate, library)| {
                is_for(run, library)
                    && (!waited || run.unblocked.contains(&library.index))
                    && !found.iter().any(|(_, taken)| taken == candidate)
            });
            found.extend(library.map(|(library, _)| (position, library)));
        }
    }
    found
}

/// Gives each link to the unit of that crate which it ended with: linking is the last thing that a unit does. Build
/// scripts all have the same name, and only the time tells them apart.
fn link(placed: &mut [Placed], links: &[Link]) {
    let mut pairs: Vec<(f64, usize, usize)> = Vec::new();
    for (number, link) in links.iter().enumerate() {
        let link_end = link.start + link.seconds;
        for (position, placed) in placed.iter().enumerate() {
            let is_within = link.start >= placed.unit.start - LINK_SLACK
                && link_end <= end(&placed.unit) + LINK_SLACK
                && link.seconds <= placed.unit.seconds + LINK_SLACK;
            if is_within && placed.crate_name.as_ref() == Some(&link.crate_name) {
                pairs.push(((end(&placed.unit) - link_end).abs(), number, position));
            }
        }
    }
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut given = vec![false; links.len()];
    for (_, number, position) in pairs {
        let unit = &mut placed[position].unit;
        if !given[number] && unit.link_seconds.is_none() {
            given[number] = true;
            unit.link_seconds = Some(rounded(links[number].seconds.min(unit.seconds)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample_tests::{Entry, WASM, both_halves, half, library, script, unit};
    use super::*;
    use crate::exit::hint_of;

    fn at<'a>(placed: &'a [Placed], package: &str, kind: &str, half: &str) -> &'a Placed {
        let is = |unit: &TimedUnit| unit.package == package && unit.kind == kind && unit.half == half;
        placed.iter().find(|placed| is(&placed.unit)).unwrap()
    }

    #[test]
    fn both_halves_are_on_one_axis() {
        let placed = place(&both_halves(), &[]).unwrap();
        let front = &at(&placed, "front", "cdylib", "front").unit;
        assert_eq!((front.start, front.seconds, front.target.as_deref()), (3.5, 2.0, Some(WASM)));
        let server = at(&placed, "server", "bin", "server");
        assert_eq!((server.unit.start, server.unit.target.as_deref()), (12.6, None));
        let ui = placed.iter().position(|placed| placed.unit.package == "ui" && placed.unit.half == "server");
        assert_eq!(server.waited_for, Some(WaitedFor { unit: ui.unwrap(), until: 12.6 }));
        let ui = &placed[ui.unwrap()].unit;
        assert_eq!((ui.frontend_seconds, ui.codegen_seconds), (Some(1.5), Some(1.0)));
        assert!(placed.is_sorted_by(|a, b| a.unit.start <= b.unit.start));
    }

    #[test]
    fn units_that_differ_only_in_their_target_are_told_apart() {
        // The one for wasm began first and was finished last.
        let half = half(
            "front",
            0.0,
            &[
                library(1, "small", 0.0, 2.0),
                library(2, "small", 0.5, 0.5),
                script(3, "small", 0.0, 0.1),
                unit(4, "small", "run", 0.2, 0.1).unblocks(&[2]),
                unit(5, "small", "run", 0.1, 0.1),
            ],
            &[("small", "build-script", None), ("small", "proc-macro", None), ("small", "lib", Some(WASM))],
        );
        let placed = place(&[half], &[]).unwrap();
        let told: Vec<_> = placed
            .iter()
            .map(|placed| (placed.unit.start, placed.unit.kind.as_str(), placed.unit.target.is_some()))
            .collect();
        let expected = [
            (0.0, "lib", true),
            (0.0, "build-script", false),
            (0.1, "run-build-script", true),
            (0.2, "run-build-script", false),
            (0.5, "proc-macro", false),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn a_report_of_another_build() {
        let small = library(1, "small", 0.0, 2.0);
        let problem = |units: &[Entry], compiled| {
            let error = place(&[half("front", 0.0, units, compiled)], &[]).unwrap_err();
            assert!(hint_of(&error).unwrap().contains("The build itself is not affected"));
            error.to_string()
        };
        assert_eq!(
            problem(std::slice::from_ref(&small), &[("other", "lib", None)]),
            "cargo's timing report `timings/front.html` and cargo's messages are not of one build: \
             `small 1.0.0` is only in the report"
        );
        let both = [("small", "lib", None), ("small", "build-script", None)];
        assert!(problem(&[small], &both).ends_with("`small 1.0.0` is only in the messages"));
    }

    #[test]
    fn each_link_goes_to_the_unit_that_it_ended() {
        let half = half(
            "server",
            10.0,
            &[script(1, "a", 0.0, 2.0), script(2, "b", 0.5, 0.7), library(3, "c", 1.0, 4.0)],
            &[("b", "build-script", None), ("a", "build-script", None), ("c", "proc-macro", None)],
        );
        let links = [
            Link::of("/t/build/b-0123456789abcdef/build_script_build-0123456789abcdef", 11.0, 0.21),
            Link::of("/t/build/a-0123456789abcdef/build_script_build-0123456789abcdef", 11.5, 0.5),
            Link::of("/t/deps/libc-0123456789abcdef.so", 14.7, 0.3),
            Link::of("/t/deps/libd-0123456789abcdef.so", 14.7, 0.3),
            Link { crate_name: "c".to_owned(), start: 40.0, seconds: 0.1 },
        ];
        let placed = place(&[half], &links).unwrap();
        let told: Vec<_> =
            placed.iter().map(|placed| (placed.unit.package.as_str(), placed.unit.link_seconds)).collect();
        assert_eq!(told, [("a", Some(0.5)), ("b", Some(0.21)), ("c", Some(0.3))]);
        assert_eq!(place(&both_halves(), &links).unwrap()[0].unit.link_seconds, None);
    }
}
