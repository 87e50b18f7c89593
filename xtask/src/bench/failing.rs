//! What a build that failed says of the arm, and when it says something of the machine instead; and what is not
//! measured after that.

use super::run::Bench;
use super::{journal, lacking};
use crate::exec::{Measured, disk_problem};
use crate::exit::{Exit, Failure, hint_of_disk};
use crate::record::bench::{Comparison, Sample};

impl Bench<'_> {
    /// Writes a sample down. An arm whose sample is invalid is not measured again.
    pub(super) fn add(&mut self, sample: Sample) -> anyhow::Result<()> {
        if let Some(reason) = &sample.invalid {
            self.exec.ui().note(format_args!(
                "{} {}: {}",
                sample.comparison,
                sample.arm,
                reason.lines().next().unwrap_or_default()
            ));
            self.broken.insert(journal::key(&sample.comparison, &sample.arm));
            let comparison =
                self.journal.record.comparisons.iter().find(|comparison| comparison.id == sample.comparison);
            if let Some(note) = comparison.and_then(|comparison| without_baseline(comparison, &sample.arm)) {
                self.exec.ui().note(&note);
                self.journal.record.notes.push(note);
            }
        }
        self.journal.add(sample)
    }

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

/// What is said of the other arms where this one is broken, if it is what they are compared with.
fn without_baseline(comparison: &Comparison, broken: &str) -> Option<String> {
    let (baseline, others) = comparison.arms.split_first()?;
    let there = others.iter().filter(|arm| arm.unavailable.is_none());
    let others: Vec<&str> = there.map(|arm| arm.name.as_str()).collect();
    (baseline.name == broken && !others.is_empty()).then(|| {
        format!(
            "{}: no more samples of {}: {broken}, with which each is compared, could not be measured",
            comparison.id,
            others.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::shared_tests::comparison;
    use super::*;

    #[test]
    fn without_what_arms_are_compared_with_there_is_nothing_to_measure() {
        let mut caches = comparison("cold/cache", &["none", "sccache", "sccache-s3", "kache"]);
        caches.arms[2].unavailable = Some("no bucket".to_owned());
        let told = "cold/cache: no more samples of sccache, kache: none, with which each is compared, could not be measured";
        assert_eq!(without_baseline(&caches, "none").as_deref(), Some(told));
        assert_eq!(without_baseline(&caches, "kache"), None);
        assert_eq!(without_baseline(&comparison("cold/cache", &["kache"]), "kache"), None);
    }
}
