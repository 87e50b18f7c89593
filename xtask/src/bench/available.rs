//! What there is to measure: the values of each axis on this machine, and the scenarios of this workspace. Pure.

use std::collections::BTreeMap;

use super::scenario::Scenario;
use super::variant::{Axis, Variant};

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
