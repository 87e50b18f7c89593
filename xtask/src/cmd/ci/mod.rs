//! `cargo xtask ci`: the steps of the workflows. Each is other commands in a row, with outputs and a summary.

mod bench;
mod changes;
mod check;
mod comment;
mod deploy;
mod deps_report;
mod gate;
mod image;
mod summary;
mod test;

use super::print;
use crate::ci::github::GitHub;
use crate::ci::outputs;
use crate::ci::summary::Summary;
use crate::cli::ci::{ChangesArgs, CheckArgs, CiBenchArgs, CiDeployArgs, ImageArgs};
use crate::cli::ci_reports::{CiTestArgs, CommentArgs, DepsReportArgs, SummaryArgs};
use crate::exec::Executor;

/// What a step gives to those after it: names and values.
type Outputs = Vec<(&'static str, String)>;

pub fn image(exec: &Executor, args: &ImageArgs) -> anyhow::Result<()> {
    let github = GitHub::read()?;
    told(exec, github.as_ref(), "Image", |summary| image::make(exec, github.as_ref(), args, summary))
}

pub fn changes(exec: &Executor, args: &ChangesArgs) -> anyhow::Result<()> {
    let github = GitHub::read()?;
    told(exec, github.as_ref(), "Changes", |summary| changes::find(exec, github.as_ref(), args, summary))
}

pub fn check(exec: &Executor, args: &CheckArgs) -> anyhow::Result<()> {
    let github = GitHub::read()?;
    told(exec, github.as_ref(), "Checks", |summary| check::check(exec, github.is_some(), args, summary))
}

pub fn test(exec: &Executor, args: &CiTestArgs) -> anyhow::Result<()> {
    let github = GitHub::read()?;
    told(exec, github.as_ref(), "Tests", |summary| test::run(exec, github.is_some(), args, summary))
}

pub fn deps_report(exec: &Executor, args: &DepsReportArgs) -> anyhow::Result<()> {
    let github = GitHub::read()?;
    let title = "Dependencies";
    told(exec, github.as_ref(), title, |summary| deps_report::run(exec, github.as_ref(), args, summary))
}

pub fn comment(exec: &Executor, args: &CommentArgs) -> anyhow::Result<()> {
    let github = GitHub::read()?;
    told(exec, github.as_ref(), "Comment", |summary| comment::run(exec, github.as_ref(), args, summary))
}

pub fn summary(exec: &Executor, args: &SummaryArgs) -> anyhow::Result<()> {
    summary::run(exec, GitHub::read()?.as_ref(), args)
}

pub fn gate(exec: &Executor) -> anyhow::Result<()> {
    told(exec, GitHub::read()?.as_ref(), "Gate", gate::check)
}

pub fn deploy(exec: &Executor, args: &CiDeployArgs) -> anyhow::Result<()> {
    let github = GitHub::read()?;
    told(exec, github.as_ref(), "Deployment", |summary| deploy::go(exec, github.as_ref(), args, summary))
}

pub fn bench(exec: &Executor, args: &CiBenchArgs) -> anyhow::Result<()> {
    told(exec, GitHub::read()?.as_ref(), "Benchmark", |summary| bench::measure(exec, args, summary))
}

/// Carries out a step, then writes its outputs, and its summary also when it failed. Nothing is written in a dry run.
fn told(
    exec: &Executor,
    github: Option<&GitHub>,
    title: &str,
    work: impl FnOnce(&mut Summary) -> anyhow::Result<Outputs>,
) -> anyhow::Result<()> {
    let mut summary = Summary::new(title);
    let worked = work(&mut summary);
    if exec.is_dry_run() {
        return worked.map(drop);
    }
    let result = worked.and_then(|given| {
        let text = outputs::render(&given)?;
        match github {
            Some(github) => exec.append_file(&github.output, text.as_bytes()),
            None => print(&text),
        }
    });
    if let Err(error) = &result {
        summary.fail(error);
    }
    let text = format!("{}\n", summary.markdown(exec));
    let written = match github {
        Some(github) => exec.append_file(&github.summary, text.as_bytes()),
        None => {
            exec.ui().raw(&text);
            Ok(())
        }
    };
    // Why the step failed matters more than a summary that could not be written.
    result?;
    written
}
