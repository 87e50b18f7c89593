//! The room of `docker lint`: what a repository says about its image, read without building anything, and the rules
//! that it breaks.
//!
//! Files are read once (`repository`), understood once (`facts`), and then looked at by rules, which are pure. What
//! cannot be read is a finding too.

mod base_image;
mod calls;
mod dockerfile;
mod facts;
mod manifest;
mod packages;
mod repository;
mod rule;
mod rules;
mod secret_names;
mod shell;
mod sources;
mod suppression;
#[cfg(test)]
mod tests;
mod workflows;
mod yaml;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::record::lint::{Finding, RuleRecord};
use facts::Facts;
use repository::Repository;
use rule::Findings;

/// What one look found.
pub struct Examination {
    pub root: PathBuf,
    /// What was read, without the sources.
    pub files: Vec<String>,
    pub findings: Vec<Finding>,
}

/// Looks at a repository's folder, or at one Dockerfile of it.
pub fn examine(path: &Path) -> std::io::Result<Examination> {
    let mut repository = Repository::read(path)?;
    if repository.only.is_none() {
        for name in rules::named_dockerfiles(&Facts::read(&repository)) {
            repository.add_dockerfile(&name);
        }
    }
    let findings = look(&repository);
    let files = match &repository.only {
        Some(only) => vec![only.clone()],
        None => repository.files.keys().cloned().collect(),
    };
    Ok(Examination { root: repository.root, files, findings })
}

/// What is wrong with what was read, by file and line.
fn look(repository: &Repository) -> Vec<Finding> {
    let facts = Facts::read(repository);
    let mut findings = rules::check(&facts);
    for (file, text) in &repository.files {
        let recipe = facts.recipes.iter().find(|recipe| recipe.file == *file);
        suppression::apply(&mut findings, file, text, &recipe.map(|it| it.spans()).unwrap_or_default());
    }
    let mut findings = findings.list;
    if let Some(only) = &repository.only {
        findings.retain(|finding| finding.file == *only);
    }
    findings.sort();
    findings.dedup();
    findings
}

/// What the rules about C libraries find in a Dockerfile only where a build is given these arguments. `dockerfile` is
/// below the repository's folder.
pub fn broken_by(
    given: &BTreeMap<String, String>,
    folder: &Path,
    dockerfile: &str,
) -> std::io::Result<Vec<Finding>> {
    let repository = Repository::read(folder)?;
    let Some(text) = repository.files.get(dockerfile) else { return Ok(Vec::new()) };
    let found = |given: &BTreeMap<String, String>| {
        let facts = Facts::read_with(&repository, given);
        let mut findings = Findings::default();
        for recipe in facts.recipes.iter().filter(|recipe| recipe.file == dockerfile) {
            rules::check_libraries(&facts, recipe, &mut findings.file(dockerfile));
            suppression::apply(&mut findings, dockerfile, text, &recipe.spans());
        }
        // Comments about other rules have nothing to silence here.
        findings.list.retain(|finding| finding.rule != suppression::WITHOUT_EFFECT.name);
        findings.list
    };
    let own = found(&BTreeMap::new());
    Ok(found(given).into_iter().filter(|finding| !own.contains(finding)).collect())
}

/// All rules, by subject.
pub fn rules() -> Vec<RuleRecord> {
    let record = |subject, rule: &'static rule::Rule| RuleRecord {
        rule: rule.name,
        subject,
        severity: rule.severity,
        reason: rule.reason,
        fix: rule.fix,
    };
    let all =
        rules::TABLE.iter().flat_map(|(subject, rules)| rules.iter().map(move |rule| record(*subject, rule)));
    all.collect()
}
