//! What the environment says about an image: where its sources are, and when it was made.

use chrono::{DateTime, SecondsFormat};

use crate::exit::Failure;

/// The time in the image, in RFC 3339: that of `SOURCE_DATE_EPOCH` (seconds since 1970), else the beginning of 1970, so
/// that the same inputs give the same image.
pub fn created() -> anyhow::Result<String> {
    created_at(std::env::var("SOURCE_DATE_EPOCH").ok().as_deref())
}

fn created_at(epoch: Option<&str>) -> anyhow::Result<String> {
    let text = epoch.map(str::trim).filter(|text| !text.is_empty()).unwrap_or("0");
    let time = text.parse().ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    let time = time.ok_or_else(|| {
        Failure::usage(format!(
            "the variable SOURCE_DATE_EPOCH is `{text}`, which is no number of seconds since 1970"
        ))
        .hint("`git log -1 --format=%ct` prints the time of the last commit in this form")
    })?;
    Ok(time.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// The address of the repository that a GitHub Actions run works on.
pub fn github_repository() -> Option<String> {
    let repository = std::env::var("GITHUB_REPOSITORY").ok().filter(|value| !value.is_empty())?;
    Some(format!("https://github.com/{repository}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        assert_eq!(created_at(None).unwrap(), "1970-01-01T00:00:00Z");
        assert_eq!(created_at(Some("1700000000")).unwrap(), "2023-11-14T22:13:20Z");
        let error = created_at(Some("yesterday")).unwrap_err();
        assert!(error.to_string().contains("`yesterday`"), "{error}");
    }
}
