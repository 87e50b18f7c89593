//! The plan of a set-up: pure, from what is wanted and what is there.
//!
//! The image comes before the variables and the domain last: whoever looks at a service that is half set up sees
//! nothing that serves. Nothing deploys, whatever the order.

use std::collections::{BTreeMap, BTreeSet};

use super::super::pinned::PinnedImage;
use super::super::service_queries::ServiceInstance;
use super::super::settings;
use super::found::Found;
use crate::config::service::{FILE, Service};
use crate::plan::init::{
    CreateDomain, CreateEnvironment, CreateProject, CreateService, GiveVariables, SetUpService,
};
use crate::plan::{Action, Operation, Plan, Stage, Step};

/// What the service is to have.
#[derive(Clone, Copy)]
pub struct Wish<'a> {
    /// For a service without one.
    pub image: Option<&'a PinnedImage>,
    /// Whether there are registry credentials to go with the image.
    pub has_credentials: bool,
    /// Whether they are sent, though the service has an image.
    pub renew_credentials: bool,
    /// What `railway.toml` says.
    pub service: &'a Service,
    /// The variables that have a value.
    pub variables: &'a BTreeSet<String>,
    pub domain: bool,
}

/// What is missing, in the order in which it is made. Without steps where everything is there.
pub fn plan(wish: &Wish<'_>, found: &Found) -> Plan {
    let mut steps = Vec::new();
    let mut add = |name: &str, operation: Operation| {
        let action = Action::Operation(operation);
        steps.push(Step { name: name.to_owned(), stage: Stage::Finish, action });
    };
    let place = &found.place;
    if found.project.is_none() {
        let workspace = found.workspace.as_ref().map(|known| (known.id.clone(), known.name.clone()));
        let (name, environment) = (place.project.clone(), place.environment.clone());
        add("make project", Operation::CreateProject(CreateProject { name, environment, workspace }));
    } else if found.environment.is_none() {
        let (project, name) = (place.project.clone(), place.environment.clone());
        add("make environment", Operation::CreateEnvironment(CreateEnvironment { project, name }));
    }
    if found.service.is_none() {
        add("make service", Operation::CreateService(CreateService { place: place.clone() }));
    }
    let set_up = set_up(wish, found);
    if set_up.image.is_some() || set_up.credentials || !set_up.settings.is_empty() {
        add("set up service", Operation::SetUpService(set_up));
    }
    let names = new_variables(wish, found);
    if !names.is_empty() {
        add("set variables", Operation::GiveVariables(GiveVariables { place: place.clone(), names }));
    }
    if wish.domain && found.domain().is_none() {
        add("make domain", Operation::CreateDomain(CreateDomain { place: place.clone() }));
    }
    Plan { command: "deploy init".to_owned(), steps }
}

fn set_up(wish: &Wish<'_>, found: &Found) -> SetUpService {
    let nothing = ServiceInstance::default();
    let instance = found.instance.as_ref().unwrap_or(&nothing);
    // Another image than the wanted one is what `deploy` has set since.
    let image = wish.image.filter(|_| instance.source_image().is_none());
    SetUpService {
        place: found.place.clone(),
        image: image.map(|image| image.reference().to_owned()),
        credentials: wish.has_credentials && (image.is_some() || wish.renew_credentials),
        settings: settings::differing(wish.service, instance),
    }
}

/// Those with a value that the service does not have; the others keep theirs.
fn new_variables(wish: &Wish<'_>, found: &Found) -> Vec<String> {
    wish.variables.iter().filter(|name| !found.variables.contains_key(*name)).cloned().collect()
}

/// What of a plan makes something new, in words; `None` where it only sets.
pub fn makes(plan: &Plan) -> Option<String> {
    let made = plan.steps.iter().filter_map(|step| match &step.action {
        Action::Operation(Operation::CreateProject(input)) => {
            let place = input.workspace.as_ref().map(|(_, name)| format!(" in workspace `{name}`"));
            let place = place.unwrap_or_default();
            Some(format!("project `{}` with environment `{}`{place}", input.name, input.environment))
        }
        Action::Operation(Operation::CreateEnvironment(input)) => {
            Some(format!("environment `{}` in project `{}`", input.name, input.project))
        }
        Action::Operation(Operation::CreateService(input)) => {
            Some(format!("service `{}` in project `{}`", input.place.service, input.place.project))
        }
        _ => None,
    });
    let made: Vec<String> = made.collect();
    (!made.is_empty()).then(|| made.join(", "))
}

/// What people should know of what is there or left out. `values` are those of the wish's variables.
pub fn notes(wish: &Wish<'_>, found: &Found, values: &BTreeMap<String, String>) -> Vec<String> {
    let mut notes = Vec::new();
    let source = found.instance.as_ref().and_then(|instance| instance.source.as_ref());
    let image = source.and_then(|source| source.image.as_deref());
    match (image, wish.image) {
        (Some(has), Some(wanted)) if has != wanted.reference() => notes.push(format!(
            "the service has the image {has} and keeps it; `cargo xtask deploy --image {wanted}` deploys the other one"
        )),
        (None, None) if wish.has_credentials => notes.push(
            "the registry credentials are not sent: they go with the first image, which --image names".to_owned(),
        ),
        _ => {}
    }
    if let (Some(repo), None) = (source.and_then(|source| source.repo.as_deref()), image) {
        notes.push(format!("the service's source is the repository {repo}; its first image replaces that"));
    }
    if image.is_some() && wish.has_credentials && !wish.renew_credentials {
        notes.push(
            "the registry credentials are not sent: the service has an image already, and Railway does not tell \
             which credentials it has; --renew-credentials sends them"
                .to_owned(),
        );
    }
    let kept = values.iter().filter(|(name, value)| {
        found.variables.get(*name).is_some_and(|known| known.as_str() != Some(value.as_str()))
    });
    let kept: Vec<&str> = kept.map(|(name, _)| name.as_str()).collect();
    if !kept.is_empty() {
        notes.push(format!("variables that have another value at Railway keep it: {}", kept.join(", ")));
    }
    let settings = wish.service;
    let missing = [
        ("healthcheckPath", settings.healthcheck_path.is_none(), "it switches over before the app answers"),
        (
            "overlapSeconds",
            settings.overlap_seconds.is_none(),
            "requests may meet a router that knows neither",
        ),
        ("drainingSeconds", settings.draining_seconds.is_none(), "open requests are cut off"),
    ];
    for (name, _, what) in missing.iter().filter(|(_, is_missing, _)| *is_missing) {
        notes.push(format!("{FILE} has no {name}: at each deployment {what}"));
    }
    notes
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use serde_json::json;

    use super::super::super::operations::Named;
    use super::super::super::state::Variables;
    use super::*;
    use crate::plan::init::Place;

    fn named(name: &str) -> Named {
        Named { id: format!("id-{name}"), name: name.to_owned() }
    }

    fn nothing() -> Found {
        let place = Place { project: "shop".into(), environment: "production".into(), service: "web".into() };
        Found {
            place,
            workspace: Some(named("mine")),
            project: None,
            environment: None,
            service: None,
            instance: None,
            variables: Variables::new(),
        }
    }

    fn everything(domain: &str) -> Found {
        let empty = json!({"edges": []});
        let project = json!({"id": "p", "name": "shop", "environments": empty, "services": empty});
        let domains = if domain.is_empty() { json!([]) } else { json!([{"domain": domain}]) };
        let instance = json!({
            "source": {"image": image().reference(), "repo": null}, "healthcheckPath": "/health",
            "domains": {"customDomains": [], "serviceDomains": domains}, "activeDeployments": [],
        });
        Found {
            project: Some(serde_json::from_value(project).unwrap()),
            environment: Some(named("production")),
            service: Some(named("web")),
            instance: Some(serde_json::from_value(instance).unwrap()),
            variables: Variables::from([("A".to_owned(), json!("1"))]),
            ..nothing()
        }
    }

    fn image() -> PinnedImage {
        PinnedImage::parse(&format!("ghcr.io/o/app@sha256:{}", "0".repeat(64))).unwrap()
    }

    fn check(found: &Found, change: impl FnOnce(&mut Wish<'_>), expected: Expect) {
        let (image, variables) = (image(), BTreeSet::from(["A".to_owned(), "B".to_owned()]));
        let service = Service {
            healthcheck_path: Some("/health".to_owned()),
            draining_seconds: Some(15),
            ..Service::default()
        };
        let mut wish = Wish {
            image: Some(&image),
            has_credentials: true,
            renew_credentials: false,
            service: &service,
            variables: &variables,
            domain: true,
        };
        change(&mut wish);
        let plan = plan(&wish, found);
        let text = plan.to_string().replace(&"0".repeat(64), "0");
        let makes = makes(&plan).map(|made| format!("makes {made}\n")).unwrap_or_default();
        let values = BTreeMap::from([("A".to_owned(), "2".to_owned())]);
        let notes = notes(&wish, found, &values).join("\n").replace(&"0".repeat(64), "0");
        expected.assert_eq(&format!("{text}{makes}{notes}\n"));
    }

    #[test]
    fn from_nothing() {
        check(
            &nothing(),
            |_| {},
            expect![[r#"
            set -e
            # make project
            # make project shop with environment production in workspace mine
            # make service
            # make service web in project shop
            # set up service
            # web (production): set the image to ghcr.io/o/app@sha256:0, the registry credentials, drainingSeconds to 15, healthcheckPath to "/health"
            # set variables
            # web (production): set A, B without a deployment
            # make domain
            # web (production): make a domain
            makes project `shop` with environment `production` in workspace `mine`, service `web` in project `shop`
            railway.toml has no overlapSeconds: at each deployment requests may meet a router that knows neither
        "#]],
        );
        let half = Found { service: None, instance: None, environment: None, ..everything("") };
        check(
            &half,
            |wish| wish.domain = false,
            expect![[r#"
            set -e
            # make environment
            # make environment production in project shop
            # make service
            # make service web in project shop
            # set up service
            # web (production): set the image to ghcr.io/o/app@sha256:0, the registry credentials, drainingSeconds to 15, healthcheckPath to "/health"
            # set variables
            # web (production): set B without a deployment
            makes environment `production` in project `shop`, service `web` in project `shop`
            variables that have another value at Railway keep it: A
            railway.toml has no overlapSeconds: at each deployment requests may meet a router that knows neither
        "#]],
        );
    }

    #[test]
    fn what_is_there_stays() {
        check(
            &everything("web.up.railway.app"),
            |_| {},
            expect![[r#"
            set -e
            # set up service
            # web (production): set drainingSeconds to 15
            # set variables
            # web (production): set B without a deployment
            the registry credentials are not sent: the service has an image already, and Railway does not tell which credentials it has; --renew-credentials sends them
            variables that have another value at Railway keep it: A
            railway.toml has no overlapSeconds: at each deployment requests may meet a router that knows neither
        "#]],
        );
        check(
            &everything(""),
            |wish| wish.renew_credentials = true,
            expect![[r#"
            set -e
            # set up service
            # web (production): set the registry credentials, drainingSeconds to 15
            # set variables
            # web (production): set B without a deployment
            # make domain
            # web (production): make a domain
            variables that have another value at Railway keep it: A
            railway.toml has no overlapSeconds: at each deployment requests may meet a router that knows neither
        "#]],
        );
    }
}
