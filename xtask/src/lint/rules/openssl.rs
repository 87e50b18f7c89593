//! Whether a builder has what the crate openssl-sys compiles against. It is the C library that servers ask for most.

use super::super::base_image::Image;
use super::super::dockerfile::stages::{Base, Step};
use super::super::facts::{Facts, Recipe};
use super::super::rule::{InFile, Rule};
use super::super::shell;
use super::libc;
use crate::record::doctor::Severity;

const HEADERS_MISSING: Rule = Rule {
    name: "openssl-headers-missing",
    severity: Severity::Warning,
    reason: "The build script of openssl-sys, which Cargo.lock has, asks pkg-config for OpenSSL's headers. Images \
             called `slim` have neither, so the cook ends there.",
    fix: "install `pkg-config libssl-dev` before the cook, and take a base with libssl; or let the crates use rustls",
};

pub const ALL: &[&Rule] = &[&HEADERS_MISSING];

pub fn check(facts: &Facts<'_>, recipe: &Recipe, found: &mut InFile<'_>) {
    // With openssl-src they are compiled along.
    if !facts.locks("openssl-sys") || facts.locks("openssl-src") {
        return;
    }
    let Some((Base::Image(builder), build)) = libc::builder(recipe) else { return };
    let image = Image::parse(&builder.text);
    let is_slim = image.tag.as_deref().is_some_and(|tag| tag.split('-').any(|part| part == "slim"));
    // Headers for another C library come from elsewhere.
    let target = libc::target(recipe, build).flatten();
    let is_own = target.is_none_or(|target| target.contains("gnu"));
    // Of other images nobody knows what is in them.
    let is_official = builder.is_known && image.compiler().is_some();
    if !is_official || !is_slim || !is_own {
        return;
    }
    let line = recipe.parsed.base(build.stage).map_or(1, |(_, line)| line);
    if !recipe.parsed.steps(build.stage).any(may_bring) {
        let text = format!("`{}` has no headers of OpenSSL, and nothing installs them", builder.text);
        found.add(&HEADERS_MISSING, line, text);
    }
}

/// Whether an instruction may bring the headers: it names them or says where they are, installs packages that only the
/// build knows, or starts a script.
fn may_bring(step: &Step) -> bool {
    let says = |text: &str| text.contains("libssl-dev") || text.contains("OPENSSL_");
    let scripts = step.scripts();
    let in_script = |text: &str| says(text) || text.contains(".sh");
    if says(&step.instruction.rest.text) || scripts.iter().any(|script| in_script(&script.text.text)) {
        return true;
    }
    let commands = scripts.iter().flat_map(|script| shell::commands(&script.text, script.stops_at_errors));
    let mut installs = commands.filter(|command| {
        let has = |word: &str| command.words.iter().any(|it| it == word);
        (has("apt-get") || has("apt")) && has("install")
    });
    installs.any(|command| {
        command.words.iter().any(|word| {
            let package = step.scope.expand(word, '\\');
            !package.is_known || says(&package.text) || word.contains("$(") || word.contains('`')
        })
    })
}
