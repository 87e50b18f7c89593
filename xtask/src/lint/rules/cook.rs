//! cargo-chef: whether both halves are cooked, whether what is cooked is kept, and whether the next build finds it.

use super::super::calls::{Call, Kind, is_below};
use super::super::dockerfile::copies::{self, From};
use super::super::facts::{Facts, Recipe};
use super::super::rule::{InFile, Rule};
use super::halves;
use crate::record::doctor::Severity;

const TARGET_MOUNT: Rule = Rule {
    name: "cook-target-mount",
    severity: Severity::Error,
    reason: "What is cooked lands in the mount, and the layer stays empty. Mounts are exported by no layer cache: \
             on the next builder the layer is reused, the mount is empty, and every dependency compiles again.",
    fix: "mount only cargo's registry and git folders, and let `target` be part of the layer",
};

const BUILD_HIDES_COOK: Rule = Rule {
    name: "build-hides-cook",
    severity: Severity::Error,
    reason: "The mount lies over the folder with the cooked dependencies, so the build does not see them.",
    fix: "remove the cache mount on the target folder from the RUN that builds",
};

const COPY_BEFORE_COOK: Rule = Rule {
    name: "copy-before-cook",
    severity: Severity::Error,
    reason: "Every change of a source makes the layer with the cooked dependencies stale, so all of them compile \
             again.",
    fix: "copy only recipe.json from the planner before the cook, and the sources after it",
};

const FRONT_MISSING: Rule = Rule {
    name: "cook-front-missing",
    severity: Severity::Error,
    reason: "All dependencies of the front half compile for wasm at every change of a source.",
    fix: "add a second cook from the same recipe: `-p LIB-PACKAGE --target wasm32-unknown-unknown`, with the front \
             half's features, profile and target folder",
};

const SERVER_MISSING: Rule = Rule {
    name: "cook-server-missing",
    severity: Severity::Error,
    reason: "All dependencies of the server half compile at every change of a source.",
    fix: "add a cook from the same recipe for the server: `-p BIN-PACKAGE` with its features and profile",
};

const UNUSED: Rule = Rule {
    name: "cook-unused",
    severity: Severity::Error,
    reason: "No build stands on the stage that cooks or copies its target folder: the work is thrown away.",
    fix: "let the building stage stand on the cooking one: `FROM` it, or cook in the same stage",
};

const PREPARE_WITH_BIN: Rule = Rule {
    name: "prepare-with-bin",
    severity: Severity::Error,
    reason: "The recipe then holds that binary and what it needs. The front half is another package, so its cook \
             fails or does nothing.",
    fix: "prepare without --bin, and choose with `-p` at each cook",
};

const WITHOUT_PACKAGE: Rule = Rule {
    name: "cook-without-package",
    severity: Severity::Warning,
    reason: "The whole workspace is cooked: the server's dependencies for wasm too, where many do not even compile, \
             and all features of all members joined.",
    fix: "cook each half with `-p` and its package",
};

pub const ALL: &[&Rule] = &[
    &TARGET_MOUNT,
    &BUILD_HIDES_COOK,
    &COPY_BEFORE_COOK,
    &FRONT_MISSING,
    &SERVER_MISSING,
    &UNUSED,
    &PREPARE_WITH_BIN,
    &WITHOUT_PACKAGE,
];

pub fn check(facts: &Facts<'_>, recipe: &Recipe, found: &mut InFile<'_>) {
    let leptos = recipe.leptos.as_ref();
    let has_two_packages = leptos.is_some_and(|project| project.lib_package != project.bin_package);
    let cooks: Vec<&Call> = recipe.calls.iter().filter(|call| call.kind == Kind::Cook).collect();
    let members = facts.member_folders(&recipe.file);
    let cooks_front = cooks.iter().any(|cook| cook.is_wasm());
    for call in recipe.calls.iter().filter(|call| call.kind == Kind::Prepare) {
        if let Some(bin) =
            call.flags.bins.first().filter(|_| has_two_packages || (leptos.is_none() && cooks_front))
        {
            found.add(&PREPARE_WITH_BIN, call.line, format!("`cargo chef prepare --bin {bin}`"));
        }
    }
    for cook in &cooks {
        if let Some(mount) = cook.mount_over(&cook.target_dir()) {
            let text = format!(
                "`--mount=type={},target={}` on the cook, over {}",
                mount.kind,
                mount.target,
                cook.target_dir()
            );
            found.add(&TARGET_MOUNT, mount.line, text);
        }
        if let Some((line, source)) = sources_before(recipe, cook, &members) {
            found.add(
                &COPY_BEFORE_COOK,
                line,
                format!("`{source}` is copied before the cook of line {}", cook.line),
            );
        }
        if has_two_packages && cook.flags.packages.is_empty() && cook.flags.bins.is_empty() {
            found.add(&WITHOUT_PACKAGE, cook.line, "the cook names no package");
        }
    }
    let mut used: Vec<usize> = Vec::new();
    let mut has_builds = false;
    for build in halves::builds(recipe) {
        has_builds = true;
        let before = halves::cooks_before(recipe, build);
        used.extend(before.iter().map(|cook| cook.line));
        let Some(last) = before.last() else { continue };
        if let Some(mount) = build.mount_over(&build.target_dir()) {
            let text = format!(
                "`--mount=type={},target={}` on the build, over what was cooked",
                mount.kind, mount.target
            );
            // Where the cook has the same mount, that is what to mend first.
            if before.iter().all(|cook| cook.mount_over(&cook.target_dir()).is_none()) {
                found.add(&BUILD_HIDES_COOK, mount.line, text);
            }
        }
        for half in halves::of(build, leptos) {
            let is_cooked = before.iter().any(|cook| cook.is_wasm() == half.is_front);
            let rule = if half.is_front { &FRONT_MISSING } else { &SERVER_MISSING };
            if !is_cooked {
                let text = format!(
                    "no cook for the {}, which line {} builds",
                    halves::name(half.is_front),
                    build.line
                );
                found.add(rule, last.line, text);
            }
        }
    }
    for cook in cooks.iter().filter(|cook| has_builds && !used.contains(&cook.line)) {
        found.add(&UNUSED, cook.line, "nothing that is built finds what is cooked here");
    }
}

/// The copy of sources that a cook stands on.
fn sources_before(recipe: &Recipe, cook: &Call, members: &[&str]) -> Option<(usize, String)> {
    let chain = recipe.parsed.chain(cook.stage);
    for stage in chain {
        for (index, step) in recipe.parsed.stages[stage].steps.iter().enumerate() {
            if stage == cook.stage && index >= cook.step {
                break;
            }
            let copies = copies::of(step, &recipe.parsed);
            let is_sources = |copy: &&copies::Copy| {
                let name = copy.source.trim_start_matches("./").trim_end_matches('/');
                copy.from == From::Context && (copy.is_everything() || holds_sources(members, name))
            };
            if let Some(copy) = copies.iter().find(is_sources) {
                return Some((copy.line, copy.source.clone()));
            }
        }
    }
    None
}

/// Whether what is copied is a package of the workspace, a folder of packages, or sources of one. Manifests are not.
fn holds_sources(members: &[&str], copied: &str) -> bool {
    let is_of = |member: &&str| {
        let sources = if member.is_empty() { "src".to_owned() } else { format!("{member}/src") };
        is_below(member, copied) || is_below(copied, &sources)
    };
    ["src", "crates"].contains(&copied) || members.iter().any(is_of)
}
