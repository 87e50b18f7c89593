//! The operations that only a precheck asks for: what is paid for, what is used of it, and which settings an
//! environment has. They are as in `operations.rs`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::operations::{Operation, Query, operation};

operation!(Query GetPlan<'_>, "Plan", "plan", PlanAnswer);
operation!(Query GetUsage<'_>, "Usage", "usage", UsageAnswer);
operation!(
    Query GetEnvironmentConfig<'_>, "EnvironmentConfig", "environment_config", EnvironmentConfigAnswer
);

/// What is paid for, and whether the service may be used.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GetPlan<'a> {
    pub project_id: &'a str,
    pub service_id: &'a str,
}

#[derive(Debug, Deserialize)]
pub struct PlanAnswer {
    pub project: ProjectPlan,
    pub service: ServicePlan,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProjectPlan {
    /// `free`, `hobby`, `pro` or `trial`; other words may come.
    pub subscription_type: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServicePlan {
    pub is_restricted: bool,
}

/// How much of it is used. Only tokens of an account or a workspace may ask.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GetUsage<'a> {
    pub project_id: &'a str,
}

#[derive(Debug, Deserialize)]
pub struct UsageAnswer {
    pub project: ProjectUsage,
}

#[derive(Debug, Deserialize)]
pub struct ProjectUsage {
    pub workspace: Option<WorkspaceUsage>,
}

#[derive(Debug, Deserialize)]
pub struct WorkspaceUsage {
    pub customer: Customer,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Customer {
    pub has_exhausted_free_plan: bool,
    pub usage_limit: Option<UsageLimit>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UsageLimit {
    pub is_over_limit: bool,
}

/// All settings of an environment, of which only one is of interest.
#[derive(Serialize)]
pub struct GetEnvironmentConfig<'a> {
    pub id: &'a str,
}

#[derive(Deserialize)]
pub struct EnvironmentConfigAnswer {
    pub environment: EnvironmentConfig,
}

#[derive(Deserialize)]
pub struct EnvironmentConfig {
    /// A scalar without schema, with secrets in it: never printed.
    pub config: Value,
}

#[cfg(test)]
mod tests {
    use super::super::operations::tests::check;
    use super::*;

    #[test]
    fn names_and_kinds_are_those_of_the_texts() {
        check::<GetPlan<'_>>("query");
        check::<GetUsage<'_>>("query");
        check::<GetEnvironmentConfig<'_>>("query");
    }
}
