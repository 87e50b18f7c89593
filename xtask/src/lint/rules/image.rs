//! The image as a thing that runs: its user, its command, its health check, its label, and what is in it for nothing.

use super::super::base_image::Image;
use super::super::calls::Kind;
use super::super::dockerfile::copies::From;
use super::super::dockerfile::instruction::Form;
use super::super::facts::{Facts, Recipe};
use super::super::rule::{InFile, Rule};
use super::super::shell;
use super::super::workflows::{self, Workflow};
use crate::record::doctor::Severity;

const RUNS_AS_ROOT: Rule = Rule {
    name: "runs-as-root",
    severity: Severity::Error,
    reason: "Whoever gets into the server is root in its container, and one fault of the kernel away from the host.",
    fix: "add `USER 65532:65532` to the last stage, or stand on a base with another user (`…:nonroot`)",
};

const SHELL_FORM: Rule = Rule {
    name: "shell-form-command",
    severity: Severity::Error,
    reason: "A shell is process 1 then, and most shells pass no SIGTERM on: the server is killed without having \
             closed its connections. Where the base has no shell it does not start at all.",
    fix: "write the words as a list: `CMD [\"/app/server\"]`; where a shell has to be, begin with `exec`",
};

const HEALTHCHECK_TOOL: Rule = Rule {
    name: "healthcheck-tool-missing",
    severity: Severity::Error,
    reason: "The check fails for ever in an image without that program, and whoever trusts it restarts a healthy \
             server.",
    fix: "let the server check itself, e.g. `HEALTHCHECK CMD [\"/app/server\", \"--health-check\"]`, or leave it to \
             the platform",
};

const HEALTHCHECK_PORT: Rule = Rule {
    name: "healthcheck-fixed-port",
    severity: Severity::Warning,
    reason: "The server listens where the platform's PORT says, and the check asks somewhere else.",
    fix: "ask at `${PORT:-3000}`, in a form that a shell expands, or let the server check itself",
};

const SOURCE_LABEL: Rule = Rule {
    name: "source-label-missing",
    severity: Severity::Warning,
    reason: "Without it a package on ghcr.io belongs to no repository: the workflow's token may not push to it, and \
             nobody finds its source.",
    fix: "add `LABEL org.opencontainers.image.source=https://github.com/OWNER/REPOSITORY` to the last stage",
};

const COMPILER_IN_IMAGE: Rule = Rule {
    name: "compiler-in-image",
    severity: Severity::Warning,
    reason: "Compiler, sources and all that was compiled ship with the server: more than a gigabyte, pulled at each \
             deployment.",
    fix: "build in a stage of its own, and copy binary and site into a small last one",
};

const SOURCES_IN_IMAGE: Rule = Rule {
    name: "sources-in-image",
    severity: Severity::Warning,
    reason: "Everything that .dockerignore lets through ships: sources, history, and one day a file with a secret.",
    fix: "copy only what runs: the binary, the site and hash.txt",
};

pub const ALL: &[&Rule] = &[
    &RUNS_AS_ROOT,
    &SHELL_FORM,
    &HEALTHCHECK_TOOL,
    &HEALTHCHECK_PORT,
    &SOURCE_LABEL,
    &COMPILER_IN_IMAGE,
    &SOURCES_IN_IMAGE,
];

const SOURCE: &str = "org.opencontainers.image.source";

pub fn check(facts: &Facts<'_>, recipe: &Recipe, found: &mut InFile<'_>) {
    let Some(end) = recipe.end() else { return };
    for (form, line) in end.entrypoint.iter().chain(&end.command) {
        command(form, *line, found);
    }
    health(recipe, found);
    if !recipe.is_app {
        return;
    }
    user(recipe, found);
    contents(recipe, found);
    // `cargo xtask docker build` labels what it makes.
    let is_ours = facts.has_xtask() && recipe.calls.iter().any(|call| matches!(call.kind, Kind::Xtask));
    let is_labelled = is_ours
        || end.labels.contains_key(SOURCE)
        || facts.workflows.iter().any(|it| labels(it, &recipe.file));
    if !is_labelled {
        found.add(&SOURCE_LABEL, recipe.image_line(), format!("no label `{SOURCE}`"));
    }
}

fn user(recipe: &Recipe, found: &mut InFile<'_>) {
    match recipe.end().and_then(|end| end.user.as_ref()) {
        Some(user) => {
            let name = user.value.text.split(':').next().unwrap_or_default();
            if user.value.is_known && ["", "root", "0"].contains(&name) {
                found.add(&RUNS_AS_ROOT, user.line, format!("`USER {}`", user.value.text));
            }
        }
        None if recipe.base_image().is_some_and(|image| image.is_root() == Some(true)) => {
            found.add(&RUNS_AS_ROOT, recipe.image_line(), "no USER, and the base has none");
        }
        None => {}
    }
}

fn command(form: &Form, line: usize, found: &mut InFile<'_>) {
    let script = match form {
        Form::Shell(text) => text.text.clone(),
        Form::Exec(words) => match words.as_slice() {
            [shell, flag, script, ..]
                if ["sh", "bash", "ash", "dash"].contains(&shell.rsplit('/').next().unwrap_or_default())
                    && flag.ends_with('c') =>
            {
                script.clone()
            }
            _ => return,
        },
    };
    let commands = shell::commands(&super::super::dockerfile::lines::Text::of_lines(&script, line), false);
    if commands.last().is_none_or(|last| last.words.first().map(String::as_str) != Some("exec")) {
        found.add(&SHELL_FORM, line, format!("a shell runs `{}`", script.trim()));
    }
}

fn health(recipe: &Recipe, found: &mut InFile<'_>) {
    let steps = recipe.image_steps();
    let Some(step) = steps.iter().rev().find(|step| step.instruction.is("HEALTHCHECK")) else { return };
    let line = step.instruction.line;
    let Some(form) = step.instruction.health_command() else { return };
    let (text, programs) = match &form {
        Form::Shell(text) => {
            let commands = shell::commands(text, false);
            let programs: Vec<String> =
                commands.into_iter().filter_map(|it| it.words.into_iter().next()).collect();
            (text.text.clone(), ["sh".to_owned()].into_iter().chain(programs).collect())
        }
        Form::Exec(words) => (words.join(" "), words.iter().take(1).cloned().collect::<Vec<_>>()),
    };
    if let Some(image) = recipe.base_image() {
        let missing = programs.iter().find(|program| {
            let name = program.rsplit('/').next().unwrap_or_default();
            ["sh", "bash", "curl", "wget", "nc"].contains(&name)
                && image.has(name) == Some(false)
                && !is_installed(recipe, name)
        });
        if let Some(program) = missing {
            found.add(
                &HEALTHCHECK_TOOL,
                line,
                format!("the check calls `{program}`, which `{}` does not have", shown(&image)),
            );
        }
    }
    if let Some(port) = fixed_port(&text).filter(|_| !text.contains("PORT")) {
        found.add(&HEALTHCHECK_PORT, line, format!("the check asks at port {port}"));
    }
}

fn shown(image: &Image) -> String {
    image.tag.as_ref().map_or(image.name.clone(), |tag| format!("{}:{tag}", image.name))
}

/// Whether a program is put into the image: by a package manager or by COPY.
fn is_installed(recipe: &Recipe, program: &str) -> bool {
    let package = if program == "nc" { "netcat" } else { program };
    let by_run = recipe.image_steps().iter().flat_map(|step| step.scripts()).any(|script| {
        let commands = shell::commands(&script.text, false);
        commands.iter().any(|command| {
            let installs =
                ["install", "add", "-S"].iter().any(|verb| command.words.iter().any(|word| word == verb));
            let names = |word: &String| word == program || word.starts_with(package) || word == "busybox";
            installs && command.words.iter().any(names)
        })
    });
    by_run || recipe.image_copies().iter().any(|copy| copy.name() == program || copy.name() == "busybox")
}

/// The port of an address of this machine in a text.
fn fixed_port(text: &str) -> Option<&str> {
    ["localhost:", "127.0.0.1:", "0.0.0.0:", "[::1]:"].iter().find_map(|host| {
        let rest = text.split(host).nth(1)?;
        let length = rest.bytes().take_while(u8::is_ascii_digit).count();
        (length > 0).then(|| &rest[..length])
    })
}

fn contents(recipe: &Recipe, found: &mut InFile<'_>) {
    let Some(last) = recipe.parsed.last() else { return };
    let chain = recipe.parsed.chain(last);
    let is_built_in = recipe.calls.iter().any(|call| chain.contains(&call.stage));
    let is_toolchain = recipe.base_image().is_some_and(|image| image.is_toolchain());
    if is_built_in || is_toolchain {
        let line = recipe.parsed.base(last).map_or(1, |(_, line)| line);
        found.add(&COMPILER_IN_IMAGE, line, "the image stands on what compiles it");
    } else if let Some(copy) =
        recipe.image_copies().iter().find(|copy| copy.from == From::Context && copy.is_everything())
    {
        found.add(&SOURCES_IN_IMAGE, copy.line, format!("`COPY {} …` takes all of the context", copy.source));
    }
}

/// Whether a workflow gives the image of a Dockerfile its labels.
fn labels(workflow: &Workflow, file: &str) -> bool {
    let steps = workflow.jobs.iter().flat_map(|job| &job.steps);
    steps.into_iter().any(|step| {
        let by_action = step.uses("docker/build-push-action")
            && step.input("labels").is_some()
            && step
                .input("file")
                .and_then(|it| it.text())
                .is_none_or(|named| named.trim_start_matches("./") == file);
        let by_flag = step.commands.iter().any(|command| {
            let args = workflows::image_builds(command);
            args.contains(&"--label") || args.iter().any(|arg| arg.starts_with("--label="))
        });
        by_action || by_flag
    })
}
