//! The pieces of our drawings. Across, places are shares of the width, so that a drawing is as wide as the page and its
//! text keeps its size; down, they are pixels.

use super::markup::{Attributes, Markup};
use super::scale::Axis;

/// How a mark looks, so that colour is never the only difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Circle,
    Square,
    Diamond,
    Triangle,
    Cross,
}

/// Which end of a text is at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

/// A whole drawing, `description` being what those are told who cannot see it.
pub fn drawing(class: &str, height: f64, description: &str, body: Markup) -> Markup {
    let height = pixels(height);
    let attributes: Attributes = &[
        ("class", class),
        ("role", "img"),
        ("aria-label", description),
        ("width", "100%"),
        ("height", &height),
    ];
    Markup::element("svg", attributes, body).line()
}

/// A drawing that only repeats what stands beside it, such as the axis or a mark in a legend.
pub fn decoration(class: &str, width: &str, height: f64, body: Markup) -> Markup {
    let height = pixels(height);
    let attributes: Attributes =
        &[("class", class), ("aria-hidden", "true"), ("width", width), ("height", &height)];
    Markup::element("svg", attributes, body)
}

pub fn percent(share: f64) -> String {
    format!("{}%", trimmed(share * 100.0, 3))
}

fn pixels(number: f64) -> String {
    trimmed(number, 2)
}

/// Hundreds of units make a large file; zeros at the end are a fifth of it.
fn trimmed(number: f64, decimals: usize) -> String {
    let text = format!("{number:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// What is shown while the pointer is over something.
pub fn tip(text: &str) -> Markup {
    if text.is_empty() { Markup::none() } else { Markup::element("title", &[], Markup::text(text)) }
}

/// Several pieces with one tip.
pub fn group(tip_text: &str, body: Markup) -> Markup {
    Markup::element("g", &[], tip(tip_text).and(body)).line()
}

pub fn line(class: &str, from: (f64, f64), to: (f64, f64)) -> Markup {
    let places = [percent(from.0), pixels(from.1), percent(to.0), pixels(to.1)];
    let attributes: Attributes =
        &[("class", class), ("x1", &places[0]), ("y1", &places[1]), ("x2", &places[2]), ("y2", &places[3])];
    Markup::element("line", attributes, Markup::none())
}

/// From one share of the width to another.
pub fn bar(class: &str, from: f64, to: f64, top: f64, height: f64, tip_text: &str) -> Markup {
    // What is too short to be seen is shown all the same.
    let (x, width) = (percent(from), percent((to - from).max(0.0008)));
    let (y, height) = (pixels(top), pixels(height));
    let attributes: Attributes =
        &[("class", class), ("x", x.as_str()), ("width", &width), ("y", &y), ("height", &height)];
    Markup::element("rect", attributes, tip(tip_text))
}

pub fn label(class: &str, anchor: Anchor, x: f64, y: f64, shift: f64, content: Markup) -> Markup {
    let (x, y, shift) = (percent(x), pixels(y), pixels(shift));
    let anchor = match anchor {
        Anchor::Start => "start",
        Anchor::Middle => "middle",
        Anchor::End => "end",
    };
    let attributes: Attributes =
        &[("class", class), ("x", x.as_str()), ("y", &y), ("dx", &shift), ("text-anchor", anchor)];
    Markup::element("text", attributes, content)
}

/// A part of a label with a look of its own, so many pixels after what is before it.
pub fn span(class: &str, shift: f64, text: &str) -> Markup {
    Markup::element("tspan", &[("class", class), ("dx", &pixels(shift))], Markup::text(text))
}

/// A mark about eight pixels wide.
pub fn mark(class: &str, shape: Shape, x: f64, y: f64, tip_text: &str) -> Markup {
    let path = match shape {
        Shape::Circle => "M-3.7 0a3.7 3.7 0 1 0 7.4 0a3.7 3.7 0 1 0 -7.4 0",
        Shape::Square => "M-3.3 -3.3h6.6v6.6h-6.6z",
        Shape::Diamond => "M0 -4.8L4.8 0L0 4.8L-4.8 0z",
        Shape::Triangle => "M0 -4.4L4.4 3.4H-4.4z",
        Shape::Cross => "M-3.6 -3.6L3.6 3.6M3.6 -3.6L-3.6 3.6",
    };
    let path = Markup::element("path", &[("class", class), ("d", path)], tip(tip_text));
    // A path has no places in per cent; a drawing within the drawing has.
    let (x, y) = (percent(x), pixels(y));
    Markup::element(
        "svg",
        &[("x", &x), ("y", &y), ("width", "1"), ("height", "1"), ("overflow", "visible")],
        path,
    )
}

/// A label that is cut off where its place ends: how wide text is, only a browser knows, and a page must not be wider
/// than a telephone because of it. The place goes from one share of the width to another, and is so many pixels high.
pub fn clipped(
    class: &str,
    anchor: Anchor,
    (from, to): (f64, f64),
    (top, height): (f64, f64),
    shift: f64,
    content: Markup,
) -> Markup {
    let at = match anchor {
        Anchor::Start => 0.0,
        Anchor::Middle => 0.5,
        Anchor::End => 1.0,
    };
    let text = label(class, anchor, at, height - 5.0, shift, content);
    let (x, width, y, height) = (percent(from), percent(to - from), pixels(top), pixels(height));
    let attributes: Attributes =
        &[("x", x.as_str()), ("width", &width), ("y", &y), ("height", &height), ("class", "clip")];
    Markup::element("svg", attributes, text)
}

/// The lines of an axis across a drawing of this height.
pub fn grid_lines(axis: &Axis, height: f64) -> Markup {
    axis.ticks.iter().map(|(share, _)| line("grid", (*share, 0.0), (*share, height))).collect()
}

/// The lines of an upright axis, which goes from `bottom` up to `top`, each with its number above its left end.
pub fn levels(axis: &Axis, top: f64, bottom: f64) -> Markup {
    let level = |(share, text): &(f64, String)| {
        let y = bottom - share * (bottom - top);
        let number = label("tick", Anchor::Start, 0.0, y - 3.0, 0.0, Markup::text(text));
        line("grid", (0.0, y), (1.0, y)).and(number)
    };
    axis.ticks.iter().map(level).collect()
}

/// What is written along an axis, its title at the end of the line below where there is one.
pub fn axis_labels(axis: &Axis, y: f64, title: bool) -> Markup {
    let labels: Markup = axis
        .ticks
        .iter()
        .map(|(share, text)| {
            let anchor = match *share {
                share if share < 0.03 => Anchor::Start,
                share if share > 0.97 => Anchor::End,
                _ => Anchor::Middle,
            };
            label("tick", anchor, *share, y, 0.0, Markup::text(text))
        })
        .collect();
    let title = match title {
        true => label("tick", Anchor::End, 1.0, y + 15.0, 0.0, Markup::text(&axis.title)),
        false => Markup::none(),
    };
    labels.and(title)
}
