//! `cargo xtask monitor`: what can be typed.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::report::Format;

/// Show what has run, here and at GitHub: times and whether they are normal, success, caches, images, cost
///
/// GitHub is asked with GITHUB_TOKEN or GH_TOKEN, else as whom `gh` is logged in; the repository is
/// GITHUB_REPOSITORY's, else the one that git fetches from. What this machine's records say (target/xtask/records)
/// stands beside it. What is not known is said to be so. docs/monitor.md says what each figure means.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  cargo xtask monitor\n  cargo xtask monitor --since 8w --branch main\n  \
                        cargo xtask monitor --local                # this machine's records alone\n  \
                        cargo xtask monitor --report weekly        # Markdown, and a page with plots\n  \
                        cargo xtask monitor --alert --dry-run      # what the webhook would be told\n\n\
                        --alert tells XTASK_NOTIFY_URL (Slack, Discord, JSON) of workflows that fail again and again, \
                        of slow-downs that chance does not explain, and of exceeded budgets: once each, as \
                        target/xtask/monitor/told.json remembers. Where that file cannot be kept between two looks, \
                        --begun-within leaves out what began earlier.\n\
                        Exit code 0 with alerts too: an alert is news, not a failure."
)]
pub struct MonitorArgs {
    /// What began since: a day (2026-11-01), a moment, or a span such as 36h, 30d, 8w
    #[arg(long, value_name = "WHEN", default_value = "30d")]
    pub since: String,
    /// Only runs for this branch
    #[arg(long, value_name = "NAME", conflicts_with = "local")]
    pub branch: Option<String>,
    /// How many runs at GitHub, the newest; a request a hundred
    #[arg(long, value_name = "NUMBER", default_value_t = 200, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub limit: u16,
    /// Of how many of them the jobs and steps too, those of workflows that deploy first; a request each
    #[arg(long, value_name = "NUMBER", default_value_t = 60, value_parser = clap::value_parser!(u16).range(0..=1000))]
    pub jobs: u16,
    /// Ask nobody: only the records of this machine
    #[arg(long)]
    pub local: bool,
    /// The repository at GitHub
    #[arg(long, value_name = "OWNER/NAME", conflicts_with = "local")]
    pub repository: Option<String>,
    /// Write the report of a period, as Markdown and as one HTML file with plots; --since may only make it longer
    #[arg(long, value_enum, value_name = "PERIOD", conflicts_with = "alert")]
    pub report: Option<Period>,
    /// Where the report's files are written [default: target/xtask/monitor]
    #[arg(long, value_name = "FOLDER", requires = "report")]
    pub output: Option<PathBuf>,
    /// Tell the webhook in XTASK_NOTIFY_URL what is new and wrong
    #[arg(long)]
    pub alert: bool,
    /// Tell only of what began so many hours ago or later; longer than the time between two looks and a run
    #[arg(long, value_name = "HOURS", requires = "alert", value_parser = clap::value_parser!(u16).range(1..))]
    pub begun_within: Option<u16>,
    /// How the report is printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: Format,
    /// Print the message and tell nobody
    #[arg(long, requires = "alert")]
    pub dry_run: bool,
}

/// What a report is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Period {
    /// The last seven days beside the seven before.
    Weekly,
}
