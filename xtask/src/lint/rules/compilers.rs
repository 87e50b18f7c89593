//! With which compiler a call compiles: chosen for the call, by the repository, by the image's recipe, or by its base.

use super::super::base_image::Image;
use super::super::calls::{Call, Kind, is_below};
use super::super::dockerfile::copies::{self, Copy, From};
use super::super::dockerfile::stages::{Base, Step};
use super::super::facts::{Facts, Recipe};
use super::super::shell;
use crate::config::toolchain_file;

/// A compiler, as far as files tell.
struct Compiler {
    /// As rustup calls it; `None` where nobody can know it.
    name: Option<String>,
    /// Whether somebody has asked for it. The base's own comes without.
    is_asked: bool,
}

/// What the cook compiles with and what the build does, in words, where these differ.
pub fn difference(facts: &Facts<'_>, recipe: &Recipe, cook: &Call, build: &Call) -> Option<(String, String)> {
    let (has, wants) = (of(facts, recipe, cook), of(facts, recipe, build));
    let shown = |compiler: &Compiler| {
        compiler.name.as_ref().map_or("the default toolchain".to_owned(), |name| format!("`{name}`"))
    };
    let differ = match (&has.name, &wants.name) {
        (Some(one), Some(other)) => !may_be_same(one, other),
        // Of an unknown base nothing is known but that nobody asked for another one.
        (None, Some(_)) => wants.is_asked && !has.is_asked,
        (Some(_), None) => has.is_asked && !wants.is_asked,
        (None, None) => false,
    };
    differ.then(|| (shown(&has), shown(&wants)))
}

fn of(facts: &Facts<'_>, recipe: &Recipe, call: &Call) -> Compiler {
    let asked = |name: Option<String>| Compiler { name, is_asked: true };
    if let Some(flag) = &call.flags.toolchain {
        return asked(Some(flag.clone()));
    }
    if let Some(variable) = call.env.get("RUSTUP_TOOLCHAIN") {
        return asked(variable.clone());
    }
    let channel = facts.channel();
    if channel.is_some() && finds_file(recipe, call) {
        return asked(channel);
    }
    if let Some(default) = default_before(recipe, call) {
        return asked(default);
    }
    let name = match recipe.parsed.base(call.stage) {
        Some((Base::Image(image), _)) if image.is_known => Image::parse(&image.text).compiler(),
        _ => None,
    };
    // A base that nobody knows may well have the compiler that the repository asks for.
    Compiler { is_asked: name.is_none() && channel.is_some(), name }
}

/// Whether the repository's file is there when a call begins. cargo-chef writes it from its recipe, but when cargo has
/// chosen its compiler: it counts for the next call (LukeMathWalker/cargo-chef#271). A build has it from either.
fn finds_file(recipe: &Recipe, call: &Call) -> bool {
    if call.kind != Kind::Cook {
        return true;
    }
    let chain = recipe.parsed.chain(call.stage);
    let mut earlier = recipe.calls.iter().take_while(|other| !std::ptr::eq(*other, call));
    if earlier.any(|other| other.kind == Kind::Cook && chain.contains(&other.stage)) {
        return true;
    }
    let is_mounted = |target: &str| {
        let name = target.rsplit('/').next().unwrap_or_default();
        !target.is_empty() && (is_below(&call.folder, target) || means_file(name))
    };
    if call.mounts.iter().any(|mount| mount.kind == "bind" && is_mounted(&mount.target)) {
        return true;
    }
    let mut before = chain.iter().flat_map(|stage| {
        let steps = recipe.parsed.stages[*stage].steps.iter().enumerate();
        steps.filter(|(index, _)| *stage != call.stage || *index < call.step).map(|(_, step)| step)
    });
    before.any(|step| brings_file(recipe, step, &call.folder))
}

/// Whether an instruction puts the file into a folder, as far as it can be told: by its name, by a pattern, with all
/// files, or by a script that speaks of it.
fn brings_file(recipe: &Recipe, step: &Step, folder: &str) -> bool {
    let is_whole = |copy: &Copy| copy.from != From::Context && copy.ends().iter().any(|end| end == folder);
    let brings = |copy: &Copy| copy.is_everything() || means_file(copy.name()) || is_whole(copy);
    copies::of(step, &recipe.parsed).iter().any(brings)
        || step.scripts().iter().any(|script| script.text.text.contains(toolchain_file::NAMES[0]))
}

/// Whether a name, perhaps with wildcards, means the file.
fn means_file(name: &str) -> bool {
    match name.find(['*', '?', '[']) {
        Some(at) => toolchain_file::NAMES.iter().any(|file| file.starts_with(&name[..at])),
        None => toolchain_file::NAMES.contains(&name),
    }
}

/// The default that rustup was given last before a call; `Some(None)` for one that only the build knows.
fn default_before(recipe: &Recipe, call: &Call) -> Option<Option<String>> {
    let mut found = None;
    for stage in recipe.parsed.chain(call.stage) {
        for (index, step) in recipe.parsed.stages[stage].steps.iter().enumerate() {
            if stage == call.stage && index > call.step {
                break;
            }
            let is_own = stage == call.stage && index == call.step;
            for script in step.scripts() {
                let commands = shell::commands(&script.text, false);
                let before = commands.iter().filter(|command| !is_own || command.line <= call.line);
                found = before.filter_map(|command| default(step, &command.words)).next_back().or(found);
            }
        }
    }
    found
}

/// The default that a command gives rustup.
fn default(step: &Step, words: &[String]) -> Option<Option<String>> {
    let plain: Vec<&str> = words.iter().map(String::as_str).collect();
    let channel = match plain.as_slice() {
        ["rustup", "default", channel, ..] | ["rustup", "override", "set", channel, ..] => *channel,
        words => {
            let at = words.iter().position(|word| word.starts_with("--default-toolchain"))?;
            let inline = words[at].split_once('=').map(|(_, channel)| channel);
            inline.or_else(|| words.get(at + 1).copied()).filter(|channel| *channel != "none")?
        }
    };
    let expanded = step.scope.expand(channel, '\\');
    Some(Some(expanded.text).filter(|text| expanded.is_known && !text.is_empty()))
}

/// Whether two names may mean one compiler: `1` and `1.90.0` may, and so may `stable` and any version.
fn may_be_same(one: &str, other: &str) -> bool {
    let channel = |name: &str| match name.split('-').next().unwrap_or_default() {
        "nightly" => Some("nightly"),
        "beta" => Some("beta"),
        first if first == "stable" || first.starts_with(|c: char| c.is_ascii_digit()) => Some("stable"),
        _ => None,
    };
    // A version, or the day of a nightly one; as much as both of them say.
    let numbers = |name: &str| {
        let parts = name.split(['-', '.']).filter(|part| part.chars().all(|c| c.is_ascii_digit()));
        parts.take(3).map(str::to_owned).collect::<Vec<_>>()
    };
    let agree = || numbers(one).iter().zip(&numbers(other)).all(|(one, other)| one == other);
    one == other || (channel(one).is_some() && channel(one) == channel(other) && agree())
}

#[cfg(test)]
mod tests {
    use super::may_be_same;

    #[test]
    fn names_of_one_compiler() {
        for (one, other, expected) in [
            ("1.90.0", "1.90.0", true),
            ("1.90", "1.90.0-x86_64-unknown-linux-gnu", true),
            ("1", "1.90.0", true),
            ("stable", "1.90.0", true),
            ("nightly", "nightly-2025-08-01", true),
            ("own", "own", true),
            ("1.90.0", "1.89.0", false),
            ("1", "nightly", false),
            ("stable", "nightly", false),
            ("nightly-2025-08-01", "nightly-2025-09-01", false),
            ("own", "stable", false),
        ] {
            assert_eq!(may_be_same(one, other), expected, "{one} {other}");
            assert_eq!(may_be_same(other, one), expected, "{other} {one}");
        }
    }
}
