//! The packages of a workspace as their manifests describe them: which programs they have, and what their features ask
//! of dependencies.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::repository::Repository;

/// A member of the workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Package {
    pub name: String,
    /// Below the repository's root, with a `/` at its end; empty for the root itself.
    pub folder: String,
    /// The programs that cargo makes of it.
    pub bins: Vec<String>,
    /// Its features with what each of them switches on.
    features: BTreeMap<String, Vec<String>>,
}

impl Package {
    /// The package of a manifest; `None` for one that has none.
    pub fn read(file: &str, manifest: &Value, repository: &Repository) -> Option<Package> {
        let name = manifest.pointer("/package/name")?.as_str()?.to_owned();
        let folder = file.strip_suffix("Cargo.toml").unwrap_or_default().to_owned();
        let bins = bins(manifest, &name, &folder, repository);
        let listed = manifest.get("features").and_then(Value::as_object).into_iter().flatten();
        let features = listed.map(|(feature, items)| {
            let items = items.as_array().into_iter().flatten().filter_map(Value::as_str);
            (feature.clone(), items.map(str::to_owned).collect())
        });
        Some(Package { name, folder, bins, features: features.collect() })
    }

    /// What a choice of features asks of dependencies. Two choices that ask for the same compile the same dependencies,
    /// whatever the app itself makes of them.
    pub fn asked(&self, features: &BTreeSet<String>, with_default: bool) -> BTreeSet<String> {
        let mut pending: Vec<&str> = features.iter().map(String::as_str).collect();
        pending.extend(with_default.then_some("default"));
        let (mut asked, mut seen) = (BTreeSet::new(), BTreeSet::new());
        while let Some(feature) = pending.pop() {
            if !seen.insert(feature) {
                continue;
            }
            match self.features.get(feature) {
                Some(items) => pending.extend(items.iter().map(String::as_str)),
                // Every package may be asked for its default features, also one that has none.
                None if feature == "default" => {}
                // A dependency, one of its features, or a name that is wrong.
                None => {
                    asked.insert(feature.trim_start_matches("dep:").to_owned());
                }
            }
        }
        asked
    }
}

/// The programs that a manifest names and those that cargo finds by itself.
fn bins(manifest: &Value, package: &str, folder: &str, repository: &Repository) -> Vec<String> {
    let listed: Vec<&Value> = manifest.get("bin").and_then(Value::as_array).into_iter().flatten().collect();
    let named = listed.iter().filter_map(|bin| bin.get("name")?.as_str());
    let mut bins: Vec<String> = named.map(str::to_owned).collect();
    let finds = manifest.pointer("/package/autobins").and_then(Value::as_bool).unwrap_or(true);
    if !finds {
        return bins;
    }
    let is_taken = |file: &str| {
        let paths = listed.iter().filter_map(|bin| bin.get("path")?.as_str());
        paths.map(|path| path.trim_start_matches("./")).any(|path| path == file)
    };
    let prefix = format!("{folder}src/");
    let mut sources = repository.sources.keys().filter_map(|name| name.strip_prefix(&prefix)).peekable();
    // Where the sources were not read, a package that names no program has most likely one of its own name.
    let mut found: Vec<&str> = Vec::new();
    if sources.peek().is_none() && bins.is_empty() {
        found.push(package);
    }
    for below in sources.filter(|below| !is_taken(&format!("src/{below}"))) {
        match below.strip_prefix("bin/").map(|name| name.split_once('/').unwrap_or((name, ""))) {
            None if below == "main.rs" => found.push(package),
            Some((name, "")) => found.extend(name.strip_suffix(".rs")),
            Some((name, "main.rs")) => found.push(name),
            _ => {}
        }
    }
    for name in found {
        if !bins.iter().any(|known| known == name) {
            bins.push(name.to_owned());
        }
    }
    bins
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::repository::toml;

    fn package(manifest: &str, sources: &[&str]) -> Package {
        let mut repository = Repository::default();
        for source in sources {
            repository.sources.insert(format!("app/{source}"), String::new());
        }
        let value = toml(Some(&manifest.to_owned())).unwrap();
        Package::read("app/Cargo.toml", &value, &repository).unwrap()
    }

    #[test]
    fn programs_that_are_named_and_those_that_cargo_finds() {
        let plain = "[package]\nname = \"a\"\n";
        assert_eq!(package(plain, &[]).bins, ["a"]);
        assert_eq!(package(plain, &["src/lib.rs"]).bins, [""; 0]);
        let several = ["src/bin/b.rs", "src/bin/c/main.rs", "src/bin/c/other.rs", "src/main.rs"];
        assert_eq!(package(plain, &several).bins, ["b", "c", "a"]);
        let named = format!("{plain}[[bin]]\nname = \"site\"\npath = \"src/main.rs\"\n");
        assert_eq!(package(&named, &["src/main.rs"]).bins, ["site"]);
        assert_eq!(package(&named, &["src/main.rs", "src/bin/b.rs"]).bins, ["site", "b"]);
        let alone = "[package]\nname = \"a\"\nautobins = false\n";
        assert_eq!(package(alone, &["src/main.rs"]).bins, [""; 0]);
        assert_eq!(package(plain, &[]).folder, "app/");
    }

    #[test]
    fn what_features_ask_of_dependencies() {
        let manifest = "[package]\nname = \"a\"\n[features]\ndefault = [\"csr\"]\ncsr = [\"leptos/csr\"]\n\
            ssr = [\"dep:axum\", \"leptos/ssr\", \"log\"]\nlog = []\n";
        let package = package(manifest, &[]);
        let asked = |features: &[&str], default| {
            let features = features.iter().map(|feature| (*feature).to_owned()).collect();
            package.asked(&features, default).into_iter().collect::<Vec<_>>()
        };
        assert_eq!(asked(&["ssr"], false), ["axum", "leptos/ssr"]);
        assert_eq!(asked(&["ssr", "log"], false), asked(&["ssr"], false));
        assert_eq!(asked(&[], true), ["leptos/csr"]);
        assert_eq!(asked(&["default"], false), asked(&[], true));
        assert_eq!(asked(&["no-such"], false), ["no-such"]);
    }

    #[test]
    fn a_package_without_default_features() {
        let package = package("[package]\nname = \"a\"\n[features]\nssr = [\"dep:axum\"]\n", &[]);
        let ssr = BTreeSet::from(["ssr".to_owned()]);
        assert_eq!(package.asked(&ssr, true), package.asked(&ssr, false));
    }
}
