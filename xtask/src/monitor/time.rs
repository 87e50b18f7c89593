//! Moments and spans as GitHub, our records and people write them.

use chrono::{DateTime, NaiveDate, SecondsFormat, TimeDelta, Utc};

/// RFC 3339, as GitHub and our records have it.
pub fn parse(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.with_timezone(&Utc))
}

/// RFC 3339 in whole seconds, e.g. `2026-11-21T10:30:00Z`.
pub fn format(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Seconds from one moment to another; `None` where either cannot be read or they are in the wrong order.
pub fn between(from: Option<&str>, to: Option<&str>) -> Option<f64> {
    let seconds = (parse(to?)? - parse(from?)?).as_seconds_f64();
    (seconds >= 0.0).then_some(seconds)
}

/// What `--since` says: a day, a moment, or a span before `now` (`36h`, `30d`, `8w`). An error says what is understood.
pub fn since(text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    let text = text.trim();
    let wrong = || {
        format!(
            "`{text}` is no time: wanted a day (2026-11-01), a moment (2026-11-01T08:00:00Z) or a span \
                 (36h, 30d, 8w)"
        )
    };
    let found = if let Some(time) = parse(text) {
        time
    } else if let Ok(day) = text.parse::<NaiveDate>() {
        day.and_hms_opt(0, 0, 0).ok_or_else(wrong)?.and_utc()
    } else {
        let unit = text.chars().last().ok_or_else(wrong)?;
        let hours = match unit {
            'h' => 1,
            'd' => 24,
            'w' => 24 * 7,
            _ => return Err(wrong()),
        };
        let count: u32 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
        now.checked_sub_signed(TimeDelta::hours(i64::from(count) * hours)).ok_or_else(wrong)?
    };
    if found > now { Err(format!("`{text}` is in the future")) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_as_people_write_them() {
        let now = parse("2026-11-21T10:30:00Z").unwrap();
        let at = |text: &str| since(text, now).map(format);
        assert_eq!(at("2026-11-01").unwrap(), "2026-11-01T00:00:00Z");
        assert_eq!(at("2026-11-01T08:00:00+02:00").unwrap(), "2026-11-01T06:00:00Z");
        assert_eq!(at("36h").unwrap(), "2026-11-19T22:30:00Z");
        assert_eq!(at("1w").unwrap(), "2026-11-14T10:30:00Z");
        assert_eq!(at("0d").unwrap(), "2026-11-21T10:30:00Z");
        for text in ["", "d", "7", "7m", "-7d", "2026-13-01", "yesterday", "7é", "4294967295w"] {
            assert!(at(text).is_err(), "{text}");
        }
        assert_eq!(at("2026-11-22").unwrap_err(), "`2026-11-22` is in the future");
    }

    #[test]
    fn spans() {
        let (early, late) = (Some("2026-11-21T10:30:00Z"), Some("2026-11-21T10:31:01.500Z"));
        assert_eq!(between(early, late), Some(61.5));
        assert_eq!(
            (between(late, early), between(None, late), between(early, Some("soon"))),
            (None, None, None)
        );
    }
}
