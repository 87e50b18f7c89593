//! Amounts with 18 decimals and ratios in basis points, in whole numbers only.
//!
//! Floating point is never used: two renderings of one amount must be equal on the server and in the
//! browser, or hydration fails.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

const DECIMALS: usize = 18;
const ONE: u128 = 10_u128.pow(DECIMALS as u32);

/// An amount of a token, counted in its smallest unit (10⁻¹⁸).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amount(u128);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotAnAmount(String);

impl fmt::Display for NotAnAmount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not an amount with at most 18 decimals", self.0)
    }
}

impl std::error::Error for NotAnAmount {}

impl Amount {
    pub const fn from_smallest(smallest: u128) -> Self {
        Self(smallest)
    }

    pub const fn from_whole(whole: u64) -> Self {
        Self(whole as u128 * ONE)
    }

    pub const fn smallest(self) -> u128 {
        self.0
    }

    /// The part before the decimal point.
    pub const fn whole(self) -> u128 {
        self.0 / ONE
    }

    /// Rounds half up to `decimals` places; the result counts in units of the last place.
    pub fn rounded(self, decimals: usize) -> u128 {
        let step = 10_u128.pow((DECIMALS - decimals.min(DECIMALS)) as u32);
        self.0 / step + u128::from(self.0 % step * 2 >= step && step > 1)
    }

    /// The product of two amounts, as in "tokens × price per token". `None` when it does not fit.
    ///
    /// Nine digits of each factor are dropped first, because the exact product of two real amounts
    /// needs more than 128 bits. What is lost is far below what the page shows.
    pub fn times(self, price: Self) -> Option<Self> {
        let half = 10_u128.pow(DECIMALS as u32 / 2);
        (self.0 / half).checked_mul(price.0 / half).map(Self)
    }
}

/// The exact decimal notation, without trailing zeros.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fraction = format!("{:018}", self.0 % ONE);
        let fraction = fraction.trim_end_matches('0');
        if fraction.is_empty() {
            write!(f, "{}", self.whole())
        } else {
            write!(f, "{}.{fraction}", self.whole())
        }
    }
}

impl FromStr for Amount {
    type Err = NotAnAmount;

    fn from_str(text: &str) -> Result<Self, NotAnAmount> {
        let refused = || NotAnAmount(text.to_owned());
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits_only = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !digits_only(whole) || !digits_only(fraction) || fraction.len() > DECIMALS {
            return Err(refused());
        }
        let whole: u128 = whole.parse().map_err(|_| refused())?;
        let fraction: u128 = format!("{fraction:0<DECIMALS$}").parse().map_err(|_| refused())?;
        whole
            .checked_mul(ONE)
            .and_then(|smallest| smallest.checked_add(fraction))
            .map(Self)
            .ok_or_else(refused)
    }
}

/// JSON carries amounts as text: a reader in JavaScript would silently round a number of this size.
impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// Reads the one 32-byte word that an `eth_call` without arguments returns.
pub fn parse_word(hex: &str) -> Result<u128, String> {
    let digits = hex.strip_prefix("0x").ok_or_else(|| "the answer is not a hexadecimal number".to_owned())?;
    if digits.is_empty() {
        return Err("the answer is empty; is there a contract at this address?".to_owned());
    }
    let significant = digits.trim_start_matches('0');
    if significant.is_empty() {
        return Ok(0);
    }
    if significant.starts_with('+') {
        return Err("the answer is not a hexadecimal number".to_owned());
    }
    u128::from_str_radix(significant, 16).map_err(|_| "the answer is not a number below 2^128".to_owned())
}

/// A ratio in basis points: 15 000 is 150 %.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ratio(u64);

impl Ratio {
    pub const fn from_percent(percent: u64) -> Self {
        Self(percent * 100)
    }

    pub const fn basis_points(self) -> u64 {
        self.0
    }

    /// `None` for a ratio to nothing, and where the numbers are out of any sensible range.
    pub fn of(part: Amount, base: Amount) -> Option<Self> {
        let scaled = part.0.checked_mul(10_000)?;
        let points = scaled.checked_div(base.0)?;
        u64::try_from(points).ok().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(text: &str) -> Amount {
        text.parse().unwrap()
    }

    #[test]
    fn amounts_keep_every_digit() {
        for text in ["0", "1", "0.000000000000000001", "261402.25", "1234567890.5"] {
            assert_eq!(amount(text).to_string(), text);
        }
        assert_eq!(Amount::from_whole(7), amount("7"));
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in ["", ".", "1.", ".5", "-1", "+1", "1,5", "1e18", "0.0000000000000000001"] {
            assert!(text.parse::<Amount>().is_err(), "{text}");
        }
        assert!("999999999999999999999999".parse::<Amount>().is_err());
    }

    #[test]
    fn rounding_is_half_up() {
        assert_eq!(amount("1.005").rounded(2), 101);
        assert_eq!(amount("1.0049").rounded(2), 100);
        assert_eq!(amount("0.5").rounded(0), 1);
        assert_eq!(amount("3").rounded(18), 3 * ONE);
    }

    #[test]
    fn products_of_real_size_fit() {
        assert_eq!(amount("2000000.5").times(amount("2.5")), Some(amount("5000001.25")));
        let everything = Amount::from_smallest(u128::MAX);
        assert_eq!(everything.times(everything), None);
    }

    #[test]
    fn ratios() {
        let ratio = |part, base| Ratio::of(amount(part), amount(base));
        assert_eq!(ratio("150", "100"), Some(Ratio::from_percent(150)));
        assert_eq!(ratio("1", "3").unwrap().basis_points(), 3_333);
        assert_eq!(ratio("1", "0"), None);
        assert_eq!(ratio("0", "1").unwrap().basis_points(), 0);
    }

    #[test]
    fn words_of_the_chain() {
        let word = format!("0x{:064x}", 261_402_u32);
        assert_eq!(parse_word(&word), Ok(261_402));
        assert_eq!(parse_word(&format!("0x{}", "0".repeat(64))), Ok(0));
        for bad in ["", "0x", "12", "0xzz", "0x+1", &format!("0x1{}", "0".repeat(32))] {
            assert!(parse_word(bad).is_err(), "{bad}");
        }
    }
}
