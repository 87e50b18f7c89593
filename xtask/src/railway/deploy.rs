//! Carries out the plan of one deployment or rollback, step by step. What changes something is sent once.

use std::collections::BTreeMap;

use anyhow::{Context, bail};

use super::aftermath::way_back;
use super::changing::{
    ServiceInstanceUpdateInput, SourceInput, UpdateServiceInstance, UpsertVariables,
    VariableCollectionUpsertInput,
};
use super::deployment::Phase;
use super::deployment_queries::GetDeployment;
use super::new_variables::NewVariables;
use super::state::Remote;
use super::{planning, serving, starting, waiting};
use crate::exit::{Exit, Failure, hint_of};
use crate::plan::deploy::{SetVariables, UpdateService, VerifyServed};
use crate::plan::{Action, Operation, Plan};
use crate::record::StepRecord;
use crate::record::deploy::Version;
use crate::steps::{Done, step};

/// What happened, however far it came.
#[derive(Debug, Default)]
pub struct Outcome {
    pub steps: Vec<StepRecord>,
    /// The deployment that serves the image, or was meant to.
    pub deployment: Option<String>,
    /// Whether Railway was asked to deploy, so that a deployment may be under way.
    is_requested: bool,
}

/// Carries out the plan. `previous` is what served when it was made; `new` has the values of the variables that the
/// plan names.
pub fn run(
    remote: &Remote<'_>,
    plan: &Plan,
    previous: Option<&Version>,
    new: &NewVariables,
) -> (Outcome, anyhow::Result<()>) {
    let mut outcome = Outcome::default();
    if planning::keeps_live(plan) {
        outcome.deployment = previous.map(|previous| previous.deployment.clone());
    }
    let result = carry_out(remote, plan, previous, new, &mut outcome);
    let result = result.map_err(|error| goes_on(error, &outcome, previous));
    (outcome, result)
}

fn carry_out(
    remote: &Remote<'_>,
    plan: &Plan,
    previous: Option<&Version>,
    new: &NewVariables,
    outcome: &mut Outcome,
) -> anyhow::Result<()> {
    let Outcome { steps, deployment, is_requested } = outcome;
    for planned in &plan.steps {
        let Action::Operation(operation) = &planned.action else {
            bail!("`{}` is no step of a deployment", planned.name);
        };
        let name = &planned.name;
        match operation {
            Operation::SetVariables(input) => {
                step(remote.exec, steps, name, || set_variables(remote, input, new))?;
            }
            Operation::UpdateService(input) => {
                step(remote.exec, steps, name, || update_service(remote, input))?;
            }
            Operation::StartDeployment(input) => {
                let id = step(remote.exec, steps, name, || starting::deploy(remote, input, is_requested))?;
                *deployment = Some(id);
            }
            Operation::RollBack(input) => {
                let id = step(remote.exec, steps, name, || starting::roll_back(remote, input, is_requested))?;
                *deployment = Some(id);
            }
            Operation::WaitUntilServed(input) => {
                if let Some(known) = &input.deployment {
                    *is_requested = true;
                    *deployment = Some(known.clone());
                }
                let id = deployment.clone().context("there is no deployment to wait for")?;
                step(remote.exec, steps, name, || {
                    let served = waiting::wait(remote, input, &id, previous)?;
                    Ok(Done::ran(format!("deployment {id} is {}", served.status), ()))
                })?;
                // What is served cannot be lost any more.
                *is_requested = false;
            }
            Operation::VerifyServed(input) => {
                step(remote.exec, steps, name, || verify(remote, input, deployment.as_deref(), previous))?;
            }
            _ => bail!("`{name}` is no step of a deployment"),
        }
    }
    Ok(())
}

fn set_variables(remote: &Remote<'_>, input: &SetVariables, new: &NewVariables) -> anyhow::Result<Done<()>> {
    let target = &input.target;
    let mut all: BTreeMap<&str, &str> =
        input.variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    for change in &input.from_file {
        let value = new.value(&change.name);
        all.insert(&change.name, value.with_context(|| format!("no value for {}", change.name))?);
    }
    let variables = UpsertVariables {
        input: VariableCollectionUpsertInput {
            project_id: &target.project,
            environment_id: &target.environment,
            service_id: &target.service,
            variables: &all,
            skip_deploys: true,
        },
    };
    accepted(remote.client.mutate(&variables)?.variable_collection_upsert, "set variables")?;
    let names: Vec<&str> = all.keys().copied().collect();
    Ok(Done::ran(names.join(", "), ()))
}

fn update_service(remote: &Remote<'_>, input: &UpdateService) -> anyhow::Result<Done<()>> {
    let update = UpdateServiceInstance {
        service_id: &input.target.service,
        environment_id: &input.target.environment,
        input: ServiceInstanceUpdateInput {
            source: input.image.as_deref().map(|image| SourceInput { image }),
            registry_credentials: None,
            settings: &input.settings,
        },
    };
    accepted(remote.client.mutate(&update)?.service_instance_update, "update the service")?;
    let image = input.image.iter().map(|_| "image");
    let names: Vec<&str> = image.chain(input.settings.keys().map(String::as_str)).collect();
    Ok(Done::ran(names.join(", "), ()))
}

/// These mutations answer with a flag, and nothing says what `false` means.
fn accepted(answer: bool, what: &str) -> anyhow::Result<()> {
    if !answer {
        let message = format!("Railway did not {what}, and does not say why");
        return Err(Failure::new(Exit::CommandFailed, message).into());
    }
    Ok(())
}

/// Looks at the service's own address, and at the deployment once more: one that crashes after a minute was no success.
fn verify(
    remote: &Remote<'_>,
    input: &VerifyServed,
    deployment: Option<&str>,
    previous: Option<&Version>,
) -> anyhow::Result<Done<()>> {
    let seen = match serving::verify(remote.exec, input) {
        Err(error) if matches!(Exit::of(&error), Exit::Interrupted(_)) => return Err(error),
        seen => seen,
    };
    if let Some(id) = deployment {
        // Without an answer the address itself has the last word.
        let now = remote.client.query(&GetDeployment { id }).ok().map(|answer| answer.deployment);
        if let Some(now) = now.filter(|now| now.status.phase() == Phase::Over) {
            let problem = format!("is {}, after Railway had called it a success", now.status);
            return Err(remote.failed(&now, &problem, previous).into());
        }
    }
    match seen {
        Ok(seen) => Ok(Done::ran(seen, ())),
        Err(error) => {
            // Nothing to go back to where nothing was deployed.
            let replaced = previous.filter(|previous| deployment != Some(previous.deployment.as_str()));
            let hints = [hint_of(&error).map(str::to_owned), way_back(replaced)];
            let hints: Vec<String> = hints.into_iter().flatten().collect();
            let hint = (!hints.is_empty()).then(|| hints.join("; "));
            let message = format!("{error:#}{}", remote.serving(previous));
            Err(Failure { exit: Exit::of(&error), message, hint }.into())
        }
    }
}

/// An interruption ends us, not the deployment.
fn goes_on(error: anyhow::Error, outcome: &Outcome, previous: Option<&Version>) -> anyhow::Error {
    let Exit::Interrupted(_) = Exit::of(&error) else { return error };
    let deployment = match (&outcome.deployment, outcome.is_requested) {
        (_, false) => return error,
        (Some(id), true) => format!("deployment {id} goes on at Railway"),
        (None, true) => "a deployment may have begun at Railway".to_owned(),
    };
    let back = way_back(previous).map(|command| format!("; {command}")).unwrap_or_default();
    let message = format!(
        "{error:#}; {deployment}: the same command again goes on waiting, `cargo xtask deploy status` shows how it \
         ends{back}"
    );
    Failure::new(Exit::of(&error), message).into()
}
