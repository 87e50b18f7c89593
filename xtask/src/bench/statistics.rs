//! Medians and intervals that assume nothing about how times are distributed: builds have long tails, and there are
//! few of them.

/// How probable it must be, at least, that an interval has the true value in it. The extremes of five pairs just
/// reach it (0.9375), so five is the number of pairs that a full verdict asks for.
pub const COVERAGE: f64 = 0.93;

/// An interval that covers less is next to nothing: that of two pairs (0.5), or of two samples beside two (0.667),
/// and not that of three pairs (0.75).
const FEEBLE: f64 = 0.7;

/// For times of a normal distribution the median absolute deviation times this is the standard deviation.
const DEVIATION_OF_MAD: f64 = 1.4826;

/// What that has to be multiplied by for 2 to 9 samples, for which it is too small on average (Croux and Rousseeuw
/// 1992; a test below draws them again).
const FEW_SAMPLES: [f64; 8] = [1.196, 1.495, 1.363, 1.206, 1.200, 1.140, 1.129, 1.107];

/// From so many samples on one odd one must not decide, and the median absolute deviation is taken; of fewer it is
/// often next to nothing, because two of three samples lie close together by chance.
const ROBUST_MIN: usize = 5;

/// The deviation of the median of normal values is that of their mean times this (√(π/2), for many; less for few).
const OF_MEDIAN: f64 = 1.2533;

/// Student's t that is exceeded once in twenty, for 1 to 8 degrees of freedom.
const STUDENT: [f64; 8] = [6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860];

/// How far the samples of one thing lie apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Deviation {
    /// The standard deviation of one sample, as a share of its time.
    pub share: f64,
    /// From how many samples that is known, beyond those that the middles took.
    pub freedom: usize,
}

/// Two numbers, and how probable it is that the true value lies between them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
    pub coverage: f64,
}

impl Interval {
    /// Whether there are too few values for what [`COVERAGE`] asks.
    pub fn is_weak(&self) -> bool {
        self.coverage < COVERAGE
    }

    /// Whether it may as well leave the true value out, nearly: two pairs agree by chance once in two.
    pub fn is_feeble(&self) -> bool {
        self.coverage < FEEBLE
    }
}

/// The middle value, or the mean of the two in the middle; `None` for nothing.
pub fn median(values: &[f64]) -> Option<f64> {
    let sorted = sorted(values);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        length if length % 2 == 1 => Some(sorted[middle]),
        _ => Some((sorted[middle - 1] + sorted[middle]) / 2.0),
    }
}

/// The deviation within groups of times: each group around its own middle, all of them together. `None` where no group
/// has two.
///
/// Of logarithms, so that it is a share of the time, and twice as long is as far away as half as long.
pub fn deviation(groups: &[&[f64]]) -> Option<Deviation> {
    let (mut squares, mut freedom) = (0.0, 0);
    for group in groups.iter().filter(|group| group.len() >= 2) {
        let logarithms: Vec<f64> = group.iter().map(|seconds| seconds.ln()).collect();
        let degrees = group.len() - 1;
        squares += if group.len() < ROBUST_MIN {
            let mean = logarithms.iter().sum::<f64>() / group.len() as f64;
            logarithms.iter().map(|value| (value - mean).powi(2)).sum::<f64>()
        } else {
            robust_deviation(&logarithms).unwrap_or(0.0).powi(2) * degrees as f64
        };
        freedom += degrees;
    }
    (freedom > 0).then(|| Deviation { share: (squares / freedom as f64).sqrt(), freedom })
}

/// By the median absolute deviation; `None` for nothing.
pub fn robust_deviation(values: &[f64]) -> Option<f64> {
    let middle = median(values)?;
    let distances: Vec<f64> = values.iter().map(|value| (value - middle).abs()).collect();
    Some(median(&distances)? * DEVIATION_OF_MAD * few_samples(values.len()))
}

fn few_samples(count: usize) -> f64 {
    // Beyond the table the same authors give this.
    let beyond = || count as f64 / (count as f64 - 0.8);
    count.checked_sub(2).and_then(|index| FEW_SAMPLES.get(index).copied()).unwrap_or_else(beyond)
}

/// Between which two ratios the true one lies, `after` to `before`, where the best estimate is `ratio` and samples
/// differ as they do here: below the first and above the second one time in twenty each. `None` where there is nothing
/// to see how samples differ.
///
/// This one assumes that times are about normal, unlike [`median_interval`], which cannot say anything of three pairs
/// with a probability of more than 75 %.
pub fn likely_ratios(before: &[f64], after: &[f64], ratio: f64) -> Option<(f64, f64)> {
    let deviation = deviation(&[before, after])?;
    let each = 1.0 / before.len() as f64 + 1.0 / after.len() as f64;
    let half = OF_MEDIAN * student(deviation.freedom) * deviation.share * each.sqrt();
    Some((ratio * (-half).exp(), ratio * half.exp()))
}

/// Student's t that is exceeded once in twenty: of the table, else by the expansion of Cornish and Fisher.
fn student(freedom: usize) -> f64 {
    let expansion = || {
        let (z, n) = (1.645_f64, freedom as f64);
        z + (z.powi(3) + z) / (4.0 * n) + (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / (96.0 * n * n)
    };
    freedom.checked_sub(1).and_then(|index| STUDENT.get(index).copied()).unwrap_or_else(expansion)
}

/// The value below which this share of all values lies; between two of them in proportion, as spreadsheets do it.
/// `None` for nothing.
pub fn quantile(values: &[f64], share: f64) -> Option<f64> {
    let sorted = sorted(values);
    let place = share.clamp(0.0, 1.0) * sorted.len().checked_sub(1)? as f64;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    Some(below + (above - below) * place.fract())
}

/// How probable it is that `after` lies so far above `before`, or farther, where both are samples of the same thing;
/// whatever its distribution is. One where either is empty.
///
/// The test of Mann and Whitney (1947), exact: it looks at the order of the values alone, so that neither a long tail
/// nor two kinds of runs in one history (half of them with nothing to do) make it say more than it knows. Equal
/// values count half, and a half is not counted: that errs on the side of chance.
pub fn chance_of_greater(before: &[f64], after: &[f64]) -> f64 {
    let halves: usize = after
        .iter()
        .flat_map(|after| before.iter().map(move |before| after.total_cmp(before) as i8 + 1))
        .map(|order| order as usize)
        .sum();
    mann_whitney(before.len(), after.len())[halves / 2..].iter().sum()
}

/// The interval of the median by order statistics; `None` for fewer than two values.
///
/// The k-th smallest value exceeds the true median only where fewer than k of n values lie below it, each with
/// probability one half, whatever the distribution: the extremes cover 1 − 2^(1−n).
pub fn median_interval(values: &[f64]) -> Option<Interval> {
    let n = values.len();
    let mut chances = vec![1.0];
    for _ in 0..n {
        // One toss more: a row of Pascal's triangle, as probabilities.
        let next = |k: usize| {
            let without = chances.get(k).copied().unwrap_or(0.0);
            let with = k.checked_sub(1).map_or(0.0, |k| chances[k]);
            (without + with) / 2.0
        };
        chances = (0..=chances.len()).map(next).collect();
    }
    (n >= 2).then(|| by_order(&sorted(values), &chances))
}

/// The interval of the ratio of two things measured apart from each other, `after` to `before`; `None` where either
/// is empty or both are single values.
///
/// That of Mann and Whitney (1947), as Hodges and Lehmann read it: among all n·m ratios of one value each, the
/// number below the true ratio has a distribution that is known exactly, whatever that of the times is, as long as
/// it is the same for both but for the factor. A bootstrap of so few values covers far less than it says (the
/// median of five takes five values only), needs a seed, and the ratio of the extremes is half as wide again as
/// need be.
pub fn ratio_interval(before: &[f64], after: &[f64]) -> Option<Interval> {
    let ratios: Vec<f64> =
        after.iter().flat_map(|after| before.iter().map(move |before| after / before)).collect();
    (ratios.len() >= 2).then(|| by_order(&sorted(&ratios), &mann_whitney(before.len(), after.len())))
}

/// The k-th value from below and from above, the greatest k that covers enough; the extremes where none does.
/// `chances[i]` is the probability that exactly i values lie below the true one.
fn by_order(sorted: &[f64], chances: &[f64]) -> Interval {
    let coverage = |k: usize| 1.0 - 2.0 * chances[..k].iter().sum::<f64>();
    let mut k = 1;
    while 2 * (k + 1) <= sorted.len() && coverage(k + 1) >= COVERAGE {
        k += 1;
    }
    Interval { low: sorted[k - 1], high: sorted[sorted.len() - k], coverage: coverage(k) }
}

/// The distribution of Mann and Whitney's U for samples of n and m.
fn mann_whitney(n: usize, m: usize) -> Vec<f64> {
    // The greatest of all values is one of the i or one of the j; in the first case it is above all j others.
    let mut rows: Vec<Vec<f64>> = vec![vec![1.0]; m + 1];
    for i in 1..=n {
        for j in 1..=m {
            let total = (i + j) as f64;
            let mut chances = vec![0.0; i * j + 1];
            for (u, chance) in rows[j].iter().enumerate() {
                chances[u + j] += chance * i as f64 / total;
            }
            for (u, chance) in rows[j - 1].iter().enumerate() {
                chances[u] += chance * j as f64 / total;
            }
            rows[j] = chances;
        }
    }
    rows.swap_remove(m)
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

#[cfg(test)]
mod tests {
    use super::super::shared_tests::Random;
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0]), Some(3.0));
        assert_eq!(median(&[4.0, 1.0]), Some(2.5));
        assert_eq!(median(&[9.0, 1.0, 2.0]), Some(2.0));
    }

    #[test]
    fn quantiles() {
        let values = [40.0, 10.0, 30.0, 20.0, 50.0];
        let at = |share| quantile(&values, share).unwrap();
        assert_eq!([0.0, 0.25, 0.5, 1.0].map(at), [10.0, 20.0, 30.0, 50.0]);
        assert!((at(0.9) - 46.0).abs() < 1e-9);
        assert_eq!(quantile(&[7.0], 0.9), Some(7.0));
        assert_eq!(quantile(&[], 0.9), None);
    }

    #[test]
    fn how_probable_an_order_is() {
        let chance = |before: &[f64], after: &[f64]| chance_of_greater(before, after);
        // Of the 20 ways to put three after three, one has them all behind.
        assert!((chance(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0]) - 0.05).abs() < 1e-12);
        assert!((chance(&[4.0, 5.0, 6.0], &[1.0, 2.0, 3.0]) - 1.0).abs() < 1e-12);
        // Equal values say nothing: as probable as a middling order.
        assert!(chance(&[1.0; 3], &[1.0; 3]) > 0.5);
        // One of five among ten earlier ones: 1 of C(15, 5) = 3003 ways.
        let ten: Vec<f64> = (0..10).map(f64::from).collect();
        assert!((chance(&ten, &[20.0; 5]) - 1.0 / 3003.0).abs() < 1e-12);
        assert_eq!((chance(&[], &[1.0]), chance(&[1.0], &[])), (1.0, 1.0));
    }

    #[test]
    fn intervals_of_the_median() {
        let numbers = |n: usize| (1..=n).map(|number| number as f64).collect::<Vec<_>>();
        assert_eq!(median_interval(&[]), None);
        assert_eq!(median_interval(&[1.0]), None);
        // Number of values, the two ends, the coverage by hand.
        let expected = [
            (2, 1.0, 2.0, 0.5),
            (3, 1.0, 3.0, 0.75),
            (4, 1.0, 4.0, 0.875),
            (5, 1.0, 5.0, 0.9375),
            (8, 1.0, 8.0, 1.0 - 2.0 / 256.0),
            (9, 2.0, 8.0, 1.0 - 2.0 * 10.0 / 512.0),
            (11, 3.0, 9.0, 1.0 - 2.0 * 67.0 / 2048.0),
            (12, 3.0, 10.0, 1.0 - 2.0 * 79.0 / 4096.0),
        ];
        for (n, low, high, coverage) in expected {
            let interval = median_interval(&numbers(n)).unwrap();
            assert_eq!((interval.low, interval.high), (low, high), "{n}");
            assert!((interval.coverage - coverage).abs() < 1e-12, "{n}: {}", interval.coverage);
            assert_eq!((interval.is_weak(), interval.is_feeble()), (n < 5, n < 3), "{n}");
        }
    }

    #[test]
    fn the_distribution_of_u() {
        // Mann and Whitney's own table: for 3 and 3 the chance of 0 is 1/20, for 5 and 5 that of at most 2 is 4/252.
        assert!((mann_whitney(3, 3)[0] - 0.05).abs() < 1e-12);
        let below: f64 = mann_whitney(5, 5)[..3].iter().sum();
        assert!((below - 4.0 / 252.0).abs() < 1e-12);
        for (n, m) in [(1, 1), (1, 4), (4, 1), (7, 3), (20, 20)] {
            let chances = mann_whitney(n, m);
            assert_eq!(chances.len(), n * m + 1);
            assert!((chances.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{n} {m}");
        }
    }

    #[test]
    fn intervals_of_ratios() {
        assert_eq!(ratio_interval(&[], &[1.0]), None);
        assert_eq!(ratio_interval(&[1.0], &[2.0]), None);
        let interval = ratio_interval(&[10.0, 10.0, 10.0], &[20.0, 21.0, 22.0]).unwrap();
        assert_eq!((interval.low, interval.high), (2.0, 2.2));
        assert!((interval.coverage - 0.9).abs() < 1e-12);
        assert!(interval.is_weak());
        assert!(!ratio_interval(&[1.0; 4], &[1.0; 4]).unwrap().is_weak());
    }

    #[test]
    fn few_samples_are_corrected() {
        let mut random = Random::new(1);
        for count in 2..=12 {
            let mut sum = 0.0;
            for _ in 0..20_000 {
                let samples: Vec<f64> = (0..count).map(|_| 100.0 + random.normal()).collect();
                sum += robust_deviation(&samples).unwrap();
            }
            let mean = sum / 20_000.0;
            assert!((mean - 1.0).abs() < 0.03, "{count} samples: {mean}");
        }
    }

    #[test]
    fn how_far_samples_lie_apart() {
        let share = |groups: &[&[f64]]| deviation(groups).map(|found| (found.share * 1e4).round() / 1e4);
        assert_eq!(share(&[]), None);
        assert_eq!(share(&[&[1.0], &[2.0]]), None);
        // Each around its own middle: what differs between the groups is no deviation.
        assert_eq!(share(&[&[1.0, 1.0], &[9.0, 9.0]]), Some(0.0));
        assert_eq!(share(&[&[100.0, 102.0, 98.0]]), Some(0.02));
        assert_eq!(share(&[&[100.0, 102.0, 98.0], &[5.0, 5.0, 5.0]]), Some(0.0141));
        assert_eq!(deviation(&[&[1.0; 3], &[2.0; 3]]).unwrap().freedom, 4);
        // One odd one of five does not decide, one of three does.
        assert!(share(&[&[100.0, 101.0, 99.0, 100.5, 300.0]]).unwrap() < 0.02);
        assert!(share(&[&[100.0, 101.0, 300.0]]).unwrap() > 0.5);
    }

    #[test]
    fn students_t() {
        // The printed tables: 5 % above.
        let table = [(1, 6.314), (4, 2.132), (8, 1.860), (9, 1.833), (16, 1.746), (60, 1.671)];
        for (freedom, expected) in table {
            assert!((student(freedom) - expected).abs() < 0.003, "{freedom}: {}", student(freedom));
        }
    }

    /// The true ratio lies below and above as seldom as is said, or more seldom.
    #[test]
    fn likely_ratios_hold_the_true_one() {
        let mut random = Random::new(9);
        for pairs in [2, 3, 5, 9] {
            let (mut below, mut above) = (0, 0);
            for _ in 0..4000 {
                let mut times =
                    |centre: f64| -> Vec<f64> { (0..pairs).map(|_| random.time(centre, 0.03)).collect() };
                let (before, after) = (times(10.0), times(12.0));
                let ratios: Vec<f64> = after.iter().zip(&before).map(|(a, b)| a / b).collect();
                let (low, high) = likely_ratios(&before, &after, median(&ratios).unwrap()).unwrap();
                below += usize::from(1.2 < low);
                above += usize::from(1.2 > high);
            }
            for times in [below, above] {
                assert!(times < 230, "{pairs}: {times} of 4000");
            }
        }
    }

    /// How often the true value is in the interval, of 4000, is what the interval says, or a little more.
    #[test]
    fn intervals_cover_what_they_say() {
        let mut random = Random::new(7);
        for n in [2, 3, 5, 9] {
            let (mut paired, mut unpaired) = (0, 0);
            let (mut says_paired, mut says_unpaired) = (0.0, 0.0);
            for _ in 0..4000 {
                // A long tail: an exponential time on top, as of builds that wait for a disk.
                let mut times = |centre: f64| -> Vec<f64> {
                    (0..n).map(|_| centre * (1.0 + 0.05 * random.exponential())).collect()
                };
                let (before, after) = (times(10.0), times(12.0));
                let ratios: Vec<f64> =
                    after.iter().zip(&before).map(|(after, before)| after / before).collect();
                let interval = median_interval(&ratios).unwrap();
                paired += usize::from(interval.low <= 1.2 && 1.2 <= interval.high);
                says_paired = interval.coverage;
                let interval = ratio_interval(&before, &after).unwrap();
                unpaired += usize::from(interval.low <= 1.2 && 1.2 <= interval.high);
                says_unpaired = interval.coverage;
            }
            for (held, says) in [(paired, says_paired), (unpaired, says_unpaired)] {
                let held = held as f64 / 4000.0;
                assert!((held - says).abs() < 0.025, "{n}: covers {held}, says {says}");
            }
        }
    }
}
