//! GitHub's registry beyond the distribution protocol: whose package an image is, who may pull it, and which of its
//! versions are still good for something.

mod api;
mod keeping;
mod pruning;

use super::contents::Contents;
use super::reference::Reference;
use super::registry::Repository;
use crate::config::github::GitHubApi;
use crate::config::registry::Sources;
use crate::exec::Executor;
use crate::exit::Exit;
use crate::record::doctor::Severity;
use crate::record::inspect::{Ghcr, InspectFinding};
use api::Packages;

pub use keeping::Policy;
pub use pruning::{delete, survey};

/// The label by which GitHub links a package to a repository.
const SOURCE: &str = "org.opencontainers.image.source";

/// Whom GitHub and its registry are asked as.
pub struct Account<'a> {
    pub sources: &'a Sources,
    pub github: &'a GitHubApi,
    /// The workspace's own image, whose registry the variables with credentials are meant for.
    pub own: Option<&'a Reference>,
}

/// Asks what GitHub says about the image's package. What nobody may know is `None`, with the reason.
pub fn look(
    exec: &Executor,
    account: &Account<'_>,
    image: &Reference,
    contents: &Contents,
) -> anyhow::Result<Ghcr> {
    let nobody = Sources::default();
    let anybody = Repository::to_read(exec, &nobody, image, None);
    let is_public = match anybody.manifest(&image.wanted()) {
        Ok(manifest) => manifest.is_some(),
        // A registry that could not be asked has said nothing about who may pull.
        Err(_) if anybody.was_denied() => false,
        Err(error) => return Err(error),
    };
    let pulled_as = match is_public {
        true => None,
        false => Repository::to_read(exec, account.sources, image, account.own).account()?,
    };
    let mut ghcr = Ghcr {
        is_public,
        pulled_as,
        source: contents.label(SOURCE).map(str::to_owned),
        repository: None,
        versions: None,
        unreferenced: None,
        problem: None,
    };
    match ask(exec, account, image, &mut ghcr) {
        Ok(()) => {}
        Err(error) if Exit::of(&error) == Exit::CommandFailed || Exit::of(&error) == Exit::Usage => {
            ghcr.problem = Some(exec.redact(&error.to_string()));
        }
        Err(error) => return Err(error),
    }
    Ok(ghcr)
}

fn ask(exec: &Executor, account: &Account<'_>, image: &Reference, ghcr: &mut Ghcr) -> anyhow::Result<()> {
    let packages = Packages::find(exec, account.github, image)?;
    ghcr.repository = packages.repository.clone();
    let surveyed = pruning::references(exec, account, image, &packages.versions()?)?;
    ghcr.versions = Some(surveyed.len());
    ghcr.unreferenced = Some(keeping::unreferenced(&surveyed));
    Ok(())
}

/// What is to mend about the package.
pub fn findings(image: &Reference, ghcr: &Ghcr) -> Vec<InspectFinding> {
    let mut findings = Vec::new();
    let mut add = |rule: &str, severity: Severity, message: String, fix: &str| {
        let (rule, fix) = (rule.to_owned(), fix.to_owned());
        findings.push(InspectFinding { rule, severity, message, fix });
    };
    if !ghcr.is_public {
        let who = ghcr.pulled_as.as_deref().map_or("nobody".to_owned(), |name| format!("`{name}`"));
        add(
            "not-public",
            Severity::Note,
            format!("{} is not public; here {who} may pull it", image.name()),
            "a platform that pulls it wants credentials of its own, or make the package public in its settings",
        );
    }
    let linked = ghcr.repository.as_deref();
    let source = ghcr.source.as_deref().map(|source| source.trim_end_matches('/').trim_end_matches(".git"));
    match (source, linked) {
        (None, _) => add(
            "no-source-label",
            Severity::Warning,
            format!("the image has no label {SOURCE}"),
            "set `repository` in the server's package: GitHub links the package by it, and the workflow's token may \
             push then",
        ),
        (Some(source), Some(linked))
            if !source.to_lowercase().ends_with(&format!("/{}", linked.to_lowercase())) =>
        {
            add(
                "other-repository",
                Severity::Warning,
                format!("the image names {source} as its source, but the package belongs to {linked}"),
                "one of the two is wrong: the label comes from `repository` in the server's package",
            )
        }
        (Some(source), None) if ghcr.problem.is_none() => add(
            "not-linked",
            Severity::Warning,
            format!("the package is linked to no repository, although the image names {source}"),
            "connect the repository in the package's settings, else its workflow may not push",
        ),
        _ => {}
    }
    if let Some(problem) = &ghcr.problem {
        add(
            "package-unknown",
            Severity::Note,
            format!("GitHub does not tell about the package: {problem}"),
            "GITHUB_TOKEN with the right `read:packages` may ask",
        );
    }
    if let Some(count) = ghcr.unreferenced.filter(|count| *count > 0) {
        let total = ghcr.versions.unwrap_or_default();
        add(
            "unreferenced-versions",
            Severity::Note,
            format!("{count} of {total} versions have no tag, and no index names them"),
            "`cargo xtask docker prune` deletes what nothing needs",
        );
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_mend() {
        let image = Reference::parse("ghcr.io/o/app:1").unwrap();
        let good = Ghcr {
            is_public: true,
            pulled_as: None,
            source: Some("https://github.com/O/app".to_owned()),
            repository: Some("o/App".to_owned()),
            versions: Some(3),
            unreferenced: Some(0),
            problem: None,
        };
        let rules = |change: fn(&mut Ghcr)| {
            let mut ghcr = good.clone();
            change(&mut ghcr);
            let rules: Vec<String> =
                findings(&image, &ghcr).into_iter().map(|finding| finding.rule).collect();
            rules.join(" ")
        };
        assert_eq!(rules(|_| {}), "");
        assert_eq!(rules(|ghcr| ghcr.is_public = false), "not-public");
        assert_eq!(rules(|ghcr| ghcr.source = None), "no-source-label");
        assert_eq!(rules(|ghcr| ghcr.repository = Some("o/other".to_owned())), "other-repository");
        assert_eq!(rules(|ghcr| ghcr.repository = None), "not-linked");
        assert_eq!(
            rules(|ghcr| (ghcr.repository, ghcr.problem) = (None, Some("403".to_owned()))),
            "package-unknown"
        );
        assert_eq!(rules(|ghcr| ghcr.unreferenced = Some(2)), "unreferenced-versions");
    }
}
