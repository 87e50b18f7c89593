//! The blocks of `Dockerfile.production`, from the plan of the build and the table of versions.

use std::collections::BTreeMap;

use super::Blocks;
use super::cook::Cook;
use crate::plan::quote;

/// The longest line that is not broken, in characters.
const LINE_LENGTH_MAX: usize = 120;

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
    pub runtime_environment: BTreeMap<String, String>,
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
        ("compile-environment", env(&environment)),
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

/// Files for whoever looks which tools are missing. Empty ones do: only their names matter, and a change of the real
/// ones must not make this layer anew.
fn setup(recipe: &Recipe) -> Vec<String> {
    let quoted = |paths: &[String]| paths.iter().map(|path| quote(path)).collect::<Vec<_>>();
    let parents = recipe.files.iter().filter_map(|file| Some(file.rsplit_once('/')?.0.to_owned()));
    let mut folders: Vec<String> = parents.chain(recipe.folders.iter().cloned()).collect();
    folders.sort();
    folders.dedup();
    let mut words = Vec::new();
    if !folders.is_empty() {
        words.push("&& mkdir -p".to_owned());
        words.extend(quoted(&folders));
    }
    if !recipe.files.is_empty() {
        words.push("&& touch".to_owned());
        words.extend(quoted(&recipe.files));
    }
    if words.is_empty() { Vec::new() } else { broken(&words) }
}

/// What changes least comes first: the layers below one that has changed are there already.
fn runtime(recipe: &Recipe) -> Vec<String> {
    let inside = |path: &str| format!("{}/{path}", recipe.folder);
    let mut lines = env(&pairs(&recipe.runtime_environment));
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

/// One `ENV` for all of them.
fn env(variables: &[(&str, &str)]) -> Vec<String> {
    let plain = |value: &str| value.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:,@+=".contains(c));
    let shown = |value: &str| match value {
        "" => "\"\"".to_owned(),
        value if plain(value) => value.to_owned(),
        value => format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$")),
    };
    let last = variables.len().saturating_sub(1);
    let line = |(index, (name, value)): (usize, &(&str, &str))| {
        let start = if index == 0 { "ENV " } else { "    " };
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
            files: words("style/main.css tailwind.config.js"),
            folders: words("public"),
            folder: "/app".to_owned(),
            binary: "target/production/app".to_owned(),
            hash_file: Some("target/production/hash.txt".to_owned()),
            site: "target/site".to_owned(),
            site_dir: "site".to_owned(),
            runtime_environment: map(&[("HOST", "0.0.0.0")]),
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
            ENV HOST=0.0.0.0
            COPY --from=builder /app/target/site/ site/
            COPY --from=builder /app/target/production/hash.txt /app/target/production/app ./
            ENTRYPOINT ["/app/app"]
            setup:
            && mkdir -p public style && touch style/main.css tailwind.config.js \
        "#]]
        .assert_eq(&all);
    }
}
