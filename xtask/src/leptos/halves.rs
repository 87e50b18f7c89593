//! How the two halves are compiled: which profile each gets, and when they can share host units.
//!
//! Cargo keeps proc-macros and build scripts in the folder of the profile's name, under a hash that includes the
//! profile's `lto` and `strip`. So two profiles never share them, but one profile name whose other settings are
//! overridden for one run does: the front half is then compiled under the server's profile name, with its own
//! settings given by `--config`. Link-time optimisation, which is worth most for wasm, is then asked for the wasm file
//! alone, by rustc's own flags. Measured in `docs/measurements/host-units.md`.

use crate::config::profiles::{Profile, Profiles};
use crate::exit::Failure;

/// The profile that `build` uses when none is asked for.
pub const DEFAULT_PROFILE: &str = "production";

/// What xtask passes with `--config` where a workspace has no profile of this name: name, key, value in TOML.
const DEFAULTS: &[(&str, &[(&str, &str)])] = &[
    ("production", &[("inherits", "'release'"), ("strip", "'symbols'")]),
    // Small first: the whole file travels to each browser.
    (
        "production-wasm",
        &[
            ("inherits", "'release'"),
            ("strip", "'symbols'"),
            ("opt-level", "'z'"),
            ("lto", "'fat'"),
            ("codegen-units", "1"),
        ],
    ),
    ("ci", &[("inherits", "'release'"), ("strip", "'symbols'"), ("opt-level", "1")]),
];

/// The profiles that a project's metadata names.
#[derive(Clone, Debug, Default)]
pub struct Metadata {
    pub lib_profile_dev: Option<String>,
    pub lib_profile_release: Option<String>,
    pub bin_profile_dev: Option<String>,
    pub bin_profile_release: Option<String>,
}

/// How one half is compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Half {
    /// The name given to `--profile`.
    pub profile: String,
    /// The folder below the target directory that cargo uses for it.
    pub folder: String,
    /// Values of `--config`.
    pub config: Vec<String>,
    /// Link-time optimisation (`fat` or `thin`) of the wasm file beyond what the profile says.
    pub lto: Option<String>,
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
/// other name the front half uses `<name>-wasm` where there is such a profile.
pub fn choose(profiles: &Profiles, metadata: &Metadata, name: &str) -> anyhow::Result<Halves> {
    let (front, server) = match name {
        "dev" => (metadata.lib_profile_dev.as_deref(), metadata.bin_profile_dev.as_deref()),
        "release" => (metadata.lib_profile_release.as_deref(), metadata.bin_profile_release.as_deref()),
        _ => (None, None),
    };
    // `dev` and `release` are the metadata's business alone.
    let front = front.or(matches!(name, "dev" | "release").then_some(name));
    let server = server.unwrap_or(name);
    let wasm = format!("{server}-wasm");
    // Our own default goes with our own default only: a workspace that has its `production` means it for both halves.
    let has_wasm = profiles.contains(&wasm) || (!profiles.contains(server) && default(&wasm).is_some());
    let front = front.unwrap_or(if has_wasm { &wasm } else { server });

    let server_profile = resolve(profiles, server)?;
    let front_profile = resolve(profiles, front)?;
    let front_half = match overrides(&server_profile, &front_profile) {
        Some((config, lto)) => Half {
            profile: server.to_owned(),
            folder: server_profile.target_subdir.clone(),
            config: defaults(profiles, server).into_iter().chain(config).collect(),
            lto,
        },
        None => Half {
            profile: front.to_owned(),
            folder: front_profile.target_subdir.clone(),
            config: defaults(profiles, front),
            lto: None,
        },
    };
    Ok(Halves {
        front: front_half,
        release: server_profile.inherits_release,
        server: Half {
            profile: server.to_owned(),
            folder: server_profile.target_subdir,
            config: defaults(profiles, server),
            lto: None,
        },
    })
}

/// The halves as cargo-leptos compiles them. It knows two builds, with `--release` and without, each with the profiles
/// that the metadata names; `release` of the result says which one it is.
pub fn of_cargo_leptos(profiles: &Profiles, metadata: &Metadata, name: &str) -> anyhow::Result<Halves> {
    let or = |profile: &Option<String>, default: &str| profile.clone().unwrap_or(default.to_owned());
    let release =
        (or(&metadata.lib_profile_release, "release"), or(&metadata.bin_profile_release, "release"));
    let dev = (or(&metadata.lib_profile_dev, "dev"), or(&metadata.bin_profile_dev, "dev"));
    let ((front, server), is_release) = match name {
        "dev" => (dev, false),
        name if name == "release" || name == release.1 => (release, true),
        name if name == dev.1 => (dev, false),
        _ => {
            let message = format!(
                "cargo-leptos does not build with the profile `{name}`: its release build has `{}`, its other one `{}`",
                release.1, dev.1
            );
            let hint = format!(
                "give `--profile release` for what the metadata says, or set `bin-profile-release = \"{name}\"` there"
            );
            return Err(Failure::usage(message).hint(hint).into());
        }
    };
    let half = |profile: String| {
        let folder = resolve(profiles, &profile)?.target_subdir;
        anyhow::Ok(Half { profile, folder, config: Vec::new(), lto: None })
    };
    Ok(Halves { front: half(front)?, server: half(server)?, release: is_release })
}

/// The `--config` values that turn the server's profile into the front half's, and the link-time optimisation to ask
/// for beside them; `None` where host units could not be shared or a setting cannot be expressed.
fn overrides(server: &Profile, front: &Profile) -> Option<(Vec<String>, Option<String>)> {
    if server.strip != front.strip || server.inherits_release != front.inherits_release {
        return None;
    }
    let lto = match (server.lto.as_str(), front.lto.as_str()) {
        (server, front) if server == front => None,
        ("false" | "off", "fat" | "thin") => Some(front.lto.clone()),
        _ => return None,
    };
    if server.has_package_overrides || front.has_package_overrides {
        return (server == front).then(|| (Vec::new(), None));
    }
    let differs = |key: &String, value: &String| key != "lto" && server.settings.get(key) != Some(value);
    let differing = front.settings.iter().filter(|(key, value)| differs(key, value));
    let config = differing.map(|(key, value)| format!("profile.{}.{key}={value}", server.name)).collect();
    Some((config, lto))
}

fn defaults(profiles: &Profiles, name: &str) -> Vec<String> {
    if profiles.contains(name) {
        return Vec::new();
    }
    let settings = default(name).unwrap_or_default();
    settings.iter().map(|(key, value)| format!("profile.{name}.{key}={value}")).collect()
}

fn resolve(profiles: &Profiles, name: &str) -> anyhow::Result<Profile> {
    if profiles.contains(name) {
        return profiles.resolve(name);
    }
    match default(name) {
        Some(settings) => profiles.resolve_with(name, settings),
        None => Err(Failure::usage(format!(
            "there is no profile `{name}`; the workspace has {}",
            profiles.names().join(", ")
        ))
        .hint(format!("add `[profile.{name}]` to the root Cargo.toml, or choose another with `--profile`"))
        .into()),
    }
}

fn default(name: &str) -> Option<&'static [(&'static str, &'static str)]> {
    DEFAULTS.iter().find(|(known, _)| *known == name).map(|(_, settings)| *settings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn profiles(manifest: serde_json::Value) -> Profiles {
        Profiles::from_parts(Some(&manifest), None, std::iter::empty()).unwrap()
    }

    fn chosen(manifest: serde_json::Value, name: &str) -> Halves {
        choose(&profiles(manifest), &Metadata::default(), name).unwrap()
    }

    #[test]
    fn one_name_serves_both_halves_where_lto_and_strip_agree() {
        let manifest = json!({
            "production": {"inherits": "release", "strip": "symbols"},
            "production-wasm": {"inherits": "production", "opt-level": "z"},
        });
        let halves = chosen(manifest, "production");
        assert_eq!(halves.front.profile, "production");
        assert_eq!(halves.front.config, ["profile.production.opt-level='z'"]);
        assert_eq!(halves.server.config, [""; 0]);
        assert!(halves.release);
    }

    #[test]
    fn link_time_optimisation_is_asked_for_the_wasm_file_alone() {
        let manifest = json!({
            "production": {"inherits": "release"},
            "production-wasm": {"inherits": "production", "lto": true, "codegen-units": 1},
        });
        let front = chosen(manifest, "production").front;
        assert_eq!((front.profile.as_str(), front.lto.as_deref()), ("production", Some("fat")));
        assert_eq!(front.config, ["profile.production.codegen-units=1"]);
    }

    #[test]
    fn another_strip_needs_a_name_of_its_own() {
        let manifest = json!({
            "production": {"inherits": "release", "strip": "symbols"},
            "production-wasm": {"inherits": "production", "strip": "none"},
        });
        let front = chosen(manifest, "production").front;
        assert_eq!((front.profile.as_str(), front.folder.as_str()), ("production-wasm", "production-wasm"));
    }

    #[test]
    fn a_workspace_without_profiles_gets_ours() {
        let halves = chosen(json!({}), "production");
        assert_eq!(halves.front.profile, "production");
        assert!(halves.front.config.contains(&"profile.production.opt-level='z'".to_owned()), "{halves:?}");
        assert!(halves.server.config.contains(&"profile.production.inherits='release'".to_owned()));
        let own = chosen(json!({"production": {"inherits": "release"}}), "production");
        assert_eq!(own.front.config, [""; 0]);
    }

    #[test]
    fn dev_and_release_follow_the_metadata() {
        let manifest = json!({"small": {"inherits": "release", "opt-level": "s", "lto": true}});
        let metadata = Metadata { lib_profile_release: Some("small".to_owned()), ..Metadata::default() };
        let halves = choose(&profiles(manifest), &metadata, "release").unwrap();
        assert_eq!((halves.front.profile.as_str(), halves.server.profile.as_str()), ("release", "release"));
        assert_eq!(halves.front.config, ["profile.release.opt-level='s'"]);
        let dev = choose(&profiles(json!({})), &metadata, "dev").unwrap();
        assert_eq!((dev.front.folder.as_str(), dev.release), ("debug", false));
    }

    #[test]
    fn cargo_leptos_has_two_builds() {
        let manifest = json!({"production": {"inherits": "release"}, "small": {"inherits": "release"}});
        let text = |text: &str| Some(text.to_owned());
        let metadata = Metadata {
            lib_profile_release: text("small"),
            bin_profile_release: text("production"),
            ..Metadata::default()
        };
        let folders = |name: &str| {
            let halves = of_cargo_leptos(&profiles(manifest.clone()), &metadata, name).unwrap();
            (halves.front.folder, halves.server.folder, halves.release)
        };
        let expected = ("small".to_owned(), "production".to_owned(), true);
        assert_eq!(folders("production"), expected);
        assert_eq!(folders("release"), expected);
        assert_eq!(folders("dev"), ("debug".to_owned(), "debug".to_owned(), false));
        let error = of_cargo_leptos(&profiles(manifest), &metadata, "ci").unwrap_err();
        expect_test::expect!["cargo-leptos does not build with the profile `ci`: its release build has `production`, its other one `dev`"]
            .assert_eq(&error.to_string());
    }

    #[test]
    fn an_unknown_profile_is_named() {
        let error = choose(&profiles(json!({})), &Metadata::default(), "fast").unwrap_err();
        expect_test::expect!["there is no profile `fast`; the workspace has bench, dev, release, test"]
            .assert_eq(&error.to_string());
    }
}
