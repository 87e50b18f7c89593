//! What is sent to the builder: `.dockerignore`, as far as all of the context is copied.

use super::super::dockerfile::copies::{self, Copy, From};
use super::super::facts::{Facts, Recipe};
use super::super::rule::{InFile, Rule};
use crate::config::dockerignore;
use crate::record::doctor::Severity;

const TARGET: Rule = Rule {
    name: "dockerignore-lacks-target",
    severity: Severity::Warning,
    reason: "Gigabytes of build results are sent to the builder, and stale ones among them can end up in the image.",
    fix: "add a line `target` to .dockerignore",
};

const GIT: Rule = Rule {
    name: "dockerignore-lacks-git",
    severity: Severity::Warning,
    reason: "Every commit changes .git and so makes the layer stale; and the token that a checkout leaves in \
             .git/config gets into the layer.",
    fix: "add a line `.git` to .dockerignore",
};

const ENV: Rule = Rule {
    name: "dockerignore-lacks-env",
    severity: Severity::Warning,
    reason: "The file with the secrets of whoever builds gets into a layer, and with an exported cache to everybody.",
    fix: "add a line `.env*` to .dockerignore, and `!.env.example` where that is needed",
};

pub const ALL: &[&Rule] = &[&TARGET, &GIT, &ENV];

pub fn check(facts: &Facts<'_>, recipe: &Recipe, found: &mut InFile<'_>) {
    let parsed = &recipe.parsed;
    let steps = parsed.stages.iter().flat_map(|stage| &stage.steps);
    let copies: Vec<Copy> = steps.flat_map(|step| copies::of(step, parsed)).collect();
    let Some(copy) = copies.iter().find(|copy| copy.is_everything()) else { return };
    let context = facts.repository.context(&recipe.file);
    let files = &facts.repository.files;
    let own = files.get(&format!("{}.dockerignore", recipe.file));
    let ignore = own.or_else(|| files.get(&format!("{context}.dockerignore"))).map_or("", String::as_str);
    // A Dockerfile that ships what was built outside needs the folder.
    let takes_target = copies
        .iter()
        .any(|copy| copy.from == From::Context && copy.source.trim_start_matches("./").starts_with("target"));
    let all = [
        (&TARGET, "target", "target/release/app", !takes_target),
        (&GIT, ".git", ".git/config", true),
        (&ENV, ".env", ".env", true),
    ];
    for (rule, name, path, is_wanted) in all {
        if is_wanted && !dockerignore::excludes(ignore, path) {
            found.add(rule, copy.line, format!("`COPY {} …` takes `{name}` along", copy.source));
        }
    }
}
