//! One round: from changes to a server that runs them and pages that show them.
//!
//! Nothing that runs is touched before everything has compiled: a round that fails leaves the old app as it is. A
//! change that comes meanwhile ends the round, because nobody waits for what it would give.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use super::super::build::{self, Outcome};
use super::super::diagnostics::Diagnostics;
use super::super::lock;
use super::super::planning::{self, BIND, COMPILE_FRONT, COMPILE_SERVER, Input, Parts, SITE};
use super::super::shipped;
use super::files::Change;
use super::meaning::Work;
use super::session::{Session, Setup};
use super::sheet;
use crate::exit::Exit;
use crate::record::watch::{Told, WATCH_SCHEMA, WatchRecord, WatchResult};
use crate::record::{self, StepState};

/// Files named in the line about a change; more would hide the rest.
const NAMES_SHOWN: usize = 3;
/// How often a build that goes on is looked at, where nothing calls.
const POLL: Duration = Duration::from_millis(50);
/// A file that was changed longer ago came here with its time: a checkout, a rename.
const RECENT: Duration = Duration::from_secs(10);

impl Session<'_> {
    /// Has the work done. An error is an interruption or a defect of ours; all else is told, and the next change waited
    /// for.
    pub(super) fn round(&mut self, setup: &Setup<'_>, changes: &[Change], work: Work) -> anyhow::Result<()> {
        let exec = self.exec;
        let began = Instant::now();
        let started = SystemTime::now();
        let noticed = noticed(changes, started);
        let names = names(setup, changes);
        exec.ui().status("Changed", shown(&names));

        let parts = Parts { front: work.front, server: work.server, style: work.style };
        let (outcome, result, is_superseded) = self.build(setup, parts, work)?;
        let mut record = WatchRecord {
            schema: WATCH_SCHEMA,
            result: WatchResult::Failed,
            started: chrono::DateTime::<chrono::Utc>::from(started).to_rfc3339(),
            project: setup.input.project.name.clone(),
            profile: setup.profile.to_owned(),
            changed: names,
            at_once: work.front && work.server && setup.can_compile_at_once(),
            steps: outcome.steps.clone(),
            noticed_seconds: noticed.map(|time| time.as_secs_f64()),
            build_seconds: began.elapsed().as_secs_f64(),
            restart_seconds: None,
            told: None,
            pages: 0,
            seconds: None,
        };
        let result = match result {
            Ok(()) => self.deliver(setup, work, &outcome, (began, noticed), &mut record),
            Err(error) if matches!(Exit::of(&error), Exit::Interrupted(_)) => Err(error),
            Err(_) if is_superseded => {
                self.pending |= work;
                record.result = WatchResult::Superseded;
                Ok(())
            }
            Err(error) => {
                self.fail(work, &outcome, &error);
                Ok(())
            }
        };
        if let Err(error) = &result
            && matches!(Exit::of(error), Exit::Interrupted(_))
        {
            record.result = WatchResult::Interrupted;
        }
        let recorded = record::append(setup.input.target_directory, "watch", &record);
        result?;
        recorded?;
        self.watch_anew(setup);
        Ok(())
    }

    /// Builds, and gives up when something else changes meanwhile.
    fn build(
        &mut self,
        setup: &Setup<'_>,
        parts: Parts,
        work: Work,
    ) -> anyhow::Result<(Outcome, anyhow::Result<()>, bool)> {
        let exec = self.exec;
        let target = setup.input.target_directory;
        // Held until everything is written that another build would write too.
        let _lock = lock::take(exec, target)?;
        let started = SystemTime::now();
        let plan = planning::round(setup.input, parts);
        let at_once = parts.front && parts.server && setup.can_compile_at_once();
        let known = std::mem::take(&mut self.warnings);
        let diagnostics = Diagnostics::new(exec, &known);
        let is_done = AtomicBool::new(false);
        let mut is_superseded = false;
        let caller = self.wake.caller();
        let (outcome, result) = std::thread::scope(|scope| {
            let build = scope.spawn(|| {
                let built = build::run_round(exec, &plan, setup.toolchain, &diagnostics, at_once);
                is_done.store(true, Ordering::SeqCst);
                caller.call();
                built
            });
            while !is_done.load(Ordering::SeqCst) && !build.is_finished() {
                if !self.wake.wait(POLL) {
                    continue;
                }
                let changes = self.look_beside_cargo(setup);
                // Once only: a build script that writes sources would never come to its end.
                if !changes.is_empty() && !is_superseded && self.supersedes {
                    is_superseded = true;
                    exec.abandon();
                }
                self.later.extend(changes);
            }
            let built = build.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            exec.resume();
            built
        });
        let said = diagnostics.said();
        // A half that was not compiled has not said anything of its warnings.
        let are_all = result.is_ok() && parts.front && parts.server;
        self.warnings = if are_all { said.warnings } else { &known | &said.warnings };
        // The build may have been done before it could be given up.
        let is_superseded = is_superseded && result.is_err();
        self.supersedes = !is_superseded;
        if result.is_ok() {
            let input = Input {
                front: parts.front || work.style || work.assets,
                server: parts.server,
                ..setup.input.clone()
            };
            shipped::note(&input, setup.workspace, setup.receipt, started)?;
        }
        if let Err(error) = &result
            && !is_superseded
            && said.errors.is_empty()
            && !matches!(Exit::of(error), Exit::Interrupted(_))
        {
            exec.ui().error(format!("{error:#}"));
        }
        Ok((outcome, result, is_superseded))
    }

    /// Says what failed. What was to be done still is.
    fn fail(&mut self, work: Work, outcome: &Outcome, error: &anyhow::Error) {
        self.pending |= work;
        let failed = outcome.steps.iter().find(|step| step.state == StepState::Failed);
        let failed = failed.map_or("", |step| step.name.as_str());
        // Where the halves are compiled at once, one may have been stopped because of the other.
        self.failed.front |= work.front && failed != COMPILE_SERVER || failed == COMPILE_FRONT;
        self.failed.server |= work.server;
        let is_bound = |step: &&record::StepRecord| step.name == BIND && step.state != StepState::Fresh;
        self.is_front_ahead |=
            outcome.steps.iter().any(|step| is_bound(&step) && step.state != StepState::Failed);
        if let Some(hint) = crate::exit::hint_of(error) {
            self.exec.ui().hint(hint);
        }
        let what = match failed {
            COMPILE_FRONT => "the wasm half does not compile",
            COMPILE_SERVER => "the server does not compile",
            _ => "the app could not be built",
        };
        let then = if self.server.is_some() { "the old app keeps running" } else { "no app runs yet" };
        self.exec.ui().note(format!("{what}; {then}"));
    }

    /// Starts the new server and tells the pages, as far as there is something new.
    fn deliver(
        &mut self,
        setup: &Setup<'_>,
        work: Work,
        outcome: &Outcome,
        (began, noticed): (Instant, Option<Duration>),
        record: &mut WatchRecord,
    ) -> anyhow::Result<()> {
        if !self.failed.is_none() && self.exec.ui().is_terminal() {
            // The errors that stand there are no more.
            self.exec.ui().clear();
            self.exec.ui().status("Changed", shown(&record.changed));
        }
        self.pending = Work::default();
        self.failed = Work::default();
        self.is_front_ahead = false;
        record.result = WatchResult::Ok;

        let has_run =
            |name: &str| outcome.steps.iter().any(|step| step.name == name && step.state != StepState::Fresh);
        let is_site_new = has_run(SITE);
        // Only the style: pages need not be loaded anew, and the server reads the sheet's name with every page.
        let is_style_only = is_site_new && !has_run(BIND) && !work.assets;
        let is_server_new = self.server.as_ref().is_none_or(|server| !server.is_current(setup.server));
        // A server may remember the hashed names that it started with.
        let has_new_names = setup.input.project.hash_files && is_site_new && !is_style_only;
        let mut is_live = true;
        if work.restart || is_server_new || has_new_names {
            let stopped = Instant::now();
            is_live = self.start_server(setup)?;
            record.restart_seconds = is_live.then(|| stopped.elapsed().as_secs_f64());
        }
        if !is_live {
            record.result = WatchResult::Failed;
            return Ok(());
        }
        if let Some(sheet) = sheet::path(setup.input) {
            self.socket.set_sheet(&sheet);
        }
        if record.restart_seconds.is_some() || (is_site_new && !is_style_only) {
            (record.told, record.pages) = (Some(Told::All), self.socket.reload());
        } else if is_style_only {
            sheet::keep_old_names(self.exec, setup.input, &self.socket)?;
            (record.told, record.pages) = (Some(Told::Css), self.socket.restyle());
        }
        // From the save, as whoever saved has waited; from our notice where the file does not tell.
        let seconds = (noticed.unwrap_or_default() + began.elapsed()).as_secs_f64();
        record.seconds = record.told.map(|_| seconds);
        self.report(record);
        Ok(())
    }

    fn report(&self, record: &WatchRecord) {
        let ui = self.exec.ui();
        let Some(told) = record.told else {
            ui.status("Unchanged", "nothing in the app is different");
            return;
        };
        let what = match (told, record.pages) {
            (_, 0) => "the app".to_owned(),
            (Told::All, 1) => "1 page".to_owned(),
            (Told::All, pages) => format!("{pages} pages"),
            (Told::Css, 1) => "the style of 1 page".to_owned(),
            (Told::Css, pages) => format!("the style of {pages} pages"),
        };
        let verb = if record.pages == 0 { "Updated" } else { "Reloaded" };
        let seconds = record.seconds.unwrap_or_default();
        let parts = seconds_of_parts(record);
        let warnings = match self.warnings.len() {
            0 => String::new(),
            1 => "; 1 warning".to_owned(),
            number => format!("; {number} warnings"),
        };
        let nobody = if record.pages == 0 { "; no page is open" } else { "" };
        ui.status(verb, format!("{what} in {seconds:.1} s{parts}{nobody}{warnings}"));
    }
}

/// Where the time went, in a few words.
fn seconds_of_parts(record: &WatchRecord) -> String {
    let mut parts: Vec<String> = Vec::new();
    for (name, step) in [("front", COMPILE_FRONT), (BIND, BIND), ("server", COMPILE_SERVER)] {
        let ran = record.steps.iter().find(|ran| ran.name == step && ran.state != StepState::Fresh);
        parts.extend(ran.map(|ran| format!("{name} {:.1}", ran.seconds)));
    }
    parts.extend(record.restart_seconds.map(|seconds| format!("restart {seconds:.1}")));
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}

/// How long ago the last of the files was changed, as far as that can be said.
fn noticed(changes: &[Change], now: SystemTime) -> Option<Duration> {
    let last = changes.iter().filter_map(|change| change.time).filter(|time| *time <= now).max()?;
    now.duration_since(last).ok().filter(|ago| *ago < RECENT)
}

/// The changed files, relative to the workspace where they are in it, each once.
fn names(setup: &Setup<'_>, changes: &[Change]) -> Vec<String> {
    let relative = |change: &Change| {
        let path: PathBuf =
            change.path.strip_prefix(setup.input.workspace_root).unwrap_or(&change.path).into();
        path.display().to_string()
    };
    let mut names: Vec<String> = changes.iter().map(relative).collect();
    names.sort();
    names.dedup();
    names
}

fn shown(names: &[String]) -> String {
    let more = names.len().saturating_sub(NAMES_SHOWN);
    let first = names[..names.len() - more].join(", ");
    if more > 0 { format!("{first} and {more} more") } else { first }
}
