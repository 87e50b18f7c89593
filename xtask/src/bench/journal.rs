//! The file of a run: written again, whole, after every sample, so that whatever ends the run loses nothing.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::exec::replace_file;
use crate::leptos::digest::sha256;
use crate::record::bench::{BENCH_SCHEMA, BenchRecord, BenchResult, Comparison, Sample, ToolVersion};

/// A run under way.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    pub record: BenchRecord,
}

impl Journal {
    pub fn new(folder: &Path, record: BenchRecord) -> Journal {
        Journal { path: folder.join(format!("{}.json", record.id)), record }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn add(&mut self, sample: Sample) -> anyhow::Result<()> {
        self.record.samples.push(sample);
        self.save()
    }

    pub fn save(&mut self) -> anyhow::Result<()> {
        self.record.updated = chrono::Utc::now().to_rfc3339();
        let mut text = serde_json::to_vec_pretty(&self.record).context("serialise the record")?;
        text.push(b'\n');
        replace_file(&self.path, &text).map(drop)
    }

    /// Whether a sample of this arm and round is there.
    pub fn has(&self, comparison: &str, arm: &str, round: usize) -> bool {
        let wanted =
            |sample: &&Sample| sample.comparison == comparison && sample.arm == arm && sample.round == round;
        self.record.samples.iter().any(|sample| wanted(&sample))
    }
}

/// A digest of all that a run's samples depend on: what is compared, on which machine's tools, and of which sources.
pub fn digest(sources: &str, comparisons: &[Comparison], tools: &[ToolVersion]) -> anyhow::Result<String> {
    let mut comparisons = comparisons.to_vec();
    for comparison in &mut comparisons {
        // What was estimated changes with what was measured.
        comparison.estimated_seconds = None;
    }
    let text = serde_json::to_string(&(sources, comparisons, tools)).context("serialise the plan")?;
    Ok(sha256(&[text.as_bytes()]))
}

/// The newest run in a folder that ended early and had the same plan; its samples need not be taken again. Rounds
/// that are not whole are left out: their samples would not have been taken beside each other.
pub fn resumable(folder: &Path, plan_digest: &str) -> Option<BenchRecord> {
    let mut names: Vec<PathBuf> =
        std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect();
    names.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    names.sort();
    let mut record = names.iter().rev().find_map(|path| {
        let record: BenchRecord = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
        let ended_early = matches!(record.result, BenchResult::Unfinished | BenchResult::Interrupted);
        (record.schema == BENCH_SCHEMA && record.plan_digest == plan_digest && ended_early).then_some(record)
    })?;
    let samples = std::mem::take(&mut record.samples);
    for comparison in &record.comparisons {
        record.samples.extend(whole_rounds(comparison, &samples));
    }
    Some(record)
}

/// The samples of the rounds in which every arm has one that can be measured at all. What showed that one cannot is
/// kept, whichever round it was in.
fn whole_rounds(comparison: &Comparison, samples: &[Sample]) -> Vec<Sample> {
    let of_comparison: Vec<&Sample> =
        samples.iter().filter(|sample| sample.comparison == comparison.id).collect();
    let is_broken =
        |arm: &str| of_comparison.iter().any(|sample| sample.arm == arm && sample.invalid.is_some());
    let is_whole = |round: usize| {
        let mut wanted = comparison.arms.iter().filter(|arm| arm.unavailable.is_none());
        wanted.all(|arm| {
            is_broken(&arm.name)
                || of_comparison.iter().any(|sample| sample.round == round && sample.arm == arm.name)
        })
    };
    let is_kept = |sample: &&&Sample| sample.invalid.is_some() || is_whole(sample.round);
    of_comparison.iter().filter(is_kept).map(|sample| (*sample).clone()).collect()
}

/// The arms that cannot be measured, as [`key`] names them.
pub fn broken(record: &BenchRecord) -> BTreeSet<String> {
    let invalid = record.samples.iter().filter(|sample| sample.invalid.is_some());
    invalid.map(|sample| key(&sample.comparison, &sample.arm)).collect()
}

/// Names an arm among those of all comparisons.
pub fn key(comparison: &str, arm: &str) -> String {
    format!("{comparison} {arm}")
}

#[cfg(test)]
mod tests {
    use super::super::shared_tests::{record, sample};
    use super::*;

    const ID: &str = "cold/cache";

    fn resumed(samples: Vec<Sample>) -> BenchRecord {
        let folder = tempfile::tempdir().unwrap();
        let mut run = record("20261121-103000", ID, &[("none", &[]), ("sccache", &[]), ("kache", &[])]);
        run.result = BenchResult::Unfinished;
        run.samples = samples;
        Journal::new(folder.path(), run).save().unwrap();
        resumable(folder.path(), "plan").unwrap()
    }

    fn told(record: &BenchRecord) -> Vec<(&str, usize)> {
        record.samples.iter().map(|sample| (sample.arm.as_str(), sample.round)).collect()
    }

    #[test]
    fn whole_rounds_are_gone_on_with() {
        let taken = [("none", 1), ("sccache", 1), ("kache", 1), ("kache", 2), ("sccache", 2)];
        let resumed = resumed(taken.map(|(arm, round)| sample(ID, arm, round, 9.0)).to_vec());
        assert_eq!(told(&resumed), [("none", 1), ("sccache", 1), ("kache", 1)]);
        assert!(broken(&resumed).is_empty());
    }

    #[test]
    fn an_arm_that_broke_takes_no_round_with_it_and_is_not_tried_again() {
        let failed = |arm: &str, round: usize| Sample {
            invalid: Some("the build failed".to_owned()),
            ..sample(ID, arm, round, 0.0)
        };
        let mut samples = vec![sample(ID, "none", 1, 9.0), failed("sccache", 1), sample(ID, "kache", 1, 9.0)];
        samples
            .extend([("kache", 2), ("none", 2), ("none", 3)].map(|(arm, round)| sample(ID, arm, round, 9.0)));
        let resumed = resumed(samples);
        assert_eq!(told(&resumed), [("none", 1), ("sccache", 1), ("kache", 1), ("kache", 2), ("none", 2)]);
        assert_eq!(broken(&resumed).into_iter().collect::<Vec<_>>(), ["cold/cache sccache"]);
    }
}
