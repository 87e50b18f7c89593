//! The halves that a call compiles, and which cook comes before which build.

use std::collections::BTreeSet;

use super::super::calls::{Call, Flags, Kind};
use super::super::dockerfile::copies::{self, From};
use super::super::dockerfile::stages::join;
use super::super::facts::Recipe;
use super::super::manifest::{self, Leptos};

/// How one half is compiled; `None` where nobody can know it from files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Half {
    pub is_front: bool,
    pub profile: Option<String>,
    pub features: Option<BTreeSet<String>>,
    pub default_features: Option<bool>,
    /// The triple; `Some(None)` for the builder's own.
    pub target: Option<Option<String>>,
    pub target_dir: Option<String>,
    pub package: Option<String>,
}

/// The halves of a call: one of a cook or of cargo itself, both of `cargo leptos`.
pub fn of(call: &Call, leptos: Option<&Leptos>) -> Vec<Half> {
    match call.kind {
        Kind::Prepare => Vec::new(),
        Kind::Cook | Kind::Build => vec![by_flags(call)],
        Kind::Leptos | Kind::Xtask => {
            let front = (!call.flags.server_only).then(|| by_metadata(call, leptos, true));
            let server = (!call.flags.frontend_only).then(|| by_metadata(call, leptos, false));
            front.into_iter().chain(server).collect()
        }
    }
}

fn by_flags(call: &Call) -> Half {
    let flags = &call.flags;
    let known = !flags.is_unknown;
    Half {
        is_front: call.is_wasm(),
        profile: known.then(|| flags.profile.clone().unwrap_or_else(|| "dev".to_owned())),
        features: (known && !flags.all_features)
            .then(|| flags.features.iter().map(|feature| plain(feature)).collect()),
        default_features: (known && !flags.all_features).then_some(!flags.no_default_features),
        target: call.target().filter(|_| known),
        // Where a manifest elsewhere has its workspace, and so its `target`, is not looked up.
        target_dir: (known && flags.is_here()).then(|| call.target_dir()),
        package: flags.packages.first().filter(|_| known && flags.packages.len() == 1).cloned(),
    }
}

/// A feature without the package that it is asked of.
fn plain(feature: &str) -> String {
    feature.rsplit('/').next().unwrap_or_default().to_owned()
}

fn by_metadata(call: &Call, leptos: Option<&Leptos>, is_front: bool) -> Half {
    let mut half = Half { is_front, ..Half::default() };
    let flags = &call.flags;
    // Our own driver has profiles and folders of its own, which `generate --check` and the build itself look after.
    if call.kind == Kind::Xtask || flags.is_unknown {
        return half;
    }
    let is_release = flags.profile.as_deref() == Some("release");
    let none = manifest::Half::default();
    let settings = match leptos {
        Some(project) if is_front => &project.lib,
        Some(project) => &project.bin,
        None => &none,
    };
    // What stands on the command line takes the place of what the metadata has.
    let args = if is_front { &flags.lib_args } else { &flags.bin_args };
    let passed = Flags::of(if args.is_empty() { &settings.args } else { args });
    let named = if is_release { &settings.profile_release } else { &settings.profile_dev };
    let usual = if is_release { "release" } else { "dev" };
    half.profile = Some(passed.profile.or(named.clone()).unwrap_or_else(|| usual.to_owned()));
    let own = call.default_target_dir();
    let target_dir = Some(match (&settings.target_dir, is_front) {
        _ if passed.target_dir.is_some() => join(&call.folder, &passed.target_dir.unwrap_or_default()),
        (Some(folder), _) => {
            let below = ["CARGO_TARGET_DIR/", "CARGO_BUILD_TARGET_DIR/"]
                .iter()
                .find_map(|it| folder.strip_prefix(it));
            below.map_or_else(|| join(&call.folder, folder), |below| join(&own, below))
        }
        (None, true) => join(&own, "front"),
        (None, false) => own,
    });
    let is_given = |variable: &str| !is_front && call.is_unknown(variable);
    half.target_dir = target_dir.filter(|_| !is_given("LEPTOS_BIN_TARGET_DIR"));
    let by_variable = || call.env.get("LEPTOS_BIN_TARGET_TRIPLE").cloned().flatten();
    half.target = match passed.target.or_else(by_variable).or(settings.target.clone()) {
        _ if is_front => Some(Some("wasm32-unknown-unknown".to_owned())),
        _ if is_given("LEPTOS_BIN_TARGET_TRIPLE") => None,
        Some(target) => Some(Some(target)),
        None => call.target(),
    };
    if let Some(project) = leptos {
        let more = if is_front { &flags.lib_features } else { &flags.bin_features };
        let own: Vec<&String> =
            if more.is_empty() { settings.features.iter().collect() } else { more.iter().collect() };
        let all = own.into_iter().chain(&project.features).chain(&flags.features).chain(&passed.features);
        half.features = Some(all.map(|feature| plain(feature)).collect());
        half.default_features = Some(settings.default_features);
        half.package = Some(if is_front { &project.lib_package } else { &project.bin_package }.clone());
    }
    half
}

/// The cooks whose results are there when a build begins.
pub fn cooks_before<'a>(recipe: &'a Recipe, build: &Call) -> Vec<&'a Call> {
    let parsed = &recipe.parsed;
    let chain = parsed.chain(build.stage);
    // Stages whose target folder is copied over.
    let mut others: Vec<usize> = Vec::new();
    for step in parsed.steps(build.stage) {
        for copy in copies::of(step, parsed) {
            if let From::Stage(stage) = copy.from {
                others.extend(parsed.chain(stage));
            }
        }
    }
    let is_before = |cook: &&Call| {
        let at = (cook.stage, cook.step, cook.line);
        let own = chain.contains(&cook.stage)
            && (cook.stage != build.stage || at <= (build.stage, build.step, build.line));
        own || others.contains(&cook.stage)
    };
    recipe.calls.iter().filter(|call| call.kind == Kind::Cook).filter(is_before).collect()
}

/// The calls that compile the app. The automation itself, compiled before it, is not the app.
pub fn builds(recipe: &Recipe) -> impl Iterator<Item = &Call> {
    recipe.calls.iter().filter(|call| {
        let is_own = call.flags.packages.iter().any(|package| package == "xtask");
        matches!(call.kind, Kind::Leptos | Kind::Xtask | Kind::Build) && !is_own
    })
}

/// For people.
pub fn name(is_front: bool) -> &'static str {
    if is_front { "front half" } else { "server half" }
}
