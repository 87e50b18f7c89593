//! The compile caches of a run: each is started when a build first needs it, emptied for a cold build, and filled by
//! one for a warm build.

use std::collections::BTreeMap;

use super::caches::{self, Session};
use super::rounds::Build;
use super::run::{Attempt, Bench};
use super::scenario::Scenario;
use super::targets::is_for_others;
use super::variant::{Axis, Variant};
use crate::record::bench::Comparison;

/// A compile cache under way.
pub(super) struct Cached<'a> {
    pub(super) session: Session<'a>,
    /// The builds that it is full of, and how many results of each it could not keep.
    full_of: BTreeMap<String, u64>,
}

impl Bench<'_> {
    /// Starts the cache of a variant, unless it runs.
    pub(super) fn start_cache(&mut self, variant: &Variant) -> Attempt<()> {
        let name = variant.get(Axis::Cache);
        if name == "none" || self.caches.contains_key(name) {
            return Ok(Ok(()));
        }
        let cache = match caches::find(self.exec, name)? {
            Ok(cache) => cache,
            Err(reason) => return Ok(Err(reason)),
        };
        let folder = self.scratch.join("caches").join(name);
        match Session::start(self.exec, &cache, &folder)? {
            Ok(session) => {
                self.caches.insert(name.to_owned(), Cached { session, full_of: BTreeMap::new() });
                Ok(Ok(()))
            }
            Err(reason) => Ok(Err(reason)),
        }
    }

    /// Whether there is to be a build from nothing, without a compile cache, that leaves the same target directory.
    /// Where there is none, as in ten minutes, others go on with what a cache has filled: another build would cost as
    /// much as all the rest, and what follows it runs no build script again.
    pub(super) fn is_planned_without_cache(&self, variant: &Variant) -> bool {
        let is_whole = |comparison: &&Comparison| {
            [Scenario::Cold.name(), Scenario::Warm.name()].contains(&comparison.scenario.as_str())
        };
        let arms = self.journal.record.comparisons.iter().filter(is_whole).flat_map(|one| &one.arms);
        let planned = arms.filter(|arm| arm.unavailable.is_none());
        let mut variants = planned.filter_map(|arm| arm.variant.parse::<Variant>().ok());
        variants.any(|other| is_for_others(&other) && other.target_key() == variant.target_key())
    }

    pub(super) fn empty_cache(&mut self, variant: &Variant) -> Attempt<()> {
        let Some(cached) = self.caches.get_mut(variant.get(Axis::Cache)) else { return Ok(Ok(())) };
        cached.full_of.clear();
        cached.session.empty()
    }

    /// One build fills it, unless it is full of this variant.
    pub(super) fn fill_cache(&mut self, variant: &Variant) -> Attempt<()> {
        let name = variant.get(Axis::Cache);
        let is_full = |cached: &Cached<'_>| cached.full_of.contains_key(&variant.target_key());
        if self.caches.get(name).is_none_or(is_full) {
            return Ok(Ok(()));
        }
        self.exec.ui().status("Preparing", format_args!("{name}: a build that fills it"));
        self.targets.empty()?;
        let before = self.write_errors(name)?;
        let filled = self.untimed(variant)?;
        let after = self.write_errors(name)?;
        match (filled, before, after) {
            (Ok(()), Ok(before), Ok(after)) => {
                self.note_filled(variant, after.saturating_sub(before));
                Ok(Ok(()))
            }
            (Err(reason), ..) | (_, Err(reason), _) | (.., Err(reason)) => Ok(Err(reason)),
        }
    }

    /// The turn of a round, but a cold build through a cache comes before the warm one that would have to fill the
    /// cache otherwise: a run that is gone on with begins with empty ones.
    pub(super) fn filled_first(&self, mut turn: Vec<usize>, builds: &[Build]) -> Vec<usize> {
        let is_full = |variant: &Variant| {
            let cached = self.caches.get(variant.get(Axis::Cache));
            cached.is_some_and(|cached| cached.full_of.contains_key(&variant.target_key()))
        };
        for (index, build) in builds.iter().enumerate() {
            let cold =
                builds.iter().position(|it| it.scenario == Scenario::Cold && it.variant == build.variant);
            if let (Scenario::Warm, Some(cold), false) = (build.scenario, cold, is_full(&build.variant)) {
                let place = |wanted| turn.iter().position(|it| *it == wanted);
                if let (Some(warm), Some(cold)) = (place(index), place(cold))
                    && warm < cold
                {
                    let cold = turn.remove(cold);
                    turn.insert(warm, cold);
                }
            }
        }
        turn
    }

    /// After a build from nothing; `lost` are the results that could not be kept.
    pub(super) fn note_filled(&mut self, variant: &Variant, lost: u64) {
        if let Some(cached) = self.caches.get_mut(variant.get(Axis::Cache)) {
            cached.full_of.insert(variant.target_key(), lost);
        }
    }

    /// How many results of this variant the cache could not keep when it was filled.
    pub(super) fn lost_when_filled(&self, variant: &Variant) -> u64 {
        let cached = self.caches.get(variant.get(Axis::Cache));
        cached.and_then(|cached| cached.full_of.get(&variant.target_key())).copied().unwrap_or(0)
    }

    fn write_errors(&self, name: &str) -> Attempt<u64> {
        let counters = self.caches.get(name).map(|cached| cached.session.counters()).transpose()?;
        Ok(match counters {
            Some(Ok(counters)) => Ok(counters.map_or(0, |counters| counters.write_errors)),
            Some(Err(reason)) => Err(reason),
            None => Ok(0),
        })
    }
}
