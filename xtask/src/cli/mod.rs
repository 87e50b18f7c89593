//! The command line: what can be typed, with its help. Nothing is decided here.

pub mod bench;
pub mod ci;
pub mod ci_reports;
pub mod deploy;
pub mod deploy_setup;
pub mod docker;
pub mod doctor;
pub mod monitor;
pub mod platform;
pub mod vars;
pub mod watch;

use clap::{Args, Parser, Subcommand};

use crate::config::tools::Group;
use crate::leptos::driver::Driver;
use crate::report::Format;

/// Builds, serves, tests, packs and deploys the Leptos app of this workspace.
#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    version,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_help = "Exit codes: 0 ok, 1 a check failed, 2 usage or configuration, 3 missing tool, 4 a command failed, \
                  5 timed out, 130/143 interrupted.\n\n\
                  Environment:\n  \
                  XTASK_TIMEOUT  the longest that any one command or request may take, in whole seconds\n  \
                  XTASK_HOME     the folder that tools are kept in\n  \
                  XTASK_OFFLINE  install nothing over the network\n  \
                  XTASK_SOURCES  the only sources that tools may come from"
)]
pub struct Cli {
    /// Print results and problems only
    #[arg(long, short, global = true)]
    pub quiet: bool,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Build(BuildArgs),
    Serve(ServeArgs),
    Watch(watch::WatchArgs),
    Test(TestArgs),
    Setup(SetupArgs),
    Doctor(doctor::DoctorArgs),
    Bench(bench::BenchArgs),
    Docker(docker::DockerArgs),
    Generate(GenerateArgs),
    Deploy(deploy::DeployArgs),
    Monitor(monitor::MonitorArgs),
    Ci(ci::CiArgs),
}

/// Build both halves of the app, the site and the server binary
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  cargo xtask build\n  cargo xtask build --profile dev --server-only\n  \
                        cargo xtask build --driver cargo-leptos\n  \
                        cargo xtask build --dry-run   # what would be run")]
pub struct BuildArgs {
    #[command(flatten)]
    pub selection: Selection,
    /// Build only the wasm half and the site
    #[arg(long, conflicts_with = "server_only")]
    pub front_only: bool,
    /// Build only the server binary
    #[arg(long)]
    pub server_only: bool,
    /// Write cargo's timing report of each half to target/xtask/timings/
    #[arg(long)]
    pub timings: bool,
    /// Ask cargo even where nothing was touched since the last build
    #[arg(long)]
    pub ask_cargo: bool,
    /// Dependencies were compiled before, e.g. by cargo-chef: where some are compiled again say which and why, and fail
    /// (exit code 1)
    #[arg(long)]
    pub after_cook: bool,
    /// With --after-cook: say it only
    #[arg(long, requires = "after_cook")]
    pub allow_recompiled: bool,
    #[command(flatten)]
    pub cargo: CargoArgs,
    #[command(flatten)]
    pub driver: DriverArgs,
    /// How the report is printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: Format,
    /// Print the plan as shell commands (or JSON) and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Which project, and how it is compiled.
#[derive(Clone, Debug, Args)]
pub struct Selection {
    /// The Leptos project, where the workspace has several
    #[arg(long, short, value_name = "NAME")]
    pub project: Option<String>,
    /// The profile of the server half; the wasm half uses NAME-wasm where there is one, and for
    /// `dev` and `release` what the metadata's `lib-profile-*` says
    #[arg(long, value_name = "NAME", default_value = crate::leptos::halves::DEFAULT_PROFILE)]
    pub profile: String,
}

/// Who builds.
#[derive(Clone, Debug, Default, Args)]
pub struct DriverArgs {
    /// Who drives the build [default: native, or cargo-leptos with `--split`]
    #[arg(long, value_enum, value_name = "DRIVER")]
    pub driver: Option<Driver>,
    /// Cut the wasm file up where the app loads parts of it lazily; cargo-leptos does it
    #[arg(long)]
    pub split: bool,
}

/// Flags that go to cargo as they are.
#[derive(Clone, Debug, Default, Args)]
pub struct CargoArgs {
    /// Fail when Cargo.lock would have to change
    #[arg(long)]
    pub locked: bool,
    /// Do not use the network
    #[arg(long)]
    pub offline: bool,
}

impl CargoArgs {
    /// The flags as cargo takes them.
    pub fn flags(&self) -> Vec<String> {
        let flags = [(self.locked, "--locked"), (self.offline, "--offline")];
        flags.into_iter().filter(|(set, _)| *set).map(|(_, flag)| flag.to_owned()).collect()
    }
}

/// Run the built app under production's environment
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  cargo xtask serve --demo\n  cargo xtask serve --port 8080 -- --some-flag-of-the-server"
)]
pub struct ServeArgs {
    #[command(flatten)]
    pub selection: Selection,
    /// The port to listen on [default: $PORT, or 3000]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Option<u16>,
    /// The address to listen on [default: $HOST, or 127.0.0.1]
    #[arg(long, value_name = "ADDRESS")]
    pub host: Option<std::net::IpAddr>,
    /// Add the server's arguments for made-up data (`demo-args` in [workspace.metadata.xtask])
    #[arg(long)]
    pub demo: bool,
    /// Print the command and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Arguments for the server
    #[arg(last = true, value_name = "ARGS")]
    pub args: Vec<String>,
}

/// Run the project's tests on the built app
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  cargo xtask test\n  cargo xtask test -- health   # only tests whose name has it\n\n\
                        Tests that need what is absent say so (`not run: TEST: why`) and pass. XTASK_REQUIRE=services \
                        makes that a failure, but for what compiles for a quarter of an hour (kache, wild, \
                        cargo-leptos); XTASK_REQUIRE=everything for that too."
)]
pub struct TestArgs {
    #[command(flatten)]
    pub selection: Selection,
    #[command(flatten)]
    pub driver: DriverArgs,
    /// Print the plan and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Arguments for the test runner
    #[arg(last = true, value_name = "ARGS")]
    pub args: Vec<String>,
}

/// Write the lines of Dockerfile.production that follow from Cargo.toml, Cargo.lock and xtask/tools.toml
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  cargo xtask generate\n  cargo xtask generate --check   # in CI\n\n\
                        They stand between `# xtask: begin NAME` and `# xtask: end`; nothing else is touched.\n\
                        Exit code 1 with --check: a line is not what it follows from.")]
pub struct GenerateArgs {
    #[command(flatten)]
    pub selection: Selection,
    /// Only look; fail where a line would be written
    #[arg(long)]
    pub check: bool,
    /// How the report is printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: Format,
    /// Print the lines that would be written, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Install the tools that `build` needs, each at its pinned version, in a user-local folder
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  cargo xtask setup\n  cargo xtask setup --check --format json\n  \
                        cargo xtask setup --with bench,docker   # more tools\n  \
                        cargo xtask setup --local               # linker and compile cache for plain cargo too\n  \
                        cargo xtask setup --update              # which pins are behind\n\n\
                        Nothing here needs root. What only root can install is named in one line.\n\n\
                        Sources of tools are asked once an hour whether they answer. XTASK_SOURCES names the only ones \
                        that may be used: rustup, crates, npm, pip, apt; or `all`, or `none`.")]
pub struct SetupArgs {
    #[command(flatten)]
    pub selection: Selection,
    /// Tools of another group too; may be repeated
    #[arg(long, value_enum, value_delimiter = ',', value_name = "GROUP")]
    pub with: Vec<Group>,
    /// Of the tools that a build needs this one alone; may be repeated
    #[arg(long, value_delimiter = ',', value_name = "TOOL", conflicts_with_all = ["with", "update", "local", "undo"])]
    pub only: Vec<String>,
    /// Only look; fail when something is missing
    #[arg(long)]
    pub check: bool,
    /// Only look which newer versions there are than xtask/tools.toml names
    #[arg(long, conflicts_with_all = ["check", "local", "undo", "dry_run"])]
    pub update: bool,
    /// Let plain cargo on this machine use the fastest linker and the compile cache that work here
    #[arg(long, conflicts_with_all = ["check", "undo"])]
    pub local: bool,
    /// Take back what `--local` did
    #[arg(long, conflicts_with_all = ["check", "with"])]
    pub undo: bool,
    /// How the report is printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: Format,
    /// Print the plan and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
