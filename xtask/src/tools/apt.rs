//! Packages of a Debian-like system's archive, taken apart without installing them and without root.
//!
//! The machine's own suites come first. Newer ones of the same archive are asked through an apt configuration of our
//! own, so the machine's lists and packages stay as they are. apt verifies signatures and digests.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::exec::Executor;
use crate::plan::{Invocation, quote};

use super::explain::unless_interrupted;
use super::node::write_launcher;
use super::source::{Unreachable, limit, require};
use super::store;

/// The libraries that a native program of a newer suite may need newer than the machine has them.
const LIBRARIES: [&str; 4] = ["libc6", "libstdc++6", "libgcc-s1", "zlib1g"];
const KEYRINGS: [&str; 4] = [
    "/usr/share/keyrings/debian-archive-keyring.pgp",
    "/usr/share/keyrings/debian-archive-keyring.gpg",
    "/usr/share/keyrings/ubuntu-archive-keyring.pgp",
    "/usr/share/keyrings/ubuntu-archive-keyring.gpg",
];

/// Puts a native program into `folder`, with its own loader and libraries: it runs on an older machine too.
pub fn install_program(
    exec: &Executor,
    package: &str,
    version: &str,
    name: &str,
    folder: &Path,
) -> anyhow::Result<()> {
    let unpacked = fetch(exec, package, version, &LIBRARIES, &folder.join("apt"))?;
    let program = unpacked.join("usr/bin").join(name);
    if !program.is_file() {
        bail!("the package {package} has no program `{name}`");
    }
    let native = folder.join("native");
    fs::create_dir_all(&native)?;
    fs::rename(&program, native.join(name))?;
    let mut loader = None;
    for library in libraries(&unpacked)? {
        let file = library.file_name().context("a library has a name")?.to_string_lossy().into_owned();
        if file.starts_with("ld-linux") {
            loader = Some(file.clone());
        }
        // Copied, not renamed: many are links to one another.
        fs::copy(&library, native.join(&file)).with_context(|| format!("copy the library {file}"))?;
    }
    let loader = loader.context("the packages have no loader")?;
    let text = launcher(&loader, name);
    write_launcher(exec, &store::program(folder, name), &text)?;
    fs::remove_dir_all(folder.join("apt"))?;
    Ok(())
}

/// Unpacks rust-src of exactly this rustc below `scratch` and returns its `library` folder.
pub fn rust_library(exec: &Executor, version: &str, scratch: &Path) -> anyhow::Result<PathBuf> {
    let unpacked = fetch(exec, "rust-src", version, &[], scratch)?;
    let sources = fs::read_dir(unpacked.join("usr/src")).context("rust-src has no sources")?;
    let library = sources.flatten().map(|entry| entry.path().join("library"));
    library.into_iter().find(|path| path.is_dir()).context("rust-src has no folder `library`")
}

/// Downloads and unpacks a package at an upstream version, from the first suite that has it.
fn fetch(
    exec: &Executor,
    package: &str,
    version: &str,
    companions: &[&str],
    scratch: &Path,
) -> anyhow::Result<PathBuf> {
    for program in ["apt-get", "apt-cache", "dpkg-deb"] {
        require(program)?;
    }
    fs::create_dir_all(scratch)?;
    let mut offered = Vec::new();
    let mut problem = None;
    let own = std::iter::once(None);
    let newer =
        newer_suites(&fs::read_to_string("/etc/os-release").unwrap_or_default(), companions.is_empty());
    for suite in own.chain(newer.iter().copied().map(Some)) {
        let apt = match Apt::open(exec, suite, scratch) {
            Ok(apt) => apt,
            Err(error) => {
                problem = Some(unless_interrupted(error)?);
                continue;
            }
        };
        let versions = apt.versions(package)?;
        if let Some(full) = versions.iter().find(|full| is_upstream(full, version)) {
            return apt.unpack(&format!("{package}={full}"), companions);
        }
        offered.extend(versions);
    }
    offered.dedup();
    let known = if offered.is_empty() { "none".to_owned() } else { offered.join(", ") };
    let message = format!("no suite of the archive has {package} {version} (it has: {known})");
    Err(match problem {
        Some(problem) => problem.context(message),
        None => anyhow::anyhow!(message),
    })
}

/// The newest upstream version of each package in any suite that programs are taken from.
pub fn newest(
    exec: &Executor,
    packages: &[&str],
    scratch: &Path,
) -> anyhow::Result<BTreeMap<String, String>> {
    for program in ["apt-get", "apt-cache"] {
        require(program)?;
    }
    let mut newest = BTreeMap::new();
    let newer = newer_suites(&fs::read_to_string("/etc/os-release").unwrap_or_default(), false);
    for suite in std::iter::once(None).chain(newer.iter().copied().map(Some)) {
        let apt = Apt::open(exec, suite, scratch)?;
        for package in packages {
            for version in apt.versions(package)?.iter().map(|full| upstream(full).to_owned()) {
                let known: &mut String = newest.entry((*package).to_owned()).or_default();
                if known.is_empty() || super::update::is_newer(&version, known) {
                    *known = version;
                }
            }
        }
    }
    Ok(newest)
}

/// apt with the machine's configuration, or with one suite of its archive only.
struct Apt<'a> {
    exec: &'a Executor,
    scratch: &'a Path,
    config: Option<PathBuf>,
}

impl<'a> Apt<'a> {
    fn open(exec: &'a Executor, suite: Option<&str>, scratch: &'a Path) -> anyhow::Result<Apt<'a>> {
        let mut apt = Apt { exec, scratch, config: None };
        let Some(suite) = suite else { return Ok(apt) };
        let format = "$(REPO_URI) $(COMPONENT) $(SUITE)";
        let targets =
            apt.command("apt-get").args(["indextargets", "--format", format, "Created-By: Packages"]);
        let targets = exec.run(&targets)?.stdout;
        let archive = archive(&targets).context("apt has no archive configured")?;
        let folder = scratch.join(suite);
        for sub in ["lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(folder.join(sub))?;
        }
        let keyring = KEYRINGS.iter().find(|path| Path::new(path).is_file());
        let option = keyring.map_or(String::new(), |path| format!("[signed-by={path}] "));
        exec.write_file(
            &folder.join("sources.list"),
            format!("deb {option}{archive} {suite} main\n").as_bytes(),
        )?;
        exec.write_file(&folder.join("status"), b"")?;
        exec.write_file(&folder.join("apt.conf"), configuration(&folder).as_bytes())?;
        apt.config = Some(folder.join("apt.conf"));
        exec.ui().status("Asking", format_args!("the suite {suite} of the apt archive"));
        let update = apt.command("apt-get").arg("update").timeout(limit(120));
        exec.run(&update).context(Unreachable("apt"))?;
        Ok(apt)
    }

    fn versions(&self, package: &str) -> anyhow::Result<Vec<String>> {
        let ask = self.command("apt-cache").args(["madison", package]).timeout(limit(30));
        let answer = self.exec.run(&ask)?.stdout;
        Ok(answer.lines().filter_map(|line| Some(line.split('|').nth(1)?.trim().to_owned())).collect())
    }

    fn unpack(&self, package: &str, companions: &[&str]) -> anyhow::Result<PathBuf> {
        let packages = self.scratch.join("packages");
        fs::create_dir_all(&packages)?;
        let mut download =
            self.command("apt-get").args(["download", package]).args(companions.iter().copied());
        download.cwd = packages.clone();
        self.exec.run(&download.timeout(limit(300)))?;
        let unpacked = self.scratch.join("unpacked");
        for entry in fs::read_dir(&packages)?.flatten() {
            let unpack = Invocation::new("dpkg-deb", self.scratch)
                .arg("--extract")
                .args([entry.path().display().to_string(), unpacked.display().to_string()]);
            self.exec.run(&unpack)?;
        }
        Ok(unpacked)
    }

    fn command(&self, program: &str) -> Invocation {
        let command = Invocation::new(program, self.scratch).env("LC_ALL", "C").timeout(limit(15));
        match &self.config {
            Some(path) => command.env("APT_CONFIG", path.display().to_string()),
            None => command,
        }
    }
}

/// The address of the machine's main archive, from `apt-get indextargets`.
fn archive(targets: &str) -> Option<&str> {
    targets.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        let address = words.next()?;
        let is_main = words.next() == Some("main");
        let is_security =
            address.contains("security") || words.next().is_some_and(|suite| suite.contains("security"));
        (is_main && !is_security).then_some(address)
    })
}

/// Names of suites that every release of the distribution has, small ones first. A backport is built against the
/// libraries of the release below it, so a program with its libraries is not looked for there.
fn newer_suites(os_release: &str, sources_only: bool) -> &'static [&'static str] {
    let id = os_release.lines().find_map(|line| line.strip_prefix("ID="));
    match (id.map(|id| id.trim_matches('"')), sources_only) {
        (Some("debian"), true) => &["stable-backports", "stable", "testing", "unstable", "experimental"],
        (Some("debian"), false) => &["stable", "testing", "unstable"],
        (Some("ubuntu"), _) => &["devel"],
        _ => &[],
    }
}

/// Whether a package's version is some packaging of this upstream version: `131-2` and `1:131+dfsg-1` of `131`.
fn is_upstream(full: &str, version: &str) -> bool {
    let without_epoch = full.split_once(':').map_or(full, |(_, rest)| rest);
    without_epoch.strip_prefix(version).is_some_and(|rest| rest.is_empty() || rest.starts_with(['+', '-']))
}

/// The upstream version in a package's version: `131` of `1:131+dfsg-1`.
fn upstream(full: &str) -> &str {
    let without_epoch = full.split_once(':').map_or(full, |(_, rest)| rest);
    without_epoch.split(['+', '-']).next().unwrap_or(without_epoch)
}

/// Everything that apt would write goes below `folder`.
fn configuration(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "Dir::State \"{folder}\";\nDir::State::lists \"{folder}/lists\";\nDir::State::status \"{folder}/status\";\n\
         Dir::Cache \"{folder}/cache\";\nDir::Etc::sourcelist \"{folder}/sources.list\";\n\
         Dir::Etc::sourceparts \"/dev/null\";\nDir::Etc::preferences \"/dev/null\";\n\
         Dir::Etc::preferencesparts \"/dev/null\";\nAcquire::Languages \"none\";\n\
         Acquire::IndexTargets::deb::DEP-11::DefaultEnabled \"false\";\nAcquire::Retries \"1\";\n\
         Acquire::http::Timeout \"15\";\nAcquire::https::Timeout \"15\";\n"
    )
}

/// The shared libraries below an unpacked package.
fn libraries(unpacked: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for parent in ["usr/lib", "lib"] {
        let Ok(folders) = fs::read_dir(unpacked.join(parent)) else {
            continue;
        };
        for folder in folders.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()) {
            found.extend(
                fs::read_dir(folder)?.flatten().map(|entry| entry.path()).filter(|path| is_library(path)),
            );
        }
    }
    Ok(found)
}

fn is_library(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    path.is_file() && (name.contains(".so.") || name.ends_with(".so"))
}

fn launcher(loader: &str, program: &str) -> String {
    let (loader, program) = (quote(loader), quote(program));
    format!(
        "#!/bin/sh\nd=${{0%/*}}/../native\nexec \"$d\"/{loader} --library-path \"$d\" \"$d\"/{program} \"$@\"\n"
    )
}

#[cfg(test)]
#[path = "apt_tests.rs"]
mod tests;
