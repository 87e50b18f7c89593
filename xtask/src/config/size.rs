//! Sizes as people write them.

use std::str::FromStr;

/// A number of bytes as people write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    pub bytes: u64,
}

impl FromStr for Size {
    type Err = String;

    /// Decimal units, as disks and registries count: `25MB` is 25,000,000 bytes.
    fn from_str(text: &str) -> Result<Size, String> {
        let text = text.trim();
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let factor = match text[end..].trim().to_ascii_uppercase().as_str() {
            "" | "B" => 1.0,
            "K" | "KB" => 1e3,
            "M" | "MB" => 1e6,
            "G" | "GB" => 1e9,
            other => return Err(format!("`{other}` is no unit; there are B, kB, MB and GB")),
        };
        let number: f64 =
            text[..end].parse().map_err(|_| "wanted a number with a unit, e.g. 25MB".to_owned())?;
        Ok(Size { bytes: (number * factor).round() as u64 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_with_and_without_a_unit() {
        let bytes = |text: &str| text.parse::<Size>().map(|size| size.bytes);
        for (text, expected) in
            [("25MB", 25_000_000), ("1.5 gb", 1_500_000_000), ("812", 812), ("3k", 3000), ("0", 0)]
        {
            assert_eq!(bytes(text), Ok(expected), "{text}");
        }
        for text in ["", "MB", "25 MiB", "-1", "1.2.3"] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }
}
