//! `cargo xtask docker prune`.

use chrono::TimeDelta;

use super::own;
use crate::cli::docker::PruneArgs;
use crate::cmd::{admitted, confirmed, print};
use crate::config::automation::Automation;
use crate::config::github::GitHubApi;
use crate::config::registry::Sources;
use crate::config::root;
use crate::exec::Executor;
use crate::exit::{Exit, Failure};
use crate::facts::workspace::Workspace;
use crate::image::ghcr::{self, Account, Policy};
use crate::image::reference::Reference;
use crate::plan::{Action, Operation, Plan, Stage, Step};
use crate::record::deploy::deployed_digests;
use crate::record::inspect::{Fate, PRUNE_SCHEMA, PruneRecord};
use crate::report;

pub fn run(exec: &Executor, args: &PruneArgs) -> anyhow::Result<()> {
    let workspace = Workspace::probe(exec, &root::find()?)?;
    let automation = Automation::from_metadata(&workspace.metadata)?;
    let (sources, github) = (Sources::read()?, GitHubApi::read()?);
    let image = image(args, &automation, &github)?;
    let deployed = deployed_digests(&workspace.target_directory);
    let protection = protection(args, deployed.len());
    let digests = [args.keep_images.clone(), deployed].concat();
    let policy = Policy {
        keep: args.keep,
        younger_than: TimeDelta::days(i64::from(args.keep_days)),
        digests,
        tags: args.keep_tags.clone(),
    };
    let own = own::image(&workspace)?;
    let account = Account { sources: &sources, github: &github, own: own.as_ref() };
    let (mut versions, operation) = ghcr::survey(exec, &account, &image, &policy, protection)?;
    let count = operation.versions.len();
    let plan = Plan {
        command: "docker prune".to_owned(),
        steps: vec![Step {
            name: "delete versions".to_owned(),
            stage: Stage::Finish,
            action: Action::Operation(Operation::DeleteVersions(operation.clone())),
        }],
    };
    if !admitted(exec, &plan, args.format)? {
        return Ok(());
    }
    if count > 0 {
        if args.yes {
            exec.ui().note(&operation.protection);
        }
        let question = format!(
            "{}; delete {count} of {} versions of {}?",
            operation.protection,
            versions.len(),
            image.name()
        );
        confirmed(exec, args.yes, &question, "`--dry-run` lists them")?;
    }
    let result = ghcr::delete(exec, &github, &image, &operation, &mut versions);
    let record = PruneRecord {
        schema: PRUNE_SCHEMA,
        package: image.name(),
        deleted: versions.iter().filter(|version| version.fate == Fate::Deleted).count(),
        versions,
    };
    // What was deleted before a failure is gone all the same.
    print(&exec.redact(&report::inspect::render_prune(&record, args.format)?))?;
    result?;
    let refused = record.versions.iter().filter(|version| version.fate == Fate::Refused).count();
    if refused == 0 {
        return Ok(());
    }
    let message =
        format!("GitHub refused to delete {refused} version{}", if refused == 1 { "" } else { "s" });
    Err(Failure::new(Exit::CommandFailed, message).hint("the report has its reasons").into())
}

/// Which images stay because they are deployed: those that records of this machine name, and those of the arguments.
/// What was deployed elsewhere, e.g. by CI, nobody here knows.
fn protection(args: &PruneArgs, deployed: usize) -> String {
    let images = |count: usize| if count == 1 { "1 image".to_owned() } else { format!("{count} images") };
    let (keep, days) = (args.keep, args.keep_days);
    let otherwise = format!(
        "an image that is live and was deployed elsewhere is kept only as one of the {keep} newest, younger than \
         {days} days, `latest` or a version, or by `--keep-image DIGEST`"
    );
    match (deployed, args.keep_images.len()) {
        (0, 0) => {
            format!("no deployment is on record on this machine, so none is kept for its sake: {otherwise}")
        }
        (0, named) => format!(
            "no deployment is on record on this machine; `--keep-image` keeps {}, and no other: {otherwise}",
            images(named)
        ),
        (deployed, _) => format!(
            "records of deployments from this machine keep {}, and no other: {otherwise}",
            images(deployed)
        ),
    }
}

fn image(args: &PruneArgs, automation: &Automation, github: &GitHubApi) -> anyhow::Result<Reference> {
    let text = args.image.as_deref().or(automation.image.as_deref()).ok_or_else(|| {
        Failure::usage("it is not said which package").hint(
            "give ghcr.io/OWNER/NAME, or set `image` in [workspace.metadata.xtask] in the root Cargo.toml",
        )
    })?;
    let image = Reference::parse(text)?;
    if image.registry != github.registry {
        let message =
            format!("{} is not on {}, and only there versions can be deleted", image.name(), github.registry);
        return Err(Failure::usage(message).into());
    }
    for digest in &args.keep_images {
        Reference::parse(&format!("{}@{}", image.name(), digest))?;
    }
    Ok(image)
}
