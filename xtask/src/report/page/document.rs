//! What a report says before it has a format: sections of paragraphs, lists and tables; and how they become text for a
//! terminal and Markdown. Everything from outside passes through `clean` and the escaping of the format here.

use super::words::clean;
use crate::report::table::{Align, Table};

/// Lines of prose on a terminal are broken here.
const WIDTH: usize = 100;

/// A title and what stands below it. `P` is what a report can draw.
pub struct Section<P> {
    /// For links within a page: letters, digits and hyphens.
    pub id: String,
    pub title: String,
    /// What a format that can draw draws before the parts.
    pub plot: Option<P>,
    pub parts: Vec<Part>,
}

pub enum Part {
    Paragraph(String),
    List(Vec<String>),
    Grid(Grid),
}

/// A table with a caption.
pub struct Grid {
    pub caption: String,
    pub columns: Vec<(String, Align)>,
    pub rows: Vec<Vec<String>>,
}

impl<P> Section<P> {
    pub fn new(id: &str, title: impl Into<String>) -> Section<P> {
        Section { id: id.to_owned(), title: title.into(), plot: None, parts: Vec::new() }
    }

    pub fn plot(mut self, plot: P) -> Section<P> {
        self.plot = Some(plot);
        self
    }

    pub fn paragraph(mut self, text: impl Into<String>) -> Section<P> {
        self.parts.push(Part::Paragraph(text.into()));
        self
    }

    /// Nothing where there are no items.
    pub fn list(mut self, items: Vec<String>) -> Section<P> {
        if !items.is_empty() {
            self.parts.push(Part::List(items));
        }
        self
    }

    /// Nothing where there are no rows.
    pub fn grid(mut self, grid: Grid) -> Section<P> {
        if !grid.rows.is_empty() {
            self.parts.push(Part::Grid(grid));
        }
        self
    }
}

impl Grid {
    /// Columns whose name begins with `>` are of numbers and keep to the right.
    pub fn new(caption: impl Into<String>, columns: &[&str]) -> Grid {
        let column = |name: &&str| match name.strip_prefix('>') {
            Some(name) => (name.to_owned(), Align::Right),
            None => ((*name).to_owned(), Align::Left),
        };
        Grid { caption: caption.into(), columns: columns.iter().map(column).collect(), rows: Vec::new() }
    }

    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    fn table(&self, cell: fn(&str) -> String) -> Table {
        let columns: Vec<(String, Align)> =
            self.columns.iter().map(|(name, align)| (cell(name), *align)).collect();
        let mut table = Table::new(&columns);
        for row in &self.rows {
            table.row(row.iter().map(|text| cell(text)).collect());
        }
        table
    }
}

/// For a terminal.
pub fn human<P>(title: &str, sections: &[Section<P>]) -> String {
    let mut text = heading(title, '=');
    for section in sections {
        text += &format!("\n{}", heading(&section.title, '-'));
        let parts: Vec<String> = section.parts.iter().map(human_part).collect();
        text += &parts.join("\n");
    }
    text
}

fn heading(title: &str, line: char) -> String {
    let title = clean(title);
    let rule: String = title.chars().map(|_| line).collect();
    format!("{title}\n{rule}\n")
}

fn human_part(part: &Part) -> String {
    match part {
        Part::Paragraph(text) => wrapped(&clean(text), "", ""),
        Part::List(items) => items.iter().map(|item| wrapped(&clean(item), "- ", "  ")).collect(),
        Part::Grid(grid) => {
            let caption =
                if grid.caption.is_empty() { String::new() } else { format!("{}\n", clean(&grid.caption)) };
            caption + &grid.table(clean).human()
        }
    }
}

fn wrapped(text: &str, first: &str, rest: &str) -> String {
    let mut lines = vec![first.to_owned()];
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let line = lines.last_mut().map_or(0, |line| line.chars().count());
        if line > rest.len() && line + 1 + word.chars().count() > WIDTH {
            lines.push(format!("{rest}{word}"));
        } else if let Some(last) = lines.last_mut() {
            if !last.is_empty() && !last.ends_with(' ') {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    lines.join("\n") + "\n"
}

/// For a pull request, a job summary or a committed file. The title has one `#` times `level`.
pub fn markdown<P>(title: &str, level: usize, sections: &[Section<P>]) -> String {
    format!("{} {}\n{}", "#".repeat(level), escaped(title), markdown_sections(level + 1, sections))
}

/// Sections alone, whose titles have one `#` times `level`.
pub fn markdown_sections<P>(level: usize, sections: &[Section<P>]) -> String {
    let mut text = String::new();
    for section in sections {
        text += &format!("\n{} {}\n", "#".repeat(level), escaped(&section.title));
        text.extend(section.parts.iter().map(markdown_part));
    }
    text
}

fn markdown_part(part: &Part) -> String {
    match part {
        Part::Paragraph(text) => format!("\n{}\n", escaped(text)),
        Part::List(items) => {
            format!("\n{}", items.iter().map(|item| format!("- {}\n", escaped(item))).collect::<String>())
        }
        Part::Grid(grid) => {
            let caption = if grid.caption.is_empty() {
                String::new()
            } else {
                format!("\n**{}**\n", escaped(&grid.caption))
            };
            format!("{caption}\n{}", grid.table(escaped).markdown())
        }
    }
}

/// Text that Markdown shows as it is. The pipes of a table's cells are the table's affair.
pub fn escaped(text: &str) -> String {
    let characters: Vec<char> = clean(text).chars().collect();
    let is_in_word = |index: usize| {
        let at = |index: Option<usize>| index.and_then(|index| characters.get(index));
        [at(index.checked_sub(1)), at(Some(index + 1))].iter().all(|c| c.is_some_and(|c| c.is_alphanumeric()))
    };
    let mut escaped = String::new();
    for (index, &character) in characters.iter().enumerate() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '&' => escaped.push_str("&amp;"),
            '*' | '`' | '[' | '\\' => escaped.extend(['\\', character]),
            '_' if !is_in_word(index) => escaped.push_str("\\_"),
            '#' | '>' | '-' | '+' if index == 0 && characters.len() > 1 => escaped.extend(['\\', character]),
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_broken_and_hang() {
        let text = "word ".repeat(30);
        let broken = wrapped(&text, "- ", "  ");
        assert!(broken.lines().all(|line| line.chars().count() <= WIDTH), "{broken}");
        assert!(broken.lines().nth(1).unwrap().starts_with("  word"), "{broken}");
        assert_eq!(wrapped(&"x".repeat(120), "- ", "  "), format!("- {}\n", "x".repeat(120)));
    }

    #[test]
    fn markdown_shows_foreign_text_as_it_is() {
        assert_eq!(
            escaped("a<b> & `c` *d* [e](f) serde_json _g_"),
            "a&lt;b> &amp; \\`c\\` \\*d\\* \\[e](f) serde_json \\_g\\_"
        );
        assert_eq!(escaped("# no title\nsecond"), "\\# no title second");
        assert_eq!(escaped("-"), "-");
    }
}
