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
    fn times_for_people() {
        assert_eq!([39.6, 89.0, 200.0].map(minutes), ["40 s", "89 s", "3 min"]);
    }
}
