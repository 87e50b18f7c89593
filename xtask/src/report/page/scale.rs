//! Axes: where a value lies between the two ends, and which values are written along it.

use crate::report::page::words;

/// From one end of the drawing to the other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    low: f64,
    high: f64,
    is_log: bool,
}

/// A scale with its marks.
pub struct Axis {
    pub scale: Scale,
    /// Where, as a share of the width, and what is written there.
    pub ticks: Vec<(f64, String)>,
    /// What is measured along it, with the unit.
    pub title: String,
}

impl Scale {
    /// Zero to a little more than `most`.
    pub fn from_zero(most: f64) -> Scale {
        let high = if most > 0.0 { most * 1.04 } else { 1.0 };
        Scale { low: 0.0, high, is_log: false }
    }

    /// Exactly so, from zero.
    pub fn exact(high: f64) -> Scale {
        Scale { low: 0.0, high: if high > 0.0 { high } else { 1.0 }, is_log: false }
    }

    /// Equal distances are equal ratios. Both ends are above zero.
    pub fn logarithmic(low: f64, high: f64) -> Scale {
        let room = (high / low).powf(0.06);
        Scale { low: low / room, high: high * room, is_log: true }
    }

    /// From 0 to 1; what lies outside is at the end.
    pub fn share(&self, value: f64) -> f64 {
        let share = match self.is_log {
            true => (value.max(f64::MIN_POSITIVE) / self.low).ln() / (self.high / self.low).ln(),
            false => (value - self.low) / (self.high - self.low),
        };
        share.clamp(0.0, 1.0)
    }

    pub fn is_beyond(&self, value: f64) -> bool {
        value > self.high || value < self.low
    }

    /// Round values between the ends, about `wanted` of them.
    fn round_values(&self, wanted: usize) -> Vec<f64> {
        if !self.is_log || self.high / self.low < 4.0 {
            let step = round_step((self.high - self.low) / wanted as f64);
            let first = (self.low / step).ceil() as i64;
            return (first..).map(|n| n as f64 * step).take_while(|value| *value <= self.high).collect();
        }
        let decades = self.low.log10().floor() as i32..=self.high.log10().ceil() as i32;
        let candidates = |factors: &'static [f64]| -> Vec<f64> {
            let all = decades.clone().flat_map(|power| factors.iter().map(move |f| f * 10f64.powi(power)));
            all.filter(|value| !self.is_beyond(*value)).collect()
        };
        let sets: [&[f64]; 3] = [&[1.0, 2.0, 5.0], &[1.0, 3.0], &[1.0]];
        let found = sets.into_iter().map(candidates).find(|found| found.len() <= wanted + 1);
        found.unwrap_or_else(|| candidates(&[1.0]))
    }
}

/// The least of 1, 2 and 5 times a power of ten that is not below.
fn round_step(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .map(|factor| factor * power)
        .into_iter()
        .find(|step| *step >= least * 0.999)
        .unwrap_or(power)
}

impl Axis {
    /// Of times, in seconds; from ten minutes on in minutes.
    pub fn of_times(scale: Scale, wanted: usize) -> Axis {
        let (unit, name) = if scale.high >= 600.0 { (60.0, "minutes") } else { (1.0, "seconds") };
        let in_unit = Scale { low: scale.low / unit, high: scale.high / unit, ..scale };
        let kind = if scale.is_log { ", logarithmic" } else { "" };
        Axis { scale, ticks: ticks(&in_unit, wanted), title: format!("{name}{kind}") }
    }

    /// Of plain numbers.
    pub fn plain(scale: Scale, wanted: usize, title: &str) -> Axis {
        Axis { scale, ticks: ticks(&scale, wanted), title: title.to_owned() }
    }

    /// Of ratios; equal distances are equal ratios.
    pub fn of_ratios(scale: Scale, title: &str) -> Axis {
        Axis::plain(scale, 5, title)
    }
}

fn ticks(scale: &Scale, wanted: usize) -> Vec<(f64, String)> {
    scale.round_values(wanted).into_iter().map(|value| (scale.share(value), plain(value))).collect()
}

/// Without zeros at the end: `0`, `0.05`, `1`, `250`.
fn plain(value: f64) -> String {
    let text = format!("{value:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text.is_empty() || text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// Which of so many places along an axis are written at: the first, the last, and some at equal distances.
pub fn some_of(count: usize, wanted: usize) -> Vec<usize> {
    let wanted = wanted.clamp(1, count.max(1));
    if count <= 1 || wanted == 1 {
        return (0..count.min(1)).collect();
    }
    (0..wanted).map(|n| (n * (count - 1) + (wanted - 1) / 2) / (wanted - 1)).collect()
}

/// So many characters of a name leave room for its figures beside it on a telephone.
const NAME: usize = 24;

/// A name that fits into a drawing.
pub fn short(name: &str) -> String {
    words::shortened(&words::clean(name), NAME)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(scale: Scale) -> Vec<String> {
        ticks(&scale, 5).into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn marks_are_round() {
        assert_eq!(marks(Scale::from_zero(3.3)), ["0", "1", "2", "3"]);
        assert_eq!(marks(Scale::from_zero(385.0)), ["0", "100", "200", "300", "400"]);
        assert_eq!(marks(Scale::from_zero(0.07)), ["0", "0.02", "0.04", "0.06"]);
        assert_eq!(marks(Scale::logarithmic(0.016, 1.1)), ["0.02", "0.05", "0.1", "0.2", "0.5", "1"]);
        assert_eq!(marks(Scale::logarithmic(0.95, 1.05)), ["0.95", "1", "1.05"]);
        let minutes = Axis::of_times(Scale::from_zero(1500.0), 5);
        assert_eq!((minutes.ticks[1].1.as_str(), minutes.title.as_str()), ("10", "minutes"));
    }

    #[test]
    fn nothing_to_measure_is_no_division_by_zero() {
        assert_eq!(Scale::from_zero(0.0).share(0.0), 0.0);
        assert!(Scale::exact(0.0).share(5.0) <= 1.0);
        assert!(marks(Scale::from_zero(1e-9)).len() < 10);
    }

    #[test]
    fn places_with_a_label() {
        assert_eq!(some_of(10, 4), [0, 3, 6, 9]);
        assert_eq!(some_of(3, 5), [0, 1, 2]);
        assert_eq!(some_of(1, 4), [0]);
        assert!(some_of(0, 4).is_empty());
    }
}
