//! `cargo xtask docker build`.

use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;

use super::super::context::Context;
use super::super::{admitted, generate, print};
use super::asked::{
    build_args, caches, compression, epoch, inputs_of_words, local_name, platforms, tags, target,
};
use super::{in_vain, misfits, pack, said};
use crate::ci::github::GitHub;
use crate::cli::docker::{ImageBuildArgs, Provenance};
use crate::config::registry::Sources;
use crate::exec::Executor;
use crate::exit::{Exit, Failure};
use crate::facts::revision::Revision;
use crate::image::buildx::{self, Outcome, Settings};
use crate::image::existing::{self, Existing, INPUT_DIGEST_LABEL};
use crate::image::reference::Reference;
use crate::image::registry::{Login, Repository};
use crate::image::{context, tagging};
use crate::plan::image::TagImage;
use crate::plan::{Action, Invocation, Operation, Plan, Stage, Step};
use crate::record::docker_build::{DOCKER_BUILD_SCHEMA, DockerBuildRecord};
use crate::record::{self, RunResult, StepRecord};
use crate::report::{self, Format};
use crate::steps::{Done, step};

/// Where a compile cache is: sccache's variables, and the Dockerfile's arguments for them. No input of the image: with
/// and without one it is the same.
const COMPILE_CACHE: [(&str, &str); 5] = [
    ("SCCACHE_BUCKET", "SCCACHE_BUCKET"),
    ("SCCACHE_REGION", "SCCACHE_REGION"),
    ("SCCACHE_ENDPOINT", "SCCACHE_ENDPOINT"),
    // BuildKit takes an argument with KEY in its name for a secret.
    ("SCCACHE_S3_KEY_PREFIX", "SCCACHE_PREFIX"),
    ("SCCACHE_S3_USE_SSL", "SCCACHE_S3_USE_SSL"),
];
/// Ids of the build's secrets, and the variables that hold them.
const SECRETS: [(&str, &str); 3] = [
    ("aws_access_key_id", "AWS_ACCESS_KEY_ID"),
    ("aws_secret_access_key", "AWS_SECRET_ACCESS_KEY"),
    ("aws_session_token", "AWS_SESSION_TOKEN"),
];

const BUILD: &str = "build image";
const TAG: &str = "tag image";

pub fn run(exec: &Executor, args: &ImageBuildArgs) -> anyhow::Result<()> {
    let context = Context::load(exec, &args.selection)?;
    let Some(record) = build(exec, &context, args)? else { return Ok(()) };
    print(&report::docker_build::render(&record, args.format)?)?;
    if args.format == Format::Human {
        said::next(exec, &record);
    }
    Ok(())
}

/// Builds, pushes if asked to, and records it; nothing in a dry run, which prints the plan.
pub fn build(
    exec: &Executor,
    context: &Context,
    args: &ImageBuildArgs,
) -> anyhow::Result<Option<DockerBuildRecord>> {
    let (began, started) = (Instant::now(), SystemTime::now());
    let github = GitHub::read()?;
    let revision = Revision::probe(exec, &context.workspace.root);
    let job = Job::new(exec, context, args, github.as_ref(), &revision)?;
    if !admitted(exec, &job.plan, args.format)? {
        return Ok(None);
    }
    let mut steps = Vec::new();
    if !args.push && !args.load {
        said::kept_nowhere(exec);
    }
    let (built, result) = job.carry_out(exec, context, args, &mut steps);
    let is_interrupted = result.as_ref().is_err_and(|error| matches!(Exit::of(error), Exit::Interrupted(_)));
    let after_cook = built.outcome.after_cook.as_ref().filter(|it| !it.dependencies.is_empty());
    let verdict = match after_cook.filter(|_| !args.allow_recompiled && !is_interrupted) {
        // The build in there has failed for this reason too; here it is known what differs.
        Some(after_cook) => Err(in_vain::error(exec, context, args, after_cook)),
        None => result.and_then(|()| job.tag(exec, &built, &mut steps)),
    };
    let is_tagged = steps.iter().any(|step| step.name == TAG && verdict.is_ok());
    let reference = job.repository.as_ref().filter(|_| args.push).zip(built.outcome.digest.as_ref());
    let tag = reference.is_some() || (args.load && built.outcome.digest.is_some());
    let tags = tag.then(|| job.input_tag.clone()).into_iter();
    let record = DockerBuildRecord {
        schema: DOCKER_BUILD_SCHEMA,
        result: match &verdict {
            Ok(()) => RunResult::Ok,
            Err(error) if matches!(Exit::of(error), Exit::Interrupted(_)) => RunResult::Interrupted,
            Err(_) => RunResult::Failed,
        },
        started: chrono::DateTime::<chrono::Utc>::from(started).to_rfc3339(),
        project: context.project.name.clone(),
        revision,
        reference: reference.map(|(repository, digest)| format!("{repository}@{digest}")),
        repository: job.repository.clone(),
        tags: tags.chain(job.tags.iter().filter(|_| is_tagged || args.load).cloned()).collect(),
        digest: built.outcome.digest.clone(),
        input_digest: job.input_digest.clone(),
        platforms: job.platforms.clone(),
        builder: args.builder.clone(),
        reused: built.reused,
        attempts: built.outcome.attempts,
        stages: built.outcome.stages,
        after_cook: built.outcome.after_cook,
        compile_cache: built.outcome.compile_cache,
        steps,
        seconds: began.elapsed().as_secs_f64(),
    };
    let recorded = record::append(&context.workspace.target_directory, "docker-build", &record);
    // The reason why it failed matters more than a record that could not be written.
    verdict?;
    recorded?;
    Ok(Some(record))
}

/// One run, as it was asked for.
struct Job {
    plan: Plan,
    command: Invocation,
    metadata_file: MetadataFile,
    has_compile_cache: bool,
    platforms: Vec<String>,
    input_digest: String,
    input_tag: String,
    /// Registry and name, or a local name.
    repository: Option<String>,
    /// Beside the one of the inputs.
    tags: Vec<String>,
    sources: Sources,
}

/// What buildx tells about this run, in a file of its own, since two may build side by side. It goes with the value.
struct MetadataFile(PathBuf);

impl MetadataFile {
    fn new(target_directory: &Path) -> MetadataFile {
        let moment = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let name = format!("docker-build-{}-{moment}.json", std::process::id());
        MetadataFile(target_directory.join("xtask").join(name))
    }

    fn make_folder(&self) -> anyhow::Result<()> {
        let Some(folder) = self.0.parent() else { return Ok(()) };
        std::fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))
    }
}

impl Drop for MetadataFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// What a run came to.
#[derive(Default)]
struct Built {
    outcome: Outcome,
    reused: bool,
}

impl Job {
    fn new(
        exec: &Executor,
        context: &Context,
        args: &ImageBuildArgs,
        github: Option<&GitHub>,
        revision: &Revision,
    ) -> anyhow::Result<Job> {
        let folder = context.workspace.root.clone();
        let dockerfile = generate::DOCKERFILE.to_owned();
        if !folder.join(&dockerfile).is_file() {
            return Err(Failure::usage(format!("there is no {dockerfile} in {}", folder.display()))
                .hint(
                    "copy it and .dockerignore from the repository that xtask comes from, look through .dockerignore \
                     for files that your crates include, and run `cargo xtask generate`",
                )
                .into());
        }
        let target = target(context, args)?;
        let repository = match &target {
            Some(target) if args.push => Some(target.name()),
            // The engine's own images need no registry.
            _ => args.load.then(|| local_name(context, args)),
        };
        let tags = tags(args, target.as_ref(), github, revision)?;
        let mut labels = pack::labels(context);
        let mut build_args = build_args(args)?;
        misfits::refuse(&folder, &dockerfile, &build_args)?;
        if args.allow_recompiled {
            // An input: whoever does not allow it must not get this image.
            build_args.insert("ALLOW_RECOMPILED".to_owned(), "yes".to_owned());
        }
        // Without it every layer that was built anew has other times, and so another digest.
        build_args.entry("SOURCE_DATE_EPOCH".to_owned()).or_insert_with(epoch);
        let mut inputs: Vec<(String, String)> = build_args.clone().into_iter().collect();
        let platforms = platforms(exec, &folder, args)?;
        inputs.extend(platforms.iter().map(|platform| ("platform".to_owned(), platform.clone())));
        inputs.extend(inputs_of_words(exec, &folder, &args.more)?);
        inputs.extend(labels.iter().map(|(name, value)| ("label".to_owned(), format!("{name}={value}"))));
        inputs.push(("compression".to_owned(), compression(args).to_owned()));
        let provenance = match args.provenance {
            Provenance::Off => None,
            Provenance::Min => Some("min".to_owned()),
            Provenance::Max => Some("max".to_owned()),
        };
        // Whoever asks for statements must not get an image without them, nor the other way round.
        inputs.extend(provenance.clone().map(|mode| ("provenance".to_owned(), mode)));
        let input_digest = context::input_digest(exec, &folder, &dockerfile, &inputs)?;
        let input_tag = format!("in-{input_digest}");
        labels.insert(INPUT_DIGEST_LABEL.to_owned(), input_digest.clone());
        let set = |name: &&str| std::env::var(name).ok().filter(|value| !value.is_empty());
        for (variable, argument) in COMPILE_CACHE {
            build_args.extend(set(&variable).map(|value| (argument.to_owned(), value)));
        }
        let has_compile_cache = set(&"SCCACHE_BUCKET").is_some();
        if has_compile_cache {
            build_args.insert("COMPILE_CACHE".to_owned(), "sccache".to_owned());
        }
        let is_trusted = github.is_none_or(GitHub::is_trusted);
        let metadata_file = MetadataFile::new(&context.workspace.target_directory);
        let name = |tag: &String| repository.as_ref().map(|repository| format!("{repository}:{tag}"));
        let settings = Settings {
            // In a registry the other names follow once it is known what was compiled.
            names: name(&input_tag).into_iter().collect(),
            local_names: [&input_tag].into_iter().chain(&tags).filter_map(name).collect(),
            push: args.push,
            load: args.load,
            platforms: platforms.clone(),
            builder: args.builder.clone(),
            caches: caches(args, target.as_ref(), github)?,
            write_caches: args.push && is_trusted,
            compression: compression(args).to_owned(),
            provenance,
            build_args,
            labels,
            secrets: SECRETS.into_iter().filter(|(_, variable)| set(variable).is_some()).collect(),
            // No input: what is made from nothing is the same image.
            more: args.more.iter().cloned().chain(args.no_cache.then(|| "--no-cache".to_owned())).collect(),
            metadata_file: metadata_file.0.clone(),
            folder,
            dockerfile,
        };
        let command = buildx::command(&settings);
        let mut steps =
            vec![Step { name: BUILD.to_owned(), stage: Stage::Finish, action: Action::Run(command.clone()) }];
        if let Some(repository) = repository.clone().filter(|_| args.push && !tags.is_empty()) {
            let operation = Operation::TagImage(TagImage { repository, tags: tags.clone() });
            steps.push(Step {
                name: TAG.to_owned(),
                stage: Stage::Finish,
                action: Action::Operation(operation),
            });
        }
        Ok(Job {
            plan: Plan { command: "docker build".to_owned(), steps },
            command,
            metadata_file,
            has_compile_cache,
            platforms,
            input_digest,
            input_tag,
            repository,
            tags,
            sources: Sources::read()?,
        })
    }

    /// Finds the image of these inputs, or builds it.
    fn carry_out(
        &self,
        exec: &Executor,
        context: &Context,
        args: &ImageBuildArgs,
        steps: &mut Vec<StepRecord>,
    ) -> (Built, anyhow::Result<()>) {
        let mut built = Built::default();
        let result = step(exec, steps, BUILD, || {
            let registry = self.registry(exec, args)?;
            if let Some(digest) = self.existing(exec, args, registry.as_ref())? {
                exec.ui()
                    .status("Reused", format!("{}@{digest}", self.repository.as_deref().unwrap_or_default()));
                built.outcome.digest = Some(digest);
                built.reused = true;
                return Ok(Done::fresh("the same inputs are there", ()));
            }
            said::drifts(exec, context, args);
            self.metadata_file.make_folder()?;
            let login = self.login(exec, args)?;
            let command = login.as_ref().map_or_else(|| self.command.clone(), |it| it.of(&self.command));
            let (outcome, result) = buildx::run(exec, &command, &self.metadata_file.0);
            built.outcome = outcome;
            result?;
            if args.push && args.load {
                // Of two outputs buildx notes one digest: the engine's, which is another one.
                let pushed =
                    registry.as_ref().map(|it| it.manifest_digest(&self.input_tag)).transpose()?.flatten();
                built.outcome.digest = pushed.map(|it| it.to_string()).or(built.outcome.digest.take());
            }
            let detail = built.outcome.digest.clone().unwrap_or_default();
            Ok(Done::ran(detail, ()))
        });
        built.outcome.compile_cache = built.outcome.compile_cache.filter(|_| self.has_compile_cache);
        said::compiled(exec, &built.outcome);
        (built, result)
    }

    /// The account that Docker's client has to be told of for this push.
    fn login(&self, exec: &Executor, args: &ImageBuildArgs) -> anyhow::Result<Option<Login>> {
        let Some(name) = self.repository.as_deref().filter(|_| args.push) else { return Ok(None) };
        Login::for_build(exec, &self.sources, &Reference::parse(name)?)
    }

    /// Where it is pushed to, if it is. An account that may not push is found out here, before minutes of building.
    fn registry<'a>(
        &'a self,
        exec: &'a Executor,
        args: &ImageBuildArgs,
    ) -> anyhow::Result<Option<Repository<'a>>> {
        let Some(name) = self.repository.as_deref().filter(|_| args.push) else { return Ok(None) };
        let repository = Repository::to_push(exec, &self.sources, &Reference::parse(name)?, None);
        // Docker's client may have a token that is of no use to us: then it pushes, and is told what it may.
        if !repository.is_dockers_alone()? {
            repository.push_right()?;
        }
        Ok(Some(repository))
    }

    /// The digest of the image that the registry has for these inputs.
    fn existing(
        &self,
        exec: &Executor,
        args: &ImageBuildArgs,
        registry: Option<&Repository<'_>>,
    ) -> anyhow::Result<Option<String>> {
        let Some(repository) = registry.filter(|_| !args.force && !args.load) else { return Ok(None) };
        let name = repository.full_name();
        Ok(match existing::find(repository, &self.input_tag, &self.input_digest)? {
            Existing::Same(digest) => Some(digest.to_string()),
            Existing::Other => {
                exec.ui().note(format!(
                    "{name}:{} names an image of other inputs; it is made anew",
                    self.input_tag
                ));
                None
            }
            Existing::Absent => None,
        })
    }

    fn tag(&self, exec: &Executor, built: &Built, steps: &mut Vec<StepRecord>) -> anyhow::Result<()> {
        let Some(Operation::TagImage(input)) = self.plan.steps.iter().find_map(|step| match &step.action {
            Action::Operation(operation) => Some(operation),
            Action::Run(_) => None,
        }) else {
            return Ok(());
        };
        let digest = built.outcome.digest.as_deref().context("an image that was pushed has a digest")?;
        let image = Reference::parse(&format!("{}@{digest}", input.repository))?;
        step(exec, steps, TAG, || {
            tagging::tag(exec, &self.sources, &image, &input.tags)?;
            Ok(Done::ran(input.tags.join(", "), ()))
        })
    }
}
