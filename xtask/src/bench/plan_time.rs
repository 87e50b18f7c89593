//! What a plan takes by estimate: each build once, and the builds that are not timed but have to be made. Pure.

use std::collections::BTreeSet;

use super::estimate::Estimates;
use super::matrix::Planned;
use super::rounds;
use super::scenario::Scenario;
use super::variant::{Axis, Variant};
use crate::tools::local::DEFAULT_LINKER;

/// Seconds of all comparisons; `None` where nobody has an idea.
pub fn total(planned: &[Planned], estimates: &Estimates) -> Option<f64> {
    seconds(planned, estimates).into_iter().sum()
}

/// Seconds of each comparison. A build that is a sample of several is a part of the first one's time that wants it most
/// often; a build that is not timed is a part of the first one's that needs it.
pub fn seconds(planned: &[Planned], estimates: &Estimates) -> Vec<Option<f64>> {
    let mut seconds = Vec::new();
    let mut there = There::default();
    for group in rounds::groups(planned) {
        let mut of_group = vec![Some(0.0); group.len()];
        for build in rounds::builds(group) {
            let arms = build.arms.iter().map(|(place, arm)| (*place, &group[*place].comparison, *arm));
            let of_arms = arms.filter(|(_, comparison, arm)| comparison.arms[*arm].unavailable.is_none());
            let Some((place, comparison, _)) =
                of_arms.max_by_key(|(place, comparison, _)| (comparison.runs, std::cmp::Reverse(*place)))
            else {
                continue;
            };
            if comparison.runs == 0 {
                continue;
            }
            let samples = estimates
                .sample(build.scenario, &build.variant)
                .map(|seconds| seconds * comparison.runs as f64);
            let before = match there.needs(build.scenario, &build.variant) {
                Some(variant) => estimates.sample(Scenario::Cold, &variant),
                None => Some(0.0),
            };
            let sum = of_group[place].zip(samples).zip(before);
            of_group[place] = sum.map(|((sum, samples), before)| sum + samples + before);
        }
        seconds.extend(of_group);
    }
    seconds
}

/// What earlier builds of the run have left.
#[derive(Default)]
struct There {
    /// Target directories ([`Variant::target_key`]).
    targets: BTreeSet<String>,
    /// Compile caches, with what they are full of.
    caches: BTreeSet<(String, String)>,
}

impl There {
    /// The build that has to be made first, untimed, if any; both are there from then on.
    fn needs(&mut self, scenario: Scenario, variant: &Variant) -> Option<Variant> {
        let key = variant.target_key();
        let is_whole = matches!(scenario, Scenario::Cold | Scenario::Warm);
        let is_new_target = self.targets.insert(key.clone());
        if is_whole {
            let cache = variant.get(Axis::Cache).to_owned();
            let is_new_cache = self.caches.insert((cache, key));
            return (scenario == Scenario::Warm && is_new_cache).then(|| variant.clone());
        }
        let plain = || variant.with(Axis::Cache, "none").with(Axis::Linker, DEFAULT_LINKER);
        is_new_target.then(plain)
    }
}
