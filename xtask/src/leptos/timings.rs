//! Keeps cargo's timing reports of a build, and notes beside them what puts both on one time axis.
//!
//! The build is good with or without them: what cannot be kept is told, and is no failure.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;

use super::units::Units;
use crate::exec::{Executor, replace_file};
use crate::plan::{Action, Invocation, Plan};
use crate::record::bench::timeline::TimedStep;
use crate::record::timings::{self, TIMINGS_SCHEMA, TimedHalf, TimingsRecord};

/// What is known so far of a build that asks cargo for its timings.
pub struct Timings<'a> {
    exec: &'a Executor,
    target_directory: &'a Path,
    began: Instant,
    record: Mutex<TimingsRecord>,
}

impl<'a> Timings<'a> {
    /// Begins to count; `None` where the plan does not ask for timings.
    pub fn begin(exec: &'a Executor, plan: &Plan, target_directory: &'a Path) -> Option<Timings<'a>> {
        plan.steps.iter().any(|step| matches!(&step.action, Action::Run(command) if asks(command))).then(
            || {
                forget(exec, target_directory);
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                let record = TimingsRecord {
                    schema: TIMINGS_SCHEMA.to_owned(),
                    began: now.as_secs_f64(),
                    halves: Vec::new(),
                    steps: Vec::new(),
                };
                Timings { exec, target_directory, began: Instant::now(), record: Mutex::new(record) }
            },
        )
    }

    /// A step that is over, and is no run of cargo.
    pub fn step(&self, name: &str, began: Instant) {
        let step = TimedStep {
            name: name.to_owned(),
            start: self.since_beginning(began),
            seconds: began.elapsed().as_secs_f64(),
        };
        self.lock().steps.push(step);
    }

    /// A run of cargo that has succeeded. The next one would overwrite its report.
    pub fn half(&self, step: &str, began: Instant, command: &Invocation, units: &Units) {
        let name = step.trim_start_matches("compile ");
        let report = PathBuf::from(format!("{name}.html"));
        let kept = timings::folder(self.target_directory).join(&report);
        let written = self.report_of(command);
        let copied = fs::read(&written)
            .with_context(|| format!("read `{}`", written.display()))
            .and_then(|content| replace_file(&kept, &content));
        if let Err(error) = copied {
            self.exec.ui().note(format!("no timings of the {name} half: {error:#}"));
            return;
        }
        self.exec.ui().note(format!("timings of the {name} half: {}", kept.display()));
        self.lock().halves.push(TimedHalf {
            name: name.to_owned(),
            start: self.since_beginning(began),
            report,
            compiled: units.compiled(word_after(command, "--target")),
        });
    }

    /// Writes down what is known, at the end of a build that has succeeded.
    pub fn write(&self) {
        let file = timings::file(self.target_directory);
        let written = serde_json::to_vec_pretty(&*self.lock())
            .map_err(anyhow::Error::from)
            .and_then(|text| replace_file(&file, &text));
        if let Err(error) = written {
            self.exec.ui().note(format!("the timings cannot be put together: {error:#}"));
        }
    }

    /// The report that cargo has just written.
    fn report_of(&self, command: &Invocation) -> PathBuf {
        let own_folder = word_after(command, "--target-dir").map(|folder| command.cwd.join(folder));
        let folder = own_folder.unwrap_or_else(|| self.target_directory.to_owned());
        folder.join("cargo-timings/cargo-timing.html")
    }

    fn since_beginning(&self, time: Instant) -> f64 {
        time.saturating_duration_since(self.began).as_secs_f64()
    }

    fn lock(&self) -> MutexGuard<'_, TimingsRecord> {
        self.record.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Removes what an earlier build noted: its times are not those of the reports that come now.
pub fn forget(exec: &Executor, target_directory: &Path) {
    let file = timings::file(target_directory);
    match fs::remove_file(&file) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            exec.ui()
                .note(format!("`{}` is of an earlier build and cannot be removed: {error}", file.display()));
        }
        _ => {}
    }
}

/// Whether the command is to write a report.
fn asks(command: &Invocation) -> bool {
    command.args.iter().any(|arg| arg == "--timings")
}

fn word_after<'a>(command: &'a Invocation, flag: &str) -> Option<&'a str> {
    command.args.iter().skip_while(|arg| *arg != flag).nth(1).map(String::as_str)
}
