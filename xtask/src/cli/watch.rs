//! What can be typed after `watch`.

use std::net::IpAddr;

use clap::Args;

use super::{CargoArgs, Selection};

/// Build and serve the app, and again with every change: the page reloads by itself
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  cargo xtask watch --demo\n  cargo xtask watch --port 8080 -- --a-flag-of-the-server\n\n\
                        A style sheet changes in the page without a reload. While something does not compile, the app \
                        runs on as it is. Each round is recorded in target/xtask/records/watch.jsonl."
)]
pub struct WatchArgs {
    /// The Leptos project, where the workspace has several
    #[arg(long, value_name = "NAME")]
    pub project: Option<String>,
    /// The profile of the server half; the wasm half uses NAME-wasm
    #[arg(long, value_name = "NAME", default_value = "dev")]
    pub profile: String,
    /// The port to listen on [default: $PORT, or 3000]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Option<u16>,
    /// The address to listen on [default: $HOST, or 127.0.0.1]
    #[arg(long, value_name = "ADDRESS")]
    pub host: Option<IpAddr>,
    /// Add the server's arguments for made-up data (`demo-args` in [workspace.metadata.xtask])
    #[arg(long)]
    pub demo: bool,
    #[command(flatten)]
    pub cargo: CargoArgs,
    /// Print the first plan and what would be watched, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Arguments for the server
    #[arg(last = true, value_name = "ARGS")]
    pub args: Vec<String>,
}

impl WatchArgs {
    pub fn selection(&self) -> Selection {
        Selection { project: self.project.clone(), profile: self.profile.clone() }
    }
}
