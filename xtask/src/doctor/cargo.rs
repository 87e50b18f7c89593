//! Cargo's configuration and the manifests: what cannot be read, what is ignored, what is missing.

use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use super::base::{Base, Place, Problem, Setting};
use super::profiles::{self, Oddity};
use super::workspace;
use crate::leptos::environment::SERVER_FN_KEY;
use crate::record::doctor::{Edit, Finding, Fix, Group, Severity};

/// The alias, as it works in any workspace. What follows `--config` makes the automation compile fast.
const ALIAS: &str = "xtask = [\"run\", \"--quiet\", \"--package\", \"xtask\", \"--config\", \
                     \"profile.xtask.inherits='dev'\", \"--profile\", \"xtask\", \"--\"]\n";

#[derive(Clone, Debug, Default, Serialize)]
pub struct Facts {
    /// The files that cargo reads, in falling precedence.
    pub files: Vec<String>,
    pub root_problem: Option<Problem>,
    pub workspace_problem: Option<Problem>,
    /// Files that are no TOML, with the reason.
    pub unreadable: Vec<(String, String)>,
    /// Includes that are not there: where they are named, and what.
    pub missing_includes: Vec<(Setting, String)>,
    /// Folders with both names of the file.
    pub old_names: Vec<String>,
    /// Paths in the workspace's own files that lead nowhere, with their keys.
    pub dead_paths: Vec<(String, Setting)>,
    /// Where the addresses of server functions are fixed.
    pub server_fn_key: Option<String>,
    /// What the key would be.
    pub project_name: String,
    /// What `cargo xtask` runs.
    pub alias: Option<Setting>,
    /// Whether the workspace has a package of this name that an alias could run.
    pub has_xtask: bool,
    /// The workspace's own file: its name and text.
    #[serde(skip)]
    pub own_file: (String, String),
    /// Profiles in manifests where cargo does not look for them.
    pub ignored_profiles: Vec<IgnoredProfile>,
    pub profile_oddities: Vec<Oddity>,
}

/// A `[profile.…]` of a member's manifest.
#[derive(Clone, Debug, Default, Serialize)]
pub struct IgnoredProfile {
    pub name: String,
    pub file: String,
    pub line: usize,
    /// The table as it is written.
    pub text: String,
    /// The root manifest has a profile of this name already.
    pub in_root: bool,
}

pub fn gather(base: &Base<'_>, workspace: &workspace::Facts) -> Facts {
    let own = base.root.join(".cargo/config.toml");
    let known = workspace.workspace.as_ref().ok();
    let files = base.files.iter().filter(|file| file.path.starts_with(&base.root));
    let manifest = std::fs::read_to_string(base.root.join("Cargo.toml")).unwrap_or_default();
    let from_environment = base.env.raw(SERVER_FN_KEY).map(|_| format!("{SERVER_FN_KEY} in the environment"));
    let configured = || base.configured(&["env", SERVER_FN_KEY]).map(|(_, place, _)| place.shown());
    Facts {
        files: base.files.iter().map(|file| base.shown(&file.path)).collect(),
        root_problem: base.root_problem.clone(),
        workspace_problem: workspace.workspace.as_ref().err().cloned(),
        unreadable: base
            .files
            .iter()
            .filter_map(|file| Some((base.shown(&file.path), file.problem.clone()?)))
            .collect(),
        missing_includes: base
            .missing_includes
            .iter()
            .map(|missing| {
                let text = std::fs::read_to_string(&missing.from).unwrap_or_default();
                let place = base.place(&missing.from, &text, &["include"]);
                (Setting { value: base.shown(&missing.path), place }, base.shown(&missing.from))
            })
            .collect(),
        old_names: base
            .files
            .iter()
            .filter(|file| file.path.extension().is_none() && file.path.with_extension("toml").is_file())
            .map(|file| base.shown(&file.path))
            .collect(),
        dead_paths: files.flat_map(|file| dead_paths(base, file)).collect(),
        server_fn_key: from_environment.or_else(configured),
        project_name: known.and_then(|known| name_of(&known.metadata)).unwrap_or_else(|| "app".to_owned()),
        alias: alias(base),
        has_xtask: known.is_some_and(|known| known.package("xtask").is_some()),
        own_file: (base.shown(&own), std::fs::read_to_string(&own).unwrap_or_default()),
        ignored_profiles: known
            .iter()
            .flat_map(|known| &known.packages)
            .filter(|package| package.dir() != base.root)
            .flat_map(|package| ignored_profiles(base, &package.manifest_path, &manifest))
            .collect(),
        profile_oddities: profiles::gather(base, &manifest),
    }
}

fn name_of(metadata: &Value) -> Option<String> {
    metadata.pointer("/leptos/0/name")?.as_str().map(str::to_owned)
}

fn alias(base: &Base<'_>) -> Option<Setting> {
    let (value, place, _) = base.configured(&["alias", "xtask"])?;
    let words = match value {
        Value::Array(words) => words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
        other => other.as_str().unwrap_or_default().to_owned(),
    };
    Some(Setting { value: words, place })
}

/// Paths of programs that are not there. A wrapper, the compiler and linkers have rules of their own.
fn dead_paths(base: &Base<'_>, file: &crate::config::places::ConfigFile) -> Vec<(String, Setting)> {
    let mut found = Vec::new();
    let mut look = |keys: &[&str]| {
        let Some((value, place, _)) = base.in_file(file, keys) else { return };
        let first = match value {
            Value::Array(words) => words.first().and_then(Value::as_str),
            other => other.as_str(),
        };
        let program = first.and_then(|first| first.split_whitespace().next()).unwrap_or_default();
        if program.contains('/') && !file.base.join(program).exists() {
            found.push((keys.join("."), Setting { value: program.to_owned(), place }));
        }
    };
    look(&["build", "rustdoc"]);
    for target in file.value.get("target").and_then(Value::as_object).into_iter().flatten() {
        look(&["target", target.0, "runner"]);
    }
    found
}

fn ignored_profiles(base: &Base<'_>, manifest: &Path, root_manifest: &str) -> Vec<IgnoredProfile> {
    let text = std::fs::read_to_string(manifest).unwrap_or_default();
    let mut found: Vec<IgnoredProfile> = Vec::new();
    let mut inside = false;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let header = line.trim();
        if header.starts_with('[') {
            let name = header.strip_prefix("[profile.").and_then(|rest| rest.split([']', '.']).next());
            inside = name.is_some();
            if let Some(name) = name.filter(|name| found.last().is_none_or(|last| last.name != *name)) {
                found.push(IgnoredProfile {
                    name: name.to_owned(),
                    file: base.shown(manifest),
                    line: index + 1,
                    text: String::new(),
                    in_root: root_manifest.contains(&format!("[profile.{name}")),
                });
            }
        }
        if let Some(last) = found.last_mut().filter(|_| inside) {
            last.text += line;
        }
    }
    found
}

pub fn examine(facts: &Facts) -> Vec<Finding> {
    let find = |rule, severity, found: String, wanted: &str, fix| {
        Finding::new(Group::Cargo, rule, severity, found, wanted, fix)
    };
    let mut findings = Vec::new();
    for (file, problem) in &facts.unreadable {
        let fix = Fix::advice(format!(
            "correct the line, or move {file} out of the way: cargo does nothing until then"
        ));
        findings
            .push(find("config-unreadable", Severity::Error, problem.clone(), "valid TOML", fix).at(file));
    }
    for (include, file) in &facts.missing_includes {
        let found = format!("{file} includes {}, which is not there", include.value);
        let fix = include.place.removal();
        let wanted = "files that are there, or `{ path = \"…\", optional = true }`";
        findings.push(find("include-missing", Severity::Error, found, wanted, fix).at(include.place.shown()));
    }
    for old in &facts.old_names {
        let found = format!("both {old} and {old}.toml: cargo reads the first and not the second");
        let fix = Fix::command(format!("rm {old}"));
        findings.push(
            find("config-twice", Severity::Warning, found, "one file, with the extension", fix).at(old),
        );
    }
    // A configuration that cannot be read is what cargo complains of as well.
    if let Some(problem) = facts.root_problem.as_ref().or(facts.workspace_problem.as_ref())
        && facts.unreadable.is_empty()
        && facts.missing_includes.is_empty()
    {
        let fix = Fix::advice(problem.hint.clone().unwrap_or_else(|| "correct what cargo names".to_owned()));
        let wanted = "manifests that `cargo metadata` can read";
        findings.push(find("workspace-unreadable", Severity::Error, problem.message.clone(), wanted, fix));
    }
    for (key, setting) in &facts.dead_paths {
        let found = format!("{key} is `{}`, which is not there", setting.value);
        let fix = setting.place.removal();
        let finding = find("config-path-missing", Severity::Error, found, "a path that is there", fix);
        findings.push(finding.at(setting.place.shown()));
    }
    if facts.server_fn_key.is_none() && facts.workspace_problem.is_none() {
        let line = format!("{SERVER_FN_KEY} = {}\n", Value::from(facts.project_name.as_str()));
        findings.push(find(
            "server-fn-key-missing",
            Severity::Warning,
            format!(
                "{SERVER_FN_KEY} is not set: the addresses of server functions depend on the checkout's path"
            ),
            "a fixed key, so that halves from two checkouts or two drivers fit together",
            insert(&facts.own_file, "env", &line),
        ));
    }
    match &facts.alias {
        None if facts.has_xtask => findings.push(find(
            "alias-missing",
            Severity::Warning,
            "there is no alias `xtask`".to_owned(),
            "`cargo xtask` as the one entry point",
            insert(&facts.own_file, "alias", ALIAS),
        )),
        Some(alias) if !alias.value.split_whitespace().any(|word| ["xtask", "-pxtask"].contains(&word)) => {
            let finding = find(
                "alias-of-something-else",
                Severity::Warning,
                format!("`cargo xtask` runs `cargo {}`", alias.value),
                "an alias that runs the package `xtask`",
                alias.place.change("", ALIAS.trim_end()),
            );
            findings.push(finding.at(alias.place.shown()));
        }
        _ => {}
    }
    findings.extend(facts.ignored_profiles.iter().map(ignored));
    findings.extend(facts.profile_oddities.iter().map(profiles::examine));
    findings
}

/// Adds a line to a table of a file, or the table to its end.
fn insert(file: &(String, String), table: &str, line: &str) -> Fix {
    let (name, text) = file;
    let header = format!("[{table}]\n");
    let at = text.split_inclusive('\n').position(|known| known == header);
    let edit = match at {
        Some(index) => {
            Edit { file: name.clone(), line: Some(index + 1), old: header.clone(), new: header + line }
        }
        None => {
            let gap = if text.is_empty() { "" } else { "\n" };
            Edit { file: name.clone(), line: None, old: String::new(), new: format!("{gap}{header}{line}") }
        }
    };
    Fix::Edit(vec![edit])
}

fn ignored(profile: &IgnoredProfile) -> Finding {
    let mut edits = vec![Edit {
        file: profile.file.clone(),
        line: Some(profile.line),
        old: profile.text.clone(),
        new: String::new(),
    }];
    if !profile.in_root {
        let new = format!("\n{}", profile.text);
        edits.push(Edit { file: "Cargo.toml".to_owned(), line: None, old: String::new(), new });
    }
    let found = format!("profile `{}` in {}, which cargo ignores", profile.name, profile.file);
    let wanted = "profiles in the root manifest alone";
    Finding::new(Group::Cargo, "profile-ignored", Severity::Warning, found, wanted, Fix::Edit(edits))
        .at(Place::Entry { file: profile.file.clone(), line: profile.line, text: String::new() }.shown())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(facts: &Facts) -> Vec<&'static str> {
        examine(facts).iter().map(|finding| finding.rule).collect()
    }

    #[test]
    fn a_table_of_configurations() {
        let setting = |value: &str| Setting { value: value.to_owned(), place: Place::default() };
        let fine = Facts {
            server_fn_key: Some("here".to_owned()),
            alias: Some(setting("run --package xtask --")),
            has_xtask: true,
            ..Facts::default()
        };
        let problem = || Some(Problem::default());
        assert_eq!(rules(&fine), [""; 0]);
        assert_eq!(rules(&Facts { server_fn_key: None, ..fine.clone() }), ["server-fn-key-missing"]);
        assert_eq!(rules(&Facts { alias: None, ..fine.clone() }), ["alias-missing"]);
        assert_eq!(rules(&Facts { alias: None, has_xtask: false, ..fine.clone() }), [""; 0]);
        let other = Facts { alias: Some(setting("run --package tasks --")), ..fine.clone() };
        assert_eq!(rules(&other), ["alias-of-something-else"]);
        assert_eq!(rules(&Facts { workspace_problem: problem(), ..fine.clone() }), ["workspace-unreadable"]);
        let bad = Facts { unreadable: vec![(String::new(), String::new())], ..fine.clone() };
        assert_eq!(rules(&Facts { workspace_problem: problem(), ..bad }), ["config-unreadable"]);
        assert_eq!(rules(&Facts { old_names: vec!["x".to_owned()], ..fine.clone() }), ["config-twice"]);
        let dead = Facts { dead_paths: vec![("a".to_owned(), setting("./b"))], ..fine.clone() };
        assert_eq!(rules(&dead), ["config-path-missing"]);
        let missing = Facts { missing_includes: vec![(setting("a"), "b".to_owned())], ..fine.clone() };
        assert_eq!(rules(&missing), ["include-missing"]);
        let ignored = Facts { ignored_profiles: vec![IgnoredProfile::default()], ..fine };
        assert_eq!(rules(&ignored), ["profile-ignored"]);
    }

    #[test]
    fn lines_go_into_the_table_that_is_there() {
        let file = |text: &str| ("c".to_owned(), text.to_owned());
        let Fix::Edit(edits) = insert(&file("a = 1\n[env]\nB = 1\n"), "env", "C = 2\n") else { panic!() };
        assert_eq!((edits[0].line, edits[0].new.as_str()), (Some(2), "[env]\nC = 2\n"));
        let Fix::Edit(edits) = insert(&file(""), "env", "C = 2\n") else { panic!() };
        assert_eq!((edits[0].line, edits[0].new.as_str()), (None, "[env]\nC = 2\n"));
    }
}
