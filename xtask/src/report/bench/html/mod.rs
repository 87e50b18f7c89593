//! The report as one HTML file: no script, nothing from elsewhere, light and dark as the reader's system is.
//!
//! Text is what every format says (`document.rs`); drawings are added, each with a table of the same numbers.

mod gantt;
mod markup;
mod parts;
mod ratios;
mod scale;
mod strip;
mod svg;
mod trend;

#[cfg(test)]
mod page_tests;

use super::document::{Plot, Section};
use super::{figures, sections, title, words};
use crate::record::bench::BenchRecord;
use markup::Markup;

/// The whole page. `history` is earlier runs, of whatever class of host: only those of the same one are drawn.
pub fn html(record: &BenchRecord, history: &[BenchRecord]) -> String {
    let mut sections: Vec<(Section, Markup)> = sections(record)
        .into_iter()
        .map(|section| {
            let content = content(record, &section);
            (section, content)
        })
        .collect();
    let trend = Section::new("trend", "Trend over revisions");
    let before_notes = sections.len() - usize::from(!record.notes.is_empty());
    sections.insert(before_notes, (trend, trend::section(record, history)));

    let links = sections.iter().map(|(section, _)| {
        let target = format!("#{}", section.id);
        Markup::element("li", &[], Markup::element("a", &[("href", &target)], Markup::text(&section.title)))
    });
    let links = Markup::element("ul", &[], links.collect());
    let contents = Markup::element("nav", &[("aria-label", "Sections")], links).line();
    let heading = Markup::element("h1", &[], Markup::text(&title(record))).line();
    let header = Markup::element("header", &[], heading.and(subtitle(record))).line();
    let body = sections.into_iter().map(|(section, content)| {
        let heading = Markup::element("h2", &[], Markup::text(&section.title)).line();
        Markup::element("section", &[("id", &section.id)], heading.and(content)).line()
    });
    let main = Markup::element("main", &[], body.collect()).line();
    let page_title = Markup::element("title", &[], Markup::text(&title(record))).line();
    HEAD.iter()
        .map(|part| Markup::constant(part))
        .chain([page_title, STYLE.iter().map(|part| Markup::constant(part)).collect()])
        .chain([header, contents, main, Markup::constant("</body>\n</html>\n")])
        .collect::<Markup>()
        .finish()
}

/// The policy lets the page load nothing, whatever might have got into it.
const HEAD: [&str; 5] = [
    "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
    "<meta name=\"color-scheme\" content=\"light dark\">\n",
    "<meta http-equiv=\"Content-Security-Policy\" ",
    "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n",
];

const STYLE: [&str; 3] = ["<style>\n", include_str!("page.css"), "</style>\n</head>\n<body>\n"];

fn subtitle(record: &BenchRecord) -> Markup {
    let text = format!(
        "{} · {} · {}",
        words::moment(&record.started),
        record.host.class,
        record.revision.commit.as_deref().map_or("no commit".to_owned(), words::short_commit)
    );
    Markup::element("p", &[("class", "soft")], Markup::text(&text)).line()
}

fn content(record: &BenchRecord, section: &Section) -> Markup {
    // A plot stands below the sentence that says what it is of.
    let (first, rest) = section.parts.split_at(section.parts.len().min(1));
    let [introduction, said] = [first, rest]
        .map(|some| some.iter().map(|part| parts::part(part, &section.title)).collect::<Markup>());
    match (section.plot, &record.timeline) {
        (Some(Plot::Comparison(index)), _) => {
            let comparison = &record.comparisons[index];
            let arms = figures::arms(record, comparison);
            let ratios = ratios::plot(comparison, &arms);
            let class = if ratios.is_empty() { "plots" } else { "plots pair" };
            let plots = strip::plot(comparison, &arms).and(ratios);
            let plots = Markup::element("div", &[("class", class)], plots).line();
            introduction.and(plots).and(said).and(parts::steps(&arms)).and(parts::samples(&arms))
        }
        (Some(Plot::Timeline), Some(timeline)) => {
            introduction.and(gantt::plot(timeline)).and(said).and(parts::units(timeline))
        }
        _ => introduction.and(said),
    }
}
