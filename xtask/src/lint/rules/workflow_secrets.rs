//! Secrets and foreign text in workflows: what ends up in a command line, in an image, or in a run of somebody
//! else's code.

use std::collections::BTreeSet;

use super::super::dockerfile::instruction::Mount;
use super::super::facts::Facts;
use super::super::rule::{InFile, Rule};
use super::super::secret_names;
use super::super::workflows::{self, Job, Step, Workflow};
use super::super::yaml::Node;
use crate::record::doctor::Severity;

const IN_RUN: Rule = Rule {
    name: "secret-in-run",
    severity: Severity::Error,
    reason: "The value becomes part of the script: a quote in it is code, it is in the argument list that every \
             process can read, and in error messages.",
    fix: "give it to the step with `env:` and use the variable, in quotes",
};

const USER_TEXT: Rule = Rule {
    name: "user-text-in-run",
    severity: Severity::Error,
    reason: "Somebody else writes that text, e.g. the title of a pull request or the input of a run, and the shell \
             runs it.",
    fix: "give it to the step with `env:` and use the variable, in quotes",
};

const IN_BUILD_ARG: Rule = Rule {
    name: "secret-in-build-arg",
    severity: Severity::Error,
    reason: "Build arguments are in the image's history and, for public repositories, in its provenance.",
    fix: "use `secrets:` (or `--secret`), and `RUN --mount=type=secret` in the Dockerfile",
};

const MALFORMED: Rule = Rule {
    name: "build-secret-malformed",
    severity: Severity::Error,
    reason: "Each line of `secrets:` is one secret, ID=VALUE. Several in one line become one value, which is no \
             credential.",
    fix: "write one line for each: `aws_access_key_id=${{ secrets.AWS_ACCESS_KEY_ID }}`",
};

const UNUSED: Rule = Rule {
    name: "build-secret-unused",
    severity: Severity::Warning,
    reason: "No RUN mounts a secret of that id, so the build never sees it: a cache that needs it stays empty \
             without a word.",
    fix: "mount it in the RUN that compiles: `--mount=type=secret,id=ID,env=NAME`",
};

const LOGIN: Rule = Rule {
    name: "login-password-argv",
    severity: Severity::Error,
    reason: "The password is in the argument list, which every process on the machine can read, and in traces of \
             the shell.",
    fix: "`echo \"$TOKEN\" | docker login ghcr.io -u \"$USER\" --password-stdin`, or docker/login-action",
};

const ON_PULL_REQUEST: Rule = Rule {
    name: "secrets-on-pull-request",
    severity: Severity::Warning,
    reason: "Pull requests from forks get no secrets, so the step fails there; and code of a pull request runs \
             beside credentials that write.",
    fix: "add `if: github.event_name != 'pull_request'` to the step, or do it in a workflow of its own",
};

const LONG_LIVED: Rule = Rule {
    name: "aws-long-lived-keys",
    severity: Severity::Warning,
    reason: "Keys of a user are good until somebody takes them away, wherever they have leaked to.",
    fix: "assume a role by OIDC: `role-to-assume` and `permissions: {id-token: write}`",
};

pub const ALL: &[&Rule] =
    &[&IN_RUN, &USER_TEXT, &IN_BUILD_ARG, &MALFORMED, &UNUSED, &LOGIN, &ON_PULL_REQUEST, &LONG_LIVED];

pub fn check(facts: &Facts<'_>, workflow: &Workflow, found: &mut InFile<'_>) {
    for job in &workflow.jobs {
        for step in &job.steps {
            script(step, found);
            build(facts, step, found);
            credentials(workflow, job, step, found);
        }
    }
}

fn script(step: &Step, found: &mut InFile<'_>) {
    let Some(script) = &step.script else { return };
    let mut seen = BTreeSet::new();
    for (offset, expression) in workflows::expressions(&script.text) {
        if !seen.insert(expression) {
            continue;
        }
        let line = script.line_of(offset);
        if expression.contains("secrets.") || expression.contains("secrets[") {
            found.add(&IN_RUN, line, format!("`${{{{ {expression} }}}}` in `run`"));
        } else if is_foreign(expression) {
            found.add(&USER_TEXT, line, format!("`${{{{ {expression} }}}}` in `run`"));
        }
    }
    for command in &step.commands {
        let words = workflows::words(command);
        let is_client = words.first().is_some_and(|it| ["docker", "podman", "crane", "helm"].contains(it));
        let is_login = is_client && words.contains(&"login");
        let gives = |word: &&str| {
            ["-p", "--password"].contains(word)
                || word.starts_with("--password=")
                || (word.starts_with("-p") && word.len() > 2)
        };
        if is_login && words.iter().any(gives) {
            found.add(&LOGIN, command.line, format!("`{} login` with a password as an argument", words[0]));
        }
    }
}

/// Whether somebody from outside writes the text.
fn is_foreign(expression: &str) -> bool {
    let event = expression.contains("github.event.");
    let written =
        [".title", ".body", ".message", ".name", ".email", ".ref", ".label", ".description", ".page_name"];
    let is_own = ["repository.name", "repository.owner", "repository.full_name"]
        .iter()
        .any(|it| expression.contains(it));
    (event && !is_own && written.iter().any(|ending| expression.contains(ending)))
        || expression.contains("github.head_ref")
        || expression.contains("github.event.inputs.")
        || expression.starts_with("inputs.")
}

fn build(facts: &Facts<'_>, step: &Step, found: &mut InFile<'_>) {
    if step.uses("docker/build-push-action") {
        let file = step.input("file").and_then(Node::text).unwrap_or("Dockerfile");
        for (line, entry) in lines(step.input("build-args")) {
            argument(&entry, line, found);
        }
        for (line, entry) in lines(step.input("secrets")) {
            let plain = entry.trim_matches(['"', '\'']);
            let (id, value) = plain.split_once('=').unwrap_or((plain, ""));
            let has_several = value.split(',').skip(1).any(|more| more.contains('='));
            if has_several || value.is_empty() {
                found.add(&MALFORMED, line, format!("the secret `{id}` is no ID=VALUE"));
            }
            mounted(facts, file, id, line, found);
        }
        for name in ["secret-envs", "secret-files"] {
            for (line, entry) in lines(step.input(name)) {
                let id = entry.split('=').next().unwrap_or_default();
                mounted(facts, file, id, line, found);
            }
        }
    }
    for command in &step.commands {
        let args = workflows::image_builds(command);
        let file = value(&args, &["-f", "--file"]).first().copied().unwrap_or("Dockerfile");
        for entry in value(&args, &["--build-arg"]) {
            argument(entry, command.line, found);
        }
        for entry in value(&args, &["--secret"]) {
            let id = entry.split(',').find_map(|part| part.strip_prefix("id="));
            mounted(facts, file, id.unwrap_or_default(), command.line, found);
        }
    }
}

/// The values of a flag, in both ways of writing.
fn value<'a>(args: &[&'a str], names: &[&str]) -> Vec<&'a str> {
    let mut found = Vec::new();
    for (index, arg) in args.iter().enumerate() {
        match arg.split_once('=') {
            Some((name, value)) if names.contains(&name) => found.push(value),
            _ if names.contains(arg) => found.extend(args.get(index + 1)),
            _ => {}
        }
    }
    found
}

fn argument(entry: &str, line: usize, found: &mut InFile<'_>) {
    let (name, value) = entry.split_once('=').unwrap_or((entry, ""));
    if secret_names::is_variable(name) || value.contains("secrets.") {
        found.add(&IN_BUILD_ARG, line, format!("the build argument `{name}`"));
    }
}

fn mounted(facts: &Facts<'_>, file: &str, id: &str, line: usize, found: &mut InFile<'_>) {
    let file = file.trim_start_matches("./");
    let Some(recipe) = facts.recipes.iter().find(|recipe| recipe.file == file) else { return };
    let steps = recipe.parsed.stages.iter().flat_map(|stage| &stage.steps);
    let mut mounts = steps.flat_map(|step| step.mounts(recipe.parsed.escape));
    let is_it = |mount: &Mount| {
        // Without an id the name of the file is it.
        let name = mount.target.rsplit('/').next().unwrap_or_default();
        mount.kind == "secret" && (mount.id == id || (mount.id.is_empty() && (name == id || mount.env == id)))
    };
    if !mounts.any(|mount| is_it(&mount)) {
        found.add(&UNUSED, line, format!("{file} mounts no secret `{id}`"));
    }
}

/// The lines of an input, with their numbers.
fn lines(node: Option<&Node>) -> Vec<(usize, String)> {
    let Some(node) = node else { return Vec::new() };
    let of_text = node.text().into_iter().flat_map(str::lines).enumerate();
    let all = of_text.map(|(index, line)| (node.line + index, line.trim().to_owned()));
    all.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')).collect()
}

fn credentials(workflow: &Workflow, job: &Job, step: &Step, found: &mut InFile<'_>) {
    let texts = step.texts();
    let long_lived =
        step.input("aws-secret-access-key").or_else(|| step.node.at(&["env", "AWS_SECRET_ACCESS_KEY"]));
    if let Some(key) = long_lived.filter(|key| key.text().is_some_and(|text| text.contains("secrets."))) {
        found.add(&LONG_LIVED, key.line, "the access key of a user");
    }
    let is_guarded =
        [step.node.text_at("if"), job.node.text_at("if")].into_iter().flatten().any(|condition| {
            ["pull_request", "github.ref", "fork", "push", "github.event_name", "github.repository"]
                .iter()
                .any(|it| condition.contains(it))
        });
    let secret = texts.iter().find(|(_, text, _)| {
        let expressions = workflows::expressions(text);
        expressions.iter().any(|(_, it)| it.contains("secrets.") && !it.contains("secrets.GITHUB_TOKEN"))
    });
    if let Some((_, _, line)) = secret.filter(|_| workflow.starts_on("pull_request") && !is_guarded) {
        found.add(&ON_PULL_REQUEST, *line, "the step uses secrets, and runs for pull requests too");
    }
}
