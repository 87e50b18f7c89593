//! `cargo xtask bench report`: what can be typed.

use std::path::PathBuf;

use clap::Args;

use super::history::HostArgs;
use crate::report::Format;

/// Print the report of a run again, as a page with plots too
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  cargo xtask bench report\n  cargo xtask bench report latest~1 --html before.html\n  \
                  cargo xtask bench report --baseline > docs/BASELINE_MEASUREMENTS.md"
)]
pub struct ReportArgs {
    /// The run: its id, `latest`, `latest~1`, a commit, or a file
    #[arg(default_value = "latest", value_name = "RUN")]
    pub run: String,
    /// Write the page with plots to this file
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Print the page of figures of all committed runs, with those of earlier projects beside them
    #[arg(long, conflicts_with_all = ["run", "html", "host", "format"])]
    pub baseline: bool,
    #[command(flatten)]
    pub host: HostArgs,
    /// How the report is printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: Format,
}
