//! What a build takes from elsewhere: base images, tools and downloads, and whether they are the same tomorrow.

use super::super::base_image::Image;
use super::super::dockerfile::Dockerfile;
use super::super::dockerfile::instruction::Instruction;
use super::super::dockerfile::stages::{Base, Step};
use super::super::dockerfile::words::Expanded;
use super::super::facts::{Facts, Recipe};
use super::super::rule::{InFile, Rule};
use super::super::shell::{self, Simple};
use super::tools::{self, Tool};
use crate::record::doctor::Severity;

const BASE_FLOATING: Rule = Rule {
    name: "base-floating",
    severity: Severity::Warning,
    reason: "The name means another image tomorrow: the same commit gives another image, and nobody sees when it \
             changed.",
    fix: "name a version and a digest, e.g. `debian:trixie-20251103-slim@sha256:…`",
};

const BASE_WITHOUT_DIGEST: Rule = Rule {
    name: "base-without-digest",
    severity: Severity::Note,
    reason: "Tags are moved when the image is built anew, so the same commit can give another image.",
    fix: "add the digest: `docker buildx imagetools inspect IMAGE` prints it",
};

const TOOL_UNPINNED: Rule = Rule {
    name: "tool-unpinned",
    severity: Severity::Warning,
    reason: "The newest version at the time of the build is installed, so a build can break, or change, without a \
             commit.",
    fix: "name the version, e.g. `cargo install cargo-chef --locked --version 0.1.78`",
};

const TOOLCHAIN_FLOATING: Rule = Rule {
    name: "toolchain-floating",
    severity: Severity::Warning,
    reason: "The compiler is one of the image's inputs. A channel without a date or number is another compiler \
             tomorrow.",
    fix: "name the release, e.g. `1.95.0`, or a dated nightly, e.g. `nightly-2025-11-01`",
};

const DOWNLOAD_UNVERIFIED: Rule = Rule {
    name: "download-unverified",
    severity: Severity::Warning,
    reason: "Whoever can change the file at that address runs their code in your build.",
    fix: "compare it with a digest before use: `echo \"DIGEST  FILE\" | sha256sum --check`, or `ADD \
             --checksum=sha256:…`",
};

const INSTALL_UNLOCKED: Rule = Rule {
    name: "install-unlocked",
    severity: Severity::Note,
    reason: "Without --locked cargo takes the newest dependencies of the tool, which need not compile together.",
    fix: "add `--locked`",
};

const WASM_BINDGEN: Rule = Rule {
    name: "wasm-bindgen-version",
    severity: Severity::Error,
    reason: "wasm-bindgen refuses a wasm file of another version of the crate, and the one on PATH wins over the \
             right one.",
    fix: "install the version of Cargo.lock, or none: `cargo leptos` from 0.3.1 on and `cargo xtask build` fetch \
             the right one",
};

const CARGO_LEPTOS_OLD: Rule = Rule {
    name: "cargo-leptos-old",
    severity: Severity::Warning,
    reason: "Before 0.3.1 cargo-leptos has a wasm-bindgen of its own, which need not be that of Cargo.lock.",
    fix: "use cargo-leptos 0.3.1 or newer",
};

pub const ALL: &[&Rule] = &[
    &BASE_FLOATING,
    &BASE_WITHOUT_DIGEST,
    &TOOL_UNPINNED,
    &TOOLCHAIN_FLOATING,
    &DOWNLOAD_UNVERIFIED,
    &INSTALL_UNLOCKED,
    &WASM_BINDGEN,
    &CARGO_LEPTOS_OLD,
];

pub fn check(facts: &Facts<'_>, recipe: &Recipe, found: &mut InFile<'_>) {
    let parsed = &recipe.parsed;
    for stage in &parsed.stages {
        if let Base::Image(image) = &stage.base {
            base(image, stage.line, found);
        }
    }
    for step in parsed.stages.iter().flat_map(|stage| &stage.steps) {
        if let Some(flag) = step.instruction.flag("from") {
            let from = step.scope.expand(&flag.value, parsed.escape);
            if parsed.source(&from.text).is_none() {
                base(&from, flag.line, found);
            }
        }
        added(&step.instruction, found);
        variables(&step.instruction, facts, step, parsed, found);
        for script in step.scripts() {
            run(&shell::commands(&script.text, script.stops_at_errors), step, facts, found);
        }
    }
}

fn base(image: &Expanded, line: usize, found: &mut InFile<'_>) {
    if !image.is_known || image.text.is_empty() {
        return;
    }
    let parsed = Image::parse(&image.text);
    if parsed.is_floating() {
        found.add(&BASE_FLOATING, line, format!("`{}`", image.text));
    } else if !parsed.has_digest {
        found.add(&BASE_WITHOUT_DIGEST, line, format!("`{}`", image.text));
    }
}

/// `ADD` from an address.
fn added(instruction: &Instruction, found: &mut InFile<'_>) {
    let is_address = |word: &str| word.starts_with("https://") || word.starts_with("http://");
    if instruction.is("ADD") && instruction.flag("checksum").is_none() {
        let words = instruction.words('\\');
        if let Some(address) = words.iter().find(|word| is_address(word)) {
            found.add(&DOWNLOAD_UNVERIFIED, instruction.line, format!("`ADD {address}` without --checksum"));
        }
    }
}

/// The version of wasm-bindgen that cargo-leptos is told.
fn variables(
    instruction: &Instruction,
    facts: &Facts<'_>,
    step: &Step,
    parsed: &Dockerfile,
    found: &mut InFile<'_>,
) {
    let Some(locked) = facts.manifests.wasm_bindgen.as_ref().filter(|_| instruction.is("ENV")) else {
        return;
    };
    for (name, value, line) in instruction.pairs(parsed.escape) {
        let value = step.scope.expand(&value.unwrap_or_default(), parsed.escape);
        let differs = value.is_known && value.text.trim_start_matches('v') != locked;
        if name == "LEPTOS_WASM_BINDGEN_VERSION" && differs {
            let text = format!(
                "LEPTOS_WASM_BINDGEN_VERSION is {}, and Cargo.lock has wasm-bindgen {locked}",
                value.text
            );
            found.add(&WASM_BINDGEN, line, text);
        }
    }
}

fn run(commands: &[Simple], step: &Step, facts: &Facts<'_>, found: &mut InFile<'_>) {
    let is_verified = commands.iter().any(|command| {
        let is_check = |word: &String| {
            let name = word.rsplit('/').next().unwrap_or_default();
            ["sha256sum", "sha512sum", "shasum", "b2sum", "b3sum", "gpg", "gpgv", "cosign", "minisign"]
                .contains(&name)
        };
        command.words.iter().any(is_check)
    });
    let mut has_download = false;
    for command in commands {
        for tool in tools::installed(command, &step.scope) {
            one_tool(&tool, command.line, facts, found);
        }
        if let Some(channel) = tools::floating_channel(command) {
            found.add(&TOOLCHAIN_FLOATING, command.line, format!("`{}`: {channel}", command.words.join(" ")));
        }
        let Some(address) = tools::download(command) else { continue };
        if address.contains("/latest/") {
            found.add(
                &TOOL_UNPINNED,
                command.line,
                format!("`{address}` is the newest release, whichever that is"),
            );
        }
        if let Some(version) = tools::cargo_leptos_release(address) {
            old_cargo_leptos(&version, command.line, found);
        }
        if !is_verified && !has_download {
            has_download = true;
            found.add(&DOWNLOAD_UNVERIFIED, command.line, format!("`{address}` is used as it comes"));
        }
    }
}

fn one_tool(tool: &Tool, line: usize, facts: &Facts<'_>, found: &mut InFile<'_>) {
    let wanted = facts.manifests.wasm_bindgen.as_ref().filter(|_| tool.name == "wasm-bindgen-cli");
    match (&tool.version, wanted) {
        (_, Some(locked)) if !tool.is_given && tool.version.as_ref() != Some(locked) => {
            let has = tool.version.as_deref().unwrap_or("no version");
            found.add_with(
                &WASM_BINDGEN,
                line,
                format!("wasm-bindgen-cli with {has}, and Cargo.lock has wasm-bindgen {locked}"),
                format!(
                    "install wasm-bindgen-cli {locked}, or none: {}",
                    "cargo-leptos and xtask fetch the right one"
                ),
            );
        }
        (None, _) if !tool.is_given => {
            let (by, name) = (tool.by, &tool.name);
            found.add(&TOOL_UNPINNED, line, format!("`{by}` takes whatever version of {name} is newest"));
        }
        (Some(version), _) if tool.name == "cargo-leptos" => old_cargo_leptos(version, line, found),
        _ => {}
    }
    if tool.by == "cargo install" && !tool.is_locked {
        found.add(&INSTALL_UNLOCKED, line, format!("`cargo install {}` without --locked", tool.name));
    }
}

fn old_cargo_leptos(version: &str, line: usize, found: &mut InFile<'_>) {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().ok());
    if let (Some(Some(0)), Some(Some(minor)), patch) = (parts.next(), parts.next(), parts.next())
        && (minor, patch.flatten().unwrap_or(0)) < (3, 1)
    {
        found.add(&CARGO_LEPTOS_OLD, line, format!("cargo-leptos {version}"));
    }
}

/// The toolchain that the repository itself names.
pub fn check_toolchain(facts: &Facts<'_>, file: &str, text: &str, found: &mut InFile<'_>) {
    // Where nothing is built in a container, it is the developers' own business.
    if facts.recipes.iter().all(|recipe| recipe.calls.is_empty()) {
        return;
    }
    let line =
        |needle: &str| text.lines().position(|line| line.contains(needle)).map_or(1, |index| index + 1);
    let channel = text.lines().find_map(|line| {
        let (key, value) = line.split_once('=')?;
        (key.trim() == "channel").then(|| value.trim().trim_matches(['"', '\'']))
    });
    let channel = channel.or_else(|| text.lines().next().filter(|_| !file.ends_with(".toml")).map(str::trim));
    if let Some(channel) = channel.filter(|channel| tools::is_floating_channel(channel)) {
        found.add(&TOOLCHAIN_FLOATING, line(channel), format!("the channel is `{channel}`"));
    }
}
