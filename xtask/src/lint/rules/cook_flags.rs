//! Whether each half is cooked exactly as it is built: flags, folders, toolchain and variables. One difference, and
//! cargo compiles every dependency of that half again.

use std::collections::BTreeSet;

use super::super::calls::{Call, Kind};
use super::super::facts::{Facts, Recipe};
use super::super::packages::Package;
use super::super::rule::{InFile, Rule};
use super::compilers;
use super::halves::{self, Half};
use crate::record::doctor::Severity;

const PROFILE: Rule = Rule {
    name: "cook-profile-differs",
    severity: Severity::Error,
    reason: "Each profile has a folder of its own: what is cooked under another one is never looked at.",
    fix: "cook with the profile of the build",
};

const FEATURES: Rule = Rule {
    name: "cook-features-differ",
    severity: Severity::Error,
    reason: "Features of the app switch features of its dependencies, and a dependency with other features is \
             compiled again.",
    fix: "cook with the features of the build, and without the default features where the build has none",
};

const TARGET: Rule = Rule {
    name: "cook-target-differs",
    severity: Severity::Error,
    reason: "What is compiled for one target is of no use to another; with --target even the builder's own is \
             another folder.",
    fix: "give the cook the --target of the build, or neither of them one",
};

const TARGET_DIR: Rule = Rule {
    name: "cook-target-dir-differs",
    severity: Severity::Error,
    reason: "The build looks for compiled dependencies in its own folder and finds none there.",
    fix: "give the cook the --target-dir of the build; cargo-leptos builds the front half in `target/front`",
};

const PACKAGE: Rule = Rule {
    name: "cook-package-differs",
    severity: Severity::Error,
    reason: "The dependencies of another package are cooked, with the features that that one asks for.",
    fix: "cook the package that is built",
};

const DIRECTORY: Rule = Rule {
    name: "cook-directory-differs",
    severity: Severity::Error,
    reason: "`target` is below the folder that cargo runs in, and paths are part of what cargo compares.",
    fix: "cook and build in the same WORKDIR",
};

const TOOLCHAIN: Rule = Rule {
    name: "cook-toolchain-differs",
    severity: Severity::Error,
    reason: "What one compiler has made another cannot use.",
    fix: "choose the toolchain before the cook, and use the same for the build: one base, or rust-toolchain.toml, \
          copied before the cook (cargo-chef writes it when cargo has already chosen)",
};

const ENVIRONMENT: Rule = Rule {
    name: "cook-environment-differs",
    severity: Severity::Error,
    reason: "Cargo and build scripts compare these variables, and compile again what was compiled under others.",
    fix: "set the variables before the cook, so that both have them",
};

const RUSTFLAGS: Rule = Rule {
    name: "rustflags-differ",
    severity: Severity::Error,
    reason: "Flags of the compiler are part of every unit: set for one of the two alone, all dependencies compile \
             again.",
    fix: "set them with ENV before the cook, or for neither",
};

const OUTPUT_NAME: Rule = Rule {
    name: "cook-without-output-name",
    severity: Severity::Error,
    reason: "The crates leptos and leptos_config read LEPTOS_OUTPUT_NAME while they are compiled, and cargo-leptos \
             sets it: cooked without it, both and all that stands on them compile again.",
    fix: "set `ENV LEPTOS_OUTPUT_NAME=` to the project's output-name before the cook",
};

pub const ALL: &[&Rule] = &[
    &PROFILE,
    &FEATURES,
    &TARGET,
    &TARGET_DIR,
    &PACKAGE,
    &DIRECTORY,
    &TOOLCHAIN,
    &ENVIRONMENT,
    &RUSTFLAGS,
    &OUTPUT_NAME,
];

/// What differs, and how the cook would be right.
struct Difference {
    rule: &'static Rule,
    found: String,
    fix: String,
}

pub fn check(facts: &Facts<'_>, recipe: &Recipe, found: &mut InFile<'_>) {
    let leptos = recipe.leptos.as_ref();
    // Cargo's own configuration is part of the recipe, so what it sets holds for both.
    let is_configured = |rule: &Rule| {
        let cargo = facts.cargo.as_ref().and_then(|cargo| cargo.root.at(&["env", "LEPTOS_OUTPUT_NAME"]));
        rule.name == OUTPUT_NAME.name && cargo.is_some()
    };
    for build in halves::builds(recipe) {
        let before = halves::cooks_before(recipe, build);
        for half in halves::of(build, leptos) {
            let of_half = before.iter().filter(|cook| cook.is_wasm() == half.is_front);
            // The one that comes closest was meant.
            let all = of_half.map(|cook| (cook, differences(facts, recipe, cook, build, &half)));
            let Some((cook, differences)) = all.min_by_key(|(_, differences)| differences.len()) else {
                continue;
            };
            for difference in differences.into_iter().filter(|difference| !is_configured(difference.rule)) {
                found.add_with(difference.rule, cook.line, difference.found, difference.fix);
            }
        }
    }
}

fn differences(
    facts: &Facts<'_>,
    recipe: &Recipe,
    cook: &Call,
    build: &Call,
    wanted: &Half,
) -> Vec<Difference> {
    let mut found = Vec::new();
    let half = halves::name(wanted.is_front);
    let mut differs = |rule: &'static Rule, has: String, wants: String, fix: Option<String>| {
        let text = format!("the cook of the {half} has {has}, the build of line {} {wants}", build.line);
        found.push(Difference { rule, found: text, fix: fix.unwrap_or_else(|| rule.fix.to_owned()) });
    };
    for made in halves::of(cook, None) {
        if let (Some(has), Some(wants)) = (&made.profile, &wanted.profile)
            && has != wants
        {
            let flag = if wants == "release" { "--release".to_owned() } else { format!("--profile {wants}") };
            differs(
                &PROFILE,
                format!("profile `{has}`"),
                format!("`{wants}`"),
                Some(format!("cook with `{flag}`")),
            );
        }
        features(package(facts, &made, wanted), &made, wanted, &mut differs);
        if let (Some(has), Some(wants)) = (&made.target, &wanted.target)
            && has != wants
        {
            let shown = |target: &Option<String>| {
                target.as_ref().map_or("no --target".to_owned(), |it| format!("`{it}`"))
            };
            differs(&TARGET, shown(has), shown(wants), None);
        }
        let has_other_folder = cook.folder != build.folder;
        match (&made.target_dir, &wanted.target_dir) {
            (Some(has), Some(wants)) if has == wants => {}
            _ if has_other_folder => differs(&DIRECTORY, cook.folder.clone(), build.folder.clone(), None),
            (Some(has), Some(wants)) => {
                let below = wants.strip_prefix(&format!("{}/", build.folder)).unwrap_or(wants);
                let fix = format!("cook with `--target-dir {below}`");
                differs(&TARGET_DIR, format!("the folder {has}"), wants.clone(), Some(fix));
            }
            _ => {}
        }
        if let (Some(has), Some(wants)) = (&made.package, &wanted.package)
            && has != wants
        {
            differs(
                &PACKAGE,
                format!("the package `{has}`"),
                format!("`{wants}`"),
                Some(format!("cook with `-p {wants}`")),
            );
        }
    }
    if let Some((has, wants)) = compilers::difference(facts, recipe, cook, build) {
        differs(&TOOLCHAIN, has, wants, None);
    }
    variables(cook, build, &mut differs);
    output_name(recipe, cook, build, &mut differs);
    found
}

type Differs<'a> = dyn FnMut(&'static Rule, String, String, Option<String>) + 'a;

/// The package whose features are meant: the one that is named, or the only one.
fn package<'a>(facts: &'a Facts<'_>, made: &Half, wanted: &Half) -> Option<&'a Package> {
    let mut all = facts.manifests.app();
    match wanted.package.as_ref().or(made.package.as_ref()) {
        Some(name) => all.find(|package| package.name == *name),
        None => all.next().filter(|_| all.next().is_none()),
    }
}

fn features(package: Option<&Package>, made: &Half, wanted: &Half, differs: &mut Differs<'_>) {
    let (Some(has), Some(wants)) = (&made.features, &wanted.features) else { return };
    let (Some(has_default), Some(wants_default)) = (made.default_features, wanted.default_features) else {
        return;
    };
    let shown = |features: &BTreeSet<String>, default: bool| {
        let mut shown: Vec<&str> =
            features.iter().map(String::as_str).filter(|it| *it != "default").collect();
        shown.extend(default.then_some("the default features"));
        if shown.is_empty() { "no features".to_owned() } else { shown.join(", ") }
    };
    let is_same = match package {
        Some(package) => package.asked(has, has_default) == package.asked(wants, wants_default),
        None => has == wants && has_default == wants_default,
    };
    if !is_same {
        let mut flags = if wants_default { Vec::new() } else { vec!["--no-default-features".to_owned()] };
        let list: Vec<&str> = wants.iter().map(String::as_str).collect();
        flags.extend((!list.is_empty()).then(|| format!("--features {}", list.join(","))));
        let fix = format!("cook with `{}`", flags.join(" "));
        differs(&FEATURES, shown(has, has_default), shown(wants, wants_default), Some(fix));
    }
}

fn is_rustflags(name: &str) -> bool {
    name.ends_with("RUSTFLAGS")
}

/// Variables that other rules look at.
fn is_elsewhere(name: &str) -> bool {
    // Of what cargo-leptos reads, only the name is read while dependencies compile.
    if name.starts_with("LEPTOS_") {
        return name != "LEPTOS_OUTPUT_NAME";
    }
    let named = [
        "CARGO_TARGET_DIR",
        "CARGO_BUILD_TARGET_DIR",
        "CARGO_BUILD_TARGET",
        "RUSTUP_TOOLCHAIN",
        "RUSTC_WRAPPER",
        "CARGO_BUILD_RUSTC_WRAPPER",
    ];
    named.contains(&name)
}

fn variables(cook: &Call, build: &Call, differs: &mut Differs<'_>) {
    let is_told = matches!(build.kind, Kind::Leptos | Kind::Xtask);
    let names = cook.env.keys().chain(build.env.keys());
    // Our own driver gives each half its settings and flags itself; `generate --check` holds the cooks to them.
    let is_own = |name: &str| name.starts_with("CARGO_PROFILE_") || is_rustflags(name);
    let is_given =
        |name: &str| is_told && name == "LEPTOS_OUTPUT_NAME" || build.kind == Kind::Xtask && is_own(name);
    let names: BTreeSet<&String> = names.filter(|name| !is_given(name)).collect();
    let is_other = |name: &&&String| match (cook.env.get(**name), build.env.get(**name)) {
        (Some(None), _) | (_, Some(None)) => false,
        (has, wants) => has != wants,
    };
    let (flags, others): (Vec<&String>, Vec<&String>) = names
        .iter()
        .filter(is_other)
        .filter(|name| !is_elsewhere(name))
        .copied()
        .partition(|name| is_rustflags(name));
    for (rule, names) in [(&RUSTFLAGS, flags), (&ENVIRONMENT, others)] {
        if names.is_empty() {
            continue;
        }
        let shown = |call: &Call| {
            let value = |name: &&String| match call.env.get(*name).cloned().flatten() {
                Some(value) => format!("{name}={value}"),
                None => format!("no {name}"),
            };
            names.iter().map(value).collect::<Vec<_>>().join(" ")
        };
        differs(rule, shown(cook), shown(build), None);
    }
}

/// What cargo-leptos and xtask tell the compiler themselves.
fn output_name(recipe: &Recipe, cook: &Call, build: &Call, differs: &mut Differs<'_>) {
    let Some(project) = recipe.leptos.as_ref().filter(|_| matches!(build.kind, Kind::Leptos | Kind::Xtask))
    else {
        return;
    };
    let is_set = |value: &Option<String>| value.as_ref().is_none_or(|value| *value == project.output_name);
    if !cook.env.get("LEPTOS_OUTPUT_NAME").is_some_and(is_set) {
        let wants = format!("`LEPTOS_OUTPUT_NAME={}`", project.output_name);
        let fix = format!("set `ENV LEPTOS_OUTPUT_NAME={}` before the cook", project.output_name);
        differs(&OUTPUT_NAME, "another or no LEPTOS_OUTPUT_NAME".to_owned(), wants, Some(fix));
    }
}
