//! The builds of a round: which comparisons take their samples together, and which build is a sample of several. Pure.
//!
//! The whole builds take most of a run's time, and every comparison of them has the usual arm. Taken together, one
//! usual build a round stands beside all others, and filling a compile cache is the same build as the cold one with it.

use super::matrix::Planned;
use super::scenario::Scenario;
use super::variant::{Axis, Variant};

/// One build of a round.
#[derive(Clone, Debug, PartialEq)]
pub struct Build {
    pub scenario: Scenario,
    pub variant: Variant,
    /// What it is a sample of: places in the group, and in the arms of the comparison there.
    pub arms: Vec<(usize, usize)>,
}

/// The comparisons, cut where the next ones take their samples for themselves.
pub fn groups(planned: &[Planned]) -> Vec<&[Planned]> {
    let together = |one: &Planned, next: &Planned| is_whole(one.scenario) && is_whole(next.scenario);
    planned.chunk_by(together).collect()
}

/// The builds of a round, in the order in which they are asked for.
pub fn builds(group: &[Planned]) -> Vec<Build> {
    let mut builds: Vec<Build> = Vec::new();
    for (place, planned) in group.iter().enumerate() {
        for (arm, variant) in planned.variants.iter().enumerate() {
            let scenario = in_truth(planned.scenario, variant);
            // As they are told, because what is usual may be named or not.
            let is_same = |build: &&mut Build| {
                build.scenario == scenario && build.variant.to_string() == variant.to_string()
            };
            match builds.iter_mut().find(is_same) {
                Some(build) => build.arms.push((place, arm)),
                None => builds.push(Build { scenario, variant: variant.clone(), arms: vec![(place, arm)] }),
            }
        }
    }
    builds
}

fn is_whole(scenario: Scenario) -> bool {
    matches!(scenario, Scenario::Cold | Scenario::Warm)
}

/// Without a compile cache there is nothing warm.
fn in_truth(scenario: Scenario, variant: &Variant) -> Scenario {
    if scenario == Scenario::Warm && variant.get(Axis::Cache) == "none" { Scenario::Cold } else { scenario }
}

#[cfg(test)]
mod tests {
    use super::super::available::{Availability, Available};
    use super::super::estimate::Estimates;
    use super::super::matrix::matrix;
    use super::super::request::Request;
    use super::*;

    fn full() -> Vec<Planned> {
        let request = Request { profile: "production".to_owned(), full: true, ..Request::default() };
        let there = |axis: Axis, value: &str| ((axis, value.to_owned()), Availability::Yes { version: None });
        let available = Available {
            values: [
                there(Axis::Cache, "sccache"),
                there(Axis::Cache, "kache"),
                there(Axis::Driver, "cargo-leptos"),
            ]
            .into(),
            profiles: vec!["production".to_owned(), "ci".to_owned()],
            ..Available::default()
        };
        matrix(&request, &available, &Estimates::new(&[], &[100.0], 0, 2)).0
    }

    fn told(group: &[Planned], build: &Build) -> String {
        let arms = build.arms.iter().map(|(place, arm)| {
            let comparison = &group[*place].comparison;
            format!("{} {}", comparison.id, comparison.arms[*arm].name)
        });
        format!("{}: {}", build.scenario, arms.collect::<Vec<_>>().join(", "))
    }

    #[test]
    fn the_usual_build_stands_beside_all_others() {
        let planned = full();
        let groups = groups(&planned);
        let group = groups.iter().find(|group| is_whole(group[0].scenario)).unwrap();
        let there = |build: &Build| build.variant.get(Axis::Cache) != "sccache-s3";
        let told: Vec<String> =
            builds(group).iter().filter(|build| there(build)).map(|build| told(group, build)).collect();
        let expected = [
            "cold: cold/cache none, warm/cache none, cold/driver native, cold/profile production",
            "cold: cold/cache sccache",
            "cold: cold/cache kache",
            "warm: warm/cache sccache",
            "warm: warm/cache kache",
            "cold: cold/driver cargo-leptos",
            "cold: cold/profile ci",
        ];
        assert_eq!(told, expected);
        assert_eq!(groups.iter().filter(|group| group.len() > 1).count(), 1);
    }

    #[test]
    fn what_is_built_once_is_counted_once() {
        let planned = full();
        let seconds = |id: &str| {
            let found = planned.iter().find(|planned| planned.comparison.id == id);
            found.and_then(|planned| planned.comparison.estimated_seconds).map(f64::round)
        };
        // Three rounds: the usual build and two that fill a cache; then what is left for the others.
        assert_eq!(seconds("cold/cache"), Some(3.0 * (101.0 + 121.0 + 121.0)));
        assert_eq!(seconds("warm/cache"), Some(3.0 * (41.0 + 6.0)));
        assert_eq!(seconds("cold/driver"), Some(3.0 * 101.0));
        assert_eq!(seconds("cold/profile"), Some(3.0 * 101.0));
    }
}
