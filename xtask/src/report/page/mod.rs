//! What reports that are pages have in common: sections with paragraphs, lists and tables (`document.rs`), how
//! things are said (`words.rs`), and one HTML file with drawings: no script, nothing from elsewhere, light and dark
//! as the reader's system is. Knows no record.

pub mod document;
pub mod markup;
pub mod parts;
pub mod scale;
pub mod spread;
pub mod svg;
pub mod words;

#[cfg(test)]
pub mod whole_tests;

use markup::Markup;

/// A section of a page with all that it shows.
pub struct Chapter {
    /// For links within the page: letters, digits and hyphens.
    pub id: String,
    pub title: String,
    pub content: Markup,
}

/// The whole file.
pub fn page(title: &str, subtitle: &str, chapters: Vec<Chapter>) -> String {
    let links = chapters.iter().map(|chapter| {
        let target = format!("#{}", chapter.id);
        Markup::element("li", &[], Markup::element("a", &[("href", &target)], Markup::text(&chapter.title)))
    });
    let links = Markup::element("ul", &[], links.collect());
    let contents = Markup::element("nav", &[("aria-label", "Sections")], links).line();
    let heading = Markup::element("h1", &[], Markup::text(title)).line();
    let subtitle = Markup::element("p", &[("class", "soft")], Markup::text(subtitle)).line();
    let header = Markup::element("header", &[], heading.and(subtitle)).line();
    let body = chapters.into_iter().map(|chapter| {
        let heading = Markup::element("h2", &[], Markup::text(&chapter.title)).line();
        Markup::element("section", &[("id", &chapter.id)], heading.and(chapter.content)).line()
    });
    let main = Markup::element("main", &[], body.collect()).line();
    let page_title = Markup::element("title", &[], Markup::text(title)).line();
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
