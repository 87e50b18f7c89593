//! What a build that failed says of the arm, and when it says something of the machine instead.

use super::lacking;
use super::run::Bench;
use crate::exec::{Measured, disk_problem};
use crate::exit::{Exit, Failure, hint_of_disk};

impl Bench<'_> {
    /// The last lines of a build that failed. What may be the copy's fault is told once.
    ///
    /// # Errors
    ///
    /// Where the disk is full: that is no arm's fault, and would fail the others too. The run ends there, and can be
    /// gone on with.
    pub(super) fn failure(&mut self, measured: &Measured) -> anyhow::Result<String> {
        let text = self.exec.redact(&crate::exec::without_escapes(measured.stderr.trim()));
        let told = lines(&text);
        if let Some(kind) = disk_problem(&text) {
            let failure = Failure::new(Exit::CommandFailed, format!("a build failed: {told}"));
            return Err(match hint_of_disk(kind) {
                Some(hint) => failure.hint(hint).into(),
                None => failure.into(),
            });
        }
        let hint = lacking::hint(&text, &self.subject.root, self.checkout.root(), self.has_built);
        if let Some(hint) = hint.filter(|hint| !self.journal.record.notes.contains(hint)) {
            self.exec.ui().note(&hint);
            self.journal.record.notes.push(hint);
        }
        Ok(format!("the build failed: {told}"))
    }
}

/// From the first error on, else the last ones.
fn lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let telling = lines.iter().position(|line| line.starts_with("error"));
    let from = telling.unwrap_or(lines.len().saturating_sub(8));
    lines[from..].iter().take(8).copied().collect::<Vec<_>>().join("\n")
}
