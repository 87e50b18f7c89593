//! The record of one look at a service's variables. There are no values in it.

use serde::Serialize;

use super::deploy::ServiceName;

/// The layout of [`VarsCheck`].
pub const VARS_SCHEMA: &str = "xtask.deploy-vars/1";

/// What a service has of what the app expects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VarsCheck {
    /// The layout of this record.
    pub schema: &'static str,
    pub service: ServiceName,
    /// Those that are expected in the order of the file, then the others by name.
    pub variables: Vec<VariableRow>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VariableRow {
    pub name: String,
    /// Whether the app does not start without it; `None` where nobody expects it.
    pub required: Option<bool>,
    pub state: VariableState,
    /// What its value refers to, e.g. `Postgres.DATABASE_URL`.
    pub references: Vec<String>,
}

/// What is the case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum VariableState {
    Set,
    /// By Railway itself, or by the deployment.
    Given,
    /// Not set, and the app has a default.
    Default,
    /// Set, and nobody expects it.
    Extra,
    /// Required, and not set.
    Missing,
    /// Required, and set to nothing.
    Empty,
    /// It refers to something that is not there.
    LeadsNowhere,
}

impl VariableState {
    /// Whether the app would not start, or not with what it was meant to have.
    pub fn is_wrong(self) -> bool {
        matches!(self, VariableState::Missing | VariableState::Empty | VariableState::LeadsNowhere)
    }
}

impl VarsCheck {
    /// The names of those that are not as they have to be.
    pub fn wrong(&self) -> Vec<&str> {
        let wrong = self.variables.iter().filter(|row| row.state.is_wrong());
        wrong.map(|row| row.name.as_str()).collect()
    }
}
