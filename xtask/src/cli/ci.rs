//! `cargo xtask ci`: what can be typed, by people and by workflows.

use clap::{Args, Subcommand};

use super::Selection;
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
    Image(ImageArgs),
    Deploy(CiDeployArgs),
}

/// Build the app, pack and push its image, smoke-test what was pushed, and tag it
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  cargo xtask ci image\n\n\
    The image goes to `image` in [workspace.metadata.xtask], else to ghcr.io/OWNER/NAME of the repository that the \
    workflow runs in. After the test it is tagged: sha-COMMIT; the branch's name; `latest` on the default branch; \
    1.2.3 for the git tag v1.2.3. Outside of GitHub Actions it is sha-COMMIT alone, and none if something differs \
    from the commit.\n\n\
    For a pull request, and for every event that others than the repository's own people can cause, the image is built \
    and packed, but neither pushed nor tested nor tagged: nothing of theirs gets into the registry.\n\n\
    Outputs: image, digest, and reference (IMAGE@DIGEST), which is missing if nothing was pushed.")]
pub struct ImageArgs {
    #[command(flatten)]
    pub selection: Selection,
    /// Print the plans and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Deploy the image that XTASK_IMAGE names by digest
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  XTASK_IMAGE=ghcr.io/owner/app@sha256:… cargo xtask ci deploy\n\n\
    Everything else is as in `cargo xtask deploy`, which names the tokens. \
    In GitHub Actions only the default branch and the merge queue may deploy.\n\n\
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
