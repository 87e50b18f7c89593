//! Secrets: in no layer, in no configuration, in no provenance.

use super::super::dockerfile::copies::{self, From};
use super::super::facts::{Facts, Recipe};
use super::super::rule::{Findings, InFile, Rule};
use super::super::secret_names;
use super::super::shell;
use crate::record::doctor::Severity;

const IN_ARG: Rule = Rule {
    name: "secret-in-arg",
    severity: Severity::Error,
    reason: "Build arguments are in the image's history and, with `provenance: mode=max`, in its provenance, for \
             everybody who can pull it.",
    fix: "mount it where it is used: `RUN --mount=type=secret,id=NAME,env=NAME …`",
};

const IN_ENV: Rule = Rule {
    name: "secret-in-env",
    severity: Severity::Error,
    reason: "The variable is in the image's configuration, which everybody who can pull it can read.",
    fix: "give it to the container when it runs, or mount it where the build uses it",
};

const COPIED: Rule = Rule {
    name: "secret-copied",
    severity: Severity::Error,
    reason: "The file is in a layer for ever, also when a later instruction deletes it, and in every exported layer \
             cache.",
    fix: "mount it where it is used (`--mount=type=secret`), and name it in .dockerignore",
};

const WRITTEN: Rule = Rule {
    name: "secret-written",
    severity: Severity::Error,
    reason: "A mounted secret is gone after its RUN; what is made of it stays in the layer.",
    fix: "use it from its mount or its variable, and write it nowhere",
};

const LITERAL: Rule = Rule {
    name: "secret-literal",
    severity: Severity::Error,
    reason: "It is in the history of the repository, and thereby known to everybody who has ever cloned it.",
    fix: "revoke it today, then give the new one through the environment or a secret",
};

pub const ALL: &[&Rule] = &[&IN_ARG, &IN_ENV, &COPIED, &WRITTEN, &LITERAL];

pub fn check(recipe: &Recipe, found: &mut InFile<'_>) {
    let parsed = &recipe.parsed;
    for step in parsed.stages.iter().flat_map(|stage| &stage.steps) {
        let instruction = &step.instruction;
        if instruction.is("ARG") || instruction.is("ENV") {
            let is_arg = instruction.is("ARG");
            for (name, value, line) in instruction.pairs(parsed.escape) {
                let value = value.map(|value| step.scope.expand(&value, parsed.escape));
                let is_empty = value.as_ref().is_some_and(|value| value.is_known && value.text.is_empty());
                if secret_names::is_variable(&name) && (is_arg || !is_empty) {
                    let (rule, keyword) = if is_arg { (&IN_ARG, "ARG") } else { (&IN_ENV, "ENV") };
                    found.add(rule, line, format!("`{keyword} {name}`"));
                }
            }
        }
        for copy in copies::of(step, parsed) {
            if copy.from == From::Context && secret_names::is_file(&copy.source) {
                found.add(&COPIED, copy.line, format!("`{}` is copied", copy.source));
            }
        }
        written(step, parsed.escape, found);
    }
}

/// A RUN that puts a mounted secret into a file.
fn written(step: &super::super::dockerfile::stages::Step, escape: char, found: &mut InFile<'_>) {
    let secrets: Vec<_> = step.mounts(escape).into_iter().filter(|mount| mount.kind == "secret").collect();
    if secrets.is_empty() {
        return;
    }
    let is_secret = |word: &String| {
        let by_path = word.contains("/run/secrets/")
            || secrets.iter().any(|it| !it.target.is_empty() && word.contains(&it.target));
        let by_name = secrets
            .iter()
            .filter(|it| !it.env.is_empty())
            .any(|it| word.contains(&format!("${}", it.env)) || word.contains(&format!("${{{}", it.env)));
        by_path || by_name
    };
    let stays =
        |path: &String| !["/dev/", "/tmp/", "/run/", "/proc/", "&"].iter().any(|it| path.starts_with(it));
    for script in step.scripts() {
        for command in shell::commands(&script.text, false) {
            let program = command.words.first().map_or("", String::as_str);
            let is_used = command.words.iter().skip(1).any(is_secret);
            let by_redirect =
                ["echo", "cat", "printf"].contains(&program) && command.writes.iter().any(stays);
            let by_copy =
                ["cp", "mv", "install", "ln"].contains(&program) && command.words.last().is_some_and(stays);
            if is_used && (by_redirect || by_copy) {
                found.add(
                    &WRITTEN,
                    command.line,
                    format!("`{program}` writes a mounted secret into the layer"),
                );
            }
        }
    }
}

/// Secrets in any file that was read.
pub fn check_literals(facts: &Facts<'_>, findings: &mut Findings) {
    for (file, text) in &facts.repository.files {
        if file == "Cargo.lock" {
            continue;
        }
        let mut found = findings.file(file);
        for (index, line) in text.lines().enumerate() {
            if let Some((_, what)) = secret_names::literal(line) {
                found.add(&LITERAL, index + 1, format!("{what}, as it is"));
            }
        }
    }
}
