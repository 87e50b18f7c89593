//! The blocks of `Dockerfile.production`, from the plan of the build and the table of versions.

use std::collections::BTreeMap;

use super::cook::Cook;
use super::{Blocks, Drift};
use crate::plan::quote;

/// The longest line that is not broken, in characters.
const LINE_LENGTH_MAX: usize = 120;

/// What the line with the compiler's image begins with.
const RUST_IMAGE: &str = "ARG RUST_IMAGE=";

/// The image of the newest nightly. None keeps those of other days (rust-lang/docker-rust#177), nor is there one of
/// beta.
const NIGHTLY_IMAGE: &str = "docker.io/rustlang/rust:nightly-slim";

/// Has cargo say why it compiles a unit that it has compiled before.
const LOG: &str = "CARGO_LOG=cargo::core::compiler::fingerprint=info";

/// Lets dependencies that were cooked in vain pass, where the Dockerfile's argument says so.
const ALLOWED: &str = "${ALLOW_RECOMPILED:+--allow-recompiled}";

/// All that the blocks follow from. Paths are below the folder of the image that the sources are in.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// Names of build arguments and versions.
    pub pins: Vec<(&'static str, String)>,
    /// What both halves are compiled under.
    pub environment: BTreeMap<String, String>,
    pub front: Cook,
    pub server: Cook,
    /// The words after `xtask`.
    pub build: Vec<String>,
    /// The words after `xtask` for each tool that a stage of its own does not bring.
    pub setups: Vec<Vec<String>>,
    /// Files and folders that have to be there before the sources are, for whoever reads the metadata.
    pub files: Vec<String>,
    pub folders: Vec<String>,
    /// The folder that all of it is in, e.g. `/app`, and the one that the image has it in.
    pub folder: String,
    pub binary: String,
    pub hash_file: Option<String>,
    pub site: String,
    /// Where the image has the site, below the folder.
    pub site_dir: String,
    /// What says whose image it is.
    pub labels: BTreeMap<String, String>,
    pub runtime_environment: BTreeMap<String, String>,
    /// Where the server listens unless the platform says otherwise.
    pub port: u16,
}

/// The compiler's image of a Dockerfile, where it is Rust's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RustImage<'a> {
    /// Counted from 1.
    pub line: usize,
    /// The whole line.
    pub text: &'a str,
    /// E.g. `1.95.0`.
    pub version: &'a str,
}

/// Finds it by the argument that names it.
pub fn rust_image(text: &str) -> Option<RustImage<'_>> {
    let (index, line) = text.lines().enumerate().find(|(_, line)| line.starts_with(RUST_IMAGE))?;
    let name = line.strip_prefix(RUST_IMAGE)?.rsplit('/').next()?;
    let version = name.strip_prefix("rust:")?.split(['-', '@']).next()?;
    Some(RustImage { line: index + 1, text: line, version })
}

/// The line that names another Rust than the workspace's toolchain, where there is an image that has the right one. Of
/// other channels (`stable`, `beta`, a nightly of some day) rustup fetches the compiler when the image is built. No
/// command can write the line: only the registry knows the other image's digest.
pub fn other_rust(text: &str, toolchain: &str) -> Option<Drift> {
    let image = rust_image(text)?;
    let numbers =
        |version: &str| -> Option<Vec<u64>> { version.split('.').map(|part| part.parse().ok()).collect() };
    let name = image.text.split('@').next().unwrap_or_default();
    let wanted = match (numbers(image.version), numbers(toolchain)) {
        // `1.95` is each 1.95.x.
        (Some(own), Some(wanted)) if own.iter().zip(&wanted).any(|(own, wanted)| own != wanted) => {
            name.replacen(image.version, toolchain, 1)
        }
        (Some(_), None) if toolchain == "nightly" => format!("{RUST_IMAGE}{NIGHTLY_IMAGE}"),
        (None, Some(_)) if image.version == "nightly" => {
            format!("{RUST_IMAGE}docker.io/library/rust:{toolchain}-slim")
        }
        _ => return None,
    };
    Some(Drift {
        line: image.line,
        block: "RUST_IMAGE".to_owned(),
        found: image.text.to_owned(),
        wanted: format!("{wanted}@sha256:…"),
    })
}

/// What belongs into each block.
pub fn blocks(recipe: &Recipe) -> Blocks {
    let pins = recipe.pins.iter().map(|(name, version)| format!("ARG {name}={version}"));
    let environment: Vec<(&str, &str)> = pairs(&recipe.environment);
    let mut build = vec![LOG.to_owned(), "xtask".to_owned()];
    build.extend(recipe.build.iter().map(|word| quote(word)));
    build.push(ALLOWED.to_owned());
    Blocks::from([
        ("pins", pins.collect()),
        ("compile-environment", set("ENV", &environment)),
        ("cook-front", cook(&recipe.front)),
        ("cook-server", cook(&recipe.server)),
        ("setup", setup(recipe)),
        ("build", broken(&build)),
        ("runtime", runtime(recipe)),
    ])
}

fn cook(cook: &Cook) -> Vec<String> {
    let mut words: Vec<String> =
        cook.env.iter().map(|(name, value)| format!("{name}={}", quote(value))).collect();
    words.push("cargo chef cook --recipe-path recipe.json".to_owned());
    words.extend(cook.args.iter().map(|word| quote(word)));
    broken(&words)
}

/// A layer for each tool, so that another version of one leaves the ones before it alone.
///
/// Before them files for whoever reads the metadata. Empty ones do: only their names matter, and a change of the real
/// ones must not make these layers anew.
fn setup(recipe: &Recipe) -> Vec<String> {
    let quoted = |paths: &[String]| paths.iter().map(|path| quote(path)).collect::<Vec<_>>();
    let parents = recipe.files.iter().filter_map(|file| Some(file.rsplit_once('/')?.0.to_owned()));
    let mut folders: Vec<String> = parents.chain(recipe.folders.iter().cloned()).collect();
    folders.sort();
    folders.dedup();
    let mut commands = Vec::new();
    if !folders.is_empty() {
        commands.push([vec!["mkdir -p".to_owned()], quoted(&folders)].concat());
    }
    if !recipe.files.is_empty() {
        commands.push([vec!["touch".to_owned()], quoted(&recipe.files)].concat());
    }
    let mut lines = Vec::new();
    for setup in &recipe.setups {
        commands.push([vec!["xtask".to_owned()], quoted(setup)].concat());
        if !lines.is_empty() {
            lines.push("# hadolint ignore=DL3059".to_owned());
        }
        let words = std::mem::take(&mut commands).join(&"&&".to_owned());
        lines.extend(instruction("RUN", &words));
    }
    lines
}

/// Words as an instruction of the Dockerfile.
fn instruction(keyword: &str, words: &[String]) -> Vec<String> {
    let mut lines = broken(&[vec![keyword.to_owned()], words.to_vec()].concat());
    if let Some(last) = lines.last_mut() {
        // Nothing follows.
        last.truncate(last.trim_end_matches(['\\', ' ']).len());
    }
    lines
}

/// What changes least comes first: the layers below one that has changed are there already.
fn runtime(recipe: &Recipe) -> Vec<String> {
    let inside = |path: &str| format!("{}/{path}", recipe.folder);
    let mut lines = set("LABEL", &pairs(&recipe.labels));
    lines.push(format!("EXPOSE {}", recipe.port));
    lines.extend(set("ENV", &pairs(&recipe.runtime_environment)));
    lines.push(format!("COPY --from=builder {}/ {}/", inside(&recipe.site), recipe.site_dir));
    let files: Vec<String> =
        recipe.hash_file.iter().chain([&recipe.binary]).map(|file| inside(file)).collect();
    lines.push(format!("COPY --from=builder {} ./", files.join(" ")));
    let name = recipe.binary.rsplit('/').next().unwrap_or(&recipe.binary);
    lines.push(format!("ENTRYPOINT [{:?}]", inside(name)));
    lines
}

fn pairs(variables: &BTreeMap<String, String>) -> Vec<(&str, &str)> {
    variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// One `ENV` or `LABEL` for all of them.
fn set(keyword: &str, variables: &[(&str, &str)]) -> Vec<String> {
    let plain = |value: &str| value.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:,@+=".contains(c));
    let shown = |value: &str| match value {
        "" => "\"\"".to_owned(),
        value if plain(value) => value.to_owned(),
        value => format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$")),
    };
    let last = variables.len().saturating_sub(1);
    let line = |(index, (name, value)): (usize, &(&str, &str))| {
        let start = if index == 0 { format!("{keyword} ") } else { " ".repeat(4) };
        let end = if index == last { "" } else { " \\" };
        format!("{start}{name}={}{end}", shown(value))
    };
    variables.iter().enumerate().map(line).collect()
}

/// Words as lines that a shell takes for one, and for the beginning of what follows.
fn broken(words: &[String]) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in words {
        let line = lines.last().map_or(0, |line| line.chars().count());
        if line > 0 && line + 1 + word.chars().count() > LINE_LENGTH_MAX {
            lines.push("   ".to_owned());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.into_iter().map(|line| format!("{line} \\")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rust_of_the_image_is_the_workspaces() {
        let line = "ARG RUST_IMAGE=docker.io/library/rust:1.95.0-slim-trixie@sha256:00";
        let text = format!("# x\n{line}\nFROM ${{RUST_IMAGE}}\n");
        assert_eq!(rust_image(&text), Some(RustImage { line: 2, text: line, version: "1.95.0" }));
        // Of the last three no image has the compiler for sure.
        for same in ["1.95.0", "1.95", "stable", "beta", "nightly-2026-01-01"] {
            assert_eq!(other_rust(&text, same), None, "{same}");
        }
        let drift = other_rust(&text, "1.96.1").unwrap();
        assert_eq!((drift.line, drift.found.as_str()), (2, line));
        assert_eq!(drift.wanted, "ARG RUST_IMAGE=docker.io/library/rust:1.96.1-slim-trixie@sha256:…");
        // A channel of the other kind, whose compiler only such an image brings along under a digest.
        let drift = other_rust(&text, "nightly").unwrap();
        assert_eq!(drift.wanted, "ARG RUST_IMAGE=docker.io/rustlang/rust:nightly-slim@sha256:…");
        let nightly = "ARG RUST_IMAGE=docker.io/rustlang/rust:nightly-slim@sha256:00\n";
        let drift = other_rust(nightly, "1.96.1").unwrap();
        assert_eq!(drift.wanted, "ARG RUST_IMAGE=docker.io/library/rust:1.96.1-slim@sha256:…");
        for same in ["nightly", "nightly-2026-01-01", "stable"] {
            assert_eq!(other_rust(nightly, same), None, "{same}");
        }
        for other in
            ["ARG RUST_IMAGE=r.example/own:1.2\n", "ARG RUST_IMAGE=rust:latest\n", "FROM rust:1.2.3\n"]
        {
            for toolchain in ["1.96.1", "nightly"] {
                assert_eq!(other_rust(other, toolchain), None, "{other} {toolchain}");
            }
        }
    }

    #[test]
    fn each_block() {
        let map = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let recipe = Recipe {
            pins: vec![("CARGO_CHEF_VERSION", "0.1.78".to_owned())],
            environment: map(&[("A", "1"), ("B", "two \"words\""), ("C", "")]),
            front: Cook { env: map(&[("RUSTFLAGS", "-Ca -Cb")]), args: words("--package front") },
            server: Cook {
                env: map(&[]),
                args: words(&format!("--package server --features {}", "x".repeat(80))),
            },
            build: words("build"),
            setups: vec![words("setup --only wasm-opt"), words("setup --only sass --project app")],
            files: words("style/main.css tailwind.config.js"),
            folders: words("public"),
            folder: "/app".to_owned(),
            binary: "target/production/app".to_owned(),
            hash_file: Some("target/production/hash.txt".to_owned()),
            site: "target/site".to_owned(),
            site_dir: "site".to_owned(),
            labels: map(&[("org.example.title", "app"), ("org.example.words", "two words")]),
            runtime_environment: map(&[("HOST", "0.0.0.0")]),
            port: 8080,
        };
        let all: String =
            blocks(&recipe).iter().map(|(name, lines)| format!("{name}:\n{}\n", lines.join("\n"))).collect();
        expect_test::expect![[r#"
            build:
            CARGO_LOG=cargo::core::compiler::fingerprint=info xtask build ${ALLOW_RECOMPILED:+--allow-recompiled} \
            compile-environment:
            ENV A=1 \
                B="two \"words\"" \
                C=""
            cook-front:
            RUSTFLAGS='-Ca -Cb' cargo chef cook --recipe-path recipe.json --package front \
            cook-server:
            cargo chef cook --recipe-path recipe.json --package server --features \
                xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx \
            pins:
            ARG CARGO_CHEF_VERSION=0.1.78
            runtime:
            LABEL org.example.title=app \
                org.example.words="two words"
            EXPOSE 8080
            ENV HOST=0.0.0.0
            COPY --from=builder /app/target/site/ site/
            COPY --from=builder /app/target/production/hash.txt /app/target/production/app ./
            ENTRYPOINT ["/app/app"]
            setup:
            RUN mkdir -p public style && touch style/main.css tailwind.config.js && xtask setup --only wasm-opt
            # hadolint ignore=DL3059
            RUN xtask setup --only sass --project app
        "#]]
        .assert_eq(&all);
    }
}
