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
    /// Whether a word holds what only the build knows.
    pub is_unknown: bool,
}

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
    while let [(word, _), after @ ..] = rest {
        match word.strip_prefix('+') {
            Some(toolchain) => flags.toolchain = Some(toolchain.to_owned()),
            None if word.starts_with('-') => {}
            None => break,
        }
        rest = after;
    }
    // As cargo calls it, a plugin gets its own name once more.
    if let ([(word, _), after @ ..], Some(own)) = (rest, subcommand)
        && word == own
    {
        rest = after;
    }
    let mut verbs: Vec<&str> = subcommand.into_iter().collect();
    verbs.extend(rest.iter().take(3).map(|(word, _)| word.as_str()));
    let (kind, length) = match verbs.as_slice() {
        ["chef", "prepare", ..] => (Kind::Prepare, 2),
        ["chef", "cook", ..] => (Kind::Cook, 2),
        ["leptos", "build", ..] => (Kind::Leptos, 2),
        ["xtask", "build", ..] => (Kind::Xtask, 2),
        ["build" | "b" | "zigbuild" | "rustc", ..] => (Kind::Build, 1),
        ["auditable", "build", ..] => (Kind::Build, 2),
        // What is installed from the sources is built for use.
        ["install", ..] if rest.iter().any(|(word, _)| word.starts_with("--path")) => {
            flags.profile = Some("release".to_owned());
            (Kind::Build, 1)
        }
        // The automation, called without its alias.
        ["run", ..] => {
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
    let rest = &rest[length - usize::from(subcommand.is_some())..];
    flags.is_unknown = rest.iter().any(|(_, is_known)| !is_known);
    read_flags(rest, kind, &mut flags);
    Some((kind, flags, assigned))
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
            "--path" | "--root" => drop(value()),
            "-p" | "--project" | "--recipe-path" | "--manifest-path" | "--bin-cargo-args"
            | "--lib-cargo-args" => {
                value();
            }
            _ => {}
        }
    }
}
