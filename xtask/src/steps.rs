//! One step after the other: its section in the log, its time, and what becomes of it in the record.
//!
//! For operations without overlap. Does not know what a step does.

use std::time::Instant;

use anyhow::Context;

use crate::exec::Executor;
use crate::record::{StepRecord, StepState};

/// What a step gives to the record and to the steps after it.
pub struct Done<T> {
    pub state: StepState,
    /// A few words about the outcome.
    pub detail: String,
    pub value: T,
}

impl<T> Done<T> {
    /// A step that did its work.
    pub fn ran(detail: impl Into<String>, value: T) -> Done<T> {
        Done { state: StepState::Ran, detail: detail.into(), value }
    }

    /// A step that found nothing to do.
    pub fn fresh(detail: impl Into<String>, value: T) -> Done<T> {
        Done { state: StepState::Fresh, detail: detail.into(), value }
    }
}

/// Carries out one step. A failed one is recorded too, and its error names it.
pub fn step<T>(
    exec: &Executor,
    records: &mut Vec<StepRecord>,
    name: &str,
    work: impl FnOnce() -> anyhow::Result<Done<T>>,
) -> anyhow::Result<T> {
    exec.check_interrupted()?;
    exec.ui().section_start(name);
    exec.ui().status("Running", name);
    let began = Instant::now();
    let done = work();
    exec.ui().section_end();
    let (state, detail) = match &done {
        Ok(done) => (done.state, done.detail.clone()),
        Err(_) => (StepState::Failed, String::new()),
    };
    let seconds = began.elapsed().as_secs_f64();
    records.push(StepRecord {
        name: name.to_owned(),
        state,
        seconds,
        cpu_seconds: None,
        units: None,
        detail,
    });
    done.map(|done| done.value).with_context(|| format!("step `{name}`"))
}
