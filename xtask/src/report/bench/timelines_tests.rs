//! A timeline as a build makes it, of any number of units, for the tests of reports.

use super::records_tests::jitter;
use crate::record::bench::timeline::{
    Duplicate, KindTotal, PathEntry, Stretch, TimedStep, TimedUnit, Timeline,
};

/// A build of so many units on two cores: the front half first, then steps beside the server half.
pub fn timeline(count: usize) -> Timeline {
    let mut free = [0.0_f64; 2];
    let mut units = Vec::new();
    for index in 0..count {
        let half = if index < count * 2 / 5 { "front" } else { "server" };
        let kind = match index % 9 {
            0 => "build-script",
            1 => "run-build-script",
            2 | 5 => "proc-macro",
            _ => "lib",
        };
        let is_last = index + 1 == count || index + 1 == count * 2 / 5;
        let kind = if is_last { if half == "front" { "cdylib" } else { "bin" } } else { kind };
        let seconds = match index % 23 {
            _ if is_last => 14.0,
            7 => 9.0 + jitter(index) * 4.0,
            3 | 12 => 3.0 + jitter(index),
            _ => 0.4 + jitter(index).abs() * 0.8,
        };
        // The last unit of a half waits for all others.
        let lane = if free[0] <= free[1] { 0 } else { 1 };
        let start = if is_last { free[0].max(free[1]) } else { free[lane] };
        free[lane] = start + seconds;
        let compiles = kind != "run-build-script";
        units.push(TimedUnit {
            half: half.to_owned(),
            package: if is_last { "app".to_owned() } else { format!("package_{index:03}") },
            version: format!("1.{}.0", index % 30),
            kind: kind.to_owned(),
            target: (half == "front" && kind == "lib").then(|| "wasm32-unknown-unknown".to_owned()),
            features: vec!["default".to_owned()],
            start,
            seconds,
            frontend_seconds: compiles.then_some(seconds * 0.4),
            codegen_seconds: compiles.then_some(seconds * 0.6),
            link_seconds: matches!(kind, "bin" | "cdylib" | "proc-macro").then_some(seconds * 0.15),
        });
    }
    let end = free[0].max(free[1]);
    let name = |unit: &TimedUnit| format!("{} ({}, {})", unit.package, unit.kind, unit.half);
    let long = units.iter().filter(|unit| unit.seconds > 5.0);
    let path =
        long.map(|unit| PathEntry { what: name(unit), start: unit.start, seconds: unit.seconds }).collect();
    let front_end = units.iter().filter(|unit| unit.half == "front").map(|unit| unit.start + unit.seconds);
    let front_end = front_end.fold(0.0, f64::max);
    let last = units.last().cloned();
    Timeline {
        comparison: "cold/cache".to_owned(),
        arm: "none".to_owned(),
        seconds: end,
        jobs: 2,
        steps: vec![
            TimedStep { name: "wasm-bindgen".to_owned(), start: front_end, seconds: 1.2 },
            TimedStep { name: "wasm-opt".to_owned(), start: front_end + 1.2, seconds: 9.5 },
        ],
        kinds: vec![
            KindTotal {
                kind: "lib".to_owned(),
                units: count / 2,
                seconds: 220.0,
                frontend_seconds: 90.0,
                codegen_seconds: 130.0,
                link_seconds: 0.0,
            },
            KindTotal {
                kind: "proc-macro".to_owned(),
                units: count / 5,
                seconds: 60.5,
                frontend_seconds: 30.0,
                codegen_seconds: 30.5,
                link_seconds: 4.2,
            },
        ],
        serial: last
            .map(|unit| {
                vec![
                    Stretch {
                        start: front_end - 14.0,
                        seconds: 14.0,
                        what: "app (cdylib, front)".to_owned(),
                    },
                    Stretch { start: unit.start, seconds: unit.seconds, what: name(&unit) },
                ]
            })
            .unwrap_or_default(),
        critical_path: path,
        duplicates: vec![Duplicate {
            package: "syn".to_owned(),
            versions: vec!["1.0.109".to_owned(), "2.0.90".to_owned()],
            times: 3,
            extra_seconds: 7.25,
            reason: "other versions".to_owned(),
        }],
        units,
    }
}
