//! `cargo xtask bench`: what can be typed.

pub mod compare;
pub mod history;

use clap::{Args, Subcommand};

/// What linker, compile cache, profile, driver and wasm-opt level really give on this machine
#[derive(Debug, Args)]
#[command(arg_required_else_help = true, disable_help_subcommand = true)]
pub struct BenchArgs {
    #[command(subcommand)]
    pub command: BenchCommand,
}

#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    Compare(compare::CompareArgs),
    History(history::HistoryArgs),
}
