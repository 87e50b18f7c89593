//! Records of runs as they happen, for the tests of reports: a whole one, and the awkward ones.

use std::collections::BTreeMap;

use super::timelines_tests::timeline;
use crate::facts::host::Host;
use crate::facts::revision::Revision;
use crate::record::bench::activity::{Activity, CacheActivity};
use crate::record::bench::{
    Arm, BENCH_SCHEMA, BenchRecord, BenchResult, BudgetCheck, Comparison, Definition, Noise, Sample,
    ToolVersion, Verdict, VerdictKind,
};
use crate::record::{Sizes, StepRecord, StepState, UnitCounts};

/// The median, the spread as a share, and the CPU seconds to each second of an arm.
type Cost = (f64, f64, f64);

/// A run in which nothing was measured yet.
pub fn empty() -> BenchRecord {
    BenchRecord {
        schema: BENCH_SCHEMA.to_owned(),
        id: "20261121-103000".to_owned(),
        result: BenchResult::Unfinished,
        started: "2026-11-21T10:30:00Z".to_owned(),
        updated: "2026-11-21T10:30:00Z".to_owned(),
        seconds: 0.0,
        project: "app".to_owned(),
        arguments: None,
        host: Host {
            os: "linux".to_owned(),
            arch: "x86_64".to_owned(),
            cpu: Some("Some CPU @ 2.60GHz".to_owned()),
            cores: Some(2),
            memory_bytes: Some(8_346_865_664),
            class: "linux-x86_64-2cpu-8gib".to_owned(),
        },
        tools: [("rustc", "1.95.0"), ("mold", "2.40.4"), ("sccache", "0.16.0"), ("kache", "2.0.0")]
            .map(|(name, version)| ToolVersion { name: name.to_owned(), version: version.to_owned() })
            .to_vec(),
        revision: Revision {
            commit: Some("0123456789abcdef0123456789abcdef01234567".to_owned()),
            commit_time: Some("2026-11-20T18:00:00+00:00".to_owned()),
            dirty: Some(false),
        },
        plan_digest: "5f1c09e2".to_owned(),
        noise: None,
        definitions: vec![
            definition(
                "cold",
                "an empty target directory and an empty compile cache; dependencies are downloaded",
            ),
            definition("warm", "an empty target directory and a compile cache that has seen this build"),
            definition("patch-ui", "a full target directory, and one line of the user interface changed"),
        ],
        comparisons: Vec::new(),
        samples: Vec::new(),
        verdicts: Vec::new(),
        budgets: Vec::new(),
        timelines: Vec::new(),
        notes: Vec::new(),
    }
}

fn definition(word: &str, meaning: &str) -> Definition {
    Definition { word: word.to_owned(), meaning: meaning.to_owned() }
}

pub fn arm(name: &str, version: Option<&str>) -> Arm {
    let cache = if matches!(name, "kache" | "sccache") { name } else { "none" };
    let linker = if matches!(name, "mold" | "lld" | "bfd" | "wild") { name } else { "default" };
    let wasm_opt = if matches!(name, "off" | "-Oz") { name } else { "-O2" };
    Arm {
        name: name.to_owned(),
        version: version.map(str::to_owned),
        variant: format!("profile=production linker={linker} cache={cache} wasm-opt={wasm_opt}"),
        unavailable: None,
    }
}

pub fn missing(name: &str, reason: &str) -> Arm {
    Arm { unavailable: Some(reason.to_owned()), ..arm(name, None) }
}

/// Adds a comparison with `runs` samples of each arm that has a cost, and the verdicts. The first arm is the baseline.
pub fn compare(record: &mut BenchRecord, id: &str, runs: usize, arms: &[(Arm, Option<Cost>)]) {
    let (scenario, axis) = id.split_once('/').unwrap();
    record.comparisons.push(Comparison {
        id: id.to_owned(),
        scenario: scenario.to_owned(),
        axis: axis.to_owned(),
        arms: arms.iter().map(|(arm, _)| arm.clone()).collect(),
        runs,
        estimated_seconds: Some(
            arms.iter().filter_map(|(_, cost)| *cost).map(|cost| cost.0).sum::<f64>() * runs as f64,
        ),
    });
    for round in 1..=runs {
        for (index, (arm, cost)) in arms.iter().enumerate() {
            let Some((median, spread, cpu)) = *cost else { continue };
            let seconds = median * (1.0 + spread * jitter(round * 7 + index * 3));
            record.samples.push(sample(id, &arm.name, round, seconds, cpu));
        }
    }
    let baseline = &arms[0];
    for (arm, cost) in &arms[1..] {
        let ratio = cost.and_then(|cost| Some(cost.0 / baseline.1?.0));
        let interval = cost.filter(|_| runs > 1).map(|cost| cost.1 + 0.004);
        let verdict = match (ratio, interval) {
            (None, _) => VerdictKind::NotMeasured,
            (_, None) => VerdictKind::OneSample,
            (Some(ratio), Some(_)) if (ratio - 1.0).abs() < 0.02 => VerdictKind::NoMeasurableGain,
            (Some(ratio), Some(half)) if (ratio - 1.0).abs() < half => VerdictKind::CannotTell,
            (Some(ratio), _) if ratio < 1.0 => VerdictKind::Faster,
            _ => VerdictKind::Slower,
        };
        record.verdicts.push(Verdict {
            comparison: id.to_owned(),
            arm: arm.name.clone(),
            baseline: baseline.0.name.clone(),
            verdict,
            ratio,
            low: ratio.zip(interval).map(|(ratio, half)| ratio * (1.0 - half)),
            high: ratio.zip(interval).map(|(ratio, half)| ratio * (1.0 + half)),
            coverage: interval.map(|_| 1.0 - 0.5_f64.powi(runs as i32 - 1)),
            pairs: if ratio.is_some() { runs } else { 0 },
            floor: 0.02,
        });
    }
}

/// From -1 to 1, the same for the same number.
pub fn jitter(number: usize) -> f64 {
    let mixed = (number as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    ((mixed >> 40) as f64 / (1u64 << 24) as f64) * 2.0 - 1.0
}

fn sample(comparison: &str, arm: &str, round: usize, seconds: f64, cpu: f64) -> Sample {
    let linker = if matches!(arm, "mold" | "lld" | "bfd") { arm } else { "ld" };
    let is_build = !comparison.starts_with("link");
    let step = |name: &str, share: f64, units: Option<UnitCounts>| StepRecord {
        name: name.to_owned(),
        state: StepState::Ran,
        seconds: seconds * share,
        cpu_seconds: Some(seconds * share * cpu),
        units,
        detail: String::new(),
    };
    let units = UnitCounts {
        fresh: 0,
        compiled: 298,
        compiled_packages: vec!["app".to_owned()],
        ..UnitCounts::default()
    };
    let steps = match is_build {
        true => vec![
            step("compile front", 0.4, Some(units.clone())),
            step("wasm-bindgen", 0.02, None),
            step("wasm-opt", 0.05, None),
            step("compile server", 0.53, Some(units)),
        ],
        false => Vec::new(),
    };
    Sample {
        comparison: comparison.to_owned(),
        arm: arm.to_owned(),
        round,
        seconds,
        cpu_seconds: Some(seconds * cpu),
        peak_memory_bytes: Some(1_900_000_000 + (seconds * 1e6) as u64),
        foreign_cores: Some(0.03),
        activity: Activity {
            compiled: is_build.then_some(612),
            fresh: is_build.then_some(0),
            links: BTreeMap::from([(linker.to_owned(), 34)]),
            linked_by: Some(linker.to_owned()),
            cache: cache(arm, round),
        },
        steps,
        sizes: match comparison.contains("wasm-opt") {
            true => vec![Sizes {
                file: "pkg/app.wasm".to_owned(),
                raw: if arm == "off" { 711_800 } else { 511_800 },
                gzip: Some(202_500),
                brotli: None,
            }],
            false => Vec::new(),
        },
        invalid: None,
    }
}

fn cache(arm: &str, round: usize) -> Option<CacheActivity> {
    let (hits, misses, not_cacheable) = match arm {
        "sccache" => (
            488 + round as u64 % 2,
            13,
            BTreeMap::from([
                ("crate-type".to_owned(), 86),
                ("missing input".to_owned(), 5),
                ("-".to_owned(), 2),
                ("multiple input files".to_owned(), 2),
            ]),
        ),
        "kache" => (612, 0, BTreeMap::new()),
        _ => return None,
    };
    Some(CacheActivity {
        cache: arm.to_owned(),
        requests: hits + misses + not_cacheable.values().sum::<u64>(),
        hits,
        misses,
        not_cacheable,
        write_errors: 0,
        read_errors: 0,
        size_bytes: Some(412_000_000),
        size_bytes_max: Some(10_737_418_240),
        server_cpu_seconds: (arm == "sccache").then_some(41.5),
    })
}

/// A run with everything in it: clear and unclear outcomes, a single sample, invalid ones, an arm that is not there.
pub fn whole() -> BenchRecord {
    let mut record = empty();
    record.result = BenchResult::Ok;
    record.arguments = Some(["--variant", "linker=mold", "--runs", "5"].map(str::to_owned).to_vec());
    record.updated = "2026-11-21T11:52:10Z".to_owned();
    record.seconds = 4_930.0;
    record.noise =
        Some(Noise { samples: vec![3.02, 3.05, 3.01, 3.08, 3.03], floor: 0.02, foreign_cores: Some(0.02) });
    compare(
        &mut record,
        "link/linker",
        5,
        &[
            (arm("default", None), Some((3.31, 0.012, 1.6))),
            (arm("bfd", Some("2.40")), Some((4.12, 0.02, 1.0))),
            (arm("lld", Some("19.1.7")), Some((1.21, 0.03, 1.7))),
            (arm("mold", Some("2.40.4")), Some((0.642, 0.05, 1.8))),
            (missing("wild", "not installed: `cargo xtask setup --with bench` installs it"), None),
        ],
    );
    compare(
        &mut record,
        "warm/cache",
        5,
        &[
            (arm("none", None), Some((372.0, 0.01, 1.85))),
            (arm("sccache", Some("0.16.0")), Some((131.0, 0.02, 1.3))),
            (arm("kache", Some("2.0.0")), Some((5.62, 0.06, 1.4))),
        ],
    );
    compare(
        &mut record,
        "patch-ui/linker",
        5,
        &[
            (arm("default", None), Some((21.4, 0.012, 1.5))),
            (arm("mold", Some("2.40.4")), Some((21.3, 0.01, 1.5))),
            (arm("lld", Some("19.1.7")), Some((20.9, 0.05, 1.5))),
        ],
    );
    compare(
        &mut record,
        "cold/cache",
        1,
        &[
            (arm("none", None), Some((385.0, 0.01, 1.9))),
            (arm("kache", Some("2.0.0")), Some((361.0, 0.01, 1.9))),
        ],
    );
    compare(
        &mut record,
        "cold/wasm-opt",
        3,
        &[(arm("off", None), Some((61.0, 0.01, 1.9))), (arm("-Oz", None), Some((66.0, 0.01, 1.9)))],
    );
    let failed = "the cache was not active: 0 calls though 612 units were compiled";
    for sample in record
        .samples
        .iter_mut()
        .filter(|sample| sample.comparison == "warm/cache" && sample.arm == "sccache")
    {
        if sample.round < 3 {
            sample.invalid = Some(failed.to_owned());
            sample.seconds = 371.0;
        }
    }
    for verdict in record.verdicts.iter_mut().filter(|verdict| verdict.arm == "sccache") {
        (verdict.pairs, verdict.coverage) = (3, Some(0.75));
    }
    record.budgets = vec![
        BudgetCheck {
            scenario: "cold".to_owned(),
            arm: Some("none".to_owned()),
            unit: "seconds".to_owned(),
            limit: 300.0,
            measured: Some(385.0),
            kept: Some(false),
        },
        BudgetCheck {
            scenario: "warm".to_owned(),
            arm: None,
            unit: "percent".to_owned(),
            limit: 10.0,
            measured: None,
            kept: None,
        },
        BudgetCheck {
            scenario: "warm".to_owned(),
            arm: Some("sccache".to_owned()),
            unit: "ratio".to_owned(),
            limit: 0.35,
            measured: Some(0.352),
            kept: None,
        },
    ];
    record.timelines = vec![timeline(120)];
    record.notes =
        vec!["kache is not recommended here: a build through it differs from one without.".to_owned()];
    record
}

/// Nothing but failures.
pub fn all_invalid() -> BenchRecord {
    let mut record = empty();
    record.result = BenchResult::Failed;
    compare(
        &mut record,
        "cold/cache",
        3,
        &[(arm("none", None), Some((12.0, 0.1, 1.0))), (arm("kache", None), Some((11.0, 0.1, 1.0)))],
    );
    for sample in &mut record.samples {
        sample.invalid = Some("error: could not compile `app` (lib)\n  --> src/lib.rs:3:1".to_owned());
    }
    for verdict in &mut record.verdicts {
        *verdict = Verdict {
            verdict: VerdictKind::NotMeasured,
            ratio: None,
            low: None,
            high: None,
            coverage: None,
            pairs: 0,
            ..verdict.clone()
        };
    }
    record
}

/// Stopped by a signal after the first sample.
pub fn interrupted() -> BenchRecord {
    let mut record = empty();
    record.result = BenchResult::Interrupted;
    compare(
        &mut record,
        "cold/cache",
        5,
        &[(arm("none", None), Some((385.0, 0.01, 1.9))), (arm("kache", None), Some((361.0, 0.01, 1.9)))],
    );
    record.samples.truncate(1);
    record.verdicts.clear();
    record
}

/// Names as nobody should give them, in every place that takes text from outside.
pub fn hostile() -> BenchRecord {
    let bad = "<script>alert(\"1\")</script> & 'x' | `y`\u{1b}[31m\nnext";
    let mut record = whole();
    record.project = bad.to_owned();
    record.arguments = Some(vec![bad.to_owned(), "```".to_owned()]);
    record.host.cpu = Some(bad.to_owned());
    record.host.class = bad.to_owned();
    record.revision.commit = Some(bad.to_owned());
    record.revision.commit_time = Some(bad.to_owned());
    record.notes = vec![bad.to_owned()];
    record.tools[0] = ToolVersion { name: bad.to_owned(), version: bad.to_owned() };
    record.definitions[0] = definition(bad, bad);
    record.budgets[0].scenario = bad.to_owned();
    for sample in &mut record.samples {
        sample.arm = format!("{}{bad}", sample.arm);
        sample.comparison = format!("{}{bad}", sample.comparison);
        sample.invalid = sample.invalid.as_ref().map(|_| bad.to_owned());
        sample.activity.links = BTreeMap::from([(bad.to_owned(), 1)]);
        sample.activity.linked_by = Some(bad.to_owned());
        sample.steps.iter_mut().for_each(|step| step.name += bad);
        sample.sizes.iter_mut().for_each(|size| size.file += bad);
        if let Some(cache) = &mut sample.activity.cache {
            cache.cache = bad.to_owned();
            cache.not_cacheable = BTreeMap::from([(bad.to_owned(), 1)]);
        }
    }
    for comparison in &mut record.comparisons {
        comparison.id += bad;
        comparison.axis += bad;
        comparison.scenario += bad;
        for arm in &mut comparison.arms {
            arm.name += bad;
            arm.variant += bad;
            arm.unavailable = arm.unavailable.as_ref().map(|_| bad.to_owned());
        }
    }
    for verdict in &mut record.verdicts {
        verdict.comparison += bad;
        verdict.arm += bad;
        verdict.baseline += bad;
    }
    for timeline in &mut record.timelines {
        timeline.units[3].package = bad.to_owned();
        timeline.units[3].features = vec![bad.to_owned()];
        timeline.units.iter_mut().for_each(|unit| unit.half += bad);
        timeline.steps[0].name = bad.to_owned();
        timeline.serial[0].what = bad.to_owned();
        timeline.critical_path[0].what = bad.to_owned();
        timeline.duplicates[0].package = bad.to_owned();
        timeline.kinds[0].kind = bad.to_owned();
    }
    record
}
