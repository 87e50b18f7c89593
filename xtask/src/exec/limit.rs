//! The user's own cap on how long any one command or request may take.
//!
//! A plan says what each step may take at the most; `XTASK_TIMEOUT` only ever lowers that. Knows nothing of processes.

use std::time::Duration;

use crate::exit::Failure;

/// Whole seconds above zero, e.g. `XTASK_TIMEOUT=600`.
const VARIABLE: &str = "XTASK_TIMEOUT";

/// The cap of this process; `None` where the variable is not set, or empty.
pub(super) fn from_environment() -> Result<Option<Duration>, Failure> {
    let value = std::env::var_os(VARIABLE).filter(|value| !value.is_empty());
    value.map(|value| parse(&value.to_string_lossy())).transpose()
}

/// What a command that ran into the cap is told to do about it.
pub(super) fn hint(cap: Duration) -> String {
    format!("{VARIABLE} allows every command {} s; raise or unset it", cap.as_secs())
}

/// The same for a request that ran into it.
pub(super) fn hint_for_request(cap: Duration) -> String {
    format!("{VARIABLE} allows every request {} s; raise or unset it", cap.as_secs())
}

fn parse(text: &str) -> Result<Duration, Failure> {
    match text.trim().parse() {
        Ok(seconds @ 1..) => Ok(Duration::from_secs(seconds)),
        _ => Err(Failure::usage(format!(
            "{VARIABLE} must be a whole number of seconds above 0, not \"{text}\""
        ))
        .hint(format!("e.g. {VARIABLE}=600, or unset it for the limits of the plan's own steps"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_seconds_above_zero() {
        assert_eq!(parse("1").unwrap(), Duration::from_secs(1));
        assert_eq!(parse(" 600 ").unwrap(), Duration::from_secs(600));
        for bad in ["0", "-1", "1.5", "10s", "abc", "99999999999999999999999"] {
            assert!(parse(bad).unwrap_err().message.contains(&format!("not \"{bad}\"")), "{bad}");
        }
    }
}
