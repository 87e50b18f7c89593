//! `cargo xtask doctor`: what can be typed.

use clap::Args;

use crate::report::Format;
use crate::report::doctor::Group;

/// Find all problems of toolchain, configuration, project and accounts at once
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  cargo xtask doctor\n  cargo xtask doctor --network\n  \
                        cargo xtask doctor --only cargo --only cache --format json\n\n\
                        Changes nothing. Where cargo itself does not start any more, the built program does: \
                        target/xtask/xtask doctor.\n\
                        Exit code 1: at least one error. Warnings and notes leave it at 0.")]
pub struct DoctorArgs {
    /// Also ask registry, Railway, GitHub and cache storage; otherwise no other machine is asked
    #[arg(long)]
    pub network: bool,
    /// Look at this alone; may be repeated. `network` implies --network
    #[arg(long, value_enum, value_name = "GROUP")]
    pub only: Vec<Group>,
    /// How the report is printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: Format,
}
