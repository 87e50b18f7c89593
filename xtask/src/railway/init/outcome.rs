//! What a set-up has come to: each part of the service as it is now, what of it has to be kept, and what comes next.

use super::super::operations::Named;
use super::super::settings as service_settings;
use super::super::target::{self, Flags};
use super::found::Found;
use super::planning::Wish;
use crate::config::automation::Railway;
use crate::config::expected::FILE;
use crate::config::railway::{Access, TokenKind};
use crate::record::RunResult;
use crate::record::deploy::ServiceName;
use crate::record::init::{INIT_SCHEMA, Ids, InitRecord, Item, ItemState};

/// The record, but for what only the run knows. `optional` are variables that the app has a default for.
pub fn record(before: &Found, now: &Found, wish: &Wish<'_>, optional: &[String]) -> InitRecord {
    let place = &now.place;
    let ids = Ids {
        project: now.project.as_ref().map(|project| project.id.clone()),
        environment: now.environment.as_ref().map(|environment| environment.id.clone()),
        service: now.service.as_ref().map(|service| service.id.clone()),
    };
    let source =
        |found: &Found| found.instance.as_ref().and_then(|found| found.source_image().map(str::to_owned));
    let mut items = vec![
        item("project", before.project.is_some(), ids.project.is_some(), &place.project),
        item("environment", before.environment.is_some(), ids.environment.is_some(), &place.environment),
        item("service", before.service.is_some(), ids.service.is_some(), &place.service),
    ];
    let image = source(now);
    let detail = image.as_deref().unwrap_or("the first `cargo xtask deploy --image …` sets it");
    items.push(item("image", source(before).is_some(), image.is_some(), detail));
    items.extend(settings(before, now, wish));
    items.extend(variables(before, now, wish, optional));
    let detail = now.domain().unwrap_or("none");
    items.push(item("domain", before.domain().is_some(), now.domain().is_some(), detail));
    InitRecord {
        schema: INIT_SCHEMA,
        result: RunResult::Failed,
        started: String::new(),
        service: ServiceName {
            project: place.project.clone(),
            environment: place.environment.clone(),
            service: place.service.clone(),
        },
        ids,
        already_set_up: false,
        items,
        keep: Vec::new(),
        next: None,
        steps: Vec::new(),
        seconds: 0.0,
        error: None,
    }
}

fn item(name: &str, was: bool, is: bool, detail: &str) -> Item {
    let state = match (was, is) {
        (true, _) => ItemState::Found,
        (false, true) => ItemState::Made,
        (false, false) => ItemState::Missing,
    };
    Item { name: name.to_owned(), state, detail: detail.to_owned() }
}

/// What `railway.toml` says, by name; nothing where it says nothing.
fn settings(before: &Found, now: &Found, wish: &Wish<'_>) -> Option<Item> {
    let names: Vec<String> = wish.service.by_name().into_keys().collect();
    let has = |found: &Found| {
        let instance = found.instance.as_ref();
        instance.is_some_and(|instance| service_settings::differing(wish.service, instance).is_empty())
    };
    (!names.is_empty()).then(|| item("settings", has(before), has(now), &names.join(", ")))
}

/// Which were set, and which of the others are known.
fn variables(before: &Found, now: &Found, wish: &Wish<'_>, optional: &[String]) -> Option<Item> {
    let is_new = |name: &&String| !before.variables.contains_key(*name);
    let joined = |names: Vec<&String>| names.into_iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    let (new, kept): (Vec<&String>, Vec<&String>) = wish.variables.iter().partition(is_new);
    let is_set = new.iter().all(|name| now.variables.contains_key(*name));
    let unset = optional.iter().filter(|name| !now.variables.contains_key(*name)).count();
    let mut details = Vec::new();
    details.extend((!new.is_empty()).then(|| joined(new.clone())));
    details.extend((!kept.is_empty()).then(|| format!("as they were: {}", joined(kept))));
    details.extend((unset > 0).then(|| format!("{unset} optional ones of {FILE} are not set")));
    (!details.is_empty()).then(|| item("variables", new.is_empty(), is_set, &details.join("; ")))
}

/// The command that comes next.
pub fn next(now: &Found) -> String {
    let instance = now.instance.as_ref();
    match instance.and_then(|instance| instance.source_image()) {
        _ if instance.is_some_and(|instance| instance.live().is_some()) => {
            "cargo xtask deploy status".to_owned()
        }
        Some(image) => format!("cargo xtask deploy --image {image}"),
        None => {
            "cargo xtask docker pack --push, then cargo xtask deploy --image with what it prints".to_owned()
        }
    }
}

/// The lines of the workspace's metadata without which `deploy` would mean another service, or none.
pub fn keep(found: &Found, access: &Access, metadata: &Railway) -> Vec<String> {
    let known = target::choices(Flags::default(), access, metadata);
    let Some(target) = found.target() else { return Vec::new() };
    let is_project_token = access.token.kind == TokenKind::Project;
    let mut lines = Vec::new();
    let mut line = |key: &str, value: &str, rest: &str| lines.push(format!("{key} = \"{value}\"{rest}"));
    // With another token than a project's, a project is known by its id alone.
    let has_project = known.project.is_some_and(|choice| choice.value == target.project);
    if !is_project_token && !has_project {
        line("project", &target.project, &format!(" # {}", target.project_name));
    }
    let is = |choice: Option<target::Choice<'_>>, id: &str, name: &str| match choice {
        Some(choice) => choice.value == id || choice.value == name,
        None => false,
    };
    // What was made after the project was looked at is not in its lists.
    let count =
        |known: Vec<Named>, own: &str| known.len() + usize::from(known.iter().all(|known| known.id != own));
    let lists = found
        .project
        .clone()
        .map(|project| (project.environments.into_nodes(), project.services.into_nodes()));
    let (environments, services) = lists.unwrap_or_default();
    let (environments, services) =
        (count(environments, &target.environment), count(services, &target.service));
    let has_environment = is(known.environment, &target.environment, &target.environment_name)
        || (known.environment.is_none() && environments <= 1);
    if !is_project_token && !has_environment {
        line("environment", &target.environment_name, "");
    }
    let has_service = is(known.service, &target.service, &target.service_name)
        || (known.service.is_none() && services <= 1);
    if !has_service {
        line("service", &target.service_name, "");
    }
    lines
}
