//! How the reports of `bench` say what only they have: verdicts, results, arms. All else is said as in every report.

use super::figures::ArmFigures;
use crate::record::bench::{BenchResult, Verdict, VerdictKind};

pub use crate::report::page::words::*;

/// The ratio with its interval, as far as both are there: `0.164 (0.155–0.172)`.
pub fn ratio_with_interval(verdict: &Verdict) -> String {
    let Some(middle) = verdict.ratio else { return MISSING.to_owned() };
    match (verdict.low, verdict.high) {
        (Some(low), Some(high)) => format!("{} ({}–{})", ratio(middle), ratio(low), ratio(high)),
        _ => ratio(middle),
    }
}

/// A verdict in words.
pub fn verdict(kind: VerdictKind) -> &'static str {
    match kind {
        VerdictKind::Faster => "faster",
        VerdictKind::Slower => "slower",
        VerdictKind::NoMeasurableGain => "no measurable gain",
        VerdictKind::CannotTell => "cannot tell",
        VerdictKind::OneSample => "one sample, no verdict",
        VerdictKind::NotMeasured => "not measured",
    }
}

/// What is said of an arm, the baseline and those without a verdict included.
pub fn judgement(arm: &ArmFigures) -> &'static str {
    match arm.verdict {
        _ if arm.arm.unavailable.is_some() => "not measured",
        Some(given) => verdict(given.verdict),
        None if arm.valid.is_empty() && !arm.invalid.is_empty() => "not measured",
        None if arm.valid.is_empty() => "no sample yet",
        None if runs_nothing(arm) => "nothing runs, only sizes count",
        None if arm.is_baseline => "baseline",
        None if arm.is_alone => "nothing to compare with",
        None if arm.valid.len() == 1 => "one sample, no verdict",
        None => "no verdict yet",
    }
}

/// Whether the arm is there for what it leaves out: its samples take no time.
pub fn runs_nothing(arm: &ArmFigures) -> bool {
    !arm.valid.is_empty() && arm.valid.iter().all(|sample| sample.seconds == 0.0)
}

/// How a run stands, in a sentence.
pub fn result(result: BenchResult) -> &'static str {
    match result {
        BenchResult::Unfinished => "Unfinished: it is under way, or it ended without being able to say so.",
        BenchResult::Ok => "Complete.",
        BenchResult::Failed => "Failed: at least one arm could not be measured though it should have been.",
        BenchResult::Interrupted => "Interrupted: what was measured until then is here.",
    }
}

/// The name of an arm, with its version where it has one.
pub fn arm(arm: &ArmFigures) -> String {
    match &arm.arm.version {
        Some(version) => format!("{} {version}", arm.arm.name),
        None => arm.arm.name.clone(),
    }
}
