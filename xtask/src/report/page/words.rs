//! How reports say things: times, ratios, shares, numbers of things. Each thing in one way, in every format.

use super::spread::Spread;

/// Stands where nothing was measured; never zero.
pub const MISSING: &str = "–";

/// Three digits and the unit: `42.1 ms`, `0.312 s`, `64.2 s`, `385 s`; minutes from ten of them on: `12m 05s`.
pub fn time(seconds: f64) -> String {
    match seconds {
        s if s >= 599.5 => crate::report::seconds(s.round()),
        s if s > 0.0 && s < 0.0995 => format!("{} ms", digits(s * 1e3)),
        s => format!("{} s", digits(s)),
    }
}

/// From the least to the most: `63.9–65.1 s`.
pub fn times(spread: &Spread) -> String {
    if spread.n == 1 {
        return MISSING.to_owned();
    }
    let (min, max) = (time(spread.min), time(spread.max));
    match (min.split_once(' '), max.split_once(' ')) {
        _ if min == max => max,
        // The unit is said once where it is the same; minutes have two.
        (Some((number, unit)), Some((_, same))) if unit == same && matches!(unit, "s" | "ms") => {
            format!("{number}–{max}")
        }
        _ => format!("{min}–{max}"),
    }
}

fn digits(number: f64) -> String {
    match number {
        0.0 => "0".to_owned(),
        n if n < 0.9995 => format!("{n:.3}"),
        n if n < 9.995 => format!("{n:.2}"),
        n if n < 99.95 => format!("{n:.1}"),
        n => format!("{n:.0}"),
    }
}

/// A share as people read it: `0.36 %`, `2.0 %`, `97 %`.
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        0.0 => "0 %".to_owned(),
        p if p < 0.995 => format!("{p:.2} %"),
        p if (p - 100.0).abs() < 1e-9 => "100 %".to_owned(),
        p => format!("{p:.1} %"),
    }
}

/// A ratio of times: `0.016`, `1.043`, `12.4`.
pub fn ratio(ratio: f64) -> String {
    if ratio < 9.9995 { format!("{ratio:.3}") } else { format!("{ratio:.1}") }
}

/// `1 sample`, `3 samples`.
pub fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// One number where all are equal, else the least and the most: `612`, `612–614`.
pub fn range(numbers: impl IntoIterator<Item = u64>) -> String {
    let numbers: Vec<u64> = numbers.into_iter().collect();
    match (numbers.iter().min(), numbers.iter().max()) {
        (Some(min), Some(max)) if min == max => min.to_string(),
        (Some(min), Some(max)) => format!("{min}–{max}"),
        _ => MISSING.to_owned(),
    }
}

/// One line without control characters: what comes from programs must not move a terminal's cursor.
pub fn clean(text: &str) -> String {
    let words: Vec<&str> =
        text.split(['\n', '\r', '\t']).map(str::trim).filter(|part| !part.is_empty()).collect();
    words.join(" ").chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// At most so many characters, the last one `…` where some are missing.
pub fn shortened(text: &str, characters: usize) -> String {
    if text.chars().count() <= characters {
        return text.to_owned();
    }
    let kept: String = text.chars().take(characters.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// A moment without the fraction of its second: `2026-11-21T11:46:54+00:00`.
pub fn moment(time: &str) -> String {
    match time.split_once('.') {
        Some((seconds, rest)) => {
            format!("{seconds}{}", rest.trim_start_matches(|c: char| c.is_ascii_digit()))
        }
        None => time.to_owned(),
    }
}

/// The first seven digits of a commit, as git shows them.
pub fn short_commit(commit: &str) -> String {
    commit.chars().take(7).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        let times = [0.0, 0.0421, 0.9999, 3.117, 64.25, 385.4, 599.7, 725.0].map(time);
        assert_eq!(times, ["0 s", "42.1 ms", "1.00 s", "3.12 s", "64.2 s", "385 s", "10m 00s", "12m 05s"]);
        assert_eq!(
            [0.0, 0.0036, 0.02, 0.9739, 1.0].map(percent),
            ["0 %", "0.36 %", "2.0 %", "97.4 %", "100 %"]
        );
        assert_eq!([0.0164, 1.0432, 12.44].map(ratio), ["0.016", "1.043", "12.4"]);
        assert_eq!(range([3, 3]), "3");
        assert_eq!(range([5, 3, 4]), "3–5");
        assert_eq!(range([]), MISSING);
    }

    #[test]
    fn ranges_of_times() {
        let spread = |values: &[f64]| super::times(&Spread::of(values.iter().copied()).unwrap());
        assert_eq!(spread(&[63.9, 65.1]), "63.9–65.1 s");
        assert_eq!(spread(&[3.0, 3.0]), "3.00 s");
        assert_eq!(spread(&[590.0, 725.0]), "590 s–12m 05s");
        assert_eq!(spread(&[0.0421, 0.05]), "42.1–50.0 ms");
        assert_eq!(spread(&[0.09, 0.12]), "90.0 ms–0.120 s");
        assert_eq!(spread(&[605.0, 725.0]), "10m 05s–12m 05s");
        assert_eq!(spread(&[590.0]), MISSING);
    }

    #[test]
    fn foreign_text() {
        assert_eq!(clean("error:\n\t not\u{1b}[31m there\n"), "error: not\u{fffd}[31m there");
        assert_eq!(moment("2026-11-21T11:46:54.061836941+00:00"), "2026-11-21T11:46:54+00:00");
        assert_eq!(moment("2026-11-21T11:46:54Z"), "2026-11-21T11:46:54Z");
        assert_eq!(shortened("leptos", 6), "leptos");
        assert_eq!(shortened("leptos_router", 6), "lepto…");
    }
}
