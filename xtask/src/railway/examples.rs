//! What several tests of this room start from.

use serde_json::json;

use super::service_queries::Project;
use super::target::Choice;

/// The project `shop` with these environments and services, each with an id that is made from its name.
pub fn project(environments: &[&str], services: &[&str]) -> Project {
    let nodes = |names: &[&str]| {
        let node = |name: &&str| json!({"node": {"id": format!("id-{name}"), "name": name}});
        json!({"edges": names.iter().map(node).collect::<Vec<_>>()})
    };
    let value = json!({
        "id": "id-shop", "name": "shop", "environments": nodes(environments), "services": nodes(services),
    });
    serde_json::from_value(value).unwrap()
}

/// What a flag of the command line names.
pub(super) fn named(value: &str) -> Option<Choice<'_>> {
    Some(Choice { value, source: "--flag" })
}
