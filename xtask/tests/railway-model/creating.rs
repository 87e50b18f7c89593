//! What exists of project, environment, service and domain, and how the missing part comes to be. The model has room
//! for one of each, whose names its options say.

use clap::ValueEnum;
use serde_json::{Value, json};

use crate::identity::Named;
use crate::options::Options;
use crate::state::Model;

/// What may be missing at the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Thing {
    /// Nothing exists but a workspace
    Project,
    Environment,
    Service,
    Domain,
}

/// What exists.
#[derive(Clone, Copy, Debug, Default)]
pub struct Existing {
    pub project: bool,
    pub environment: bool,
    pub service: bool,
    pub domain: bool,
}

impl Existing {
    pub fn new(options: &Options) -> Existing {
        let has = |thing: Thing| !options.without.contains(&thing);
        let project = has(Thing::Project);
        let service = project && has(Thing::Service);
        Existing {
            project,
            environment: project && has(Thing::Environment),
            service,
            domain: service && has(Thing::Domain),
        }
    }
}

/// The answer to `apiToken`.
pub fn api_token(model: &Model) -> Value {
    json!({ "workspaces": [model.identity.workspace] })
}

/// The answer to `projects`: one page.
pub fn projects(model: &Model, arguments: &Value) -> Result<Value, String> {
    let workspace = arguments["workspaceId"].as_str();
    if workspace.is_some_and(|id| id != model.identity.workspace.id) {
        return Err("Workspace not found".to_owned());
    }
    let project = model.state().existing.project.then(|| json!({ "node": model.identity.project }));
    let edges: Vec<Value> = project.into_iter().collect();
    Ok(json!({ "edges": edges, "pageInfo": { "hasNextPage": false, "endCursor": null } }))
}

/// The answer to `project`, and to the operation that makes it.
pub fn project(model: &Model) -> Value {
    let identity = &model.identity;
    let existing = model.state().existing;
    let edges = |node: Value, exists: bool| {
        let nodes: Vec<Value> = exists.then(|| json!({ "node": node })).into_iter().collect();
        json!({ "edges": nodes })
    };
    json!({
        "id": identity.project.id,
        "name": identity.project.name,
        "deletedAt": null,
        "workspaceId": identity.workspace.id,
        "buckets": edges(Value::Null, false),
        "environments": edges(environment(model), existing.environment),
        "services": edges(json!(identity.service), existing.service),
    })
}

/// The environment without what is in it.
pub fn environment(model: &Model) -> Value {
    let Named { id, name } = &model.identity.environment;
    json!({ "id": id, "name": name, "canAccess": true, "deletedAt": null, "unmergedChangesCount": 0 })
}

/// A new project has an environment.
pub fn create_project(model: &Model, input: &Value) -> Result<Value, String> {
    let identity = &model.identity;
    if input["workspaceId"] != json!(identity.workspace.id) {
        return Err("You must specify a workspaceId to create a project".to_owned());
    }
    is_named(input, &identity.project)?;
    if input["defaultEnvironmentName"].as_str().unwrap_or("production") != identity.environment.name {
        return Err(format!("the model has room for the environment `{}` alone", identity.environment.name));
    }
    {
        let existing = &mut model.state().existing;
        is_missing(existing.project, "project")?;
        (existing.project, existing.environment) = (true, true);
    }
    Ok(project(model))
}

pub fn create_environment(model: &Model, input: &Value) -> Result<Value, String> {
    is_named(input, &model.identity.environment)?;
    let existing = &mut model.state().existing;
    is_missing(existing.environment, "environment")?;
    existing.environment = true;
    Ok(json!(model.identity.environment))
}

/// A service that is made with a source would be deployed at once, which no client of this model wants.
pub fn create_service(model: &Model, input: &Value) -> Result<Value, String> {
    is_named(input, &model.identity.service)?;
    if !input["source"].is_null() {
        return Err("the model makes services without a source alone".to_owned());
    }
    let existing = &mut model.state().existing;
    is_missing(existing.service, "service")?;
    existing.service = true;
    Ok(json!(model.identity.service))
}

pub fn create_domain(model: &Model) -> Result<Value, String> {
    let existing = &mut model.state().existing;
    is_missing(existing.domain, "domain")?;
    existing.domain = true;
    Ok(domain(model))
}

/// The service's domain; everybody knows it by its name.
pub fn domain(model: &Model) -> Value {
    json!({ "id": model.domain, "domain": model.domain, "targetPort": null })
}

fn is_named(input: &Value, known: &Named) -> Result<(), String> {
    match input["name"] == json!(known.name) {
        true => Ok(()),
        false => Err(format!("the model has room for `{}` alone", known.name)),
    }
}

/// Railway would make a second one; here that is a fault of the client.
fn is_missing(exists: bool, what: &str) -> Result<(), String> {
    match exists {
        false => Ok(()),
        true => Err(format!("the model has a {what} already")),
    }
}
