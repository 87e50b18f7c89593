//! Budgets of the workspace: what was measured, held against what it may be.

use std::collections::BTreeMap;

use super::figures::{Headline, headline, same_in, seconds, valid};
use super::noise::{self, Floor};
use super::statistics::median;
use super::variant::Axis;
use crate::config::bench::Budget;
use crate::exit::{Exit, Failure};
use crate::record::bench::{BenchRecord, BudgetCheck, Comparison, Verdict};

/// How many earlier runs count. Enough that a bad one does not matter, and few enough that the median follows an
/// app that grows; that it does not creep is what the limit in seconds is for.
const EARLIER_MAX: usize = 10;

/// Seconds, as in [`BudgetCheck::unit`].
const SECONDS: &str = "seconds";
/// Per cent more than earlier runs, as in [`BudgetCheck::unit`].
const PERCENT: &str = "percent";
/// Of the time without what the arm switches on, as in [`BudgetCheck::unit`].
const RATIO: &str = "ratio";

/// Checks every budget; `earlier` are runs like this one, the oldest first.
///
/// A scenario is its headline's median. More per cent than allowed, or a greater ratio, but no more than noise, is
/// neither kept nor broken: such a budget is finer than this machine can tell.
pub fn checks(
    record: &BenchRecord,
    budgets: &BTreeMap<String, Vec<Budget>>,
    earlier: &[&BenchRecord],
) -> Vec<BudgetCheck> {
    let mut checks = Vec::new();
    for (scenario, budget) in budgets.iter().flat_map(|(of, all)| all.iter().map(move |budget| (of, budget)))
    {
        let headline = headline(record, scenario, budget.arm.as_deref());
        let mut add = |unit: &str, limit: f64, measured: Option<f64>, kept: Option<bool>| {
            let (scenario, unit) = (scenario.clone(), unit.to_owned());
            let arm = headline.map(|headline| headline.arm.name.clone()).or_else(|| budget.arm.clone());
            checks.push(BudgetCheck { scenario, arm, unit, limit, measured, kept });
        };
        if let Some(limit) = budget.seconds {
            let measured = headline.map(|headline| headline.seconds);
            add(SECONDS, limit, measured, measured.map(|seconds| seconds <= limit));
        }
        if let Some(limit) = budget.percent {
            let measured = headline.and_then(|headline| percent_more(record, headline, earlier));
            let kept = measured.zip(headline).and_then(|(percent, headline)| {
                let noise = floor(record, headline).full * 100.0;
                (percent <= limit || percent > noise).then_some(percent <= limit)
            });
            add(PERCENT, limit, measured, kept);
        }
        if let Some(limit) = budget.ratio {
            let verdict = budget.arm.as_deref().and_then(|arm| beside_usual(record, scenario, arm));
            let kept = verdict.and_then(|verdict| is_within(verdict, limit));
            add(RATIO, limit, verdict.and_then(|verdict| verdict.ratio), kept);
        }
    }
    checks
}

/// The verdict on an arm beside the one that switches nothing on; `None` where there is none: one compile cache beside
/// another says nothing of the time without one.
fn beside_usual<'r>(record: &'r BenchRecord, scenario: &str, arm: &str) -> Option<&'r Verdict> {
    let of_scenario = record.comparisons.iter().filter(|comparison| comparison.scenario == scenario);
    let beside_usual = of_scenario.filter(|comparison| is_beside_usual(comparison));
    let ids: Vec<&str> = beside_usual.map(|comparison| comparison.id.as_str()).collect();
    let is_meant = |verdict: &&Verdict| verdict.arm == arm && ids.contains(&verdict.comparison.as_str());
    record.verdicts.iter().filter(is_meant).find(|verdict| verdict.ratio.is_some())
}

/// Profiles are the workspace's, and none is more usual than the one that was asked for; a variant that somebody gave
/// is always compared with what is usual.
fn is_beside_usual(comparison: &Comparison) -> bool {
    let axis = Axis::ALL.into_iter().find(|axis| axis.name() == comparison.axis);
    let usual = axis.and_then(|axis| axis.values().first().copied());
    usual.is_none_or(|usual| comparison.arms.first().is_some_and(|arm| arm.name == usual))
}

/// Whether the ratio is at most so much; `None` where it is more, and chance or noise can have made it so.
fn is_within(verdict: &Verdict, limit: f64) -> Option<bool> {
    let ratio = verdict.ratio?;
    let least = verdict.low.unwrap_or(ratio).min(ratio * (1.0 - verdict.floor));
    (ratio <= limit || least > limit).then_some(ratio <= limit)
}

/// How many per cent more than the median of the latest earlier runs on this processor that measured the same;
/// negative for less.
fn percent_more(record: &BenchRecord, headline: Headline<'_>, earlier: &[&BenchRecord]) -> Option<f64> {
    // A class of host may have several processors, and which one a hosted runner gets is chance.
    let is_like = |run: &&&BenchRecord| run.host.cpu == record.host.cpu;
    let like = earlier.iter().rev().filter(is_like);
    let before: Vec<f64> = like.filter_map(|run| same_in(run, headline)).take(EARLIER_MAX).collect();
    Some((headline.seconds / median(&before)? - 1.0) * 100.0)
}

fn floor(record: &BenchRecord, headline: Headline<'_>) -> Floor {
    let samples = valid(record, &headline.comparison.id, &headline.arm.name);
    let loads: Vec<f64> = samples.iter().map(|sample| noise::load(sample, record.host.cores)).collect();
    let middle = median(&seconds(&samples)).unwrap_or(f64::INFINITY);
    Floor::new(record.noise.as_ref(), middle, median(&loads).unwrap_or(0.0))
}

/// The failure that broken budgets are; `None` where all are kept or cannot be told.
pub fn failure(checks: &[BudgetCheck]) -> Option<Failure> {
    let broken: Vec<String> = checks
        .iter()
        .filter(|check| check.kept == Some(false))
        .map(|check| {
            let arm = check.arm.as_ref().map_or(String::new(), |arm| format!(" ({arm})"));
            let (what, limit) = (format!("{}{arm}", check.scenario), check.limit);
            let measured = check.measured.unwrap_or(f64::NAN);
            match check.unit.as_str() {
                PERCENT => {
                    format!("{what} takes {measured:.1} % more than earlier runs, {limit} % are allowed")
                }
                RATIO => format!("{what} takes {measured:.3} of the time without, {limit} is allowed"),
                _ => format!("{what} takes {measured:.1} s, {limit} s are allowed"),
            }
        })
        .collect();
    let what = if broken.len() == 1 { "budget is" } else { "budgets are" };
    let message = format!("{} {what} broken: {}", broken.len(), broken.join("; "));
    let hint = "`cargo xtask bench compare latest~1 latest` shows what changed; the budgets are in \
                [workspace.metadata.xtask.bench]";
    (!broken.is_empty()).then(|| Failure::new(Exit::CheckFailed, message).hint(hint))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::super::shared_tests::record;
    use super::super::verdict::verdicts;
    use super::*;

    fn budget(seconds: Option<f64>, percent: Option<f64>) -> BTreeMap<String, Vec<Budget>> {
        BTreeMap::from([("cold".to_owned(), vec![Budget { seconds, percent, ..Budget::default() }])])
    }

    fn check(now: &[f64], before: &[f64], percent: f64) -> (Option<i64>, Option<bool>) {
        let now = record("20261121-103000", "cold/cache", &[("none", now)]);
        let earlier: Vec<BenchRecord> = before
            .iter()
            .map(|seconds| record("20261120-103000", "cold/cache", &[("none", &[*seconds])]))
            .collect();
        let earlier: Vec<&BenchRecord> = earlier.iter().collect();
        let checks = checks(&now, &budget(None, Some(percent)), &earlier);
        assert_eq!((checks.len(), checks[0].unit.as_str(), checks[0].limit), (1, "percent", percent));
        (checks[0].measured.map(|percent| percent.round() as i64), checks[0].kept)
    }

    #[test]
    fn percent_of_earlier_runs() {
        assert_eq!(check(&[120.0], &[100.0, 90.0, 500.0], 25.0), (Some(20), Some(true)));
        assert_eq!(check(&[130.0], &[100.0, 90.0, 500.0], 25.0), (Some(30), Some(false)));
        assert_eq!(check(&[80.0, 60.0], &[100.0], 25.0), (Some(-30), Some(true)));
        // Nothing before, and nothing now.
        assert_eq!(check(&[130.0], &[], 25.0), (None, None));
        assert_eq!(check(&[], &[100.0], 25.0), (None, None));
        // More than allowed, within a noise of 2 %.
        assert_eq!(check(&[101.4], &[100.0], 1.0), (Some(1), None));
        assert_eq!(check(&[103.0], &[100.0], 1.0), (Some(3), Some(false)));
        // Only the latest ten count.
        let before: Vec<f64> = [[10.0; 20].as_slice(), &[100.0; 10]].concat();
        assert_eq!(check(&[110.0], &before, 25.0), (Some(10), Some(true)));
    }

    #[test]
    fn runs_on_another_processor_do_not_count() {
        let now = record("20261121-103000", "cold/cache", &[("none", &[130.0])]);
        let mut earlier = record("20261120-103000", "cold/cache", &[("none", &[100.0])]);
        let kept = |earlier: &BenchRecord| {
            let checks = checks(&now, &budget(None, Some(25.0)), &[earlier]);
            (checks[0].measured.map(f64::round), checks[0].kept)
        };
        assert_eq!(kept(&earlier), (Some(30.0), Some(false)));
        earlier.host.cpu = Some("Some CPU".to_owned());
        assert_eq!(kept(&earlier), (None, None));
    }

    #[test]
    fn seconds_and_what_is_said_of_them() {
        let now = record("20261121-103000", "cold/cache", &[("none", &[700.0, 800.0, 750.0])]);
        let kept = |seconds: f64| checks(&now, &budget(Some(seconds), None), &[])[0].kept;
        assert_eq!((kept(750.0), kept(720.0)), (Some(true), Some(false)));
        let earlier = record("20261120-103000", "cold/cache", &[("none", &[500.0])]);
        let mut both = budget(Some(720.0), Some(25.0));
        both.insert("hot".to_owned(), vec![Budget { seconds: Some(1.0), ..Budget::default() }]);
        let checks = checks(&now, &both, &[&earlier]);
        assert_eq!(
            checks.iter().map(|check| check.kept).collect::<Vec<_>>(),
            [Some(false), Some(false), None]
        );
        expect![
            "2 budgets are broken: cold (none) takes 750.0 s, 720 s are allowed; cold (none) takes 50.0 % more than earlier runs, 25 % are allowed"
        ]
        .assert_eq(&failure(&checks).unwrap().to_string());
        assert!(failure(&checks[2..]).is_none());
    }

    /// A run of warm builds, with what can be said of them.
    fn warm(arms: &[(&str, &[f64])]) -> BenchRecord {
        let mut run = record("20261121-103000", "warm/cache", arms);
        run.verdicts = verdicts(&run.comparisons, &run.samples, run.noise.as_ref(), run.host.cores);
        run
    }

    /// The ratio in thousandths, and whether it is kept.
    fn held(run: &BenchRecord, arm: &str, limit: f64) -> (Option<i64>, Option<bool>) {
        let budget = Budget { ratio: Some(limit), arm: Some(arm.to_owned()), ..Budget::default() };
        let checks = checks(run, &BTreeMap::from([("warm".to_owned(), vec![budget])]), &[]);
        assert_eq!((checks.len(), checks[0].unit.as_str(), checks[0].limit), (1, "ratio", limit));
        assert_eq!(checks[0].arm.as_deref(), Some(arm));
        (checks[0].measured.map(|ratio| (ratio * 1000.0).round() as i64), checks[0].kept)
    }

    #[test]
    fn the_share_of_the_time_without_a_cache() {
        let three = warm(&[
            ("none", &[100.0, 101.0, 99.0]),
            ("sccache", &[40.0, 40.4, 39.6]),
            ("kache", &[2.0, 2.0, 2.0]),
        ]);
        assert_eq!(held(&three, "kache", 0.05), (Some(20), Some(true)));
        assert_eq!(held(&three, "sccache", 0.401), (Some(400), Some(true)));
        assert_eq!(held(&three, "sccache", 0.35), (Some(400), Some(false)));
        // More than allowed, within a noise of 1 % at least.
        assert_eq!(held(&three, "sccache", 0.399), (Some(400), None));
        // Not measured, and in another scenario.
        assert_eq!(held(&three, "sccache-s3", 0.35), (None, None));
        let cold = record("20261121-103000", "cold/cache", &[("none", &[9.0]), ("kache", &[9.0])]);
        assert_eq!(held(&cold, "kache", 0.05), (None, None));
        // One sample is no verdict, but a number.
        let one = warm(&[("none", &[100.0]), ("kache", &[20.0])]);
        assert_eq!(
            (held(&one, "kache", 0.05), held(&one, "kache", 0.2)),
            ((Some(200), Some(false)), (Some(200), Some(true)))
        );
        // The interval reaches as far as what is allowed.
        let wide = warm(&[("none", &[100.0; 5]), ("sccache", &[30.0, 33.0, 40.0, 42.0, 44.0])]);
        assert_eq!(held(&wide, "sccache", 0.35), (Some(400), None));
    }

    #[test]
    fn one_cache_beside_another_says_nothing_of_the_time_without() {
        let two = warm(&[("kache", &[2.0, 2.0, 2.0]), ("sccache", &[40.0, 40.0, 40.0])]);
        assert_eq!(two.verdicts.len(), 1);
        assert_eq!((held(&two, "sccache", 0.35), held(&two, "kache", 0.05)), ((None, None), (None, None)));
    }

    #[test]
    fn each_arm_has_limits_of_its_own() {
        let run = warm(&[("none", &[100.0; 3]), ("sccache", &[40.0; 3]), ("kache", &[6.0; 3])]);
        let budget = |arm: &str, seconds: f64, ratio: f64| Budget {
            seconds: Some(seconds),
            ratio: Some(ratio),
            arm: Some(arm.to_owned()),
            percent: None,
        };
        let both = vec![budget("sccache", 39.0, 0.45), budget("kache", 10.0, 0.05)];
        let checks = checks(&run, &BTreeMap::from([("warm".to_owned(), both)]), &[]);
        let told: Vec<_> =
            checks.iter().map(|check| (check.arm.as_deref(), check.unit.as_str(), check.kept)).collect();
        assert_eq!(
            told,
            [
                (Some("sccache"), "seconds", Some(false)),
                (Some("sccache"), "ratio", Some(true)),
                (Some("kache"), "seconds", Some(true)),
                (Some("kache"), "ratio", Some(false)),
            ]
        );
        expect![
            "2 budgets are broken: warm (sccache) takes 40.0 s, 39 s are allowed; warm (kache) takes 0.060 of the time without, 0.05 is allowed"
        ]
        .assert_eq(&failure(&checks).unwrap().to_string());
    }
}
