//! What of a project, its environment and its service is there already. Only looks.
//!
//! What is named and missing is to be made; what is not named is guessed where no mistake can come of it, and an error
//! elsewhere: a service that is taken for the app's loses its image.

use super::super::client::Client;
use super::super::creating::{GetApiToken, ListProjects};
use super::super::operations::Named;
use super::super::service_queries::{
    GetProject, GetProjectToken, GetServiceInstance, Project, ServiceInstance,
};
use super::super::state::{Remote, Variables};
use super::super::target::{self, Choice, Choices, Flags};
use crate::config::automation::Railway;
use crate::config::railway::{Access, TokenKind};
use crate::exec::Executor;
use crate::exit::{Exit, Failure};
use crate::plan::deploy::Target;
use crate::plan::init::Place;

/// The environment that Railway itself gives to new projects.
const ENVIRONMENT: &str = "production";
/// How many projects are asked for at a time, and how many pages at most: a project that is not seen would be made
/// a second time.
const PAGE: u32 = 100;
const PAGES_MAX: usize = 50;

/// Who says which project, environment and service are meant.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    pub flags: Flags<'a>,
    /// Where a new project is made: a workspace's name or id.
    pub workspace: Option<&'a str>,
    pub metadata: &'a Railway,
    /// The name for project and service where nobody says one.
    pub name: Option<&'a str>,
}

/// What there is, and what the rest is to be called.
#[derive(Clone, Debug)]
pub struct Found {
    pub place: Place,
    /// Where a missing project is to be made.
    pub workspace: Option<Named>,
    pub project: Option<Project>,
    pub environment: Option<Named>,
    pub service: Option<Named>,
    /// `None` without a service.
    pub instance: Option<ServiceInstance>,
    /// What the service's next deployment gets; secrets too. Nothing without a service.
    pub variables: Variables,
}

/// Asks Railway what there is. Secret variables are never shown from now on.
pub fn look(
    exec: &Executor,
    client: &Client<'_>,
    access: &Access,
    wanted: Wanted<'_>,
) -> anyhow::Result<Found> {
    let choices = target::choices(wanted.flags, access, wanted.metadata);
    let mut found = match access.token.kind {
        TokenKind::Project => of_project_token(client, &choices, wanted)?,
        TokenKind::Account => of_account(client, &choices, wanted)?,
    };
    if found.service.is_some() && found.environment.is_none() {
        let Place { project, environment, service } = &found.place;
        let message = format!(
            "project `{project}` has the service `{service}`, but not the environment `{environment}`, and a new \
             environment has none of a project's services"
        );
        return Err(Failure::usage(message)
            .hint("duplicate an environment on railway.com (its menu → New Environment), then run this again")
            .into());
    }
    if let Some(target) = found.target() {
        let remote = Remote { exec, client, target: &target };
        found.instance = Some(instance(&remote)?);
        found.variables = remote.variables()?;
    }
    Ok(found)
}

impl Found {
    /// The service with its ids, once it exists.
    pub fn target(&self) -> Option<Target> {
        let (project, environment) = (self.project.as_ref()?, self.environment.as_ref()?);
        let service = self.service.as_ref()?;
        Some(Target {
            project: project.id.clone(),
            environment: environment.id.clone(),
            service: service.id.clone(),
            project_name: project.name.clone(),
            environment_name: environment.name.clone(),
            service_name: service.name.clone(),
        })
    }

    /// The first domain of the service, its owner's before Railway's.
    pub fn domain(&self) -> Option<&str> {
        let domains = &self.instance.as_ref()?.domains;
        let mut all = domains.custom_domains.iter().chain(&domains.service_domains);
        all.next().map(|domain| domain.domain.as_str())
    }
}

/// A service that is in another environment of the project alone is the likely reason for not being found.
fn instance(remote: &Remote<'_>) -> anyhow::Result<ServiceInstance> {
    let Target { service, environment, service_name, environment_name, .. } = remote.target;
    let query = GetServiceInstance { service_id: service, environment_id: environment };
    let answer =
        remote.client.query(&query).map_err(|error| match error.to_string().contains("not found") {
            true => {
                let message = format!(
                    "the service `{service_name}` is not in the environment `{environment_name}`: {error:#}"
                );
                Failure::usage(message)
                    .hint("deploy it there once on railway.com, or name another service with --service")
                    .into()
            }
            false => error,
        })?;
    Ok(answer.service_instance)
}

/// Project and environment are the token's; only the service may be missing.
fn of_project_token(client: &Client<'_>, choices: &Choices<'_>, wanted: Wanted<'_>) -> anyhow::Result<Found> {
    let token = client.query(&GetProjectToken {})?.project_token;
    let project = client.query(&GetProject { id: &token.project_id })?.project;
    let environment = target::environment_of(&project, choices, Some(&token))?;
    let (name, service) = service_of(Some(&project), choices.service, wanted.name)?;
    Ok(Found {
        place: Place { project: project.name.clone(), environment: environment.name.clone(), service: name },
        workspace: None,
        project: Some(project),
        environment: Some(environment),
        service,
        instance: None,
        variables: Variables::new(),
    })
}

fn of_account(client: &Client<'_>, choices: &Choices<'_>, wanted: Wanted<'_>) -> anyhow::Result<Found> {
    let default = wanted.name.map(|value| Choice { value, source: "the name of the Leptos project" });
    let named = choices.project.or(default).ok_or_else(|| {
        Failure::usage("the project has no name yet").hint("--project says which is found or made")
    })?;
    let (workspace, project) = match is_id(named.value) {
        true => (None, Some(target::by_id(client, named)?)),
        false => project_of(client, named, wanted.workspace)?,
    };
    let (environment_name, environment) = environment_in(project.as_ref(), choices.environment)?;
    let (service_name, service) = service_of(project.as_ref(), choices.service, wanted.name)?;
    let project_name = project.as_ref().map_or(named.value, |project| &project.name).to_owned();
    Ok(Found {
        place: Place { project: project_name, environment: environment_name, service: service_name },
        workspace,
        project,
        environment,
        service,
        instance: None,
        variables: Variables::new(),
    })
}

/// The project of this name among all that the token may see; where there is none, the workspace that it is made in.
fn project_of(
    client: &Client<'_>,
    named: Choice<'_>,
    workspace: Option<&str>,
) -> anyhow::Result<(Option<Named>, Option<Project>)> {
    let all = client.query(&GetApiToken {})?.api_token.workspaces;
    let is_meant = |known: &&Named| workspace.is_none_or(|name| known.id == name || known.name == name);
    let workspaces: Vec<&Named> = all.iter().filter(is_meant).collect();
    let names = || all.iter().map(|known| known.name.as_str()).collect::<Vec<_>>().join(", ");
    if let (Some(name), []) = (workspace, workspaces.as_slice()) {
        return Err(Failure::usage(format!("the token is for no workspace `{name}` (--workspace)"))
            .hint(format!("workspaces: {}", if all.is_empty() { "none".to_owned() } else { names() }))
            .into());
    }
    let mut matches = Vec::new();
    for workspace in &workspaces {
        let projects = projects_in(client, &workspace.id)?;
        matches.extend(projects.into_iter().filter(|known| known.name == named.value));
    }
    match matches.as_slice() {
        [] => match workspaces.as_slice() {
            [] => Ok((None, None)),
            [only] => Ok((Some((*only).clone()), None)),
            _ => {
                let message =
                    format!("there is no project `{}`, and the token is for several workspaces", named.value);
                Err(Failure::usage(message)
                    .hint(format!("--workspace says where it is made: {}", names()))
                    .into())
            }
        },
        [only] => Ok((None, Some(client.query(&GetProject { id: &only.id })?.project))),
        several => {
            let ids: Vec<&str> = several.iter().map(|project| project.id.as_str()).collect();
            let message = format!("there are {} projects `{}` ({})", ids.len(), named.value, named.source);
            Err(Failure::usage(message).hint(format!("--project ID says which: {}", ids.join(", "))).into())
        }
    }
}

/// All projects of a workspace.
pub(super) fn projects_in(client: &Client<'_>, workspace: &str) -> anyhow::Result<Vec<Named>> {
    let (mut all, mut after) = (Vec::new(), None::<String>);
    for _ in 0..PAGES_MAX {
        let query = ListProjects { workspace_id: workspace, first: PAGE, after: after.as_deref() };
        let answer = client.query(&query)?.projects;
        all.extend(answer.page.into_nodes());
        after = answer.page_info.end_cursor.filter(|_| answer.page_info.has_next_page);
        if after.is_none() {
            return Ok(all);
        }
    }
    let message = format!("the workspace has more than {} projects", PAGE as usize * PAGES_MAX);
    Err(Failure::new(Exit::CommandFailed, message).hint("--project ID names one without a search").into())
}

/// The environment that is named, else the only one, else `production`.
fn environment_in(
    project: Option<&Project>,
    choice: Option<Choice<'_>>,
) -> anyhow::Result<(String, Option<Named>)> {
    let known = project.map(|project| project.environments.clone().into_nodes()).unwrap_or_default();
    match (choice, known.as_slice()) {
        (None, [only]) => Ok((only.name.clone(), Some(only.clone()))),
        (choice, known) => {
            let name = choice.map_or(ENVIRONMENT, |choice| choice.value);
            let found = find(known, name);
            if found.is_none() && choice.is_none() && !known.is_empty() {
                return Err(several("environments", known, "--environment"));
            }
            Ok((found.map_or(name, |found| &found.name).to_owned(), found.cloned()))
        }
    }
}

/// The service that is named, else the one with the name of the Leptos project. The only one of a project may be its
/// database, so it is not taken for the app's because it is the only one.
fn service_of(
    project: Option<&Project>,
    choice: Option<Choice<'_>>,
    default: Option<&str>,
) -> anyhow::Result<(String, Option<Named>)> {
    let known = project.map(|project| project.services.clone().into_nodes()).unwrap_or_default();
    let Some(name) = choice.map(|choice| choice.value).or(default) else {
        let message = "the service has no name yet";
        return Err(Failure::usage(message).hint("--service says which is found or made").into());
    };
    let found = find(&known, name);
    if found.is_none() && choice.is_none() && !known.is_empty() {
        return Err(several("services", &known, "--service"));
    }
    Ok((found.map_or(name, |found| &found.name).to_owned(), found.cloned()))
}

fn find<'a>(known: &'a [Named], name: &str) -> Option<&'a Named> {
    known.iter().find(|named| named.id == name).or_else(|| known.iter().find(|named| named.name == name))
}

fn several(what: &str, known: &[Named], flag: &str) -> anyhow::Error {
    let names: Vec<&str> = known.iter().map(|named| named.name.as_str()).collect();
    let message = format!("the project has {what} already, and none is named: {}", names.join(", "));
    Failure::usage(message)
        .hint(format!("{flag} NAME takes one of them; another name makes a new one"))
        .into()
}

/// Whether the text is an id of Railway's: a UUID.
fn is_id(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let is_hex = |part: &&str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12]) && parts.iter().all(is_hex)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::railway::examples::{named, project};

    /// Name and id, or the message.
    fn shown(chosen: anyhow::Result<(String, Option<Named>)>) -> String {
        match chosen {
            Ok((name, found)) => format!("{name}: {}", found.map_or("none".to_owned(), |found| found.id)),
            Err(error) => {
                assert_eq!(Exit::of(&error), Exit::Usage);
                error.to_string()
            }
        }
    }

    #[test]
    fn environments() {
        let (one, two) = (project(&["main"], &[]), project(&["staging", "production"], &[]));
        let other = project(&["a", "b"], &[]);
        for (project, choice, expected) in [
            (None, None, "production: none"),
            (None, named("staging"), "staging: none"),
            (Some(&one), None, "main: id-main"),
            (Some(&one), named("new"), "new: none"),
            (Some(&two), None, "production: id-production"),
            (Some(&two), named("id-staging"), "staging: id-staging"),
            (Some(&other), None, "the project has environments already, and none is named: a, b"),
        ] {
            assert_eq!(shown(environment_in(project, choice)), expected);
        }
    }

    #[test]
    fn the_only_service_may_be_a_database() {
        let (empty, database) = (project(&[], &[]), project(&[], &["postgres"]));
        let both = project(&[], &["postgres", "app"]);
        for (project, choice, default, expected) in [
            (None, None, Some("app"), "app: none"),
            (None, None, None, "the service has no name yet"),
            (Some(&empty), None, Some("app"), "app: none"),
            (
                Some(&database),
                None,
                Some("app"),
                "the project has services already, and none is named: postgres",
            ),
            (Some(&database), named("web"), Some("app"), "web: none"),
            (Some(&both), None, Some("app"), "app: id-app"),
            (Some(&both), named("id-postgres"), None, "postgres: id-postgres"),
        ] {
            assert_eq!(shown(service_of(project, choice, default)), expected);
        }
    }

    #[test]
    fn ids_are_uuids() {
        assert!(is_id("0f5c0d2e-1234-4abc-8def-0123456789ab"));
        for name in ["shop", "0f5c0d2e-1234-4abc-8def-0123456789a", "0f5c0d2e-1234-4abc-8def-0123456789ag"] {
            assert!(!is_id(name));
        }
    }
}
