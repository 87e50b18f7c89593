//! `cargo xtask docker`: what can be typed.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{DriverArgs, Selection};
use crate::report::Format;

/// How long a server may take to start where nobody says so, in seconds.
const START_SECONDS: u64 = 60;

/// Make the app's container image, and prove that it works
#[derive(Debug, Args)]
#[command(
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_help = "Examples:\n  \
        cargo xtask docker pack --push --image ghcr.io/owner/app\n  \
        cargo xtask docker smoke ghcr.io/owner/app@sha256:…\n  \
        cargo xtask docker lint"
)]
pub struct DockerArgs {
    #[command(subcommand)]
    pub command: DockerCommand,
}

#[derive(Debug, Subcommand)]
pub enum DockerCommand {
    Pack(PackArgs),
    Smoke(SmokeArgs),
    Lint(LintArgs),
}

/// Build the app here and pack it into an image, without a Docker engine; the digest goes to standard output
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    cargo xtask docker pack --push --image ghcr.io/owner/app\n  \
    cargo xtask docker pack --image ghcr.io/owner/app   # only the digest\n\n\
    Credentials come from XTASK_REGISTRY_USERNAME and XTASK_REGISTRY_PASSWORD, from Docker's configuration \
    (`docker login`), or \
    for ghcr.io from GITHUB_ACTOR and GITHUB_TOKEN. The same inputs give the same image.")]
pub struct PackArgs {
    #[command(flatten)]
    pub selection: Selection,
    #[command(flatten)]
    pub driver: DriverArgs,
    /// Registry, name and perhaps a tag, e.g. `ghcr.io/owner/app:1.2` [default: `image` in [workspace.metadata.xtask]]
    #[arg(long, value_name = "REF")]
    pub image: Option<String>,
    /// Another tag, beside the one of REF and the one of the image's inputs; may be repeated
    #[arg(long = "tag", value_name = "TAG", requires = "push")]
    pub tags: Vec<String>,
    /// The image to stand on, read from its registry [default: `base-image` in [workspace.metadata.xtask], else
    /// gcr.io/distroless/cc-debian13:nonroot]
    #[arg(long, value_name = "REF")]
    pub base: Option<String>,
    /// Send the image to its registry
    #[arg(long)]
    pub push: bool,
    /// Send it even if an image of the same inputs is there
    #[arg(long, requires = "push")]
    pub force: bool,
    /// How the report is printed; `human` is the digest alone
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: Format,
    /// Print the plan and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Run an image as a platform would, and look at it: health, page, wasm, script and style, user, end after SIGTERM
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    cargo xtask docker smoke ghcr.io/owner/app@sha256:…\n  \
    cargo xtask docker smoke app:latest --env-file .env --format json")]
pub struct SmokeArgs {
    /// The image, by tag or digest; it is pulled if it is not here
    #[arg(value_name = "REF")]
    pub image: String,
    /// The path that answers 200 when the server is healthy [default: `healthcheckPath` in railway.toml, else
    /// `health-path` in [workspace.metadata.xtask], else /]
    #[arg(long, value_name = "PATH")]
    pub health_path: Option<String>,
    /// A variable for the container; may be repeated. Without `=VALUE` its value is taken from the environment
    #[arg(long = "env", short = 'e', value_name = "NAME[=VALUE]")]
    pub env: Vec<String>,
    /// A file of NAME=value lines for the container
    #[arg(long, value_name = "FILE")]
    pub env_file: Option<PathBuf>,
    /// How long the server may take until it is healthy, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = START_SECONDS)]
    pub start_limit: u64,
    /// How long the server may take to end after SIGTERM, in seconds [default: `drainingSeconds` in railway.toml,
    /// else 10]
    #[arg(long, value_name = "SECONDS")]
    pub drain_limit: Option<u64>,
    /// How the report is printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: Format,
    /// Print the plan and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Arguments for the server
    #[arg(last = true, value_name = "ARGS")]
    pub args: Vec<String>,
}

/// Find what is wrong with Dockerfiles, settings and workflows of a Leptos app, without building anything
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    cargo xtask docker lint\n  \
    cargo xtask docker lint ../another-repository --format json\n  \
    cargo xtask docker lint deploy/Dockerfile --deny-warnings\n  \
    cargo xtask docker lint --rules --format markdown\n\n\
    Needs no engine and no network, changes nothing, and works where cargo does not. A comment \
    `# xtask-lint: ignore=RULE` above a line silences a rule there.\n\
    Exit code 1: at least one error. Warnings and notes leave it at 0.")]
pub struct LintArgs {
    /// A repository's folder, or one Dockerfile [default: the workspace]
    #[arg(value_name = "PATH")]
    pub path: Option<PathBuf>,
    /// Fail for warnings too
    #[arg(long)]
    pub deny_warnings: bool,
    /// List all rules instead
    #[arg(long, conflicts_with_all = ["path", "deny_warnings"])]
    pub rules: bool,
    /// How the report is printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: Format,
}

impl SmokeArgs {
    /// The image, and the defaults for everything else.
    pub fn of(image: String) -> SmokeArgs {
        SmokeArgs {
            image,
            health_path: None,
            env: Vec::new(),
            env_file: None,
            start_limit: START_SECONDS,
            drain_limit: None,
            format: Format::Human,
            dry_run: false,
            args: Vec::new(),
        }
    }
}
