//! What of a workspace a compile cache may overlook: code in macros that reads variables or files by itself, and build
//! scripts.
//!
//! Found by words in sources. Whatever may be a reader is taken for one: that costs a recommendation, and one that is
//! overlooked would cost a right build.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::Context as _;

use super::reason;
use crate::exec::Executor;
use crate::facts::graph::{Graph, Node};

/// How code names variables of the environment. `env!` and `option_env!` are rustc's own.
const VARIABLES: [&str; 6] = ["env::var", "env::{", "env::*", "env as ", "var_os(", "getenv("];
/// How code names files, and programs that may read some. `include_str!` is rustc's own.
const FILES: [&str; 15] = [
    "fs::",
    "fs as ",
    "File::open",
    "OpenOptions",
    "read_to_string(",
    "read_dir(",
    "exists(",
    "try_exists(",
    "is_file(",
    "is_dir(",
    "canonicalize(",
    "symlink_metadata(",
    ".metadata(",
    "Command::new",
    "Mmap",
];
/// What brings in code that nobody has looked at: what a build script wrote, or what is loaded.
const ELSEWHERE: [&str; 3] = ["OUT_DIR", "libloading", "dlopen"];
/// What follows from the package that is compiled, which every cache has in its key.
const OF_PACKAGE: [&str; 4] = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_NAME", "CARGO_BIN_NAME"];
/// Folders of a package that no library is made of.
const NOT_LIBRARY: [&str; 4] = ["tests", "benches", "examples", "target"];
/// Folders within folders; a link that leads back to itself ends here.
const DEPTH_MAX: usize = 12;
/// How many places of a package are named.
const PLACES_MAX: usize = 2;

/// Packages of a workspace, each with its version and the places that were found, e.g. `reader 1.2.3 (src/lib.rs)`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Readers {
    /// How many packages' code runs in macros.
    pub in_macros: usize,
    /// Those of them that read variables.
    pub variables: Vec<String>,
    /// Those that read what cargo says of the package that is compiled.
    pub of_package: Vec<String>,
    /// Those that read files.
    pub files: Vec<String>,
    /// All packages with a build script.
    pub scripts: Vec<String>,
}

/// Looks through the workspace. The inner error is the reason why nobody knows.
pub fn look(exec: &Executor, root: &Path, host: &str) -> anyhow::Result<Result<Readers, String>> {
    match Graph::probe(exec, root, host).and_then(|graph| readers(&graph)) {
        Ok(readers) => Ok(Ok(readers)),
        Err(error) => Ok(Err(reason(exec, error)?)),
    }
}

fn readers(graph: &Graph) -> anyhow::Result<Readers> {
    let name = |package: &Node| format!("{} {}", package.name, package.version);
    let scripts = graph.scripted().map(name).collect();
    let (mut in_macros, nothing) = (0, BTreeSet::new());
    let (mut variables, mut of_package, mut files) = (Vec::new(), Vec::new(), Vec::new());
    for package in graph.in_macros() {
        in_macros += 1;
        let (name, places) = (name(package), places(package)?);
        variables.extend(told(&name, &places.variables, &places.unknown));
        of_package.extend(told(&name, &places.of_package, &nothing));
        files.extend(told(&name, &places.files, &places.unknown));
    }
    let sorted = |mut list: Vec<(usize, String)>| {
        list.sort();
        list.into_iter().map(|(_, told)| told).collect()
    };
    Ok(Readers {
        in_macros,
        variables: sorted(variables),
        of_package: sorted(of_package),
        files: sorted(files),
        scripts,
    })
}

/// A package with places in it, and its rank: those that read something by its name tell most, those of which nobody
/// knows what they do tell least.
fn told(package: &str, certain: &BTreeSet<String>, unknown: &BTreeSet<String>) -> Option<(usize, String)> {
    let rank = match certain.iter().any(|place| place.contains(" in ")) {
        true => 0,
        false if certain.is_empty() => 2,
        false => 1,
    };
    let places: Vec<&str> = certain.iter().chain(unknown).map(String::as_str).collect();
    let more = if places.len() > PLACES_MAX { ", …" } else { "" };
    let named = places.get(..PLACES_MAX).unwrap_or(&places).join(", ");
    (!places.is_empty()).then(|| (rank, format!("{package} ({named}{more})")))
}

/// Places in the sources of one package.
#[derive(Default)]
struct Places {
    variables: BTreeSet<String>,
    of_package: BTreeSet<String>,
    files: BTreeSet<String>,
    /// Where anything may be done.
    unknown: BTreeSet<String>,
}

fn places(package: &Node) -> anyhow::Result<Places> {
    let mut places = Places::default();
    if package.library().is_some_and(|file| !file.starts_with(package.dir())) {
        places.unknown.insert("sources in another folder".to_owned());
    }
    let mut waiting = vec![(package.dir().to_owned(), 0)];
    while let Some((folder, depth)) = waiting.pop() {
        anyhow::ensure!(depth < DEPTH_MAX, "`{}` is too deep", folder.display());
        for entry in fs::read_dir(&folder).with_context(|| format!("read `{}`", folder.display()))? {
            let entry = entry.with_context(|| format!("read `{}`", folder.display()))?;
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            if path.is_dir() {
                // A package within is one of its own.
                let is_other = name.starts_with('.')
                    || path.join("Cargo.toml").exists()
                    || (depth == 0 && NOT_LIBRARY.contains(&name.as_str()));
                if !is_other {
                    waiting.push((path, depth + 1));
                }
            } else if name.ends_with(".rs") && package.script() != Some(path.as_path()) {
                let text = fs::read(&path).with_context(|| format!("read `{}`", path.display()))?;
                let file = path.strip_prefix(package.dir()).unwrap_or(&path).display().to_string();
                for line in String::from_utf8_lossy(&text).lines() {
                    places.note(line, &file);
                }
            }
        }
    }
    Ok(places)
}

impl Places {
    /// Notes what one line of a file may read.
    fn note(&mut self, line: &str, file: &str) {
        if line.trim_start().starts_with("//") {
            return;
        }
        let foreign = is_foreign(line).then_some("extern");
        if let Some(word) = ELSEWHERE.into_iter().find(|word| line.contains(word)).or(foreign) {
            self.unknown.insert(format!("{word} in {file}"));
        }
        if FILES.iter().any(|word| has_word(line, word)) {
            self.files.insert(file.to_owned());
        }
        if VARIABLES.iter().any(|word| has_word(line, word)) {
            let names = names(line);
            if names.is_empty() {
                self.variables.insert(file.to_owned());
            }
            for name in names {
                let is_of_package = OF_PACKAGE.iter().any(|start| name.starts_with(start));
                let list = if is_of_package { &mut self.of_package } else { &mut self.variables };
                list.insert(format!("{name} in {file}"));
            }
        }
    }
}

/// Whether the line begins a block of functions that are of another language, or that a macro writes for one.
fn is_foreign(line: &str) -> bool {
    let line = line.trim_start();
    let line = line.strip_prefix("unsafe ").unwrap_or(line);
    (line.starts_with("extern \"") || line.starts_with("extern {")) && !line.contains(" fn ")
}

/// Whether the word is there and not the end of a longer one: `tracked_env::var` tells rustc.
fn has_word(line: &str, word: &str) -> bool {
    let starts_with_name = word.starts_with(|c: char| c.is_alphanumeric());
    line.match_indices(word).any(|(place, _)| {
        let before = line[..place].chars().next_back();
        !starts_with_name || !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}

/// The variables that a line reads by their names; none where one of them comes from elsewhere.
fn names(line: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (place, word) in line.match_indices("env::var") {
        let rest = &line[place + word.len()..];
        let rest = rest.strip_prefix("_os").unwrap_or(rest);
        let name = rest.strip_prefix("(\"").and_then(|rest| rest.split_once("\")"));
        let Some((name, _)) = name else { return Vec::new() };
        names.push(name.to_owned());
    }
    names
}

#[cfg(test)]
#[path = "readers_tests.rs"]
mod tests;
