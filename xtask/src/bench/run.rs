//! The run: every comparison, round after round, its arms in turn; a sample is written down before the next one begins.
//!
//! Resets are here, and are not timed. What a sample proves is `evidence`, what follows from all of them `verdict`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;

use super::caches;
use super::checkout::{Checkout, Times};
use super::evidence::{self, Linked};
use super::filling::Cached;
use super::journal::{self, Journal};
use super::matrix::Planned;
use super::rounds::{self, Build};
use super::samples::{failed, forget_fork, minutes, sample, turn};
use super::scenario::Scenario;
use super::subject::Subject;
use super::targets::{self, Targets};
use super::timings::{self, Link};
use super::variant::{Axis, Variant};
use super::{compilers, machine, noise, steps_alone, verdict};
use crate::config::cargo::CargoConfig;
use crate::exec::{Executor, write_back};
use crate::exit::{Exit, hint_of};
use crate::plan::Invocation;
use crate::record::bench::{BenchResult, Comparison, Sample};
use crate::tools::local::{DEFAULT_LINKER, Place};

/// Everything that a run works with.
pub struct Bench<'a> {
    pub exec: &'a Executor,
    pub subject: Subject,
    pub journal: Journal,
    pub(super) checkout: Checkout,
    /// Cargo's configuration in the copy.
    pub(super) cargo_config: CargoConfig,
    pub(super) targets: Targets,
    pub(super) scratch: PathBuf,
    /// The linker script of this run and the linkers that it knows; `None` where linkers cannot be chosen.
    pub(super) place: Option<Place>,
    pub(super) caches: BTreeMap<String, Cached<'a>>,
    /// Arms that failed: `COMPARISON ARM`. They are not tried again.
    pub(super) broken: BTreeSet<String>,
    /// Whether any build of the copy has succeeded.
    pub(super) has_built: bool,
    began: Instant,
    seconds_before: f64,
}

/// How the note begins that tells why nobody knows where the time went.
const NO_TIMELINE: &str = "there is no timeline: ";

/// The file with what was linked, in the scratch folder.
const LINKS: &str = "links.log";

/// What came of an attempt that may fail without ending the run.
pub(super) type Attempt<T> = anyhow::Result<Result<T, String>>;

impl<'a> Bench<'a> {
    /// `folder` is the run's own, below the target directory.
    pub fn new(
        exec: &'a Executor,
        subject: Subject,
        folder: &Path,
        checkout: Checkout,
        place: Option<Place>,
        journal: Journal,
    ) -> anyhow::Result<Bench<'a>> {
        let targets = Targets::new(&checkout.root().join("target"), &folder.join("targets"))?;
        // What an earlier run has left there is not known any more, a full compile cache above all.
        let scratch = folder.join("scratch");
        let _ = fs::remove_dir_all(&scratch);
        fs::create_dir_all(&scratch).with_context(|| format!("create `{}`", scratch.display()))?;
        Ok(Bench {
            exec,
            scratch,
            broken: journal::broken(&journal.record),
            seconds_before: journal.record.seconds,
            subject,
            journal,
            cargo_config: CargoConfig::read(checkout.root())?,
            checkout,
            targets,
            place,
            caches: BTreeMap::new(),
            has_built: false,
            began: Instant::now(),
        })
    }

    /// Stops the caches' servers, and gives what was measured.
    pub fn end(mut self) -> Journal {
        for (name, cached) in std::mem::take(&mut self.caches) {
            if let Err(error) = cached.session.stop() {
                self.exec.ui().note(format_args!("the server of {name} may run on: {error:#}"));
            }
        }
        self.journal
    }

    /// Measures everything that is not measured yet. Whatever happens, what was measured is written down.
    pub fn run(&mut self, planned: &[Planned]) -> anyhow::Result<()> {
        let result = self.all(planned);
        let record = &mut self.journal.record;
        record.result = match &result {
            Ok(()) if self.broken.is_empty() => BenchResult::Ok,
            Ok(()) => BenchResult::Failed,
            Err(error) if matches!(Exit::of(error), Exit::Interrupted(_)) => BenchResult::Interrupted,
            // A full disk, a lost permission: once that is mended, the run can be gone on with.
            Err(_) => BenchResult::Unfinished,
        };
        record.seconds = self.seconds_before + self.began.elapsed().as_secs_f64();
        let (noise, cores) = (record.noise.as_ref(), record.host.cores);
        record.verdicts = verdict::verdicts(&record.comparisons, &record.samples, noise, cores);
        let saved = self.journal.save();
        // Why it ended matters more than a record that could not be written.
        result.and(saved)
    }

    fn all(&mut self, planned: &[Planned]) -> anyhow::Result<()> {
        if self.journal.record.noise.is_some() && !self.is_any_left(planned) {
            return Ok(());
        }
        self.fetch()?;
        self.noise(self.seconds_left(planned))?;
        for group in rounds::groups(planned) {
            if !self.is_any_left(group) {
                continue;
            }
            let left = self.seconds_left(planned);
            let told = if left > 0.0 { format!(", about {} to go", minutes(left)) } else { String::new() };
            let ids: Vec<&str> = group.iter().map(|planned| planned.comparison.id.as_str()).collect();
            self.exec.ui().status("Comparing", format_args!("{}{told}", ids.join(", ")));
            match group {
                [alone] if alone.scenario == Scenario::Link => steps_alone::links(self, alone)?,
                [alone] if alone.scenario == Scenario::WasmOpt => steps_alone::wasm_opt(self, alone)?,
                _ => self.builds(group)?,
            }
        }
        Ok(())
    }

    /// Downloads what the builds need, so that the network is never timed. Without a network, what is there has to do.
    fn fetch(&self) -> anyhow::Result<()> {
        let fetch = Invocation::new(&self.subject.cargo, self.checkout.root()).args(["fetch", "--quiet"]);
        self.exec.ui().status("Fetching", "dependencies");
        match self.exec.run(&fetch) {
            Err(error) if matches!(Exit::of(&error), Exit::Interrupted(_)) => Err(error),
            Err(error) => {
                self.exec.ui().note(format_args!("dependencies were not fetched: {error:#}"));
                Ok(())
            }
            Ok(_) => Ok(()),
        }
    }

    /// `seconds` is what the run takes by estimate.
    fn noise(&mut self, seconds: f64) -> anyhow::Result<()> {
        self.exec.ui().status("Measuring", "this machine's noise");
        self.quiet_disk();
        let (folder, budget) = (self.scratch.join("noise"), machine::budget(seconds));
        let runs = machine::compilations(self.exec, &self.subject.rustc, &folder, budget)?;
        let foreign: Vec<f64> = runs.iter().filter_map(|run| run.foreign_cores).collect();
        let foreign = super::estimate::median(foreign);
        let noise = noise::noise(runs.iter().map(|run| run.seconds).collect(), foreign);
        self.exec.ui().note(format_args!("equal runs differ by {:.1} % here", noise.floor * 100.0));
        let record = &mut self.journal.record;
        record.noise = Some(noise::noisier(record.noise.take(), noise));
        self.journal.save()
    }

    /// What was copied, deleted and built before is written first: a busy disk makes the next sample slow.
    pub(super) fn quiet_disk(&self) {
        write_back(&self.scratch);
    }

    /// Comparisons that take their samples together: each build of a round is made once.
    fn builds(&mut self, group: &[Planned]) -> anyhow::Result<()> {
        let builds = rounds::builds(group);
        let rounds = group.iter().map(|planned| planned.comparison.runs).max().unwrap_or(0);
        for round in 1..=rounds {
            for index in self.filled_first(turn(round, builds.len()), &builds) {
                let build = &builds[index];
                let arms = build.arms.iter().map(|(place, arm)| {
                    let comparison = &group[*place].comparison;
                    (comparison, comparison.arms[*arm].name.as_str())
                });
                let wanted: Vec<(&Comparison, &str)> = arms
                    .filter(|(comparison, arm)| {
                        round <= comparison.runs && self.is_wanted(comparison, arm, round)
                    })
                    .collect();
                let Some((comparison, arm)) = wanted.first() else { continue };
                self.tell(comparison, arm, round);
                let taken = self.build(build, comparison, arm, round)?;
                for (comparison, arm) in wanted {
                    let sample = match &taken {
                        Ok(sample) => Sample {
                            comparison: comparison.id.clone(),
                            arm: arm.to_owned(),
                            ..sample.clone()
                        },
                        Err(reason) => failed(comparison, arm, round, reason.clone()),
                    };
                    self.add(sample)?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn tell(&self, comparison: &Comparison, arm: &str, round: usize) {
        let round =
            if comparison.runs > 1 { format!(", {round} of {}", comparison.runs) } else { String::new() };
        self.exec.ui().status("Measuring", format_args!("{}: {arm}{round}", comparison.id));
    }

    fn build(&mut self, build: &Build, comparison: &Comparison, arm: &str, round: usize) -> Attempt<Sample> {
        let (scenario, variant) = (build.scenario, &build.variant);
        if let Err(reason) = self.start_cache(variant)? {
            return Ok(Err(reason));
        }
        if let Err(reason) = self.prepare(scenario, variant)? {
            return Ok(Err(reason));
        }
        let log = self.scratch.join(LINKS);
        let _ = fs::remove_file(&log);
        let command = self.sampled(scenario, variant);
        let cache = variant.get(Axis::Cache);
        let cached = self.caches.get(cache);
        let before = match cached.map(|cached| cached.session.counters()).transpose()? {
            Some(Err(reason)) => return Ok(Err(reason)),
            Some(Ok(counters)) => counters,
            None => None,
        };
        if let (Scenario::Cold, Some(before)) = (scenario, &before)
            && let Some(reason) = evidence::left_in_cache(cache, before)
        {
            return Ok(Err(reason));
        }
        self.quiet_disk();
        let friends: Vec<u32> = cached.and_then(|cached| cached.session.process()).into_iter().collect();
        let measured = self.exec.measure(&command, &friends)?;
        if !measured.success {
            self.targets.forget();
            return Ok(Err(self.failure(&measured)?));
        }
        self.has_built = true;
        let built = match evidence::read_build(&measured.stdout) {
            Ok(built) => built,
            Err(error) => return Ok(Err(format!("{error:#}"))),
        };
        let links = evidence::read_links(&fs::read_to_string(&log).unwrap_or_default());
        let server = self.targets.path().join(self.subject.server_of(variant.get(Axis::Profile)));
        let mut activity = evidence::of_build(&built, &links, &server);
        if let (Some(cached), Some(before)) = (self.caches.get(cache), before) {
            let told = match cached.session.counters()? {
                Ok(Some(after)) => caches::activity(cache, &before, &after),
                Ok(None) => Err("it does not count".to_owned()),
                Err(reason) => Err(reason),
            };
            match told {
                Ok(cache) => activity.cache = Some(cache),
                Err(reason) => return Ok(Err(reason)),
            }
        }
        let package = self.subject.lines.get(&scenario).map(|line| line.package.as_str());
        let mut invalid = evidence::contradiction(scenario, variant, &built, &activity, package);
        if scenario == Scenario::Warm {
            let lost = self.lost_when_filled(variant);
            invalid = invalid.or_else(|| evidence::missing_in_cache(cache, lost, &activity));
        }
        let compiled = activity.compiled.unwrap_or(0);
        if scenario == Scenario::WarmTarget && variant.get(Axis::Mtimes) == "content" {
            let of_new_files = self.compiled_of_new_files(comparison);
            invalid = invalid.or_else(|| evidence::without_effect(compiled, of_new_files));
        }
        let (server, jobs) = (&self.subject.server_crate, self.jobs());
        let other_compiler = || compilers::contradiction(variant, compiled, &measured.stderr, server, jobs);
        invalid = invalid.or_else(other_compiler);
        if invalid.is_none() && timings::is_wanted(&self.journal.record, scenario, variant) {
            self.timeline(comparison, arm, &links);
        }
        self.built(scenario, variant, activity.cache.as_ref().map_or(0, |cache| cache.write_errors));
        let mut sample = sample(comparison, arm, round, &measured);
        forget_fork(&mut sample, variant.get(Axis::Linker), false);
        Ok(Ok(Sample { activity, sizes: built.sizes, steps: built.steps, invalid, ..sample }))
    }

    /// Brings about the state that the scenario starts from. Nothing in here is timed.
    fn prepare(&mut self, scenario: Scenario, variant: &Variant) -> Attempt<()> {
        let key = variant.target_key();
        self.checkout.age()?;
        match scenario {
            Scenario::Cold | Scenario::Warm => {
                self.checkout.restore()?;
                if scenario == Scenario::Warm {
                    if let Err(reason) = self.fill_cache(variant)? {
                        return Ok(Err(reason));
                    }
                } else if let Err(reason) = self.empty_cache(variant)? {
                    return Ok(Err(reason));
                }
                self.targets.empty()?;
            }
            Scenario::WarmTarget => {
                self.checkout.restore()?;
                if let Err(reason) = self.settle(variant, None)? {
                    return Ok(Err(reason));
                }
                self.targets.restore_copy(self.exec, &key)?;
                let kept = variant.get(Axis::Mtimes) == "content";
                self.checkout.check_out_again(if kept { Times::OfContent } else { Times::Now })?;
            }
            Scenario::PatchServer | Scenario::PatchUi | Scenario::PatchCore => {
                let file = self.subject.lines.get(&scenario).map(|line| line.file.clone());
                let file = file.context("a patch scenario without a line")?;
                if let Err(reason) = self.settle(variant, Some(&file))? {
                    return Ok(Err(reason));
                }
                self.checkout.patch(&file)?;
            }
            _ => {
                if let Err(reason) = self.settle(variant, None)? {
                    return Ok(Err(reason));
                }
                // A build that differs in any variable is looked through by cargo once, and known from then on.
                if scenario == Scenario::Hot {
                    return self.untimed_as(&self.sampled(scenario, variant));
                }
            }
        }
        Ok(Ok(()))
    }

    /// The command of a sample, and where its links are written down.
    fn sampled(&self, scenario: Scenario, variant: &Variant) -> Invocation {
        self.command(variant, timings::is_timed(scenario), Some(&self.scratch.join(LINKS)))
    }

    /// Everything is built with this variant, but for changes of the one file, which are the next sample's.
    pub(super) fn settle(&mut self, variant: &Variant, file: Option<&Path>) -> Attempt<()> {
        let key = variant.target_key();
        self.checkout.age()?;
        self.targets.take(&key)?;
        if self.targets.is_built(&key, &self.checkout, file) {
            return Ok(Ok(()));
        }
        self.exec.ui().status("Preparing", "a build that is not timed");
        if let Some(other) = variant.begins_with() {
            self.targets.begin_with(self.exec, &key, &other.target_key())?;
        }
        let plain = variant.with(Axis::Cache, "none").with(Axis::Linker, DEFAULT_LINKER);
        self.untimed(&plain)
    }

    /// A build that is not timed, in the target directory that is there.
    pub(super) fn untimed(&mut self, variant: &Variant) -> Attempt<()> {
        self.untimed_as(&self.command(variant, false, None))
    }

    fn untimed_as(&mut self, command: &Invocation) -> Attempt<()> {
        let measured = self.exec.measure(command, &[])?;
        if !measured.success {
            self.targets.forget();
            return Ok(Err(self.failure(&measured)?));
        }
        self.has_built = true;
        self.targets.note_built(&self.checkout);
        Ok(Ok(()))
    }

    /// What cargo compiled in this comparison's latest build in which every file was new.
    fn compiled_of_new_files(&self, comparison: &Comparison) -> Option<usize> {
        let is_new = |name: &str| {
            let arm = comparison.arms.iter().find(|arm| arm.name == name);
            let variant = arm.and_then(|arm| arm.variant.parse::<Variant>().ok());
            variant.is_some_and(|variant| variant.get(Axis::Mtimes) == "checkout")
        };
        let mut samples = self.journal.record.samples.iter().rev();
        let valid =
            samples.find(|it| it.comparison == comparison.id && it.invalid.is_none() && is_new(&it.arm))?;
        valid.activity.compiled
    }

    /// After a timed build: what its target directory and its cache are good for. `lost` are the results that the cache
    /// could not keep.
    fn built(&mut self, scenario: Scenario, variant: &Variant, lost: u64) {
        match scenario {
            Scenario::Cold | Scenario::Warm => {
                if targets::is_for_others(variant) || !self.is_planned_without_cache(variant) {
                    self.targets.keep_as(&variant.target_key(), &self.checkout);
                }
                if scenario == Scenario::Cold {
                    self.note_filled(variant, lost);
                }
            }
            // A restored copy is nobody's.
            Scenario::WarmTarget => {}
            _ => self.targets.note_built(&self.checkout),
        }
    }

    pub(super) fn jobs(&self) -> usize {
        self.journal.record.host.cores.unwrap_or(1)
    }

    /// Where the time of a build went. That is told where it can be; a report is no reason to lose a sample.
    fn timeline(&mut self, comparison: &Comparison, arm: &str, links: &[Linked]) {
        let told = timings::kept(self.targets.path()).and_then(|kept| {
            let link = |link: &Linked| Link::of(&link.output, link.start - kept.began, link.seconds);
            let links: Vec<Link> = links.iter().map(link).collect();
            timings::timeline(&comparison.id, arm, &kept.halves, kept.steps, &links, self.jobs())
        });
        match told {
            Ok(timeline) => self.journal.record.timelines.push(timeline),
            Err(error) => {
                let hint = hint_of(&error).map(|hint| format!("; {hint}")).unwrap_or_default();
                let notes = &mut self.journal.record.notes;
                // What is wrong with one report is wrong with all of them.
                if !notes.iter().any(|note| note.starts_with(NO_TIMELINE)) {
                    notes.push(format!("{NO_TIMELINE}{error:#}{hint}"));
                }
            }
        }
    }
}
