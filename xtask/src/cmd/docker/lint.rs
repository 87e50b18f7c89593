//! `cargo xtask docker lint`.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context;

use crate::cli::docker::LintArgs;
use crate::cmd::print;
use crate::config::root;
use crate::exec::Executor;
use crate::exit::{Exit, Failure};
use crate::lint;
use crate::record::doctor::Severity;
use crate::record::lint::{LINT_SCHEMA, LintReport};
use crate::report;

/// Looks, reports, and fails where something is an error. The executor must be one that refuses effects.
pub fn run(exec: &Executor, args: &LintArgs) -> anyhow::Result<()> {
    if args.rules {
        return print(&report::lint::render_rules(&lint::rules(), args.format)?);
    }
    let began = Instant::now();
    let path = match &args.path {
        Some(path) => path.clone(),
        None => default_path()?,
    };
    let examination = lint::examine(&path).map_err(|error| {
        Failure::usage(format!("cannot read {}: {error}", path.display()))
            .hint("name the folder of a repository, or a Dockerfile")
    })?;
    if examination.files.is_empty() {
        let message = format!("there is nothing to look at in {}", examination.root.display());
        return Err(Failure::usage(message)
            .hint("name a folder with a Dockerfile, a Cargo.toml, a railway.toml or .github/workflows")
            .into());
    }
    let fails =
        |severity| severity == Severity::Error || (args.deny_warnings && severity == Severity::Warning);
    let failing = examination.findings.iter().filter(|finding| fails(finding.severity)).count();
    let report = LintReport {
        schema: LINT_SCHEMA,
        ok: failing == 0,
        root: examination.root.display().to_string(),
        files: examination.files,
        findings: examination.findings,
        seconds: began.elapsed().as_secs_f64(),
    };
    // A file may have a secret of the environment in it.
    print(&exec.redact(&report::lint::render(&report, args.format)?))?;
    if failing == 0 {
        return Ok(());
    }
    let message = format!("{failing} finding{} to mend", if failing == 1 { "" } else { "s" });
    Err(Failure::new(Exit::CheckFailed, message).into())
}

/// The workspace around us. Where its manifest cannot be read, that is one of the findings.
fn default_path() -> anyhow::Result<PathBuf> {
    match root::find() {
        Ok(root) => Ok(root),
        Err(_) => std::env::current_dir().context("find the current folder"),
    }
}
