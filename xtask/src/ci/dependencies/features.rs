//! The features that packages of the workspace ask of their dependencies, from two sets of manifests.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::record::deps_report::FeatureChange;

/// The tables of a manifest that name dependencies.
const TABLES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];
const ROOT: &str = "Cargo.toml";

/// What a package asks of one dependency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Asked {
    features: BTreeSet<String>,
    default: bool,
}

/// Who asks, in which table, and of whom.
type Key = (String, String, String);

/// Manifests by their path from the workspace's root, as plain data.
pub type Manifests = BTreeMap<String, Value>;

/// What is asked for otherwise than before. A dependency that only one side has is in the lock file's changes.
///
/// `members` are the packages of the workspace on both sides: a repository may have manifests that are none of it.
pub fn compare(before: &Manifests, after: &Manifests, members: &BTreeSet<String>) -> Vec<FeatureChange> {
    let (before, after) = (asked(before, members), asked(after, members));
    let mut changes = Vec::new();
    for ((member, table, dependency), new) in &after {
        let Some(old) = before.get(&(member.clone(), table.clone(), dependency.clone())) else { continue };
        if old == new {
            continue;
        }
        changes.push(FeatureChange {
            member: member.clone(),
            dependency: dependency.clone(),
            table: table.clone(),
            added: new.features.difference(&old.features).cloned().collect(),
            removed: old.features.difference(&new.features).cloned().collect(),
            default_features: (old.default != new.default).then_some(new.default),
        });
    }
    changes
}

fn asked(manifests: &Manifests, members: &BTreeSet<String>) -> BTreeMap<Key, Asked> {
    let shared = manifests.get(ROOT).and_then(|root| root.pointer("/workspace/dependencies"));
    let mut all = BTreeMap::new();
    for manifest in manifests.values() {
        let name = manifest.pointer("/package/name").and_then(Value::as_str);
        let Some(member) = name.filter(|name| members.contains(*name)) else { continue };
        for (table, entries) in tables(manifest) {
            for (key, entry) in entries {
                let asked = of_entry(key, entry, shared);
                let package = entry.get("package").and_then(Value::as_str).unwrap_or(key);
                all.insert((member.to_owned(), table.clone(), package.to_owned()), asked);
            }
        }
    }
    all
}

/// Every table of dependencies with its name.
fn tables(manifest: &Value) -> Vec<(String, &Map<String, Value>)> {
    let mut found = Vec::new();
    for table in TABLES {
        if let Some(entries) = manifest.get(table).and_then(Value::as_object) {
            found.push((table.to_owned(), entries));
        }
    }
    for (target, value) in manifest.get("target").and_then(Value::as_object).into_iter().flatten() {
        for table in TABLES {
            if let Some(entries) = value.get(table).and_then(Value::as_object) {
                found.push((format!("target.'{target}'.{table}"), entries));
            }
        }
    }
    found
}

/// What cargo makes of an entry: with `workspace = true` the workspace's features and its own together, and the default
/// ones unless both leave them out.
fn of_entry(key: &str, entry: &Value, shared: Option<&Value>) -> Asked {
    let own = plain(entry);
    if entry.get("workspace").and_then(Value::as_bool) != Some(true) {
        return own;
    }
    let shared = shared.and_then(|shared| shared.get(key)).map(plain).unwrap_or_default();
    let turns_on = entry.get("default-features").and_then(Value::as_bool) == Some(true);
    Asked {
        features: shared.features.union(&own.features).cloned().collect(),
        default: shared.default || turns_on,
    }
}

fn plain(entry: &Value) -> Asked {
    let features = entry.get("features").and_then(Value::as_array).into_iter().flatten();
    Asked {
        features: features.filter_map(|feature| feature.as_str().map(str::to_owned)).collect(),
        default: entry.get("default-features").and_then(Value::as_bool).unwrap_or(true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse_toml;

    fn manifests(root: &str, app: &str) -> Manifests {
        let parse = |text: &str| parse_toml(text, "Cargo.toml").unwrap();
        let app = format!("[package]\nname = \"app\"\n{app}");
        let other = "[package]\nname = \"other\"\n[dependencies]\nserde = \"1\"\n";
        [(ROOT, root), ("app/Cargo.toml", app.as_str()), ("fixture/Cargo.toml", other)]
            .map(|(path, text)| (path.to_owned(), parse(text)))
            .into()
    }

    fn told(before: &Manifests, after: &Manifests) -> Vec<String> {
        let members = BTreeSet::from(["app".to_owned()]);
        let line = |change: FeatureChange| {
            let FeatureChange { member, dependency, table, added, removed, default_features } = change;
            format!("{member} {table} {dependency}: {added:?} {removed:?} {default_features:?}")
        };
        compare(before, after, &members).into_iter().map(line).collect()
    }

    #[test]
    fn what_is_asked_for_otherwise() {
        let before = manifests(
            "[workspace.dependencies]\nserde = { version = \"1\", features = [\"derive\"] }\n",
            "[dependencies]\nserde = { workspace = true, features = [\"rc\"] }\nhttp = \"1\"\n\
             [target.'cfg(unix)'.dev-dependencies]\nrenamed = { package = \"tokio\", version = \"1\" }\n",
        );
        let after = manifests(
            "[workspace.dependencies]\nserde = { version = \"1\", default-features = false, features = [\"std\"] }\n",
            "[dependencies]\nserde = { workspace = true, features = [\"rc\"] }\nhttp = \"2\"\n\
             [target.'cfg(unix)'.dev-dependencies]\n\
             renamed = { package = \"tokio\", version = \"1\", features = [\"net\"] }\n",
        );
        assert_eq!(
            told(&before, &after),
            [
                r#"app dependencies serde: ["std"] ["derive"] Some(false)"#,
                r#"app target.'cfg(unix)'.dev-dependencies tokio: ["net"] [] None"#,
            ]
        );
        assert!(told(&before, &before).is_empty());
    }

    #[test]
    fn what_is_no_manifest_asks_for_nothing() {
        let odd: Manifests =
            [(ROOT.to_owned(), serde_json::json!({"package": {"name": "app"}, "dependencies": [1]}))].into();
        assert!(told(&odd, &odd).is_empty());
        assert!(asked(&odd, &BTreeSet::from(["app".to_owned()])).is_empty());
    }
}
