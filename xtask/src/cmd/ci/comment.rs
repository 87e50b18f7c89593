//! `cargo xtask ci comment`: a report that another job has left, as the one comment on its pull request.

use std::io::Read;
use std::path::Path;

use super::Outputs;
use crate::ci::checks::Place;
use crate::ci::comment::{self, Action};
use crate::ci::github::GitHub;
use crate::ci::summary::Summary;
use crate::ci::{event, hostile};
use crate::cli::ci_reports::CommentArgs;
use crate::cmd::print;
use crate::config::github::GitHubApi;
use crate::exec::Executor;
use crate::exit::{Exit, Failure};

/// The variable with the output `changed` of the report: where that is `false`, there is nothing to begin to speak of.
const CHANGED: &str = "XTASK_REPORT_CHANGED";

/// Looks for the pull request and our comment on it, and writes what differs.
pub fn run(
    exec: &Executor,
    github: Option<&GitHub>,
    args: &CommentArgs,
    summary: &mut Summary,
) -> anyhow::Result<Outputs> {
    summary.begin("reading the event");
    let github = github.ok_or_else(|| {
        Failure::usage(
            "`ci comment` runs in GitHub Actions alone: the event says which pull request is meant",
        )
    })?;
    let about = event::about(github, &event::payload()?)?;
    if github.event == "pull_request" && github.is_from_fork {
        return said(
            exec,
            summary,
            "it comes from a fork, and its jobs may not write; `on: workflow_run` may",
        );
    }

    summary.begin("reading the report");
    let report = hostile::neutral(&read(&args.file)?).map_err(|why| {
        Failure::new(Exit::CheckFailed, format!("{} is not published: {why}", args.file.display()))
            .hint("`cargo xtask ci deps-report` writes what is taken")
    })?;
    let body = comment::body(&args.name, &about, &exec.redact(&report));

    summary.begin("comment");
    let api = GitHubApi::read()?;
    let token = api.token.as_deref().ok_or_else(|| {
        Failure::usage("GITHUB_TOKEN is not set").hint(
            "in the step's `env`: `GITHUB_TOKEN: ${{ secrets.GITHUB_TOKEN }}`, in the job `pull-requests: write`",
        )
    })?;
    exec.learn_secret(token);
    let place = Place { api: &api.url, repository: &github.repository, token };
    let number = match comment::confirmed(exec, &place, &about)? {
        Ok(number) => number,
        Err(why) => return said(exec, summary, &why),
    };
    let ours = || comment::ours(exec, &place, number, &args.name, &args.author);
    let plan = comment::plan(&ours()?, &body);
    if plan.action == Action::Create && std::env::var(CHANGED).is_ok_and(|changed| changed == "false") {
        return said(exec, summary, "nothing has changed, and there is none that would have to say so");
    }
    let (word, told) = match plan.action {
        Action::Create => ("created", "create a comment".to_owned()),
        Action::Update(id) => ("updated", format!("change comment {id}")),
        Action::Keep(id) => ("unchanged", format!("leave comment {id} as it is")),
    };
    if exec.is_dry_run() {
        let delete: String = plan.delete.iter().map(|id| format!("# delete comment {id}\n")).collect();
        return print(&format!("# pull request {number}: {told}\n{delete}{body}")).map(|()| Outputs::new());
    }
    comment::carry_out(exec, &place, number, &plan, &body, &args.author)?;
    if plan.action == Action::Create {
        // Another run may have done the same in this moment.
        let again = comment::plan(&ours()?, &body);
        if again.action != Action::Create {
            comment::carry_out(exec, &place, number, &again, &body, &args.author)?;
        }
    }
    summary.add(format!("Pull request {number}: {word}."));
    Ok(Outputs::from([("comment", word.to_owned()), ("pull_request", number.to_string())]))
}

/// Nothing is to be written, and that is no failure.
fn said(exec: &Executor, summary: &mut Summary, why: &str) -> anyhow::Result<Outputs> {
    exec.ui().note(format!("no comment: {why}"));
    summary.add(format!("No comment: {why}."));
    Ok(Outputs::from([("comment", "none".to_owned())]))
}

/// The file's beginning, one byte more than is taken at most: another job has written it, and it may never end.
fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let missing = |error: std::io::Error| {
        Failure::usage(format!("cannot read {}: {error}", path.display()))
            .hint("it is what the job before has left as an artifact")
    };
    let file = std::fs::File::open(path).map_err(missing)?;
    if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return Err(Failure::usage(format!("{} is no file", path.display())).into());
    }
    let mut content = Vec::new();
    file.take(hostile::SIZE_MAX as u64 + 1).read_to_end(&mut content).map_err(missing)?;
    Ok(content)
}
