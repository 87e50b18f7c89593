//! The report as one HTML file: the page that all reports have, with the drawings of this one.
//!
//! Text is what every format says (`report/page/document.rs`); drawings are added, each with a table of the same
//! numbers.

mod gantt;
mod parts;
mod ratios;
mod strip;
mod trend;

#[cfg(test)]
mod page_tests;

use super::{Plot, Section, background, figures, found, title, words};
use crate::record::bench::BenchRecord;
use crate::report::page::document::Part;
use crate::report::page::markup::Markup;
use crate::report::page::{Chapter, markup, page, scale, svg};

/// The whole page. `history` is earlier runs, of whatever class of host: only those of the same one, and of its
/// processor, are drawn.
pub fn html(record: &BenchRecord, history: &[BenchRecord]) -> String {
    let chapter = |section: Section| {
        let content = content(record, &section);
        Chapter { id: section.id, title: section.title, content }
    };
    let mut chapters: Vec<Chapter> = found(record).into_iter().map(chapter).collect();
    let trend = Chapter {
        id: "trend".to_owned(),
        title: "Trend over revisions".to_owned(),
        content: trend::section(record, history),
    };
    let before_notes = chapters.len() - usize::from(!record.notes.is_empty());
    chapters.insert(before_notes, trend);
    chapters.extend(background(record).into_iter().map(chapter));
    page(&title(record), &subtitle(record), chapters)
}

fn subtitle(record: &BenchRecord) -> String {
    format!(
        "{} · {} · {}",
        words::moment(&record.started),
        record.host.class,
        record.revision.commit.as_deref().map_or("no commit".to_owned(), words::short_commit)
    )
}

fn content(record: &BenchRecord, section: &Section) -> Markup {
    // A plot stands below the sentences that say what it is of.
    let sentences = section.parts.iter().take_while(|part| matches!(part, Part::Paragraph(_))).count();
    let (first, rest) = section.parts.split_at(sentences);
    let [introduction, said] = [first, rest]
        .map(|some| some.iter().map(|part| parts::part(part, &section.title)).collect::<Markup>());
    match section.plot {
        Some(Plot::Comparison(index)) => {
            let comparison = &record.comparisons[index];
            let arms = figures::arms(record, comparison);
            let ratios = ratios::plot(comparison, &arms);
            let class = if ratios.is_empty() { "plots" } else { "plots pair" };
            let plots = strip::plot(comparison, &arms).and(ratios);
            let plots = Markup::element("div", &[("class", class)], plots).line();
            introduction.and(plots).and(said).and(parts::steps(&arms)).and(parts::samples(&arms))
        }
        Some(Plot::Timeline(index)) => {
            let timeline = &record.timelines[index];
            introduction.and(gantt::plot(timeline)).and(said).and(parts::units(timeline))
        }
        None => introduction.and(said),
    }
}
