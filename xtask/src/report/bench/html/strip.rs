//! The plot of one comparison's times: every sample is a dot, one row an arm.

use super::markup::Markup;
use super::scale::{Axis, Scale, short};
use super::svg::{self, Anchor, Shape};
use crate::record::bench::{Comparison, Sample};
use crate::report::bench::figures::ArmFigures;
use crate::report::bench::words;

/// The height of a row: a line of text and the strip below it. The plot of ratios has the same.
pub const ROW: f64 = 48.0;
/// Room for the axis and its title.
pub const AXIS: f64 = 36.0;
const STRIP_TOP: f64 = 20.0;
const STRIP_BOTTOM: f64 = 42.0;
/// So many characters of a line fit on a telephone.
const LINE: usize = 52;
/// Where the slowest takes more than so many times the fastest, equal distances are equal ratios.
const LINEAR_MOST: f64 = 30.0;

/// The drawing, and how it is to be read.
pub fn plot(comparison: &Comparison, arms: &[ArmFigures]) -> Markup {
    let axis = Axis::of_times(scale(arms), 5);
    let height = ROW * arms.len() as f64;
    let baseline = arms
        .first()
        .filter(|arm| arm.is_baseline)
        .and_then(|arm| arm.seconds)
        .map(|spread| axis.scale.share(spread.median));
    let baseline = baseline
        .map_or(Markup::none(), |share| svg::line("baseline", (share, STRIP_TOP - 4.0), (share, height)));
    let rows: Markup =
        arms.iter().enumerate().map(|(index, arm)| row(&axis, arm, ROW * index as f64)).collect();
    let body = svg::grid_lines(&axis, height).and(baseline).and(rows).and(svg::axis_labels(
        &axis,
        height + 13.0,
        true,
    ));
    let description = format!("{}: times of every sample. {}", comparison.id, described(arms));
    let drawing = svg::drawing("plot", height + AXIS, &description, body);
    let caption = Markup::element("figcaption", &[], Markup::text(&caption(arms, &axis)));
    Markup::element("figure", &[], drawing.and(caption)).line()
}

fn scale(arms: &[ArmFigures]) -> Scale {
    let most =
        |samples: &mut dyn Iterator<Item = &Sample>| samples.map(|sample| sample.seconds).fold(0.0, f64::max);
    let valid_most = most(&mut arms.iter().flat_map(|arm| arm.valid.iter().copied()));
    let invalid_most = most(&mut arms.iter().flat_map(|arm| arm.invalid.iter().copied()));
    let least = arms.iter().filter_map(|arm| arm.seconds).map(|spread| spread.min).fold(f64::MAX, f64::min);
    if valid_most == 0.0 {
        return Scale::from_zero(invalid_most);
    }
    if least > 0.0 && valid_most / least > LINEAR_MOST {
        return Scale::logarithmic(least, valid_most);
    }
    // One that hung must not squeeze the others into a corner.
    Scale::from_zero(valid_most.max(invalid_most.min(valid_most * 1.5)))
}

fn row(axis: &Axis, arm: &ArmFigures, top: f64) -> Markup {
    let (strip_top, strip_bottom) = (top + STRIP_TOP, top + STRIP_BOTTOM);
    let middle = f64::midpoint(strip_top, strip_bottom);
    let name = svg::span("name", 0.0, &short(&words::arm(arm))).and(svg::span("soft", 8.0, &figure(arm)));
    let told = svg::tip(&arm.arm.variant).and(name);
    let text = svg::clipped("", Anchor::Start, (0.0, 1.0), (top, 18.0), 0.0, told);
    let ground = svg::line("ground", (0.0, strip_bottom + 2.0), (1.0, strip_bottom + 2.0));
    // One sample has no median but itself.
    let spread = arm.seconds.filter(|spread| spread.n > 1).map_or(Markup::none(), |spread| {
        let (min, max, median) =
            (axis.scale.share(spread.min), axis.scale.share(spread.max), axis.scale.share(spread.median));
        svg::line("range", (min, middle), (max, middle)).and(svg::line(
            "median",
            (median, strip_top - 1.0),
            (median, strip_bottom + 1.0),
        ))
    });
    let last = arm.valid.iter().chain(&arm.invalid).map(|sample| sample.round).max().unwrap_or(1);
    let dots = arm.valid.iter().chain(&arm.invalid).map(|sample| {
        // The first round is on top, so that a drift can be seen.
        let down = if last <= 1 { 0.5 } else { sample.round.saturating_sub(1) as f64 / (last - 1) as f64 };
        dot(axis, sample, strip_top + 3.0 + down * (strip_bottom - strip_top - 6.0))
    });
    text.and(ground).and(spread).and(dots.collect()).line()
}

fn dot(axis: &Axis, sample: &Sample, y: f64) -> Markup {
    let time = words::time(sample.seconds);
    let place = format!("{}, round {}: {time}", sample.arm, sample.round);
    let share = axis.scale.share(sample.seconds);
    match &sample.invalid {
        None => svg::mark("dot", Shape::Circle, share, y, &place),
        Some(reason) => {
            let beyond = if axis.scale.is_beyond(sample.seconds) { ", beyond this axis" } else { "" };
            svg::mark("invalid", Shape::Cross, share, y, &format!("{place}, invalid{beyond}: {reason}"))
        }
    }
}

/// What stands beside the name.
fn figure(arm: &ArmFigures) -> String {
    if let Some(reason) = &arm.arm.unavailable {
        let room = LINE - short(&words::arm(arm)).chars().count();
        return words::shortened(&format!("not measured: {}", words::clean(reason)), room);
    }
    let invalid = match arm.invalid.len() {
        0 => String::new(),
        count => format!(", {}", words::count(count, "invalid sample")),
    };
    match arm.seconds {
        Some(spread) if spread.n == 1 => format!("{} (single){invalid}", words::time(spread.median)),
        Some(spread) => format!("{}, n {}{invalid}", words::time(spread.median), spread.n),
        None => format!("{}{invalid}", words::judgement(arm)),
    }
}

fn described(arms: &[ArmFigures]) -> String {
    arms.iter().map(|arm| format!("{}: {}. ", words::arm(arm), figure(arm))).collect()
}

fn caption(arms: &[ArmFigures], axis: &Axis) -> String {
    let axis = if axis.title.contains("logarithmic") {
        "Equal distances are equal ratios (logarithmic axis)."
    } else {
        "The axis begins at zero."
    };
    let most = arms.iter().map(|arm| arm.valid.len() + arm.invalid.len()).max().unwrap_or(0);
    let rounds = if most > 1 { ", the first round on top" } else { "" };
    let dots = match arms.iter().map(|arm| arm.valid.len()).max().unwrap_or(0) {
        0 => "There is no valid sample.".to_owned(),
        1 => format!("Every dot is one sample{rounds}."),
        _ => format!("Every dot is one sample{rounds}; the upright bar is the median."),
    };
    let invalid = match arms.iter().any(|arm| !arm.invalid.is_empty()) {
        true => " A cross is an invalid sample, which is in no figure.",
        false => "",
    };
    let baseline = match arms.first().filter(|arm| arm.is_baseline && arm.seconds.is_some()) {
        Some(arm) => format!(" The dashed line is the median of the baseline, {}.", short(&arm.arm.name)),
        None => String::new(),
    };
    format!("{dots}{baseline}{invalid} {axis}")
}
