//! `cargo xtask docker`: what can be typed.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::platform::{Platform, platform};
use super::{DriverArgs, Selection};
use crate::config::size::Size;
use crate::report::Format;

/// How long a server may take to start where nobody says so, in seconds.
const START_SECONDS: u64 = 60;

/// What the smallest plans of platforms give a container.
const MEMORY: &str = "512MB";

/// Make the app's container image, and prove that it works
#[derive(Debug, Args)]
#[command(
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_help = "Examples:\n  \
        cargo xtask docker pack --push --image ghcr.io/owner/app\n  \
        cargo xtask docker build --push --image ghcr.io/owner/app --cache registry\n  \
        cargo xtask docker smoke ghcr.io/owner/app@sha256:…\n  \
        cargo xtask docker lint"
)]
pub struct DockerArgs {
    #[command(subcommand)]
    pub command: DockerCommand,
}

#[derive(Debug, Subcommand)]
pub enum DockerCommand {
    Build(ImageBuildArgs),
    Pack(PackArgs),
    Smoke(SmokeArgs),
    Inspect(InspectArgs),
    Prune(PruneArgs),
    Lint(LintArgs),
}

/// Build the image in Docker, by Dockerfile.production; the digest goes to standard output
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    cargo xtask docker build --push --image ghcr.io/owner/app --cache registry\n  \
    cargo xtask docker build --load --image app          # for this machine's engine\n  \
    cargo xtask docker build --push --platform amd64,arm64 --builder remote\n\n\
    The image is known by its inputs: context, Dockerfile, arguments, platforms. It gets the tag in-DIGEST; where the \
    registry has that, nothing is built. The build looks at what it compiles on top of the cooked dependencies: a \
    dependency among it is an error (exit code 1), and there is no image.\n\n\
    Other tags: those of `--tag` and of REF; with `--auto-tags` sha-COMMIT, in GitHub Actions also the branch, the \
    version of a tag v1.2.3, and `latest` on the default branch.\n\n\
    The account is that of XTASK_REGISTRY_USERNAME and XTASK_REGISTRY_PASSWORD, else that of `docker login`, else for \
    ghcr.io GITHUB_ACTOR and GITHUB_TOKEN. A compile cache on S3 is used where SCCACHE_BUCKET is set, with \
    SCCACHE_REGION, SCCACHE_ENDPOINT, SCCACHE_S3_KEY_PREFIX, SCCACHE_S3_USE_SSL; AWS_ACCESS_KEY_ID, \
    AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN reach the compiler as secrets and no layer.")]
pub struct ImageBuildArgs {
    #[command(flatten)]
    pub selection: Selection,
    /// Registry, name and perhaps a tag, e.g. `ghcr.io/owner/app:1.2` [default: `image` in [workspace.metadata.xtask]]
    #[arg(long, value_name = "REF")]
    pub image: Option<String>,
    /// Another tag; may be repeated
    #[arg(long = "tag", value_name = "TAG")]
    pub tags: Vec<String>,
    /// The tags that follow from commit, branch and version too
    #[arg(long)]
    pub auto_tags: bool,
    /// Send the image to its registry
    #[arg(long)]
    pub push: bool,
    /// Give the image to this machine's engine
    #[arg(long)]
    pub load: bool,
    /// Build even if an image of the same inputs is there
    #[arg(long)]
    pub force: bool,
    /// Make every layer anew
    #[arg(long)]
    pub no_cache: bool,
    /// What the image is for; several make an index [default: what the builder runs on]
    #[arg(long, value_enum, ignore_case = true, value_delimiter = ',', value_name = "PLATFORM")]
    pub platform: Vec<Platform>,
    /// The builder, as `docker buildx ls` names it, e.g. one on other machines [default: the current one]
    #[arg(long, value_name = "NAME")]
    pub builder: Option<String>,
    /// Where layers are kept beside the builder, for builders that begin with nothing. They are written with --push,
    /// and in GitHub Actions only for the repository's own people
    #[arg(long, value_enum, value_delimiter = ',', value_name = "WHERE")]
    pub cache: Vec<Cache>,
    /// The image that holds the layers [default: the tag `layers` of the image's repository]
    #[arg(long, value_name = "REF")]
    pub cache_image: Option<String>,
    /// How layers are compressed
    #[arg(long, value_enum, default_value_t, value_name = "METHOD")]
    pub compression: Compression,
    /// Attach how the image was built. It makes an index, with another digest for each build; `max` publishes the build
    /// arguments
    #[arg(long, value_enum, default_value_t, value_name = "MODE")]
    pub provenance: Provenance,
    /// An argument of the Dockerfile; may be repeated
    #[arg(long = "build-arg", value_name = "NAME=VALUE")]
    pub build_args: Vec<String>,
    /// Do not fail where dependencies were cooked in vain; an input of the image
    #[arg(long)]
    pub allow_recompiled: bool,
    /// How the report is printed; `human` is the digest alone
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: Format,
    /// Print the plan and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// More arguments for `docker buildx build`, e.g. `-- --network=host`
    #[arg(last = true, value_name = "ARGS")]
    pub more: Vec<String>,
}

/// A place for layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Cache {
    /// An image of its own in the registry
    Registry,
    /// GitHub's cache; only within GitHub Actions
    Gha,
}

/// How layers are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Compression {
    #[default]
    Gzip,
    Zstd,
}

/// How much of a build is attached to its image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Provenance {
    #[default]
    Off,
    Min,
    Max,
}

/// Build the app here and pack it into an image, without a Docker engine; the digest goes to standard output
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    cargo xtask docker pack --push --image ghcr.io/owner/app\n  \
    cargo xtask docker pack --image ghcr.io/owner/app   # only the digest\n  \
    cargo xtask docker pack --output app.tar && docker load --input app.tar\n  \
    cargo xtask docker pack --static --push --image ghcr.io/owner/app\n\n\
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
    /// What the image is for, e.g. `arm64`; refused where the server is compiled for something else [default: what
    /// the server is compiled for]
    #[arg(long, value_parser = platform, value_name = "PLATFORM")]
    pub platform: Option<String>,
    /// Compile the server for musl, and stand on nothing but certificates, a user and /tmp
    #[arg(long = "static", conflicts_with = "base")]
    pub is_static: bool,
    /// With --static: take musl's own allocator too, which is slow under threads
    #[arg(long, requires = "is_static")]
    pub any_allocator: bool,
    /// Write the image to a folder, or to an archive where PATH ends in `.tar`, as an OCI image layout
    #[arg(long, value_name = "PATH")]
    pub output: Option<PathBuf>,
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

/// Run an image as a platform would, and look at it: health, page and files, user, memory, secrets, end under load
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
    /// The most memory that the container gets, e.g. `512MB`; 0 for as much as there is
    #[arg(long, value_name = "SIZE", default_value = MEMORY)]
    pub memory: Size,
    /// Fail where the server does not work with a root file system that it cannot write to; it is tried anyway
    #[arg(long)]
    pub read_only: bool,
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

/// Look at an image in its registry: layers, sizes, largest files, base, what changed, budget, package on GitHub
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    cargo xtask docker inspect\n  \
    cargo xtask docker inspect ghcr.io/owner/app:1.2 --compare ghcr.io/owner/app:1.1\n  \
    cargo xtask docker inspect ghcr.io/owner/app@sha256:… --fail 25MB --format markdown\n\n\
    Needs no engine. Exit code 1: over the budget that fails. On ghcr.io GITHUB_TOKEN with `read:packages` \
    says whose the package is and which versions it has.")]
pub struct InspectArgs {
    /// The image, by tag or digest [default: the one that was pushed last from here, else `image` in
    /// [workspace.metadata.xtask]]
    #[arg(value_name = "REF")]
    pub image: Option<String>,
    /// The image to compare with [default: the one that was pushed before it from here]
    #[arg(long, value_name = "REF")]
    pub compare: Option<String>,
    /// Which image of an index, e.g. `arm64` [default: the only one]
    #[arg(long, value_parser = platform, value_name = "PLATFORM")]
    pub platform: Option<String>,
    /// How many files are named
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub files: usize,
    /// Warn where the image, as it is sent, is larger [default: `image-warn` in [workspace.metadata.xtask.budgets],
    /// which is 25MB]
    #[arg(long, value_name = "SIZE")]
    pub warn: Option<Size>,
    /// Fail where it is larger [default: `image-fail` there]
    #[arg(long, value_name = "SIZE")]
    pub fail: Option<Size>,
    /// How the report is printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: Format,
}

/// Delete versions of the image's package on GitHub that nothing needs any more
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    cargo xtask docker prune --dry-run\n  \
    cargo xtask docker prune ghcr.io/owner/app --keep 20 --keep-image sha256:… --yes\n\n\
    Kept are the newest tagged images, everything young, `latest`, tags that are versions, layers for builds, the \
    images that are named, those that records of deployments from here name, and everything that one of these needs: \
    images and attestations of an index, signatures. What was deployed elsewhere has no record here: name it. \
    GITHUB_TOKEN needs `delete:packages`. GitHub can restore for 30 days what was deleted.")]
pub struct PruneArgs {
    /// The image's name [default: `image` in [workspace.metadata.xtask]]
    #[arg(value_name = "REF")]
    pub image: Option<String>,
    /// How many of the newest tagged images are kept
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub keep: usize,
    /// Everything younger is kept, in days
    #[arg(long, value_name = "DAYS", default_value_t = 7)]
    pub keep_days: u32,
    /// A digest that is kept; may be repeated
    #[arg(long = "keep-image", value_name = "DIGEST")]
    pub keep_images: Vec<String>,
    /// A tag that is kept; may be repeated
    #[arg(long = "keep-tag", value_name = "TAG")]
    pub keep_tags: Vec<String>,
    /// Delete without asking
    #[arg(long)]
    pub yes: bool,
    /// How the report is printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: Format,
    /// Print the plan and change nothing
    #[arg(long)]
    pub dry_run: bool,
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

impl ImageBuildArgs {
    /// What is selected and nothing else: neither pushed nor loaded, for the builder's own platform.
    pub fn of(selection: Selection) -> ImageBuildArgs {
        ImageBuildArgs {
            selection,
            image: None,
            tags: Vec::new(),
            auto_tags: false,
            push: false,
            load: false,
            force: false,
            no_cache: false,
            platform: Vec::new(),
            builder: None,
            cache: Vec::new(),
            cache_image: None,
            compression: Compression::default(),
            provenance: Provenance::default(),
            build_args: Vec::new(),
            allow_recompiled: false,
            format: Format::Human,
            dry_run: false,
            more: Vec::new(),
        }
    }
}

impl PackArgs {
    /// What is selected and nothing else: not pushed, on the usual base.
    pub fn of(selection: Selection) -> PackArgs {
        PackArgs {
            selection,
            driver: DriverArgs::default(),
            image: None,
            tags: Vec::new(),
            base: None,
            platform: None,
            is_static: false,
            any_allocator: false,
            output: None,
            push: false,
            force: false,
            format: Format::Human,
            dry_run: false,
        }
    }
}

impl SmokeArgs {
    /// The image, and the defaults for everything else.
    pub fn of(image: String) -> SmokeArgs {
        SmokeArgs {
            image,
            health_path: None,
            env: Vec::new(),
            env_file: None,
            memory: Size { bytes: 512_000_000 },
            read_only: false,
            start_limit: START_SECONDS,
            drain_limit: None,
            format: Format::Human,
            dry_run: false,
            args: Vec::new(),
        }
    }
}
