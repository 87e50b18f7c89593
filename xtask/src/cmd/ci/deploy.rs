//! `cargo xtask ci deploy`.

use super::Outputs;
use crate::ci::github::GitHub;
use crate::ci::summary::Summary;
use crate::cli::ci::CiDeployArgs;
use crate::cli::deploy::{DeployArgs, TargetArgs};
use crate::cmd::deploy::{self, Deployed, Older};
use crate::exec::Executor;
use crate::exit::Failure;
use crate::report::{self, Format};

/// The variable that says what is deployed.
const IMAGE: &str = "XTASK_IMAGE";

/// Deploys what the variable names, where the event may do so.
pub fn go(
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
    if let Some(github) = github {
        admit(github)?;
    }

    summary.begin("deployment");
    let deploying = DeployArgs {
        revision: args.revision.clone().or_else(|| github.map(|github| github.sha.clone())),
        precheck: args.precheck.clone(),
        wait: args.wait.clone(),
        target: target(github, &args.target),
        dry_run: args.dry_run,
        ..DeployArgs::of(image)
    };
    // Whoever means it can say so.
    let older = if github.is_some() && !args.precheck.unchecked { Older::Leave } else { Older::Deploy };
    let deployed = match deploy::deploy(exec, &deploying, older)? {
        Deployed::Done(deployed) => deployed,
        Deployed::Planned => return Ok(Outputs::new()),
        Deployed::Overtaken(newer) => {
            let told = format!(
                "nothing was deployed: {} is live, which is newer and has this commit in its history",
                newer.revision
            );
            exec.ui().note(&told);
            summary.add(format!("{told}. `cargo xtask deploy rollback` goes back to an earlier one."));
            return Ok(newer.url.map(|url| ("url", url)).into_iter().collect());
        }
    };
    summary.add(report::deploy::render(&deployed, Format::Markdown)?);
    let deployment = deployed.deployment.map(|id| ("deployment", id));
    let url = deployed.url.map(|url| ("url", url));
    Ok(deployment.into_iter().chain(url).collect())
}

/// The second lock: a workflow whose conditions are wrong must not deploy what nobody has merged or asked for.
fn admit(github: &GitHub) -> anyhow::Result<()> {
    // What a schedule or a program starts is for nobody to see, though it is what the default branch is.
    let is_meant = matches!(github.event.as_str(), "push" | "workflow_dispatch");
    if !is_meant || !github.may_promote() {
        let message = format!("event `{}` of {} may not deploy", github.event, github.git_ref);
        return Err(Failure::usage(message)
            .hint(
                "only the default branch may, and only what is pushed or started by hand; give the job a condition \
                 (`if:`), e.g. the output `deploy` of `ci changes`",
            )
            .into());
    }
    if github.flag("deploy") == Some(false) {
        return Err(Failure::usage("whoever started this workflow has not ticked `deploy`")
            .hint("tick it, or give the job the output `deploy` of `ci changes` as its condition (`if:`)")
            .into());
    }
    Ok(())
}

/// What was chosen for the workflow is the environment at Railway too. A token of another one is refused then, so that
/// a secret in the wrong place deploys nothing.
fn target(github: Option<&GitHub>, typed: &TargetArgs) -> TargetArgs {
    let mut target = typed.clone();
    let chosen = || github.and_then(|github| github.chosen("environment")).map(str::to_owned);
    target.environment = target.environment.or_else(chosen);
    target
}
