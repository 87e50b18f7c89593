//! `cargo xtask deploy vars`: what can be typed.

use clap::{Args, Subcommand};

use super::deploy::TargetArgs;
use crate::report::Format;

/// The variables of the service, by name: values are never shown
#[derive(Debug, Args)]
#[command(arg_required_else_help = true, disable_help_subcommand = true)]
pub struct VarsArgs {
    #[command(subcommand)]
    pub command: VarsCommand,
}

#[derive(Debug, Subcommand)]
pub enum VarsCommand {
    Check(VarsCheckArgs),
}

/// Compare the service's variables with those that the app expects
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  cargo xtask deploy vars check\n  \
    cargo xtask deploy vars check --environment staging --format json\n\n\
    Expected is what .env.example names: required where the line is NAME=…, optional where it is #NAME=…, because \
    the app has a default then. `required-variables` in [workspace.metadata.xtask] names the required ones instead. A \
    variable that refers to another one (`${{db.URL}}`) leads nowhere where that one is missing.\n\n\
    Exit codes: 0 nothing is missing; 1 a required variable is missing or empty, or a reference leads nowhere; 2 \
    nothing says what is expected; others as in `cargo xtask deploy`.")]
pub struct VarsCheckArgs {
    #[command(flatten)]
    pub target: TargetArgs,
    /// How the report is printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: Format,
}
