//! What each field of `Query` and `Mutation` means: reads and changes the state, answers with JSON.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::state::{Deployment, Model, Settings, State, Status, timestamp};
use crate::{creating, rollout};

/// Who sends an operation, by its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    Project,
    Api,
    Bad,
    Nobody,
}

impl Caller {
    pub fn name(self) -> &'static str {
        match self {
            Caller::Project => "project",
            Caller::Api => "api",
            Caller::Bad => "bad",
            Caller::Nobody => "none",
        }
    }
}

const NOT_AUTHORIZED: &str = "Not Authorized";

/// The value of a field of `Query` or `Mutation`. The arguments fit the schema.
///
/// # Errors
/// The message that Railway would answer with.
pub fn field(model: &Arc<Model>, caller: Caller, name: &str, arguments: &Value) -> Result<Value, String> {
    if !matches!(caller, Caller::Project | Caller::Api) {
        return Err(NOT_AUTHORIZED.to_owned());
    }
    let text = |name: &str| arguments[name].as_str();
    match name {
        "apiToken" if caller != Caller::Api => Err(NOT_AUTHORIZED.to_owned()),
        "apiToken" => Ok(creating::api_token(model)),
        "projects" => creating::projects(model, arguments),
        "projectCreate" if caller != Caller::Api => Err(NOT_AUTHORIZED.to_owned()),
        "projectCreate" => creating::create_project(model, &arguments["input"]),
        "environmentCreate" if caller != Caller::Api => Err(NOT_AUTHORIZED.to_owned()),
        "environmentCreate" => {
            here(model, &arguments["input"])?;
            creating::create_environment(model, &arguments["input"])
        }
        "serviceCreate" => {
            here(model, &arguments["input"])?;
            creating::create_service(model, &arguments["input"])
        }
        "serviceDomainCreate" => {
            here(model, &arguments["input"])?;
            creating::create_domain(model)
        }
        "projectToken" => project_token(model, caller),
        "project" => project(model, caller, text("id")),
        "service" => match text("id") == Some(&model.identity.service.id) {
            true => Ok(service(model)),
            false => Err("Service not found".to_owned()),
        },
        "environment" => {
            here(model, &json!({ "environmentId": arguments["id"], "projectId": arguments["projectId"] }))?;
            Ok(environment(model))
        }
        "serviceInstance" => {
            here(model, arguments)?;
            Ok(service_instance(model, &model.state()))
        }
        "deployment" => with_deployment(model, text("id"), |deployment| shown(model, deployment)),
        "deployments" => deployments(model, arguments),
        "deploymentEvents" => with_deployment(model, text("id"), events),
        "deploymentLogs"
            if ["filter", "startDate", "endDate"].iter().any(|name| !arguments[name].is_null()) =>
        {
            Err("the model tells the last lines of a log alone".to_owned())
        }
        "deploymentLogs" => {
            // 100 and 5000 are in the schema's description.
            let limit = arguments["limit"].as_u64().unwrap_or(100).min(5000) as usize;
            with_deployment(model, text("deploymentId"), |deployment| deployment.log.last(limit))
        }
        // Images are not built.
        "buildLogs" => with_deployment(model, text("deploymentId"), |_| json!([])),
        "deploymentSnapshot" => with_deployment(
            model,
            text("deploymentId"),
            |deployment| json!({ "variables": deployment.variables }),
        ),
        "variables" => {
            here(model, arguments)?;
            let (of_service, unrendered) = (arguments["serviceId"].is_string(), &arguments["unrendered"]);
            Ok(variables(model, of_service, *unrendered == json!(true)))
        }
        "variablesForServiceDeployment" => {
            here(model, arguments)?;
            Ok(variables(model, true, false))
        }
        "serviceInstanceUpdate" => {
            here(model, arguments)?;
            update(&mut model.state().settings, &arguments["input"])?;
            Ok(json!(true))
        }
        "serviceInstanceDeployV2" => {
            here(model, arguments)?;
            rollout::start(model).map(Value::from)
        }
        // Images have no commits: the source is what it is.
        "serviceInstanceDeploy" => {
            here(model, arguments)?;
            rollout::start(model).map(|_| json!(true))
        }
        "deploymentRedeploy" => {
            let id = rollout::redeploy(model, text("id").unwrap_or_default())?;
            with_deployment(model, Some(&id), |deployment| shown(model, deployment))
        }
        "deploymentRollback" => {
            rollout::roll_back(model, text("id").unwrap_or_default()).map(|_| json!(true))
        }
        "variableCollectionUpsert" => upsert_variables(model, &arguments["input"]),
        _ => Err(format!("the model does not know `{name}`")),
    }
}

/// Whatever an argument or input field names has to be what the model has; what is left out is not looked at.
fn here(model: &Model, arguments: &Value) -> Result<(), String> {
    let identity = &model.identity;
    let existing = model.state().existing;
    for (field, known, exists, what) in [
        ("projectId", &identity.project, existing.project, "Project"),
        ("environmentId", &identity.environment, existing.environment, "Environment"),
        ("serviceId", &identity.service, existing.service, "Service"),
    ] {
        if arguments[field].as_str().is_some_and(|id| id != known.id || !exists) {
            return Err(format!("{what} not found"));
        }
    }
    Ok(())
}

fn project_token(model: &Model, caller: Caller) -> Result<Value, String> {
    if caller != Caller::Project || !model.state().existing.environment {
        return Err(NOT_AUTHORIZED.to_owned());
    }
    let identity = &model.identity;
    Ok(json!({
        "id": "the-token-of-the-project",
        "projectId": identity.project.id,
        "project": creating::project(model),
        "environmentId": identity.environment.id,
        "environment": creating::environment(model),
    }))
}

fn project(model: &Model, caller: Caller, id: Option<&str>) -> Result<Value, String> {
    let identity = &model.identity;
    if id != Some(&identity.project.id) || !model.state().existing.project {
        return Err("Project not found".to_owned());
    }
    let mut project = creating::project(model);
    project["subscriptionType"] = json!(model.options.plan);
    // What a project token may see of its workspace is not documented; nothing, here.
    project["workspace"] = match caller {
        Caller::Api => json!({
            "name": identity.workspace.name,
            "customer": { "hasExhaustedFreePlan": false, "usageLimit": null },
        }),
        _ => Value::Null,
    };
    Ok(project)
}

fn service(model: &Model) -> Value {
    let service = &model.identity.service;
    json!({ "id": service.id, "name": service.name, "isRestricted": false })
}

/// The environment with what is in it. Of its settings only that is told: whether there are credentials for the registry.
fn environment(model: &Model) -> Value {
    let state = model.state();
    let known = &state.settings.registry_username;
    let credentials = known.as_ref().map(|username| json!({ "username": username, "password": "" }));
    let deploy = json!({ "registryCredentials": credentials });
    let page = |nodes: Vec<Value>| json!({ "edges": nodes, "pageInfo": { "hasNextPage": false, "endCursor": null } });
    let instance = state.existing.service.then(|| json!({ "node": service_instance(model, &state) }));
    let mut environment = creating::environment(model);
    environment["config"] =
        json!({ "services": { (model.identity.service.id.clone()): { "deploy": deploy } } });
    environment["serviceInstances"] = page(instance.into_iter().collect());
    environment["volumeInstances"] = page(Vec::new());
    environment
}

fn service_instance(model: &Model, state: &State) -> Value {
    let settings = &state.settings;
    let source = (settings.image.is_some() || settings.repo.is_some())
        .then(|| json!({ "image": settings.image, "repo": settings.repo }));
    let other = |name: &str| settings.others.get(name).cloned().unwrap_or_default();
    let domain = state.existing.domain.then(|| creating::domain(model));
    let active = state.active.as_deref().and_then(|id| state.deployment(id));
    json!({
        "id": model.identity.service.id,
        "serviceId": model.identity.service.id,
        "serviceName": model.identity.service.name,
        "environmentId": model.identity.environment.id,
        "source": source,
        "healthcheckPath": settings.healthcheck_path,
        "healthcheckTimeout": settings.healthcheck_timeout,
        // Railway's defaults, by its documentation of the restart policy.
        "restartPolicyType": settings.restart_policy_type.as_deref().unwrap_or("ON_FAILURE"),
        "restartPolicyMaxRetries": settings.restart_policy_max_retries.unwrap_or(10),
        "overlapSeconds": settings.overlap_seconds,
        "drainingSeconds": settings.draining_seconds,
        "startCommand": other("startCommand"),
        "preDeployCommand": other("preDeployCommand"),
        "numReplicas": other("numReplicas"),
        "cronSchedule": other("cronSchedule"),
        "sleepApplication": other("sleepApplication"),
        "ipv6EgressEnabled": other("ipv6EgressEnabled"),
        "nextCronRunAt": null,
        "tracingEnabled": false,
        "autoInstrumentationEnabled": false,
        "domains": { "customDomains": [], "serviceDomains": domain.into_iter().collect::<Vec<_>>() },
        "latestDeployment": state.deployments.last().map(|deployment| shown(model, deployment)),
        "activeDeployments": active.map(|deployment| shown(model, deployment)).into_iter().collect::<Vec<_>>(),
    })
}

fn shown(model: &Model, deployment: &Deployment) -> Value {
    let mut meta = json!({ "image": deployment.image });
    if let Some(digest) = &deployment.image_digest {
        meta["imageDigest"] = json!(digest);
    }
    let runs = deployment.instance.is_some()
        && !matches!(deployment.status, Status::Failed | Status::Crashed | Status::Removed);
    let instance = runs.then(|| json!({ "id": deployment.id, "status": "RUNNING" }));
    json!({
        "id": deployment.id,
        "status": deployment.status,
        "createdAt": timestamp(deployment.created_at),
        "statusUpdatedAt": timestamp(deployment.status_updated_at),
        "meta": meta,
        "staticUrl": model.domain,
        "url": model.domain,
        "canRedeploy": rollout::can_redeploy(deployment),
        "canRollback": rollout::can_roll_back(model, deployment),
        "deploymentStopped": !runs,
        "instances": instance.into_iter().collect::<Vec<_>>(),
        "serviceId": model.identity.service.id,
        "environmentId": model.identity.environment.id,
    })
}

fn with_deployment(
    model: &Model,
    id: Option<&str>,
    answer: impl FnOnce(&Deployment) -> Value,
) -> Result<Value, String> {
    let state = model.state();
    let found = id.and_then(|id| state.deployment(id)).ok_or("Deployment not found")?;
    Ok(answer(found))
}

fn deployments(model: &Model, arguments: &Value) -> Result<Value, String> {
    let input = &arguments["input"];
    here(model, input)?;
    let listed = |field: &str, status: &Value| {
        input["status"][field].as_array().map(|statuses| statuses.contains(status))
    };
    let state = model.state();
    let nodes = state
        .deployments
        .iter()
        .rev()
        .map(|deployment| shown(model, deployment))
        .filter(|node| listed("in", &node["status"]) != Some(false))
        .filter(|node| listed("notIn", &node["status"]) != Some(true))
        .take(arguments["first"].as_u64().unwrap_or(u64::MAX) as usize);
    Ok(json!({ "edges": nodes.map(|node| json!({ "node": node })).collect::<Vec<_>>() }))
}

fn events(deployment: &Deployment) -> Value {
    let edges = deployment.events.iter().map(|event| {
        let payload = event.error.as_ref().map(|error| json!({ "error": error }));
        json!({ "node": {
            "step": event.step,
            "createdAt": timestamp(event.created_at),
            "completedAt": event.completed_at.map(timestamp),
            "payload": payload,
        }})
    });
    json!({ "edges": edges.collect::<Vec<_>>() })
}

/// What Railway itself gives to a service, and what people set.
fn variables(model: &Model, of_service: bool, unrendered: bool) -> Value {
    let state = model.state();
    if of_service {
        let mut all = rollout::provided_variables(model, None);
        all.extend(state.variables.clone());
        if !unrendered {
            all = rollout::rendered(model, &all, &state.shared_variables);
        }
        json!(all)
    } else {
        json!(state.shared_variables)
    }
}

/// Sets what the input has; `null` unsets.
fn update(settings: &mut Settings, input: &Value) -> Result<(), String> {
    let mut changed = settings.clone();
    for (name, value) in input.as_object().into_iter().flatten() {
        let text = value.as_str().map(str::to_owned);
        let seconds = match value {
            Value::Number(number) => {
                Some(number.as_u64().ok_or_else(|| format!("{name} must not be negative"))?)
            }
            _ => None,
        };
        match name.as_str() {
            "source" => {
                changed.image = value["image"].as_str().map(str::to_owned);
                changed.repo = value["repo"].as_str().map(str::to_owned);
            }
            "healthcheckPath" => changed.healthcheck_path = text,
            "healthcheckTimeout" => changed.healthcheck_timeout = seconds,
            "restartPolicyType" => changed.restart_policy_type = text,
            "restartPolicyMaxRetries" => changed.restart_policy_max_retries = seconds,
            "overlapSeconds" => changed.overlap_seconds = seconds,
            "drainingSeconds" => changed.draining_seconds = seconds,
            "startCommand" | "preDeployCommand" | "numReplicas" | "cronSchedule" | "sleepApplication"
            | "ipv6EgressEnabled" => drop(changed.others.insert(name.clone(), value.clone())),
            "registryCredentials" => {
                changed.registry_username = value["username"].as_str().map(str::to_owned);
            }
            _ => return Err(format!("the model does not know the setting `{name}`")),
        }
    }
    *settings = changed;
    Ok(())
}

fn upsert_variables(model: &Arc<Model>, input: &Value) -> Result<Value, String> {
    here(model, input)?;
    let given: BTreeMap<String, String> = serde_json::from_value(input["variables"].clone())
        .map_err(|_| "Variables must be an object of strings".to_owned())?;
    let of_service = input["serviceId"].is_string();
    let deploys = {
        let mut state = model.state();
        let variables = if of_service { &mut state.variables } else { &mut state.shared_variables };
        if input["replace"] == json!(true) {
            variables.clear();
        }
        variables.extend(given);
        of_service && input["skipDeploys"] != json!(true) && state.settings.image.is_some()
    };
    if deploys {
        rollout::start(model)?;
    }
    Ok(json!(true))
}
