//! The figures of the arms of one comparison: median, least and most of the valid samples. All formats take them
//! from here.

use crate::record::bench::{Arm, BenchRecord, Comparison, Sample, Verdict};

pub use crate::report::page::spread::Spread;

/// One arm with its samples and what can be said of it.
pub struct ArmFigures<'a> {
    pub arm: &'a Arm,
    /// The first one, where there is another to be compared with it.
    pub is_baseline: bool,
    /// There is no other arm, so there never is a verdict.
    pub is_alone: bool,
    /// By round.
    pub valid: Vec<&'a Sample>,
    /// In no figure.
    pub invalid: Vec<&'a Sample>,
    pub seconds: Option<Spread>,
    pub cpu_seconds: Option<Spread>,
    /// In bytes.
    pub peak_memory: Option<Spread>,
    /// `None` for the baseline, and where the run has not come to it.
    pub verdict: Option<&'a Verdict>,
}

/// The arms of a comparison in their order, the baseline first.
pub fn arms<'a>(record: &'a BenchRecord, comparison: &'a Comparison) -> Vec<ArmFigures<'a>> {
    (0..comparison.arms.len()).map(|index| figures(record, comparison, index)).collect()
}

fn figures<'a>(record: &'a BenchRecord, comparison: &'a Comparison, index: usize) -> ArmFigures<'a> {
    let (arm, is_alone) = (&comparison.arms[index], comparison.arms.len() == 1);
    let of_arm = |sample: &&Sample| sample.comparison == comparison.id && sample.arm == arm.name;
    let mut samples: Vec<&Sample> = record.samples.iter().filter(of_arm).collect();
    samples.sort_by_key(|sample| sample.round);
    let (valid, invalid): (Vec<&Sample>, Vec<&Sample>) =
        samples.into_iter().partition(|sample| sample.invalid.is_none());
    let verdict =
        record.verdicts.iter().find(|verdict| verdict.comparison == comparison.id && verdict.arm == arm.name);
    ArmFigures {
        arm,
        is_baseline: index == 0 && !is_alone,
        is_alone,
        seconds: Spread::of(valid.iter().map(|sample| sample.seconds)),
        cpu_seconds: Spread::of(valid.iter().filter_map(|sample| sample.cpu_seconds)),
        peak_memory: Spread::of(
            valid.iter().filter_map(|sample| sample.peak_memory_bytes).map(|bytes| bytes as f64),
        ),
        verdict,
        valid,
        invalid,
    }
}

/// The samples of every step of an arm, in the order in which the steps were first seen.
pub fn steps(arm: &ArmFigures) -> Vec<(String, Spread)> {
    let mut names: Vec<&str> = Vec::new();
    for step in arm.valid.iter().flat_map(|sample| &sample.steps) {
        if !names.contains(&step.name.as_str()) {
            names.push(&step.name);
        }
    }
    let all = |name: &str| {
        let steps = arm.valid.iter().flat_map(|sample| &sample.steps);
        Spread::of(steps.filter(|step| step.name == name).map(|step| step.seconds).collect::<Vec<_>>())
    };
    names.into_iter().filter_map(|name| Some((name.to_owned(), all(name)?))).collect()
}
