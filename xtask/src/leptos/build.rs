//! Carries out a build plan. The site is made while the server compiles; everything else is in order, unless the halves
//! have folders of their own and are to be compiled at once.

use std::path::Path;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;

use super::cached::{self, Reuse};
use super::diagnostics::Diagnostics;
use super::planning::{COMPILE_FRONT, COMPILE_SERVER};
use super::site;
use super::timings::Timings;
use super::units::Units;
use crate::exec::{Executor, Finished};
use crate::exit::{Exit, Failure};
use crate::facts::toolchain::Toolchain;
use crate::plan::{Action, Operation, Plan, Stage, Step};
use crate::record::{StepRecord, StepState};
use crate::tools;

/// What a build did, complete or up to where it failed.
#[derive(Debug, Default)]
pub struct Outcome {
    /// In the order in which the steps ended.
    pub steps: Vec<StepRecord>,
    pub front: Option<Units>,
    pub server: Option<Units>,
}

/// Runs the plan. The outcome is returned beside the result, because a failed build has one too.
pub fn run(
    exec: &Executor,
    plan: &Plan,
    toolchain: &Toolchain,
    target_directory: &Path,
) -> (Outcome, anyhow::Result<()>) {
    let outcome = Mutex::default();
    let timings = Timings::begin(exec, plan, target_directory);
    let build = Build { exec, plan, toolchain, timings, diagnostics: None, outcome };
    let result = build.in_order();
    if let (Some(timings), Ok(())) = (&build.timings, &result) {
        timings.write();
    }
    (build.outcome.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()), result)
}

/// Runs the plan of one round of `watch`: nothing is shown but diagnostics. `at_once` compiles both halves at the same
/// time, which cargo lets us where they have folders of their own.
pub fn run_round(
    exec: &Executor,
    plan: &Plan,
    toolchain: &Toolchain,
    diagnostics: &Diagnostics<'_>,
    at_once: bool,
) -> (Outcome, anyhow::Result<()>) {
    let outcome = Mutex::default();
    let build = Build { exec, plan, toolchain, timings: None, diagnostics: Some(diagnostics), outcome };
    let result = if at_once { build.at_once() } else { build.in_order() };
    (build.outcome.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()), result)
}

struct Build<'a> {
    exec: &'a Executor,
    plan: &'a Plan,
    toolchain: &'a Toolchain,
    /// Where cargo is to say how long each unit takes.
    timings: Option<Timings<'a>>,
    /// Where cargo hands its messages to us instead of showing them itself.
    diagnostics: Option<&'a Diagnostics<'a>>,
    outcome: Mutex<Outcome>,
}

impl Build<'_> {
    fn in_order(&self) -> anyhow::Result<()> {
        self.stage(Stage::Tools)?;
        self.stage(Stage::Front)?;
        self.beside_the_server(&[Stage::Site])?;
        self.stage(Stage::Finish)
    }

    fn at_once(&self) -> anyhow::Result<()> {
        self.beside_the_server(&[Stage::Front, Stage::Site])?;
        self.stage(Stage::Finish)
    }

    /// The stages one after the other, while the server compiles. Where one fails the other has no use.
    fn beside_the_server(&self, stages: &[Stage]) -> anyhow::Result<()> {
        let site = || stages.iter().try_for_each(|stage| self.stage(*stage));
        let (site, server) = thread::scope(|scope| {
            let site = scope.spawn(|| site().inspect_err(|_| self.exec.abandon()));
            let server = self.stage(Stage::Server).inspect_err(|_| self.exec.abandon());
            (site.join(), server)
        });
        self.exec.resume();
        // A panic in the other thread is a defect of ours and stays one.
        let site = site.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        self.first_failure(stages, site, server)
    }

    /// The failure that came first: the other one is its consequence.
    fn first_failure(
        &self,
        stages: &[Stage],
        site: anyhow::Result<()>,
        server: anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let site_first = self.lock().steps.iter().find(|step| step.state == StepState::Failed).map(|step| {
            let in_site = |planned: &&Step| stages.contains(&planned.stage) && planned.name == step.name;
            self.plan.steps.iter().any(|planned| in_site(&planned))
        });
        if site_first == Some(true) { site.and(server) } else { server.and(site) }
    }

    fn stage(&self, stage: Stage) -> anyhow::Result<()> {
        self.plan.steps.iter().filter(|step| step.stage == stage).try_for_each(|step| self.step(step))
    }

    fn step(&self, step: &Step) -> anyhow::Result<()> {
        self.exec.check_interrupted()?;
        // Sections cannot overlap: what runs beside the server's compilation stays inside its section.
        let has_section = step.stage != Stage::Site && self.diagnostics.is_none();
        if has_section {
            self.exec.ui().section_start(&step.name);
        }
        let began = Instant::now();
        let done = match &step.action {
            Action::Run(_) => self.cargo(step, began),
            Action::Operation(operation) => {
                let done = self.operation(&step.name, operation);
                if let Some(timings) = &self.timings {
                    timings.step(&step.name, began);
                }
                done
            }
        };
        if has_section {
            self.exec.ui().section_end();
        }
        let failed = || Done::new(StepState::Failed);
        let Done { state, cpu, units, detail } = done.as_ref().map_or_else(|_| failed(), Done::clone);
        let mut outcome = self.lock();
        outcome.steps.push(StepRecord {
            name: step.name.clone(),
            state,
            seconds: began.elapsed().as_secs_f64(),
            cpu_seconds: cpu.map(|cpu| cpu.as_secs_f64()),
            units: units.as_ref().map(Units::counts),
            detail,
        });
        match step.name.as_str() {
            COMPILE_FRONT => outcome.front = units,
            COMPILE_SERVER => outcome.server = units,
            _ => {}
        }
        done.map(drop).with_context(|| format!("step `{}`", step.name))
    }

    /// A cargo run: its messages tell what was compiled.
    fn cargo(&self, step: &Step, began: Instant) -> anyhow::Result<Done> {
        let Action::Run(command) = &step.action else { unreachable!("only cargo runs come here") };
        let mut units = Units::default();
        let finished = match self.diagnostics {
            None => {
                self.exec.ui().status("Running", step.name.as_str());
                self.exec.run_lines(command, |line| units.line(line))?
            }
            Some(diagnostics) => self.exec.run_lines_unseen(command, |line| {
                units.line(line);
                diagnostics.line(line);
            })?,
        };
        if !units.finished() {
            let message =
                format!("`{}` ended without saying that the build finished", command.program_name());
            let hint = "its output stopped early; run the build again";
            return Err(Failure::new(Exit::CommandFailed, message).hint(hint).into());
        }
        if let Some(timings) = &self.timings {
            timings.half(&step.name, began, command, &units);
        }
        let state = if units.counts().compiled == 0 { StepState::Fresh } else { StepState::Ran };
        Ok(Done { units: Some(units), ..Done::of(state, &finished) })
    }

    fn operation(&self, name: &str, operation: &Operation) -> anyhow::Result<Done> {
        match operation {
            Operation::InstallTool(input) => {
                tools::install(self.exec, input, self.toolchain)?;
                Ok(Done { detail: input.version.clone(), ..Done::new(StepState::Ran) })
            }
            Operation::RunCached(input) => match cached::run(self.exec, input)? {
                Reuse::Unchanged => Ok(Done::new(StepState::Fresh)),
                Reuse::Restored => Ok(Done::new(StepState::Restored)),
                Reuse::Ran(finished) => {
                    if self.diagnostics.is_none() {
                        let seconds = finished.elapsed.as_secs_f64();
                        self.exec.ui().status("Finished", format!("{name} in {seconds:.1} s"));
                    }
                    Ok(Done::of(StepState::Ran, &finished))
                }
            },
            Operation::WriteSite(input) => {
                let written = site::write(self.exec, input)?;
                if written.changed + written.removed == 0 {
                    return Ok(Done::new(StepState::Fresh));
                }
                let detail = format!(
                    "{} written, {} unchanged, {} removed",
                    written.changed, written.unchanged, written.removed
                );
                Ok(Done { detail, ..Done::new(StepState::Ran) })
            }
            other => anyhow::bail!("`{other}` is not part of a build"),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Outcome> {
        self.outcome.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[derive(Clone, Debug)]
struct Done {
    state: StepState,
    cpu: Option<Duration>,
    units: Option<Units>,
    detail: String,
}

impl Done {
    fn new(state: StepState) -> Done {
        Done { state, cpu: None, units: None, detail: String::new() }
    }

    fn of(state: StepState, finished: &Finished) -> Done {
        Done { cpu: finished.cpu, ..Done::new(state) }
    }
}
