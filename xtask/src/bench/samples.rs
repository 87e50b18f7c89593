//! Samples as they are taken: the order of the arms, and the record of one.

use std::time::Duration;

use crate::exec::Measured;
use crate::record::bench::{Comparison, Sample};

/// The arms of a round: forwards, then backwards, so that none is always the first.
pub fn turn(round: usize, arms: usize) -> Vec<usize> {
    if round % 2 == 1 { (0..arms).collect() } else { (0..arms).rev().collect() }
}

/// A sample of what was measured, without its evidence.
pub fn sample(comparison: &Comparison, arm: &str, round: usize, measured: &Measured) -> Sample {
    Sample {
        comparison: comparison.id.clone(),
        arm: arm.to_owned(),
        round,
        seconds: measured.elapsed.as_secs_f64(),
        cpu_seconds: measured.cpu.map(|cpu| cpu.as_secs_f64()),
        peak_memory_bytes: measured.peak_memory_bytes,
        foreign_cores: measured.foreign_cores,
        activity: Default::default(),
        steps: Vec::new(),
        sizes: Vec::new(),
        invalid: None,
    }
}

/// Linkers that let a process of their own do the work, for which nobody waits: the one that was started ends first,
/// with next to nothing on its clock. What such a link cost is not known, and none of it was another program's.
const FORKING: [&str; 2] = ["mold", "wild"];

/// Takes out of a sample what cannot be known where this linker linked.
pub fn forget_fork(sample: &mut Sample, linker: &str, is_link_alone: bool) {
    if FORKING.contains(&linker) {
        // The samples of other arms in the same round tell what others did meanwhile.
        sample.foreign_cores = None;
        if is_link_alone {
            sample.cpu_seconds = None;
            sample.peak_memory_bytes = None;
        }
    }
}

/// An attempt that came to nothing.
pub fn failed(comparison: &Comparison, arm: &str, round: usize, reason: String) -> Sample {
    let nothing = Measured {
        success: false,
        stdout: String::new(),
        stderr: String::new(),
        elapsed: Duration::ZERO,
        cpu: None,
        peak_memory_bytes: None,
        foreign_cores: None,
    };
    Sample { invalid: Some(reason), ..sample(comparison, arm, round, &nothing) }
}

/// `40 s`, `3 min`.
pub fn minutes(seconds: f64) -> String {
    if seconds < 90.0 { format!("{seconds:.0} s") } else { format!("{:.0} min", seconds / 60.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_arm_is_always_the_first() {
        assert_eq!(turn(1, 3), [0, 1, 2]);
        assert_eq!(turn(2, 3), [2, 1, 0]);
    }

    #[test]
    fn what_a_fork_hides_is_not_known() {
        let whole = super::super::shared_tests::sample("link/linker", "x", 1, 0.1);
        let after = |linker: &str, is_link_alone: bool| {
            let mut sample = Sample { peak_memory_bytes: Some(7), ..whole.clone() };
            forget_fork(&mut sample, linker, is_link_alone);
            (sample.cpu_seconds.is_some(), sample.peak_memory_bytes.is_some(), sample.foreign_cores.is_some())
        };
        assert_eq!(after("lld", true), (true, true, true));
        assert_eq!(after("wild", true), (false, false, false));
        assert_eq!(after("mold", false), (true, true, false));
    }

    #[test]
    fn times_for_people() {
        assert_eq!([39.6, 89.0, 200.0].map(minutes), ["40 s", "89 s", "3 min"]);
    }
}
