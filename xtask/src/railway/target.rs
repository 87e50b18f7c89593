//! Which service in which environment of which project is meant.
//!
//! Each may be named on the command line, in the environment or in the workspace's metadata, in this order; what nobody
//! names is what the token is for, or the only one there is. Names count as they are written.

use super::client::Client;
use super::operations::Named;
use super::service_queries::{GetProject, GetProjectToken, Project, ProjectToken};
use crate::config::automation::Railway;
use crate::config::keys::not_known;
use crate::config::railway::{Access, TokenKind};
use crate::exit::{Exit, Failure, hint_of};
use crate::plan::deploy::Target;

/// What the command line says.
#[derive(Clone, Copy, Debug, Default)]
pub struct Flags<'a> {
    pub project: Option<&'a str>,
    pub environment: Option<&'a str>,
    pub service: Option<&'a str>,
}

/// A name or id, and where it comes from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice<'a> {
    pub value: &'a str,
    pub source: &'static str,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Choices<'a> {
    pub project: Option<Choice<'a>>,
    pub environment: Option<Choice<'a>>,
    pub service: Option<Choice<'a>>,
}

/// Asks Railway what the names mean.
pub fn resolve(
    client: &Client<'_>,
    access: &Access,
    flags: Flags<'_>,
    metadata: &Railway,
) -> anyhow::Result<Target> {
    let choices = choices(flags, access, metadata);
    match access.token.kind {
        TokenKind::Project => {
            let token = client.query(&GetProjectToken {})?.project_token;
            let project = client.query(&GetProject { id: &token.project_id })?.project;
            choose(&project, &choices, Some(&token))
        }
        TokenKind::Account => {
            let Some(named) = choices.project else {
                let message = "the project is not known: an account or workspace token may be for several";
                return Err(Failure::usage(message)
                    .hint(format!("{PROJECT_HINT}; --project names it"))
                    .into());
            };
            choose(&by_id(client, named)?, &choices, None)
        }
    }
}

/// The project of this id.
pub(super) fn by_id(client: &Client<'_>, named: Choice<'_>) -> anyhow::Result<Project> {
    let answer = client.query(&GetProject { id: named.value }).map_err(|error| {
        let message = format!("project `{}` ({}): {error:#}", named.value, named.source);
        let hint = match hint_of(&error) {
            Some(hint) => format!("{PROJECT_HINT}; or {hint}"),
            None => PROJECT_HINT.to_owned(),
        };
        Failure::new(Exit::of(&error), message).hint(hint)
    })?;
    Ok(answer.project)
}

/// What an account token cannot look up by name.
const PROJECT_HINT: &str =
    "with RAILWAY_API_TOKEN a project is given by its id, which is in the address of its page on railway.com";

/// What is named, each by the first that names it.
pub(super) fn choices<'a>(flags: Flags<'a>, access: &'a Access, metadata: &'a Railway) -> Choices<'a> {
    let first = |named: [(Option<&'a str>, &'static str); 3]| {
        named.into_iter().find_map(|(value, source)| Some(Choice { value: value?, source }))
    };
    Choices {
        project: first([
            (flags.project, "--project"),
            (access.project.as_deref(), "RAILWAY_PROJECT_ID"),
            (metadata.project.as_deref(), "`project` in [workspace.metadata.xtask.railway]"),
        ]),
        environment: first([
            (flags.environment, "--environment"),
            (access.environment.as_deref(), "RAILWAY_ENVIRONMENT_ID"),
            (metadata.environment.as_deref(), "`environment` in [workspace.metadata.xtask.railway]"),
        ]),
        service: first([
            (flags.service, "--service"),
            (access.service.as_deref(), "RAILWAY_SERVICE_ID"),
            (metadata.service.as_deref(), "`service` in [workspace.metadata.xtask.railway]"),
        ]),
    }
}

/// The target within a project. `token` is there for a project token, which is for one environment.
fn choose(project: &Project, choices: &Choices<'_>, token: Option<&ProjectToken>) -> anyhow::Result<Target> {
    let environment = environment_of(project, choices, token)?;
    let within = format!("project `{}`", project.name);
    let services = project.services.clone().into_nodes();
    let service = pick(&services, choices.service, "service", &within)?;
    Ok(Target {
        project: project.id.clone(),
        environment: environment.id.clone(),
        service: service.id.clone(),
        project_name: project.name.clone(),
        environment_name: environment.name.clone(),
        service_name: service.name.clone(),
    })
}

/// The environment within a project, which has to be the one that is named.
pub(super) fn environment_of(
    project: &Project,
    choices: &Choices<'_>,
    token: Option<&ProjectToken>,
) -> anyhow::Result<Named> {
    if let Some(named) = choices.project
        && ![&project.id, &project.name].iter().any(|known| *known == named.value)
    {
        let message = format!(
            "the token in RAILWAY_TOKEN is for project `{}`, not for `{}` ({})",
            project.name, named.value, named.source
        );
        return Err(Failure::usage(message).hint("a project token is made in the project's settings").into());
    }
    let within = format!("project `{}`", project.name);
    let environments = project.environments.clone().into_nodes();
    let of_token = token.map(|token| Choice { value: &token.environment_id, source: "the token" });
    let environment = pick(&environments, choices.environment.or(of_token), "environment", &within)?;
    if let Some(token) = token.filter(|token| token.environment_id != environment.id) {
        let known = environments.iter().find(|known| known.id == token.environment_id);
        let message = format!(
            "the token in RAILWAY_TOKEN is for environment `{}`, not for `{}` ({})",
            known.map_or(token.environment_id.as_str(), |known| &known.name),
            environment.name,
            choices.environment.map_or("the token", |choice| choice.source)
        );
        return Err(Failure::usage(message).hint("a project token is for one environment").into());
    }
    Ok(environment.clone())
}

/// The one that is named, or the only one.
fn pick<'a>(
    known: &'a [Named],
    choice: Option<Choice<'_>>,
    what: &str,
    within: &str,
) -> anyhow::Result<&'a Named> {
    let names = || known.iter().map(|named| named.name.as_str());
    match (choice, known) {
        (Some(Choice { value, source }), _) => known
            .iter()
            .find(|named| named.id == value)
            .or_else(|| known.iter().find(|named| named.name == value))
            .ok_or_else(|| {
                let message = format!("{within} has no {what} `{value}` ({source})");
                not_known(message, value, names(), &format!("{what}s")).into()
            }),
        (None, [only]) => Ok(only),
        (None, []) => Err(Failure::usage(format!("{within} has no {what}"))
            .hint("`cargo xtask deploy init` makes one, with all that belongs to it")
            .into()),
        (None, _) => {
            let all: Vec<&str> = names().collect();
            let message = format!("{within} has several {what}s: {}", all.join(", "));
            let key = format!("`{what}` in [workspace.metadata.xtask.railway]");
            Err(Failure::usage(message).hint(format!("--{what} or {key} says which")).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::railway::examples::{named, project};

    fn token(environment: &str) -> ProjectToken {
        ProjectToken { project_id: "id-shop".to_owned(), environment_id: format!("id-{environment}") }
    }

    fn check(project: &Project, choices: Choices<'_>, token: Option<&ProjectToken>, expected: Expect) {
        let text = match choose(project, &choices, token) {
            Ok(target) => format!("{target}: {} {} {}", target.project, target.environment, target.service),
            Err(error) => {
                assert_eq!(Exit::of(&error), Exit::Usage);
                format!("{error}\n{}", hint_of(&error).unwrap())
            }
        };
        expected.assert_eq(&text);
    }

    #[test]
    fn the_token_and_the_only_service() {
        let one = project(&["staging", "production"], &["web"]);
        let all = Choices::default();
        check(
            &one,
            all,
            Some(&token("production")),
            expect!["web (production): id-shop id-production id-web"],
        );
        check(
            &one,
            all,
            None,
            expect![[r#"
                project `shop` has several environments: staging, production
                --environment or `environment` in [workspace.metadata.xtask.railway] says which"#]],
        );
        let none = project(&["production"], &[]);
        check(
            &none,
            all,
            None,
            expect![[r#"
                project `shop` has no service
                `cargo xtask deploy init` makes one, with all that belongs to it"#]],
        );
    }

    #[test]
    fn names_and_ids() {
        let two = project(&["staging", "production"], &["web", "worker"]);
        let choices =
            Choices { project: named("shop"), environment: named("id-staging"), service: named("worker") };
        check(&two, choices, None, expect!["worker (staging): id-shop id-staging id-worker"]);
        check(
            &two,
            Choices { service: named("Web"), ..choices },
            None,
            expect![[r#"
                project `shop` has no service `Web` (--flag); did you mean `web`?
                services: web, worker"#]],
        );
        check(
            &two,
            Choices { service: None, ..choices },
            None,
            expect![[r#"
                project `shop` has several services: web, worker
                --service or `service` in [workspace.metadata.xtask.railway] says which"#]],
        );
    }

    #[test]
    fn a_project_token_is_for_one_environment() {
        let one = project(&["staging", "production"], &["web"]);
        check(
            &one,
            Choices { environment: named("staging"), ..Choices::default() },
            Some(&token("production")),
            expect![[r#"
                the token in RAILWAY_TOKEN is for environment `production`, not for `staging` (--flag)
                a project token is for one environment"#]],
        );
        check(
            &one,
            Choices { project: named("other"), ..Choices::default() },
            Some(&token("production")),
            expect![[r#"
                the token in RAILWAY_TOKEN is for project `shop`, not for `other` (--flag)
                a project token is made in the project's settings"#]],
        );
    }

    #[test]
    fn flags_come_before_the_environment_and_that_before_metadata() {
        let text = |text: &str| Some(text.to_owned());
        let access = Access {
            base: String::new(),
            token: crate::config::railway::Token { kind: TokenKind::Project, value: String::new() },
            project: text("env"),
            environment: text("env"),
            service: None,
        };
        let metadata = Railway { project: text("meta"), service: text("meta"), ..Railway::default() };
        let flags = Flags { project: Some("flag"), ..Flags::default() };
        let choices = choices(flags, &access, &metadata);
        let values = [choices.project, choices.environment, choices.service].map(|it| it.unwrap().value);
        assert_eq!(values, ["flag", "env", "meta"]);
    }
}
