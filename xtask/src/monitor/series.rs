//! Runs of the same thing, one after the other: workflows, deployments, the way from push to live, commands here. Pure.

use chrono::{DateTime, TimeDelta, Utc};

use super::github::Known;
use super::github::answers::{Job, Run};
use super::local::LocalRuns;
use super::time;
use crate::bench::statistics::{COVERAGE, median, quantile, ratio_interval};
use crate::record::monitor::{Counts, Figures, Outcome, Point, Series, SeriesKind, Trend, TrendKind, Week};

/// The names of the two series that are not a workflow's or a command's.
pub const DEPLOYMENTS: &str = "deployments";
pub const PUSH_TO_LIVE: &str = "push to live";

/// A half of fewer runs says nothing of the other one.
const HALF_MIN: usize = 5;
/// A change of less is not worth a word, however sure.
const CHANGE_MIN: f64 = 0.05;

/// Of all that GitHub knows: one series a workflow, by name, then deployments. `deploy_job` is the name of the job that
/// deploys; without it, each whose name has the word.
pub fn of_github(known: &Known, deploy_job: Option<&str>) -> Vec<Series> {
    let main = known.repository.default_branch.as_str();
    let mut workflows: Vec<(String, Vec<Point>)> = Vec::new();
    let (mut deploys, mut lives) = (Vec::new(), Vec::new());
    for run in known.runs.iter().rev() {
        let jobs = known.jobs(run);
        let name = run.workflow();
        let whole = point(run, jobs, run.seconds(jobs), run.outcome(), main);
        match workflows.iter_mut().find(|(known, _)| *known == name) {
            Some((_, points)) => points.push(whole),
            None => workflows.push((name, vec![whole])),
        }
        let deploying = jobs.unwrap_or_default().iter().filter(|job| job.deploys(deploy_job));
        for job in deploying.filter(|job| job.outcome() != Outcome::Cancelled) {
            // What else the run did is no part of it.
            let mut one = point(run, None, job.seconds(), job.outcome(), main);
            one.at = job.started_at.clone().unwrap_or(one.at);
            deploys.push(one);
            if let Some(seconds) = push_to_live(run, job, main) {
                lives.push(point(run, jobs, Some(seconds), Outcome::Ok, main));
            }
        }
    }
    workflows.sort_by(|a, b| a.0.cmp(&b.0));
    let workflows = workflows.into_iter().map(|(name, points)| (SeriesKind::Workflow, name, points));
    let deployments = [
        (SeriesKind::Deploy, DEPLOYMENTS.to_owned(), deploys),
        (SeriesKind::PushToLive, PUSH_TO_LIVE.to_owned(), lives),
    ];
    workflows
        .chain(deployments.into_iter().filter(|(_, _, points)| !points.is_empty()))
        .map(|(kind, name, points)| series(kind, name, points))
        .collect()
}

/// Of this machine's records.
pub fn of_machine(runs: Vec<LocalRuns>) -> Vec<Series> {
    runs.into_iter().map(|runs| series(SeriesKind::Local, runs.command, runs.points)).collect()
}

/// With its figures.
pub fn series(kind: SeriesKind, name: String, points: Vec<Point>) -> Series {
    let good = successes(&points);
    Series { kind, name, figures: figures(&good), trend: trend(&good), points }
}

/// The times of the runs that succeeded, the oldest first.
pub fn successes(points: &[Point]) -> Vec<f64> {
    let good = points.iter().filter(|point| point.outcome == Outcome::Ok);
    good.filter_map(|point| point.seconds).filter(|seconds| *seconds > 0.0).collect()
}

/// `None` of no times.
pub fn figures(seconds: &[f64]) -> Option<Figures> {
    Some(Figures {
        runs: seconds.len(),
        average: seconds.iter().sum::<f64>() / seconds.len() as f64,
        median: median(seconds)?,
        p90: quantile(seconds, 0.9)?,
        least: quantile(seconds, 0.0)?,
        most: quantile(seconds, 1.0)?,
    })
}

/// The later half beside the earlier one: a change is one where the whole interval of their ratio lies beyond
/// [`CHANGE_MIN`].
fn trend(seconds: &[f64]) -> Option<Trend> {
    let (before, after) = seconds.split_at(seconds.len() / 2);
    if before.len() < HALF_MIN {
        return None;
    }
    let interval = ratio_interval(before, after).filter(|interval| interval.coverage >= COVERAGE)?;
    let verdict = match () {
        () if interval.low > 1.0 + CHANGE_MIN => TrendKind::Slower,
        () if interval.high < 1.0 / (1.0 + CHANGE_MIN) => TrendKind::Faster,
        () => TrendKind::Steady,
    };
    let (before, after) = (median(before)?, median(after)?);
    Some(Trend { before, after, low: interval.low, high: interval.high, verdict })
}

/// The seven days up to `now`, and the seven before.
pub fn weeks(all: &[Series], now: DateTime<Utc>) -> Vec<Week> {
    let week = |from: DateTime<Utc>, to: DateTime<Utc>| {
        let is_within = |point: &&Point| time::parse(&point.at).is_some_and(|at| from <= at && at < to);
        let counts = |series: &Series| {
            let points: Vec<Point> = series.points.iter().filter(is_within).cloned().collect();
            Counts { figures: figures(&successes(&points)), ..Counts::of(&points) }
        };
        Week { from: time::format(from), to: time::format(to), series: all.iter().map(counts).collect() }
    };
    let (one, two) = (now - TimeDelta::days(7), now - TimeDelta::days(14));
    vec![week(one, now), week(two, one)]
}

fn point(run: &Run, jobs: Option<&[Job]>, seconds: Option<f64>, outcome: Outcome, main: &str) -> Point {
    Point {
        id: run.id.to_string(),
        label: run.label(),
        at: run.started().to_owned(),
        seconds,
        outcome,
        url: run.html_url.clone(),
        is_main: run.is_main(main),
        branch: run.head_branch.clone(),
        jobs: jobs.map(worked),
    }
}

/// The names of the jobs that had something to do.
fn worked(jobs: &[Job]) -> Vec<String> {
    let mut names: Vec<String> =
        jobs.iter().filter(|job| !job.is_skipped()).map(|job| job.name.clone()).collect();
    names.sort();
    names
}

/// From the push that caused the run to the end of its deployment. A run that was started again began long after its
/// push, and says nothing of it.
fn push_to_live(run: &Run, job: &Job, main: &str) -> Option<f64> {
    let is_first = run.run_attempt.unwrap_or(1) == 1;
    let counts = run.event == "push" && run.is_main(main) && is_first && job.outcome() == Outcome::Ok;
    counts.then(|| time::between(Some(&run.created_at), job.completed_at.as_deref())).flatten()
}

#[cfg(test)]
mod tests {
    use super::super::samples_tests::{known, points};
    use super::*;

    #[test]
    fn workflows_deployments_and_the_way_between() {
        let all = of_github(&known(), None);
        let names: Vec<(SeriesKind, &str, usize)> =
            all.iter().map(|series| (series.kind, series.name.as_str(), series.points.len())).collect();
        assert_eq!(
            names,
            [
                (SeriesKind::Workflow, "Checks", 2),
                (SeriesKind::Workflow, "Image and deployment", 3),
                (SeriesKind::Deploy, "deployments", 2),
                (SeriesKind::PushToLive, "push to live", 1),
            ]
        );
        // The job ended 370 s after the push of 10:00:00, and took 60 s.
        assert_eq!(all[3].points[0].seconds, Some(370.0));
        assert_eq!(all[2].figures.unwrap().median, 60.0);
        assert_eq!(all[1].points[0].outcome, Outcome::Ok, "the oldest first");
        // What ran of it, where that is known; one that was skipped did not.
        let jobs = |series: usize, point: usize| all[series].points[point].jobs.as_ref().map(Vec::len);
        assert_eq!((jobs(0, 0), jobs(0, 1), jobs(1, 0)), (None, Some(0), Some(2)));
        assert_eq!((jobs(2, 0), jobs(3, 0)), (None, Some(2)), "a deployment is one job, whatever else ran");
        assert!(
            of_github(&known(), Some("no such job")).iter().all(|series| series.kind == SeriesKind::Workflow)
        );
    }

    #[test]
    fn figures_are_of_successes() {
        assert_eq!(figures(&[]), None);
        let one = figures(&[7.0]).unwrap();
        assert_eq!((one.runs, one.average, one.median, one.p90, one.most), (1, 7.0, 7.0, 7.0, 7.0));
        let mut some = points(&[10.0, 20.0, 30.0, 40.0]);
        some[3].outcome = Outcome::Failed;
        let series = series(SeriesKind::Local, "x".to_owned(), some);
        assert_eq!((series.figures.unwrap().median, series.trend), (20.0, None));
    }

    #[test]
    fn a_trend_needs_more_than_noise() {
        let kind = |seconds: &[f64]| trend(seconds).map(|trend| trend.verdict);
        let times = |factor: f64| {
            let half = [100.0, 104.0, 98.0, 101.0, 97.0, 103.0];
            half.iter().copied().chain(half.map(|seconds| seconds * factor)).collect::<Vec<_>>()
        };
        assert_eq!(kind(&times(1.3)), Some(TrendKind::Slower));
        assert_eq!(kind(&times(0.7)), Some(TrendKind::Faster));
        assert_eq!(kind(&times(1.02)), Some(TrendKind::Steady));
        assert_eq!(kind(&[1.0; 9]), None);
    }

    #[test]
    fn two_weeks() {
        let now = time::parse("2026-11-21T00:00:00Z").unwrap();
        // One a day, up to the twentieth.
        let all = [series(SeriesKind::Local, "x".to_owned(), points(&[5.0; 20]))];
        let weeks = weeks(&all, now);
        assert_eq!(
            (weeks[0].from.as_str(), weeks[0].to.as_str()),
            ("2026-11-14T00:00:00Z", "2026-11-21T00:00:00Z")
        );
        assert_eq!((weeks[0].series[0].ok, weeks[1].series[0].ok), (7, 7));
    }
}
