//! The plots of `monitor`: every run is a mark at the time when it began.

use chrono::{DateTime, Utc};

use super::sections;
use crate::record::monitor::{ImageSize, MonitorRecord, Outcome, Point, Series};
use crate::report;
use crate::report::page::document::Grid;
use crate::report::page::markup::Markup;
use crate::report::page::parts;
use crate::report::page::scale::{Axis, Scale};
use crate::report::page::svg::{self, Anchor, Shape};
use crate::report::page::words;

const TOP: f64 = 12.0;
const BOTTOM: f64 = 150.0;
const HEIGHT: f64 = 172.0;
/// Room for the numbers of the axis, as a share of the width; the rest is for the marks.
const LEFT: f64 = 0.11;
const WIDTH: f64 = 0.86;
/// So many runs make the line of medians, as many as an alert looks at.
const WINDOW: usize = 5;
/// So many days fit below a panel of 300 pixels, and so many with the time of day, which takes twice as much.
const DAYS: usize = 4;
const MOMENTS: usize = 3;
const DAY_SECONDS: i64 = 86_400;
/// From so many days on a day without its year might be meant twice, and months are enough.
const YEAR_DAYS: i64 = 300;

/// Where moments lie.
struct Times {
    first: DateTime<Utc>,
    last: DateTime<Utc>,
}

impl Times {
    /// Of all these; `None` where there is none that can be read.
    fn of<'t>(moments: impl Iterator<Item = &'t str>) -> Option<Times> {
        let times: Vec<DateTime<Utc>> = moments.filter_map(parse).collect();
        Some(Times { first: *times.iter().min()?, last: *times.iter().max()? })
    }

    /// From the left to the right end of the marks; a single moment is in the middle.
    fn x(&self, moment: DateTime<Utc>) -> f64 {
        let all = (self.last - self.first).num_seconds();
        let share = match all {
            0 => 0.5,
            all => (moment - self.first).num_seconds() as f64 / all as f64,
        };
        LEFT + WIDTH * share.clamp(0.0, 1.0)
    }

    /// What is written below: days, with the time of day where days alone would be written twice, or months.
    fn labels(&self) -> Markup {
        let all = (self.last - self.first).num_seconds();
        let (format, count) = match all {
            0 => ("%m-%d %H:%M", 1),
            all if all < DAYS as i64 * DAY_SECONDS => ("%m-%d %H:%M", MOMENTS),
            all if all < YEAR_DAYS * DAY_SECONDS => ("%m-%d", DAYS),
            _ => ("%Y-%m", DAYS),
        };
        let place = |index: usize| {
            let share = if count == 1 { 0.0 } else { index as f64 / (count - 1) as f64 };
            let moment = self.first + chrono::TimeDelta::seconds((all as f64 * share) as i64);
            (self.x(moment), moment.format(format).to_string())
        };
        let mut places: Vec<(f64, String)> = (0..count).map(place).collect();
        // Runs within a minute have one moment.
        places.dedup_by(|later, earlier| later.1 == earlier.1);
        let label = |(x, text): (f64, String)| {
            let anchor = if x > 0.9 { Anchor::End } else { Anchor::Middle };
            let tick = svg::line("ground", (x, BOTTOM), (x, BOTTOM + 4.0));
            tick.and(svg::label("tick", anchor, x, BOTTOM + 17.0, 0.0, Markup::text(&text)))
        };
        places.into_iter().map(label).collect()
    }
}

fn parse(moment: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(moment).ok().map(|time| time.with_timezone(&Utc))
}

/// One panel a series that has times, and the table of all runs.
pub fn runs(record: &MonitorRecord) -> Markup {
    let times =
        Times::of(record.series.iter().flat_map(|series| &series.points).map(|point| point.at.as_str()));
    let Some(times) = times else { return Markup::none() };
    let panels: Markup = record.series.iter().map(|series| panel(series, &times)).collect();
    if panels.is_empty() {
        return Markup::none();
    }
    let about = Markup::text(
        "Every dot is a run that succeeded, every cross one that failed, and every ring one that was stopped, at the \
         time when it began. The line is the median of the last five that succeeded, the dashed one that of all. The \
         axes begin at zero.",
    );
    let about = Markup::element("figcaption", &[], about).line();
    let panels = Markup::element("div", &[("class", "panels")], panels).line();
    panels.and(about).and(table(record))
}

/// Marks of one series; nothing where no run has a time.
fn panel(series: &Series, times: &Times) -> Markup {
    let timed: Vec<(DateTime<Utc>, f64, &Point)> =
        series.points.iter().filter_map(|point| Some((parse(&point.at)?, point.seconds?, point))).collect();
    // One that hung must not squeeze the others into a corner.
    let most = |outcome: Option<Outcome>| {
        let of = timed.iter().filter(|(_, _, point)| outcome.is_none_or(|outcome| point.outcome == outcome));
        of.map(|(_, seconds, _)| *seconds).fold(0.0, f64::max)
    };
    let (good, all) = (most(Some(Outcome::Ok)), most(None));
    let most = if good > 0.0 { good.max(all.min(good * 1.5)) } else { all };
    if timed.is_empty() {
        return Markup::none();
    }
    let axis = Axis::of_times(Scale::from_zero(most), 4);
    let y = |seconds: f64| BOTTOM - axis.scale.share(seconds) * (BOTTOM - TOP);
    let middle = series.figures.map_or(Markup::none(), |figures| {
        svg::line("baseline", (LEFT, y(figures.median)), (LEFT + WIDTH, y(figures.median)))
    });
    let marks: Markup = timed
        .iter()
        .map(|(at, seconds, point)| {
            let (class, shape) = match point.outcome {
                Outcome::Ok => ("dot", Shape::Circle),
                Outcome::Failed => ("invalid", Shape::Cross),
                Outcome::Cancelled | Outcome::Running => ("dot hollow", Shape::Circle),
            };
            let beyond = if axis.scale.is_beyond(*seconds) { ", beyond this axis" } else { "" };
            let outcome = sections::outcome(point.outcome);
            let tip = format!("{}, {outcome}: {}{beyond}", point.label, words::time(*seconds));
            svg::mark(class, shape, times.x(*at), y(*seconds), &tip)
        })
        .collect();
    let name = sections::name(series);
    let description = match &series.figures {
        Some(figures) => format!(
            "{name}: {}, {} of them successful, median {}.",
            words::count(timed.len(), "run"),
            figures.runs,
            words::time(figures.median)
        ),
        None => format!("{name}: {}, none of them successful.", words::count(timed.len(), "run")),
    };
    let body = svg::levels(&axis, TOP, BOTTOM)
        .and(times.labels())
        .and(middle)
        .and(medians(&timed, times, &y))
        .and(marks);
    let title = Markup::element("h3", &[], Markup::text(&format!("{name}, {}", axis.title)));
    let drawing = svg::drawing("plot", HEIGHT, &description, body);
    Markup::element("figure", &[], title.and(drawing)).line()
}

/// The medians of the last successful runs, from the first moment on at which there are enough.
fn medians(timed: &[(DateTime<Utc>, f64, &Point)], times: &Times, y: &impl Fn(f64) -> f64) -> Markup {
    let good: Vec<(DateTime<Utc>, f64)> = timed
        .iter()
        .filter(|(_, _, point)| point.outcome == Outcome::Ok)
        .map(|(at, seconds, _)| (*at, *seconds))
        .collect();
    let places: Vec<(f64, f64)> = good
        .windows(WINDOW)
        .map(|window| {
            let mut seconds: Vec<f64> = window.iter().map(|(_, seconds)| *seconds).collect();
            seconds.sort_by(f64::total_cmp);
            (times.x(window[WINDOW - 1].0), y(seconds[WINDOW / 2]))
        })
        .collect();
    places.windows(2).map(|pair| svg::line("trend series-0", pair[0], pair[1])).collect()
}

/// Every run, as the plots have them.
fn table(record: &MonitorRecord) -> Markup {
    let mut grid = Grid::new("", &["what", "began", "run", "result", ">time"]);
    for series in &record.series {
        for point in &series.points {
            grid.row(vec![
                sections::name(series),
                words::moment(&point.at),
                point.label.clone(),
                sections::outcome(point.outcome).to_owned(),
                point.seconds.map_or(words::MISSING.to_owned(), words::time),
            ]);
        }
    }
    parts::folded(&format!("Every run ({})", grid.rows.len()), &grid)
}

/// Images over time, a mark each; nothing where fewer than two have a size.
pub fn images(images: &[ImageSize]) -> Markup {
    let known: Vec<(DateTime<Utc>, u64, &ImageSize)> =
        images.iter().filter_map(|image| Some((parse(&image.at)?, image.bytes?, image))).collect();
    let times = Times::of(known.iter().map(|(_, _, image)| image.at.as_str()));
    let (Some(times), true) = (times, known.len() > 1) else { return Markup::none() };
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    let most = known.iter().map(|(_, bytes, _)| megabytes(*bytes)).fold(0.0, f64::max);
    let axis = Axis::plain(Scale::from_zero(most), 4, "MB as it is sent");
    let y = |bytes: u64| BOTTOM - axis.scale.share(megabytes(bytes)) * (BOTTOM - TOP);
    let lines: Markup = known
        .windows(2)
        .map(|pair| {
            let place = |(at, bytes, _): &(DateTime<Utc>, u64, &ImageSize)| (times.x(*at), y(*bytes));
            svg::line("trend gap series-0", place(&pair[0]), place(&pair[1]))
        })
        .collect();
    let marks: Markup = known
        .iter()
        .map(|(at, bytes, image)| {
            let tip = format!("{}: {}", image.name, report::bytes(*bytes));
            svg::mark("dot", Shape::Circle, times.x(*at), y(*bytes), &tip)
        })
        .collect();
    let newest = known.last().map_or(String::new(), |(_, bytes, _)| report::bytes(*bytes));
    let description = format!("Sizes of {}, the newest {newest}.", words::count(known.len(), "image"));
    let body = svg::levels(&axis, TOP, BOTTOM).and(times.labels()).and(lines).and(marks);
    let title = Markup::element("h3", &[], Markup::text(&axis.title));
    let drawing = svg::drawing("plot", HEIGHT, &description, body);
    let figure = Markup::element("figure", &[], title.and(drawing)).line();
    Markup::element("div", &[("class", "panels")], figure).line()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is written below.
    fn written(first: &str, last: &str) -> Vec<String> {
        let markup = Times::of([first, last].into_iter()).unwrap().labels().finish();
        let texts = markup.split("</text>").filter_map(|part| part.rsplit_once('>'));
        texts.map(|(_, text)| text.to_owned()).collect()
    }

    #[test]
    fn each_moment_is_written_once_and_can_mean_one_only() {
        let minutes = |last: &str| written("2026-11-21T10:00:00Z", &format!("2026-11-21T10:{last}Z"));
        assert_eq!(minutes("00:00"), ["11-21 10:00"]);
        assert_eq!(minutes("00:40"), ["11-21 10:00"]);
        assert_eq!(minutes("01:10"), ["11-21 10:00", "11-21 10:01"]);
        assert_eq!(minutes("20:00"), ["11-21 10:00", "11-21 10:10", "11-21 10:20"]);
        let month = written("2026-11-01T00:00:00Z", "2026-11-21T00:00:00Z");
        assert_eq!(month, ["11-01", "11-07", "11-14", "11-21"]);
        let year = written("2025-11-21T00:00:00Z", "2026-11-21T00:00:00Z");
        assert_eq!(year, ["2025-11", "2026-03", "2026-07", "2026-11"]);
    }
}
