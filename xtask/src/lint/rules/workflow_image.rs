//! Workflows that build an image: its layer cache and its builder.

use super::super::base_image::Image;
use super::super::facts::Facts;
use super::super::rule::{InFile, Rule};
use super::super::workflows::{self, Step, Workflow};
use super::super::yaml::Node;
use crate::record::doctor::Severity;

const CACHE_TO_MISSING: Rule = Rule {
    name: "cache-to-missing",
    severity: Severity::Warning,
    reason: "What is never written cannot be read: each run looks for a cache that nobody leaves behind.",
    fix: "add `cache-to` with the same type, and `mode=max`",
};

const CACHE_WITHOUT_MAX: Rule = Rule {
    name: "cache-to-without-max",
    severity: Severity::Warning,
    reason: "Only the layers of the last stage are kept then. What takes long, the cooked dependencies, is in \
             another stage.",
    fix: "add `mode=max`",
};

const BUILDKIT_FLOATING: Rule = Rule {
    name: "buildkit-floating",
    severity: Severity::Warning,
    reason: "The builder itself changes between two runs of the same commit.",
    fix: "name a release and its digest, e.g. `image=moby/buildkit:v0.25.2@sha256:…`, or leave the action's own",
};

pub const ALL: &[&Rule] = &[&CACHE_TO_MISSING, &CACHE_WITHOUT_MAX, &BUILDKIT_FLOATING];

pub fn check(facts: &Facts<'_>, workflow: &Workflow, found: &mut InFile<'_>) {
    for step in workflow.jobs.iter().flat_map(|job| &job.steps) {
        for cache in caches(step) {
            layers(facts, &cache, found);
        }
        builder(step, found);
    }
}

/// What one build reads and writes, and where that is said.
struct Caches<'a> {
    from: Vec<(&'a str, usize)>,
    to: Vec<(&'a str, usize)>,
    file: &'a str,
}

fn caches(step: &Step) -> Vec<Caches<'_>> {
    let mut found = Vec::new();
    if step.uses("docker/build-push-action") {
        let lines = |name: &str| {
            let node = step.input(name);
            let text = node.and_then(Node::text).into_iter().flat_map(str::lines).enumerate();
            let line = node.map_or(1, |node| node.line);
            text.map(|(index, text)| (text.trim(), line + index))
                .filter(|(text, _)| !text.is_empty())
                .collect()
        };
        let file = step.input("file").and_then(Node::text).unwrap_or("Dockerfile");
        found.push(Caches { from: lines("cache-from"), to: lines("cache-to"), file });
    }
    for command in &step.commands {
        let args = workflows::image_builds(command);
        let values = |flag: &str| {
            let inline = |arg: &&str| arg.strip_prefix(flag)?.strip_prefix('=').map(|_| ());
            let mut values = Vec::new();
            for (index, arg) in args.iter().enumerate() {
                if inline(arg).is_some() {
                    values.push((&arg[flag.len() + 1..], command.line));
                } else if *arg == flag {
                    values.extend(args.get(index + 1).map(|value| (*value, command.line)));
                }
            }
            values
        };
        found.push(Caches { from: values("--cache-from"), to: values("--cache-to"), file: "Dockerfile" });
    }
    found
}

fn kind(cache: &str) -> &str {
    cache.split(',').find_map(|part| part.trim().strip_prefix("type=")).unwrap_or("registry")
}

fn layers(facts: &Facts<'_>, caches: &Caches<'_>, found: &mut InFile<'_>) {
    if let Some((from, line)) = caches.from.first().filter(|_| caches.to.is_empty()) {
        found.add(&CACHE_TO_MISSING, *line, format!("`cache-from: {from}`, and no cache-to"));
    }
    // With one stage there is nothing that the smaller mode leaves out.
    let file = caches.file.trim_start_matches("./");
    let stages = facts
        .recipes
        .iter()
        .find(|recipe| recipe.file == file)
        .map_or(2, |recipe| recipe.parsed.stages.len());
    for (to, line) in caches.to.iter().filter(|(to, _)| kind(to) != "inline" && stages > 1) {
        if !to.split(',').any(|part| part.trim() == "mode=max") {
            found.add(&CACHE_WITHOUT_MAX, *line, format!("`cache-to: {to}`"));
        }
    }
}

fn builder(step: &Step, found: &mut InFile<'_>) {
    let Some(options) = step.input("driver-opts").filter(|_| step.uses("docker/setup-buildx-action")) else {
        return;
    };
    for (index, line) in options.text().unwrap_or_default().lines().enumerate() {
        let Some(image) = line.trim().strip_prefix("image=") else { continue };
        if Image::parse(image).is_floating()
            || ["buildx-stable-1", "rootless"].iter().any(|tag| image.ends_with(tag))
        {
            found.add(&BUILDKIT_FLOATING, options.line + index, format!("`image={image}`"));
        }
    }
}
