//! The plots of medians over earlier runs of the same class of host and processor, one for each comparison.

use super::markup::Markup;
use super::parts;
use super::scale::{Axis, Scale, some_of};
use super::svg::{self, Anchor, Shape};
use crate::record::bench::{Arm, BenchRecord, Comparison};
use crate::report::bench::figures::{self, Spread};
use crate::report::bench::words;
use crate::report::page::document::Grid;

/// Lines in one plot: more cannot be told apart.
const LINES: usize = 4;
const SHAPES: [Shape; LINES] = [Shape::Circle, Shape::Square, Shape::Diamond, Shape::Triangle];
/// So many dates, each 58 pixels wide, do not touch below a panel of 291 pixels, as it is on a telephone.
const DATES: usize = 3;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 140.0;
const HEIGHT: f64 = 176.0;

/// The medians of one variant, by run; `None` where it was not measured.
struct Series {
    arm: String,
    is_baseline: bool,
    variant: String,
    points: Vec<Option<Spread>>,
}

/// The section's content: plots and a table, or why there are none.
pub fn section(record: &BenchRecord, history: &[BenchRecord]) -> Markup {
    let paragraph = |text: String| Markup::element("p", &[], Markup::text(&text)).line();
    let runs = runs(record, history);
    let other = history.iter().filter(|run| run.id != record.id && !is_comparable(record, run)).count();
    let other = match other {
        0 => String::new(),
        count => format!(
            " {} of other classes of host, processors or projects left out.",
            words::count(count, "run")
        ),
    };
    let class = &record.host.class;
    if runs.len() < 2 {
        return paragraph(format!(
            "There is no earlier run on this class of host ({class}) and this processor.{other}"
        ));
    }
    let about = format!(
        "Medians of {} on this class of host ({class}) and this processor, in the order in which they began; \
         upright lines are least to most. Axes begin at zero.{other}",
        words::count(runs.len(), "run")
    );
    let (mut plots, mut grid) = (Markup::none(), Grid::new("Medians by run", &COLUMNS));
    for comparison in &record.comparisons {
        let series = series(&runs, comparison);
        if series.iter().any(|one| one.points.iter().flatten().count() > 1) {
            plots = plots.and(plot(&runs, &comparison.id, &series));
            tabulate(&mut grid, &runs, &comparison.id, &series);
        }
    }
    if plots.is_empty() {
        return paragraph(format!(
            "No earlier run on this class of host ({class}) and this processor measured the same.{other}"
        ));
    }
    let plots = Markup::element("div", &[("class", "panels")], plots).line();
    paragraph(about).and(plots).and(parts::folded("The same as a table", &grid))
}

const COLUMNS: [&str; 8] = ["comparison", "variant", "run", "began", "sources", ">median", ">min–max", ">n"];

fn is_comparable(record: &BenchRecord, run: &BenchRecord) -> bool {
    let of = |run: &BenchRecord| (run.host.class.clone(), run.host.cpu.clone(), run.project.clone());
    of(run) == of(record)
}

/// By start, this run among them once. What came after this run is none of its past.
fn runs<'a>(record: &'a BenchRecord, history: &'a [BenchRecord]) -> Vec<&'a BenchRecord> {
    let earlier = |run: &&BenchRecord| run.id != record.id && run.started <= record.started;
    let mut runs: Vec<&BenchRecord> =
        history.iter().filter(earlier).filter(|run| is_comparable(record, run)).collect();
    runs.sort_by(|a, b| a.started.cmp(&b.started));
    runs.push(record);
    runs
}

/// The baseline, then what is fastest in the last run. What was switched on has to be the same in every run.
fn series(runs: &[&BenchRecord], comparison: &Comparison) -> Vec<Series> {
    let all = comparison.arms.iter().enumerate().map(|(index, arm)| Series {
        arm: arm.name.clone(),
        is_baseline: index == 0,
        variant: arm.variant.clone(),
        points: runs.iter().map(|run| median(run, &comparison.id, arm)).collect(),
    });
    let now = |series: &Series| series.points.last().copied().flatten().map(|spread| spread.median);
    let mut found: Vec<(f64, Series)> = all.filter_map(|series| Some((now(&series)?, series))).collect();
    found.sort_by(|(a, left), (b, right)| right.is_baseline.cmp(&left.is_baseline).then(a.total_cmp(b)));
    found.into_iter().map(|(_, series)| series).take(LINES).collect()
}

fn median(run: &BenchRecord, comparison: &str, arm: &Arm) -> Option<Spread> {
    let comparison = run.comparisons.iter().find(|other| other.id == comparison)?;
    let same = |other: &&Arm| other.name == arm.name && other.variant == arm.variant;
    let arms = figures::arms(run, comparison);
    arms.into_iter().find(|figures| same(&figures.arm))?.seconds
}

fn plot(runs: &[&BenchRecord], comparison: &str, series: &[Series]) -> Markup {
    let all = series.iter().flat_map(|series| series.points.iter().flatten());
    let axis = Axis::of_times(Scale::from_zero(all.map(|spread| spread.max).fold(0.0, f64::max)), 4);
    let y = |seconds: f64| BOTTOM - axis.scale.share(seconds) * (BOTTOM - TOP);
    let x = |run: usize| 0.13 + 0.84 * run as f64 / (runs.len() - 1) as f64;
    let levels = svg::levels(&axis, TOP, BOTTOM);
    let places: Markup = some_of(runs.len(), DATES).into_iter().map(|run| place(runs, run, x(run))).collect();
    let lines: Markup =
        series.iter().enumerate().map(|(index, one)| drawn(runs, one, index, &x, &y)).collect();
    let legend: Markup = series.iter().enumerate().map(|(index, one)| entry(one, index)).collect();
    let described: Vec<String> = series.iter().map(described).collect();
    let description = format!("{comparison}: {}", described.join(" "));
    let title = Markup::element("h3", &[], Markup::text(&format!("{comparison}, {}", axis.title)));
    let drawing = svg::drawing("plot", HEIGHT, &description, levels.and(places).and(lines));
    let legend = Markup::element("ul", &[("class", "legend")], legend);
    Markup::element("figure", &[], title.and(drawing).and(legend)).line()
}

fn drawn(
    runs: &[&BenchRecord],
    series: &Series,
    index: usize,
    x: &impl Fn(usize) -> f64,
    y: &impl Fn(f64) -> f64,
) -> Markup {
    let class = |kind: &str| format!("{kind} series-{index}");
    let points: Vec<(usize, Spread)> =
        series.points.iter().enumerate().filter_map(|(run, spread)| Some((run, (*spread)?))).collect();
    // A run without this variant is passed over by a thinner line.
    let lines: Markup = points
        .windows(2)
        .map(|pair| {
            let ((from, a), (to, b)) = (pair[0], pair[1]);
            let kind = if to - from == 1 { "trend" } else { "trend gap" };
            svg::line(&class(kind), (x(from), y(a.median)), (x(to), y(b.median)))
        })
        .collect();
    let marks = points.iter().map(|(run, spread)| {
        let tip =
            format!("{}, {}: {}, n {}", series.arm, label(runs[*run]), words::time(spread.median), spread.n);
        svg::line(&class("reach"), (x(*run), y(spread.min)), (x(*run), y(spread.max))).and(svg::mark(
            &class("point"),
            SHAPES[index % LINES],
            x(*run),
            y(spread.median),
            &tip,
        ))
    });
    lines.and(marks.collect()).line()
}

fn place(runs: &[&BenchRecord], run: usize, x: f64) -> Markup {
    let anchor = match run {
        0 => Anchor::Start,
        run if run + 1 == runs.len() => Anchor::End,
        _ => Anchor::Middle,
    };
    // The first label begins at its point, not left of it, where the numbers of the axis are.
    let text = |y: f64, text: &str| svg::label("tick", anchor, x, y, 0.0, Markup::text(text));
    let date: String = runs[run].started.chars().take(10).collect();
    text(BOTTOM + 15.0, &label(runs[run])).and(text(BOTTOM + 29.0, &date))
}

/// The commit, with a plus where the sources differed from it.
fn label(run: &BenchRecord) -> String {
    let commit = run.revision.commit.as_deref().map_or_else(|| run.id.clone(), words::short_commit);
    let changes = if run.revision.dirty == Some(true) { "+" } else { "" };
    format!("{commit}{changes}")
}

fn entry(series: &Series, index: usize) -> Markup {
    let class = format!("point series-{index}");
    let mark = svg::decoration("", "12", 10.0, svg::mark(&class, SHAPES[index % LINES], 0.5, 5.0, ""));
    let baseline = if series.is_baseline { " (baseline)" } else { "" };
    let text = format!("{}{baseline}: {}", series.arm, series.variant);
    Markup::element("li", &[], mark.and(Markup::text(&text)))
}

fn described(series: &Series) -> String {
    let points: Vec<Spread> = series.points.iter().copied().flatten().collect();
    match (points.first(), points.last()) {
        (Some(first), Some(last)) => {
            let (first, last) = (words::time(first.median), words::time(last.median));
            format!(
                "{} was {first} in the first of {} and is {last}.",
                series.arm,
                words::count(points.len(), "run")
            )
        }
        _ => String::new(),
    }
}

fn tabulate(grid: &mut Grid, runs: &[&BenchRecord], comparison: &str, series: &[Series]) {
    for one in series {
        for (run, spread) in runs.iter().zip(&one.points) {
            let Some(spread) = spread else { continue };
            grid.row(vec![
                comparison.to_owned(),
                one.variant.clone(),
                run.id.clone(),
                words::moment(&run.started),
                label(run),
                words::time(spread.median),
                words::times(spread),
                spread.n.to_string(),
            ]);
        }
    }
}
