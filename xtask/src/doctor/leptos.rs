//! The Leptos project, our own metadata and `railway.toml`, and what a Dockerfile of the workspace says about them.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Serialize;

use super::base::{Base, Problem};
use super::workspace;
use crate::config::environment;
use crate::config::service::{self, Service};
use crate::leptos::project::{self, Project};
use crate::record::doctor::{Edit, Finding, Fix, Group, Severity};

#[derive(Clone, Debug, Default, Serialize)]
pub struct Facts {
    pub project: Option<Project>,
    pub project_problem: Option<Problem>,
    pub metadata_problem: Option<Problem>,
    pub service_problem: Option<Problem>,
    /// What would correct a misspelt key in each of the three, if that is what is wrong.
    pub renames: Vec<(String, Edit)>,
    pub dockerfiles: Vec<Dockerfile>,
    /// `None` where there is no such file.
    pub dockerignore: Option<String>,
    /// Where `railway.toml` has settings for Railway's own builder.
    pub railway_build: Option<String>,
}

/// A Dockerfile in the workspace's folder.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Dockerfile {
    pub name: String,
    /// The variables of Leptos that it mentions.
    pub mentions: BTreeSet<String>,
    /// It puts files into its image. One that does not is another image under a new name, and sets nothing.
    pub adds_files: bool,
    /// It copies from the context, so what the context has matters.
    pub copies: bool,
    /// It ends without a line break.
    pub is_open_ended: bool,
}

pub fn gather(base: &Base<'_>, workspace: &workspace::Facts) -> Facts {
    let automation = workspace.automation();
    let resolved = workspace.workspace.as_ref().ok().map(|known| {
        let variables = environment::read(&base.root)?;
        let folder = std::env::current_dir()?;
        project::resolve(known, &variables, automation.project.as_deref(), &folder)
    });
    let (project, project_problem) = match resolved {
        None => (None, None),
        Some(Ok(project)) => (Some(project), None),
        Some(Err(error)) => (None, Some(Problem::of(&error))),
    };
    let service_problem = Service::read(&base.root).err().map(|error| Problem::of(&error));
    let problems = [&project_problem, &workspace.automation.as_ref().err().cloned(), &service_problem];
    let railway = std::fs::read_to_string(base.root.join(service::FILE)).unwrap_or_default();
    let builds = railway.lines().position(|line| line.trim() == "[build]");
    Facts {
        renames: problems
            .into_iter()
            .flatten()
            .filter_map(|problem| Some((problem.message.clone(), rename(&base.root, &problem.message)?)))
            .collect(),
        project,
        project_problem,
        metadata_problem: workspace.automation.as_ref().err().cloned(),
        service_problem,
        dockerfiles: dockerfiles(&base.root),
        dockerignore: std::fs::read_to_string(base.root.join(".dockerignore")).ok(),
        railway_build: builds.map(|index| format!("{}:{}", service::FILE, index + 1)),
    }
}

/// The change that corrects "unknown key `x` in … in FILE; did you mean `y`?"; FILE may be followed by " (line 3)".
fn rename(root: &Path, message: &str) -> Option<Edit> {
    let quoted = |text: &str| text.split('`').nth(1).map(str::to_owned);
    let (before, after) = message.split_once("; did you mean ")?;
    let (wrong, right) = (quoted(before.strip_prefix("unknown key ")?)?, quoted(after)?);
    let place = before.rsplit(" in ").next()?;
    let (file, told) = match place.split_once(" (line ") {
        Some((file, number)) => (file, number.trim_end_matches(')').parse::<usize>().ok()),
        None => (place, None),
    };
    let file = file.to_owned();
    let text = std::fs::read_to_string(root.join(&file)).ok()?;
    let is_it = |line: &&str| {
        let rest = line.trim_start().strip_prefix(wrong.as_str());
        rest.is_some_and(|rest| rest.trim_start().starts_with('='))
    };
    let (index, line) = text
        .split_inclusive('\n')
        .enumerate()
        .find(|(index, line)| is_it(line) && told.is_none_or(|number| number == index + 1))?;
    let new = line.replacen(&wrong, &right, 1);
    Some(Edit { file, line: Some(index + 1), old: line.to_owned(), new })
}

fn dockerfiles(root: &Path) -> Vec<Dockerfile> {
    let entries = std::fs::read_dir(root).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.retain(|name| name == "Dockerfile" || name.starts_with("Dockerfile."));
    names.sort();
    let read = |name: String| {
        let text = std::fs::read_to_string(root.join(&name)).ok()?;
        let known = ["LEPTOS_HASH_FILES", "LEPTOS_SITE_ADDR"];
        Some(Dockerfile {
            mentions: known
                .iter()
                .filter(|known| text.contains(**known))
                .map(|it| (*it).to_owned())
                .collect(),
            adds_files: text.lines().any(adds_files),
            copies: text.lines().any(|line| adds_files(line) && !line.contains("--from=")),
            is_open_ended: !text.is_empty() && !text.ends_with('\n'),
            name,
        })
    };
    names.into_iter().filter_map(read).collect()
}

/// Whether a line of a Dockerfile copies something.
fn adds_files(line: &str) -> bool {
    let instruction = line.split_whitespace().next().unwrap_or_default();
    ["COPY", "ADD"].iter().any(|known| instruction.eq_ignore_ascii_case(known))
}

pub fn examine(facts: &Facts, workspace: &workspace::Facts) -> Vec<Finding> {
    conclude(facts, workspace.workspace.is_ok())
}

fn conclude(facts: &Facts, is_readable: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut problem = |rule, problem: &Option<Problem>, place: &str, wanted: &str| {
        let Some(problem) = problem else { return };
        let rename = facts.renames.iter().find(|(message, _)| *message == problem.message);
        let fix = match (rename, &problem.hint) {
            (Some((_, edit)), _) => Fix::Edit(vec![edit.clone()]),
            (None, Some(hint)) => Fix::advice(hint.clone()),
            (None, None) => Fix::advice(format!("correct it in {place}")),
        };
        findings.push(
            Finding::new(Group::Leptos, rule, Severity::Error, &problem.message, wanted, fix).at(place),
        );
    };
    if is_readable {
        let wanted = "a Leptos project that xtask and cargo-leptos can build";
        problem("leptos-project", &facts.project_problem, "Cargo.toml", wanted);
    }
    problem("xtask-metadata", &facts.metadata_problem, "Cargo.toml", "settings that xtask knows");
    problem("railway-toml", &facts.service_problem, service::FILE, "settings that Railway's API takes");
    if let Some(place) = facts.railway_build.as_ref().filter(|_| facts.service_problem.is_none()) {
        let found = "settings for Railway's own builder, which are not sent through the API";
        let wanted =
            "nothing, where images are deployed: Railway itself stops reading the file on 2026-12-01";
        let fix = Fix::advice("delete the section, unless Railway itself is to build the app until then");
        findings.push(
            Finding::new(Group::Leptos, "railway-toml-build", Severity::Note, found, wanted, fix).at(place),
        );
    }
    let Some(project) = &facts.project else { return findings };
    for file in facts.dockerfiles.iter().filter(|file| file.adds_files) {
        findings.extend(examine_dockerfile(file, project));
    }
    if let Some(copying) = facts.dockerfiles.iter().find(|file| file.copies) {
        let ignores = |text: &str| {
            text.lines()
                .map(str::trim)
                .any(|line| ["target", "/target", "**/target"].contains(&line.trim_end_matches('/')))
        };
        let is_whitelist = |text: &str| text.lines().map(str::trim).any(|line| line == "*" || line == "**");
        let text = facts.dockerignore.as_deref().unwrap_or_default();
        if !ignores(text) && !is_whitelist(text) {
            let gap = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
            let edit = Edit {
                file: ".dockerignore".to_owned(),
                line: None,
                old: String::new(),
                new: format!("{gap}target/\n"),
            };
            findings.push(Finding::new(
                Group::Leptos,
                "dockerignore-lacks-target",
                Severity::Warning,
                format!("`target` is sent to Docker with the context of {}", copying.name),
                "`target/` in .dockerignore: gigabytes less to send, and no stale results in the image",
                Fix::Edit(vec![edit]),
            ));
        }
    }
    findings
}

fn examine_dockerfile(file: &Dockerfile, project: &Project) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut lacks = |rule, variable: &str, value: &str, found: String, wanted: &str| {
        if file.mentions.contains(variable) {
            return;
        }
        let gap = if file.is_open_ended { "\n" } else { "" };
        let new = format!("{gap}ENV {variable}={value}\n");
        let edit = Edit { file: file.name.clone(), line: None, old: String::new(), new };
        let fix = Fix::Edit(vec![edit]);
        findings
            .push(Finding::new(Group::Leptos, rule, Severity::Warning, found, wanted, fix).at(&file.name));
    };
    if project.hash_files {
        lacks(
            "image-lacks-hash-files",
            "LEPTOS_HASH_FILES",
            "true",
            format!("`hash-files` is on and {} does not set LEPTOS_HASH_FILES", file.name),
            "the variable in the image, else script, wasm and style are not found; `docker pack` sets it",
        );
    }
    if project.site_addr.ip().is_loopback() {
        let port = project.site_addr.port();
        lacks(
            "image-listens-on-loopback",
            "LEPTOS_SITE_ADDR",
            &format!("0.0.0.0:{port}"),
            format!("`site-addr` is {} and {} does not set LEPTOS_SITE_ADDR", project.site_addr, file.name),
            "an address that is reached from outside the container; `docker pack` sets it",
        );
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_projects() {
        let rules =
            |facts: &Facts| conclude(facts, true).iter().map(|finding| finding.rule).collect::<Vec<_>>();
        let problem = || Some(Problem { message: "m".to_owned(), hint: None });
        assert_eq!(rules(&Facts::default()), [""; 0]);
        assert_eq!(rules(&Facts { project_problem: problem(), ..Facts::default() }), ["leptos-project"]);
        assert_eq!(conclude(&Facts { project_problem: problem(), ..Facts::default() }, false), []);
        assert_eq!(rules(&Facts { metadata_problem: problem(), ..Facts::default() }), ["xtask-metadata"]);
        let build = Facts { railway_build: Some("railway.toml:1".to_owned()), ..Facts::default() };
        assert_eq!(rules(&build), ["railway-toml-build"]);
        assert_eq!(rules(&Facts { service_problem: problem(), ..build }), ["railway-toml"]);
    }

    #[test]
    fn a_misspelt_key_is_corrected_where_it_stands() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.toml"), "[x]\nhash_files = true\nhash_files_2 = 1\n").unwrap();
        let message = "unknown key `hash_files` in `[x]` in a.toml; did you mean `hash-files`?";
        let edit = rename(folder.path(), message).unwrap();
        assert_eq!((edit.line, edit.new.as_str()), (Some(2), "hash-files = true\n"));
        assert_eq!(rename(folder.path(), "unknown key `a` in b.toml"), None);
        std::fs::write(folder.path().join("c.toml"), "[x]\nkee = 1\n[y]\nkee = 2\n").unwrap();
        let message = "unknown key `kee` in `[y]` in c.toml (line 4); did you mean `key`?";
        let edit = rename(folder.path(), message).unwrap();
        assert_eq!((edit.file.as_str(), edit.line, edit.new.as_str()), ("c.toml", Some(4), "key = 2\n"));
    }
}
