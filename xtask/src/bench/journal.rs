//! The file of a run: written again, whole, after every sample, so that whatever ends the run loses nothing.

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
        let of_round = |round: usize| {
            samples.iter().filter(move |sample| sample.comparison == comparison.id && sample.round == round)
        };
        let arms = comparison.arms.iter().filter(|arm| arm.unavailable.is_none()).count();
        for round in 1..=comparison.runs {
            if of_round(round).count() >= arms {
                record.samples.extend(of_round(round).cloned());
            }
        }
    }
    Some(record)
}
