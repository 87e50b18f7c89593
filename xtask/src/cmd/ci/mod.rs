//! `cargo xtask ci`: the steps of the workflows. Each is other commands in a row, with outputs and a summary.

mod changes;
mod check;
mod comment;
mod deps_report;
mod gate;
mod summary;
mod test;

use super::context::Context;
use super::docker::{pack, smoke};
use super::print;
use crate::ci::github::GitHub;
use crate::ci::summary::Summary;
use crate::ci::{naming, outputs};
use crate::cli::ci::{ChangesArgs, CheckArgs, CiDeployArgs, ImageArgs};
use crate::cli::ci_reports::{CiTestArgs, CommentArgs, DepsReportArgs, SummaryArgs};
use crate::cli::deploy::DeployArgs;
use crate::cli::docker::{PackArgs, SmokeArgs};
use crate::config::registry::Sources;
use crate::exec::Executor;
use crate::exit::Failure;
use crate::facts::revision::Revision;
use crate::image::reference::Reference;
use crate::image::tagging;
use crate::report::{self, Format};

/// The variable that says what `ci deploy` deploys.
const IMAGE: &str = "XTASK_IMAGE";

/// What a step gives to those after it: names and values.
type Outputs = Vec<(&'static str, String)>;

pub fn image(exec: &Executor, args: &ImageArgs) -> anyhow::Result<()> {
    let github = GitHub::read()?;
    told(exec, github.as_ref(), "Image", |summary| make_image(exec, github.as_ref(), args, summary))
}

pub fn changes(exec: &Executor, args: &ChangesArgs) -> anyhow::Result<()> {
    let github = GitHub::read()?;
    told(exec, github.as_ref(), "Changes", |summary| changes::find(exec, github.as_ref(), args, summary))
}

pub fn check(exec: &Executor, args: &CheckArgs) -> anyhow::Result<()> {
    let github = GitHub::read()?;
    told(exec, github.as_ref(), "Checks", |summary| check::check(exec, github.is_some(), args, summary))
}

pub fn test(exec: &Executor, args: &CiTestArgs) -> anyhow::Result<()> {
    let github = GitHub::read()?;
    told(exec, github.as_ref(), "Tests", |summary| test::run(exec, github.is_some(), args, summary))
}

pub fn deps_report(exec: &Executor, args: &DepsReportArgs) -> anyhow::Result<()> {
    let github = GitHub::read()?;
    let title = "Dependencies";
    told(exec, github.as_ref(), title, |summary| deps_report::run(exec, github.as_ref(), args, summary))
}

pub fn comment(exec: &Executor, args: &CommentArgs) -> anyhow::Result<()> {
    let github = GitHub::read()?;
    told(exec, github.as_ref(), "Comment", |summary| comment::run(exec, github.as_ref(), args, summary))
}

pub fn summary(exec: &Executor, args: &SummaryArgs) -> anyhow::Result<()> {
    summary::run(exec, GitHub::read()?.as_ref(), args)
}

pub fn gate(exec: &Executor) -> anyhow::Result<()> {
    told(exec, GitHub::read()?.as_ref(), "Gate", gate::check)
}

pub fn deploy(exec: &Executor, args: &CiDeployArgs) -> anyhow::Result<()> {
    let github = GitHub::read()?;
    told(exec, github.as_ref(), "Deployment", |summary| deploy_image(exec, github.as_ref(), args, summary))
}

/// Carries out a step, then writes its outputs, and its summary also when it failed. Nothing is written in a dry run.
fn told(
    exec: &Executor,
    github: Option<&GitHub>,
    title: &str,
    work: impl FnOnce(&mut Summary) -> anyhow::Result<Outputs>,
) -> anyhow::Result<()> {
    let mut summary = Summary::new(title);
    let worked = work(&mut summary);
    if exec.is_dry_run() {
        return worked.map(drop);
    }
    let result = worked.and_then(|given| {
        let text = outputs::render(&given)?;
        match github {
            Some(github) => exec.append_file(&github.output, text.as_bytes()),
            None => print(&text),
        }
    });
    if let Err(error) = &result {
        summary.fail(error);
    }
    let text = format!("{}\n", summary.markdown(exec));
    let written = match github {
        Some(github) => exec.append_file(&github.summary, text.as_bytes()),
        None => {
            exec.ui().raw(&text);
            Ok(())
        }
    };
    // Why the step failed matters more than a summary that could not be written.
    result?;
    written
}

fn make_image(
    exec: &Executor,
    github: Option<&GitHub>,
    args: &ImageArgs,
    summary: &mut Summary,
) -> anyhow::Result<Outputs> {
    summary.begin("configuration");
    let context = Context::load(exec, &args.selection)?;
    let repository = repository(context.automation.image.as_deref(), github)?;
    let tags = match github {
        Some(github) => naming::tags(github),
        None => own_tags(&Revision::probe(exec, &context.workspace.root)),
    };
    let push = github.is_none_or(GitHub::is_trusted);

    summary.begin("build and pack");
    let packing = PackArgs {
        image: Some(repository.clone()),
        push,
        dry_run: args.dry_run,
        ..PackArgs::of(args.selection.clone())
    };
    let Some(packed) = pack::pack(exec, &context, &packing)? else {
        // Which image it will be is not known before it is packed.
        let next =
            format!("# smoke\n# cargo xtask docker smoke IMAGE@DIGEST\n# tag\n# {}\n", tags.join(", "));
        return print(if push { &next } else { "" }).map(|()| Outputs::new());
    };
    summary.add(report::pack::render(&packed, Format::Markdown)?);
    if let Some(github) = github {
        summary.add(format!("Made for {}.", github.commit_url()));
    }
    let mut outputs = Outputs::from([("image", repository)]);
    outputs.extend(packed.digest.map(|digest| ("digest", digest)));
    let Some(reference) = packed.reference else {
        summary.add(
            "Not pushed, and so not tested: others than the repository's own people can cause the event.",
        );
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

fn deploy_image(
    exec: &Executor,
    github: Option<&GitHub>,
    args: &CiDeployArgs,
    summary: &mut Summary,
) -> anyhow::Result<Outputs> {
    summary.begin("configuration");
    let image = std::env::var(IMAGE).ok().filter(|image| !image.is_empty());
    let image = image.ok_or_else(|| {
        Failure::usage(format!("{IMAGE} is not set, so there is nothing to deploy"))
            .hint("it is the output `reference` of `cargo xtask ci image`: REGISTRY/NAME@sha256:…")
    })?;
    if let Some(github) = github.filter(|github| !github.may_promote()) {
        let message = format!("event `{}` of {} may not deploy", github.event, github.git_ref);
        return Err(Failure::usage(message)
            .hint("only the default branch and the merge queue may; give the job a condition (`if:`)")
            .into());
    }

    summary.begin("deployment");
    let deploying = DeployArgs {
        revision: args.revision.clone().or_else(|| github.map(|github| github.sha.clone())),
        precheck: args.precheck.clone(),
        wait: args.wait.clone(),
        target: args.target.clone(),
        dry_run: args.dry_run,
        ..DeployArgs::of(image)
    };
    let Some(deployed) = super::deploy::deploy(exec, &deploying)? else { return Ok(Outputs::new()) };
    summary.add(report::deploy::render(&deployed, Format::Markdown)?);
    let deployment = deployed.deployment.map(|id| ("deployment", id));
    let url = deployed.url.map(|url| ("url", url));
    Ok(deployment.into_iter().chain(url).collect())
}
