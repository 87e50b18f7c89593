//! `cargo xtask deploy`: what can be typed.

use clap::{Args, Subcommand};

use crate::report::Format;

/// How long a deployment may take where nobody says so, in seconds.
const WAIT_SECONDS: u64 = 900;

/// Deploy an image on Railway, and do not believe it before it is served
///
/// Sets the service's image, the settings of railway.toml that differ, and APP_REVISION; deploys; follows the
/// deployment to its end; and asks the service's own address until it is healthy and names the revision. What is served
/// already is not deployed again, and a deployment that fails leaves the previous one serving.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    disable_help_subcommand = true,
    after_help = "Examples:\n  \
        cargo xtask deploy --image ghcr.io/owner/app@sha256:…\n  \
        cargo xtask deploy --image ghcr.io/owner/app@sha256:… --dry-run   # what would be changed\n  \
        cargo xtask deploy status\n\n\
        Exit codes: 0 served, or already current; 1 the deployment failed, runs another image, or somebody else \
        deploys; 2 usage, token or configuration; 4 Railway refused or did not answer; 5 not served in time; 130/143 \
        interrupted: the deployment goes on at Railway, and the same command again goes on waiting for it.\n\n\
        Environment:\n  \
        RAILWAY_TOKEN           a project token, for one environment of one project; or\n  \
        RAILWAY_API_TOKEN       an account or workspace token, which needs the project's id; not both\n  \
        RAILWAY_PROJECT_ID, RAILWAY_ENVIRONMENT_ID, RAILWAY_SERVICE_ID\n                          \
        which service is meant, where no flag says it\n  \
        RAILWAY_BACKBOARD_URL   another address than https://backboard.railway.com"
)]
pub struct DeployArgs {
    #[command(subcommand)]
    pub command: Option<DeployCommand>,
    /// The image by digest: REGISTRY/NAME@sha256:…
    #[arg(long, value_name = "REF@DIGEST", required = true)]
    pub image: Option<String>,
    /// What the app is told that it is, as APP_REVISION [default: the commit of the checkout, if nothing differs
    /// from it]
    #[arg(long, value_name = "TEXT")]
    pub revision: Option<String>,
    /// How long the deployment may take until it is served, in seconds
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = WAIT_SECONDS,
        value_parser = clap::value_parser!(u64).range(1..=86_400)
    )]
    pub wait_timeout: u64,
    #[command(flatten)]
    pub target: TargetArgs,
    /// How the report is printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: Format,
    /// Look only: print what would be changed
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Subcommand)]
pub enum DeployCommand {
    Status(StatusArgs),
}

/// What is deployed now, and whether it is healthy
#[derive(Debug, Args)]
pub struct StatusArgs {
    #[command(flatten)]
    pub target: TargetArgs,
    /// How the report is printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: Format,
}

/// Which service. Each may be a name or an id; the defaults are in [workspace.metadata.xtask.railway].
#[derive(Clone, Debug, Default, Args)]
pub struct TargetArgs {
    /// The project [default: RAILWAY_PROJECT_ID, else the token's]
    #[arg(long, value_name = "NAME")]
    pub project: Option<String>,
    /// The environment [default: RAILWAY_ENVIRONMENT_ID, else the token's]
    #[arg(long, value_name = "NAME")]
    pub environment: Option<String>,
    /// The service [default: RAILWAY_SERVICE_ID, else the only one of the project]
    #[arg(long, value_name = "NAME")]
    pub service: Option<String>,
    /// The service's address for its users [default: the first domain that Railway lists]
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
}

impl DeployArgs {
    /// The image by digest, and the defaults for everything else.
    pub fn of(image: String) -> DeployArgs {
        DeployArgs {
            command: None,
            image: Some(image),
            revision: None,
            wait_timeout: WAIT_SECONDS,
            target: TargetArgs::default(),
            format: Format::Human,
            dry_run: false,
        }
    }
}
