//! `cargo xtask deploy init` and `deploy settings`: what can be typed.

use std::path::PathBuf;

use clap::Args;

use super::deploy::TargetArgs;
use crate::report::Format;

/// Set up project, environment and service for the first deployment
///
/// Finds or makes them, by name; gives the service its image, what railway.toml says, the variables that .env.example
/// wants and a domain. Nothing is deployed. What is there already stays as it is, so that a second run changes nothing,
/// and one that was interrupted is completed by the same command again.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    cargo xtask deploy init --project shop --service web --dry-run      # what is there, what would be made\n  \
    cargo xtask deploy init --project shop --service web --yes\n  \
    cargo xtask deploy init --project shop --service web --image ghcr.io/owner/app@sha256:… \
    --with-variables prod.env\n\n\
    Variables: a line `NAME=…` of .env.example is wanted, a line `#NAME=…` is optional. The value of a wanted one \
    comes from --with-variables, else from the environment variable of the same name, else from whoever sits at the \
    terminal, unseen; optional ones come from --with-variables alone. What the file or standard input names besides is \
    set as well. Names that the service has already are not asked for, and their values stay. PORT and APP_REVISION \
    are given by Railway and by `deploy`.\n\n\
    Registry credentials: XTASK_PULL_USERNAME and XTASK_PULL_PASSWORD, for a private image (on ghcr.io a classic \
    token with `read:packages`). They are sent together with the first image. Railway does not tell which it has, so \
    they are sent again only with --renew-credentials.\n\n\
    Token: a project or an environment is made with RAILWAY_API_TOKEN, an account or workspace token. With \
    RAILWAY_TOKEN both are known.\n\n\
    Exit codes: 0 set up, or it was already; 1 not confirmed, or Railway has not kept what it accepted; 2 usage, \
    token, configuration, or variables without a value; 4 Railway refused or did not answer; 130/143 interrupted.")]
pub struct InitArgs {
    /// The project, found or made [default: RAILWAY_PROJECT_ID, else the token's, else the name of the Leptos project]
    #[arg(long, value_name = "NAME")]
    pub project: Option<String>,
    /// The environment, found or made [default: RAILWAY_ENVIRONMENT_ID, else the token's, else production]
    #[arg(long, value_name = "NAME")]
    pub environment: Option<String>,
    /// The service, found or made [default: RAILWAY_SERVICE_ID, else the name of the Leptos project]
    #[arg(long, value_name = "NAME")]
    pub service: Option<String>,
    /// Where a new project is made, by name or id [default: the only workspace of the token]
    #[arg(long, value_name = "NAME")]
    pub workspace: Option<String>,
    /// The image that a service without one gets, by digest: REGISTRY/NAME@sha256:… [default: none, until the first
    /// `deploy`]
    #[arg(long, value_name = "REF@DIGEST")]
    pub image: Option<String>,
    /// Values of variables: a file of NAME=value lines, or `-` for standard input
    #[arg(long, value_name = "FILE")]
    pub with_variables: Option<PathBuf>,
    /// Send the registry credentials, though the service has an image already
    #[arg(long)]
    pub renew_credentials: bool,
    /// Make no domain
    #[arg(long)]
    pub no_domain: bool,
    /// Do not ask before something is made. Needed where nobody could answer
    #[arg(long)]
    pub yes: bool,
    /// How the report is printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: Format,
    /// Look only: print what would be made and set
    #[arg(long)]
    pub dry_run: bool,
}

/// Compare railway.toml with the service's settings, or set what differs
///
/// Only what the file mentions is compared and set; the rest stays as it is. Nothing is deployed: settings count from
/// the next deployment on, and `deploy` sets them too. A key that is unknown, or that cannot be carried, is an error.
#[derive(Debug, Args)]
#[command(
    group = clap::ArgGroup::new("mode").required(true).args(["diff", "apply"]),
    after_help = "Examples:\n  cargo xtask deploy settings --diff\n  cargo xtask deploy settings --apply\n\n\
    Railway itself reads railway.toml until 2026-12-01, and not at all for services newer than that announcement. \
    The API, which this uses, goes on.\n\n\
    Exit codes: 0 nothing differs, or it has been set; 1 with --diff: something differs; with --apply: Railway has \
    not kept what it accepted; 2 usage, token or railway.toml; 4 Railway refused or did not answer; 130/143 \
    interrupted."
)]
pub struct SettingsArgs {
    /// Show what differs, and end with code 1 if anything does
    #[arg(long)]
    pub diff: bool,
    /// Set what differs
    #[arg(long)]
    pub apply: bool,
    #[command(flatten)]
    pub target: TargetArgs,
    /// How the report is printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: Format,
    /// Look only: print what --apply would change
    #[arg(long)]
    pub dry_run: bool,
}
