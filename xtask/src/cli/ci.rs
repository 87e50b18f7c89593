//! `cargo xtask ci`: what can be typed, by people and by workflows.

use clap::{Args, Subcommand};

/// What a workflow's step runs; the workflows have no logic of their own
#[derive(Debug, Args)]
#[command(arg_required_else_help = true, disable_help_subcommand = true)]
pub struct CiArgs {
    #[command(subcommand)]
    pub step: CiStep,
}

#[derive(Debug, Subcommand)]
pub enum CiStep {
    Image(ImageArgs),
    Deploy(CiDeployArgs),
}

/// Build the app, pack and push its image, and smoke-test what was pushed
#[derive(Debug, Args)]
#[command(
    after_help = "In GitHub Actions the outputs are `image`, `digest` and `reference` (IMAGE@DIGEST), \
                        and the job summary has a table."
)]
pub struct ImageArgs {
    /// Print the plan and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Deploy the image that XTASK_IMAGE names by digest
#[derive(Debug, Args)]
#[command(
    after_help = "In GitHub Actions the outputs are `deployment` and `url`, and the job summary has a table."
)]
pub struct CiDeployArgs {
    /// Look only: print what would be changed
    #[arg(long)]
    pub dry_run: bool,
}
