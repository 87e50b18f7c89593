//! What is still to be measured: everything at first, and in a run that is gone on with what the earlier one left.

use super::journal;
use super::matrix::Planned;
use super::run::Bench;
use crate::record::bench::Comparison;

impl Bench<'_> {
    /// Whether a sample is still to be taken.
    pub(super) fn is_wanted(&self, comparison: &Comparison, arm: &str, round: usize) -> bool {
        let unavailable =
            comparison.arms.iter().any(|other| other.name == arm && other.unavailable.is_some());
        let is_broken = |arm: &str| self.broken.contains(&journal::key(&comparison.id, arm));
        // Where what an arm is compared with cannot be measured, its samples say nothing.
        let has_baseline = comparison.arms.first().is_none_or(|baseline| !is_broken(&baseline.name));
        let has_sample = self.journal.has(&comparison.id, arm, round);
        !unavailable && has_baseline && !is_broken(arm) && !has_sample
    }

    /// Whether any sample of these comparisons is still to be taken.
    pub(super) fn is_any_left(&self, planned: &[Planned]) -> bool {
        planned.iter().any(|planned| self.share_left(&planned.comparison) > 0.0)
    }

    /// Seconds that these comparisons still take by estimate.
    pub(super) fn seconds_left(&self, planned: &[Planned]) -> f64 {
        let seconds = |planned: &Planned| {
            planned.comparison.estimated_seconds.unwrap_or(0.0) * self.share_left(&planned.comparison)
        };
        planned.iter().map(seconds).sum()
    }

    /// The share of a comparison's samples that are still to be taken, of those that can be.
    fn share_left(&self, comparison: &Comparison) -> f64 {
        let there = comparison.arms.iter().filter(|arm| arm.unavailable.is_none());
        let all: Vec<(&str, usize)> = there
            .flat_map(|arm| (1..=comparison.runs).map(move |round| (arm.name.as_str(), round)))
            .collect();
        let wanted = all.iter().filter(|(arm, round)| self.is_wanted(comparison, arm, *round)).count();
        if all.is_empty() { 0.0 } else { wanted as f64 / all.len() as f64 }
    }
}
