//! `cargo xtask ci image`: from the sources to an image that is tested and tagged, on the machine itself or by
//! Dockerfile.production.

use super::super::context::Context;
use super::super::docker::{build, pack, smoke};
use super::super::print;
use super::Outputs;
use crate::ci::github::GitHub;
use crate::ci::naming;
use crate::ci::summary::Summary;
use crate::cli::ci::ImageArgs;
use crate::cli::docker::{Cache, ImageBuildArgs, PackArgs, SmokeArgs};
use crate::config::registry::Sources;
use crate::exec::Executor;
use crate::exit::Failure;
use crate::facts::revision::Revision;
use crate::image::reference::Reference;
use crate::image::tagging;
use crate::report::{self, Format};

/// What is made, and what becomes of it.
struct Wanted {
    /// Registry and name.
    repository: String,
    push: bool,
    /// Whether it is made although the registry has one of the same inputs.
    force: bool,
    dry_run: bool,
}

/// What was made.
struct Made {
    digest: Option<String>,
    /// By digest; `None` where it was not pushed.
    reference: Option<String>,
    /// In Markdown.
    report: String,
}

/// Makes the image; pushes, tests and tags it where the event may do so.
pub fn make(
    exec: &Executor,
    github: Option<&GitHub>,
    args: &ImageArgs,
    summary: &mut Summary,
) -> anyhow::Result<Outputs> {
    summary.begin("configuration");
    let context = Context::load(exec, &args.selection)?;
    let wanted = Wanted {
        repository: repository(context.automation.image.as_deref(), github)?,
        push: github.is_none_or(GitHub::may_push),
        force: github.and_then(|github| github.flag("force_rebuild")) == Some(true),
        dry_run: args.dry_run,
    };
    let tags = match github {
        Some(github) => naming::tags(github),
        None => own_tags(&Revision::probe(exec, &context.workspace.root)),
    };

    let made = if args.dockerfile || github.is_some_and(by_dockerfile) {
        summary.begin("build by Dockerfile.production");
        built(exec, &context, args, &wanted)?
    } else {
        summary.begin("build and pack");
        packed(exec, &context, args, &wanted)?
    };
    let Some(made) = made else {
        // Which image it will be is not known before it is made.
        let next =
            format!("# smoke\n# cargo xtask docker smoke IMAGE@DIGEST\n# tag\n# {}\n", tags.join(", "));
        return print(if wanted.push { &next } else { "" }).map(|()| Outputs::new());
    };
    summary.add(made.report);
    if let Some(github) = github {
        summary.add(format!("Made for {}.", github.commit_url()));
    }
    let mut outputs = Outputs::from([("image", wanted.repository)]);
    outputs.extend(made.digest.map(|digest| ("digest", digest)));
    let Some(reference) = made.reference else {
        summary.add(format!("Not pushed, and so not tested: {}.", unpushed(github)));
        return Ok(outputs);
    };

    summary.begin("smoke test");
    if let Some(looked) = smoke::smoke(exec, &context.workspace, &SmokeArgs::of(reference.clone()))? {
        summary.add(report::smoke::render(&looked, Format::Markdown)?);
        smoke::verdict(&looked)?;
    }

    // Only now: what people find under a name that they know has been tested.
    summary.begin("tagging");
    tagging::tag(exec, &Sources::read()?, &Reference::parse(&reference)?, &tags)?;
    if !tags.is_empty() {
        summary.add(format!("Tagged `{}`.", tags.join("`, `")));
    }
    outputs.push(("reference", reference));
    Ok(outputs)
}

/// Builds on this machine, and packs.
fn packed(
    exec: &Executor,
    context: &Context,
    args: &ImageArgs,
    wanted: &Wanted,
) -> anyhow::Result<Option<Made>> {
    let packing = PackArgs {
        image: Some(wanted.repository.clone()),
        push: wanted.push,
        force: wanted.force && wanted.push,
        dry_run: wanted.dry_run,
        ..PackArgs::of(args.selection.clone())
    };
    let Some(record) = pack::pack(exec, context, &packing)? else { return Ok(None) };
    let report = report::pack::render(&record, Format::Markdown)?;
    Ok(Some(Made { digest: record.digest, reference: record.reference, report }))
}

/// Builds in Docker. The layers are kept in the registry, for builders that begin with nothing.
fn built(
    exec: &Executor,
    context: &Context,
    args: &ImageArgs,
    wanted: &Wanted,
) -> anyhow::Result<Option<Made>> {
    let building = ImageBuildArgs {
        image: Some(wanted.repository.clone()),
        push: wanted.push,
        force: wanted.force,
        no_cache: wanted.force,
        cache: vec![Cache::Registry],
        dry_run: wanted.dry_run,
        ..ImageBuildArgs::of(args.selection.clone())
    };
    let Some(record) = build::build(exec, context, &building)? else { return Ok(None) };
    let report = report::docker_build::render(&record, Format::Markdown)?;
    Ok(Some(Made { digest: record.digest, reference: record.reference, report }))
}

/// On schedule, which shows in time that this way still works, and where somebody has asked for it.
fn by_dockerfile(github: &GitHub) -> bool {
    github.event == "schedule" || github.flag("dockerfile") == Some(true)
}

/// Why the image stays here.
fn unpushed(github: Option<&GitHub>) -> &'static str {
    match github {
        Some(github) if !github.is_trusted() => "others than the repository's own people can cause the event",
        Some(github) if github.event == "merge_group" => "what a merge queue builds may never land",
        _ => "`push` is not ticked",
    }
}

/// Where the image is pushed to. A tag that came along would name the image before it is tested.
fn repository(configured: Option<&str>, github: Option<&GitHub>) -> anyhow::Result<String> {
    let text = naming::repository(configured, github)?;
    let image = Reference::parse(&text)?;
    if image.tag.is_some() || image.digest.is_some() {
        let message = format!("`image` in [workspace.metadata.xtask] has a tag or a digest: `{text}`");
        let hint = format!("leave it out: `{}`; `ci image` tags what it has tested", image.name());
        return Err(Failure::usage(message).hint(hint).into());
    }
    Ok(image.name())
}

/// On a laptop: the commit, if that is what was built.
fn own_tags(revision: &Revision) -> Vec<String> {
    let commit = revision.commit.as_deref().filter(|_| revision.dirty == Some(false));
    commit.map(naming::commit_tag).into_iter().collect()
}
