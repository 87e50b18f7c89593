//! What was asked for: the scenarios, the axes and how often, said by name or by what is usual. Pure.

use std::collections::BTreeSet;

use super::caches::IN_BUCKET;
use super::scenario::Scenario;
use super::variant::{Axis, Variant};

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

impl Request {
    /// Whether somebody wants a compile cache in a bucket measured: that writes to where others read, so it is not done
    /// by the way.
    pub fn asks_for_bucket(&self) -> bool {
        let names_it = |variant: &Variant| variant.get(Axis::Cache) == IN_BUCKET;
        self.full || self.axes.contains(&Axis::Cache) || self.variants.iter().any(names_it)
    }

    /// The axes on which a request needs more than what is usual; nothing else has to be looked for.
    pub fn needed_axes(&self) -> BTreeSet<Axis> {
        let of_cells = self.cells().into_iter().map(|(_, axis, _)| axis);
        let differs = |variant: &&Variant, axis: &Axis| variant.get(*axis) != Variant::default().get(*axis);
        let of_variants = self.variants.iter();
        let of_variants =
            of_variants.flat_map(|variant| Axis::ALL.into_iter().filter(move |axis| differs(&variant, axis)));
        of_cells.chain(of_variants).collect()
    }

    /// Whether nothing was asked for, so that ten minutes are to say what they can.
    pub(super) fn is_quick(&self) -> bool {
        !self.full && self.scenarios.is_empty() && self.axes.is_empty() && self.variants.is_empty()
    }

    /// Whether minutes limit the samples of a scenario: where somebody gave some, and else where nobody said what or
    /// how often to measure.
    pub(super) fn is_limited(&self, scenario: Scenario) -> bool {
        let is_asked = self.runs.is_some() || self.scenarios.contains(&scenario);
        !self.full && (self.budget.is_some() || !is_asked)
    }

    /// Scenario, axis and runs. A run begins with its cold builds, which all others go on from.
    pub(super) fn cells(&self) -> Vec<(Scenario, Axis, usize)> {
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
        // The whole builds are together, so that they share the usual arm. What needs their results comes after them:
        // first what leaves the sources as they are, then what changes a line of both halves, then what changes the
        // server alone.
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
        let asked = !self.scenarios.is_empty() || !self.axes.is_empty();
        if !self.variants.is_empty() && self.axes.is_empty() && !self.full {
            return Vec::new();
        }
        let cells: Vec<(Scenario, Axis)> = if self.axes.is_empty() && (self.full || asked) {
            whole.to_vec()
        } else if asked {
            // An axis that was asked for is compared in every scenario in which it can make a difference.
            let axes = |scenario| if self.is_alone(scenario) { &[Axis::Driver] } else { &self.axes[..] };
            let scenarios = Scenario::ALL.into_iter();
            scenarios.flat_map(|scenario| axes(scenario).iter().map(move |axis| (scenario, *axis))).collect()
        } else {
            quick.to_vec()
        };
        cells
            .into_iter()
            .filter(|(scenario, axis)| makes_sense(*scenario, *axis))
            .filter(|(scenario, _)| self.scenarios.is_empty() || self.scenarios.contains(scenario))
            .map(|(scenario, axis)| (scenario, axis, self.runs_of(scenario)))
            .collect()
    }

    /// The scenarios in which the variant is compared with the usual one.
    pub(super) fn scenarios_of(&self, variant: &Variant) -> Vec<Scenario> {
        let usual = [Scenario::Cold, Scenario::PatchServer];
        let asked = if self.scenarios.is_empty() { &usual[..] } else { &self.scenarios };
        let differs = |scenario: Scenario| {
            Axis::ALL.into_iter().any(|axis| {
                variant.get(axis) != Variant::default().get(axis)
                    && (makes_sense(scenario, axis) || scenario.is_build())
            })
        };
        asked.iter().copied().filter(|scenario| scenario.is_build() && differs(*scenario)).collect()
    }

    /// Whether the usual build stands alone: who names hot builds wants to know what they take, and they take seconds.
    pub(super) fn is_alone(&self, scenario: Scenario) -> bool {
        let differs = self.axes.is_empty() || self.axes.iter().any(|axis| makes_sense(scenario, *axis));
        scenario == Scenario::Hot && !differs && self.scenarios.contains(&scenario)
    }

    /// What is said of scenarios that were asked for and in which no axis that was asked for can make a difference.
    pub(super) fn without_difference(&self) -> Vec<String> {
        let axes: Vec<String> = self.axes.iter().map(|axis| format!("`{axis}`")).collect();
        let is_told = |scenario: &&Scenario| {
            let differs = self.axes.iter().any(|axis| makes_sense(**scenario, *axis));
            let mut variants = self.variants.iter();
            let has_variant = variants.any(|variant| self.scenarios_of(variant).contains(scenario));
            !axes.is_empty() && !differs && !has_variant
        };
        let told = |scenario: &Scenario| {
            let what = if self.is_alone(*scenario) { "measured as usual alone" } else { "left out" };
            format!("{scenario} is {what}: no value of {} makes a difference there", axes.join(", "))
        };
        self.scenarios.iter().filter(is_told).map(told).collect()
    }

    /// Samples of each arm in the scenario.
    pub(super) fn runs_of(&self, scenario: Scenario) -> usize {
        self.runs.unwrap_or_else(|| self.usual_runs(scenario))
    }

    /// Five and more where one takes seconds, so that their extremes are an interval with a coverage of 94 %.
    fn usual_runs(&self, scenario: Scenario) -> usize {
        match (scenario, self.full) {
            (Scenario::Link, true) => 9,
            (Scenario::Link, false) | (Scenario::Hot, true) => 5,
            (Scenario::PatchServer | Scenario::PatchUi | Scenario::PatchCore, true) => 5,
            (_, true) => 3,
            (Scenario::Hot, false) => 3,
            (_, false) => 1,
        }
    }
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

/// What a variant was asked for as.
pub(super) fn told(variant: &Variant) -> String {
    let differs = |axis: &Axis| variant.get(*axis) != Variant::default().get(*axis);
    let parts: Vec<String> =
        Axis::ALL.into_iter().filter(differs).map(|axis| format!("{axis}={}", variant.get(axis))).collect();
    if parts.is_empty() { "usual".to_owned() } else { parts.join(",") }
}
