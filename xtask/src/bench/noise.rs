//! What two equal things may differ by on this machine, and what other programs add to it.
//!
//! A verdict needs more than an interval that leaves out 1: with a few samples a chance or a busy neighbour does
//! that. So a difference has to be greater than a floor, which is the greatest of three: how far samples of the same
//! thing differ, what the clock cannot tell apart, and what other programs took meanwhile.

use super::statistics::{Deviation, median, robust_deviation};
use crate::record::bench::{Noise, Sample};

/// No difference below 1 % is believed, however quiet the machine seemed while the noise was measured; criterion's
/// default `noise_threshold` is the same.
const LEAST: f64 = 0.01;

/// No machine is taken to be noisier than this: a floor of 1 would make every verdict impossible.
const MOST: f64 = 0.9;

/// How many standard deviations of a single sample two equal things may differ by. The median of five paired ratios
/// has a deviation of about 0.8 samples' (√2 for the two samples of a pair, 0.54 for the median of five), so that two
/// are two and a half of its own. The interval guards against chance besides; simulations in `verdict` show what
/// both do together.
const DEVIATIONS: f64 = 2.0;

/// The same for two pairs: how far four samples differ is little more than a guess, and twice it would make two equal
/// arms different once in fifty times.
const DEVIATIONS_OF_TWO: f64 = 5.0;

/// What CodSpeed found on GitHub's hosted machines in July 2025: times of the same program differed by 2.66 %
/// (standard deviation, 100 runs each of four projects). Taken where noise was not measured.
const USUAL_DEVIATION: f64 = 0.0266;

/// From two samples one cannot tell how far samples differ.
const SAMPLES_MIN: usize = 3;

/// So late may the executor see the end of a command, in seconds: equal things may differ by as much.
const RESOLUTION_SECONDS: f64 = 0.02;

/// Cores that a system is busy with itself when nothing else runs. Less is no load. Our choice: it is inside the
/// noise that was measured, because it was there then too.
const IDLE_CORES: f64 = 0.05;

/// What counts as noise for one arm beside another one, as shares of their time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Floor {
    /// Of the machine when it is left alone.
    pub quiet: f64,
    /// With what other programs took meanwhile. Never below [`Floor::quiet`].
    pub full: f64,
}

/// The noise by the times of the same short compilation.
pub fn noise(samples: Vec<f64>, foreign_cores: Option<f64>) -> Noise {
    Noise { floor: floor(&samples), samples, foreign_cores }
}

/// Of two measurements on the same machine the noisier one: a run that is gone on with has samples of both hours.
pub fn noisier(earlier: Option<Noise>, now: Noise) -> Noise {
    earlier.filter(|earlier| earlier.floor > now.floor).unwrap_or(now)
}

/// By the median absolute deviation, because one run in a few is always odd and must not decide.
fn floor(samples: &[f64]) -> f64 {
    let deviation = match median(samples) {
        Some(middle) if samples.len() >= SAMPLES_MIN && middle > 0.0 => {
            robust_deviation(samples).unwrap_or(0.0) / middle
        }
        _ => USUAL_DEVIATION,
    };
    (DEVIATIONS * deviation).clamp(LEAST, MOST)
}

impl Floor {
    /// Of samples that take `seconds`, `load` of which others took at most, by the machine's own noise. For what was
    /// not measured beside each other: how two runs differ is in no run's samples.
    pub fn new(noise: Option<&Noise>, seconds: f64, load: f64) -> Floor {
        let machine = noise.map_or(DEVIATIONS * USUAL_DEVIATION, |noise| noise.floor);
        Floor::above(machine, seconds, load)
    }

    /// Of pairs of samples, by how far the samples of each side differ among themselves.
    ///
    /// The machine's noise is that of a few seconds of work: a build of minutes differs by less, one that waits for a
    /// disk by more. So it counts only where samples cannot tell: of two pairs, whose deviation is a guess.
    pub fn of_pairs(
        noise: Option<&Noise>,
        deviation: Option<Deviation>,
        pairs: usize,
        seconds: f64,
        load: f64,
    ) -> Floor {
        let share = deviation.map_or(0.0, |deviation| deviation.share);
        // Of logarithms: what may be twice as long may be half as long, and never nothing.
        let times = |deviations: f64| 1.0 - (-deviations * share).exp();
        if pairs >= SAMPLES_MIN {
            return Floor::above(times(DEVIATIONS), seconds, load);
        }
        let machine = Floor::new(noise, seconds, load);
        let own = Floor::above(times(DEVIATIONS_OF_TWO), seconds, load);
        Floor { quiet: machine.quiet.max(own.quiet), full: machine.full.max(own.full) }
    }

    fn above(differing: f64, seconds: f64, load: f64) -> Floor {
        let clock = if seconds > 0.0 { RESOLUTION_SECONDS / seconds } else { MOST };
        let quiet = differing.max(clock).clamp(LEAST, MOST);
        Floor { quiet, full: quiet.max(load.min(MOST)) }
    }
}

/// The share of this sample's time that was lost to other programs at most: so much shorter it could have been
/// without them. Zero where the system does not tell what others did.
///
/// What can be lost is capacity: others had f of the machine's n `cores`. While own work kept all the rest busy, it
/// had n - f of them, and would have had n, for which (n - f) / n of the time is enough: f / n was lost. While a core
/// was idle, own work had all that it asked for, and lost nothing. So f / n is a bound for every mixture of the two,
/// also where others were there in the busy moments only, because what they took then is in f. A link of one core
/// beside one foreign core has lost a half of its time at most on two cores, and a sixteenth on sixteen.
///
/// Where clocks add up to more than n, or nobody knows n, own and foreign cores together stand for it: as if no core
/// had been idle.
pub fn load(sample: &Sample, cores: Option<usize>) -> f64 {
    let foreign = (sample.foreign_cores.unwrap_or(0.0) - IDLE_CORES).max(0.0);
    let own = sample.cpu_seconds.filter(|_| sample.seconds > 0.0).map(|cpu| cpu / sample.seconds);
    // Nothing compiles with less than one core for long; what mostly waits is disturbed less.
    let busy = own.unwrap_or(1.0).max(1.0) + foreign;
    foreign / cores.map_or(busy, |cores| busy.max(cores as f64))
}

#[cfg(test)]
mod tests {
    use super::super::shared_tests;
    use super::*;

    #[test]
    fn the_floor_by_samples() {
        let check = |samples: &[f64], expected: f64| {
            let floor = noise(samples.to_vec(), None).floor;
            assert!((floor - expected).abs() < 5e-4, "{samples:?}: {floor}");
        };
        check(&[], 0.0532);
        check(&[1.0, 1.5], 0.0532);
        check(&[0.0, 0.0, 0.0], 0.0532);
        // A machine that seems perfectly quiet.
        check(&[1.0; 7], 0.01);
        // Deviations 0, 0.01, 0.01, 0.02, 0.02: 2 · 0.01 · 1.4826 · 1.206.
        check(&[0.98, 0.99, 1.0, 1.01, 1.02], 0.0358);
        // One odd run among seven changes little, and three decide.
        check(&[0.98, 0.99, 1.0, 1.01, 1.02, 1.0, 9.0], 0.0335);
        check(&[1.0, 1.0, 1.0, 1.0, 9.0, 9.0, 9.0], 0.01);
        check(&[1.0, 2.0, 9.0, 1.0, 17.0, 2.5, 3.0], 0.9);
    }

    #[test]
    fn short_things_are_told_apart_worse() {
        let noise = shared_tests::noise(0.02);
        let quiet = |seconds| format!("{:.3}", Floor::new(Some(&noise), seconds, 0.0).quiet);
        assert_eq!([100.0, 1.0, 0.4, 0.0].map(quiet), ["0.020", "0.020", "0.050", "0.900"]);
        assert!((Floor::new(None, 100.0, 0.0).quiet - 0.0532).abs() < 1e-12);
        assert_eq!(Floor::new(Some(&noise), 100.0, 0.3), Floor { quiet: 0.02, full: 0.3 });
        assert_eq!(Floor::new(Some(&noise), 100.0, 0.001).full, 0.02);
        assert_eq!(Floor::new(Some(&noise), 100.0, 7.0).full, 0.9);
    }

    #[test]
    fn the_noisier_hour_counts() {
        let of = |floor: f64| shared_tests::noise(floor);
        assert_eq!(noisier(None, of(0.02)).floor, 0.02);
        assert_eq!(noisier(Some(of(0.08)), of(0.02)).floor, 0.08);
        assert_eq!(noisier(Some(of(0.01)), of(0.02)).floor, 0.02);
    }

    #[test]
    fn pairs_are_judged_by_their_own_samples() {
        let noise = shared_tests::noise(0.10);
        let quiet = |share: f64, pairs: usize| {
            let deviation = Some(Deviation { share, freedom: 2 * (pairs - 1) });
            (Floor::of_pairs(Some(&noise), deviation, pairs, 270.0, 0.0).quiet * 1000.0).round()
        };
        // A noise of 10 % of short compilations says nothing of builds of minutes, neither way.
        assert_eq!([quiet(0.004, 3), quiet(0.02, 3), quiet(0.08, 3)], [10.0, 39.0, 148.0]);
        // Two pairs know too little themselves.
        assert_eq!([quiet(0.004, 2), quiet(0.08, 2)], [100.0, 330.0]);
        assert_eq!(Floor::of_pairs(Some(&noise), None, 1, 270.0, 0.0).quiet, 0.10);
    }

    #[test]
    fn other_programs_take_their_share() {
        // Cores not known, two, and sixteen.
        let load_of = |foreign_cores, cpu_seconds| {
            let sample =
                Sample { foreign_cores, cpu_seconds, ..shared_tests::sample("cold/cache", "none", 1, 10.0) };
            [None, Some(2), Some(16)].map(|cores| (load(&sample, cores) * 1000.0).round() / 1000.0)
        };
        assert_eq!(load_of(None, Some(18.0)), [0.0; 3]);
        assert_eq!(load_of(Some(0.05), Some(18.0)), [0.0; 3]);
        // Half a core beside a core and a half: a quarter of the two, a thirty-second of sixteen.
        assert_eq!(load_of(Some(0.55), Some(15.0)), [0.25, 0.25, 0.031]);
        assert_eq!(load_of(Some(1.05), Some(10.0)), [0.5, 0.5, 0.063]);
        // A browser beside a link.
        assert_eq!(load_of(Some(0.55), Some(10.0)), [0.333, 0.25, 0.031]);
        // Unknown, or mostly waiting.
        assert_eq!(load_of(Some(1.05), None), [0.5, 0.5, 0.063]);
        assert_eq!(load_of(Some(1.05), Some(1.0)), [0.5, 0.5, 0.063]);
        // A program on every core, and a build that needs them all: half of the time, however many there are.
        assert_eq!(load_of(Some(2.05), Some(20.0)), [0.5, 0.5, 0.125]);
        assert_eq!(load_of(Some(16.05), Some(160.0)), [0.5, 0.5, 0.5]);
        // Clocks that add up to more than there is.
        assert_eq!(load_of(Some(15.55), Some(5.0)), [0.939, 0.939, 0.939]);
    }
}
