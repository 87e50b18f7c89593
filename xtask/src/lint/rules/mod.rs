//! The rules, by subject, and the one table of all of them.

mod cargo_config;
mod compile_cache;
mod compilers;
mod context;
mod cook;
mod cook_flags;
mod dockerfile;
mod files;
mod halves;
mod image;
mod layers;
mod leptos_environment;
mod libc;
mod listening;
mod metadata;
mod openssl;
mod pins;
mod railway;
mod secrets;
mod settings;
mod started;
#[cfg(test)]
mod tests;
mod tools;
mod workflow;
mod workflow_deploy;
mod workflow_image;
mod workflow_secrets;

use super::facts::{Facts, Recipe};
use super::rule::{Findings, InFile, Rule};
use super::suppression;
use super::yaml::Node;

/// All rules: subject, and its rules.
pub const TABLE: &[(&str, &[&Rule])] = &[
    ("dockerfile", dockerfile::ALL),
    ("pins", pins::ALL),
    ("c-library", libc::ALL),
    ("openssl", openssl::ALL),
    ("cook", cook::ALL),
    ("cook-flags", cook_flags::ALL),
    ("layers", layers::ALL),
    ("compile-cache", compile_cache::ALL),
    ("context", context::ALL),
    ("secrets", secrets::ALL),
    ("image", image::ALL),
    ("listening", listening::ALL),
    ("leptos-environment", leptos_environment::ALL),
    ("files", files::ALL),
    ("metadata", metadata::ALL),
    ("cargo-config", cargo_config::ALL),
    ("railway", railway::ALL),
    ("workflow", workflow::ALL),
    ("workflow-secrets", workflow_secrets::ALL),
    ("workflow-image", workflow_image::ALL),
    ("workflow-deploy", workflow_deploy::ALL),
    ("comments", suppression::ALL),
];

/// Everything that breaks a rule.
pub fn check(facts: &Facts<'_>) -> Findings {
    let mut findings = Findings::default();
    for recipe in &facts.recipes {
        let mut found = findings.file(&recipe.file);
        dockerfile::check(recipe, &mut found);
        pins::check(facts, recipe, &mut found);
        libc::check(facts, recipe, &mut found);
        openssl::check(facts, recipe, &mut found);
        cook::check(facts, recipe, &mut found);
        cook_flags::check(facts, recipe, &mut found);
        layers::check(recipe, &mut found);
        compile_cache::check(recipe, &mut found);
        context::check(facts, recipe, &mut found);
        secrets::check(recipe, &mut found);
        image::check(facts, recipe, &mut found);
        listening::check(facts, recipe, &mut found);
        leptos_environment::check(facts, recipe, &mut found);
        files::check(facts, recipe, &mut found);
        cargo_config::check_recipe(recipe, &mut found);
    }
    for name in ["rust-toolchain.toml", "rust-toolchain"] {
        if let Some(text) = facts.repository.files.get(name) {
            pins::check_toolchain(facts, name, text, &mut findings.file(name));
        }
    }
    metadata::check(facts, &mut findings);
    if let Some(settings) = &facts.cargo {
        cargo_config::check(settings, &mut findings.file(&settings.file));
    }
    if let Some(settings) = &facts.railway {
        railway::check(facts, settings, &mut findings);
    }
    for workflow in &facts.workflows {
        let mut found = findings.file(&workflow.file);
        workflow::check(workflow, &mut found);
        workflow_secrets::check(facts, workflow, &mut found);
        workflow_image::check(facts, workflow, &mut found);
        workflow_deploy::check(workflow, &mut found);
    }
    workflow::check_unreadable(facts, &mut findings);
    secrets::check_literals(facts, &mut findings);
    findings
}

/// Whether what one image of a recipe builds runs on the other.
pub fn check_libraries(facts: &Facts<'_>, recipe: &Recipe, found: &mut InFile<'_>) {
    libc::check(facts, recipe, found);
}

/// The Dockerfiles that other files name, wherever they are.
pub fn named_dockerfiles(facts: &Facts<'_>) -> Vec<String> {
    let of_railway = facts.railway.as_ref().and_then(railway::dockerfile);
    let steps = facts.workflows.iter().flat_map(|workflow| &workflow.jobs).flat_map(|job| &job.steps);
    let of_workflows = steps.filter_map(|step| step.input("file").and_then(Node::text)).map(str::to_owned);
    let inside = |name: &String| !name.starts_with('/') && !name.contains("..") && !name.contains("${{");
    of_railway.into_iter().chain(of_workflows).filter(inside).collect()
}
