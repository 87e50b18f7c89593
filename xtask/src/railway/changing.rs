//! The operations that change a service and begin its deployments. They are as in `operations.rs`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::operations::{Mutation, Operation, operation};

operation!(
    Mutation UpdateServiceInstance<'_>, "UpdateServiceInstance", "update_service_instance", UpdatedAnswer
);
operation!(Mutation UpsertVariables<'_>, "UpsertVariables", "upsert_variables", UpsertedAnswer);
operation!(
    Mutation DeployServiceInstance<'_>, "DeployServiceInstance", "deploy_service_instance", DeployedAnswer
);
operation!(Mutation RollBackDeployment<'_>, "RollBackDeployment", "roll_back_deployment", RolledBackAnswer);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UpdateServiceInstance<'a> {
    pub service_id: &'a str,
    pub environment_id: &'a str,
    pub input: ServiceInstanceUpdateInput<'a>,
}

/// What is left out stays as it is; `null` would unset it.
#[derive(Serialize)]
pub struct ServiceInstanceUpdateInput<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceInput<'a>>,
    /// For pulling the image. Railway never tells them again.
    #[serde(rename = "registryCredentials", skip_serializing_if = "Option::is_none")]
    pub registry_credentials: Option<RegistryCredentialsInput<'a>>,
    /// By Railway's names.
    #[serde(flatten)]
    pub settings: &'a BTreeMap<String, Value>,
}

#[derive(Serialize)]
pub struct SourceInput<'a> {
    pub image: &'a str,
}

/// Has no `Debug` on purpose: the password must not be printed.
#[derive(Serialize)]
pub struct RegistryCredentialsInput<'a> {
    pub username: &'a str,
    pub password: &'a str,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UpdatedAnswer {
    pub service_instance_update: bool,
}

#[derive(Serialize)]
pub struct UpsertVariables<'a> {
    pub input: VariableCollectionUpsertInput<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VariableCollectionUpsertInput<'a> {
    pub project_id: &'a str,
    pub environment_id: &'a str,
    pub service_id: &'a str,
    /// With their values, secrets too.
    pub variables: &'a BTreeMap<&'a str, &'a str>,
    /// Without it Railway deploys at once, whatever the source says then.
    pub skip_deploys: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UpsertedAnswer {
    pub variable_collection_upsert: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeployServiceInstance<'a> {
    pub service_id: &'a str,
    pub environment_id: &'a str,
}

/// Answers with a flag alone: the deployment that it makes has to be looked for.
#[derive(Serialize)]
pub struct RollBackDeployment<'a> {
    pub id: &'a str,
}

#[derive(Debug, Deserialize)]
pub struct RolledBackAnswer {
    #[serde(rename = "deploymentRollback")]
    pub accepted: bool,
}

#[derive(Debug, Deserialize)]
pub struct DeployedAnswer {
    /// The new deployment's id.
    #[serde(rename = "serviceInstanceDeployV2")]
    pub deployment: String,
}

#[cfg(test)]
mod tests {
    use super::super::operations::tests::check;
    use super::*;

    #[test]
    fn names_and_kinds_are_those_of_the_texts() {
        check::<UpdateServiceInstance<'_>>("mutation");
        check::<UpsertVariables<'_>>("mutation");
        check::<DeployServiceInstance<'_>>("mutation");
        check::<RollBackDeployment<'_>>("mutation");
    }

    #[test]
    fn what_is_not_updated_is_left_out() {
        let settings = BTreeMap::from([("overlapSeconds".to_owned(), Value::from(5))]);
        let input =
            |source| ServiceInstanceUpdateInput { source, registry_credentials: None, settings: &settings };
        let json = |input| serde_json::to_string(&input).unwrap();
        assert_eq!(json(input(None)), r#"{"overlapSeconds":5}"#);
        let image = Some(SourceInput { image: "a@sha256:b" });
        assert_eq!(json(input(image)), r#"{"source":{"image":"a@sha256:b"},"overlapSeconds":5}"#);
    }
}
