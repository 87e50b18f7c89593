//! Text tables: aligned columns for a terminal, pipes for Markdown.

/// Which side the text of a column keeps to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
}

/// A table with a header line.
#[derive(Clone, Debug)]
pub struct Table {
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new<S: AsRef<str>>(columns: &[(S, Align)]) -> Table {
        let columns = columns.iter().map(|(name, align)| (name.as_ref().to_owned(), *align)).collect();
        Table { columns, rows: Vec::new() }
    }

    /// Adds a row; missing cells are empty.
    pub fn row(&mut self, mut cells: Vec<String>) {
        cells.resize(self.columns.len(), String::new());
        self.rows.push(cells);
    }

    /// Columns two spaces apart, no space at the end of a line.
    pub fn human(&self) -> String {
        let widths: Vec<usize> = (0..self.columns.len())
            .map(|column| {
                let cells = self.rows.iter().map(|row| row[column].chars().count());
                cells.chain([self.columns[column].0.chars().count()]).max().unwrap_or(0)
            })
            .collect();
        let line = |cells: &[String]| {
            let padded =
                cells.iter().zip(&self.columns).zip(&widths).map(
                    |((cell, (_, align)), &width)| match align {
                        Align::Left => format!("{cell:<width$}"),
                        Align::Right => format!("{cell:>width$}"),
                    },
                );
            format!("{}\n", padded.collect::<Vec<_>>().join("  ").trim_end())
        };
        let header: Vec<String> = self.columns.iter().map(|(name, _)| name.clone()).collect();
        std::iter::once(line(&header)).chain(self.rows.iter().map(|row| line(row))).collect()
    }

    pub fn markdown(&self) -> String {
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let header = line(self.columns.iter().map(|(name, _)| name.clone()).collect());
        let rule = line(
            self.columns
                .iter()
                .map(|(_, align)| if *align == Align::Left { "---" } else { "---:" }.to_owned())
                .collect(),
        );
        let escape = |cell: &String| cell.replace('|', r"\|");
        let rows = self.rows.iter().map(|row| line(row.iter().map(escape).collect()));
        [header, rule].into_iter().chain(rows).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&[("step", Align::Left), ("seconds", Align::Right)]);
        table.row(vec!["compile front".to_owned(), "64.2".to_owned()]);
        table.row(vec!["a|b".to_owned()]);
        table
    }

    #[test]
    fn human() {
        expect_test::expect![[r#"
            step           seconds
            compile front     64.2
            a|b
        "#]]
        .assert_eq(&table().human());
    }

    #[test]
    fn markdown() {
        expect_test::expect![[r#"
            | step | seconds |
            | --- | ---: |
            | compile front | 64.2 |
            | a\|b |  |
        "#]]
        .assert_eq(&table().markdown());
    }
}
