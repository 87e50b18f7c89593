//! The plot of one build's units over time: both halves, their phases, the critical path, and the steps beside them.
//!
//! Hundreds of units have to fit: the long ones and those on the critical path have a row with a name, the rest a
//! thin line.

use super::markup::Markup;
use super::scale::{Axis, Scale, short};
use super::svg::{self, Anchor};
use crate::record::bench::timeline::{TimedUnit, Timeline};
use crate::report::bench::timeline::name;
use crate::report::bench::words;

/// So many of the longest units have a name.
const NAMED: usize = 40;
const NAMED_ROW: f64 = 15.0;
const THIN_ROW: f64 = 3.0;
const HEADING: f64 = 24.0;
/// So many characters of a name fit beside a bar on a telephone.
const NAME: usize = 34;
/// Less than this share of the width is no room for a name.
const ROOM: f64 = 0.2;
/// Cargo gives times in hundredths of a second.
const SAME_START: f64 = 0.02;

/// The drawing and its legend; nothing where there are no units.
pub fn plot(timeline: &Timeline) -> Markup {
    if timeline.units.is_empty() {
        return Markup::none();
    }
    let ends = timeline.units.iter().map(|unit| unit.start + unit.seconds);
    let ends = ends.chain(timeline.steps.iter().map(|step| step.start + step.seconds));
    let axis = Axis::of_times(Scale::exact(ends.fold(timeline.seconds, f64::max)), 6);
    let (height, body) = rows(timeline, &axis);
    let serial: Markup = timeline
        .serial
        .iter()
        .map(|stretch| {
            let tip = format!("serial for {}: {}", words::time(stretch.seconds), stretch.what);
            let at = |seconds: f64| axis.scale.share(seconds);
            svg::bar("serial", at(stretch.start), at(stretch.start + stretch.seconds), 0.0, height, &tip)
        })
        .collect();
    let description = format!(
        "{} over {}, by start. The tables below have the slowest units, the serial stretches and the critical path.",
        words::count(timeline.units.len(), "unit"),
        words::time(timeline.seconds)
    );
    let drawing = svg::drawing(
        "plot gantt",
        height,
        &description,
        serial.and(svg::grid_lines(&axis, height)).and(body),
    );
    let scale =
        |class: &str| svg::decoration(class, "100%", 20.0, svg::axis_labels(&axis, 14.0, false)).line();
    let figure = legend(&axis).and(scale("axis sticky")).and(drawing).and(scale("axis"));
    Markup::element("figure", &[("class", "wide")], figure).line()
}

fn legend(axis: &Axis) -> Markup {
    let item = |class: &'static str, text: &str| {
        let sample = svg::decoration("", "22", 10.0, svg::bar(class, 0.0, 1.0, 0.0, 10.0, ""));
        Markup::element("li", &[], sample.and(Markup::text(text)))
    };
    let items = [
        item("front", "front end, up to its metadata"),
        item("codegen", "code generation"),
        item("link", "linking"),
        item("plain", "phases that cargo does not tell apart"),
        item("step", "step that is no unit"),
        item("serial", "at most one unit ran"),
        item("path", "◆ on the critical path (underlined)"),
    ];
    let about = format!(
        "Time from the start of the build, in {}. Thin lines are short units; pointing at one shows its name.",
        axis.title
    );
    Markup::element("ul", &[("class", "legend")], items.into_iter().collect()).and(Markup::element(
        "p",
        &[("class", "soft")],
        Markup::text(&about),
    ))
}

/// All rows, and how high they are together.
fn rows(timeline: &Timeline, axis: &Axis) -> (f64, Markup) {
    let mut y = 0.0;
    let mut body = Markup::none();
    let heading = |y: &mut f64, text: String| {
        *y += HEADING;
        svg::label("heading", Anchor::Start, 0.0, *y - 7.0, 0.0, Markup::text(&text))
    };
    if !timeline.critical_path.is_empty() {
        let waited: f64 = timeline.critical_path.iter().map(|entry| entry.seconds).sum();
        body = body.and(heading(&mut y, format!("critical path: {}", words::time(waited))));
        body = body.and(critical_path(timeline, axis, y));
        y += 22.0;
    }
    let named = named(timeline);
    let mut halves: Vec<&str> = Vec::new();
    for unit in &timeline.units {
        if !halves.contains(&unit.half.as_str()) {
            halves.push(&unit.half);
        }
    }
    for half in halves {
        let units = || timeline.units.iter().enumerate().filter(move |(_, unit)| unit.half == half);
        let text = format!("{} half: {}", short(half), words::count(units().count(), "unit"));
        body = body.and(heading(&mut y, text));
        for (index, unit) in units() {
            let is_named = named[index];
            body = body.and(row(timeline, axis, unit, y, is_named));
            y += if is_named { NAMED_ROW } else { THIN_ROW };
        }
    }
    if !timeline.steps.is_empty() {
        body = body.and(heading(&mut y, "steps that are no units".to_owned()));
    }
    for step in &timeline.steps {
        let (from, to) = (axis.scale.share(step.start), axis.scale.share(step.start + step.seconds));
        let waited = waited_for(timeline, &step.name, step.start);
        let mark = if waited.is_some() { "◆ " } else { "" };
        let text = format!("{mark}{} {}", step.name, words::time(step.seconds));
        let bars = svg::bar("step", from, to, y + 2.0, 10.0, "").and(underline(axis, step.start, waited, y));
        body = body.and(svg::group(&text, bars.and(beside(from, to, y, &text))));
        y += NAMED_ROW;
    }
    (y + 4.0, body)
}

fn critical_path(timeline: &Timeline, axis: &Axis, top: f64) -> Markup {
    let entries = timeline.critical_path.iter().enumerate();
    entries
        .map(|(index, entry)| {
            let (from, to) = (axis.scale.share(entry.start), axis.scale.share(entry.start + entry.seconds));
            let class = if index % 2 == 0 { "path" } else { "path other" };
            let text = format!("{}: {}", entry.what, words::time(entry.seconds));
            // Where not even the beginning of a name fits, there is none.
            let written = match to - from > 0.04 {
                true => {
                    let name = Markup::text(&entry.what);
                    svg::clipped("on-path", Anchor::Start, (from, to), (top, 18.0), 3.0, name)
                }
                false => Markup::none(),
            };
            svg::group(&text, svg::bar(class, from, to, top, 18.0, "").and(written))
        })
        .collect()
}

/// Which units have a name: the longest, and the critical path.
fn named(timeline: &Timeline) -> Vec<bool> {
    let mut order: Vec<usize> = (0..timeline.units.len()).collect();
    order.sort_by(|a, b| timeline.units[*b].seconds.total_cmp(&timeline.units[*a].seconds));
    let mut named: Vec<bool> =
        timeline.units.iter().map(|unit| waited_for(timeline, &name(unit), unit.start).is_some()).collect();
    for index in order.into_iter().take(NAMED) {
        named[index] = true;
    }
    named
}

/// How long the critical path waited for this unit or step; `None` where it did not.
fn waited_for(timeline: &Timeline, what: &str, start: f64) -> Option<f64> {
    let is_this = |other: f64| (other - start).abs() <= SAME_START;
    let mut entries = timeline.critical_path.iter();
    entries.find(|entry| is_this(entry.start) && entry.what == what).map(|entry| entry.seconds)
}

fn row(timeline: &Timeline, axis: &Axis, unit: &TimedUnit, top: f64, is_named: bool) -> Markup {
    let at = |seconds: f64| axis.scale.share(unit.start + seconds);
    let (bar_top, height) = if is_named { (top + 2.0, 10.0) } else { (top, THIN_ROW - 0.6) };
    let phases: Markup = phases(unit)
        .iter()
        .map(|(class, from, to)| svg::bar(class, at(*from), at(*to), bar_top, height, ""))
        .collect();
    let waited = waited_for(timeline, &name(unit), unit.start);
    let path = underline(axis, unit.start, waited, top);
    let text = match is_named {
        true => {
            let mark = if waited.is_some() { "◆ " } else { "" };
            let text = format!(
                "{mark}{} {}",
                words::shortened(&words::clean(&label(unit)), NAME),
                words::time(unit.seconds)
            );
            beside(at(0.0), at(unit.seconds), top, &text)
        }
        false => Markup::none(),
    };
    svg::group(&told(unit, waited), phases.and(path).and(text))
}

/// What the critical path waited for, if it did.
fn underline(axis: &Axis, start: f64, waited: Option<f64>, top: f64) -> Markup {
    let to = |waited: f64| axis.scale.share(start + waited);
    waited.map_or(Markup::none(), |waited| {
        svg::bar("path", axis.scale.share(start), to(waited), top + 12.0, 2.0, "")
    })
}

/// The half stands above; a library is what most units are.
fn label(unit: &TimedUnit) -> String {
    if unit.kind == "lib" { unit.package.clone() } else { format!("{} ({})", unit.package, unit.kind) }
}

/// Beside the bar, where there is more room; on it, where it takes nearly all of the width. On a telephone that may not
/// be enough; the tip has all of it.
fn beside(from: f64, to: f64, top: f64, text: &str) -> Markup {
    let (left, right) = (from, 1.0 - to);
    let (anchor, place, shift) = if left.max(right) < ROOM {
        (Anchor::Start, (from, 1.0), 4.0)
    } else if right >= left {
        (Anchor::Start, (to, 1.0), 4.0)
    } else {
        (Anchor::End, (0.0, from), -4.0)
    };
    svg::clipped("row", anchor, place, (top, NAMED_ROW + 0.5), shift, Markup::text(text))
}

/// What a unit did from when to when, in seconds since its own start.
fn phases(unit: &TimedUnit) -> Vec<(&'static str, f64, f64)> {
    let front = unit.frontend_seconds.unwrap_or(0.0).clamp(0.0, unit.seconds);
    let link = unit.seconds - unit.link_seconds.unwrap_or(0.0).clamp(0.0, unit.seconds - front);
    let middle = if unit.codegen_seconds.is_some() { "codegen" } else { "plain" };
    let all = [("front", 0.0, front), (middle, front, link), ("link", link, unit.seconds)];
    let some: Vec<_> = all.into_iter().filter(|(_, from, to)| to > from).collect();
    // A unit of no measurable length is there all the same.
    if some.is_empty() { vec![("plain", 0.0, unit.seconds)] } else { some }
}

fn told(unit: &TimedUnit, waited: Option<f64>) -> String {
    let part = |seconds: Option<f64>, what: &str| {
        seconds.map_or(String::new(), |seconds| format!(", {what} {}", words::time(seconds)))
    };
    format!(
        "{} {}: {}, begins at {}{}{}{}{}{}{}",
        name(unit),
        unit.version,
        words::time(unit.seconds),
        words::time(unit.start),
        part(unit.frontend_seconds, "front end"),
        part(unit.codegen_seconds, "code generation"),
        part(unit.link_seconds, "of that linking"),
        part(waited, "the critical path waited"),
        unit.target.as_ref().map_or(String::new(), |target| format!(", for {target}")),
        if unit.features.is_empty() {
            String::new()
        } else {
            format!(", features {}", unit.features.join(" "))
        },
    )
}
