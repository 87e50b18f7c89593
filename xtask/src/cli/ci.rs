//! `cargo xtask ci`: what can be typed, by people and by workflows.

use clap::{Args, Subcommand};

use super::Selection;
use super::bench::RunArgs;
use super::ci_reports::{CiTestArgs, CommentArgs, DepsReportArgs, SummaryArgs};
use super::deploy::{PrecheckArgs, TargetArgs, WaitArgs};

/// What a workflow's step runs; the workflows have no logic of their own
#[derive(Debug, Args)]
#[command(
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_help = "Examples:\n  cargo xtask ci image --dry-run\n  \
                  XTASK_IMAGE=ghcr.io/owner/app@sha256:… cargo xtask ci deploy\n\n\
                  In GitHub Actions the outputs go to the file of GITHUB_OUTPUT, and a report to that of \
                  GITHUB_STEP_SUMMARY, also when the step fails. Elsewhere the outputs go to standard output as \
                  NAME=VALUE, and the report to standard error."
)]
pub struct CiArgs {
    #[command(subcommand)]
    pub step: CiStep,
}

#[derive(Debug, Subcommand)]
pub enum CiStep {
    Changes(ChangesArgs),
    Check(CheckArgs),
    Test(CiTestArgs),
    Image(ImageArgs),
    Deploy(CiDeployArgs),
    DepsReport(DepsReportArgs),
    Comment(CommentArgs),
    Summary(SummaryArgs),
    Bench(CiBenchArgs),
    /// Pass where every job that had to run has succeeded; the one check that a branch rule asks for
    ///
    /// XTASK_NEEDS is the workflow's `${{ toJSON(needs) }}`. A job that was skipped passes only where an output of its
    /// name is `false`, as `ci changes` gives them: where nothing says that it need not run, the gate is closed.
    Gate,
}

/// Tell what has changed, and what has to run for it
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  cargo xtask ci changes\n  cargo xtask ci changes --base origin/main\n\n\
    In GitHub Actions the event tells what to compare with: the commit before a push, the base of a pull request or of \
    the merge queue. Where that is not in the clone and cannot be fetched, and for every other event, everything runs: \
    a job that is skipped counts as passed.\n\n\
    Texts at the root, in docs/ and under the usual names (README, LICENSE, …) are documentation, but for those that \
    a Rust source includes; for those that the automation's tests read, the checks run. `code_only` says that neither \
    dependencies nor the automation have changed: with XTASK_CODE_ONLY=true the tests of the app alone are run.\n\n\
    An image is pushed for the repository's own branches and tags, and where `push` of workflow_dispatch is not \
    unticked; for pull requests and merge queues it is built and stays where it is (`trial`). What is pushed to the \
    default branch is deployed, and from there what somebody has ticked `deploy` for. `force_rebuild` makes \
    everything run. `dependencies` is also set where the last push to a pull request has taken such a change back.\n\n\
    Outputs, each `true` or `false`: checks, image, push, trial, deploy, dependencies, code_only."
)]
pub struct ChangesArgs {
    #[command(flatten)]
    pub selection: Selection,
    /// The commit to compare with [default: what the event tells; elsewhere the upstream of the branch]
    #[arg(long, value_name = "REVISION")]
    pub base: Option<String>,
}

/// Check format, linters of both halves, and the rules for images; all of them before the verdict
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  cargo xtask ci check\n  cargo xtask ci check --dry-run\n\n\
    In GitHub Actions every remark that has a place is shown beside its line, and rustup adds to its toolchain what is \
    missing there: rustfmt, clippy, the target of the browser half.")]
pub struct CheckArgs {
    #[command(flatten)]
    pub selection: Selection,
    /// Print what would run
    #[arg(long)]
    pub dry_run: bool,
}

/// Build the app, pack and push its image, smoke-test what was pushed, and tag it
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  cargo xtask ci image\n\n\
    The image goes to `image` in [workspace.metadata.xtask], else to ghcr.io/OWNER/NAME of the repository that the \
    workflow runs in. After the test it is tagged: sha-COMMIT; the branch's name; `latest` on the default branch; \
    1.2.3 for the git tag v1.2.3. Outside of GitHub Actions it is sha-COMMIT alone, and none if something differs \
    from the commit.\n\n\
    For a pull request, and for every event that others than the repository's own people can cause, the image is built \
    and packed, but neither pushed nor tested nor tagged: nothing of theirs gets into the registry. The same for a \
    merge queue, whose commit may never land.\n\n\
    Inputs of workflow_dispatch: `push` unticked keeps the image here, `force_rebuild` makes it although one of the \
    same inputs is there, `dockerfile` is the flag. On a schedule the image is made by Dockerfile.production too; it \
    gets no tag but that of its inputs.\n\n\
    Outputs: image, digest, and reference (IMAGE@DIGEST), which is missing if nothing was pushed.")]
pub struct ImageArgs {
    #[command(flatten)]
    pub selection: Selection,
    /// Build by Dockerfile.production, with cargo-chef, instead of on this machine
    #[arg(long)]
    pub dockerfile: bool,
    /// Print the plans and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Deploy the image that XTASK_IMAGE names by digest
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  XTASK_IMAGE=ghcr.io/owner/app@sha256:… cargo xtask ci deploy\n\n\
    Everything else is as in `cargo xtask deploy`, which names the tokens. \
    In GitHub Actions only the default branch may deploy, and workflow_dispatch only with `deploy` ticked; its input \
    `environment` is the environment at Railway. Where a commit is live that has this one in its history, as \
    GITHUB_TOKEN can see, nothing is deployed, and that is no failure; --unchecked deploys all the same.\n\n\
    Outputs: deployment (its id) and url.")]
pub struct CiDeployArgs {
    /// What the app is told that it is, as APP_REVISION [default: GITHUB_SHA; elsewhere the commit of the checkout, if
    /// nothing differs from it]
    #[arg(long, value_name = "TEXT")]
    pub revision: Option<String>,
    #[command(flatten)]
    pub precheck: PrecheckArgs,
    #[command(flatten)]
    pub wait: WaitArgs,
    #[command(flatten)]
    pub target: TargetArgs,
    /// Look only: print what would be changed
    #[arg(long)]
    pub dry_run: bool,
}

/// Measure what builds take, beside the runs before, and hold it against the budgets
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  cargo xtask ci bench --scenario cold,patch-server --runs 3\n  \
    cargo xtask ci bench --dry-run\n\n\
    The arguments are those of `cargo xtask bench`. The run is appended to target/xtask/records/bench.jsonl, which a \
    workflow keeps in its cache; the summary has the run and the trend, target/xtask/bench/runs/ the samples and a \
    page with plots.\n\n\
    Exit codes: 0 ok; 1 a budget of [workspace.metadata.xtask.bench] is not kept; 4 something could not be \
    measured.\n\nOutputs: run (its id).")]
pub struct CiBenchArgs {
    #[command(flatten)]
    pub run: RunArgs,
}
