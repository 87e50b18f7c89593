//! Workflows as such: what they run, what they may, and what they leave lying about.

use super::super::facts::Facts;
use super::super::rule::{Findings, InFile, Rule};
use super::super::workflows::{Job, Step, Workflow};
use super::super::yaml::{Kind, Node};
use crate::record::doctor::Severity;

const SYNTAX: Rule = Rule {
    name: "settings-unreadable",
    severity: Severity::Error,
    reason: "Whoever reads the file refuses it, and none of its contents was looked at here.",
    fix: "correct the line",
};

const ACTION_UNPINNED: Rule = Rule {
    name: "action-unpinned",
    severity: Severity::Warning,
    reason: "Tags and branches of actions can be moved, and have been: other code then runs with the secrets of the \
             job.",
    fix: "name the full hash, with the version behind it: `uses: OWNER/ACTION@0123…cdef # v1.2.3`",
};

const PERMISSIONS_MISSING: Rule = Rule {
    name: "permissions-missing",
    severity: Severity::Warning,
    reason: "The token of the job may then do whatever the repository's setting allows, often writing everywhere.",
    fix: "put `permissions: {}` at the top, and name what each job needs, e.g. `contents: read`, `packages: write`",
};

const CHECKOUT_KEEPS_TOKEN: Rule = Rule {
    name: "checkout-keeps-token",
    severity: Severity::Warning,
    reason: "The token stays in .git/config, where everything that is compiled can read it, and where `COPY . .` \
             takes it into a layer.",
    fix: "add `with: {persist-credentials: false}`",
};

const JOB_WITHOUT_TIMEOUT: Rule = Rule {
    name: "job-without-timeout",
    severity: Severity::Note,
    reason: "A push or a compiler that hangs is paid for six hours.",
    fix: "add `timeout-minutes`",
};

pub const ALL: &[&Rule] =
    &[&SYNTAX, &ACTION_UNPINNED, &PERMISSIONS_MISSING, &CHECKOUT_KEEPS_TOKEN, &JOB_WITHOUT_TIMEOUT];

/// Files that are no YAML, JSON or TOML.
pub fn check_unreadable(facts: &Facts<'_>, findings: &mut Findings) {
    for (file, line, message) in &facts.unreadable {
        findings.file(file).add(&SYNTAX, *line, message);
    }
}

pub fn check(workflow: &Workflow, found: &mut InFile<'_>) {
    let has_own = workflow.root.get("permissions").is_some();
    for job in &workflow.jobs {
        if !has_own && job.node.get("permissions").is_none() {
            found.add(
                &PERMISSIONS_MISSING,
                job.line,
                format!("neither the workflow nor job `{}` has permissions", job.name),
            );
        }
        let is_called = job.node.get("uses");
        if is_called.is_none() && job.node.get("timeout-minutes").is_none() {
            found.add(&JOB_WITHOUT_TIMEOUT, job.line, format!("job `{}` has no timeout-minutes", job.name));
        }
        if let Some(node) = is_called {
            pinned(node, found);
        }
        for step in &job.steps {
            one_step(job, step, found);
        }
    }
}

fn one_step(job: &Job, step: &Step, found: &mut InFile<'_>) {
    if let Some(node) = step.node.get("uses") {
        pinned(node, found);
    }
    let keeps = step.input("persist-credentials").and_then(Node::text) != Some("false");
    // A job that pushes commits needs it.
    let pushes = job.steps.iter().any(|step| {
        step.commands.iter().any(|command| {
            command.words.first().is_some_and(|it| it == "git") && command.words.iter().any(|it| it == "push")
        })
    });
    if step.uses("actions/checkout") && keeps && !pushes {
        found.add(&CHECKOUT_KEEPS_TOKEN, step.line, "the checkout keeps its token");
    }
}

fn pinned(node: &Node, found: &mut InFile<'_>) {
    let Kind::Text(action) = &node.kind else { return };
    let is_hash =
        |revision: &str| revision.len() == 40 && revision.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_pinned = match action.strip_prefix("docker://") {
        Some(image) => image.contains("@sha256:"),
        None => {
            action.starts_with("./") || action.split_once('@').is_some_and(|(_, revision)| is_hash(revision))
        }
    };
    if !is_pinned {
        found.add(&ACTION_UNPINNED, node.line, format!("`{action}`"));
    }
}
