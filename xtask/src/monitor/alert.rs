//! What somebody should be told: workflows that fail again and again, that have become slower beyond what chance
//! explains, and budgets that are exceeded. Pure.
//!
//! # Slower
//!
//! The last [`RECENT`] successful runs stand beside up to [`EARLIER_MAX`] before them, and [`EARLIER_MIN`] at least.
//! Two things are wanted: their median is a tenth higher ([`SLOWER_MIN`]), and by the exact test of Mann and Whitney
//! such an order of the times would come about less than once in a thousand times if nothing had changed
//! ([`CHANCE_MAX`]). The test looks at the order alone, so the noise of the history is in it, whatever its shape
//! is. One slow run, or two, can never make an alert.
//!
//! What the order is of has to be the same thing each time. So it is the default branch's runs that are looked at, and
//! those alone in which the same jobs had something to do as in the newest: where only texts have changed a run is over
//! in a minute, and after a week of such runs every other one would be a slow-down. A workflow that never runs for the
//! default branch is judged by one run a branch, so that five pushes to one pull request are not five witnesses.
//!
//! Once it is so, it stays so until the median of the last runs is back within a tenth of what it was before, so
//! that it does not matter how often somebody looks. A state began with the run that showed it first, which follows
//! from the history, so that it is the same one for everybody. `told.rs` keeps it from being told twice.

use std::collections::BTreeSet;

use crate::bench::statistics::{chance_of_greater, median, quantile};
use crate::config::budgets::{Budgets, Limits};
use crate::config::monitor::MonitorBudgets;
use crate::record::monitor::{Alert, AlertKind, Outcome, Point, Series, SeriesKind};

/// So many runs have to agree.
pub const RECENT: usize = 5;
/// What they stand beside: enough for the test, and few enough that the past is forgotten.
pub const EARLIER_MIN: usize = 10;
pub const EARLIER_MAX: usize = 30;
/// A tenth: less nobody would look into.
pub const SLOWER_MIN: f64 = 0.10;
/// How probable chance may be at most.
pub const CHANCE_MAX: f64 = 0.001;
/// So many failures in a row are a state and not an accident.
pub const FAILURES_MIN: usize = 3;
/// A budget of seconds is held against the median of the last runs; it takes so many.
pub const BUDGET_MIN: usize = 3;

/// A successful run with its time.
struct Timed<'p> {
    point: &'p Point,
    seconds: f64,
}

/// All that is the case now, the most urgent first. `slower_because` finds words for a slow-down: it is given the
/// ids of the runs before and after.
pub fn alerts(
    all: &[Series],
    of_a_run: &Budgets,
    budgets: &MonitorBudgets,
    slower_because: impl Fn(&[&str], &[&str]) -> Option<String>,
) -> Vec<Alert> {
    let mut alerts = Vec::new();
    for series in all {
        alerts.extend(failing(series));
        alerts.extend(slower(series, &slower_because));
        alerts.extend(limit(series, of_a_run, budgets).and_then(|limit| over_budget(series, limit)));
    }
    alerts.sort_by(|a, b| (a.kind, &a.subject).cmp(&(b.kind, &b.subject)));
    alerts
}

/// The successful runs that tell how the series is, the oldest first: those of the default branch; where it has none,
/// the first of each branch.
fn telling(series: &Series) -> Vec<Timed<'_>> {
    let has_main = series.points.iter().any(|point| point.is_main);
    let mut seen = BTreeSet::new();
    let mut tells = |point: &Point| match &point.branch {
        _ if has_main => point.is_main,
        Some(branch) => seen.insert(branch.clone()),
        // A command of this machine.
        None => true,
    };
    let good = series.points.iter().filter(|point| point.outcome == Outcome::Ok);
    let timed = good
        .filter_map(|point| Some(Timed { point, seconds: point.seconds.filter(|seconds| *seconds > 0.0)? }));
    timed.filter(|one| tells(one.point)).collect()
}

/// Those in which the same jobs had something to do as in the newest. Where nobody asked for jobs, all of them.
fn alike(mut timed: Vec<Timed<'_>>) -> Vec<Timed<'_>> {
    let newest = timed.iter().rev().find_map(|one| one.point.jobs.clone());
    timed.retain(|one| one.point.jobs == newest);
    timed
}

/// What the last runs say of a series of times.
#[derive(Clone, Copy, Debug, PartialEq)]
struct SlowDown {
    before: f64,
    now: f64,
    /// Nine of ten earlier runs took no longer.
    before_p90: f64,
}

/// Whether the last runs are slower; see the head of this file.
fn slow_down(seconds: &[f64]) -> Option<SlowDown> {
    let recent = seconds.len().checked_sub(RECENT)?;
    let (earlier, recent) = seconds.split_at(recent);
    let earlier = &earlier[earlier.len().saturating_sub(EARLIER_MAX)..];
    if earlier.len() < EARLIER_MIN {
        return None;
    }
    let (before, now) = (median(earlier)?, median(recent)?);
    let is_worth_a_word = now > before * (1.0 + SLOWER_MIN);
    let found = is_worth_a_word && chance_of_greater(earlier, recent) <= CHANCE_MAX;
    found.then_some(SlowDown { before, now, before_p90: quantile(earlier, 0.9)? })
}

/// A slow-down that is still so.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Slower {
    /// The place of the run that showed it first.
    first: usize,
    found: SlowDown,
}

/// Goes through the history as if somebody had looked after each run.
fn still_slower(seconds: &[f64]) -> Option<Slower> {
    let mut state: Option<Slower> = None;
    for length in EARLIER_MIN + RECENT..=seconds.len() {
        let so_far = &seconds[..length];
        let now = median(&so_far[length - RECENT..])?;
        state = state.filter(|slower| now > slower.found.before * (1.0 + SLOWER_MIN));
        // Slower than slow is another state.
        let is_new = |found: &SlowDown| {
            state.is_none_or(|slower| found.before > slower.found.before * (1.0 + SLOWER_MIN))
        };
        if let Some(found) = slow_down(so_far).filter(is_new) {
            state = Some(Slower { first: length - 1, found });
        }
        state = state.map(|slower| Slower { found: SlowDown { now, ..slower.found }, ..slower });
    }
    state
}

fn slower(series: &Series, because: &impl Fn(&[&str], &[&str]) -> Option<String>) -> Option<Alert> {
    let timed = alike(telling(series));
    let seconds: Vec<f64> = timed.iter().map(|one| one.seconds).collect();
    let Slower { first, found } = still_slower(&seconds)?;
    let percent = (found.now / found.before - 1.0) * 100.0;
    let mut text = format!(
        "{}: slower by {percent:.0} % since {}: the last {RECENT} runs took {} in the median, those before it {} (nine \
         of ten no more than {}).",
        series.name,
        timed[first].point.label,
        seconds_text(found.now),
        seconds_text(found.before),
        seconds_text(found.before_p90),
    );
    let ids = |some: &[Timed<'_>]| some.iter().map(|one| one.point.id.clone()).collect::<Vec<_>>();
    let end = first + 1 - RECENT;
    let before = ids(&timed[end.saturating_sub(EARLIER_MAX)..end]);
    let after = ids(&timed[timed.len() - RECENT..]);
    let [before, after] = [&before, &after].map(|ids| ids.iter().map(String::as_str).collect::<Vec<_>>());
    // Of the whole run; a deployment is a part of it.
    let is_of_runs = matches!(series.kind, SeriesKind::Workflow | SeriesKind::PushToLive);
    if let Some(why) = because(&before, &after).filter(|_| is_of_runs) {
        text = format!("{text} {why}");
    }
    Some(alert(AlertKind::Slower, series, text, timed[first].point, (found.before, found.now)))
}

/// The first of the runs in a row, counted from the last one, at whose time `holds` already held; `None` where it
/// does not hold now. Short gaps are bridged: a state that stops for a run or two is the same state.
fn began(count: usize, holds: impl Fn(usize) -> bool) -> Option<usize> {
    let mut first = count.checked_sub(1).filter(|_| holds(count))?;
    let mut gap = 0;
    for length in (1..count).rev() {
        if holds(length) {
            (first, gap) = (length - 1, 0);
        } else {
            gap += 1;
            if gap > RECENT {
                break;
            }
        }
    }
    Some(first)
}

/// Failures in a row, up to now. Only what tells of the default branch counts: a pull request may fail as often as its
/// author likes.
fn failing(series: &Series) -> Option<Alert> {
    let over = |point: &&Point| matches!(point.outcome, Outcome::Ok | Outcome::Failed) && point.is_main;
    let points: Vec<&Point> = series.points.iter().filter(over).collect();
    let failed = points.iter().rev().take_while(|point| point.outcome == Outcome::Failed).count();
    if failed < FAILURES_MIN {
        return None;
    }
    let (first, shown) = (points[points.len() - failed], points[points.len() - failed + FAILURES_MIN - 1]);
    let before = match points.len() - failed {
        0 => "no earlier run is known".to_owned(),
        _ => format!("the last success was {}", points[points.len() - failed - 1].label),
    };
    let text = format!(
        "{}: the last {failed} runs have failed, since {} ({}); {before}.",
        series.name, first.label, first.at
    );
    // The first of them was no state yet.
    Some(alert(AlertKind::Failing, series, text, shown, (0.0, failed as f64)))
}

/// The first limit of those that a run is held against: what is told of one run is an alert where it lasts.
fn limit(series: &Series, of_a_run: &Budgets, budgets: &MonitorBudgets) -> Option<f64> {
    let first = |limits: Limits| limits.warn.or(limits.fail);
    match series.kind {
        SeriesKind::Workflow => budgets.workflows.get(&series.name).copied(),
        SeriesKind::Deploy => first(of_a_run.deploy),
        SeriesKind::Local if series.name == "deploy" => first(of_a_run.deploy),
        SeriesKind::Local => None,
        SeriesKind::PushToLive => first(of_a_run.push_to_live),
    }
}

fn over_budget(series: &Series, limit: f64) -> Option<Alert> {
    let timed = telling(series);
    let of_last = |length: usize| {
        let last: Vec<f64> =
            timed[length.saturating_sub(RECENT)..length].iter().map(|one| one.seconds).collect();
        median(&last).filter(|_| length >= BUDGET_MIN)
    };
    let now = of_last(timed.len()).filter(|now| *now > limit)?;
    let first = began(timed.len(), |length| of_last(length).is_some_and(|median| median > limit))?;
    let text = format!(
        "{}: takes {} (the median of the last {}), allowed {}.",
        series.name,
        seconds_text(now),
        timed.len().min(RECENT),
        seconds_text(limit),
    );
    Some(alert(AlertKind::Budget, series, text, timed[first].point, (limit, now)))
}

/// Caches beyond what the workspace allows. `began` is when the one was made that was too much.
pub fn caches(bytes: u64, limit: u64, began: Option<String>) -> Option<Alert> {
    let gigabytes = |bytes: u64| format!("{:.2} GB", bytes as f64 / 1e9);
    let text = format!("caches: {} are held, allowed {}.", gigabytes(bytes), gigabytes(limit));
    (bytes > limit).then(|| Alert {
        kind: AlertKind::Budget,
        subject: "caches".to_owned(),
        text,
        key: "budget/caches".to_owned(),
        began,
        before: limit as f64,
        now: bytes as f64,
        url: None,
        told: None,
    })
}

/// `shown` is the run with which it became so.
fn alert(kind: AlertKind, series: &Series, text: String, shown: &Point, numbers: (f64, f64)) -> Alert {
    // A deployment here and one at GitHub may have the same name.
    let place = if series.kind == SeriesKind::Local { "here/" } else { "" };
    Alert {
        kind,
        subject: series.name.clone(),
        text,
        began: Some(shown.at.clone()),
        key: format!("{}/{place}{}", kind.name(), series.name),
        before: numbers.0,
        now: numbers.1,
        url: shown.url.clone(),
        told: None,
    }
}

/// `42 s`, `5m 20s`.
fn seconds_text(seconds: f64) -> String {
    match seconds.round() as u64 {
        s if s < 120 => format!("{seconds:.0} s"),
        s => format!("{}m {:02}s", s / 60, s % 60),
    }
}

#[cfg(test)]
#[path = "alert_tests.rs"]
mod tests;
