//! The Dockerfile as a file: whether it can be read at all, and who reads it.

use super::super::facts::Recipe;
use super::super::rule::{InFile, Rule};
use crate::record::doctor::Severity;

const SYNTAX: Rule = Rule {
    name: "dockerfile-syntax",
    severity: Severity::Error,
    reason: "No builder can read it, and the other rules see only the rest of the file.",
    fix: "correct the line",
};

const SYNTAX_LINE: Rule = Rule {
    name: "syntax-line",
    severity: Severity::Warning,
    reason: "Each build then starts by pulling a frontend from Docker Hub: a mutable tag that runs before \
             everything else, and a build that fails where Docker Hub is not reached.",
    fix: "remove the line: the engine's own frontend knows mounts, secrets and heredocs",
};

pub const ALL: &[&Rule] = &[&SYNTAX, &SYNTAX_LINE];

pub fn check(recipe: &Recipe, found: &mut InFile<'_>) {
    for (line, message) in &recipe.parsed.problems {
        found.add(&SYNTAX, *line, message);
    }
    for directive in recipe.parsed.directives.iter().filter(|directive| directive.name == "syntax") {
        found.add(&SYNTAX_LINE, directive.line, format!("`# syntax={}`", directive.value));
    }
}
