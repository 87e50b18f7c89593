//! The matrix: which comparisons a run makes, with which arms, how often, and how long that will take. Pure.
//!
//! Axes are compared one at a time, everything else being as usual: all combinations would take days, and a difference
//! could not be blamed on anything. A combination that somebody wants to know is given as a variant.

use super::available::{Availability, Available};
use super::caches::IN_BUCKET;
use super::estimate::Estimates;
use super::plan_time;
use super::request::{Request, told};
use super::scenario::Scenario;
use super::variant::{Axis, Variant};
use crate::record::bench::{Arm, Comparison};

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
    let mut notes = request.without_difference();
    let mut planned = Vec::new();
    let limit = request.budget.unwrap_or(USUAL_BUDGET) - BEGINNING;
    for (scenario, axis, runs) in request.cells() {
        if let Some(reason) = available.impossible.get(&scenario) {
            notes.push(format!("{scenario} is left out: {reason}"));
            continue;
        }
        let Some(candidate) = plan(request, available, scenario, axis, runs, 1) else {
            notes.extend(nothing_to_compare(request, available, axis));
            continue;
        };
        match request.is_limited(scenario) {
            true => notes.extend(fit(&mut planned, candidate, estimates, limit)),
            false => planned.push(candidate),
        }
    }
    if request.is_quick() {
        notes.extend(more_caches(request, available, estimates, limit, &mut planned));
    }
    for variant in &request.variants {
        let usual = Variant::usual(&request.profile);
        for scenario in request.scenarios_of(variant) {
            if let Some(reason) = available.impossible.get(&scenario) {
                notes.push(format!("{scenario} is left out: {reason}"));
                continue;
            }
            let runs = request.runs_of(scenario);
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
    if request.is_alone(scenario) {
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

#[cfg(test)]
#[path = "matrix_tests.rs"]
mod tests;
