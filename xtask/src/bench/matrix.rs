//! The matrix: which comparisons a run makes, with which arms, how often, and how long that will take. Pure.
//!
//! Axes are compared one at a time, everything else being as usual: all combinations would take days, and a difference
//! could not be blamed on anything. A combination that somebody wants to know is given as a variant.

use std::collections::{BTreeMap, BTreeSet};

use super::caches::IN_BUCKET;
use super::estimate::Estimates;
use super::plan_time;
use super::scenario::Scenario;
use super::variant::{Axis, Variant};
use crate::record::bench::{Arm, Comparison};

/// What was asked for. Empty lists mean what is usual.
#[derive(Clone, Debug, Default)]
pub struct Request {
    pub profile: String,
    pub scenarios: Vec<Scenario>,
    pub axes: Vec<Axis>,
    /// Compared with the usual variant in each scenario.
    pub variants: Vec<Variant>,
    /// Samples of each arm.
    pub runs: Option<usize>,
    /// The whole matrix, however long it takes.
    pub full: bool,
    /// Seconds that the run may take by estimate, where somebody said so: it is kept whatever else was asked for.
    pub budget: Option<f64>,
}

/// What this machine and this workspace have.
#[derive(Clone, Debug, Default)]
pub struct Available {
    /// Each value of an axis with its version, or why it cannot be measured. A value that is not in here is not there.
    pub values: BTreeMap<(Axis, String), Availability>,
    /// Profiles of the workspace that a server can be built with.
    pub profiles: Vec<String>,
    /// Scenarios that this workspace cannot have, with the reason.
    pub impossible: BTreeMap<Scenario, String>,
}

/// Whether a value can be measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Availability {
    Yes { version: Option<String> },
    No { reason: String },
}

/// A comparison with the variant behind each of its arms.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    pub comparison: Comparison,
    pub scenario: Scenario,
    /// One for each arm.
    pub variants: Vec<Variant>,
}

/// Seconds that a run may take by estimate where nothing else is said: ten minutes.
const USUAL_BUDGET: f64 = 600.0;

/// What it takes before the first sample: the copy, a look at the dependencies, the noise. Measured on one app.
const BEGINNING: f64 = 30.0;

/// The comparisons in the order in which they are made, and what is left out with the reason.
pub fn matrix(
    request: &Request,
    available: &Available,
    estimates: &Estimates,
) -> (Vec<Planned>, Vec<String>) {
    let mut notes = without_difference(request);
    let mut planned = Vec::new();
    let limit = request.budget.unwrap_or(USUAL_BUDGET) - BEGINNING;
    for (scenario, axis, runs) in cells(request) {
        if let Some(reason) = available.impossible.get(&scenario) {
            notes.push(format!("{scenario} is left out: {reason}"));
            continue;
        }
        let Some(candidate) = plan(request, available, scenario, axis, runs, 1) else {
            notes.extend(nothing_to_compare(request, available, axis));
            continue;
        };
        match is_limited(request, scenario) {
            true => notes.extend(fit(&mut planned, candidate, estimates, limit)),
            false => planned.push(candidate),
        }
    }
    if is_quick(request) {
        notes.extend(more_caches(request, available, estimates, limit, &mut planned));
    }
    for variant in &request.variants {
        let usual = Variant::usual(&request.profile);
        for scenario in scenarios_of(request, variant) {
            if let Some(reason) = available.impossible.get(&scenario) {
                notes.push(format!("{scenario} is left out: {reason}"));
                continue;
            }
            let runs = request.runs.unwrap_or_else(|| usual_runs(scenario, request.full));
            let arms = vec![usual.clone(), usual.overlaid(variant)];
            let candidate = comparison(available, scenario, "variant", arms, runs, |arm| {
                if arm == &usual { "usual".to_owned() } else { told(variant) }
            });
            match request.budget.is_some() {
                true => notes.extend(fit(&mut planned, candidate, estimates, limit)),
                false => planned.push(candidate),
            }
        }
    }
    notes.dedup();
    let seconds = plan_time::seconds(&planned, estimates);
    for (planned, seconds) in planned.iter_mut().zip(seconds) {
        planned.comparison.estimated_seconds = seconds;
    }
    (planned, notes)
}

/// Whether somebody wants a compile cache in a bucket measured: that writes to where others read, so it is not done by
/// the way.
pub fn asks_for_bucket(request: &Request) -> bool {
    let names_it = |variant: &Variant| variant.get(Axis::Cache) == IN_BUCKET;
    request.full || request.axes.contains(&Axis::Cache) || request.variants.iter().any(names_it)
}

/// Why an axis that was asked for is not compared, where that is because none of its values is there.
fn nothing_to_compare(request: &Request, available: &Available, axis: Axis) -> Option<String> {
    let first = axis.values().get(1)?;
    match available.get(axis, first) {
        Availability::No { reason } if request.axes.contains(&axis) => {
            Some(format!("the axis {axis} is left out: {reason}"))
        }
        _ => None,
    }
}

/// Whether nothing was asked for, so that ten minutes are to say what they can.
fn is_quick(request: &Request) -> bool {
    !request.full && request.scenarios.is_empty() && request.axes.is_empty() && request.variants.is_empty()
}

/// Whether minutes limit the samples of a scenario: where somebody gave some, and else where nobody said what or how
/// often to measure.
fn is_limited(request: &Request, scenario: Scenario) -> bool {
    let is_asked = request.runs.is_some() || request.scenarios.contains(&scenario);
    !request.full && (request.budget.is_some() || !is_asked)
}

/// Takes a comparison into the plan, with fewer runs where it does not fit; gives the note that says so.
fn fit(planned: &mut Vec<Planned>, candidate: Planned, estimates: &Estimates, limit: f64) -> Option<String> {
    let (id, wanted) = (candidate.comparison.id.clone(), candidate.comparison.runs);
    planned.push(candidate);
    while let Some(last) = planned.last_mut()
        && last.comparison.runs > 0
    {
        let runs = last.comparison.runs;
        if plan_time::total(planned, estimates).is_none_or(|seconds| seconds <= limit) {
            let fewer =
                format!("{id}: {runs} of each arm instead of {wanted}, for want of minutes (`--minutes`)");
            return (runs < wanted).then_some(fewer);
        }
        if let Some(last) = planned.last_mut() {
            last.comparison.runs -= 1;
        }
    }
    planned.pop();
    Some(format!(
        "{id} is left out: it would take longer than what is left of the run's minutes (`--minutes`)"
    ))
}

/// Further caches beside the best one, where there is time for filling and for using them.
fn more_caches(
    request: &Request,
    available: &Available,
    estimates: &Estimates,
    limit: f64,
    planned: &mut Vec<Planned>,
) -> Vec<String> {
    let mut notes = Vec::new();
    for (count, cache) in (1..).zip(caches_there(available)).skip(1) {
        let mut more = planned.clone();
        for one in
            more.iter_mut().filter(|one| ["cold/cache", "warm/cache"].contains(&one.comparison.id.as_str()))
        {
            let runs = one.comparison.runs;
            if let Some(with) = plan(request, available, one.scenario, Axis::Cache, runs, count) {
                *one = with;
            }
        }
        if more == *planned || plan_time::total(&more, estimates).is_some_and(|seconds| seconds > limit) {
            notes.push(format!(
                "warm builds with {cache} are left out: filling it would take longer than what is left of the run's \
                 minutes; `cargo xtask bench --scenario cold,warm --axis cache` compares all caches"
            ));
            break;
        }
        *planned = more;
    }
    notes
}

/// The axes on which a request needs more than what is usual; nothing else has to be looked for.
pub fn axes(request: &Request) -> BTreeSet<Axis> {
    let of_cells = cells(request).into_iter().map(|(_, axis, _)| axis);
    let differs = |variant: &&Variant, axis: &Axis| variant.get(*axis) != Variant::default().get(*axis);
    let of_variants = request.variants.iter();
    let of_variants =
        of_variants.flat_map(|variant| Axis::ALL.into_iter().filter(move |axis| differs(&variant, axis)));
    of_cells.chain(of_variants).collect()
}

/// Scenario, axis and runs. A run begins with its cold builds, which all others go on from.
fn cells(request: &Request) -> Vec<(Scenario, Axis, usize)> {
    use Scenario::*;
    let quick = [
        (Cold, Axis::Cache),
        (Warm, Axis::Cache),
        (Link, Axis::Linker),
        (Hot, Axis::Driver),
        (PatchServer, Axis::Linker),
        (PatchUi, Axis::Driver),
        (PatchCore, Axis::Driver),
    ];
    // The whole builds are together, so that they share the usual arm. What needs their results comes after them: first
    // what leaves the sources as they are, then what changes a line of both halves, then what changes the server alone.
    let whole = [
        (Cold, Axis::Cache),
        (Warm, Axis::Cache),
        (Cold, Axis::Driver),
        (Cold, Axis::Profile),
        (Cold, Axis::Compiler),
        (Hot, Axis::Driver),
        (WarmTarget, Axis::Mtimes),
        (PatchUi, Axis::Driver),
        (PatchCore, Axis::Driver),
        (Link, Axis::Linker),
        (WasmOpt, Axis::WasmOpt),
        (PatchServer, Axis::Linker),
        (PatchServer, Axis::Debug),
    ];
    let asked = !request.scenarios.is_empty() || !request.axes.is_empty();
    if !request.variants.is_empty() && request.axes.is_empty() && !request.full {
        return Vec::new();
    }
    let cells: Vec<(Scenario, Axis)> = if request.axes.is_empty() && (request.full || asked) {
        whole.to_vec()
    } else if asked {
        // An axis that was asked for is compared in every scenario in which it can make a difference.
        let axes = |scenario| if is_alone(request, scenario) { &[Axis::Driver] } else { &request.axes[..] };
        let scenarios = Scenario::ALL.into_iter();
        scenarios.flat_map(|scenario| axes(scenario).iter().map(move |axis| (scenario, *axis))).collect()
    } else {
        quick.to_vec()
    };
    cells
        .into_iter()
        .filter(|(scenario, axis)| makes_sense(*scenario, *axis))
        .filter(|(scenario, _)| request.scenarios.is_empty() || request.scenarios.contains(scenario))
        .map(|(scenario, axis)| {
            (scenario, axis, request.runs.unwrap_or_else(|| usual_runs(scenario, request.full)))
        })
        .collect()
}

/// Whether the axis can make a difference in the scenario.
fn makes_sense(scenario: Scenario, axis: Axis) -> bool {
    match (scenario, axis) {
        (Scenario::Link, axis) => axis == Axis::Linker,
        (Scenario::WasmOpt, axis) => axis == Axis::WasmOpt,
        (Scenario::WarmTarget, axis) => axis == Axis::Mtimes,
        (_, Axis::WasmOpt | Axis::Mtimes) => false,
        (Scenario::Warm, axis) => axis == Axis::Cache,
        (Scenario::Hot, axis) => matches!(axis, Axis::Driver | Axis::Profile),
        _ => true,
    }
}

/// Whether the usual build stands alone: who names hot builds wants to know what they take, and they take seconds.
fn is_alone(request: &Request, scenario: Scenario) -> bool {
    let differs = request.axes.is_empty() || request.axes.iter().any(|axis| makes_sense(scenario, *axis));
    scenario == Scenario::Hot && !differs && request.scenarios.contains(&scenario)
}

/// What is said of scenarios that were asked for and in which no axis that was asked for can make a difference.
fn without_difference(request: &Request) -> Vec<String> {
    let axes: Vec<String> = request.axes.iter().map(|axis| format!("`{axis}`")).collect();
    let is_told = |scenario: &&Scenario| {
        let differs = request.axes.iter().any(|axis| makes_sense(**scenario, *axis));
        let mut variants = request.variants.iter();
        let has_variant = variants.any(|variant| scenarios_of(request, variant).contains(scenario));
        !axes.is_empty() && !differs && !has_variant
    };
    let told = |scenario: &Scenario| {
        let what = if is_alone(request, *scenario) { "measured as usual alone" } else { "left out" };
        format!("{scenario} is {what}: no value of {} makes a difference there", axes.join(", "))
    };
    request.scenarios.iter().filter(is_told).map(told).collect()
}

fn scenarios_of(request: &Request, variant: &Variant) -> Vec<Scenario> {
    let usual = [Scenario::Cold, Scenario::PatchServer];
    let asked = if request.scenarios.is_empty() { &usual[..] } else { &request.scenarios };
    let differs = |scenario: Scenario| {
        Axis::ALL.into_iter().any(|axis| {
            variant.get(axis) != Variant::default().get(axis)
                && (makes_sense(scenario, axis) || scenario.is_build())
        })
    };
    asked.iter().copied().filter(|scenario| scenario.is_build() && differs(*scenario)).collect()
}

/// Samples of each arm: five and more where one takes seconds, so that their extremes are an interval with a coverage
/// of 94 %.
fn usual_runs(scenario: Scenario, full: bool) -> usize {
    match (scenario, full) {
        (Scenario::Link, true) => 9,
        (Scenario::Link, false) | (Scenario::Hot, true) => 5,
        (Scenario::PatchServer | Scenario::PatchUi | Scenario::PatchCore, true) => 5,
        (_, true) => 3,
        (Scenario::Hot, false) => 3,
        (_, false) => 1,
    }
}

/// One comparison. `caches` is how many compile caches a quick run has time for.
fn plan(
    request: &Request,
    available: &Available,
    scenario: Scenario,
    axis: Axis,
    runs: usize,
    caches: usize,
) -> Option<Planned> {
    let usual = Variant::usual(&request.profile);
    let mut values: Vec<String> = match axis {
        Axis::Profile => {
            let others = available.profiles.iter().filter(|profile| **profile != request.profile);
            std::iter::once(&request.profile).chain(others).cloned().collect()
        }
        _ => axis.values().iter().map(|value| (*value).to_owned()).collect(),
    };
    let asked = request.full || request.axes.contains(&axis) || request.scenarios.contains(&scenario);
    if !asked {
        // A quick run measures what is there, and a slow scenario once.
        let is_there = |value: &String| matches!(available.get(axis, value), Availability::Yes { .. });
        values.retain(|value| is_there(value));
        let slow = matches!(
            scenario,
            Scenario::Cold | Scenario::PatchUi | Scenario::PatchCore | Scenario::PatchServer
        );
        if slow || scenario == Scenario::Hot {
            values.truncate(1);
        }
        if matches!(scenario, Scenario::Cold | Scenario::Warm) && axis == Axis::Cache {
            // The one cold build fills the cache that the warm ones then use; without one it is what it is.
            values = caches_there(available).into_iter().take(caches).map(str::to_owned).collect();
            if values.is_empty() && scenario == Scenario::Warm {
                return None;
            }
            if values.is_empty() {
                values = vec!["none".to_owned()];
            }
        }
    }
    if is_alone(request, scenario) {
        values.truncate(1);
    }
    if axis == Axis::Compiler && values.iter().skip(1).all(|value| !available.is_there(axis, value)) {
        return None;
    }
    if values.len() < 2 && request.axes.contains(&axis) {
        return None;
    }
    let variants: Vec<Variant> = values.iter().map(|value| usual.with(axis, value)).collect();
    Some(comparison(available, scenario, axis.name(), variants, runs, |variant| variant.get(axis).to_owned()))
}

/// Those that give back the most first.
fn caches_there(available: &Available) -> Vec<&'static str> {
    let order = ["kache", "sccache", IN_BUCKET];
    order.into_iter().filter(|cache| available.is_there(Axis::Cache, cache)).collect()
}

fn comparison(
    available: &Available,
    scenario: Scenario,
    axis: &str,
    variants: Vec<Variant>,
    runs: usize,
    name: impl Fn(&Variant) -> String,
) -> Planned {
    let arm = |variant: &Variant| {
        let (version, unavailable) = available.of(variant);
        Arm { name: name(variant), version, variant: variant.to_string(), unavailable }
    };
    let mut planned = Planned {
        comparison: Comparison {
            id: format!("{scenario}/{axis}"),
            scenario: scenario.name().to_owned(),
            axis: axis.to_owned(),
            arms: variants.iter().map(arm).collect(),
            runs,
            estimated_seconds: None,
        },
        scenario,
        variants,
    };
    if axis == "variant" {
        let arms = planned.comparison.arms.iter().skip(1).map(|arm| arm.name.clone());
        planned.comparison.id = format!("{scenario}/{}", arms.collect::<Vec<_>>().join("+"));
    }
    planned
}

/// What a variant was asked for as.
pub(super) fn told(variant: &Variant) -> String {
    let differs = |axis: &Axis| variant.get(*axis) != Variant::default().get(*axis);
    let parts: Vec<String> =
        Axis::ALL.into_iter().filter(differs).map(|axis| format!("{axis}={}", variant.get(axis))).collect();
    if parts.is_empty() { "usual".to_owned() } else { parts.join(",") }
}

impl Available {
    pub fn get(&self, axis: Axis, value: &str) -> Availability {
        let is_usual = axis.values().first() == Some(&value) || axis == Axis::Profile;
        let there = || Availability::Yes { version: None };
        let absent = || Availability::No { reason: "it is not on this machine".to_owned() };
        let known = self.values.get(&(axis, value.to_owned())).cloned();
        known.unwrap_or_else(|| if is_usual { there() } else { absent() })
    }

    pub fn is_there(&self, axis: Axis, value: &str) -> bool {
        matches!(self.get(axis, value), Availability::Yes { .. })
    }

    /// The version of what a variant differs by, and why the variant cannot be measured.
    pub(super) fn of(&self, variant: &Variant) -> (Option<String>, Option<String>) {
        let mut found = None;
        for axis in Axis::ALL {
            match self.get(axis, variant.get(axis)) {
                Availability::Yes { version } => found = found.or(version),
                Availability::No { reason } => return (None, Some(reason)),
            }
        }
        (found, None)
    }
}

#[cfg(test)]
#[path = "matrix_tests.rs"]
mod tests;
