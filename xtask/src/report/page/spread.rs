//! Median, least and most of some numbers: what a report may compute itself.

/// Median, least and most of some numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    pub median: f64,
    pub min: f64,
    pub max: f64,
    pub n: usize,
}

impl Spread {
    /// `None` of no numbers. The median of an even count lies in the middle of the two middle ones.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Spread> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let n = values.len();
        let (min, max) = (*values.first()?, *values.last()?);
        Some(Spread { median: f64::midpoint(values[(n - 1) / 2], values[n / 2]), min, max, n })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_even_one_and_none() {
        let spread = |values: &[f64]| {
            Spread::of(values.iter().copied()).map(|spread| (spread.median, spread.min, spread.max, spread.n))
        };
        assert_eq!(spread(&[3.0, 1.0, 2.0]), Some((2.0, 1.0, 3.0, 3)));
        assert_eq!(spread(&[4.0, 1.0, 2.0, 3.0]), Some((2.5, 1.0, 4.0, 4)));
        assert_eq!(spread(&[7.0]), Some((7.0, 7.0, 7.0, 1)));
        assert_eq!(spread(&[]), None);
    }
}
