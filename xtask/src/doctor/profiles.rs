//! Profiles that cost time for nothing: halves whose `strip` differs, debug information that is made and thrown away.

use serde::Serialize;

use super::base::{Base, Place};
use crate::config::places;
use crate::config::profiles::Profiles;
use crate::leptos::halves::DEFAULT_PROFILE;
use crate::record::doctor::{Edit, Finding, Fix, Group, Severity};

/// Something odd about a profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Oddity {
    /// The two halves strip differently, so cargo compiles proc-macros and build scripts for each.
    StripDiffers { server: String, front: String, front_value: String, server_value: String, place: Place },
    /// `debug` and `strip` in the same profile.
    DebugStripped { profile: String, place: Place },
}

pub fn gather(base: &Base<'_>, manifest: &str) -> Vec<Oddity> {
    let Ok(profiles) = Profiles::read(&base.root) else { return Vec::new() };
    let path = base.root.join("Cargo.toml");
    let place = |profile: &str, key: &str| {
        let keys = ["profile", profile, key];
        let keys = if places::find(manifest, &keys).is_some() { &keys[..] } else { &keys[..2] };
        base.place(&path, manifest, keys)
    };
    let mut found = Vec::new();
    let front = format!("{DEFAULT_PROFILE}-wasm");
    if let (true, Ok(one), Ok(other)) =
        (profiles.contains(&front), profiles.resolve(DEFAULT_PROFILE), profiles.resolve(&front))
        && one.strip != other.strip
    {
        found.push(Oddity::StripDiffers {
            server: DEFAULT_PROFILE.to_owned(),
            place: place(&front, "strip"),
            front,
            front_value: other.strip,
            server_value: one.strip,
        });
    }
    for name in profiles.names() {
        let has = |key: &str| places::find(manifest, &["profile", &name, key]);
        let debug = has("debug").filter(|written| !is_off(&written.text));
        let strips = has("strip").is_some_and(|written| !is_off(&written.text));
        if debug.is_some() && strips {
            found.push(Oddity::DebugStripped { place: place(&name, "debug"), profile: name });
        }
    }
    found
}

/// `debug = false`, `strip = "none"`.
fn is_off(entry: &str) -> bool {
    let value = entry.split_once('=').map_or("", |(_, value)| value);
    let value = value.split('#').next().unwrap_or_default().trim().trim_matches('"');
    ["false", "0", "none"].contains(&value)
}

pub fn examine(oddity: &Oddity) -> Finding {
    match oddity {
        Oddity::StripDiffers { server, front, front_value, server_value, place } => {
            let line = format!("strip = \"{server_value}\"\n");
            let fix = match place {
                Place::Entry { file, line: number, text } if text.starts_with('[') => Fix::Edit(vec![Edit {
                    file: file.clone(),
                    line: Some(*number),
                    old: text.clone(),
                    new: format!("{text}{line}"),
                }]),
                other => other.change("", line.trim_end()),
            };
            Finding::new(
                Group::Cargo,
                "strip-differs",
                Severity::Note,
                format!("`strip` is {front_value} in profile `{front}` and {server_value} in `{server}`"),
                "the same in both: otherwise cargo compiles proc-macros and build scripts twice",
                fix,
            )
            .at(place.shown())
        }
        Oddity::DebugStripped { profile, place } => Finding::new(
            Group::Cargo,
            "debug-stripped",
            Severity::Note,
            format!("profile `{profile}` makes debug information and strips it off again"),
            "`debug` or `strip`, not both",
            place.removal(),
        )
        .at(place.shown()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_switch_something_off() {
        for (entry, off) in [
            ("debug = false\n", true),
            ("strip = \"none\" # why\n", true),
            ("debug = 0", true),
            ("debug = \"line-tables-only\"\n", false),
            ("strip = true\n", false),
        ] {
            assert_eq!(is_off(entry), off, "{entry}");
        }
    }

    #[test]
    fn each_oddity_is_mended_where_it_is_written() {
        let place =
            |text: &str| Place::Entry { file: "Cargo.toml".to_owned(), line: 3, text: text.to_owned() };
        let new = |oddity: &Oddity| match examine(oddity).fix {
            Fix::Edit(edits) => edits[0].new.clone(),
            other => panic!("{other:?}"),
        };
        let differs = |place| Oddity::StripDiffers {
            server: "a".to_owned(),
            front: "a-wasm".to_owned(),
            front_value: "none".to_owned(),
            server_value: "symbols".to_owned(),
            place,
        };
        assert_eq!(new(&differs(place("strip = false\n"))), "strip = \"symbols\"\n");
        assert_eq!(new(&differs(place("[profile.a-wasm]\n"))), "[profile.a-wasm]\nstrip = \"symbols\"\n");
        let stripped = Oddity::DebugStripped { profile: "a".to_owned(), place: place("debug = true\n") };
        assert_eq!(new(&stripped), "");
    }
}
