//! Cargo's committed configuration: what every checkout, every runner and every builder then has to have.

use super::super::facts::{Recipe, Settings};
use super::super::rule::{InFile, Rule};
use super::super::yaml::Node;
use crate::record::doctor::Severity;

const WRAPPER: Rule = Rule {
    name: "rustc-wrapper-committed",
    severity: Severity::Error,
    reason: "Where the wrapper is missing or its server does not start, every command of cargo fails, even `cargo \
             metadata`.",
    fix: "remove it; set RUSTC_WRAPPER where it was tried that it works (`cargo xtask setup --local` does)",
};

const LINKER_FLAGS: Rule = Rule {
    name: "linker-in-rustflags",
    severity: Severity::Warning,
    reason: "Flags of the compiler are part of every unit: with another linker everything compiles again, and \
             RUSTFLAGS in the environment silently replaces them all.",
    fix: "remove the flag; name the linker itself where it is there (`CARGO_TARGET_…_LINKER`, or `cargo xtask setup \
             --local`)",
};

const LINKER: Rule = Rule {
    name: "linker-committed",
    severity: Severity::Warning,
    reason: "Nothing links on a machine without that program: not on a colleague's, not on a runner, not in a \
             builder.",
    fix: "remove it, or set it where it is there (`cargo xtask setup --local` does)",
};

pub const ALL: &[&Rule] = &[&WRAPPER, &LINKER_FLAGS, &LINKER];

pub fn check(settings: &Settings, found: &mut InFile<'_>) {
    let root = &settings.root;
    let entry = |keys: &[&str]| root.at(keys).and_then(|node| Some((node.text()?.to_owned(), node.line)));
    for keys in [["build", "rustc-wrapper"], ["build", "rustc-workspace-wrapper"], ["env", "RUSTC_WRAPPER"]] {
        if let Some((wrapper, line)) = entry(&keys).filter(|(wrapper, _)| !wrapper.is_empty()) {
            found.add(&WRAPPER, line, format!("`{} = \"{wrapper}\"`", keys[1]));
        }
    }
    let tables = root.get("target").into_iter().flat_map(Node::entries).map(|(_, _, table)| table);
    for table in tables.chain(root.get("build")) {
        if let Some(linker) = table.get("linker").and_then(Node::text) {
            let line = table.get("linker").map_or(1, |node| node.line);
            found.add(&LINKER, line, format!("`linker = \"{linker}\"`"));
        }
        let Some(flags) = table.get("rustflags") else { continue };
        let joined: Vec<&str> = flags.items().iter().filter_map(Node::text).chain(flags.text()).collect();
        if let Some(flag) = linker_flag(&joined.join(" ")) {
            found.add(&LINKER_FLAGS, flags.line, format!("`rustflags` with `{flag}`"));
        }
    }
}

/// Flags that a Dockerfile sets for all that follows.
pub fn check_recipe(recipe: &Recipe, found: &mut InFile<'_>) {
    let parsed = &recipe.parsed;
    for step in parsed.stages.iter().flat_map(|stage| &stage.steps).filter(|step| step.instruction.is("ENV"))
    {
        for (name, value, line) in step.instruction.pairs(parsed.escape) {
            let value = step.scope.expand(&value.unwrap_or_default(), parsed.escape);
            if name.ends_with("RUSTFLAGS")
                && let Some(flag) = linker_flag(&value.text)
            {
                found.add(&LINKER_FLAGS, line, format!("`ENV {name}` with `{flag}`"));
            }
        }
    }
}

/// The flag that chooses a linker.
fn linker_flag(flags: &str) -> Option<&str> {
    let mut words = flags.split_whitespace();
    words
        .find(|word| word.contains("-fuse-ld") || word.contains("linker=") || word.contains("linker-flavor="))
}
