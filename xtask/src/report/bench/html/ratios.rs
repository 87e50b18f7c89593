//! The plot of one comparison's ratios to the baseline: what is said of each arm, its interval, and the noise.

use super::markup::Markup;
use super::scale::{Axis, Scale, short};
use super::strip::{AXIS, ROW};
use super::svg::{self, Anchor, Shape};
use crate::record::bench::{Comparison, Verdict};
use crate::report::bench::figures::ArmFigures;
use crate::report::bench::words;

const MIDDLE: f64 = 31.0;
/// An axis that shows less than so much to both sides of 1 makes noise look like a result.
const LEAST: f64 = 0.05;
/// More noise than this would leave no room for anything else.
const MOST: f64 = 0.9;

/// The drawing; nothing where no arm has a ratio.
pub fn plot(comparison: &Comparison, arms: &[ArmFigures]) -> Markup {
    let verdicts: Vec<&Verdict> = arms.iter().filter_map(|arm| arm.verdict).collect();
    if verdicts.iter().all(|verdict| verdict.ratio.is_none()) {
        return Markup::none();
    }
    let axis = Axis::of_ratios(scale(&verdicts), "ratio of times to the baseline's: left of 1 is faster");
    let height = ROW * arms.len() as f64;
    let one = axis.scale.share(1.0);
    let of_arms = |draw: fn(&Axis, &ArmFigures, f64) -> Markup| -> Markup {
        arms.iter().enumerate().map(|(index, arm)| draw(&axis, arm, ROW * index as f64)).collect()
    };
    let (bands, rows) = (of_arms(band), of_arms(row));
    let body = svg::grid_lines(&axis, height)
        .and(bands)
        .and(svg::line("baseline", (one, 16.0), (one, height)))
        .and(rows)
        .and(svg::axis_labels(&axis, height + 13.0, true));
    let described: String =
        arms.iter().map(|arm| format!("{}: {}. ", words::arm(arm), judgement(arm))).collect();
    let drawing = svg::drawing(
        "plot",
        height + AXIS,
        &format!("{}: ratios to the baseline. {described}", comparison.id),
        body,
    );
    let caption = "The dot is the median of the pairs' ratios, the bar its interval; without a bar there is one \
                   sample. The shaded band is what was taken as noise.";
    let caption = Markup::element("figcaption", &[], Markup::text(caption));
    Markup::element("figure", &[], drawing.and(caption)).line()
}

fn scale(verdicts: &[&Verdict]) -> Scale {
    let noise = verdicts.iter().map(|verdict| verdict.floor).fold(LEAST, f64::max).min(MOST);
    let shown = verdicts.iter().flat_map(|verdict| [verdict.ratio, verdict.low, verdict.high]);
    let shown = shown.flatten().filter(|ratio| *ratio > 0.0).chain([1.0 - noise, 1.0 / (1.0 - noise)]);
    let (low, high) = shown.fold((f64::MAX, 0.0_f64), |(low, high), ratio| (low.min(ratio), high.max(ratio)));
    Scale::logarithmic(low, high)
}

/// What is taken as noise for one arm.
fn band(axis: &Axis, arm: &ArmFigures, top: f64) -> Markup {
    let measured = arm.verdict.filter(|verdict| verdict.ratio.is_some());
    measured.map_or(Markup::none(), |verdict| {
        let (from, to) = (
            axis.scale.share(1.0 - verdict.floor.min(MOST)),
            axis.scale.share(1.0 / (1.0 - verdict.floor.min(MOST))),
        );
        svg::bar("noise", from, to, top + 19.0, 24.0, &format!("noise: {}", words::percent(verdict.floor)))
    })
}

fn row(axis: &Axis, arm: &ArmFigures, top: f64) -> Markup {
    let name = svg::span("name", 0.0, &short(&arm.arm.name)).and(svg::span("soft", 8.0, &judgement(arm)));
    let text = svg::clipped("", Anchor::Start, (0.0, 1.0), (top, 18.0), 0.0, name);
    let ground = svg::line("ground", (0.0, top + ROW - 4.0), (1.0, top + ROW - 4.0));
    let middle = top + MIDDLE;
    let measured = arm.verdict.and_then(|verdict| Some((verdict, verdict.ratio?)));
    let drawn = measured.map_or(Markup::none(), |(verdict, ratio)| {
        let at = |ratio: f64| axis.scale.share(ratio);
        let tip = format!("{}: {}", arm.arm.name, judgement(arm));
        let interval = match (verdict.low, verdict.high) {
            (Some(low), Some(high)) => svg::line("interval", (at(low), middle), (at(high), middle))
                .and(svg::line("interval", (at(low), middle - 5.0), (at(low), middle + 5.0)))
                .and(svg::line("interval", (at(high), middle - 5.0), (at(high), middle + 5.0))),
            _ => Markup::none(),
        };
        let class = if verdict.low.is_some() { "dot solid" } else { "dot hollow" };
        interval.and(svg::mark(class, Shape::Circle, at(ratio), middle, &tip))
    });
    text.and(ground).and(drawn).line()
}

/// `faster, 0.164 (0.155–0.172)`.
fn judgement(arm: &ArmFigures) -> String {
    match arm.verdict.filter(|verdict| verdict.ratio.is_some()) {
        Some(verdict) => format!("{}, {}", words::judgement(arm), words::ratio_with_interval(verdict)),
        None => words::judgement(arm).to_owned(),
    }
}
