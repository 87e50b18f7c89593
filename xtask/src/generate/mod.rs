//! The lines of hand-written files that follow from something else: pins, flags, names.
//!
//! They stand between `# xtask: begin NAME` and `# xtask: end`; all other lines are people's. This file finds the
//! blocks and replaces what is in them, with the indentation of their first line. What belongs into a Dockerfile is in
//! [`dockerfile`], what belongs into workflows in [`workflows`]. Pure: reads and writes no file.

pub mod cook;
pub mod dockerfile;
pub mod workflows;

use std::collections::BTreeMap;

use crate::exit::Failure;

/// What a block begins with.
pub const BEGIN: &str = "# xtask: begin ";
const END: &str = "# xtask: end";

/// What belongs into each block, by its name.
pub type Blocks = BTreeMap<&'static str, Vec<String>>;

/// A line in a block that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drift {
    /// Counted from 1.
    pub line: usize,
    pub block: String,
    /// What stands there; empty where a line is missing.
    pub found: String,
    /// What should; empty where a line is too many.
    pub wanted: String,
}

/// A file with its blocks as they should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filled {
    pub text: String,
    pub drifts: Vec<Drift>,
}

/// Fills the blocks of a text. A block that nobody knows, one without an end and a text without any are errors.
pub fn fill(file: &str, text: &str, blocks: &Blocks) -> anyhow::Result<Filled> {
    let mut filled = Filled { text: String::new(), drifts: Vec::new() };
    let mut lines = text.lines().enumerate();
    let mut has_any = false;
    while let Some((number, line)) = lines.next() {
        filled.text += &format!("{line}\n");
        let Some(name) = line.trim_start().strip_prefix(BEGIN).map(str::trim) else { continue };
        has_any = true;
        let indentation = &line[..line.len() - line.trim_start().len()];
        let Some((known, wanted)) = blocks.get_key_value(name) else {
            let known: Vec<&str> = blocks.keys().copied().collect();
            return Err(Failure::usage(format!("{file}:{}: there is no block `{name}`", number + 1))
                .hint(format!("known blocks: {}", known.join(", ")))
                .into());
        };
        let mut found = Vec::new();
        let end = loop {
            match lines.next() {
                Some((_, line)) if line.trim() == END => break line,
                Some((_, line)) if line.trim_start().starts_with(BEGIN) => {
                    return Err(open(file, number, name));
                }
                Some((_, line)) => found.push(line.to_owned()),
                None => return Err(open(file, number, name)),
            }
        };
        let wanted: Vec<String> = wanted.iter().map(|line| format!("{indentation}{line}")).collect();
        for index in 0..found.len().max(wanted.len()) {
            let at = |lines: &[String]| lines.get(index).cloned().unwrap_or_default();
            if at(&found) != at(&wanted) {
                filled.drifts.push(Drift {
                    line: number + 2 + index,
                    block: (*known).to_owned(),
                    found: at(&found).trim().to_owned(),
                    wanted: at(&wanted).trim().to_owned(),
                });
            }
        }
        filled.text.extend(wanted.iter().map(|line| format!("{line}\n")));
        filled.text += &format!("{end}\n");
    }
    if has_any {
        return Ok(filled);
    }
    Err(Failure::usage(format!("{file} has no block of lines that follow from anything"))
        .hint(format!("a block begins with a line `{BEGIN}NAME` and ends with `{END}`"))
        .into())
}

fn open(file: &str, number: usize, name: &str) -> anyhow::Error {
    Failure::usage(format!("{file}:{}: the block `{name}` has no end", number + 1))
        .hint(format!("add a line `{END}` below it"))
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks() -> Blocks {
        Blocks::from([("pins", vec!["ARG A=1".to_owned(), "ARG B=2".to_owned()]), ("none", Vec::new())])
    }

    #[test]
    fn blocks_are_filled_and_nothing_else_is_touched() {
        let text = "FROM a\n  # xtask: begin pins\n  ARG A=0\n  # xtask: end\n# xtask: begin none\nx\n# xtask: end\nRUN b\n";
        let filled = fill("D", text, &blocks()).unwrap();
        assert_eq!(
            filled.text,
            "FROM a\n  # xtask: begin pins\n  ARG A=1\n  ARG B=2\n  # xtask: end\n# xtask: begin none\n# xtask: end\nRUN b\n"
        );
        let drifts: Vec<String> = filled
            .drifts
            .iter()
            .map(|drift| format!("{} {} `{}` `{}`", drift.line, drift.block, drift.found, drift.wanted))
            .collect();
        assert_eq!(drifts, ["3 pins `ARG A=0` `ARG A=1`", "4 pins `` `ARG B=2`", "6 none `x` ``"]);
        let again = fill("D", &filled.text, &blocks()).unwrap();
        assert_eq!((again.text, again.drifts), (filled.text, Vec::new()));
    }

    #[test]
    fn what_cannot_be_filled_is_refused() {
        let error = |text: &str| fill("D", text, &blocks()).unwrap_err().to_string();
        assert_eq!(error("# xtask: begin pinns\n# xtask: end\n"), "D:1: there is no block `pinns`");
        assert_eq!(error("a\n# xtask: begin pins\n"), "D:2: the block `pins` has no end");
        assert_eq!(
            error("# xtask: begin pins\n# xtask: begin none\n# xtask: end\n"),
            "D:1: the block `pins` has no end"
        );
        assert!(error("FROM a\n").contains("no block"));
    }
}
