//! `cargo xtask ci test`, `summary`, `deps-report` and `comment`: what can be typed.

use std::path::PathBuf;

use clap::Args;

use super::{Selection, TestArgs};
use crate::report::Format;

/// Run the project's tests, and show what fails beside its line
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  cargo xtask ci test\n  cargo xtask ci test --dry-run\n  \
    cargo xtask ci test -- health   # only tests whose name has it\n\n\
    It runs what `cargo xtask test` runs. In GitHub Actions each test that failed is an annotation, beside the line \
    where it panicked if that is told. The report says how many ran, failed and were skipped, and which took longest: \
    cargo-nextest tells that, `cargo test` does not. A line for each run is kept in \
    target/xtask/records/test.jsonl.\n\n\
    Outputs, where the runner tells: ran, skipped.")]
pub struct CiTestArgs {
    #[command(flatten)]
    pub test: TestArgs,
}

/// Tell what a run of the workflow came to, from the records of its steps, and hold it against the budgets
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  cargo xtask ci summary\n  cargo xtask ci summary --format json\n  \
    cargo xtask ci summary --records image-records --records deploy-records   # as other jobs have left them\n\n\
    In GitHub Actions only records of the commit that is checked out count, and of a push only those since then; \
    elsewhere it is the newest run of each command. The report goes to the file of GITHUB_STEP_SUMMARY, elsewhere to \
    standard output. What was not measured is null, or `not measured`.\n\n\
    A build is cold where cargo's first call found nothing to reuse, hot where nothing but packages of the workspace \
    was compiled, else warm; one within Docker by its cooked layers. The hit rate is the share of compile units (in \
    Docker: of RUN instructions) that were there already. Push to live is the time from the push, as GitHub's event \
    has it, to the deployment being verified; not measured for events that are no push, and when a workflow is run \
    again.\n\n\
    Budgets are in [workspace.metadata.xtask.budgets]: cold, warm, hot, hit-rate, image, deploy and push-to-live, each \
    with -warn and -fail, where `false` takes one away. By default they warn: cold 720 s, warm 300 s, hot 120 s, hit \
    rate 80 %, image 25MB as it is sent, deployment 90 s, push to live 420 s. Exit code 1: one that fails is broken.")]
pub struct SummaryArgs {
    /// A folder with records, e.g. what another job has left; may be repeated [default: target/xtask/records]
    #[arg(long, value_name = "FOLDER")]
    pub records: Vec<PathBuf>,
    /// How the report is printed
    #[arg(long, value_enum, default_value = "markdown", value_name = "FORMAT")]
    pub format: Format,
}

/// Tell what a change does to the dependencies, as Markdown for its pull request and as JSON
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  cargo xtask ci deps-report\n  \
    cargo xtask ci deps-report --base origin/main --output deps/comment.md   # and deps/comment.json\n\n\
    Two commits are compared, as git has them: packages added, removed, of another version, from elsewhere, and of \
    which there are more versions than before; features that direct dependencies are asked for; how many packages each \
    half compiles, by `cargo tree` (each version and each set of features once; build scripts are not counted, nor \
    what is compiled for two machines); the wasm file where builds of both commits are on record. Nothing is built.\n\n\
    Outputs: changed (`true` or `false`), report (the Markdown file).")]
pub struct DepsReportArgs {
    #[command(flatten)]
    pub selection: Selection,
    /// The commit to compare with [default: what the event tells; elsewhere the upstream of the branch]
    #[arg(long, value_name = "REVISION")]
    pub base: Option<String>,
    /// The Markdown file; the JSON file beside it ends in `.json` [default: target/xtask/deps-report/comment.md]
    #[arg(long, value_name = "FILE", value_parser = markdown_file)]
    pub output: Option<PathBuf>,
    /// Print the Markdown; write nothing, and leave out what needs the files of the other commit
    #[arg(long)]
    pub dry_run: bool,
}

/// Publish a report as the one comment on its pull request
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  cargo xtask ci comment --file deps/comment.md\n  \
    cargo xtask ci comment --file deps/comment.md --dry-run\n\n\
    For a job that runs nothing of the pull request: it checks out the base, has `pull-requests: write` and \
    GITHUB_TOKEN, and the report as an artifact of a job before. It may be in the pull request's own workflow, where \
    one from a fork gets no comment, since its jobs may not write; or in one `on: workflow_run`, which reaches forks \
    too. The comment is created once and changed after that; it is known by a mark that nobody sees, and by who wrote \
    it. Where XTASK_REPORT_CHANGED is `false` (the output `changed` of `ci deps-report`), none is created.\n\n\
    The file is taken for hostile: 60000 bytes at most, and published without mentions, references, links, images and \
    HTML. Which pull request it belongs to is told by the event and confirmed by GitHub: its last commit has to be the \
    one that the report was made for. Where it is closed or has newer commits, nothing is written, and that is no \
    failure.\n\n\
    Outputs: comment (created, updated, unchanged or none), pull_request.")]
pub struct CommentArgs {
    /// The report, in Markdown
    #[arg(long, value_name = "FILE")]
    pub file: PathBuf,
    /// Which of several comments this is
    #[arg(long, value_name = "NAME", default_value = "deps", value_parser = comment_name)]
    pub name: String,
    /// Who writes: the account of the token
    #[arg(long, value_name = "LOGIN", default_value = "github-actions[bot]")]
    pub author: String,
    /// Look only: print what would be written
    #[arg(long)]
    pub dry_run: bool,
}

/// The JSON file beside it must be another one.
fn markdown_file(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    let ends_in = path.extension().and_then(|end| end.to_str()).unwrap_or_default();
    if ends_in == "json" || path.file_name().is_none() {
        return Err("wanted the name of the Markdown file, e.g. comment.md".to_owned());
    }
    Ok(path)
}

/// The name becomes part of a comment of HTML.
fn comment_name(text: &str) -> Result<String, String> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let good = (1..=40).contains(&text.len()) && text.chars().all(is_plain) && !text.contains("--");
    if good { Ok(text.to_owned()) } else { Err("wanted small letters, digits and single `-`".to_owned()) }
}
