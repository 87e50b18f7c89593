//! Two runs beside each other, arm by arm: what became slower, by more than noise explains.

use super::figures::{seconds, valid};
use super::history::is_same;
use super::noise::{self, Floor};
use super::statistics::{Interval, likely_ratios, median, ratio_interval};
use super::verdict::judge;
use crate::exit::{Exit, Failure};
use crate::record::bench::compare::{
    ArmChange, BenchCompare, COMPARE_SCHEMA, RunName, Spread, ToolChange, Unmatched,
};
use crate::record::bench::{Arm, BenchRecord, BenchResult, Comparison, Sample, ToolVersion, VerdictKind};

/// Compares `after` with `before`. Runs on other classes of host or of other projects are refused, and so is a run
/// with itself, which could never fail. On another processor of the same class every time is another one, so that
/// nothing can be told there: it may be by chance which of them a hosted runner has. `threshold_percent` is how much
/// slower an arm may become.
pub fn compare(
    before: &BenchRecord,
    after: &BenchRecord,
    threshold_percent: f64,
) -> anyhow::Result<BenchCompare> {
    refuse(before, after)?;
    let mut arms = Vec::new();
    let mut unmatched = Vec::new();
    for (comparison, arm) in all_arms(after) {
        let of = |arm: &Arm, reason: String| Unmatched {
            comparison: comparison.id.clone(),
            arm: arm.name.clone(),
            reason,
        };
        match find(before, comparison, arm) {
            None => unmatched.push(of(arm, "only in the run after".to_owned())),
            Some(other) if other.variant != arm.variant => {
                let how = format!("set up otherwise: {} before, {} after", other.variant, arm.variant);
                unmatched.push(of(arm, how));
            }
            Some(_) => arms.extend(change(before, after, comparison, arm, threshold_percent)),
        }
    }
    for (comparison, arm) in all_arms(before) {
        if find(after, comparison, arm).is_none() {
            let reason = "only in the run before".to_owned();
            let (comparison, arm) = (comparison.id.clone(), arm.name.clone());
            unmatched.push(Unmatched { comparison, arm, reason });
        }
    }
    if arms.iter().all(|arm| arm.ratio.is_none()) {
        let message = format!("the runs {} and {} measured nothing in common", before.id, after.id);
        return Err(Failure::usage(message)
            .hint("`cargo xtask bench history` shows what each run measured")
            .into());
    }
    Ok(BenchCompare {
        schema: COMPARE_SCHEMA.to_owned(),
        ok: !arms.iter().any(|arm| arm.is_too_slow),
        before: name(before),
        after: name(after),
        threshold_percent,
        tools: tool_changes(&before.tools, &after.tools),
        notes: notes(before, after, &arms),
        arms,
        unmatched,
    })
}

/// The failure that arms are which are slower beyond threshold and noise; `None` where there is none. What one cannot
/// tell never fails: it would fail on every busy machine, and teach people to try again until it passes.
pub fn failure(result: &BenchCompare) -> Option<Failure> {
    let slower: Vec<String> = result
        .arms
        .iter()
        .filter(|arm| arm.is_too_slow)
        .map(|arm| {
            let percent = (arm.ratio.unwrap_or(f64::NAN) - 1.0) * 100.0;
            format!("{} {} by {percent:.1} %", arm.comparison, arm.arm)
        })
        .collect();
    let message = format!(
        "slower than before by more than {} % and the noise: {}",
        result.threshold_percent,
        slower.join(", ")
    );
    (!result.ok).then(|| {
        Failure::new(Exit::CheckFailed, message)
            .hint("`--threshold PERCENT` allows more; a budget in the workspace's metadata limits seconds")
    })
}

/// How a run is called in results.
pub fn name(run: &BenchRecord) -> RunName {
    RunName {
        id: run.id.clone(),
        started: run.started.clone(),
        project: run.project.clone(),
        class: run.host.class.clone(),
        commit: run.revision.commit.clone(),
        dirty: run.revision.dirty,
        result: run.result,
    }
}

fn refuse(before: &BenchRecord, after: &BenchRecord) -> anyhow::Result<()> {
    let differ = |what: &str, of_before: &str, of_after: &str| {
        let ids = (&before.id, &after.id);
        format!("{} was measured {what} {of_before}, {} {what} {of_after}", ids.0, ids.1)
    };
    if before.host.class != after.host.class {
        let message = differ("on", &before.host.class, &after.host.class);
        return Err(Failure::usage(format!("{message}: times are compared within one class of host only"))
            .hint("`cargo xtask bench history --host any` lists the runs of each class")
            .into());
    }
    if before.project != after.project {
        let message = differ("for the project", &before.project, &after.project);
        return Err(Failure::usage(format!("{message}: these are different things")).into());
    }
    if is_same(before, after) {
        let message = format!("both are the run {}: compared with itself, nothing is ever slower", before.id);
        return Err(Failure::usage(message).hint("`latest~1` is the run before the latest").into());
    }
    Ok(())
}

fn all_arms(run: &BenchRecord) -> impl Iterator<Item = (&Comparison, &Arm)> {
    run.comparisons.iter().flat_map(|comparison| comparison.arms.iter().map(move |arm| (comparison, arm)))
}

fn find<'r>(run: &'r BenchRecord, comparison: &Comparison, arm: &Arm) -> Option<&'r Arm> {
    all_arms(run)
        .find(|(other, its)| {
            (&other.id, &other.scenario, &its.name) == (&comparison.id, &comparison.scenario, &arm.name)
        })
        .map(|(_, arm)| arm)
}

/// One arm in both runs; `None` where neither measured it.
fn change(
    before: &BenchRecord,
    after: &BenchRecord,
    comparison: &Comparison,
    arm: &Arm,
    threshold_percent: f64,
) -> Option<ArmChange> {
    let of = |run| valid(run, &comparison.id, &arm.name);
    let (samples_before, samples_after) = (of(before), of(after));
    let (seconds_before, seconds_after) = (seconds(&samples_before), seconds(&samples_after));
    if seconds_before.is_empty() && seconds_after.is_empty() {
        return None;
    }
    let ratio = median(&seconds_after).zip(median(&seconds_before)).map(|(after, before)| after / before);
    // One sample beside several has an interval, but nobody knows what that one would have been another time.
    let interval = ratio.filter(|_| seconds_before.len() > 1 && seconds_after.len() > 1).and_then(|ratio| {
        let interval = ratio_interval(&seconds_before, &seconds_after)?;
        // The ratio of medians may lie outside by a hair where there are many samples.
        Some(Interval { low: interval.low.min(ratio), high: interval.high.max(ratio), ..interval })
    });
    let floor = larger(floor(before, &samples_before), floor(after, &samples_after));
    let likely = ratio.and_then(|ratio| likely_ratios(&seconds_before, &seconds_after, ratio));
    let verdict = match judge(ratio, interval, likely, floor) {
        verdict @ (VerdictKind::OneSample | VerdictKind::NotMeasured) => verdict,
        verdict if before.host.cpu == after.host.cpu => verdict,
        _ => VerdictKind::CannotTell,
    };
    let is_beyond = ratio.is_some_and(|ratio| ratio > 1.0 + threshold_percent / 100.0);
    Some(ArmChange {
        scenario: comparison.scenario.clone(),
        comparison: comparison.id.clone(),
        arm: arm.name.clone(),
        variant: arm.variant.clone(),
        before: spread(&seconds_before),
        after: spread(&seconds_after),
        ratio,
        low: interval.map(|interval| interval.low),
        high: interval.map(|interval| interval.high),
        coverage: interval.map(|interval| interval.coverage),
        floor: floor.full,
        verdict,
        is_too_slow: verdict == VerdictKind::Slower && is_beyond,
    })
}

fn floor(run: &BenchRecord, samples: &[&Sample]) -> Floor {
    let loads: Vec<f64> = samples.iter().map(|sample| noise::load(sample, run.host.cores)).collect();
    let middle = median(&seconds(samples)).unwrap_or(f64::INFINITY);
    Floor::new(run.noise.as_ref(), middle, median(&loads).unwrap_or(0.0))
}

fn larger(a: Floor, b: Floor) -> Floor {
    Floor { quiet: a.quiet.max(b.quiet), full: a.full.max(b.full) }
}

fn spread(seconds: &[f64]) -> Option<Spread> {
    Some(Spread {
        median: median(seconds)?,
        min: seconds.iter().copied().fold(f64::INFINITY, f64::min),
        max: seconds.iter().copied().fold(0.0, f64::max),
        samples: seconds.len(),
    })
}

fn tool_changes(before: &[ToolVersion], after: &[ToolVersion]) -> Vec<ToolChange> {
    let version = |tools: &[ToolVersion], name: &str| {
        tools.iter().find(|tool| tool.name == name).map(|tool| tool.version.clone())
    };
    let gone = before.iter().filter(|tool| version(after, &tool.name).is_none());
    let changes = after.iter().chain(gone).map(|tool| ToolChange {
        name: tool.name.clone(),
        before: version(before, &tool.name),
        after: version(after, &tool.name),
    });
    changes.filter(|change| change.before != change.after).collect()
}

fn notes(before: &BenchRecord, after: &BenchRecord, arms: &[ArmChange]) -> Vec<String> {
    let mut notes = Vec::new();
    for (which, run) in [("before", before), ("after", after)] {
        let how = match run.result {
            BenchResult::Ok => None,
            BenchResult::Unfinished => Some("is unfinished"),
            BenchResult::Failed => Some("has failed in part"),
            BenchResult::Interrupted => Some("was interrupted"),
        };
        if let Some(how) = how {
            notes.push(format!("the run {which} {how}: what it measured is compared"));
        }
        if run.noise.is_none() {
            notes
                .push(format!("the run {which} did not measure the noise: that of a usual machine is taken"));
        }
    }
    if before.host.cpu != after.host.cpu {
        let cpu = |run: &BenchRecord| run.host.cpu.clone().unwrap_or_else(|| "unknown".to_owned());
        let what = "nothing can be told of other sources on another processor";
        notes.push(format!("other processors: {} before, {} after: {what}", cpu(before), cpu(after)));
    }
    let count = |kind: VerdictKind| arms.iter().filter(|arm| arm.verdict == kind).count();
    let cannot_tell = match before.host.cpu == after.host.cpu {
        true => "cannot be told: more samples (`--runs`) on a quieter machine would",
        false => "cannot be told: both runs on one processor would",
    };
    let told = [
        (VerdictKind::CannotTell, cannot_tell),
        (VerdictKind::OneSample, "have a single sample in one of the runs: a number, no verdict"),
        (VerdictKind::NotMeasured, "were measured in one of the runs only"),
    ];
    for (kind, what) in told {
        if count(kind) > 0 {
            notes.push(format!("{} of {} arms {what}", count(kind), arms.len()));
        }
    }
    notes
}

#[cfg(test)]
#[path = "compare_tests.rs"]
mod tests;
