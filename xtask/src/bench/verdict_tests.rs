//! Verdicts: tables of what is said of which samples, and simulations of how often that is right.

use std::collections::BTreeMap;

use super::super::shared_tests::{self, Random, comparison, sample};
use super::*;
use crate::record::bench::VerdictKind::{
    CannotTell, Faster, NoMeasurableGain, NotMeasured, OneSample, Slower,
};

const ID: &str = "cold/cache";

fn samples(baseline: &[f64], arm: &[f64]) -> Vec<Sample> {
    let of = |name: &'static str, all: &[f64]| -> Vec<Sample> {
        all.iter().enumerate().map(|(index, seconds)| sample(ID, name, index + 1, *seconds)).collect()
    };
    [of("none", baseline), of("kache", arm)].concat()
}

fn one(samples: &[Sample], noise: Option<&Noise>) -> Verdict {
    let mut verdicts = verdicts(&[comparison(ID, &["none", "kache"])], samples, noise, Some(2));
    assert_eq!(verdicts.len(), 1);
    verdicts.remove(0)
}

#[test]
fn what_is_said_of_which_samples() {
    let noise = shared_tests::noise(0.02);
    let hundred = [100.0; 9];
    let check = |arm: &[f64], expected: VerdictKind| {
        let verdict = one(&samples(&hundred[..arm.len()], arm), Some(&noise));
        assert_eq!(verdict.verdict, expected, "{arm:?}: {verdict:?}");
        // What one side gains is what the other one loses.
        let other = one(&samples(arm, &hundred[..arm.len()]), Some(&noise)).verdict;
        let mirrored = match expected {
            Faster => Slower,
            Slower => Faster,
            same => same,
        };
        assert_eq!(other, mirrored, "{arm:?}, the other way round");
    };
    check(&[], NotMeasured);
    check(&[5.0], OneSample);
    // Two pairs need three times the machine's noise: 0.9412.
    check(&[95.0, 94.0], CannotTell);
    check(&[94.0, 94.2], CannotTell);
    check(&[94.0, 93.9], Faster);
    check(&[107.0, 106.9], Slower);
    check(&[99.0, 101.0], NoMeasurableGain);
    check(&[99.0, 103.0], CannotTell);
    // Three and four need twice how far their own samples differ, 1.7 % and the least of 1 %: 0.9663, 0.9801.
    check(&[97.0, 95.0, 95.0], CannotTell);
    check(&[96.0, 95.0, 95.0], Faster);
    check(&[97.9, 97.9, 97.9, 97.9], Faster);
    check(&[98.1, 98.1, 98.1, 98.1], CannotTell);
    check(&[99.5, 100.5, 101.0], NoMeasurableGain);
    check(&[95.0, 100.0, 105.0], CannotTell);
    // Five pairs need it once.
    check(&[97.0, 97.5, 98.1, 97.0, 97.0], Faster);
    check(&[97.0, 97.5, 99.1, 97.0, 97.0], CannotTell);
    check(&[102.1, 102.1, 102.1, 102.1, 102.1], Slower);
    check(&[97.0, 99.0, 100.0, 102.0, 103.0], NoMeasurableGain);
    // Around one, but what is likely reaches beyond 5 %.
    check(&[93.0, 96.0, 100.0, 105.0, 108.0], CannotTell);
    // Around one, but its median is no noise.
    check(&[97.0, 97.0, 97.0, 97.0, 101.0], CannotTell);
    // With nine pairs one odd round does not count.
    check(&[50.0, 50.0, 51.0, 50.0, 300.0, 49.0, 50.0, 50.0, 52.0], Faster);
}

#[test]
fn the_figures_of_a_verdict() {
    let noise = shared_tests::noise(0.02);
    let verdict = one(&samples(&[10.0, 20.0, 10.0, 10.0, 10.0], &[5.0, 9.0, 4.0, 6.0, 5.5]), Some(&noise));
    assert_eq!(
        (verdict.ratio, verdict.low, verdict.high, verdict.coverage, verdict.pairs),
        (Some(0.5), Some(0.4), Some(0.6), Some(0.9375), 5)
    );
    // Of the arm's samples the median lies 0.095 from the others (in logarithms), of the baseline's 0.
    let expected = 1.0 - (-2.0 * (1.1_f64.ln() * 1.4826 * 1.206) / 2.0_f64.sqrt()).exp();
    assert!((verdict.floor - expected).abs() < 1e-6, "{} {expected}", verdict.floor);
    assert_eq!(verdict.baseline, "none");
    let verdict = one(&samples(&[10.0], &[5.0]), None);
    assert_eq!((verdict.ratio, verdict.low, verdict.coverage, verdict.pairs), (Some(0.5), None, None, 1));
    assert!((verdict.floor - 0.0532).abs() < 1e-12, "the usual noise where none was measured");
}

#[test]
fn pairs_are_of_one_round_and_valid() {
    let mut all = samples(&[10.0, 20.0, 30.0], &[5.0, 10.0]);
    // Round 3 has no arm, round 2 an arm that was not active.
    all[4].invalid = Some("the cache was not asked".to_owned());
    let other = sample("hot/cache", "kache", 3, 1.0);
    all.push(other);
    let verdict = one(&all, None);
    assert_eq!((verdict.pairs, verdict.ratio, verdict.verdict), (1, Some(0.5), OneSample));
    // Round 2 was measured again: the later samples count, and so does that the last one of round 1 is invalid.
    all.push(sample(ID, "kache", 2, 40.0));
    all.push(Sample { invalid: Some("failed".to_owned()), ..sample(ID, "none", 1, 10.0) });
    let verdict = one(&all, None);
    assert_eq!((verdict.pairs, verdict.ratio), (1, Some(2.0)));
    // A time of nothing is no baseline.
    all.push(sample(ID, "none", 2, 0.0));
    assert_eq!(one(&all, None).verdict, NotMeasured);
}

#[test]
fn each_arm_but_the_baseline_has_one() {
    let mut comparisons =
        vec![comparison(ID, &["none", "sccache", "kache"]), comparison("hot/driver", &["native"])];
    comparisons.push(Comparison { arms: Vec::new(), ..comparison("cold/none", &["x"]) });
    let verdicts = verdicts(&comparisons, &samples(&[10.0; 5], &[5.0; 5]), None, None);
    let found: Vec<_> = verdicts.iter().map(|verdict| (verdict.arm.as_str(), verdict.verdict)).collect();
    assert_eq!(found, [("sccache", NotMeasured), ("kache", Faster)]);
}

#[test]
fn short_samples_and_load_need_more() {
    let noise = shared_tests::noise(0.02);
    // The clock cannot tell 0.30 s from 0.31 s, and it can tell 30 s from 31.
    let (short, long) = ([0.30; 5], [30.0; 5]);
    assert_eq!(one(&samples(&short, &[0.31; 5]), Some(&noise)).verdict, NoMeasurableGain);
    assert_eq!(one(&samples(&long, &[31.0; 5]), Some(&noise)).verdict, Slower);
    let mut all = samples(&[100.0; 5], &[90.0; 5]);
    assert_eq!(one(&all, Some(&noise)).verdict, Faster);
    all.iter_mut().for_each(|sample| sample.foreign_cores = Some(0.6));
    let verdict = one(&all, Some(&noise));
    assert_eq!(verdict.verdict, CannotTell, "{verdict:?}");
    assert!((verdict.floor - 0.55 / 2.35).abs() < 1e-12);
    // What is that much faster is so under load, too; and a load on the baseline alone counts as well.
    let mut all = samples(&[100.0; 5], &[10.0; 5]);
    all.iter_mut().filter(|sample| sample.arm == "none").for_each(|sample| sample.foreign_cores = Some(0.6));
    assert_eq!(one(&all, Some(&noise)).verdict, Faster);
}

#[test]
fn where_nothing_runs_there_is_nothing_to_say() {
    let comparisons = [comparison("wasm-opt/wasm-opt", &["Oz", "O2", "off"])];
    let of = |arm: &'static str, seconds: f64| (1..=3).map(move |round| (arm, round, seconds));
    let all: Vec<Sample> = [of("Oz", 1.2), of("O2", 0.6), of("off", 0.0)]
        .into_iter()
        .flatten()
        .map(|(arm, round, seconds)| sample("wasm-opt/wasm-opt", arm, round, seconds))
        .collect();
    let found: Vec<_> = verdicts(&comparisons, &all, None, None)
        .into_iter()
        .map(|verdict| (verdict.arm, verdict.baseline, verdict.verdict))
        .collect();
    assert_eq!(found, [("O2".to_owned(), "Oz".to_owned(), Faster)]);
}

#[test]
fn links_that_fork_are_judged_by_what_is_known() {
    // What was measured on two cores: 0.19 s and 0.10 s, with all of wild's work on other clocks.
    let mut all: Vec<Sample> = Vec::new();
    for round in 1..=9 {
        let shift = round as f64 * 0.001;
        all.push(Sample { cpu_seconds: Some(0.2), ..sample(ID, "none", round, 0.19 + shift) });
        let mut wild = Sample {
            cpu_seconds: Some(0.0),
            foreign_cores: Some(1.5),
            ..sample(ID, "kache", round, 0.10 + shift)
        };
        super::super::samples::forget_fork(&mut wild, "wild", true);
        all.push(wild);
    }
    assert_eq!(one(&all, None).verdict, Faster);
    // What others really did is in the other arm's samples, and still counts.
    all.iter_mut().filter(|sample| sample.arm == "none").for_each(|sample| sample.foreign_cores = Some(1.5));
    assert_eq!(one(&all, None).verdict, CannotTell);
}

#[test]
fn what_runs_on_an_idle_core_does_not_hide_a_gain() {
    // Links of one core, half of the time of each other, and a foreign core beside them.
    let mut all = samples(&[0.30; 5], &[0.16; 5]);
    for sample in &mut all {
        (sample.cpu_seconds, sample.foreign_cores) = (Some(sample.seconds), Some(1.05));
    }
    let told = |cores| {
        let verdict = verdicts(&[comparison(ID, &["none", "kache"])], &all, None, cores).remove(0);
        (verdict.verdict, (verdict.floor * 1000.0).round() / 1000.0)
    };
    assert_eq!(told(None), (CannotTell, 0.5));
    assert_eq!(told(Some(2)), (CannotTell, 0.5));
    // Two standard deviations of nothing, and the clock: 0.02 s of 0.3.
    assert_eq!(told(Some(16)), (Faster, 0.067));
}

#[test]
fn a_build_whose_compilers_run_in_a_server_is_not_disturbed_by_them() {
    // 270 s beside 324 s: with the server's compilers counted as the arm's own it is slower.
    let mut all = samples(&[270.0, 271.0, 269.0], &[324.0, 325.0, 323.0]);
    assert_eq!(one(&all, None).verdict, Slower);
    // And with them as somebody else's nothing could be said.
    for sample in all.iter_mut().filter(|sample| sample.arm == "kache") {
        (sample.cpu_seconds, sample.foreign_cores) = (Some(88.0), Some(1.5));
    }
    assert_eq!(one(&all, None).verdict, CannotTell);
}

#[test]
fn the_words_are_defined() {
    let words: Vec<String> = definitions().into_iter().map(|definition| definition.word).collect();
    assert_eq!(words.len(), 7);
    assert!(words.contains(&"no measurable gain".to_owned()));
}

/// A machine with two cores, how far its times differ, and what others do on it.
#[derive(Clone, Copy)]
struct Machine {
    /// Of the short compilations that its noise is measured by.
    short: f64,
    /// Of the baseline and of the arm.
    deviations: [f64; 2],
    /// How often another program runs beside a sample; it then takes up to one of two cores.
    load: f64,
    /// By what share it becomes slower from one build to the next.
    drift: f64,
}

/// Nothing but noise, the same for short and long.
fn even(deviation: f64) -> Machine {
    Machine { short: deviation, deviations: [deviation; 2], load: 0.0, drift: 0.0 }
}

/// Builds of a round between the baseline and the arm.
const APART: usize = 5;

impl Machine {
    /// What is said of an arm that takes `ratio` of the baseline's time, of `trials` runs of `bench`: how often each.
    fn says(
        &self,
        random: &mut Random,
        ratio: f64,
        pairs: usize,
        trials: usize,
    ) -> BTreeMap<&'static str, usize> {
        let mut said = BTreeMap::new();
        for _ in 0..trials {
            let short = (0..9).map(|_| self.run(random, 2.0, self.short).seconds);
            let noise = noise::noise(short.collect(), None);
            let mut all = Vec::new();
            for round in 1..=pairs {
                for (index, name, centre) in [(0, "none", 100.0), (1, "kache", 100.0 * ratio)] {
                    let place = if round % 2 == 1 { index * APART } else { APART - index * APART };
                    let builds_before = (round - 1) * (APART + 1) + place;
                    let centre = centre * (1.0 + self.drift).powi(builds_before as i32);
                    let arm = name.to_owned();
                    all.push(Sample { arm, round, ..self.run(random, centre, self.deviations[index]) });
                }
            }
            *said.entry(name_of(one(&all, Some(&noise)).verdict)).or_default() += 1;
        }
        said
    }

    fn run(&self, random: &mut Random, centre: f64, deviation: f64) -> Sample {
        let mut run = sample(ID, "", 0, random.time(centre, deviation));
        let work = run.seconds * 1.8;
        if random.uniform() < self.load {
            let foreign = random.uniform();
            // While all cores are busy, others take theirs from us; while not, they find a free one.
            let share_busy = 0.5 + random.uniform() / 2.0;
            run.seconds *= 1.0 + share_busy * foreign / (2.0 - foreign);
            run.foreign_cores = Some(foreign);
        }
        run.cpu_seconds = Some(work);
        run
    }
}

fn name_of(verdict: VerdictKind) -> &'static str {
    match verdict {
        Faster => "faster",
        Slower => "slower",
        NoMeasurableGain => "no gain",
        CannotTell => "cannot tell",
        OneSample => "one sample",
        NotMeasured => "not measured",
    }
}

fn share(said: &BTreeMap<&str, usize>, words: &[&str]) -> f64 {
    let of_words: usize = words.iter().filter_map(|word| said.get(word)).sum();
    of_words as f64 / said.values().sum::<usize>() as f64
}

#[test]
fn equal_arms_are_practically_never_different() {
    let mut random = Random::new(2);
    // The short compilations say nothing of the builds: both may be far quieter, or noisier, than the other.
    for short in [0.002, 0.03, 0.1] {
        for deviation in [0.002, 0.01, 0.03, 0.08] {
            for pairs in [2, 3, 5, 9] {
                let said = Machine { short, ..even(deviation) }.says(&mut random, 1.0, pairs, 2000);
                let wrong = share(&said, &["faster", "slower"]);
                assert!(wrong <= 0.01, "{short} {deviation} {pairs}: {said:?}");
            }
        }
        // Where one of the two alone is noisy, half as many samples tell how noisy.
        for pairs in [2, 3, 5, 9] {
            let said =
                Machine { short, deviations: [0.005, 0.08], ..even(0.0) }.says(&mut random, 1.0, pairs, 2000);
            assert!(share(&said, &["faster", "slower"]) <= 0.03, "{short} {pairs}: {said:?}");
        }
    }
}

#[test]
fn a_machine_that_slows_down_makes_no_difference() {
    let mut random = Random::new(7);
    for drift in [0.002, 0.01, 0.03] {
        for pairs in [2, 3, 4, 5] {
            let said = Machine { drift, ..even(0.01) }.says(&mut random, 1.0, pairs, 1000);
            assert!(share(&said, &["faster", "slower"]) <= 0.006, "{drift} {pairs}: {said:?}");
        }
    }
}

#[test]
fn three_pairs_of_builds_tell_something_on_a_machine_with_noise_of_short_compilations() {
    let mut random = Random::new(8);
    for short in [0.015, 0.03, 0.05] {
        // Twice that is the noise that is told: 3 to 10 %.
        let quiet = Machine { short, ..even(0.01) };
        let said = quiet.says(&mut random, 0.9, 3, 2000);
        assert!(share(&said, &["faster"]) > 0.86, "{short}: {said:?}");
        let said = quiet.says(&mut random, 1.2, 3, 2000);
        assert!(share(&said, &["slower"]) > 0.88, "{short}: {said:?}");
        let said = quiet.says(&mut random, 1.0, 3, 2000);
        assert!(share(&said, &["no gain"]) > 0.79, "{short}: {said:?}");
    }
}

#[test]
fn a_gain_of_more_than_five_percent_is_seldom_no_gain() {
    let mut random = Random::new(3);
    for deviations in [[0.005; 2], [0.01; 2], [0.03; 2], [0.08; 2], [0.005, 0.03]] {
        for pairs in [2, 3, 5, 9] {
            for ratio in [0.94, 1.065] {
                let machine = Machine { deviations, ..even(0.03) };
                let said = machine.says(&mut random, ratio, pairs, 1500);
                assert!(share(&said, &["no gain"]) <= 0.05, "{deviations:?} {pairs} {ratio}: {said:?}");
            }
        }
    }
}

#[test]
fn ten_percent_are_found_in_two_percent_of_noise() {
    let mut random = Random::new(4);
    for (ratio, right) in [(0.9, "faster"), (1.0 / 0.9, "slower")] {
        let said = even(0.02).says(&mut random, ratio, 5, 3000);
        assert!(share(&said, &[right]) > 0.6, "{said:?}");
        assert!(share(&said, &[right, "cannot tell"]) > 0.995, "{said:?}");
    }
    let said = even(0.01).says(&mut random, 0.9, 5, 3000);
    assert!(share(&said, &["faster"]) > 0.75, "{said:?}");
}

#[test]
fn verdicts_under_load_agree_or_say_that_they_cannot_tell() {
    let mut random = Random::new(5);
    for load in [0.3, 0.7, 1.0] {
        for pairs in [2, 3, 5, 9] {
            for (ratio, right) in [(1.0, "no gain"), (0.9, "faster"), (0.97, "faster"), (1.25, "slower")] {
                let said = Machine { load, ..even(0.01) }.says(&mut random, ratio, pairs, 1000);
                let small = if ratio == 0.97 { "no gain" } else { right };
                assert!(
                    share(&said, &[right, small, "cannot tell"]) >= 0.99,
                    "{load} {pairs} {ratio}: {said:?}"
                );
            }
            // What is sixty times as fast is seen whatever else runs.
            let said = Machine { load, ..even(0.01) }.says(&mut random, 0.016, pairs, 300);
            let enough = if pairs == 2 { 0.8 } else { 0.9 };
            assert!(share(&said, &["faster"]) >= enough, "{load} {pairs}: {said:?}");
            assert!(share(&said, &["faster", "cannot tell"]) == 1.0, "{load} {pairs}: {said:?}");
        }
    }
}
