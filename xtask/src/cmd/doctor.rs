//! `cargo xtask doctor`.

use std::time::Instant;

use clap::ValueEnum;

use super::print;
use crate::cli::doctor::DoctorArgs;
use crate::doctor;
use crate::exec::Executor;
use crate::exit::{Exit, Failure};
use crate::record::doctor::{DOCTOR_SCHEMA, DoctorReport, Group, Severity};
use crate::report;

/// Looks, reports, and fails where something is an error. The executor must be one that refuses effects.
pub fn run(exec: Executor, args: &DoctorArgs) -> anyhow::Result<()> {
    let began = Instant::now();
    let exec = exec.limited(doctor::PROBE_LIMIT);
    let is_wanted = |group: &Group| match (args.only.as_slice(), group) {
        ([], Group::Network) => args.network,
        ([], _) => true,
        (only, Group::Network) => args.network || only.contains(group),
        (only, group) => only.contains(group),
    };
    let (groups, skipped): (Vec<Group>, Vec<Group>) =
        Group::value_variants().iter().copied().partition(is_wanted);
    let examination = doctor::examine(&exec, &groups)?;
    let errors = examination.findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    let report = DoctorReport {
        schema: DOCTOR_SCHEMA,
        ok: errors == 0,
        workspace: examination.root.display().to_string(),
        groups,
        skipped,
        findings: examination.findings,
        facts: examination.facts,
        seconds: began.elapsed().as_secs_f64(),
    };
    // Whatever a program said may quote a secret of the environment.
    print(&exec.redact(&report::doctor::render(&report, args.format)?))?;
    if errors == 0 {
        return Ok(());
    }
    let message = format!("{errors} error{} to mend", if errors == 1 { "" } else { "s" });
    Err(Failure::new(Exit::CheckFailed, message).into())
}
