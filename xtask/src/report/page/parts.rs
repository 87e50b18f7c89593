//! Paragraphs, lists and tables of a report as HTML.

use super::document::{Grid, Part};
use super::markup::{Attributes, Markup};
use crate::report::table::Align;

/// `section` names a table that has no name of its own.
pub fn part(part: &Part, section: &str) -> Markup {
    match part {
        Part::Paragraph(text) => Markup::element("p", &[], Markup::text(text)).line(),
        Part::List(items) => {
            let items = items.iter().map(|item| Markup::element("li", &[], Markup::text(item)).line());
            Markup::element("ul", &[], items.collect()).line()
        }
        Part::Grid(grid) => table(grid, section),
    }
}

/// A table that scrolls on its own where the page is narrow; `name` is for those who cannot see what is around it.
fn table(grid: &Grid, name: &str) -> Markup {
    let class = |align: Align| if align == Align::Right { "number" } else { "" };
    let head: Markup = grid
        .columns
        .iter()
        .map(|(name, align)| {
            Markup::element("th", &[("scope", "col"), ("class", class(*align))], Markup::text(name))
        })
        .collect();
    let cell = |index: usize, text: &str| match index {
        0 => Markup::element(
            "th",
            &[("scope", "row"), ("class", class(grid.columns[0].1))],
            Markup::text(text),
        ),
        _ => Markup::element("td", &[("class", class(grid.columns[index].1))], Markup::text(text)),
    };
    let rows: Markup = grid
        .rows
        .iter()
        .map(|row| {
            let cells = row.iter().enumerate().map(|(index, text)| cell(index, text));
            Markup::element("tr", &[], cells.collect()).line()
        })
        .collect();
    // Not the table's own caption, which would be no wider than a narrow table.
    let (heading, label) = match grid.caption.as_str() {
        "" => (Markup::none(), name),
        caption => (Markup::element("h3", &[], Markup::text(caption)).line(), caption),
    };
    let head = Markup::element("thead", &[], Markup::element("tr", &[], head)).line();
    let table = Markup::element("table", &[], head.and(Markup::element("tbody", &[], rows)));
    let attributes: Attributes =
        &[("class", "scroll"), ("tabindex", "0"), ("role", "region"), ("aria-label", label)];
    heading.and(Markup::element("div", attributes, table).line())
}

/// A table that is unfolded by whoever wants to see it; nothing where it has no rows.
pub fn folded(title: &str, grid: &Grid) -> Markup {
    if grid.rows.is_empty() {
        return Markup::none();
    }
    let summary = Markup::element("summary", &[], Markup::text(title));
    Markup::element("details", &[], summary.and(table(grid, title))).line()
}
