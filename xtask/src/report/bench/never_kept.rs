//! What is left of a warm build: what its compile cache never keeps, what giving back takes, and what no cache knows.
//! One paragraph above the build's timeline.

use super::timeline::name;
use super::words;
use crate::record::bench::BenchRecord;
use crate::record::bench::timeline::{TimedUnit, Timeline};

/// So many units are named.
const NAMED: usize = 3;

/// What a compile cache never keeps, as a unit's kind and as people say it.
type Kinds = &'static [(&'static str, &'static str)];

/// sccache keeps nothing that is linked (its own reason is `crate-type`), and cargo runs build scripts without asking a
/// compiler. Both were seen in builds: docs/measurements/caches.md.
const LINKED_OR_RUN: Kinds = &[
    ("bin", "program"),
    ("cdylib", "cdylib"),
    ("proc-macro", "proc-macro"),
    ("build-script", "build script"),
    ("run-build-script", "build script run"),
];

/// `None` of a cache that nobody has looked at.
fn never_kept(cache: &str) -> Option<Kinds> {
    match cache {
        "sccache" | "sccache-s3" => Some(LINKED_OR_RUN),
        "kache" => Some(&[]),
        _ => None,
    }
}

/// What is told of a timeline; `None` where the build was no warm one through a compile cache.
pub fn told(record: &BenchRecord, timeline: &Timeline) -> Option<String> {
    let of_timeline = record.comparisons.iter().find(|comparison| comparison.id == timeline.comparison);
    let comparison = of_timeline.filter(|comparison| comparison.scenario == "warm")?;
    let arm = comparison.arms.iter().find(|arm| arm.name == timeline.arm)?;
    let cache = arm.variant.split([' ', ',']).find_map(|part| part.strip_prefix("cache="))?;
    let kinds = never_kept(cache)?;
    let is_never_kept = |unit: &&TimedUnit| kinds.iter().any(|(kind, _)| unit.kind == *kind);
    let (never, others): (Vec<&TimedUnit>, Vec<&TimedUnit>) = timeline.units.iter().partition(is_never_kept);
    let mut text = match (kinds, never.as_slice()) {
        ([], _) => format!("{cache} keeps units of every kind."),
        (_, []) => format!("No unit is of a kind that {cache} never keeps."),
        _ => format!("{cache} never keeps {}", by_kind(&never, kinds)),
    };
    // Giving back is work too: with hundreds of units, it may well be most of what is left.
    if !others.is_empty() {
        let units = words::count(others.len(), "unit");
        text += &format!(" {units} that it can give back took {} of work.", work(&others));
    }
    if !timeline.steps.is_empty() {
        let names: Vec<&str> = timeline.steps.iter().map(|step| step.name.as_str()).collect();
        let seconds: f64 = timeline.steps.iter().map(|step| step.seconds).sum();
        let (seconds, names) = (words::time(seconds), names.join(", "));
        text += &format!(" Steps that no compile cache keeps took {seconds}: {names}.");
    }
    Some(text)
}

/// All units' times together.
fn work(units: &[&TimedUnit]) -> String {
    words::time(units.iter().map(|unit| unit.seconds).sum())
}

/// `6 of these units, 65.0 s of work: 1 program 20.5 s, …`.
fn by_kind(units: &[&TimedUnit], kinds: Kinds) -> String {
    let each: Vec<String> = kinds
        .iter()
        .filter_map(|(kind, noun)| {
            let of_kind: Vec<&TimedUnit> = units.iter().filter(|unit| unit.kind == *kind).copied().collect();
            let told = || format!("{} {}", words::count(of_kind.len(), noun), work(&of_kind));
            (!of_kind.is_empty()).then(told)
        })
        .collect();
    let linking: Vec<f64> = units.iter().filter_map(|unit| unit.link_seconds).collect();
    let linking = match linking.is_empty() {
        true => String::new(),
        false => format!("; {} of it linking", words::time(linking.iter().sum())),
    };
    let mut longest = units.to_vec();
    longest.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    let longest: Vec<String> = longest
        .iter()
        .take(NAMED)
        .map(|unit| format!("{} {}", name(unit), words::time(unit.seconds)))
        .collect();
    format!(
        "{} of these units, {} of work: {}{linking}. The longest: {}.",
        units.len(),
        work(units),
        each.join(", "),
        longest.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::super::records_tests::{arm, compare, empty};
    use super::super::timelines_tests::timeline;
    use super::super::{html, render};
    use super::*;
    use crate::record::bench::Arm;
    use crate::report::Format;

    fn unit(package: &str, kind: &str, half: &str, seconds: f64, link_seconds: Option<f64>) -> TimedUnit {
        TimedUnit {
            half: half.to_owned(),
            package: package.to_owned(),
            version: "1.0.0".to_owned(),
            kind: kind.to_owned(),
            target: None,
            features: Vec::new(),
            start: 0.0,
            seconds,
            frontend_seconds: None,
            codegen_seconds: None,
            link_seconds,
        }
    }

    /// A run with the timeline of one warm build.
    fn run(name: &str) -> BenchRecord {
        let mut record = empty();
        let s3 = Arm { variant: "profile=production cache=sccache-s3".to_owned(), ..arm("sccache-s3", None) };
        let arms = [arm("none", None), arm("sccache", None), s3, arm("kache", None)];
        compare(&mut record, "warm/cache", 1, &arms.map(|arm| (arm, Some((9.0, 0.0, 1.0)))));
        record.timelines = vec![Timeline {
            comparison: "warm/cache".to_owned(),
            arm: name.to_owned(),
            units: vec![
                unit("leptos", "lib", "server", 40.0, None),
                unit("app", "bin", "server", 20.5, Some(0.33)),
                unit("front", "cdylib", "front", 9.0, Some(0.04)),
                unit("serde_derive", "proc-macro", "front", 2.0, Some(0.3)),
                unit("sqlite", "build-script", "server", 0.5, Some(0.1)),
                unit("sqlite", "run-build-script", "server", 30.0, None),
                unit("ring", "run-build-script", "server", 3.0, None),
            ],
            ..timeline(0)
        }];
        record
    }

    fn check(record: &BenchRecord, expected: &Expect) {
        expected.assert_eq(&told(record, &record.timelines[0]).unwrap_or_default());
    }

    #[test]
    fn what_is_never_kept_is_told_by_kind() {
        let expected = expect![
            "sccache never keeps 6 of these units, 65.0 s of work: 1 program 20.5 s, 1 cdylib 9.00 s, 1 proc-macro 2.00 s, 1 build script 0.500 s, 2 build script runs 33.0 s; 0.770 s of it linking. The longest: sqlite (run-build-script, server) 30.0 s, app (bin, server) 20.5 s, front (cdylib, front) 9.00 s. 1 unit that it can give back took 40.0 s of work. Steps that no compile cache keeps took 10.7 s: wasm-bindgen, wasm-opt."
        ];
        check(&run("sccache"), &expected);
        let of_s3 = told(&run("sccache-s3"), &run("sccache-s3").timelines[0]).unwrap();
        assert!(of_s3.starts_with("sccache-s3 never keeps 6 of these units, 65.0 s of work: "), "{of_s3}");
        let expected = expect![
            "kache keeps units of every kind. 7 units that it can give back took 105 s of work. Steps that no compile cache keeps took 10.7 s: wasm-bindgen, wasm-opt."
        ];
        check(&run("kache"), &expected);
    }

    #[test]
    fn what_is_not_there_is_not_told() {
        let mut record = run("sccache");
        record.timelines[0].units.retain(|unit| ["lib", "run-build-script"].contains(&unit.kind.as_str()));
        record.timelines[0].steps.clear();
        let expected = expect![
            "sccache never keeps 2 of these units, 33.0 s of work: 2 build script runs 33.0 s. The longest: sqlite (run-build-script, server) 30.0 s, ring (run-build-script, server) 3.00 s. 1 unit that it can give back took 40.0 s of work."
        ];
        check(&record, &expected);
        record.timelines[0].units.truncate(1);
        let expected = expect![
            "No unit is of a kind that sccache never keeps. 1 unit that it can give back took 40.0 s of work."
        ];
        check(&record, &expected);
        // Without a cache it is a cold build, whatever it is called; nor is a cold build through one told of.
        check(&run("none"), &expect![""]);
        let mut cold = run("sccache");
        cold.comparisons[0].scenario = "cold".to_owned();
        check(&cold, &expect![""]);
        // Of another run, or of a cache that this program does not know.
        let mut other = run("sccache");
        other.timelines[0].comparison = "warm/driver".to_owned();
        check(&other, &expect![""]);
        other = run("sccache");
        other.comparisons[0].arms[1].variant = "cache=other".to_owned();
        check(&other, &expect![""]);
    }

    #[test]
    fn it_stands_above_the_timeline_in_every_format() {
        let record = run("sccache");
        let told = told(&record, &record.timelines[0]).unwrap();
        for format in [Format::Human, Format::Markdown] {
            let text = render(&record, format).unwrap().replace('\n', " ");
            let (before, _) = text.split_once(&told).unwrap_or_else(|| panic!("{told} is not in {text}"));
            assert!(before.contains("Where the time goes") && !before.contains("Slowest units"), "{text}");
        }
        let page = html::html(&record, &[]);
        let (before, after) = page.split_once(&told).unwrap_or_else(|| panic!("{told} is not in {page}"));
        assert!(before.contains("<section id=\"time\">"), "{page}");
        assert_eq!((before.matches("plot gantt").count(), after.matches("plot gantt").count()), (0, 1));
    }
}
