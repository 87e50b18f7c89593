//! From the command that compiles a half to the one that cooks its dependencies: `cargo chef cook` with all that
//! decides what a dependency is compiled as, and nothing of what is for the last crate alone.
//!
//! cargo-chef has no `--config`, so a profile's settings become the variables that cargo reads for them.

use std::collections::BTreeMap;

use crate::exit::Failure;
use crate::plan::Invocation;

/// A cook as it stands in a Dockerfile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cook {
    /// For this command alone.
    pub env: BTreeMap<String, String>,
    pub args: Vec<String>,
}

/// Flags that go to the cook, with whether a value follows.
const KEPT: [(&str, bool); 7] = [
    ("--package", true),
    ("--profile", true),
    ("--target", true),
    ("--target-dir", true),
    ("--features", true),
    ("--no-default-features", false),
    ("--all-features", false),
];
/// Flags that say what is made of the last crate, or how cargo talks.
const DROPPED: [(&str, bool); 9] = [
    ("--lib", false),
    ("--bin", true),
    ("--crate-type", true),
    ("--message-format", true),
    ("--timings", false),
    ("--quiet", false),
    ("--locked", false),
    ("--offline", false),
    ("--frozen", false),
];

/// The cook of what `compile` builds. `shared` are variables that the Dockerfile sets for all commands.
pub fn of(compile: &Invocation, shared: &BTreeMap<String, String>) -> anyhow::Result<Cook> {
    let mut cook = Cook { env: BTreeMap::new(), args: Vec::new() };
    let own = compile.env.iter().filter(|(name, _)| !shared.contains_key(*name));
    cook.env.extend(own.map(|(name, value)| (name.clone(), value.clone())));
    let mut words = compile.args.iter();
    let refuse = |what: &str| {
        Failure::usage(format!("`{what}` has no counterpart in `cargo chef cook`")).hint(
            "leave it out of the Leptos metadata, or write the cook by hand outside of the marked lines",
        )
    };
    match words.next().map(String::as_str) {
        Some("build" | "rustc") => {}
        other => return Err(refuse(other.unwrap_or_default()).into()),
    }
    while let Some(word) = words.next() {
        let (name, inline) = match word.split_once('=') {
            Some((name, value)) if word.starts_with("--") => (name, Some(value)),
            _ => (word.as_str(), None),
        };
        let of =
            |flags: &[(&str, bool)]| flags.iter().find(|(flag, _)| *flag == name).map(|(_, takes)| *takes);
        let mut value = || inline.map(str::to_owned).or_else(|| words.next().cloned()).unwrap_or_default();
        if name == "--" {
            // For the last crate.
            break;
        } else if name == "--config" {
            let (variable, value) = profile_variable(&value()).ok_or_else(|| refuse(word))?;
            cook.env.insert(variable, value);
        } else if let Some(takes_value) = of(&KEPT) {
            cook.args.push(name.to_owned());
            cook.args.extend(takes_value.then(&mut value));
        } else if let Some(takes_value) = of(&DROPPED) {
            let _ = takes_value.then(&mut value);
        } else {
            return Err(refuse(word).into());
        }
    }
    Ok(cook)
}

/// `CARGO_PROFILE_PRODUCTION_OPT_LEVEL` and `z` of `profile.production.opt-level='z'`.
fn profile_variable(config: &str) -> Option<(String, String)> {
    let (key, value) = config.split_once('=')?;
    let (profile, setting) = key.trim().strip_prefix("profile.")?.rsplit_once('.')?;
    // Settings of one package have no variable.
    if profile.contains('.') {
        return None;
    }
    let upper = |name: &str| name.to_ascii_uppercase().replace('-', "_");
    let value = value.trim().trim_matches(['\'', '"']);
    Some((format!("CARGO_PROFILE_{}_{}", upper(profile), upper(setting)), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compile(words: &str) -> Invocation {
        let command = Invocation::new("cargo", "/w").env("LEPTOS_OUTPUT_NAME", "app");
        command.args(words.split(' '))
    }

    #[test]
    fn what_is_for_dependencies_stays_and_the_rest_goes() {
        let command = compile(
            "rustc --package front --profile production --config profile.production.opt-level='z' --config \
             profile.my-own.lto=\"thin\" --message-format=json --locked --lib --target wasm32-unknown-unknown \
             --no-default-features --features hydrate,x --crate-type cdylib -- -Clto=fat",
        );
        let command = command.env("RUSTFLAGS", "-Cembed-bitcode=yes");
        let shared = BTreeMap::from([("LEPTOS_OUTPUT_NAME".to_owned(), "app".to_owned())]);
        let cook = of(&command, &shared).unwrap();
        assert_eq!(
            cook.args.join(" "),
            "--package front --profile production --target wasm32-unknown-unknown --no-default-features --features \
             hydrate,x"
        );
        let env: Vec<String> = cook.env.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(
            env,
            [
                "CARGO_PROFILE_MY_OWN_LTO=thin",
                "CARGO_PROFILE_PRODUCTION_OPT_LEVEL=z",
                "RUSTFLAGS=-Cembed-bitcode=yes"
            ]
        );
    }

    #[test]
    fn what_cannot_be_cooked_is_refused() {
        for words in
            ["auditable build", "build -Zbuild-std", "build --config profile.a.package.b.opt-level=3"]
        {
            let error = of(&compile(words), &BTreeMap::new()).unwrap_err();
            assert!(error.to_string().contains("no counterpart"), "{words}: {error}");
        }
    }
}
