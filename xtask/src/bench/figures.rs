//! Figures of one run: the valid times of an arm, and the one arm that stands for a scenario.

use super::statistics::median;
use crate::record::bench::{Arm, BenchRecord, Comparison, Sample};

/// The scenario whose builds go through a compile cache.
const WARM: &str = "warm";

/// The arm that stands for a scenario where one number has to: in budgets and in the history.
#[derive(Clone, Copy, Debug)]
pub struct Headline<'r> {
    pub comparison: &'r Comparison,
    pub arm: &'r Arm,
    /// The median.
    pub seconds: f64,
}

/// The valid samples of an arm, in the order in which they were taken.
pub fn valid<'r>(record: &'r BenchRecord, comparison: &str, arm: &str) -> Vec<&'r Sample> {
    let of_arm = record.samples.iter().filter(|sample| sample.comparison == comparison && sample.arm == arm);
    of_arm.filter(|sample| sample.invalid.is_none() && sample.seconds > 0.0).collect()
}

/// Their seconds.
pub fn seconds(samples: &[&Sample]) -> Vec<f64> {
    samples.iter().map(|sample| sample.seconds).collect()
}

/// The scenarios, in the order in which they were to be measured.
pub fn scenarios(record: &BenchRecord) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for comparison in &record.comparisons {
        if !names.contains(&comparison.scenario.as_str()) {
            names.push(&comparison.scenario);
        }
    }
    names
}

/// The arm called `arm`, else the baseline: what is in use where nothing is changed. A warm build is another matter:
/// its baseline may well have no cache, and is then a cold build by another name, so the fastest arm counts. `None`
/// where it was not measured.
pub fn headline<'r>(record: &'r BenchRecord, scenario: &str, arm: Option<&str>) -> Option<Headline<'r>> {
    let of_scenario = || record.comparisons.iter().filter(|comparison| comparison.scenario == scenario);
    let measured = |comparison: &'r Comparison, arm: &'r Arm| {
        let seconds = median(&seconds(&valid(record, &comparison.id, &arm.name)))?;
        Some(Headline { comparison, arm, seconds })
    };
    let mut all = of_scenario()
        .flat_map(|comparison| comparison.arms.iter().filter_map(move |arm| measured(comparison, arm)));
    match arm {
        Some(name) => all.find(|headline| headline.arm.name == name),
        None if scenario == WARM => all.min_by(|a, b| a.seconds.total_cmp(&b.seconds)),
        None => of_scenario().find_map(|comparison| measured(comparison, comparison.arms.first()?)),
    }
}

/// The median of the same arm in another run; `None` where it was not measured there or was set up otherwise.
pub fn same_in(record: &BenchRecord, headline: Headline<'_>) -> Option<f64> {
    let comparison = record.comparisons.iter().find(|comparison| comparison.id == headline.comparison.id)?;
    let arm = comparison.arms.iter().find(|arm| arm.name == headline.arm.name)?;
    if arm.variant != headline.arm.variant {
        return None;
    }
    median(&seconds(&valid(record, &comparison.id, &arm.name)))
}

#[cfg(test)]
mod tests {
    use super::super::shared_tests::{comparison, record, sample};
    use super::*;

    #[test]
    fn one_arm_stands_for_a_scenario() {
        let mut run =
            record("20261121-103000", "cold/profile", &[("production", &[9.0, 7.0]), ("dev", &[3.0])]);
        run.comparisons.push(comparison("warm/cache", &["none", "sccache", "kache"]));
        run.comparisons.push(comparison("cold/cache", &["none", "kache"]));
        run.samples.push(sample("warm/cache", "none", 1, 8.0));
        run.samples.push(sample("warm/cache", "sccache", 1, 4.0));
        run.samples.push(sample("cold/cache", "kache", 1, 8.5));
        run.samples.push(Sample { invalid: Some("off".to_owned()), ..sample("warm/cache", "kache", 1, 0.1) });
        assert_eq!(scenarios(&run), ["cold", "warm"]);
        let check = |scenario: &str, arm: Option<&str>, expected: Option<(&str, &str, f64)>| {
            let found = headline(&run, scenario, arm);
            let found = found.map(|it| (it.comparison.id.as_str(), it.arm.name.as_str(), it.seconds));
            assert_eq!(found, expected);
        };
        check("cold", None, Some(("cold/profile", "production", 8.0)));
        check("cold", Some("kache"), Some(("cold/cache", "kache", 8.5)));
        check("warm", None, Some(("warm/cache", "sccache", 4.0)));
        check("warm", Some("none"), Some(("warm/cache", "none", 8.0)));
        check("warm", Some("kache"), None);
        check("hot", None, None);
    }

    #[test]
    fn only_what_is_set_up_alike_is_the_same() {
        let now = record("20261121-103000", "cold/cache", &[("none", &[9.0])]);
        let mut earlier = record("20261120-103000", "cold/cache", &[("none", &[7.0, 5.0])]);
        let headline = headline(&now, "cold", None).unwrap();
        assert_eq!(same_in(&earlier, headline), Some(6.0));
        earlier.comparisons[0].arms[0].variant = "profile=dev".to_owned();
        assert_eq!(same_in(&earlier, headline), None);
        earlier.comparisons.clear();
        assert_eq!(same_in(&earlier, headline), None);
    }
}
