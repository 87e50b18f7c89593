//! `cargo xtask deploy`: what can be typed.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::deploy_setup::{InitArgs, SettingsArgs};
use super::vars::VarsArgs;
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
        cargo xtask deploy --image ghcr.io/owner/app@sha256:… --with-variables .env.production\n  \
        cargo xtask deploy status\n  \
        cargo xtask deploy rollback --dry-run   # where it would go back to\n  \
        cargo xtask deploy init --dry-run       # before the first one: project, service, variables, domain\n\n\
        Before anything is changed: the image is in its registry, for the platform of the service's machines, and \
        Railway may pull it; the required variables of .env.example are set; plan and limits admit it; the commit's \
        checks have not failed (GITHUB_REPOSITORY and GITHUB_TOKEN say whom to ask), nor has the image's smoke test \
        on record here. What could not be asked is said, and is no objection.\n\n\
        Exit codes: 0 served, or already current; 1 something speaks against it, the deployment failed, runs another \
        image, or somebody else deploys; 2 usage, token or configuration; 4 Railway refused or did not answer; 5 not \
        served in time; 130/143 interrupted: the deployment goes on at Railway, and the same command again goes on \
        waiting for it.\n\n\
        Environment:\n  \
        RAILWAY_TOKEN           a project token, for one environment of one project; or\n  \
        RAILWAY_API_TOKEN       an account or workspace token, which needs the project's id; not both\n  \
        RAILWAY_PROJECT_ID, RAILWAY_ENVIRONMENT_ID, RAILWAY_SERVICE_ID\n                          \
        which service is meant, where no flag says it\n  \
        RAILWAY_BACKBOARD_URL   another address than https://backboard.railway.com\n  \
        XTASK_NOTIFY_URL        a webhook that is told of success and failure: Slack, Discord, or plain JSON\n  \
        XTASK_NOTIFY_FORMAT     slack, discord or plain, where the address does not show it"
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
    /// Set the variables of this file (NAME=value lines; `-` is standard input) with the same deployment. Others stay
    /// as they are, and values are never shown
    #[arg(long, value_name = "FILE")]
    pub with_variables: Option<PathBuf>,
    /// Do not wait for the deployment, and do not verify it
    #[arg(long)]
    pub detach: bool,
    #[command(flatten)]
    pub precheck: PrecheckArgs,
    #[command(flatten)]
    pub wait: WaitArgs,
    #[command(flatten)]
    pub target: TargetArgs,
    /// How the report is printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: Format,
    /// Look only: print what would be changed
    #[arg(long)]
    pub dry_run: bool,
}

/// What an objection means.
#[derive(Clone, Debug, Default, Args)]
pub struct PrecheckArgs {
    /// Deploy although something speaks against it; what does is still said, and on record
    #[arg(long)]
    pub unchecked: bool,
}

/// How long it may take.
#[derive(Clone, Debug, Args)]
pub struct WaitArgs {
    /// How long the deployment may take until it is served, in seconds
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = WAIT_SECONDS,
        value_parser = clap::value_parser!(u64).range(1..=86_400)
    )]
    pub wait_timeout: u64,
}

#[derive(Debug, Subcommand)]
pub enum DeployCommand {
    Init(InitArgs),
    Settings(SettingsArgs),
    Status(StatusArgs),
    List(ListArgs),
    Logs(LogsArgs),
    Rollback(RollbackArgs),
    Vars(VarsArgs),
}

/// What is deployed now, whether it is healthy, and what is not as it should be
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  cargo xtask deploy status\n  cargo xtask deploy status --format json\n\n\
    Railway's own list is what counts: a deployment that is under way is found, whoever began it, and so is what an \
    interrupted run has left in the service's settings, with the command that goes on and the one that goes back.\n\n\
    Exit codes: 0 a deployment serves and is healthy; 1 it does not; others as in `cargo xtask deploy`."
)]
pub struct StatusArgs {
    #[command(flatten)]
    pub target: TargetArgs,
    /// How the report is printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: Format,
}

/// The deployments of the service, and which of them can be rolled back to
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  cargo xtask deploy list\n  cargo xtask deploy list --limit 50 --format json\n\n\
    `rollback` says how a deployment can be brought back: `railway`, by Railway's own rollback, with the variables \
    that it had then; `digest`, by deploying its image again, for as long as the registry has it; `live`, it serves; \
    `none`, it never served or names no digest; `unknown`, Railway does not say whether it served.\n\n\
    The revision is known of deployments from this checkout (target/xtask/records/), and of the one that serves."
)]
pub struct ListArgs {
    /// How many, the newest first
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: u32,
    #[command(flatten)]
    pub target: TargetArgs,
    /// How the report is printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: Format,
}

/// The last lines of a deployment's log, without secrets
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  cargo xtask deploy logs\n  cargo xtask deploy logs ID --lines 500\n  \
    cargo xtask deploy logs ID --build\n\n\
    The values of the service's secret-looking variables, and of the token, are replaced by `[redacted]`. Lines longer \
    than 4000 characters are cut.")]
pub struct LogsArgs {
    /// The deployment [default: the newest, whatever became of it]
    #[arg(value_name = "ID")]
    pub deployment: Option<String>,
    /// The log of its build; an image is not built, so there may be none
    #[arg(long)]
    pub build: bool,
    /// How many lines, the last ones; Railway gives out no more than 5000
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=5000))]
    pub lines: u32,
    #[command(flatten)]
    pub target: TargetArgs,
    /// How the report is printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: Format,
}

/// Bring back an earlier deployment, and do not believe it before it is served
///
/// Without an argument that is the newest earlier one that served another image than what is live. Railway's own
/// rollback does it as long as Railway keeps the deployment (24 to 360 hours, by plan); after that, and where Railway
/// refuses, its image is deployed again by digest. The service's settings follow: the image and APP_REVISION. Of a
/// deployment that still serves, because the one after it has failed, only the settings are set back.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    cargo xtask deploy rollback --dry-run       # where it would go, and what becomes of the variables\n  \
    cargo xtask deploy rollback --yes\n  \
    cargo xtask deploy rollback 7f3c0a52-…      # an ID of `cargo xtask deploy list`\n  \
    cargo xtask deploy rollback sha256:…        # the newest deployment of this image\n\n\
    Variables: Railway's rollback runs the deployment with the variables that it had then; by digest it gets those of \
    now. Which differ is said before, by name. Settings of railway.toml stay as they are at Railway.\n\n\
    After a rollback, what was rolled back from is the newest earlier one with another image: a second rollback \
    without an argument goes forth again, and says so.\n\n\
    Exit codes: 0 served; 1 there is nothing to roll back to, it is what is live, it never served, something else is \
    under way, or the rollback failed; 2 usage, an unknown deployment, or one of another service; others as in \
    `cargo xtask deploy`.")]
pub struct RollbackArgs {
    /// A deployment's id, or an image's digest (sha256:…) [default: the newest earlier deployment that served another
    /// image]
    #[arg(value_name = "ID|DIGEST")]
    pub to: Option<String>,
    /// Without an ID: do not ask whether that is the one. Needed where nobody could answer
    #[arg(long)]
    pub yes: bool,
    /// What the app was told that it is [default: what Railway or the records of this checkout say of that deployment]
    #[arg(long, value_name = "TEXT")]
    pub revision: Option<String>,
    #[command(flatten)]
    pub wait: WaitArgs,
    #[command(flatten)]
    pub target: TargetArgs,
    /// How the report is printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: Format,
    /// Look only: print what would be changed
    #[arg(long)]
    pub dry_run: bool,
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
            with_variables: None,
            detach: false,
            precheck: PrecheckArgs::default(),
            wait: WaitArgs { wait_timeout: WAIT_SECONDS },
            target: TargetArgs::default(),
            format: Format::Human,
            dry_run: false,
        }
    }
}
