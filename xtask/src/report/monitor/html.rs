//! The weekly report as one HTML file: the page that all reports have, with every run drawn.

use super::{Plot, plot, sections, weekly_title};
use crate::record::monitor::MonitorRecord;
use crate::report::bench_compare::minute;
use crate::report::page::markup::Markup;
use crate::report::page::{Chapter, page, parts};

/// The whole page.
pub fn html(record: &MonitorRecord) -> String {
    let chapters = sections::weekly(record)
        .into_iter()
        .map(|section| {
            // A plot stands below the sentence that says what it is of.
            let (first, rest) = section.parts.split_at(section.parts.len().min(1));
            let [introduction, said] = [first, rest]
                .map(|some| some.iter().map(|part| parts::part(part, &section.title)).collect::<Markup>());
            let plots = match section.plot {
                Some(Plot::Runs) => plot::runs(record),
                Some(Plot::Images) => plot::images(&record.images),
                None => Markup::none(),
            };
            Chapter { id: section.id, title: section.title, content: introduction.and(plots).and(said) }
        })
        .collect();
    let branch = record.branch.as_ref().map(|branch| format!(" · branch {branch}")).unwrap_or_default();
    let subtitle = format!("{} to {}{branch}", minute(&record.since), minute(&record.at));
    page(&weekly_title(record), &subtitle, chapters)
}
