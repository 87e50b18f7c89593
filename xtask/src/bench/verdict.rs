//! What can be said of an arm beside the baseline: faster, slower, no measurable gain, or that one cannot tell.
//!
//! Everything is reckoned in ratios of samples of one round. Rounds are taken forwards and backwards, so that what
//! slows the machine down bit by bit makes one pair worse and the next one better: then pairs disagree, and nothing is
//! said. "Twice the floor" is the floor applied twice.

use super::noise::{self, Floor};
use super::statistics::{self, Interval, deviation, likely_ratios, median, median_interval};
use crate::record::bench::{Comparison, Definition, Noise, Sample, Verdict, VerdictKind};

/// The greatest gain that may hide behind "no measurable gain". Who reads that takes it as "not worth it", so it
/// must not be said only because a machine is too noisy to tell. `compare` fails from here on by default, too.
const HIDDEN_MAX: f64 = 0.05;

/// One verdict for each arm but the baseline of each comparison, in order. An arm in which nothing runs takes no time,
/// and there is nothing to say of it.
///
/// A pair is the two valid samples of one round; where a round was measured twice, the later ones count. An invalid
/// sample drops its pair. `cores` are those of the machine, where they are known.
pub fn verdicts(
    comparisons: &[Comparison],
    samples: &[Sample],
    noise: Option<&Noise>,
    cores: Option<usize>,
) -> Vec<Verdict> {
    let of_arms = comparisons.iter().flat_map(|comparison| {
        let (baseline, arms) = comparison.arms.split_first()?;
        let runs_nothing = |arm: &str| {
            let mut of_arm = samples
                .iter()
                .filter(|sample| {
                    sample.comparison == comparison.id && sample.arm == arm && sample.invalid.is_none()
                })
                .peekable();
            of_arm.peek().is_some() && of_arm.all(|sample| sample.seconds == 0.0)
        };
        let arms = arms.iter().filter(move |arm| !runs_nothing(&arm.name));
        Some(arms.map(|arm| verdict(&comparison.id, &arm.name, &baseline.name, samples, noise, cores)))
    });
    of_arms.flatten().collect()
}

fn verdict(
    comparison: &str,
    arm: &str,
    baseline: &str,
    samples: &[Sample],
    noise: Option<&Noise>,
    cores: Option<usize>,
) -> Verdict {
    let pairs = pairs(comparison, arm, baseline, samples);
    let ratios: Vec<f64> = pairs.iter().map(|(arm, baseline)| arm.seconds / baseline.seconds).collect();
    let of_pairs = |figure: &dyn Fn(&Sample, &Sample) -> f64| {
        median(&pairs.iter().map(|(arm, baseline)| figure(arm, baseline)).collect::<Vec<_>>())
    };
    // Of the two, the one that others disturbed more, and the one in which the clock matters more.
    let load = |sample: &Sample| noise::load(sample, cores);
    let load = of_pairs(&|arm: &Sample, baseline: &Sample| load(arm).max(load(baseline))).unwrap_or(0.0);
    let seconds = of_pairs(&|arm: &Sample, baseline: &Sample| arm.seconds.max(baseline.seconds));
    let (of_arm, of_baseline): (Vec<f64>, Vec<f64>) =
        pairs.iter().map(|(arm, baseline)| (arm.seconds, baseline.seconds)).unzip();
    // Nothing measured has only the machine's noise.
    let floor = Floor::of_pairs(
        noise,
        deviation(&[&of_baseline, &of_arm]),
        pairs.len(),
        seconds.unwrap_or(f64::INFINITY),
        load,
    );
    let ratio = median(&ratios);
    let interval = median_interval(&ratios);
    let likely = ratio.and_then(|ratio| likely_ratios(&of_baseline, &of_arm, ratio));
    Verdict {
        comparison: comparison.to_owned(),
        arm: arm.to_owned(),
        baseline: baseline.to_owned(),
        verdict: judge(ratio, interval, likely, floor),
        ratio,
        low: interval.map(|interval| interval.low),
        high: interval.map(|interval| interval.high),
        coverage: interval.map(|interval| interval.coverage),
        pairs: pairs.len(),
        floor: floor.full,
    }
}

/// The valid samples of arm and baseline, round by round.
fn pairs<'s>(
    comparison: &str,
    arm: &str,
    baseline: &str,
    samples: &'s [Sample],
) -> Vec<(&'s Sample, &'s Sample)> {
    let last = |name: &str, round: usize| {
        let of_arm = samples
            .iter()
            .rev()
            .find(|sample| sample.comparison == comparison && sample.arm == name && sample.round == round)?;
        (of_arm.invalid.is_none() && of_arm.seconds > 0.0).then_some(of_arm)
    };
    let of_comparison = samples.iter().filter(|sample| sample.comparison == comparison);
    let mut rounds: Vec<usize> = of_comparison.map(|sample| sample.round).collect();
    rounds.sort_unstable();
    rounds.dedup();
    rounds.into_iter().filter_map(|round| Some((last(arm, round)?, last(baseline, round)?))).collect()
}

/// The verdict on a ratio.
///
/// Faster and slower need the whole interval beyond the floor, that of other programs included; where the interval
/// is weak (fewer than five pairs), beyond twice the floor, and beyond three times where there are two pairs. Though
/// the floor is known from the same few samples, equal arms are then called different less than once in a hundred
/// times, and twice where one of the two is far noisier than the other (simulated in the tests).
///
/// No measurable gain needs the ratio within the floor, and that `likely`, the ratios between which the true one lies,
/// leaves out a gain and a loss of [`HIDDEN_MAX`]: so great a one is overlooked at most one time in twenty, however
/// noisy the machine is. Where other programs took more than the floor, they may have hidden that share too.
pub fn judge(
    ratio: Option<f64>,
    interval: Option<Interval>,
    likely: Option<(f64, f64)>,
    floor: Floor,
) -> VerdictKind {
    let (Some(ratio), Some(interval)) = (ratio, interval) else {
        return if ratio.is_some() { VerdictKind::OneSample } else { VerdictKind::NotMeasured };
    };
    let times = 1 + i32::from(interval.is_weak()) + i32::from(interval.is_feeble());
    let (low, high) = band(floor.full, times);
    if interval.high < low {
        return VerdictKind::Faster;
    }
    if interval.low > high {
        return VerdictKind::Slower;
    }
    let (low, high) = band(floor.quiet, 1);
    let (least, greatest) = band(HIDDEN_MAX, 1);
    let hidden = if floor.full > floor.quiet { 1.0 - floor.full } else { 1.0 };
    let leaves_out_more = |(from, to): (f64, f64)| from * hidden > least && to / hidden < greatest;
    if (low..=high).contains(&ratio) && likely.is_some_and(leaves_out_more) {
        return VerdictKind::NoMeasurableGain;
    }
    VerdictKind::CannotTell
}

/// Ratios that are noise. The upper end is 1 / (1 − floor), a hair more than 1 + floor: with that, exchanging the
/// two sides exchanges faster and slower and nothing else, and a load that took a share of one side's time explains
/// exactly as much.
fn band(floor: f64, times: i32) -> (f64, f64) {
    let low = (1.0 - floor).powi(times);
    (low, 1.0 / low)
}

/// What the words of verdicts mean, for people who read a report.
pub fn definitions() -> Vec<Definition> {
    let percent = |share: f64| format!("{:.0} %", share * 100.0);
    let definition = |word: &str, meaning: String| Definition { word: word.to_owned(), meaning };
    vec![
        definition(
            "ratio",
            "the median, over all rounds, of an arm's seconds to the baseline's in the same round".to_owned(),
        ),
        definition(
            "interval",
            format!(
                "has the true ratio in it with a probability of at least {}, with fewer than five pairs of less; order \
                 statistics, which assume nothing about how times are distributed",
                percent(statistics::COVERAGE)
            ),
        ),
        definition(
            "noise floor",
            "what two equal things may differ by: twice the standard deviation of the samples of both arms (with two \
             pairs five times, and no less than the machine's own noise), and no less than 1 %, what the clock \
             cannot tell apart, and the share that other programs took"
                .to_owned(),
        ),
        definition(
            "faster, slower",
            "the whole interval lies beyond the noise floor; with three or four pairs beyond twice of it, with two \
             beyond three times"
                .to_owned(),
        ),
        definition(
            "no measurable gain",
            format!(
                "the ratio lies within the noise floor, and a gain or loss of {} can be ruled out: one so great is \
                 overlooked one time in twenty at most",
                percent(HIDDEN_MAX)
            ),
        ),
        definition(
            "cannot tell",
            "samples lie too far apart to say anything; more rounds on a quieter machine tell more".to_owned(),
        ),
        definition("one sample", "a number, no verdict: one pair says nothing about chance".to_owned()),
    ]
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;
