//! What the reports of `monitor` say, section by section.

use super::{Plot, Section};
use crate::record::monitor::{
    Alert, Counts, Figures, ImageSource, MonitorRecord, Outcome, Point, Series, SeriesKind, Trend, TrendKind,
};
use crate::report;
use crate::report::bench_compare::minute;
use crate::report::page::document::Grid;
use crate::report::page::spread::Spread;
use crate::report::page::words::{self, MISSING};

/// So many runs are listed.
const RUNS_MAX: usize = 20;
/// So many characters of a cache's key are shown.
const KEY: usize = 60;

/// All that a report says, what matters most first.
pub fn all(record: &MonitorRecord) -> Vec<Section> {
    [alerts(record), times(record), last_runs(record)].into_iter().chain(rest(record)).collect()
}

/// The same for a week.
pub fn weekly(record: &MonitorRecord) -> Vec<Section> {
    [alerts(record), week(record), times(record)].into_iter().chain(rest(record)).collect()
}

fn rest(record: &MonitorRecord) -> impl Iterator<Item = Section> {
    [steps(record), caches(record), images(record), hit_rates(record)]
        .into_iter()
        .flatten()
        .chain([costs(record)])
        .chain(notes(record))
}

/// One line an alert.
pub fn alert_lines(record: &MonitorRecord) -> Vec<String> {
    let line = |alert: &Alert| {
        let told = match &alert.told {
            Some(told) => format!(" (told {})", minute(told)),
            None => " (new)".to_owned(),
        };
        let url = alert.url.as_ref().map(|url| format!(" {url}")).unwrap_or_default();
        format!("{}{url}{told}", alert.text)
    };
    record.alerts.iter().map(line).collect()
}

fn alerts(record: &MonitorRecord) -> Section {
    let lines = alert_lines(record);
    let section = Section::new("alerts", "Alerts");
    match lines.is_empty() {
        true => section.paragraph(
            "Nothing to tell: no workflow fails again and again, nothing has become slower than chance explains, and \
             no budget that was set is exceeded.",
        ),
        false => section.list(lines),
    }
}

/// What people call a series.
pub fn name(series: &Series) -> String {
    match series.kind {
        SeriesKind::Local => format!("here: {}", series.name),
        _ => series.name.clone(),
    }
}

/// `96.0 % (24 of 25)`; runs that were stopped or replaced are neither.
fn success(counts: &Counts) -> String {
    match counts.ok + counts.failed {
        0 => MISSING.to_owned(),
        over => format!("{} ({} of {over})", words::percent(counts.ok as f64 / over as f64), counts.ok),
    }
}

fn times(record: &MonitorRecord) -> Section {
    let columns =
        ["what", ">runs", "success", ">stopped", ">average", ">p50", ">p90", ">least–most", "later half"];
    let mut grid = Grid::new("", &columns);
    for series in &record.series {
        let counts = Counts::of(&series.points);
        let figure = |of: fn(&Figures) -> f64| {
            series.figures.as_ref().map_or(MISSING.to_owned(), |figures| words::time(of(figures)))
        };
        grid.row(vec![
            name(series),
            series.points.len().to_string(),
            success(&counts),
            counts.cancelled.to_string(),
            figure(|figures| figures.average),
            figure(|figures| figures.median),
            figure(|figures| figures.p90),
            series.figures.as_ref().map_or(MISSING.to_owned(), range),
            series.trend.as_ref().map_or("too few runs".to_owned(), trend),
        ]);
    }
    let branch = record.branch.as_ref().map(|branch| format!(", branch {branch}")).unwrap_or_default();
    let since = format!("Since {}{branch}.", minute(&record.since));
    let section = Section::new("times", "Runs and times");
    if record.series.is_empty() {
        return section.paragraph(format!("{since} Nothing has run, as far as is known."));
    }
    section
        .plot(Plot::Runs)
        .paragraph(format!(
            "{since} Times are of runs that succeeded, waiting for a runner and for approvals included; p50 is the \
             median, and nine of ten runs took no longer than p90. The last column is the later half of the runs \
             beside the earlier one, a change only where noise does not explain it."
        ))
        .grid(grid)
}

fn range(figures: &Figures) -> String {
    let Figures { median, least, most, runs, .. } = *figures;
    words::times(&Spread { median, min: least, max: most, n: runs })
}

fn trend(trend: &Trend) -> String {
    let percent = |ratio: f64| (ratio - 1.0) * 100.0;
    let medians = format!("{} → {}", words::time(trend.before), words::time(trend.after));
    let interval = format!("{:+.0} to {:+.0} %", percent(trend.low), percent(trend.high));
    match trend.verdict {
        TrendKind::Steady => format!("steady: {medians}"),
        TrendKind::Slower => format!("slower: {medians} ({interval})"),
        TrendKind::Faster => format!("faster: {medians} ({interval})"),
    }
}

fn last_runs(record: &MonitorRecord) -> Section {
    // A deployment is a part of a run that is listed.
    let kinds = [SeriesKind::Workflow, SeriesKind::Local];
    let listed = record.series.iter().filter(|series| kinds.contains(&series.kind));
    let mut runs: Vec<(&Series, &Point)> =
        listed.flat_map(|series| series.points.iter().map(move |point| (series, point))).collect();
    runs.sort_by(|a, b| b.1.at.cmp(&a.1.at));
    let mut grid = Grid::new("", &["began", "what", "run", "result", ">time"]);
    for (series, point) in runs.iter().take(RUNS_MAX) {
        grid.row(vec![
            minute(&point.at),
            name(series),
            point.label.clone(),
            outcome(point.outcome).to_owned(),
            point.seconds.map_or(MISSING.to_owned(), words::time),
        ]);
    }
    let section = Section::new("runs", "Last runs");
    match runs.len() {
        0 => section.paragraph("There is none."),
        all if all > RUNS_MAX => {
            section.paragraph(format!("The newest {RUNS_MAX} of {all}; JSON has all of them.")).grid(grid)
        }
        _ => section.grid(grid),
    }
}

pub fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Ok => "ok",
        Outcome::Failed => "FAILED",
        Outcome::Cancelled => "stopped",
        Outcome::Running => "running",
    }
}

fn week(record: &MonitorRecord) -> Section {
    let section = Section::new("week", "This week, and the one before");
    let [now, before] = record.weeks.as_slice() else {
        return section.paragraph("There are no weeks in this record.");
    };
    let columns = [
        "what",
        ">runs",
        "success",
        ">p50",
        ">p90",
        ">runs before",
        "success before",
        ">p50 before",
        ">p90 before",
    ];
    let mut grid = Grid::new("", &columns);
    for (index, series) in record.series.iter().enumerate() {
        let of = |counts: Option<&Counts>| {
            let counts = counts.copied().unwrap_or_default();
            let figure = |of: fn(&Figures) -> f64| {
                counts.figures.as_ref().map_or(MISSING.to_owned(), |figures| words::time(of(figures)))
            };
            [
                (counts.ok + counts.failed + counts.cancelled).to_string(),
                success(&counts),
                figure(|figures| figures.median),
                figure(|figures| figures.p90),
            ]
        };
        let (now, before) = (of(now.series.get(index)), of(before.series.get(index)));
        grid.row(std::iter::once(name(series)).chain(now).chain(before).collect());
    }
    section
        .paragraph(format!("{} to {}, beside the seven days before.", minute(&now.from), minute(&now.to)))
        .grid(grid)
}

fn steps(record: &MonitorRecord) -> Option<Section> {
    let mut grid =
        Grid::new("", &["workflow", "job", "step", ">runs", ">p50", ">p90", ">most", ">share of all jobs"]);
    for step in &record.steps {
        grid.row(vec![
            step.workflow.clone(),
            step.job.clone(),
            step.step.clone(),
            step.figures.runs.to_string(),
            words::time(step.figures.median),
            words::time(step.figures.p90),
            words::time(step.figures.most),
            words::percent(step.share),
        ]);
    }
    (!grid.rows.is_empty()).then(|| Section::new("steps", "Slowest steps").grid(grid))
}

fn caches(record: &MonitorRecord) -> Option<Section> {
    let caches = record.caches.as_ref()?;
    let of = caches.bytes as f64 / caches.included_bytes as f64;
    let mut largest = Grid::new("Largest", &["key", "of", ">size", "made", "used"]);
    for cache in &caches.largest {
        let at = |time: &Option<String>| time.as_deref().map_or(MISSING.to_owned(), minute);
        largest.row(vec![
            words::shortened(&cache.key, KEY),
            cache.git_ref.clone(),
            report::bytes(cache.bytes),
            at(&cache.created),
            at(&cache.used),
        ]);
    }
    let mut groups = Grid::new("By branch", &["of", ">caches", ">size"]);
    for group in &caches.by_ref {
        groups.row(vec![group.git_ref.clone(), group.count.to_string(), report::bytes(group.bytes)]);
    }
    let text = format!(
        "{} in {}, {} of what GitHub holds for nothing ({}).",
        report::bytes(caches.bytes),
        words::count(caches.count as usize, "cache"),
        words::percent(of),
        report::bytes(caches.included_bytes)
    );
    Some(Section::new("caches", "Caches of GitHub Actions").paragraph(text).grid(groups).grid(largest))
}

fn images(record: &MonitorRecord) -> Option<Section> {
    let mut grid = Grid::new("", &["image", "made", ">size as it is sent", "who says so"]);
    for image in record.images.iter().rev().take(RUNS_MAX) {
        grid.row(vec![
            image.name.clone(),
            minute(&image.at),
            image.bytes.map_or("not known".to_owned(), report::bytes),
            match image.source {
                ImageSource::Registry => "the registry",
                ImageSource::Local => "docker pack, here",
            }
            .to_owned(),
        ]);
    }
    (!grid.rows.is_empty()).then(|| Section::new("images", "Images").plot(Plot::Images).grid(grid))
}

fn hit_rates(record: &MonitorRecord) -> Option<Section> {
    let mut grid = Grid::new("", &["what", ">hit rate", ">hits of all", ">runs"]);
    for rate in &record.hit_rates {
        grid.row(vec![
            rate.what.clone(),
            rate.rate().map_or(MISSING.to_owned(), words::percent),
            format!("{} of {}", rate.hits, rate.total),
            rate.runs.to_string(),
        ]);
    }
    let about = "Of the records of this machine alone; of a run in CI its summary tells.";
    (!grid.rows.is_empty()).then(|| Section::new("hits", "Hit rates").paragraph(about).grid(grid))
}

fn costs(record: &MonitorRecord) -> Section {
    let mut grid = Grid::new("", &["what", ">US dollars a month"]);
    for cost in &record.costs {
        let usd = cost.usd_per_month.map_or("not known".to_owned(), |usd| format!("{usd:.2}"));
        grid.row(vec![cost.what.clone(), usd]);
    }
    let how = record.costs.iter().map(|cost| format!("{}: {}. Prices: {}", cost.what, cost.how, cost.source));
    Section::new("cost", "Cost").grid(grid).list(how.collect())
}

fn notes(record: &MonitorRecord) -> Option<Section> {
    (!record.notes.is_empty()).then(|| Section::new("notes", "Notes").list(record.notes.clone()))
}
