//! `cargo xtask bench compare`: what can be typed.

use clap::Args;

use super::history::HostArgs;
use crate::report::Format;

/// Compare two runs, and fail where something became slower
///
/// A run is named by its id or the beginning of it, by its commit, as `latest` or `latest~1` (the one before), or
/// by the path of a JSON file. Only runs on one class of host and of one project are compared. What is slower by
/// more than the threshold and for certain more than the noise fails; what cannot be told never does, and is told.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    cargo xtask bench compare latest~1                       # the run before the latest, with the latest\n  \
    cargo xtask bench compare 20261120 20261121-1030\n  \
    cargo xtask bench compare 4d42984 latest --threshold 10  # the run of a commit\n  \
    cargo xtask bench compare before.json after.json --format markdown\n\n\
    Exit codes: 0 nothing is slower; 1 something is, by more than threshold and noise; 2 there is no such run, or the \
    runs are of other classes of host, projects or schemas, or have nothing in common.")]
pub struct CompareArgs {
    /// The run to compare with
    pub before: String,
    /// The run that is compared
    #[arg(default_value = "latest")]
    pub after: String,
    /// How much slower anything may become, in per cent
    #[arg(long, value_name = "PERCENT", default_value_t = 5.0, value_parser = percent)]
    pub threshold: f64,
    #[command(flatten)]
    pub host: HostArgs,
    /// How the report is printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: Format,
}

fn percent(text: &str) -> Result<f64, String> {
    match text.trim_end_matches(['%', ' ']).parse::<f64>() {
        Ok(percent) if (0.0..=1000.0).contains(&percent) => Ok(percent),
        _ => Err("it is a number of per cent from 0 to 1000, e.g. `5` or `2.5`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds() {
        assert_eq!(["0", "2.5", "7%"].map(percent), [Ok(0.0), Ok(2.5), Ok(7.0)]);
        assert!(["-1", "NaN", "inf", "", "many"].map(percent).iter().all(Result::is_err));
    }
}
