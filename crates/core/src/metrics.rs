//! What the terminal shows: readings, the snapshot that joins them, and the health of the system.

use serde::{Deserialize, Serialize};

use crate::units::{Amount, Ratio};

/// Under this ratio the protocol is in recovery mode.
pub const DANGER_BELOW: Ratio = Ratio::from_percent(150);
/// Under this ratio a fall of the price by a quarter reaches recovery mode.
pub const WARNING_BELOW: Ratio = Ratio::from_percent(200);

/// How much of a reading can be believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Freshness {
    /// The last attempt delivered it.
    Fresh,
    /// An earlier attempt delivered it; the last one failed.
    Stale,
    /// No attempt has delivered it yet.
    #[default]
    Unknown,
}

/// One measured value with its age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading<T> {
    pub value: Option<T>,
    /// Seconds since 1970 at which the value was read.
    pub as_of: Option<u64>,
    pub freshness: Freshness,
}

// Derived, this would ask for `T: Default` although no `T` is made.
impl<T> Default for Reading<T> {
    fn default() -> Self {
        Self { value: None, as_of: None, freshness: Freshness::Unknown }
    }
}

impl<T: Copy> Reading<T> {
    pub fn fresh(value: T, as_of: u64) -> Self {
        Self { value: Some(value), as_of: Some(as_of), freshness: Freshness::Fresh }
    }

    /// The same value after an attempt to renew it failed.
    #[must_use]
    pub fn aged(self) -> Self {
        let freshness = match self.value {
            Some(_) => Freshness::Stale,
            None => Freshness::Unknown,
        };
        Self { freshness, ..self }
    }
}

/// Where the numbers come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    #[default]
    Live,
    Demo,
}

/// Everything the dashboard shows at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Counts the refreshes since the server started.
    pub sequence: u64,
    /// Seconds since 1970 at which a refresh last brought something; `None` before the first.
    pub as_of: Option<u64>,
    pub origin: Origin,
    pub supply: Reading<Amount>,
    pub collateral: Reading<Amount>,
    pub price: Reading<Amount>,
    pub troves: Reading<u64>,
    pub stability_pool: Reading<Amount>,
    pub stability_pool_collateral: Reading<Amount>,
    /// What the reader should know: a lost history, a source that does not answer.
    pub notices: Vec<String>,
}

impl Snapshot {
    /// The collateral in dollars.
    pub fn collateral_value(&self) -> Option<Amount> {
        self.collateral.value?.times(self.price.value?)
    }

    /// The total collateral ratio. Every USDFC is minted against debt, so the supply is the debt.
    pub fn collateral_ratio(&self) -> Option<Ratio> {
        Ratio::of(self.collateral_value()?, self.supply.value?)
    }

    /// A number that is computed from several readings is as good as the worst of them.
    pub fn ratio_freshness(&self) -> Freshness {
        worst([self.supply.freshness, self.collateral.freshness, self.price.freshness])
    }

    /// The freshness of the page as a whole.
    pub fn freshness(&self) -> Freshness {
        worst([
            self.ratio_freshness(),
            self.troves.freshness,
            self.stability_pool.freshness,
            self.stability_pool_collateral.freshness,
        ])
    }

    /// The same values as an earlier run left them: none of them is fresh any more.
    #[must_use]
    pub fn aged(self) -> Self {
        Self {
            supply: self.supply.aged(),
            collateral: self.collateral.aged(),
            price: self.price.aged(),
            troves: self.troves.aged(),
            stability_pool: self.stability_pool.aged(),
            stability_pool_collateral: self.stability_pool_collateral.aged(),
            ..self
        }
    }
}

fn worst<const N: usize>(all: [Freshness; N]) -> Freshness {
    if all.contains(&Freshness::Unknown) {
        Freshness::Unknown
    } else if all.contains(&Freshness::Stale) {
        Freshness::Stale
    } else {
        Freshness::Fresh
    }
}

/// The health of the system that a collateral ratio stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Band {
    Danger,
    Warning,
    Healthy,
}

impl Band {
    pub fn of(ratio: Ratio) -> Self {
        if ratio < DANGER_BELOW {
            Self::Danger
        } else if ratio < WARNING_BELOW {
            Self::Warning
        } else {
            Self::Healthy
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Danger => "danger",
            Self::Warning => "warning",
            Self::Healthy => "healthy",
        }
    }
}

/// The snapshot of demo mode: the same sequence number always gives the same numbers.
///
/// Times are made up too, so that a page of demo mode never depends on the clock.
pub fn demo(sequence: u64) -> Snapshot {
    const START: u64 = 1_767_225_600; // 2026-01-01 00:00 UTC
    let as_of = START + sequence * 30;
    // A slow triangle wave: 0, 1, … 20, 19, … 0, so that numbers move both ways and stay sensible.
    let phase = sequence % 40;
    let wave = phase.min(40 - phase);
    let cents = |whole: u64, hundredths: u64| {
        Amount::from_smallest(
            Amount::from_whole(whole).smallest() + Amount::from_whole(hundredths).smallest() / 100,
        )
    };
    Snapshot {
        sequence,
        as_of: Some(as_of),
        origin: Origin::Demo,
        supply: Reading::fresh(cents(261_402 + 37 * wave, 25), as_of),
        collateral: Reading::fresh(cents(248_913 + 113 * wave, 75), as_of),
        price: Reading::fresh(cents(2, 31 + wave % 7), as_of),
        troves: Reading::fresh(64 + wave / 4, as_of),
        stability_pool: Reading::fresh(cents(83_015 + 21 * wave, 50), as_of),
        stability_pool_collateral: Reading::fresh(cents(412 + wave, 8), as_of),
        notices: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_change_exactly_at_their_thresholds() {
        let band = |points: u64| {
            let part = Amount::from_smallest(u128::from(points));
            Band::of(Ratio::of(part, Amount::from_smallest(10_000)).unwrap())
        };
        assert_eq!(band(0), Band::Danger);
        assert_eq!(band(14_999), Band::Danger);
        assert_eq!(band(15_000), Band::Warning);
        assert_eq!(band(19_999), Band::Warning);
        assert_eq!(band(20_000), Band::Healthy);
    }

    #[test]
    fn the_ratio_joins_three_readings() {
        let mut snapshot = demo(0);
        let ratio = snapshot.collateral_ratio().unwrap();
        // 248 913.75 × 2.31 ÷ 261 402.25
        assert_eq!(ratio.basis_points(), 21_996);
        snapshot.price = snapshot.price.aged();
        assert_eq!(snapshot.ratio_freshness(), Freshness::Stale);
        snapshot.price = Reading::default();
        assert_eq!(snapshot.collateral_ratio(), None);
        assert_eq!(snapshot.ratio_freshness(), Freshness::Unknown);
    }

    #[test]
    fn the_demo_is_deterministic_complete_and_moves() {
        assert_eq!(demo(3), demo(3));
        assert_ne!(demo(3).supply, demo(4).supply);
        for sequence in 0..80 {
            assert_eq!(demo(sequence).freshness(), Freshness::Fresh);
            assert!(demo(sequence).collateral_ratio().is_some());
        }
    }

    #[test]
    fn what_never_arrived_does_not_become_stale() {
        let nothing = Snapshot::default().aged();
        assert_eq!(nothing.freshness(), Freshness::Unknown);
        assert_eq!(demo(1).aged().freshness(), Freshness::Stale);
    }
}
