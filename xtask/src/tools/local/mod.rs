//! The machine-local cargo configuration: linker and compile cache for plain cargo and rust-analyzer too.
//!
//! Cargo is told of two small scripts at constant paths in the user-local folder, and of nothing else. Nothing is
//! written to the workspace before both were proved by compiling, linking and running. Knows nothing of which linker is
//! fastest on this machine beyond the order in which they are tried.

mod cache;
mod linker;
mod place;

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::config::cargo::CargoConfig;
use crate::exec::Executor;
use crate::exit::{Exit, Failure};
use crate::facts::toolchain::Toolchain;

use super::{State, Status, store};
pub use linker::{
    BFD, Candidate, DEFAULT as DEFAULT_LINKER, Proof, all as linkers, linked_by, prove as prove_linker,
};
pub use place::Place;

/// The configuration, below the workspace. `.cargo/config.toml` includes it where it exists.
pub const FILE: &str = ".cargo/local.toml";
/// What `.cargo/config.toml` has to begin with.
pub const INCLUDE: &str = "include = [{ path = \"local.toml\", optional = true }]";
/// How a file of ours begins.
const HEADER: &str = "# Written by `cargo xtask setup --local` for this machine only; not for git.";
/// The first cargo that reads includes.
const CARGO_WITH_INCLUDE: (u64, u64) = (1, 94);

/// What `setup --local` found out and did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    pub schema: &'static str,
    /// The file in the workspace; `None` where there is nothing to gain, and nothing was written.
    pub config: Option<PathBuf>,
    /// The name of the linker that is used now.
    pub linker: String,
    /// Every linker that was tried, best first, for each target.
    pub linkers: Vec<Proof>,
    /// The compile cache that is used now.
    pub cache: Option<PathBuf>,
    /// What is not as one might expect, a sentence each.
    pub notes: Vec<String>,
}

/// What cargo is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Settings {
    /// The targets that are linked through the script.
    targets: Vec<String>,
    /// Whether the compile cache is used.
    cache: bool,
}

/// What is wanted: without anybody's word what works here, else what was measured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    pub linker: LinkerChoice,
    pub cache: CacheChoice,
}

/// Which linker is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LinkerChoice {
    /// The first one that works.
    #[default]
    First,
    /// The one that this workspace is linked by now.
    Keep,
    /// A linker's name, or [`DEFAULT_LINKER`].
    This(String),
}

/// Which compile cache is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CacheChoice {
    /// The one that is there, if it gives back what it was given.
    #[default]
    First,
    /// The one that this workspace is compiled through now, if any.
    Keep,
    None,
    /// This program, whose work was measured.
    This(PathBuf),
}

/// Finds out what works here and lets cargo use it.
pub fn write(
    exec: &Executor,
    toolchain: &Toolchain,
    root: &Path,
    config: &CargoConfig,
    choice: &Choice,
) -> anyhow::Result<Report> {
    write_with(exec, toolchain, root, config, choice, &store::home()?)
}

/// `home` is the user-local folder.
fn write_with(
    exec: &Executor,
    toolchain: &Toolchain,
    root: &Path,
    config: &CargoConfig,
    choice: &Choice,
    home: &Path,
) -> anyhow::Result<Report> {
    check(toolchain, root)?;
    let place = Place::take(exec, home)?;
    let before = std::fs::read_to_string(root.join(FILE)).unwrap_or_default();
    let mut report = Report {
        schema: "xtask.setup-local/1",
        config: None,
        linker: linker::DEFAULT.to_owned(),
        linkers: Vec::new(),
        cache: None,
        notes: Vec::new(),
    };
    place.write_linker(exec)?;
    let linked_by_script = |target: &str| before.contains(&format!("[target.{target}]"));
    let targets = linker_targets(toolchain, config, &place, &mut report.notes);
    if let Some(host) = targets.first() {
        let found: Vec<Candidate> = linker::candidates(exec, toolchain)?;
        for candidate in &found {
            place.write_candidate(exec, candidate)?;
            exec.ui().status("Proving", format_args!("the linker {}", candidate.name));
            for target in &targets {
                report.linkers.push(linker::prove(exec, toolchain, &place, candidate, target)?);
            }
        }
        let proofs = &report.linkers;
        report.linker = match &choice.linker {
            LinkerChoice::This(wanted) => linker::wanted(proofs, host, wanted, &mut report.notes),
            LinkerChoice::Keep if linked_by_script(host) => {
                linker::wanted(proofs, host, &place.chosen(), &mut report.notes)
            }
            LinkerChoice::Keep => DEFAULT_LINKER.to_owned(),
            LinkerChoice::First => {
                linker::choose(proofs, host, linker::used_by_rustc(exec, toolchain, host)?)
            }
        };
    }
    report.cache = compile_cache(exec, toolchain, config, &place, choice, &before, &mut report.notes)?;
    let chosen = |proof: &&Proof| proof.linker == report.linker && proof.problem.is_none();
    let mut settings = Settings {
        targets: report.linkers.iter().filter(chosen).map(|proof| proof.target.clone()).collect(),
        cache: report.cache.is_some(),
    };
    // A target that goes through the script stays there: taking it out would compile everything again.
    let ours = |target: &&String| linked_by_script(target) && !settings.targets.contains(target);
    let kept: Vec<String> = targets.iter().filter(ours).cloned().collect();
    settings.targets.extend(kept);
    // One linker for all workspaces: where this one does not use it, what the others use is theirs.
    let is_ours =
        choice.linker != LinkerChoice::Keep || targets.iter().any(|target| linked_by_script(target));
    let chosen = if is_ours { report.linker.clone() } else { place.chosen() };
    place.choose(exec, &chosen)?;
    if settings == Settings::default() {
        report.notes.push(match *choice == Choice::default() {
            true => "no linker and no compile cache here is better than what cargo uses anyway".to_owned(),
            false => "cargo links and compiles as it does on its own".to_owned(),
        });
        place.leave(exec, root)?;
        return Ok(report);
    }
    place.join(exec, &root.join(FILE))?;
    exec.write_file(&root.join(FILE), text(&settings, &place).as_bytes())?;
    report.config = Some(root.join(FILE));
    Ok(report)
}

/// Takes back what [`write`] did in this workspace, and the scripts with the last workspace that uses them. Whether
/// there was anything.
pub fn undo(exec: &Executor, root: &Path) -> anyhow::Result<bool> {
    ours(root)?;
    Place::take(exec, &store::home()?)?.leave(exec, root)
}

/// What `setup --check` says of it; nothing where there is none.
pub fn status(root: &Path) -> anyhow::Result<Option<Status>> {
    let text = std::fs::read_to_string(root.join(FILE)).unwrap_or_default();
    if !text.starts_with(HEADER) {
        return Ok(None);
    }
    let place = store::home()?;
    let gone = place::gone(&place, &text);
    Ok(Some(Status {
        tool: "local cargo config",
        wanted: place::chosen(&place),
        found: gone.is_none().then(|| place::chosen(&place)),
        path: Some(root.join(FILE).display().to_string()),
        source: gone.map(|path| format!("{} is gone", path.display())).or(Some("setup --local".to_owned())),
        state: if place::gone(&place, &text).is_none() { State::Ready } else { State::Missing },
    }))
}

/// Whether cargo would read the file, and whether it is ours to write.
fn check(toolchain: &Toolchain, root: &Path) -> anyhow::Result<()> {
    ours(root)?;
    let mut numbers = toolchain.rustc_version.split('.').map(|part| part.parse::<u64>().unwrap_or_default());
    let version = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
    if version < CARGO_WITH_INCLUDE {
        let message = format!("cargo {} reads no `include`", toolchain.rustc_version);
        return Err(Failure::new(Exit::MissingTool, message).hint("run `rustup update`").into());
    }
    if !CargoConfig::includes(root, "local.toml")? {
        let message = ".cargo/config.toml does not include `local.toml`, so cargo would not read it";
        return Err(Failure::usage(message).hint(format!("put this at its top: {INCLUDE}")).into());
    }
    Ok(())
}

fn ours(root: &Path) -> anyhow::Result<()> {
    match std::fs::read_to_string(root.join(FILE)) {
        Ok(text) if !text.starts_with(HEADER) => {
            let message = format!("{FILE} was not written by `cargo xtask setup --local`");
            Err(Failure::usage(message)
                .hint("move its settings to ~/.cargo/config.toml and remove it")
                .into())
        }
        _ => Ok(()),
    }
}

/// The targets that this machine links with its C compiler: its own, and the same for the other C library where that
/// is installed. What the user has chosen a linker for is not ours.
fn linker_targets(
    toolchain: &Toolchain,
    config: &CargoConfig,
    place: &Place,
    notes: &mut Vec<String>,
) -> Vec<String> {
    let host = toolchain.host.as_str();
    let Some((architecture, _)) = host.split_once("-unknown-linux-") else {
        notes.push(format!("linkers are chosen for Linux only, not for {host}"));
        return Vec::new();
    };
    let other = if host.ends_with("musl") { "gnu" } else { "musl" };
    let other = format!("{architecture}-unknown-linux-{other}");
    let mut targets = vec![host.to_owned()];
    if toolchain.sysroot.join("lib/rustlib").join(&other).join("lib").is_dir() {
        targets.push(other);
    }
    targets.retain(|target| {
        let own = config.value("/target").and_then(|tables| tables.get(target)?.get("linker")?.as_str());
        let is_ours = own.is_none_or(|own| Path::new(own) == place.linker());
        if !is_ours {
            notes.push(format!("cargo's configuration names a linker for {target}; it stays"));
        }
        is_ours
    });
    targets
}

/// The compile cache that is used from now on, with its script. `before` is the configuration as it was.
fn compile_cache(
    exec: &Executor,
    toolchain: &Toolchain,
    config: &CargoConfig,
    place: &Place,
    choice: &Choice,
    before: &str,
    notes: &mut Vec<String>,
) -> anyhow::Result<Option<PathBuf>> {
    match &choice.cache {
        CacheChoice::None => Ok(None),
        CacheChoice::Keep => {
            let is_used = before.contains(&place.cache().display().to_string());
            Ok(place.cached_by().filter(|_| is_used))
        }
        CacheChoice::This(_) | CacheChoice::First if !may_wrap(config, place, notes) => Ok(None),
        CacheChoice::This(program) => {
            place.write_cache(exec, program)?;
            Ok(Some(program.clone()))
        }
        CacheChoice::First => {
            let Some(program) = cache::program(exec)? else {
                notes.push("there is no sccache; `cargo xtask setup --with bench` installs it".to_owned());
                return Ok(None);
            };
            place.write_cache(exec, &program)?;
            exec.ui().status("Proving", format_args!("the compile cache {}", program.display()));
            match cache::prove(exec, toolchain, place, &program)? {
                Ok(()) => Ok(Some(program)),
                Err(reason) => {
                    notes.push(format!("the compile cache {} is not used: {reason}", program.display()));
                    Ok(None)
                }
            }
        }
    }
}

/// Whether the user has no wrapper of their own, which would come before ours.
fn may_wrap(config: &CargoConfig, place: &Place, notes: &mut Vec<String>) -> bool {
    let own = config.value("/build/rustc-wrapper").and_then(|wrapper| wrapper.as_str());
    if let Some(own) = own.filter(|own| Path::new(own) != place.cache()) {
        notes.push(format!("cargo's configuration names the rustc-wrapper {own}; it stays"));
        return false;
    }
    for variable in ["RUSTC_WRAPPER", "CARGO_BUILD_RUSTC_WRAPPER"] {
        if std::env::var(variable).is_ok_and(|value| !value.is_empty()) {
            notes.push(format!("{variable} is set, and comes before any configuration"));
        }
    }
    true
}

fn text(settings: &Settings, place: &Place) -> String {
    let mut text = format!(
        "{HEADER}\n# Linker and compile cache of this machine, through scripts that fall back to what cargo does \
         without them.\n# `cargo xtask setup --undo` removes it. Where the scripts are gone, remove this file.\n"
    );
    for target in &settings.targets {
        let path = place.linker().display().to_string();
        text.push_str(&format!("\n[target.{target}]\nlinker = {path:?}\n"));
    }
    if settings.cache {
        let path = place.cache().display().to_string();
        text.push_str(&format!("\n[build]\nrustc-wrapper = {path:?}\n"));
    }
    text
}

#[cfg(test)]
mod tests;
