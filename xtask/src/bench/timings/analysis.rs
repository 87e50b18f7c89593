//! What follows from the units of one build: where most of the work is, when only one unit ran, and what was compiled
//! more than once.

use std::collections::{BTreeMap, BTreeSet};

use super::merge::rounded;
use super::{end, name, step_end};
use crate::record::bench::timeline::{Duplicate, KindTotal, Stretch, TimedStep, TimedUnit};

/// Stretches up to this many seconds are not told.
const STRETCH: f64 = 1.0;
/// Shorter interruptions of a stretch are none: cargo rounds, and takes a moment to start what has become possible.
const GAP: f64 = 0.05;
/// So many units of one stretch are named.
const NAMES: usize = 3;

/// The start of the first unit, and the end of the last unit or step. Where cargo had nothing to do, the steps' times.
pub fn range(units: &[TimedUnit], steps: &[TimedStep]) -> (f64, f64) {
    let steps_start = steps.iter().map(|step| step.start).reduce(f64::min);
    let first = units.iter().map(|unit| unit.start).reduce(f64::min).or(steps_start).unwrap_or(0.0);
    let last = units.iter().map(end).chain(steps.iter().map(step_end)).reduce(f64::max).unwrap_or(0.0);
    (first, last.max(first))
}

/// The units' times by kind, the longest first.
pub fn kinds(units: &[TimedUnit]) -> Vec<KindTotal> {
    let mut totals: BTreeMap<&str, KindTotal> = BTreeMap::new();
    for unit in units {
        let total = totals.entry(&unit.kind).or_insert_with(|| KindTotal {
            kind: unit.kind.clone(),
            units: 0,
            seconds: 0.0,
            frontend_seconds: 0.0,
            codegen_seconds: 0.0,
            link_seconds: 0.0,
        });
        total.units += 1;
        total.seconds += unit.seconds;
        total.frontend_seconds += unit.frontend_seconds.unwrap_or(0.0);
        total.codegen_seconds += unit.codegen_seconds.unwrap_or(0.0);
        total.link_seconds += unit.link_seconds.unwrap_or(0.0);
    }
    let mut totals: Vec<KindTotal> = totals.into_values().collect();
    for total in &mut totals {
        for seconds in [
            &mut total.seconds,
            &mut total.frontend_seconds,
            &mut total.codegen_seconds,
            &mut total.link_seconds,
        ] {
            *seconds = rounded(*seconds);
        }
    }
    totals.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    totals
}

/// A time in which nothing begins or ends.
struct Segment {
    start: f64,
    end: f64,
    /// The units that run.
    running: Vec<usize>,
}

/// When only one unit ran at a time, or none. One unit after the other is one stretch.
pub fn serial(units: &[TimedUnit], steps: &[TimedStep]) -> Vec<Stretch> {
    let segments = segments(units, range(units, steps));
    let mut found = Vec::new();
    for (start, end, running) in stretches(&segments, 1) {
        let names: Vec<String> = running.iter().take(NAMES).map(|unit| name(&units[*unit])).collect();
        let more = running.len() - names.len();
        let more = if more == 0 { String::new() } else { format!(", then {more} more") };
        found.push(Stretch { start, seconds: end - start, what: format!("{}{more}", names.join(", then ")) });
    }
    for (start, end, _) in stretches(&segments, 0) {
        let overlaps = |step: &&TimedStep| step_end(step).min(end) - step.start.max(start) > GAP;
        let meanwhile: Vec<&str> = steps.iter().filter(overlaps).map(|step| step.name.as_str()).collect();
        let what = match meanwhile[..] {
            [] => "no unit".to_owned(),
            _ => format!("no unit ({})", meanwhile.join(", ")),
        };
        found.push(Stretch { start, seconds: end - start, what });
    }
    found.retain(|stretch| stretch.seconds > STRETCH);
    for stretch in &mut found {
        (stretch.start, stretch.seconds) = (rounded(stretch.start), rounded(stretch.seconds));
    }
    found.sort_by(|a, b| a.start.total_cmp(&b.start));
    found
}

fn segments(units: &[TimedUnit], (first, last): (f64, f64)) -> Vec<Segment> {
    let mut times: Vec<f64> =
        units.iter().flat_map(|unit| [unit.start, end(unit)]).chain([first, last]).collect();
    times.sort_by(f64::total_cmp);
    times.dedup();
    let segment = |pair: &[f64]| {
        let (start, segment_end) = (pair[0], pair[1]);
        let middle = (start + segment_end) / 2.0;
        let runs = |unit: &&TimedUnit| unit.start < middle && end(unit) > middle;
        let running = units.iter().enumerate().filter(|(_, unit)| runs(unit)).map(|(position, _)| position);
        Segment { start, end: segment_end, running: running.collect() }
    };
    times.windows(2).map(segment).collect()
}

/// The times in which exactly `count` units ran, with those units in order.
fn stretches(segments: &[Segment], count: usize) -> Vec<(f64, f64, Vec<usize>)> {
    let mut found: Vec<(f64, f64, Vec<usize>)> = Vec::new();
    for segment in segments.iter().filter(|segment| segment.running.len() == count) {
        // What is shorter than the interruption before it is no continuation: units that follow each other closely
        // leave such moments between them.
        let continues = |until: f64| segment.start - until <= GAP.min(segment.end - segment.start);
        match found.last_mut().filter(|(_, until, _)| continues(*until)) {
            Some((_, until, running)) => {
                *until = segment.end;
                let new: Vec<usize> =
                    segment.running.iter().filter(|unit| !running.contains(unit)).copied().collect();
                running.extend(new);
            }
            None => found.push((segment.start, segment.end, segment.running.clone())),
        }
    }
    found
}

/// What units of one package have to have in common so that one could do for all: a build script is no library.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Family {
    Library,
    BuildScript,
    BuildScriptRun,
}

fn family(unit: &TimedUnit) -> Option<Family> {
    match unit.kind.as_str() {
        "build-script" => Some(Family::BuildScript),
        "run-build-script" => Some(Family::BuildScriptRun),
        // A package may have many binaries.
        "bin" => None,
        _ => Some(Family::Library),
    }
}

/// Packages whose library or build script was compiled more than once, the most expensive first.
pub fn duplicates(units: &[TimedUnit]) -> Vec<Duplicate> {
    let mut packages: BTreeMap<&str, BTreeMap<Family, Vec<&TimedUnit>>> = BTreeMap::new();
    for (unit, family) in units.iter().filter_map(|unit| Some((unit, family(unit)?))) {
        packages.entry(&unit.package).or_default().entry(family).or_default().push(unit);
    }
    let mut found: Vec<Duplicate> = packages.values().filter_map(duplicate).collect();
    found.sort_by(|a, b| b.extra_seconds.total_cmp(&a.extra_seconds));
    found
}

fn duplicate(families: &BTreeMap<Family, Vec<&TimedUnit>>) -> Option<Duplicate> {
    let compiled = [Family::Library, Family::BuildScript];
    let doubled = compiled.iter().find_map(|family| families.get(family).filter(|units| units.len() > 1))?;
    let versions: BTreeSet<&str> = doubled.iter().map(|unit| unit.version.as_str()).collect();
    let extra = |units: &Vec<&TimedUnit>| {
        let most = units.iter().map(|unit| unit.seconds).fold(0.0, f64::max);
        units.iter().map(|unit| unit.seconds).sum::<f64>() - most
    };
    Some(Duplicate {
        package: doubled[0].package.clone(),
        times: doubled.len(),
        extra_seconds: rounded(families.values().map(extra).sum()),
        reason: if versions.len() > 1 { "other versions" } else { reason(doubled) }.to_owned(),
        versions: versions.into_iter().map(str::to_owned).collect(),
    })
}

/// Why units of one version could not be one. One for each triple is what two halves need; more than that is not.
fn reason(units: &[&TimedUnit]) -> &'static str {
    let mut targets: BTreeMap<Option<&str>, Vec<&TimedUnit>> = BTreeMap::new();
    for unit in units {
        targets.entry(unit.target.as_deref()).or_default().push(unit);
    }
    let differ = |alike: &Vec<&TimedUnit>| alike.iter().any(|unit| unit.features != alike[0].features);
    if targets.values().all(|alike| alike.len() == 1) {
        "both halves"
    } else if targets.values().any(differ) {
        "other features"
    } else {
        "other settings"
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample_tests::{WASM, both_halves, step, timed};
    use super::*;
    use crate::bench::timings::merge::place;

    fn told(stretches: &[Stretch]) -> Vec<(f64, f64, &str)> {
        stretches.iter().map(|stretch| (stretch.start, stretch.seconds, stretch.what.as_str())).collect()
    }

    #[test]
    fn only_one_at_a_time() {
        let units = [
            timed("a", "lib", 1.0, 3.0),
            timed("b", "lib", 3.98, 0.7),
            timed("c", "lib", 4.7, 0.2),
            timed("d", "lib", 4.91, 0.2),
            // Two at a time; then a moment alone, which is too short.
            timed("e", "lib", 6.5, 2.0),
            timed("f", "lib", 6.5, 2.9),
            timed("g", "bin", 12.0, 0.5),
        ];
        let steps = [step("wasm-opt", 9.0, 4.6)];
        let expected = [
            (1.0, 4.11, "a (lib, front), then b (lib, front), then c (lib, front), then 1 more"),
            (5.11, 1.39, "no unit"),
            (9.4, 2.6, "no unit (wasm-opt)"),
            (12.5, 1.1, "no unit (wasm-opt)"),
        ];
        assert_eq!(told(&serial(&units, &steps)), expected);
        assert_eq!(serial(&[], &[]), []);
    }

    #[test]
    fn many_short_units_in_a_busy_time_are_no_serial_stretch() {
        let mut units = vec![timed("long", "lib", 0.0, 4.0)];
        units.extend((0..100).map(|number| timed("short", "lib", 2.0 + f64::from(number) * 0.02, 0.02)));
        assert_eq!(told(&serial(&units, &[])), [(0.0, 2.0, "long (lib, front)")]);
    }

    #[test]
    fn totals_by_kind() {
        let units: Vec<TimedUnit> =
            place(&both_halves(), &[]).unwrap().into_iter().map(|placed| placed.unit).collect();
        let told: Vec<_> = kinds(&units)
            .into_iter()
            .map(|total| {
                (total.kind, total.units, total.seconds, total.frontend_seconds, total.codegen_seconds)
            })
            .collect();
        let expected = [
            ("lib".to_owned(), 4, 6.5, 4.0, 2.5),
            ("bin".to_owned(), 1, 3.0, 0.0, 0.0),
            ("cdylib".to_owned(), 1, 2.0, 0.0, 0.0),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn what_is_compiled_more_than_once_and_why() {
        let version = |package, version: &str, start, seconds| TimedUnit {
            version: version.to_owned(),
            ..timed(package, "lib", start, seconds)
        };
        let target = |package, seconds| TimedUnit {
            target: Some(WASM.to_owned()),
            ..timed(package, "lib", 0.0, seconds)
        };
        let features = |package, kind, feature: &str, seconds| TimedUnit {
            features: vec![feature.to_owned()],
            ..timed(package, kind, 0.0, seconds)
        };
        let units = [
            version("syn", "2.0.1", 0.0, 3.0),
            version("syn", "1.0.9", 0.0, 2.5),
            timed("serde", "lib", 0.0, 1.0),
            target("serde", 0.4),
            timed("serde", "run-build-script", 0.0, 0.2),
            timed("serde", "run-build-script", 0.0, 0.1),
            timed("serde", "build-script", 0.0, 0.3),
            features("tokio", "lib", "net", 4.0),
            features("tokio", "lib", "fs", 4.0),
            timed("quote", "lib", 0.0, 0.25),
            timed("quote", "lib", 0.0, 0.25),
            features("ring", "build-script", "a", 0.2),
            features("ring", "build-script", "b", 0.2),
            timed("once", "lib", 0.0, 9.0),
            timed("once", "run-build-script", 0.0, 9.0),
            timed("tools", "bin", 0.0, 9.0),
            timed("tools", "bin", 0.0, 9.0),
        ];
        let told: Vec<_> = duplicates(&units)
            .into_iter()
            .map(|found| {
                (found.package, found.versions.join(" "), found.times, found.extra_seconds, found.reason)
            })
            .collect();
        let expected = [
            ("tokio", "1.0.0", 2, 4.0, "other features"),
            ("syn", "1.0.9 2.0.1", 2, 2.5, "other versions"),
            ("serde", "1.0.0", 2, 0.5, "both halves"),
            ("quote", "1.0.0", 2, 0.25, "other settings"),
            ("ring", "1.0.0", 2, 0.2, "other features"),
        ]
        .map(|(package, versions, times, extra, reason)| {
            (package.to_owned(), versions.to_owned(), times, extra, reason.to_owned())
        });
        assert_eq!(told, expected);
    }
}
