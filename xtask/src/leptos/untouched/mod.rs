//! Whether anything was touched since the last build of the same plan. Where nothing was, cargo need not be asked.
//!
//! Cargo alone decides what is fresh; asking it about both halves takes 0.3 s. What it said is good for as long as
//! nothing changes that it looks at. We do not know what it looks at, so this looks at far more: every file of the
//! workspace, the whole environment, cargo's configuration, and what cargo tells us of files elsewhere. Anything else
//! than before means no more than that cargo is asked, so the doubtful is always counted as changed; and where
//! something cannot be watched in this way, nothing is noted.
//!
//! [`state`] looks at files, [`elsewhere`] finds out which of them are not in the workspace, [`asked`] is about
//! everything that is no file.

mod asked;
mod elsewhere;
mod state;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::build::Outcome;
use super::digest::sha256;
use super::driver::Driver;
use super::planning::{self, Input};
use super::receipt::Receipt;
use crate::config::cargo::CargoConfig;
use crate::exec::replace_file;
use crate::facts::toolchain::Toolchain;
use crate::facts::workspace::Workspace;
use crate::plan::{Action, Operation, Plan, Reads};
use crate::record::{StepRecord, StepState};
pub use state::Sources;

/// The layout of the file; another one counts as none.
const SCHEMA: &str = "xtask.untouched/1";

/// A build, and everything that it depends on beside the files.
#[derive(Clone, Copy)]
pub struct Build<'a> {
    pub plan: &'a Plan,
    pub input: &'a Input<'a>,
    pub workspace: &'a Workspace,
    pub toolchain: &'a Toolchain,
    pub cargo_config: &'a CargoConfig,
    /// The receipt of this project and profile.
    pub receipt: &'a Path,
}

/// What is noted after a build.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    schema: String,
    /// Why cargo has to be asked next time, for whoever wants to know; then all else is empty.
    cargo_is_asked_because: Option<String>,
    /// Digest of what was asked for and by whom.
    asked: String,
    /// Digest of the names and stamps of all files that a build starts from.
    sources: String,
    /// The same of all that it leaves behind.
    results: String,
    elsewhere: Elsewhere,
}

/// What counts beside the workspace's own files, as the last build told.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Elsewhere {
    /// Files outside of the workspace, or in a folder of it that is not looked at as a whole.
    files: BTreeSet<PathBuf>,
    /// The folders in which cargo keeps what it has compiled. `cargo clean --package` and builds with other features
    /// leave a trace there.
    unit_folders: BTreeSet<PathBuf>,
    /// Variables that count although they only tell of a terminal.
    variables: BTreeSet<String>,
}

/// Whether the last build of this plan would be repeated exactly, as far as can be seen.
pub fn is(build: &Build<'_>) -> bool {
    let Some(note) = read(&file(build)).filter(|_| is_ours(build)) else { return false };
    asked::digest(build, &note.elsewhere.variables) == note.asked
        && results(build, &note.elsewhere.unit_folders).is_some_and(|results| results == note.results)
        && Sources::look(build)
            .is_ok_and(|now| now.with(&note.elsewhere.files).as_ref() == Some(&note.sources))
        && serve_would_take_it(build)
}

/// The step in the record of a build that had nothing to do.
pub fn step(looked_for: Duration) -> StepRecord {
    StepRecord {
        name: "sources".to_owned(),
        state: StepState::Fresh,
        seconds: looked_for.as_secs_f64(),
        cpu_seconds: None,
        units: None,
        detail: "nothing was touched since the last build".to_owned(),
    }
}

/// Notes that a build succeeded which began when the sources were as in `before`.
///
/// Both looks have to find the same, so that what is edited while the build runs is never taken for built.
pub fn note(build: &Build<'_>, before: anyhow::Result<Sources>, outcome: &Outcome) -> anyhow::Result<()> {
    if !is_ours(build) {
        return Ok(());
    }
    let note = match made(build, before, outcome) {
        Ok(note) => note,
        Err(reason) => Note {
            schema: SCHEMA.to_owned(),
            cargo_is_asked_because: Some(format!("{reason:#}")),
            asked: String::new(),
            sources: String::new(),
            results: String::new(),
            elsewhere: Elsewhere::default(),
        },
    };
    replace_file(&file(build), &serde_json::to_vec_pretty(&note)?).map(drop)
}

fn made(build: &Build<'_>, before: anyhow::Result<Sources>, outcome: &Outcome) -> anyhow::Result<Note> {
    all_tell_what_they_read(build.plan)?;
    let before = before?;
    before.settled()?;
    let after = Sources::look(build)?;
    anyhow::ensure!(before == after, "a file was changed while the build ran");
    let elsewhere = elsewhere::find(build, &before, outcome)?;
    let nowhere = || anyhow::anyhow!("a file that counts went away");
    Ok(Note {
        schema: SCHEMA.to_owned(),
        cargo_is_asked_because: None,
        asked: asked::digest(build, &elsewhere.variables),
        sources: after.with(&elsewhere.files).ok_or_else(nowhere)?,
        results: results(build, &elsewhere.unit_folders).ok_or_else(nowhere)?,
        elsewhere,
    })
}

/// Whether it is a build whose only purpose is its result, by cargo itself. One with a report of cargo's is not, and
/// what another program does nobody knows.
fn is_ours(build: &Build<'_>) -> bool {
    let input = build.input;
    input.driver == Driver::Native && !input.timings && input.project.bin_cargo_command.is_none()
}

/// An error for a step that does not tell what it reads.
fn all_tell_what_they_read(plan: &Plan) -> anyhow::Result<()> {
    for step in &plan.steps {
        let tells = match &step.action {
            Action::Run(_) | Action::Operation(Operation::WriteSite(_)) => true,
            Action::Operation(Operation::RunCached(cached)) => cached.reads != Reads::Anything,
            Action::Operation(_) => false,
        };
        anyhow::ensure!(tells, "nobody knows what the step `{}` reads", step.name);
    }
    Ok(())
}

/// Digest of what the build leaves behind; `None` where something is missing.
fn results(build: &Build<'_>, unit_folders: &BTreeSet<PathBuf>) -> Option<String> {
    let input = build.input;
    let mut files: BTreeSet<PathBuf> = unit_folders.clone();
    if input.front {
        files.insert(planning::compiled_wasm(input));
        files.extend(super::shipped::of_front(input).ok()?);
    }
    if input.server {
        files.insert(planning::server_binary(input));
    }
    let mut digests = vec![state::digest_of(&files)?];
    // Cargo writes these with every run, as they were.
    for dep_info in super::shipped::dep_infos(input) {
        digests.push(sha256(&[&std::fs::read(dep_info).ok()?]));
    }
    Some(digests.join(" "))
}

/// Other builds of this project and profile write the same receipt; what it says has to be right for `serve`.
fn serve_would_take_it(build: &Build<'_>) -> bool {
    let receipt = Receipt::read(build.receipt);
    let halves = [(build.input.front, receipt.front), (build.input.server, receipt.server)];
    halves
        .iter()
        .filter(|(wanted, _)| *wanted)
        .all(|(_, half)| half.as_ref().is_some_and(|half| half.stale().is_empty()))
}

/// One file for each choice of halves, so that they do not displace each other.
fn file(build: &Build<'_>) -> PathBuf {
    build.receipt.with_extension(match (build.input.front, build.input.server) {
        (true, false) => "front.untouched.json",
        (false, true) => "server.untouched.json",
        _ => "untouched.json",
    })
}

fn read(file: &Path) -> Option<Note> {
    let note: Note = serde_json::from_slice(&std::fs::read(file).ok()?).ok()?;
    (note.schema == SCHEMA && note.cargo_is_asked_because.is_none()).then_some(note)
}
