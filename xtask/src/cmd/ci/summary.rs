//! `cargo xtask ci summary`: one report on all that a run of the workflow has left on record, and its budgets.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::check::annotate;
use crate::ci::figures::Belonging;
use crate::ci::github::{GitHub, Ref};
use crate::ci::{budgets, event, figures};
use crate::cli::ci_reports::SummaryArgs;
use crate::cmd::print;
use crate::config::automation::Automation;
use crate::config::root;
use crate::exec::Executor;
use crate::exit::Failure;
use crate::facts::workspace::Workspace;
use crate::record::ci_summary::{CI_SUMMARY_SCHEMA, CiSummary};
use crate::record::kept;
use crate::report::{self, Format};

/// Reports, then fails where a budget is broken.
pub fn run(exec: &Executor, github: Option<&GitHub>, args: &SummaryArgs) -> anyhow::Result<()> {
    let workspace = Workspace::probe(exec, &root::find()?)?;
    let automation = Automation::from_metadata(&workspace.metadata)?;
    let folders = folders(exec, &workspace, &args.records)?;
    let mut summary = gather(github, &workspace, &folders)?;
    summary.budgets = budgets::judge(&automation.budgets, &summary, from_nothing(github));
    match github {
        // The page of the run has it; a program may want it besides.
        Some(github) => {
            let text = format!("{}\n", report::ci_summary::render(&summary, Format::Markdown)?);
            exec.append_file(&github.summary, exec.redact(&text).as_bytes())?;
            if args.format == Format::Json {
                print(&exec.redact(&report::ci_summary::render(&summary, args.format)?))?;
            }
        }
        None => print(&exec.redact(&report::ci_summary::render(&summary, args.format)?))?,
    }
    for remark in budgets::annotations(&summary.budgets) {
        annotate(exec, github.map(|_| ""), Some(&remark));
    }
    budgets::failure(&summary.budgets).map_or(Ok(()), |failure| Err(failure.into()))
}

/// Where the records are. Folders that are named come from other jobs: where none of them has any, they lie elsewhere,
/// and a report in which nothing was measured and no budget broken would pass for a good one.
fn folders(exec: &Executor, workspace: &Workspace, named: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    if named.is_empty() {
        return Ok(vec![workspace.target_directory.join("xtask/records")]);
    }
    let empty: Vec<&PathBuf> = named.iter().filter(|folder| !kept::has_records(folder)).collect();
    let names: Vec<String> = empty.iter().map(|folder| folder.display().to_string()).collect();
    let message = format!("there are no records in {}", names.join(", "));
    if empty.len() == named.len() {
        return Err(Failure::usage(message)
            .hint(
                "--records names folders with files such as build.jsonl, as a job has left them in \
                 target/xtask/records; how an artifact is unpacked decides where they are",
            )
            .into());
    }
    if !empty.is_empty() {
        exec.ui().note(message);
    }
    Ok(named.to_vec())
}

/// Everything but the verdicts.
fn gather(github: Option<&GitHub>, workspace: &Workspace, folders: &[PathBuf]) -> anyhow::Result<CiSummary> {
    let pushed = match github {
        Some(github) => event::pushed_at(&github.event, &event::payload()?, event::attempt()),
        None => Err("this is no run of a workflow".to_owned()),
    };
    let all: Vec<_> = kept::COMMANDS.iter().map(|command| (*command, kept::runs(folders, command))).collect();
    let belonging =
        Belonging { commit: github.map(|github| github.sha.as_str()), since: pushed.as_ref().ok().copied() };
    let runs = figures::of_this_run(&all, &belonging);
    let members: BTreeSet<String> = workspace.packages.iter().map(|package| package.name.clone()).collect();
    let of = |command: &str| runs.iter().find(|(name, _)| *name == command).map(|(_, run)| run);
    Ok(CiSummary {
        schema: CI_SUMMARY_SCHEMA,
        commit: github.map(|github| github.sha.clone()),
        event: github.map(|github| github.event.clone()),
        build: figures::build(&runs, &members),
        image: figures::image(&runs),
        files: of("build").map(|run| run.sizes.clone()).unwrap_or_default(),
        wasm: of("build").and_then(figures::wasm),
        tests: of("test").map(|run| run.runs.clone()).unwrap_or_default(),
        deployment: figures::deployment(&runs, &pushed),
        budgets: Vec::new(),
        runs: figures::runs(&runs),
    })
}

/// Why the build could not find anything, where that was wanted.
fn from_nothing(github: Option<&GitHub>) -> Option<&'static str> {
    let github = github?;
    if github.flag("force_rebuild") == Some(true) {
        return Some("built from nothing, as was asked for");
    }
    matches!(github.git_ref, Ref::Tag(_)).then_some("versions are built from nothing")
}
