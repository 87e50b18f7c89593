//! How the two halves are compiled: which profile each gets, and when they can share host units.
//!
//! Cargo keeps proc-macros and build scripts in the folder of the profile's name, under a hash that includes the
//! profile's `lto` and `strip`. So two profiles never share them, but one profile name whose other settings are
//! overridden for one run does: the front half is then compiled under the server's profile name, with its own
//! settings given by `--config`. Measured in `docs/measurements/host-units.md`.

use crate::config::profiles::{Profile, Profiles};
use crate::exit::Failure;

use super::project::Project;

/// The profile that `build` uses when none is asked for.
pub const DEFAULT_PROFILE: &str = "production";

/// What xtask passes with `--config` where a workspace lacks a profile: name, key, value in TOML.
///
/// `production` is `release` without debug info; the wasm half is small first (`z`), which its profile in the
/// workspace may override.
const DEFAULTS: &[(&str, &[(&str, &str)])] = &[
    ("production", &[("inherits", "'release'"), ("strip", "'symbols'"), ("codegen-units", "16")]),
    ("ci", &[("inherits", "'release'"), ("opt-level", "1"), ("strip", "'symbols'")]),
];

/// How one half is compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Half {
    /// The name given to `--profile`.
    pub profile: String,
    /// The folder below the target directory that cargo uses for it.
    pub folder: String,
    /// Values of `--config`.
    pub config: Vec<String>,
}

/// How both halves are compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Halves {
    pub front: Half,
    pub server: Half,
    /// Whether this is a build for use (optimised wasm, precompressed site) rather than for debugging.
    pub release: bool,
}

/// Chooses the profiles of both halves.
///
/// `dev` and `release` follow the metadata keys `lib-profile-*` and `bin-profile-*`, as cargo-leptos does. For any
/// other name the front half uses `<name>-wasm` where the workspace has such a profile.
pub fn choose(profiles: &Profiles, project: &Project, name: &str) -> anyhow::Result<Halves> {
    let (front, server) = match name {
        "dev" => (project.lib_profile_dev.as_deref(), project.bin_profile_dev.as_deref()),
        "release" => (project.lib_profile_release.as_deref(), project.bin_profile_release.as_deref()),
        _ => (None, None),
    };
    let server = server.unwrap_or(name);
    let wasm = format!("{server}-wasm");
    let front = front.unwrap_or(if profiles.contains(&wasm) { &wasm } else { server });

    let server_profile = resolve(profiles, server)?;
    let front_profile = resolve(profiles, front)?;
    let front_half = match overrides(&server_profile, &front_profile) {
        Some(config) => {
            let config = defaults(profiles, server).into_iter().chain(config).collect();
            Half { profile: server.to_owned(), folder: server_profile.target_subdir.clone(), config }
        }
        None => Half {
            profile: front.to_owned(),
            folder: front_profile.target_subdir.clone(),
            config: defaults(profiles, front),
        },
    };
    Ok(Halves {
        front: front_half,
        release: server_profile.inherits_release,
        server: Half {
            profile: server.to_owned(),
            folder: server_profile.target_subdir,
            config: defaults(profiles, server),
        },
    })
}

/// The `--config` values that turn the server's profile into the front half's, or `None` where host units could not be
/// shared anyway (another `lto` or `strip`) or a setting cannot be expressed (per-package overrides).
fn overrides(server: &Profile, front: &Profile) -> Option<Vec<String>> {
    if server.lto != front.lto || server.strip != front.strip || server.inherits_release != front.inherits_release {
        return None;
    }
    if server.has_package_overrides || front.has_package_overrides {
        return (server == front).then(Vec::new);
    }
    let differing = front.settings.iter().filter(|(key, value)| server.settings.get(*key) != Some(*value));
    Some(differing.map(|(key, value)| format!("profile.{}.{key}={value}", server.name)).collect())
}

fn defaults(profiles: &Profiles, name: &str) -> Vec<String> {
    if profiles.contains(name) {
        return Vec::new();
    }
    let settings = DEFAULTS.iter().find(|(known, _)| *known == name).map_or(&[][..], |(_, settings)| settings);
    settings.iter().map(|(key, value)| format!("profile.{name}.{key}={value}")).collect()
}

fn resolve(profiles: &Profiles, name: &str) -> anyhow::Result<Profile> {
    if profiles.contains(name) {
        return profiles.resolve(name);
    }
    match DEFAULTS.iter().find(|(known, _)| *known == name) {
        Some((_, settings)) => profiles.resolve_with(name, settings),
        None => Err(Failure::usage(format!(
            "there is no profile `{name}`; the workspace has {}",
            profiles.names().join(", ")
        ))
        .hint(format!("add `[profile.{name}]` to the root Cargo.toml, or choose another with `--profile`"))
        .into()),
    }
}
