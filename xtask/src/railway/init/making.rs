//! Carries out the plan of a set-up. Each request that changes something is sent once; where its answer is lost, a look
//! by name says what has become of it. At the end Railway is asked whether everything is there.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, bail};

use super::super::changing::{
    RegistryCredentialsInput, ServiceInstanceUpdateInput, SourceInput, UpsertVariables,
    VariableCollectionUpsertInput,
};
use super::super::client::{CallError, CallErrorKind, Client};
use super::super::creating::{
    CreateDomain, CreateEnvironment, CreateProject, CreateService, EnvironmentCreateInput,
    ProjectCreateInput, ServiceCreateInput, ServiceDomainCreateInput,
};
use super::super::operations::Named;
use super::super::service_queries::{GetProject, Project};
use super::super::settings::{self, lost};
use super::super::state::Remote;
use super::found::{Found, projects_in};
use super::planning::{self, Wish};
use crate::config::railway::TokenKind;
use crate::config::registry::Account;
use crate::exec::Executor;
use crate::exit::{Exit, Failure};
use crate::plan::deploy::Target;
use crate::plan::init::{GiveVariables, SetUpService};
use crate::plan::{Action, Operation, Plan};
use crate::record::StepRecord;
use crate::steps::{Done, step};

/// The pauses before it is looked again for what an unanswered request may have made.
const PAUSES: [Duration; 3] =
    [Duration::from_millis(300), Duration::from_millis(1000), Duration::from_millis(3000)];

/// What no plan may hold.
#[derive(Clone, Copy)]
pub struct Secrets<'a> {
    pub credentials: Option<&'a Account>,
    pub variables: &'a BTreeMap<String, String>,
}

/// The means to change something.
#[derive(Clone, Copy)]
pub struct Means<'a> {
    pub exec: &'a Executor,
    pub client: &'a Client<'a>,
    pub token: TokenKind,
    pub secrets: Secrets<'a>,
}

/// Carries out the plan. `found` is what is there, and is kept up to date however far it comes.
pub fn run(
    means: Means<'_>,
    plan: &Plan,
    wish: &Wish<'_>,
    found: &mut Found,
) -> (Vec<StepRecord>, anyhow::Result<()>) {
    let mut steps = Vec::new();
    let result = carry_out(means, plan, wish, found, &mut steps).map_err(|error| match Exit::of(&error) {
        exit @ Exit::Interrupted(_) => {
            let message = format!("{error:#}; the same command again completes what is missing");
            Failure::new(exit, message).into()
        }
        _ => error,
    });
    (steps, result)
}

fn carry_out(
    means: Means<'_>,
    plan: &Plan,
    wish: &Wish<'_>,
    found: &mut Found,
    steps: &mut Vec<StepRecord>,
) -> anyhow::Result<()> {
    for planned in &plan.steps {
        let Action::Operation(operation) = &planned.action else {
            bail!("`{}` is no step of a set-up", planned.name);
        };
        step(means.exec, steps, &planned.name, || make(means, operation, found))?;
    }
    step(means.exec, steps, "check", || check(means, wish, found))
}

fn make(means: Means<'_>, operation: &Operation, found: &mut Found) -> anyhow::Result<Done<()>> {
    match operation {
        Operation::CreateProject(_) => make_project(means, found),
        Operation::CreateEnvironment(_) => make_environment(means, found),
        Operation::CreateService(_) => make_service(means, found),
        Operation::SetUpService(input) => set_up(means, &target(found)?, input),
        Operation::GiveVariables(input) => give_variables(means, &target(found)?, input),
        Operation::CreateDomain(_) => make_domain(means, &target(found)?),
        _ => bail!("this is no step of a set-up"),
    }
}

fn target(found: &Found) -> anyhow::Result<Target> {
    found.target().context("the service does not exist yet")
}

fn make_project(means: Means<'_>, found: &mut Found) -> anyhow::Result<Done<()>> {
    let place = found.place.clone();
    let workspace = found.workspace.as_ref().map(|known| known.id.as_str());
    let input = ProjectCreateInput {
        name: &place.project,
        default_environment_name: &place.environment,
        workspace_id: workspace,
    };
    let what = format!("project `{}`", place.project);
    let answer = means.client.mutate(&CreateProject { input }).map(|answer| answer.project);
    let project = made(means, answer, &what, || {
        let Some(workspace) = workspace else { return Ok(None) };
        let known = projects_in(means.client, workspace)?;
        let Some(known) = known.into_iter().find(|known| known.name == place.project) else {
            return Ok(None);
        };
        Ok(Some(means.client.query(&GetProject { id: &known.id })?.project))
    })?;
    let environments = project.value.environments.clone().into_nodes();
    found.environment = environments.into_iter().find(|known| known.name == place.environment);
    let id = project.value.id.clone();
    found.project = Some(project.value);
    if found.environment.is_none() {
        let message =
            format!("Railway has made project {id} without the environment `{}`", place.environment);
        return Err(Failure::new(Exit::CommandFailed, message)
            .hint("the same command again makes the environment")
            .into());
    }
    Ok(Done::ran(format!("{id}{}", project.detail), ()))
}

fn make_environment(means: Means<'_>, found: &mut Found) -> anyhow::Result<Done<()>> {
    let project = found.project.as_ref().context("the project does not exist yet")?.id.clone();
    let name = found.place.environment.clone();
    let input = EnvironmentCreateInput { project_id: &project, name: &name, skip_initial_deploys: true };
    let answer = means.client.mutate(&CreateEnvironment { input }).map(|answer| answer.environment);
    let environment = made(means, answer, &format!("environment `{name}`"), || {
        in_project(means, &project, |project| project.environments.into_nodes(), &name)
    })?;
    let detail = format!("{}{}", environment.value.id, environment.detail);
    found.environment = Some(environment.value);
    Ok(Done::ran(detail, ()))
}

fn make_service(means: Means<'_>, found: &mut Found) -> anyhow::Result<Done<()>> {
    let project = found.project.as_ref().context("the project does not exist yet")?.id.clone();
    let environment = found.environment.as_ref().context("the environment does not exist yet")?.id.clone();
    let name = found.place.service.clone();
    let input = ServiceCreateInput { project_id: &project, environment_id: &environment, name: &name };
    let answer = means.client.mutate(&CreateService { input }).map(|answer| answer.service);
    let service = made(means, answer, &format!("service `{name}`"), || {
        in_project(means, &project, |project| project.services.into_nodes(), &name)
    })?;
    let detail = format!("{}{}", service.value.id, service.detail);
    found.service = Some(service.value);
    Ok(Done::ran(detail, ()))
}

/// What an unanswered request may have made in a project.
fn in_project(
    means: Means<'_>,
    project: &str,
    part: impl FnOnce(Project) -> Vec<Named>,
    name: &str,
) -> anyhow::Result<Option<Named>> {
    let project = means.client.query(&GetProject { id: project })?.project;
    Ok(part(project).into_iter().find(|known| known.name == name))
}

/// A value, and what is remarkable about how it was got.
struct Got<T> {
    value: T,
    detail: &'static str,
}

/// What a request has made; where its answer is lost, what `look` finds. It is never sent again: there would be two.
fn made<T>(
    means: Means<'_>,
    answer: Result<T, CallError>,
    what: &str,
    mut look: impl FnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<Got<T>> {
    let error = match answer {
        Ok(value) => return Ok(Got { value, detail: "" }),
        Err(error) => error,
    };
    if error.kind != CallErrorKind::Unclear {
        return Err(refused(means, error.into(), what));
    }
    means.exec.ui().note(format!("{error}; looking whether there is a {what} now"));
    for pause in PAUSES {
        means.exec.sleep(pause)?;
        if let Some(value) = look()? {
            return Ok(Got { value, detail: ", found: the answer was lost" });
        }
    }
    let message = format!("Railway did not answer, and there is no {what} so far");
    Err(Failure::new(Exit::CommandFailed, message)
        .hint("the same command again looks first, and makes it only where it is still missing")
        .into())
}

/// A token of a project may not be allowed to make things; what it was refused says nothing of that.
fn refused(means: Means<'_>, error: anyhow::Error, what: &str) -> anyhow::Error {
    if Exit::of(&error) != Exit::Usage || means.token != TokenKind::Project {
        return error;
    }
    let message = format!("{what}: {error:#}");
    Failure::usage(message)
        .hint(
            "a project token may not be allowed to make this: an account or workspace token in RAILWAY_API_TOKEN \
             (and RAILWAY_TOKEN unset) is; or make it on railway.com, and run this again",
        )
        .into()
}

/// Image, credentials and settings in one request, so that an image without its credentials cannot be.
fn set_up(means: Means<'_>, target: &Target, input: &SetUpService) -> anyhow::Result<Done<()>> {
    let remote = Remote { exec: means.exec, client: means.client, target };
    let credentials = means.secrets.credentials.filter(|_| input.credentials);
    let update = ServiceInstanceUpdateInput {
        source: input.image.as_deref().map(|image| SourceInput { image }),
        registry_credentials: credentials
            .map(|Account { username, password }| RegistryCredentialsInput { username, password }),
        settings: &input.settings,
    };
    let mut detail = Vec::new();
    detail.extend(input.image.as_ref().map(|_| "image"));
    detail.extend(credentials.map(|_| "registry credentials"));
    detail.extend(input.settings.keys().map(String::as_str));
    if settings::update(&remote, update)? {
        return Ok(Done::ran(detail.join(", "), ()));
    }
    let instance = remote.instance()?;
    let (source, current) = (instance.source_image(), instance.settings());
    let has_image = input.image.is_none() || source == input.image.as_deref();
    let has_settings =
        input.settings.iter().all(|(name, value)| settings::is_same(name, value, current.get(name)));
    // Credentials alone leave no trace that could be looked for.
    if !has_image || !has_settings || (input.image.is_none() && credentials.is_some()) {
        return Err(lost("nobody can tell whether the service has been set up").into());
    }
    Ok(Done::ran(format!("{}; the answer was lost, and they are set", detail.join(", ")), ()))
}

fn give_variables(means: Means<'_>, target: &Target, input: &GiveVariables) -> anyhow::Result<Done<()>> {
    let remote = Remote { exec: means.exec, client: means.client, target };
    let mut variables = BTreeMap::new();
    for name in &input.names {
        let value = means.secrets.variables.get(name).with_context(|| format!("{name} has no value"))?;
        variables.insert(name.as_str(), value.as_str());
    }
    let upsert = UpsertVariables {
        input: VariableCollectionUpsertInput {
            project_id: &target.project,
            environment_id: &target.environment,
            service_id: &target.service,
            variables: &variables,
            skip_deploys: true,
        },
    };
    let names = input.names.join(", ");
    match means.client.mutate(&upsert) {
        Ok(answer) if answer.variable_collection_upsert => Ok(Done::ran(names, ())),
        Ok(_) => {
            let message = "Railway did not set the variables, and does not say why";
            Err(Failure::new(Exit::CommandFailed, message).into())
        }
        Err(error) if error.kind == CallErrorKind::Unclear => {
            means.exec.ui().note(format!("{error}; looking whether they are set"));
            let known = remote.variables()?;
            if !input.names.iter().all(|name| known.contains_key(name)) {
                return Err(lost("the variables are not set").into());
            }
            Ok(Done::ran(format!("{names}; the answer was lost, and they are set"), ()))
        }
        Err(error) => Err(error.into()),
    }
}

fn make_domain(means: Means<'_>, target: &Target) -> anyhow::Result<Done<()>> {
    let remote = Remote { exec: means.exec, client: means.client, target };
    let input = ServiceDomainCreateInput { environment_id: &target.environment, service_id: &target.service };
    let answer = means.client.mutate(&CreateDomain { input }).map(|answer| answer.domain);
    let domain =
        made(means, answer, "domain", || Ok(remote.instance()?.domains.service_domains.into_iter().next()))?;
    Ok(Done::ran(format!("{}{}", domain.value.domain, domain.detail), ()))
}

/// Whether Railway has all that it accepted.
fn check(means: Means<'_>, wish: &Wish<'_>, found: &mut Found) -> anyhow::Result<Done<()>> {
    let target = target(found)?;
    let remote = Remote { exec: means.exec, client: means.client, target: &target };
    found.instance = Some(remote.instance()?);
    found.variables = remote.variables()?;
    // Railway does not tell which credentials it has.
    let wish = Wish { renew_credentials: false, ..*wish };
    let left = planning::plan(&wish, found);
    if !left.steps.is_empty() {
        let left: Vec<&str> = left.steps.iter().map(|step| step.name.as_str()).collect();
        let message =
            format!("Railway has accepted everything, but this is still to be done: {}", left.join(", "));
        return Err(Failure::new(Exit::CheckFailed, message)
            .hint("`cargo xtask deploy init --dry-run` shows what Railway has not kept")
            .into());
    }
    Ok(Done::ran("everything is there", ()))
}
