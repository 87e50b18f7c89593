//! Dependencies that are compiled although somebody compiled them before, and what was different then.
//!
//! For images whose dependencies are cooked: cargo keeps a fingerprint of each unit as JSON, and a unit that was
//! compiled in vain left one beside that of the unit that is used. Their fields say what differs: the flag to mend. A
//! unit that cargo found stale (a variable that a crate reads) left none; of those cargo's own log tells
//! (`CARGO_LOG=cargo::core::compiler::fingerprint=info`).

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::Value;

use super::build::Outcome;
use super::units::{Unit, Units};
use crate::record::Recompiled;

/// The fields of a fingerprint that a flag decides, with their names for people.
const FIELDS: [(&str, &str); 6] = [
    ("features", "features"),
    ("rustflags", "rustflags"),
    ("profile", "settings of the profile (opt-level, codegen-units, panic, strip, …)"),
    ("compile_kind", "--target"),
    ("rustc", "the compiler"),
    ("config", "cargo's configuration (the linker, flags of the compiler)"),
];

/// The dependencies that a build which began at `started` compiled, each once a half.
pub fn look(target_directory: &Path, outcome: &Outcome, started: SystemTime) -> Vec<Recompiled> {
    let mut found: Vec<Recompiled> = Vec::new();
    for (half, units) in [("front", &outcome.front), ("server", &outcome.server)] {
        for unit in units.iter().flat_map(Units::compiled_dependencies) {
            let differences = differences(target_directory, unit, started);
            match found.iter_mut().find(|known| known.half == half && known.package == unit.package) {
                Some(known) => {
                    let new = differences.into_iter().filter(|it| !known.differences.contains(it));
                    let new: Vec<String> = new.collect();
                    known.differences.extend(new);
                }
                None => found.push(Recompiled {
                    package: unit.package.clone(),
                    half: half.to_owned(),
                    differences,
                }),
            }
        }
    }
    found
}

/// Where cargo notes what a unit was compiled from.
struct Fingerprint {
    /// `target/release` or `target/wasm32-unknown-unknown/release`.
    folder: PathBuf,
    json: Value,
}

/// What is different in the fingerprint that comes closest among those from before.
fn differences(target_directory: &Path, unit: &Unit, started: SystemTime) -> Vec<String> {
    let Some((folder, own)) = own_folder(unit) else { return Vec::new() };
    let fingerprints = folder.join(".fingerprint");
    let Some((file, json)) = first_json(&fingerprints.join(&own)) else { return Vec::new() };
    let this = Fingerprint { folder, json };
    let mut before = Vec::new();
    for folder in profile_folders(target_directory) {
        for entry in fs::read_dir(folder.join(".fingerprint")).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_same_package = name.rsplit_once('-').map(|(package, _)| package) == Some(&unit.package);
            if !is_same_package || (name == own && folder == this.folder) {
                continue;
            }
            let path = entry.path().join(&file);
            let is_older = path.metadata().and_then(|it| it.modified()).is_ok_and(|time| time < started);
            if let Some(json) = read(&path).filter(|_| is_older) {
                before.push(Fingerprint { folder: folder.clone(), json });
            }
        }
    }
    let all = before.iter().map(|other| compare(target_directory, other, &this));
    all.min_by_key(Vec::len).unwrap_or_default()
}

fn compare(target_directory: &Path, before: &Fingerprint, now: &Fingerprint) -> Vec<String> {
    let mut found = Vec::new();
    let shown = |folder: &Path| {
        let below = folder.strip_prefix(target_directory).unwrap_or(folder);
        below.display().to_string()
    };
    if before.folder != now.folder {
        let (before, now) = (shown(&before.folder), shown(&now.folder));
        found.push(format!("profile or --target: {before} before, now {now}"));
    }
    for (field, name) in FIELDS {
        let (before, now) = (before.json.get(field), now.json.get(field));
        if before == now {
            continue;
        }
        found.push(match (before.and_then(words), now.and_then(words)) {
            (Some(before), Some(now)) => format!("{name}: {before} before, now {now}"),
            // A hash tells nobody anything.
            _ => name.to_owned(),
        });
    }
    found
}

/// A list in a fingerprint, for people; features are a list in a text.
fn words(value: &Value) -> Option<String> {
    let list: Vec<String> = match value {
        Value::String(text) => serde_json::from_str(text).ok()?,
        Value::Array(words) => {
            words.iter().map(|word| word.as_str().map(str::to_owned)).collect::<Option<_>>()?
        }
        _ => return None,
    };
    Some(if list.is_empty() { "none".to_owned() } else { list.join(" ") })
}

/// The profile's folder of a unit and the name of its own folders there, e.g. `serde-0123456789abcdef`.
fn own_folder(unit: &Unit) -> Option<(PathBuf, String)> {
    let file = unit.files.first()?;
    let folder = file.parent()?;
    if folder.file_name()? == "deps" {
        let stem = file.file_stem()?.to_str()?;
        let hash = stem.rsplit_once('-')?.1;
        return Some((folder.parent()?.to_owned(), format!("{}-{hash}", unit.package)));
    }
    // A build script: `build/PACKAGE-HASH/build-script-build`.
    let own = folder.file_name()?.to_str()?.to_owned();
    let build = folder.parent().filter(|build| build.ends_with("build"))?;
    Some((build.parent()?.to_owned(), own))
}

fn first_json(folder: &Path) -> Option<(String, Value)> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect();
    files.sort();
    let file = files.into_iter().find(|file| file.extension().is_some_and(|it| it == "json"))?;
    Some((file.file_name()?.to_str()?.to_owned(), read(&file)?))
}

fn read(file: &Path) -> Option<Value> {
    serde_json::from_slice(&fs::read(file).ok()?).ok()
}

/// All folders of profiles, of this machine and of other targets.
fn profile_folders(target_directory: &Path) -> Vec<PathBuf> {
    let folders = |folder: &Path| {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        entries.filter(|path| path.is_dir()).collect::<Vec<_>>()
    };
    let first = folders(target_directory);
    let second = first.iter().flat_map(|folder| folders(folder));
    first.iter().cloned().chain(second).filter(|folder| folder.join(".fingerprint").is_dir()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(target: &Path, folder: &str, json: &str) {
        let folder = target.join(folder);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("lib-serde.json"), json).unwrap();
    }

    fn compiled(target: &Path, folder: &str) -> Outcome {
        let mut units = Units::default();
        units.line(&format!(
            r#"{{"reason":"compiler-artifact","package_id":"registry+https://r#serde@1.0.2","target":{{"kind":["lib"],"name":"serde"}},"features":[],"filenames":["{}/{folder}/deps/libserde-22.rlib"],"fresh":false}}"#,
            target.display()
        ));
        Outcome { server: Some(units), ..Outcome::default() }
    }

    #[test]
    fn the_closest_fingerprint_tells_what_differs() {
        let target = tempfile::tempdir().unwrap();
        let target = target.path();
        let json = |flags: &str, profile: u8| {
            format!(r#"{{"features":"[\"std\"]","rustflags":[{flags}],"profile":{profile},"rustc":1}}"#)
        };
        note(target, "release/.fingerprint/serde-11", &json("", 1));
        note(target, "wasm32-unknown-unknown/release/.fingerprint/serde-33", &json("", 7));
        std::thread::sleep(std::time::Duration::from_millis(20));
        let started = SystemTime::now();
        std::thread::sleep(std::time::Duration::from_millis(20));
        note(target, "release/.fingerprint/serde-22", &json("\"-Ca\"", 2));
        let found = look(target, &compiled(target, "release"), started);
        assert_eq!((found[0].package.as_str(), found[0].half.as_str()), ("serde", "server"));
        assert_eq!(
            found[0].differences,
            [
                "rustflags: none before, now -Ca",
                "settings of the profile (opt-level, codegen-units, panic, strip, …)"
            ]
        );
        note(target, "production/.fingerprint/serde-22", &json("", 1));
        let found = look(target, &compiled(target, "production"), started);
        assert_eq!(found[0].differences, ["profile or --target: release before, now production"]);
        assert_eq!(look(target, &compiled(target, "nowhere"), started)[0].differences, [""; 0]);
    }
}
