//! What every check starts from: the environment, the workspace's folder, cargo's configuration files, and how programs
//! are asked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;

use crate::config::places::{self, ConfigFile, MissingInclude};
use crate::config::root;
use crate::exec::Executor;
use crate::exit::hint_of;
use crate::facts::tool;
use crate::plan::{Invocation, quote};
use crate::record::doctor::{Edit, Fix};

/// The variables of the process.
#[derive(Clone, Debug, Default)]
pub struct Env(BTreeMap<String, String>);

/// Something that could not be read or done, in words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Problem {
    pub message: String,
    pub hint: Option<String>,
}

/// What a program answered.
#[derive(Clone, Debug, Default)]
pub struct Said {
    pub success: bool,
    pub stdout: String,
    pub stderr: String,
}

/// A setting, and what sets it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Setting {
    pub value: String,
    pub place: Place,
}

/// What decides about a setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// A variable of the environment.
    Variable(String),
    /// An entry of a file.
    Entry {
        /// Relative to the workspace where it is inside.
        file: String,
        line: usize,
        /// As it is written.
        text: String,
    },
}

/// Facts that all groups share.
pub struct Base<'a> {
    pub exec: &'a Executor,
    pub env: Env,
    pub root: PathBuf,
    /// Why the root is not known for sure.
    pub root_problem: Option<Problem>,
    pub files: Vec<ConfigFile>,
    pub missing_includes: Vec<MissingInclude>,
}

impl Env {
    /// A variable's value, if it is not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.raw(name).filter(|value| !value.trim().is_empty())
    }

    /// A variable's value, which may be empty.
    pub fn raw(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    #[cfg(test)]
    pub fn of(variables: &[(&str, &str)]) -> Env {
        Env(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }
}

impl Problem {
    pub fn of(error: &anyhow::Error) -> Problem {
        Problem { message: format!("{error:#}"), hint: hint_of(error).map(str::to_owned) }
    }
}

impl Default for Place {
    fn default() -> Place {
        Place::Variable(String::new())
    }
}

impl Place {
    /// For people: `RUSTFLAGS in the environment`, `.cargo/config.toml:3`.
    pub fn shown(&self) -> String {
        match self {
            Place::Variable(name) => format!("{name} in the environment"),
            Place::Entry { file, line, .. } => format!("{file}:{line}"),
        }
    }

    /// What takes the setting away.
    pub fn removal(&self) -> Fix {
        match self {
            Place::Variable(name) => Fix::command(format!("unset {name}")),
            Place::Entry { file, line, text } => Fix::Edit(vec![Edit {
                file: file.clone(),
                line: Some(*line),
                old: text.clone(),
                new: String::new(),
            }]),
        }
    }

    /// What gives the setting another value; `entry` is the whole new entry of a file, without its line's end.
    pub fn change(&self, value: &str, entry: &str) -> Fix {
        match self {
            Place::Variable(name) => Fix::command(format!("export {name}={}", quote(value))),
            Place::Entry { file, line, text } => {
                let end = if text.ends_with('\n') { "\n" } else { "" };
                Fix::Edit(vec![Edit {
                    file: file.clone(),
                    line: Some(*line),
                    old: text.clone(),
                    new: format!("{entry}{end}"),
                }])
            }
        }
    }
}

impl<'a> Base<'a> {
    pub fn new(exec: &'a Executor) -> Base<'a> {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        let (root, root_problem) = match root::find() {
            Ok(root) => (root, None),
            Err(error) => (nearest_manifest(), Some(Problem::of(&error))),
        };
        let (files, missing_includes) = places::config_files(&root);
        Base { exec, env: Env(variables.collect()), root, root_problem, files, missing_includes }
    }

    /// Asks a program in the workspace. An error is one of starting it, or that it gave no answer in time.
    pub fn ask(&self, program: &str, args: &[&str]) -> Result<Said, String> {
        self.ask_with(&Invocation::new(program, &self.root).args(args.iter().copied()))
    }

    pub fn ask_with(&self, command: &Invocation) -> Result<Said, String> {
        match self.exec.probe(command) {
            Ok(answer) => Ok(Said { success: answer.success, stdout: answer.stdout, stderr: answer.stderr }),
            Err(error) => Err(self.exec.redact(&format!("{error:#}"))),
        }
    }

    /// A path as reports show it: relative to the workspace where it is inside.
    pub fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).display().to_string()
    }

    /// The first file of cargo's configuration that has this entry.
    pub fn configured(&self, keys: &[&str]) -> Option<(&Value, Place, &ConfigFile)> {
        self.files.iter().find_map(|file| self.in_file(file, keys))
    }

    /// The entry of one file.
    pub fn in_file<'f>(
        &self,
        file: &'f ConfigFile,
        keys: &[&str],
    ) -> Option<(&'f Value, Place, &'f ConfigFile)> {
        let value = keys.iter().try_fold(&file.value, |value, key| value.get(key))?;
        Some((value, self.place(&file.path, &file.text, keys), file))
    }

    /// Where an entry of a TOML file is written.
    pub fn place(&self, path: &Path, text: &str, keys: &[&str]) -> Place {
        let written = places::find(text, keys);
        let (line, text) = written.map_or((1, String::new()), |written| (written.line, written.text));
        Place::Entry { file: self.shown(path), line, text }
    }
}

/// The folder that is meant where no manifest can be read.
fn nearest_manifest() -> PathBuf {
    let start = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let start = start.or_else(|| std::env::current_dir().ok()).unwrap_or_else(|| PathBuf::from("."));
    let found = start.ancestors().find(|folder| folder.join("Cargo.toml").is_file());
    found.unwrap_or(&start).to_owned()
}

/// The file that a program's name means: a path as it is, else what `PATH` has.
pub fn program_file(program: &str, base: &Path) -> Option<PathBuf> {
    if program.contains('/') {
        return Some(base.join(program)).filter(|file| file.is_file());
    }
    tool::find_on_path(program)
}

/// The first line of a text that says something.
pub fn first_line(text: &str) -> String {
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().to_owned()
}

/// `1.95.0-nightly` as numbers that can be compared; what is missing is zero.
pub fn version(text: &str) -> (u64, u64, u64) {
    let plain = text.trim().split(['-', '+', ' ']).next().unwrap_or_default();
    let mut parts = plain.split('.').map(|part| part.parse().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    (next(), next(), next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(version("1.100.0") > version("1.94.1-nightly"));
        assert_eq!(version("1.89"), (1, 89, 0));
        assert_eq!(version(""), (0, 0, 0));
    }

    #[test]
    fn settings_go_away_where_they_are_made() {
        assert_eq!(Place::Variable("A".to_owned()).removal(), Fix::command("unset A"));
        let entry = Place::Entry { file: "f".to_owned(), line: 2, text: "a = 1\n".to_owned() };
        let Fix::Edit(edits) = entry.change("2", "a = 2") else { panic!() };
        assert_eq!((edits[0].old.as_str(), edits[0].new.as_str()), ("a = 1\n", "a = 2\n"));
        assert_eq!(entry.shown(), "f:2");
        assert_eq!(Env::of(&[("A", ""), ("B", "b")]).get("A"), None);
    }
}
