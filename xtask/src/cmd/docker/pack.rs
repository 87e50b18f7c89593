//! `cargo xtask docker pack`.

use std::collections::BTreeMap;
use std::time::{Instant, SystemTime};

use super::super::context::Context;
use super::super::{admitted, build, print};
use super::destination;
use crate::cli::docker::PackArgs;
use crate::config::image as image_environment;
use crate::config::registry::Sources;
use crate::exec::Executor;
use crate::exit::{Exit, Failure};
use crate::facts::revision::Revision;
use crate::image::elf;
use crate::image::pack::{self, Outcome};
use crate::image::reference::Reference;
use crate::leptos::driver::Driver;
use crate::leptos::{environment, planning};
use crate::plan::image::{AssembleImage, CheckLinkage, PushImage, ReadBase, WriteLayout};
use crate::plan::{Action, Operation, Plan, Stage, Step};
use crate::record::pack::{BaseRecord, PACK_SCHEMA, PackRecord};
use crate::record::{self, RunResult};
use crate::report::{self, Format};

/// Has the C library, certificates, time zones and a user who is not root, and no shell. Debian 13 and not 12, whose C
/// library (2.36) is older than that of GitHub's runners (2.39 on ubuntu-24.04): what is built there would not start.
const DEFAULT_BASE: &str = "gcr.io/distroless/cc-debian13:nonroot";
/// What records call it where there is none, as Dockerfiles do.
const NO_BASE: &str = "scratch";
const TITLE: &str = "org.opencontainers.image.title";
/// Registries link an image to its repository by it.
const SOURCE: &str = "org.opencontainers.image.source";
/// Where the app is in the image.
pub const APP_DIR: &str = "/app";
/// Where the site is below it.
pub const SITE_DIR: &str = "site";

pub fn run(exec: &Executor, args: &PackArgs) -> anyhow::Result<()> {
    let mut context = Context::load(exec, &args.selection)?.driven_by(&args.driver, &args.selection)?;
    if args.is_static {
        let triple = musl(&context)?;
        context.compile_server_for(&triple);
    }
    let Some(record) = pack(exec, &context, args)? else { return Ok(()) };
    print(&report::pack::render(&record, args.format)?)?;
    if args.format == Format::Human {
        match &record.reference {
            Some(image) => {
                exec.ui().note(format!("next: `cargo xtask docker smoke {image}` to run it and look at it"));
            }
            None if args.output.is_none() => exec.ui().note(
                "the image is nowhere yet: `--push` sends it to its registry, `--output app.tar` writes it for \
                 `docker load`",
            ),
            None => {}
        }
    }
    Ok(())
}

/// Builds, packs, pushes if asked to, and records it; nothing in a dry run, which prints the plans.
pub fn pack(exec: &Executor, context: &Context, args: &PackArgs) -> anyhow::Result<Option<PackRecord>> {
    let (began, started) = (Instant::now(), SystemTime::now());
    let sources = Sources::read()?;
    let plan = plan(exec, context, args)?;
    let build = || build::for_command(exec, context, &args.selection, args.format);
    if exec.is_dry_run() {
        build()?;
        admitted(exec, &plan, args.format)?;
        return Ok(None);
    }
    let mut outcome = Outcome::default();
    let revision = || Revision::probe(exec, &context.workspace.root);
    let (result, revision) = match pack::begin(exec, &plan, &sources, &mut outcome) {
        Ok(begun) => {
            // One that fails has a record of its own.
            build()?;
            std::thread::scope(|scope| {
                // Git takes a tenth of the time that packing takes, and has nothing to do with it.
                let revision = scope.spawn(revision);
                let result = pack::run(exec, &plan, &begun, &mut outcome);
                (result, revision.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            })
        }
        Err(error) => (Err(error), revision()),
    };
    let record = record_of(context, &plan, (began, started), outcome, &result, revision);
    let recorded = record::append(&context.workspace.target_directory, "pack", &record);
    // The reason why it failed matters more than a record that could not be written.
    result?;
    recorded?;
    Ok(Some(record))
}

fn plan(exec: &Executor, context: &Context, args: &PackArgs) -> anyhow::Result<Plan> {
    let target = target(context, args)?;
    let base = args.base.as_deref().or(context.automation.base_image.as_deref()).unwrap_or(DEFAULT_BASE);
    let base = if args.is_static { None } else { Some(Reference::parse(base)?) };
    let tools = context.tools(exec)?;
    let rustflags = context.rustflags(&tools);
    let input = context.plan_input(&tools, &rustflags, &[]);
    let triple = planning::server_triple(&input).unwrap_or(&context.toolchain.host);
    let platform = elf::platform_of(triple)?;
    if let Some(asked) = args.platform.as_ref().filter(|asked| **asked != platform) {
        return Err(Failure::usage(format!("`--platform {asked}`: the server is compiled for {platform}"))
            .hint("pack on such a machine, or set `bin-target-triple` where a linker for one is installed")
            .into());
    }
    let operation = |name: &str, operation: Operation| Step {
        name: name.to_owned(),
        stage: Stage::Finish,
        action: Action::Operation(operation),
    };
    let mut steps = vec![
        operation(
            "read base",
            Operation::ReadBase(ReadBase { reference: base.map(|base| base.to_string()), platform }),
        ),
        operation(
            "check linkage",
            Operation::CheckLinkage(CheckLinkage {
                binary: planning::server_binary(&input),
                is_static: args.is_static,
                any_allocator: args.any_allocator,
                target_directory: context.workspace.target_directory.clone(),
            }),
        ),
        operation(
            "assemble image",
            Operation::AssembleImage(AssembleImage {
                binary: planning::server_binary(&input),
                site_root: context.project.site_root.clone(),
                hash_file: planning::hash_file(&input),
                app_dir: APP_DIR.to_owned(),
                site_dir: SITE_DIR.to_owned(),
                env: container_environment(context),
                labels: labels(context),
                created: image_environment::created()?,
            }),
        ),
    ];
    if let Some(path) = &args.output {
        let named = target.as_ref().map(|target| match &target.tag {
            Some(_) => target.to_string(),
            None => format!("{}:latest", target.name()),
        });
        let path = std::env::current_dir()?.join(path);
        steps.push(operation("write image", Operation::WriteLayout(WriteLayout { path, name: named })));
    }
    if let Some(target) = target.filter(|_| args.push) {
        let repository = target.name();
        let mut tags: Vec<String> = target.tag.into_iter().chain(args.tags.iter().cloned()).collect();
        tags.dedup();
        let push = PushImage { repository, tags, force: args.force };
        steps.push(operation("push image", Operation::PushImage(push)));
    }
    Ok(Plan { command: "docker pack".to_owned(), steps })
}

/// What a server is compiled for that needs no library: musl on the machine that it is compiled for anyway.
fn musl(context: &Context) -> anyhow::Result<String> {
    let own = context.project.bin_target_triple.as_deref().unwrap_or(&context.toolchain.host);
    let architecture = own.split('-').next().unwrap_or_default();
    let triple = format!("{architecture}-unknown-linux-musl");
    elf::platform_of(&triple)?;
    let is_native = context.driver == Driver::Native;
    if !is_native {
        return Err(Failure::usage("`--static` compiles the server by the native driver alone")
            .hint(
                "leave `--driver cargo-leptos` and `--split` out, or set `bin-target-triple` in the metadata",
            )
            .into());
    }
    if !context.toolchain.has_target(&triple) {
        let message = format!("`--static` needs Rust's standard library for {triple}");
        return Err(Failure::new(Exit::MissingTool, message)
            .hint(format!(
                "`rustup target add {triple}`; dependencies in C want a compiler for it too (`apt-get install \
                 musl-tools`)"
            ))
            .into());
    }
    Ok(triple)
}

/// Where the image belongs; it has to be said only where something is pushed.
fn target(context: &Context, args: &PackArgs) -> anyhow::Result<Option<Reference>> {
    let needed = args.push.then_some("`--push`: it is not said where to");
    destination::find(context, args.image.as_deref(), &args.tags, needed, "the image is packed")
}

/// What the server finds in its container. No PORT, which is the platform's to give, and no revision: a commit that
/// changes no input changes no image.
pub fn container_environment(context: &Context) -> BTreeMap<String, String> {
    let mut env = environment::production(&context.project);
    let mut set = |name: &str, value: String| drop(env.insert(name.to_owned(), value));
    set("LEPTOS_SITE_ROOT", SITE_DIR.to_owned());
    set("HOST", "0.0.0.0".to_owned());
    // For a server that knows only Leptos' own variable: an address on the container's loopback reaches nobody.
    set("LEPTOS_SITE_ADDR", format!("0.0.0.0:{}", context.project.site_addr.port()));
    env
}

/// What says whose image it is. No revision: a commit that changes no input changes no image.
pub fn labels(context: &Context) -> BTreeMap<String, String> {
    let mut labels = labels_of_workspace(context);
    if let Some(source) = image_environment::github_repository() {
        labels.entry(SOURCE.to_owned()).or_insert(source);
    }
    labels
}

/// Those that follow from the workspace alone, wherever the image is made. None is empty.
pub fn labels_of_workspace(context: &Context) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::from([(TITLE.to_owned(), context.project.name.clone())]);
    let server = context.workspace.package(&context.project.bin_package.name);
    let source = server.and_then(|package| package.repository.clone());
    labels.extend(source.filter(|source| !source.is_empty()).map(|source| (SOURCE.to_owned(), source)));
    labels
}

fn record_of(
    context: &Context,
    plan: &Plan,
    (began, started): (Instant, SystemTime),
    outcome: Outcome,
    result: &anyhow::Result<()>,
    revision: Revision,
) -> PackRecord {
    let (mut base, mut platform, mut repository) = (String::new(), String::new(), None);
    for step in &plan.steps {
        match &step.action {
            Action::Operation(Operation::ReadBase(input)) => {
                base = input.reference.clone().unwrap_or_else(|| NO_BASE.to_owned());
                platform.clone_from(&input.platform);
            }
            Action::Operation(Operation::PushImage(input)) => repository = Some(input.repository.clone()),
            _ => {}
        }
    }
    let digest = outcome.digest();
    let reference = repository.as_ref().zip(outcome.pushed.as_ref());
    PackRecord {
        schema: PACK_SCHEMA,
        result: match result {
            Ok(()) => RunResult::Ok,
            Err(error) if matches!(Exit::of(error), Exit::Interrupted(_)) => RunResult::Interrupted,
            Err(_) => RunResult::Failed,
        },
        started: chrono::DateTime::<chrono::Utc>::from(started).to_rfc3339(),
        project: context.project.name.clone(),
        revision,
        reference: reference.map(|(repository, pushed)| format!("{repository}@{}", pushed.digest)),
        repository,
        tags: outcome.pushed.as_ref().map(|pushed| pushed.tags.clone()).unwrap_or_default(),
        digest,
        input_digest: outcome.image.as_ref().map(|image| image.input_digest.clone()),
        base: BaseRecord {
            reference: base,
            digest: outcome
                .base
                .as_ref()
                .and_then(|base| base.source.as_ref())
                .map(|source| source.digest.to_string()),
        },
        platform,
        layers: outcome.layers(),
        reused: outcome.pushed.as_ref().is_some_and(|pushed| pushed.reused),
        steps: outcome.steps,
        seconds: began.elapsed().as_secs_f64(),
    }
}
