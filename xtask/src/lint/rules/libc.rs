//! Whether what is built in one image runs in the other: the C library and what else a program of Rust is linked with.

use super::super::base_image::{Image, Libc};
use super::super::calls::{Call, Kind};
use super::super::dockerfile::stages::Base;
use super::super::facts::{Facts, Recipe};
use super::super::rule::{InFile, Rule};
use super::halves;
use crate::record::doctor::Severity;

const GLIBC_OLDER: Rule = Rule {
    name: "runtime-glibc-older",
    severity: Severity::Error,
    reason: "A program that is linked with a newer glibc does not start on an older one: version `GLIBC_2.N' not \
             found.",
    fix: "take both images from one release, or the older one for building",
};

const LIBRARIES_MISSING: Rule = Rule {
    name: "runtime-libraries-missing",
    severity: Severity::Error,
    reason: "A program for gnu needs glibc and libgcc_s.so.1 at run time; without them it ends with \"no such \
             file\".",
    fix: "use a base with both (e.g. `gcr.io/distroless/cc-debian13`), or build for a musl target",
};

pub const ALL: &[&Rule] = &[&GLIBC_OLDER, &LIBRARIES_MISSING];

pub fn check(facts: &Facts<'_>, recipe: &Recipe, found: &mut InFile<'_>) {
    let parsed = &recipe.parsed;
    let Some((builder, build)) = builder(recipe) else { return };
    let Some((runtime, line)) = parsed.last().and_then(|last| parsed.base(last)) else { return };
    let Base::Image(builder) = builder else { return };
    let Some(target) = target(recipe, build) else { return };
    // With `gnu.2.N` zig links for that version of glibc.
    let chooses = ["musl", "gnu."].iter().any(|libc| target.as_ref().is_some_and(|it| it.contains(libc)));
    let is_static = chooses || is_static_glibc(facts, build);
    let builder_image = Image::parse(&builder.text);
    let built_with = builder_image.libc();
    if is_static || !builder.is_known || built_with == Some(Libc::Musl) {
        return;
    }
    let (name, runtime) = match runtime {
        Base::Scratch => ("scratch".to_owned(), Some(Libc::None)),
        Base::Image(image) if image.is_known => (image.text.clone(), Image::parse(&image.text).libc()),
        _ => return,
    };
    let builds_for_glibc = matches!(built_with, Some(Libc::Glibc(..))) || builder_image.is_toolchain();
    match (runtime, built_with) {
        (Some(Libc::None | Libc::Musl), _) if builds_for_glibc => {
            found.add(
                &LIBRARIES_MISSING,
                line,
                format!("`{name}` has no glibc, and `{}` builds for it", builder.text),
            );
        }
        (Some(Libc::GlibcAlone(..)), _) if builds_for_glibc => {
            found.add(&LIBRARIES_MISSING, line, format!("`{name}` has no libgcc_s.so.1"));
        }
        (Some(Libc::Glibc(has, release)), Some(Libc::Glibc(needs, from))) if has < needs => {
            let text =
                format!("{release} has glibc 2.{has}, and the program is linked with 2.{needs} of {from}");
            found.add(&GLIBC_OLDER, line, text);
        }
        _ => {}
    }
}

/// The image that the server is built in, where that is another one than the runtime's.
pub fn builder(recipe: &Recipe) -> Option<(&Base, &Call)> {
    let parsed = &recipe.parsed;
    let own = parsed.chain(parsed.last()?);
    let is_server = |call: &&Call| match call.kind {
        Kind::Build => !call.is_wasm(),
        Kind::Leptos | Kind::Xtask => !call.flags.frontend_only,
        _ => false,
    };
    for stage in recipe.builders().into_iter().filter(|stage| !own.contains(stage)) {
        let chain = parsed.chain(stage);
        let build = recipe.calls.iter().filter(is_server).find(|call| chain.contains(&call.stage));
        if let Some(build) = build {
            return Some((parsed.base(stage)?.0, build));
        }
    }
    None
}

/// The triple that the server is built for: `Some(None)` for the builder's own, `None` where nobody can know it.
pub fn target(recipe: &Recipe, build: &Call) -> Option<Option<String>> {
    let leptos = recipe.leptos.as_ref();
    let server = || halves::of(build, leptos).into_iter().find(|half| !half.is_front)?.target;
    let of_project = || leptos.and_then(|project| project.bin.target.clone()).map(Some);
    match build.kind {
        // Without a text where a variable stands that nobody knows.
        Kind::Build => build.target().filter(|target| target.as_deref() != Some("")),
        _ if build.is_unknown("LEPTOS_BIN_TARGET_TRIPLE") => None,
        // Of our own driver's half nothing is known.
        _ => server().or_else(of_project).or_else(|| build.target()),
    }
}

/// Whether glibc is linked into the program, which then needs none in the image.
fn is_static_glibc(facts: &Facts<'_>, build: &Call) -> bool {
    let says = |text: &str| text.contains("+crt-static");
    let by_variable = build.env.values().flatten().any(|value| says(value));
    let file = facts.cargo.as_ref().and_then(|cargo| facts.repository.files.get(&cargo.file));
    by_variable || file.is_some_and(|text| says(text))
}
