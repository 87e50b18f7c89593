//! Layers: whether a change of one source makes everything anew, and whether files are where they are copied from.

use super::super::calls::{self, Call, Kind};
use super::super::dockerfile::copies::{self, From};
use super::super::dockerfile::instruction::Mount;
use super::super::dockerfile::stages::join;
use super::super::facts::Recipe;
use super::super::rule::{InFile, Rule};
use super::super::shell;
use super::halves;
use crate::record::doctor::Severity;

const DEPENDENCIES_UNCACHED: Rule = Rule {
    name: "dependencies-uncached",
    severity: Severity::Warning,
    reason: "Sources and dependencies compile in one layer, so every change of a source compiles all dependencies \
             again.",
    fix: "cook the dependencies of both halves with cargo-chef before the sources are copied, or build outside and \
             copy (`cargo xtask docker pack`)",
};

const TARGET_MOUNT: Rule = Rule {
    name: "target-mount",
    severity: Severity::Warning,
    reason: "Cache mounts stay on the builder that has them. In CI, where each run has a fresh builder, the mount \
             is always empty and everything compiles again.",
    fix: "cook the dependencies with cargo-chef into a layer, or keep the mount and build on one builder that lasts",
};

const COPY_FROM_MOUNT: Rule = Rule {
    name: "copy-from-cache-mount",
    severity: Severity::Error,
    reason: "A mount is there during its RUN alone and is in no layer, so there is nothing to copy.",
    fix: "copy the files out of the mount within the same RUN, e.g. `cp target/release/app /out/`, and take them \
             from there",
};

const APT_WITHOUT_CLEANUP: Rule = Rule {
    name: "apt-without-cleanup",
    severity: Severity::Note,
    reason: "The package lists stay in the layer: about 20 MB that nobody reads.",
    fix: "end the RUN with `rm -rf /var/lib/apt/lists/*`, or mount caches on /var/lib/apt and /var/cache/apt",
};

pub const ALL: &[&Rule] = &[&DEPENDENCIES_UNCACHED, &TARGET_MOUNT, &COPY_FROM_MOUNT, &APT_WITHOUT_CLEANUP];

pub fn check(recipe: &Recipe, found: &mut InFile<'_>) {
    let has_cook = recipe.calls.iter().any(|call| call.kind == Kind::Cook);
    if !has_cook {
        for build in halves::builds(recipe) {
            without_cook(recipe, build, found);
        }
    }
    from_mounts(recipe, found);
    apt(recipe, found);
}

fn without_cook(recipe: &Recipe, build: &Call, found: &mut InFile<'_>) {
    if let Some(mount) = build.mount_over(&build.target_dir()) {
        found.add(
            &TARGET_MOUNT,
            mount.line,
            format!("`--mount=type={},target={}`", mount.kind, mount.target),
        );
        return;
    }
    // An earlier build of an empty program is the old way of caching dependencies.
    let chain = recipe.parsed.chain(build.stage);
    let at = (build.stage, build.step, build.line);
    let has_earlier = halves::builds(recipe)
        .any(|call| chain.contains(&call.stage) && (call.stage, call.step, call.line) < at);
    let steps = chain.iter().flat_map(|stage| {
        let steps = recipe.parsed.stages[*stage].steps.iter().enumerate();
        steps.filter(|(index, _)| *stage != build.stage || *index < build.step).map(|(_, step)| step)
    });
    let everything = steps.flat_map(|step| copies::of(step, &recipe.parsed)).any(|copy| copy.is_everything());
    if everything && !has_earlier {
        found.add(&DEPENDENCIES_UNCACHED, build.line, "all sources are copied before the only build");
    }
}

/// Copies of what was in a mount of the stage that they come from.
fn from_mounts(recipe: &Recipe, found: &mut InFile<'_>) {
    let parsed = &recipe.parsed;
    for step in parsed.stages.iter().flat_map(|stage| &stage.steps) {
        for copy in copies::of(step, parsed) {
            let From::Stage(stage) = copy.from else { continue };
            let source = join("/", &copy.source);
            let hides = |mount: &Mount| {
                ["cache", "tmpfs"].contains(&mount.kind.as_str())
                    && !mount.target.is_empty()
                    && calls::is_below(&source, &mount.target)
            };
            let chain = parsed.chain(stage);
            // One build without the mount leaves its results in the layer.
            let is_left = halves::builds(recipe)
                .any(|build| chain.contains(&build.stage) && !build.mounts.iter().any(hides));
            let mount = parsed.steps(stage).flat_map(|step| step.mounts(parsed.escape)).find(hides);
            if let Some(mount) = mount.filter(|_| copy.is_known && !is_left) {
                let text = format!("`{}` is in the {} mount of line {}", copy.source, mount.kind, mount.line);
                found.add(&COPY_FROM_MOUNT, copy.line, text);
            }
        }
    }
}

fn apt(recipe: &Recipe, found: &mut InFile<'_>) {
    for step in recipe.parsed.stages.iter().flat_map(|stage| &stage.steps) {
        let mounts = step.mounts(recipe.parsed.escape);
        let lists = "/var/lib/apt/lists";
        let is_mounted =
            mounts.iter().any(|mount| !mount.target.is_empty() && calls::is_below(lists, &mount.target));
        for script in step.scripts() {
            let commands = shell::commands(&script.text, script.stops_at_errors);
            let is_cleaned = commands.iter().any(|command| {
                command.words.iter().any(|word| word == "rm")
                    && command.words.iter().any(|word| word.starts_with(lists))
            });
            let installs = |words: &[String]| {
                let words: Vec<&str> = words.iter().map(String::as_str).filter(|it| *it != "sudo").collect();
                let [program, rest @ ..] = words.as_slice() else { return false };
                ["apt-get", "apt"].contains(program) && rest.contains(&"install")
            };
            let install = commands.iter().find(|command| installs(&command.words));
            if let Some(install) = install.filter(|_| !is_cleaned && !is_mounted) {
                found.add(
                    &APT_WITHOUT_CLEANUP,
                    install.line,
                    "`apt-get install` leaves the package lists behind",
                );
            }
        }
    }
}
