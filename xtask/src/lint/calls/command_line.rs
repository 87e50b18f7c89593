//! The command line of a call: what cargo is called for, and what its flags say.

use std::collections::BTreeSet;

/// What cargo is called for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `cargo chef prepare`.
    Prepare,
    /// `cargo chef cook`.
    Cook,
    /// `cargo leptos build`: both halves.
    Leptos,
    /// `cargo xtask build` and what contains it: both halves.
    Xtask,
    /// `cargo build`: what the flags say.
    Build,
}

/// What the command line says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    pub toolchain: Option<String>,
    pub profile: Option<String>,
    pub features: BTreeSet<String>,
    pub bin_features: BTreeSet<String>,
    pub lib_features: BTreeSet<String>,
    pub no_default_features: bool,
    pub all_features: bool,
    pub target: Option<String>,
    pub target_dir: Option<String>,
    pub packages: Vec<String>,
    pub bins: Vec<String>,
    pub frontend_only: bool,
    pub server_only: bool,
    /// What cargo-leptos passes through to the cargo of each half.
    pub bin_args: Vec<String>,
    pub lib_args: Vec<String>,
    pub manifest_path: Option<String>,
    /// Whether a word holds what only the build knows.
    pub is_unknown: bool,
}

impl Flags {
    /// What words say that are passed through to cargo.
    pub fn of(words: &[String]) -> Flags {
        let words: Vec<(String, bool)> = words.iter().map(|word| (word.clone(), true)).collect();
        let mut flags = Flags::default();
        read_flags(&words, Kind::Build, &mut flags);
        flags
    }

    /// Whether the workspace is the one of the folder that the call runs in.
    pub fn is_here(&self) -> bool {
        self.manifest_path.as_deref().is_none_or(|path| ["Cargo.toml", "./Cargo.toml"].contains(&path))
    }
}

/// Flags of cargo and of cargo-leptos that stand before a subcommand and whose value is the next word.
const WITH_VALUE: [&str; 6] = ["--manifest-path", "--log", "--config", "--color", "-C", "-Z"];

/// Variables that stand before the program, as `env` takes them.
pub type Assigned = Vec<(String, Option<String>)>;

/// Reads a command line; `None` where it is no call of interest.
pub fn parse(words: &[(String, bool)]) -> Option<(Kind, Flags, Assigned)> {
    let mut rest = words;
    let mut assigned = Vec::new();
    while let [(word, _), after @ ..] = rest {
        match word.as_str() {
            "env" | "exec" | "time" | "nice" | "sudo" => rest = after,
            // Their own flags.
            flag if flag.starts_with('-') && rest.len() < words.len() => rest = after,
            _ => match word.split_once('=').filter(|_| rest.len() < words.len()) {
                Some((name, value)) => {
                    assigned.push((name.to_owned(), Some(value.to_owned())));
                    rest = after;
                }
                None => break,
            },
        }
    }
    let ([(program, _)], mut rest) = rest.split_at_checked(1)? else { return None };
    let mut flags = Flags::default();
    let program = program.rsplit('/').next().unwrap_or_default();
    let subcommand = program.strip_prefix("cargo-");
    if program == "xtask" && rest.first().is_some_and(|(word, _)| word == "build") {
        read_flags(&rest[1..], Kind::Xtask, &mut flags);
        return Some((Kind::Xtask, flags, assigned));
    }
    if subcommand.is_none() && program != "cargo" {
        return None;
    }
    rest = after_flags(rest, &mut flags);
    let verb = match (subcommand, rest) {
        // As cargo calls it, a plugin gets its own name once more.
        (Some(own), [(word, _), after @ ..]) if word == own => {
            rest = after;
            own
        }
        (Some(own), _) => own,
        (None, [(word, _), after @ ..]) => {
            rest = after;
            word.as_str()
        }
        (None, []) => return None,
    };
    if verb == "leptos" {
        rest = after_flags(rest, &mut flags);
    }
    let next = rest.first().map(|(word, _)| word.as_str());
    let (kind, length) = match (verb, next) {
        ("chef", Some("prepare")) => (Kind::Prepare, 1),
        ("chef", Some("cook")) => (Kind::Cook, 1),
        ("leptos", Some("build")) => (Kind::Leptos, 1),
        ("xtask", Some("build")) => (Kind::Xtask, 1),
        ("build" | "b" | "zigbuild" | "rustc", _) => (Kind::Build, 0),
        ("auditable", Some("build")) => (Kind::Build, 1),
        // What is installed from the sources is built for use.
        ("install", _) if rest.iter().any(|(word, _)| word.starts_with("--path")) => {
            flags.profile = Some("release".to_owned());
            (Kind::Build, 0)
        }
        // The automation, called without its alias.
        ("run", _) => {
            let at = rest.iter().position(|(word, _)| word == "--")?;
            let is_own = rest[..at].iter().any(|(word, _)| word == "xtask");
            let is_build = rest.get(at + 1).is_some_and(|(word, _)| word == "build");
            if !(is_own && is_build) {
                return None;
            }
            (Kind::Xtask, at + 2)
        }
        _ => return None,
    };
    let rest = &rest[length..];
    flags.is_unknown = rest.iter().any(|(_, is_known)| !is_known);
    read_flags(rest, kind, &mut flags);
    Some((kind, flags, assigned))
}

/// What follows the flags that stand before a subcommand; the toolchain and the manifest are kept.
fn after_flags<'a>(mut words: &'a [(String, bool)], flags: &mut Flags) -> &'a [(String, bool)] {
    while let [(word, _), after @ ..] = words {
        if let Some(toolchain) = word.strip_prefix('+') {
            flags.toolchain = Some(toolchain.to_owned());
        } else if !word.starts_with('-') {
            break;
        }
        words = after;
        let is_manifest = word.starts_with("--manifest-path");
        let mut value = word.split_once('=').map(|(_, value)| value);
        if let ([(next, _), rest @ ..], true) = (after, WITH_VALUE.contains(&word.as_str())) {
            (value, words) = (Some(next.as_str()), rest);
        }
        if let Some(path) = value.filter(|_| is_manifest) {
            flags.manifest_path = Some(path.to_owned());
        }
    }
    words
}

fn read_flags(words: &[(String, bool)], kind: Kind, flags: &mut Flags) {
    let mut words = words.iter().map(|(word, _)| word.as_str());
    while let Some(word) = words.next() {
        let (name, inline) = match word.split_once('=') {
            Some((name, value)) if name.starts_with('-') => (name, Some(value)),
            _ => (word, None),
        };
        let mut value = || inline.or_else(|| words.next()).unwrap_or_default().to_owned();
        let list = |text: String| {
            text.split([',', ' ']).filter(|it| !it.is_empty()).map(str::to_owned).collect::<Vec<_>>()
        };
        match name {
            "--" => break,
            "--release" | "-r" => flags.profile = Some("release".to_owned()),
            "--profile" => flags.profile = Some(value()),
            "--features" | "-F" => flags.features.extend(list(value())),
            "--bin-features" => flags.bin_features.extend(list(value())),
            "--lib-features" => flags.lib_features.extend(list(value())),
            "--no-default-features" => flags.no_default_features = true,
            "--all-features" => flags.all_features = true,
            "--target" => flags.target = Some(value()),
            "--target-dir" => flags.target_dir = Some(value()),
            // For cargo-leptos and xtask it is the project.
            "-p" | "--package" if !matches!(kind, Kind::Leptos | Kind::Xtask) => flags.packages.push(value()),
            "--bin" => flags.bins.push(value()),
            "--frontend-only" | "--front-only" => flags.frontend_only = true,
            "--server-only" => flags.server_only = true,
            "--manifest-path" => flags.manifest_path = Some(value()),
            "--bin-cargo-args" => flags.bin_args.extend(value().split_whitespace().map(str::to_owned)),
            "--lib-cargo-args" => flags.lib_args.extend(value().split_whitespace().map(str::to_owned)),
            "--path" | "--root" => drop(value()),
            "-p" | "--project" | "--recipe-path" => {
                value();
            }
            _ => {}
        }
    }
}
