//! How long a sample will take: from earlier runs on this class of host where there are any, else from what is usual.

use std::collections::BTreeMap;

use super::scenario::Scenario;
use super::variant::{Axis, Variant};
use crate::record::bench::BenchRecord;

/// What estimates come from.
#[derive(Clone, Debug, Default)]
pub struct Estimates {
    /// Median seconds by scenario and variant, as earlier runs measured them.
    known: BTreeMap<(String, String), f64>,
    /// Seconds of a cold build as usual; `None` where nobody has an idea.
    cold: Option<f64>,
}

/// CPU seconds of a cold build for each package in Cargo.lock, both halves together: 400 s for the 300 packages of
/// one app with fat LTO in its wasm half. Only a guess until something was measured.
const CPU_SECONDS_PER_PACKAGE: f64 = 1.3;

impl Estimates {
    /// From earlier runs of the same project on this class of host, and the seconds of cold builds that were no
    /// benchmark.
    pub fn new(earlier: &[BenchRecord], cold_builds: &[f64], packages: usize, cores: usize) -> Estimates {
        let mut samples: BTreeMap<(String, String), Vec<f64>> = BTreeMap::new();
        for record in earlier {
            for comparison in &record.comparisons {
                for arm in &comparison.arms {
                    let of_arm = record.samples.iter().filter(|sample| {
                        sample.comparison == comparison.id
                            && sample.arm == arm.name
                            && sample.invalid.is_none()
                    });
                    let key = (comparison.scenario.clone(), arm.variant.clone());
                    samples.entry(key).or_default().extend(of_arm.map(|sample| sample.seconds));
                }
            }
        }
        let known: BTreeMap<_, _> =
            samples.into_iter().filter_map(|(key, seconds)| Some((key, median(seconds)?))).collect();
        let guess = (packages > 0).then(|| packages as f64 * CPU_SECONDS_PER_PACKAGE / cores.max(1) as f64);
        let measured = known.iter().filter(|((scenario, _), _)| scenario == Scenario::Cold.name());
        let cold = median(measured.map(|(_, seconds)| *seconds).collect());
        Estimates { cold: cold.or(median(cold_builds.to_vec())).or(guess), known }
    }

    /// Seconds of one sample, its untimed reset included.
    pub fn sample(&self, scenario: Scenario, variant: &Variant) -> Option<f64> {
        let known = self.known.get(&(scenario.name().to_owned(), variant.to_string()));
        known
            .copied()
            .or_else(|| Some(self.cold? * usual_share(scenario, variant)))
            .map(|seconds| seconds + RESET)
    }
}

/// Removing a target directory, and looking at the files again.
const RESET: f64 = 1.0;

/// What a scenario usually takes beside a cold build. Measured on one app with two cores; see `docs/measurements/`.
fn usual_share(scenario: Scenario, variant: &Variant) -> f64 {
    match (scenario, variant.get(Axis::Cache)) {
        (Scenario::Cold, "none") | (Scenario::Warm, "none") => 1.0,
        // Filling a cache costs a fifth.
        (Scenario::Cold, _) => 1.2,
        (Scenario::Warm, "kache") => 0.05,
        (Scenario::Warm, _) => 0.4,
        (Scenario::WarmTarget, _) => 0.4,
        (Scenario::Link, _) => 0.005,
        (Scenario::WasmOpt, _) => 0.05,
        (Scenario::Hot, _) => 0.005,
        (Scenario::PatchServer, _) => 0.08,
        (Scenario::PatchUi, _) => 0.3,
        (Scenario::PatchCore, _) => 0.35,
    }
}

/// The middle one; `None` of nothing.
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        length if length % 2 == 1 => Some(values[middle]),
        _ => Some((values[middle - 1] + values[middle]) / 2.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_comes_before_what_is_usual() {
        let variant = Variant::usual("production");
        let nothing = Estimates::new(&[], &[], 0, 2);
        assert_eq!(nothing.sample(Scenario::Cold, &variant), None);
        let guessed = Estimates::new(&[], &[], 300, 2);
        assert_eq!(guessed.sample(Scenario::Cold, &variant), Some(196.0));
        let built = Estimates::new(&[], &[99.0, 120.0, 101.0], 300, 2);
        assert_eq!(built.sample(Scenario::Cold, &variant), Some(102.0));
        assert_eq!(
            built.sample(Scenario::Warm, &variant.with(Axis::Cache, "sccache")).map(f64::round),
            Some(41.0)
        );
    }

    #[test]
    fn medians() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0]), Some(2.5));
    }
}
