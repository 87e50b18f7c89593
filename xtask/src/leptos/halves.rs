//! How the two halves are compiled: which profile each gets, and when they can share host units.
//!
//! Cargo keeps proc-macros and build scripts in the folder of the profile's name, under a hash that includes the
//! profile's `lto` and `strip`. So two profiles never share them, but one profile name whose other settings are
//! overridden for one run does: the front half is then compiled under the server's profile name, with its own
//! settings given by `--config`. Link-time optimisation, which is worth most for wasm, is then asked for the wasm file
//! alone, by rustc's own flags. Measured in `docs/measurements/host-units.md`.
//!
//! Builds for debugging are another matter: there the front half has a profile of its own, so that `watch` can compile
//! both halves at once (cargo locks the profile's folder), and no debug info, which no browser is given. The server has
//! what backtraces need, which halves the time that its link takes, unless the profile says how much it wants.
//! Measured in `docs/measurements/watch.md`.

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
    /// Whether the debug info in the wasm file is meant for somebody.
    pub keeps_debug_info: bool,
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
/// other name the front half uses `<name>-wasm` where there is such a profile. In a build for debugging it always does
/// unless the metadata says otherwise; where there is none it is the server's without debug info.
pub fn choose(profiles: &Profiles, metadata: &Metadata, name: &str) -> anyhow::Result<Halves> {
    let (front, server) = match name {
        "dev" => (metadata.lib_profile_dev.as_deref(), metadata.bin_profile_dev.as_deref()),
        "release" => (metadata.lib_profile_release.as_deref(), metadata.bin_profile_release.as_deref()),
        _ => (None, None),
    };
    let server = server.unwrap_or(name);
    let server_profile = resolve(profiles, server)?;
    let wasm = format!("{server}-wasm");
    let front_half = match front {
        _ if server_profile.inherits_release => {
            // `release` is the metadata's business alone.
            let front = front.or((name == "release").then_some(name));
            // Our own default goes with our own default only: a workspace that has its `production` means it for both
            // halves.
            let has_wasm =
                profiles.contains(&wasm) || (!profiles.contains(server) && default(&wasm).is_some());
            release_front(profiles, &server_profile, front.unwrap_or(if has_wasm { &wasm } else { server }))?
        }
        None if !profiles.contains(&wasm) => without_debug_info(server, &wasm),
        front => {
            let profile = resolve(profiles, front.unwrap_or(&wasm))?;
            Half { keeps_debug_info: profile.debug != "0", ..half(profiles, &profile) }
        }
    };
    let mut server_half = half(profiles, &server_profile);
    if !server_profile.inherits_release && !server_profile.says_debug {
        server_half.config.extend(line_numbers(server));
    }
    Ok(Halves { front: front_half, release: server_profile.inherits_release, server: server_half })
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
        anyhow::Ok(Half { profile, folder, config: Vec::new(), lto: None, keeps_debug_info: !is_release })
    };
    Ok(Halves { front: half(front)?, server: half(server)?, release: is_release })
}

/// A half with a profile that the workspace, cargo or our own list has.
fn half(profiles: &Profiles, profile: &Profile) -> Half {
    Half {
        profile: profile.name.clone(),
        folder: profile.target_subdir.clone(),
        config: defaults(profiles, &profile.name),
        lto: None,
        keeps_debug_info: false,
    }
}

/// The front half of a build for use: under the server's name if it can be.
fn release_front(profiles: &Profiles, server: &Profile, front: &str) -> anyhow::Result<Half> {
    let front = resolve(profiles, front)?;
    Ok(match overrides(server, &front) {
        Some((config, lto)) => {
            let own = half(profiles, server);
            Half { config: own.config.into_iter().chain(config).collect(), lto, ..own }
        }
        None => half(profiles, &front),
    })
}

/// The front half of a build for debugging.
fn without_debug_info(server: &str, wasm: &str) -> Half {
    Half {
        profile: wasm.to_owned(),
        folder: wasm.to_owned(),
        config: vec![format!("profile.{wasm}.inherits='{server}'"), format!("profile.{wasm}.debug=0")],
        lto: None,
        keeps_debug_info: false,
    }
}

/// The `--config` values for lines and functions in the backtraces of the workspace's own packages, and functions alone
/// in those of dependencies.
fn line_numbers(profile: &str) -> [String; 2] {
    [format!("profile.{profile}.debug='line-tables-only'"), format!("profile.{profile}.package.'*'.debug=0")]
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
        let metadata = Metadata { lib_profile_dev: Some("dev".to_owned()), ..metadata };
        let dev = choose(&profiles(json!({})), &metadata, "dev").unwrap();
        assert_eq!((dev.front.folder.as_str(), dev.front.keeps_debug_info), ("debug", true));
        assert!(!dev.release);
    }

    #[test]
    fn for_debugging_the_front_half_has_a_folder_of_its_own() {
        let dev = chosen(json!({}), "dev");
        assert_eq!((dev.front.profile.as_str(), dev.server.profile.as_str()), ("dev-wasm", "dev"));
        assert_eq!((dev.front.folder.as_str(), dev.server.folder.as_str()), ("dev-wasm", "debug"));
        assert_eq!(dev.front.config, ["profile.dev-wasm.inherits='dev'", "profile.dev-wasm.debug=0"]);
        assert!(!dev.front.keeps_debug_info);
        let own = chosen(json!({"dev-wasm": {"inherits": "dev", "opt-level": 1}}), "dev");
        assert_eq!((own.front.profile.as_str(), own.front.config.len()), ("dev-wasm", 0));
        assert!(own.front.keeps_debug_info);
        let fast = chosen(json!({"fast": {"inherits": "dev", "opt-level": 1}}), "fast");
        assert_eq!(fast.front.config[0], "profile.fast-wasm.inherits='fast'");
    }

    #[test]
    fn for_debugging_the_server_has_line_numbers_unless_its_profile_says_otherwise() {
        let config = |manifest: serde_json::Value, name: &str| chosen(manifest, name).server.config;
        let lines = ["profile.dev.debug='line-tables-only'", "profile.dev.package.'*'.debug=0"];
        assert_eq!(config(json!({}), "dev"), lines);
        assert_eq!(config(json!({"dev": {"package": {"*": {"opt-level": 3}}}}), "dev"), lines);
        for said in [json!({"debug": true}), json!({"debug": 2}), json!({"package": {"serde": {"debug": 2}}})]
        {
            assert!(config(json!({"dev": said}), "dev").is_empty(), "{said}");
        }
        assert!(config(json!({"dev": {"debug": 2}, "fast": {"inherits": "dev"}}), "fast").is_empty());
        assert!(config(json!({}), "release").is_empty());
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
