//! The registry of the app's image: is its name one, and which credentials would be used. Nobody is asked but helpers
//! of this machine.

use serde::Serialize;

use super::base::{Base, Problem};
use super::workspace;
use crate::config::registry::Sources;
use crate::image::reference::Reference;
use crate::image::registry::find_credentials;
use crate::record::doctor::{Finding, Fix, Group, Severity};

#[derive(Clone, Debug, Default, Serialize)]
pub struct Facts {
    /// `image` of the workspace's metadata.
    pub image: Option<String>,
    pub image_problem: Option<Problem>,
    pub registry: Option<String>,
    /// Whom the registry is asked as, and where that comes from. The password is not here.
    pub account: Option<(String, String)>,
    /// Where credentials were looked for in vain.
    pub looked: Vec<String>,
    pub problem: Option<Problem>,
    /// Images on this machine need no credentials.
    pub is_local: bool,
}

pub fn gather(base: &Base<'_>, workspace: &workspace::Facts) -> Facts {
    let mut facts = Facts { image: workspace.automation().image, ..Facts::default() };
    let Some(image) = &facts.image else { return facts };
    let reference = match Reference::parse(image) {
        Ok(reference) => reference,
        Err(error) => {
            facts.image_problem = Some(Problem::of(&error));
            return facts;
        }
    };
    let found =
        Sources::read().and_then(|sources| find_credentials(base.exec, &sources, &reference.registry, true));
    match found {
        Ok(found) => {
            facts.account = found.account.map(|account| (account.username, found.place));
            facts.looked = found.looked;
        }
        Err(error) => facts.problem = Some(Problem::of(&error)),
    }
    facts.is_local = crate::config::address::is_loopback(&reference.registry);
    facts.registry = Some(reference.registry);
    facts
}

pub fn examine(facts: &Facts) -> Option<Finding> {
    let advice = |problem: &Problem| {
        Fix::advice(problem.hint.clone().unwrap_or_else(|| "correct what is named".to_owned()))
    };
    if let Some(problem) = &facts.image_problem {
        let wanted = "registry and name, e.g. ghcr.io/owner/app";
        let finding = Finding::new(
            Group::Registry,
            "image-name",
            Severity::Error,
            &problem.message,
            wanted,
            advice(problem),
        );
        return Some(finding.at("`image` in [workspace.metadata.xtask] in Cargo.toml"));
    }
    let registry = facts.registry.as_ref()?;
    if let Some(problem) = &facts.problem {
        let wanted = format!("credentials for {registry} that can be used");
        return Some(Finding::new(
            Group::Registry,
            "registry-credentials-unusable",
            Severity::Error,
            &problem.message,
            wanted,
            advice(problem),
        ));
    }
    if facts.account.is_none() && !facts.is_local {
        let finding = Finding::new(
            Group::Registry,
            "registry-credentials-missing",
            Severity::Warning,
            format!("no credentials for {registry}: {}", facts.looked.join(", ")),
            "an account that may push, or XTASK_REGISTRY_USERNAME and XTASK_REGISTRY_PASSWORD",
            Fix::command(format!("docker login {registry}")),
        );
        return Some(finding);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_registries() {
        let rule = |facts: &Facts| examine(facts).map(|finding| finding.rule);
        assert_eq!(rule(&Facts::default()), None);
        let bare = Facts { registry: Some("ghcr.io".to_owned()), ..Facts::default() };
        assert_eq!(rule(&bare), Some("registry-credentials-missing"));
        assert_eq!(rule(&Facts { is_local: true, ..bare.clone() }), None);
        let known = Facts { account: Some(("me".to_owned(), "here".to_owned())), ..bare.clone() };
        assert_eq!(rule(&known), None);
        let problem = || Some(Problem::default());
        assert_eq!(rule(&Facts { problem: problem(), ..bare }), Some("registry-credentials-unusable"));
        assert_eq!(rule(&Facts { image_problem: problem(), ..Facts::default() }), Some("image-name"));
    }
}
