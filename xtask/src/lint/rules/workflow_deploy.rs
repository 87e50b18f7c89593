//! Workflows that deploy: only what was built and tested, only one at a time, and really that.

use super::super::rule::{InFile, Rule};
use super::super::workflows::{self, Job, Step, Workflow};
use super::super::yaml::Node;
use super::railway;
use crate::record::doctor::Severity;

const REDEPLOY: Rule = Rule {
    name: "railway-redeploy",
    severity: Severity::Error,
    reason: "It runs the image of the deployment that is live once more and reports success: the new one is never \
             deployed.",
    fix: "set the image with serviceInstanceUpdate, then call serviceInstanceDeployV2; `cargo xtask deploy` does \
             both and checks what runs",
};

const UPDATE_WITHOUT_DEPLOY: Rule = Rule {
    name: "railway-update-without-deploy",
    severity: Severity::Error,
    reason: "Changing the image of a service starts no deployment: the old one goes on.",
    fix: "call serviceInstanceDeployV2 after it, and follow the deployment that it names",
};

const WITHOUT_DIGEST: Rule = Rule {
    name: "deploy-without-digest",
    severity: Severity::Warning,
    reason: "A tag can mean another image between the test and the deployment, and nobody can tell afterwards what \
             ran.",
    fix: "hand the digest of the build on (`outputs.digest`) and deploy `IMAGE@sha256:…`",
};

const AFTER_FAILURE: Rule = Rule {
    name: "deploy-after-failure",
    severity: Severity::Error,
    reason: "The deployment runs although what it deploys was not built or not tested: an old image goes live as a \
             new one, or a broken one.",
    fix: "let it need the job that builds, without `always()` and without `continue-on-error` there",
};

const WITHOUT_CONCURRENCY: Rule = Rule {
    name: "deploy-without-concurrency",
    severity: Severity::Warning,
    reason: "Two pushes deploy at the same time, and the older commit may be the one that stays; or one is cut off \
             half-way.",
    fix: "add `concurrency: {group: deploy-production, cancel-in-progress: false}` to the job",
};

pub const ALL: &[&Rule] =
    &[&REDEPLOY, &UPDATE_WITHOUT_DEPLOY, &WITHOUT_DIGEST, &AFTER_FAILURE, &WITHOUT_CONCURRENCY];

pub fn check(workflow: &Workflow, found: &mut InFile<'_>) {
    let all: String = workflow.jobs.iter().flat_map(|job| job.texts()).map(|(_, text, _)| text).collect();
    for job in &workflow.jobs {
        for step in &job.steps {
            mutations(step, &all, found);
        }
        if job.deploys() {
            order(workflow, job, found);
            digest(job, found);
            concurrency(workflow, job, found);
        }
    }
}

fn mutations(step: &Step, all: &str, found: &mut InFile<'_>) {
    let Some(script) = &step.script else { return };
    let place = |needle: &str| script.text.find(needle).map(|offset| script.line_of(offset));
    if let Some(line) = place("serviceInstanceRedeploy") {
        found.add(&REDEPLOY, line, "`serviceInstanceRedeploy`");
    }
    if let Some(line) = place("serviceInstanceUpdate").filter(|_| !all.contains("serviceInstanceDeploy")) {
        found.add(&UPDATE_WITHOUT_DEPLOY, line, "`serviceInstanceUpdate`, and nothing that deploys");
    }
    for command in &step.commands {
        let words = workflows::words(command);
        let is_redeploy = matches!(words.as_slice(), ["railway", rest @ ..] if rest.contains(&"redeploy"));
        if is_redeploy && !words.contains(&"--from-source") {
            found.add(&REDEPLOY, command.line, "`railway redeploy` without --from-source");
        }
        let is_request = words.first().is_some_and(|program| ["curl", "wget", "http"].contains(program));
        let hook = words.iter().find(|word| {
            let word = word.to_ascii_lowercase();
            let is_hook = word.contains("hook") || word.contains("deploy_url");
            is_hook && (word.contains("railway") || word.contains("${{") && word.contains("railway"))
        });
        if let Some(hook) = hook.filter(|_| is_request) {
            let name = workflows::expressions(hook)
                .first()
                .map_or((*hook).to_owned(), |(_, name)| (*name).to_owned());
            found.add(&railway::WEBHOOK, command.line, format!("a request to `{name}`"));
        }
    }
}

/// Whether a deployment comes after, and because of, a build that succeeded.
fn order(workflow: &Workflow, job: &Job, found: &mut InFile<'_>) {
    let defies = |condition: &str| {
        let runs_anyway = ["always()", "failure()", "!cancelled()"].iter().any(|it| condition.contains(it));
        runs_anyway && !(condition.contains(".result") && condition.contains("success"))
    };
    if let Some(condition) = job.node.get("if").filter(|node| node.text().is_some_and(defies)) {
        found.add(
            &AFTER_FAILURE,
            condition.line,
            format!("job `{}` runs `if: {}`", job.name, condition.text().unwrap_or_default()),
        );
    }
    for step in job.steps.iter().filter(|step| step.deploys()) {
        if let Some(condition) = step.node.get("if").filter(|node| node.text().is_some_and(defies)) {
            found.add(
                &AFTER_FAILURE,
                condition.line,
                format!("the step runs `if: {}`", condition.text().unwrap_or_default()),
            );
        }
    }
    let goes_on = |node: &Node| node.text_at("continue-on-error") == Some("true");
    let first = job.steps.iter().position(Step::deploys).unwrap_or(0);
    for step in job.steps[..first].iter().filter(|step| goes_on(&step.node) && step.makes_image()) {
        found.add(
            &AFTER_FAILURE,
            step.line,
            "the build may fail (continue-on-error), and the deployment follows",
        );
    }
    let builders: Vec<&Job> =
        workflow.jobs.iter().filter(|other| other.makes_image() && other.name != job.name).collect();
    if builders.is_empty() || job.makes_image() {
        return;
    }
    let mut needed = job.needs();
    let mut at = 0;
    while let Some(name) = needed.get(at).copied() {
        let more = workflow.job(name).map(Job::needs).unwrap_or_default();
        needed.extend(more.into_iter().filter(|name| !needed.contains(name)).collect::<Vec<_>>());
        at += 1;
    }
    match builders.iter().find(|builder| needed.contains(&builder.name.as_str())) {
        None => {
            let text =
                format!("job `{}` does not need `{}`, which builds the image", job.name, builders[0].name);
            found.add(&AFTER_FAILURE, job.line, text);
        }
        Some(builder) if goes_on(&builder.node) => {
            found.add(
                &AFTER_FAILURE,
                builder.line,
                format!("job `{}` may fail (continue-on-error)", builder.name),
            );
        }
        Some(_) => {}
    }
}

/// Whether what is deployed is named by a digest.
fn digest(job: &Job, found: &mut InFile<'_>) {
    let texts = job.texts();
    let has_digest = texts.iter().any(|(_, text, _)| {
        let text = text.to_ascii_lowercase();
        text.contains("digest") || text.contains("sha256:") || text.contains("outputs.reference")
    });
    let own_command = job.steps.iter().flat_map(|step| &step.commands).any(|command| {
        matches!(workflows::words(command).as_slice(), ["cargo", "xtask", "ci", "deploy", ..])
    });
    if has_digest || own_command {
        return;
    }
    // Only where an image is named at all; otherwise the platform builds.
    for step in job.steps.iter().filter(|step| step.deploys()) {
        let texts = step.texts();
        let image =
            texts.iter().filter(|(key, ..)| !["name", "if", "id"].contains(key)).find(|(_, text, _)| {
                let has_image = text.contains("ghcr.io/")
                    || text.contains("docker.io/")
                    || text.to_ascii_lowercase().contains("image");
                has_image && !text.is_empty()
            });
        if let Some((_, text, line)) = image {
            let at = ["ghcr.io/", "docker.io/", "image", "IMAGE"]
                .iter()
                .filter_map(|it| text.find(it))
                .min()
                .unwrap_or(0);
            let line = line + text[..at].matches('\n').count();
            found.add(&WITHOUT_DIGEST, line, "the image is named, and nowhere a digest");
        }
    }
}

fn concurrency(workflow: &Workflow, job: &Job, found: &mut InFile<'_>) {
    let Some(setting) = job.node.get("concurrency").or_else(|| workflow.root.get("concurrency")) else {
        found.add(&WITHOUT_CONCURRENCY, job.line, format!("job `{}` has no concurrency group", job.name));
        return;
    };
    if let Some(cancel) = setting.get("cancel-in-progress").filter(|node| node.text() == Some("true")) {
        found.add(&WITHOUT_CONCURRENCY, cancel.line, "a deployment that runs is cut off by the next one");
    }
}
