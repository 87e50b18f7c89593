//! `cargo xtask bench history`: what can be typed.

use clap::Args;

use crate::report::Format;

/// List the runs that are kept, one line each
///
/// They are in target/xtask/records/bench.jsonl and in the file that `history` in [workspace.metadata.xtask.bench]
/// names. The figure of a scenario is its baseline's median (for `warm`, the fastest arm's), and the change is that
/// to the run before it that measured the same.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  cargo xtask bench history\n  \
                        cargo xtask bench history --host any --limit 100\n  \
                        cargo xtask bench history --keep latest  # into the file that is committed\n  \
                        cargo xtask bench history --format json")]
pub struct HistoryArgs {
    #[command(flatten)]
    pub host: HostArgs,
    /// Take this run into the file that is committed; once is enough
    ///
    /// RUN is an id, `latest`, `latest~1`, a commit or a file, as for `bench compare`.
    #[arg(long, value_name = "RUN", conflicts_with_all = ["limit", "format"])]
    pub keep: Option<String>,
    /// How many runs, the latest
    #[arg(long, value_name = "NUMBER", default_value_t = 20)]
    pub limit: usize,
    /// How the report is printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: Format,
}

/// Whose runs.
#[derive(Clone, Debug, Default, Args)]
pub struct HostArgs {
    /// The class of host, e.g. linux-x86_64-2cpu-8gib, or `any` [default: this machine's]
    #[arg(long, value_name = "CLASS")]
    pub host: Option<String>,
}
