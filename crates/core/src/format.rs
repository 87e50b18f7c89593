//! How numbers and times are written on the page.

use crate::units::{Amount, Ratio};

/// `1234567` becomes `1,234,567`.
pub fn grouped(number: u128) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// An amount with grouped thousands and a fixed number of decimals.
pub fn amount(value: Amount, decimals: usize) -> String {
    let rounded = value.rounded(decimals);
    let scale = 10_u128.pow(decimals as u32);
    if decimals == 0 {
        return grouped(rounded);
    }
    let fraction = rounded % scale;
    format!("{}.{fraction:0decimals$}", grouped(rounded / scale))
}

/// A dollar price: cents from one dollar up, four decimals below.
pub fn dollars(value: Amount) -> String {
    let decimals = if value.whole() >= 1 { 2 } else { 4 };
    format!("${}", amount(value, decimals))
}

/// `21 347` basis points become `213.47 %`.
pub fn percent(ratio: Ratio) -> String {
    let points = ratio.basis_points();
    format!("{}.{:02} %", grouped(u128::from(points / 100)), points % 100)
}

/// Seconds since 1970 as a date and time of day in UTC.
pub fn utc(unix_seconds: u64) -> String {
    let (year, month, day) = civil_date(unix_seconds / 86_400);
    let second = unix_seconds % 86_400;
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

/// The same in the notation of RFC 3339, for machines.
pub fn rfc3339(unix_seconds: u64) -> String {
    let text = utc(unix_seconds);
    let (date, time) = (&text[..text.len() - 13], &text[text.len() - 12..text.len() - 4]);
    format!("{date}T{time}Z")
}

/// Days since 1970-01-01 to year, month, day. The year starts in March here, so that the leap day is
/// its last day and every month's length follows one formula.
fn civil_date(days: u64) -> (u64, u64, u64) {
    let since_year_zero = days + 719_468;
    let era = since_year_zero / 146_097;
    let day_of_era = since_year_zero % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn amounts_on_the_page() {
        let show = |text: &str, decimals| amount(text.parse().unwrap(), decimals);
        assert_eq!(show("261402.256", 2), "261,402.26");
        assert_eq!(show("999.999", 2), "1,000.00");
        assert_eq!(show("0.05", 2), "0.05");
        assert_eq!(show("1999.5", 0), "2,000");
    }

    #[test]
    fn prices_on_the_page() {
        assert_eq!(dollars("2.349".parse().unwrap()), "$2.35");
        assert_eq!(dollars("0.04567".parse().unwrap()), "$0.0457");
    }

    #[test]
    fn percentages() {
        let ratio = Ratio::of("213.479".parse().unwrap(), Amount::from_whole(100)).unwrap();
        assert_eq!(percent(ratio), "213.47 %");
        assert_eq!(percent(Ratio::from_percent(1500)), "1,500.00 %");
    }

    #[test]
    fn times() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_399, "2000-02-28 23:59:59 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (1_767_225_600, "2026-01-01 00:00:00 UTC"),
            (1_798_761_599, "2026-12-31 23:59:59 UTC"),
        ] {
            assert_eq!(utc(seconds), text);
        }
        assert_eq!(rfc3339(951_782_400), "2000-02-29T00:00:00Z");
    }
}
