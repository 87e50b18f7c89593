//! Which builds' time is told: the first cold one, and the first warm one with each compile cache. Pure.
//!
//! A cold build says where the time goes, a warm one what keeps its cache from giving back more of it.

use crate::bench::scenario::Scenario;
use crate::bench::variant::{Axis, Variant};
use crate::record::bench::BenchRecord;

/// Whether builds of this scenario are made with cargo's timings: all of them, so that none differs from another.
pub fn is_timed(scenario: Scenario) -> bool {
    matches!(scenario, Scenario::Cold | Scenario::Warm)
}

/// Whether the record has no timeline yet of a build like this one. `scenario` is what the build is in truth: without
/// a compile cache nothing is warm.
pub fn is_wanted(record: &BenchRecord, scenario: Scenario, variant: &Variant) -> bool {
    let cache = |variant: &Variant| match scenario {
        Scenario::Warm => variant.get(Axis::Cache).to_owned(),
        _ => String::new(),
    };
    let is_like =
        |(of_other, other): (Scenario, Variant)| of_other == scenario && cache(&other) == cache(variant);
    is_timed(scenario) && !told(record).any(is_like)
}

/// The builds of the record's timelines.
fn told(record: &BenchRecord) -> impl Iterator<Item = (Scenario, Variant)> {
    record.timelines.iter().filter_map(|timeline| {
        let comparison = record.comparisons.iter().find(|comparison| comparison.id == timeline.comparison)?;
        let arm = comparison.arms.iter().find(|arm| arm.name == timeline.arm)?;
        let variant: Variant = arm.variant.parse().ok()?;
        let is_warm = comparison.scenario == Scenario::Warm.name() && variant.get(Axis::Cache) != "none";
        Some((if is_warm { Scenario::Warm } else { Scenario::Cold }, variant))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::shared_tests::record;
    use crate::record::bench::timeline::Timeline;
    use crate::record::bench::{Arm, Comparison};

    fn variant(cache: &str) -> Variant {
        Variant::usual("production").with(Axis::Cache, cache)
    }

    fn add(record: &mut BenchRecord, comparison: &str, arm: &str) {
        record.timelines.push(Timeline {
            comparison: comparison.to_owned(),
            arm: arm.to_owned(),
            seconds: 1.0,
            jobs: 2,
            units: Vec::new(),
            steps: Vec::new(),
            kinds: Vec::new(),
            serial: Vec::new(),
            critical_path: Vec::new(),
            duplicates: Vec::new(),
        });
    }

    #[test]
    fn one_cold_build_and_one_warm_build_a_cache() {
        let mut record = record("20260101-000000", "cold/cache", &[]);
        record.comparisons = ["cold", "warm"]
            .map(|scenario| Comparison {
                id: format!("{scenario}/cache"),
                scenario: scenario.to_owned(),
                axis: "cache".to_owned(),
                arms: ["none", "sccache", "kache"]
                    .map(|cache| Arm {
                        name: cache.to_owned(),
                        version: None,
                        variant: variant(cache).to_string(),
                        unavailable: None,
                    })
                    .to_vec(),
                runs: 3,
                estimated_seconds: None,
            })
            .to_vec();
        let wanted = |record: &BenchRecord| {
            let builds = [
                (Scenario::Cold, "none"),
                (Scenario::Cold, "kache"),
                (Scenario::Warm, "sccache"),
                (Scenario::Warm, "kache"),
                (Scenario::Hot, "none"),
            ];
            builds.map(|(scenario, cache)| is_wanted(record, scenario, &variant(cache)))
        };
        assert_eq!(wanted(&record), [true, true, true, true, false]);
        // Asked for warm builds alone, the one without a cache is a cold one.
        add(&mut record, "warm/cache", "none");
        assert_eq!(wanted(&record), [false, false, true, true, false]);
        add(&mut record, "warm/cache", "kache");
        assert_eq!(wanted(&record), [false, false, true, false, false]);
    }
}
