//! Leptos projects as manifests describe them, read without cargo: leniently, and with the defaults of cargo-leptos.

use std::collections::BTreeMap;

use serde_json::Value;

use super::packages::Package;
use super::repository::{OWN_PACKAGE, Repository, toml};
use crate::config::places;

/// One project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leptos {
    /// The file with the table.
    pub manifest: String,
    /// The keys that lead to the table.
    pub way: Vec<String>,
    pub line: usize,
    pub name: String,
    pub output_name: String,
    pub bin_package: String,
    pub lib_package: String,
    /// The server's file.
    pub binary: String,
    /// As written; relative to the workspace.
    pub site_root: String,
    pub site_pkg_dir: String,
    pub site_addr: String,
    pub hash_files: bool,
    pub hash_file_name: String,
    pub lib: Half,
    pub bin: Half,
    /// Those of both halves.
    pub features: Vec<String>,
    pub env: Option<String>,
    pub keys: Vec<String>,
}

/// How one half is compiled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Half {
    /// Its own.
    pub features: Vec<String>,
    pub default_features: bool,
    pub profile_dev: Option<String>,
    pub profile_release: Option<String>,
    pub target: Option<String>,
    pub target_dir: Option<String>,
    /// What is passed through to cargo.
    pub args: Vec<String>,
}

/// What the manifests say.
#[derive(Clone, Debug, Default)]
pub struct Manifests {
    pub projects: Vec<Leptos>,
    pub packages: Vec<Package>,
    /// Files that are no TOML.
    pub unreadable: Vec<String>,
    /// The version of wasm-bindgen in Cargo.lock, where there is exactly one.
    pub wasm_bindgen: Option<String>,
}

impl Manifests {
    pub fn read(repository: &Repository) -> Manifests {
        let mut manifests = Manifests { wasm_bindgen: wasm_bindgen(repository), ..Manifests::default() };
        let mut tables: Vec<(String, Vec<String>, Value, String)> = Vec::new();
        for file in &repository.manifests {
            let Some(value) = toml(repository.files.get(file)) else {
                manifests.unreadable.push(file.clone());
                continue;
            };
            let package = value.pointer("/package/name").and_then(Value::as_str);
            manifests.packages.extend(Package::read(file, &value, repository));
            let listed = value.pointer("/workspace/metadata/leptos").and_then(Value::as_array);
            for (index, table) in listed.into_iter().flatten().enumerate() {
                let way = ["workspace", "metadata", "leptos", &index.to_string()].map(str::to_owned).to_vec();
                tables.push((file.clone(), way, table.clone(), String::new()));
            }
            if let Some(table) = value.pointer("/package/metadata/leptos") {
                let way = ["package", "metadata", "leptos"].map(str::to_owned).to_vec();
                tables.push((file.clone(), way, table.clone(), package.unwrap_or_default().to_owned()));
            }
        }
        for (file, way, table, package) in tables {
            let text = repository.files.get(&file).map_or("", String::as_str);
            let mut project = project(&table, &package, &manifests.packages);
            project.line = line(text, &way, &table);
            (project.manifest, project.way) = (file, way);
            manifests.projects.push(project);
        }
        manifests
    }

    /// The project that a Dockerfile is about: the only one, else the only one that it names.
    pub fn project(&self, dockerfile: &str) -> Option<&Leptos> {
        if let [only] = self.projects.as_slice() {
            return Some(only);
        }
        let names = |project: &&Leptos| {
            [&project.name, &project.binary, &project.bin_package]
                .iter()
                .any(|name| !name.is_empty() && dockerfile.contains(name.as_str()))
        };
        let mut named = self.projects.iter().filter(names);
        named.next().filter(|_| named.next().is_none())
    }

    /// The packages of the app: all but the automation's own.
    pub fn app(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| package.name != OWN_PACKAGE)
    }
}

impl Leptos {
    /// The project as it is built under these variables, which win over what is written.
    pub fn under(mut self, env: &BTreeMap<String, Option<String>>) -> Leptos {
        let known = |name: &str| env.get(name).cloned().flatten();
        let texts = [
            ("LEPTOS_OUTPUT_NAME", &mut self.output_name),
            ("LEPTOS_SITE_ROOT", &mut self.site_root),
            ("LEPTOS_SITE_PKG_DIR", &mut self.site_pkg_dir),
            ("LEPTOS_HASH_FILE_NAME", &mut self.hash_file_name),
            ("LEPTOS_BIN_TARGET", &mut self.binary),
        ];
        for (name, text) in texts {
            if let Some(value) = known(name) {
                *text = value;
            }
        }
        self.bin.target = known("LEPTOS_BIN_TARGET_TRIPLE").or(self.bin.target);
        self.bin.target_dir = known("LEPTOS_BIN_TARGET_DIR").or(self.bin.target_dir);
        self.hash_files = known("LEPTOS_HASH_FILES").map_or(self.hash_files, |value| value == "true");
        self
    }

    /// Whether the manifest says it, where a default would do.
    pub fn says(&self, key: &str) -> bool {
        self.keys.iter().any(|known| known == key)
    }
}

/// The line of a table of a list is that of its first key, because the list's own is that of the first table.
fn line(text: &str, way: &[String], table: &Value) -> usize {
    let written = |way: &[&str]| places::find(text, way).map(|written| written.line);
    let way: Vec<&str> = way.iter().map(String::as_str).collect();
    let keys = table.as_object().into_iter().flatten().map(|(key, _)| key.as_str());
    let lines = keys.filter_map(|key| written(&[way.as_slice(), &[key]].concat()));
    lines.min().or_else(|| written(&way)).unwrap_or(1)
}

fn project(table: &Value, package: &str, packages: &[Package]) -> Leptos {
    let text =
        |key: &str| table.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
    let flag = |key: &str| table.get(key).and_then(Value::as_bool).unwrap_or(false);
    let list = |key: &str| {
        let items = table.get(key).and_then(Value::as_array).into_iter().flatten();
        items.filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
    };
    let half = |half: &str| Half {
        features: list(&format!("{half}-features")),
        default_features: flag(&format!("{half}-default-features")),
        profile_dev: text(&format!("{half}-profile-dev")),
        profile_release: text(&format!("{half}-profile-release")),
        target: text(&format!("{half}-target-triple")),
        target_dir: text(&format!("{half}-target-dir")),
        args: list(&format!("{half}-cargo-args")),
    };
    let name = text("name").unwrap_or_else(|| package.to_owned());
    let bin_package = text("bin-package").unwrap_or_else(|| package.to_owned());
    let only_bin = packages.iter().find(|known| known.name == bin_package);
    let only_bin = only_bin.and_then(|package| match package.bins.as_slice() {
        [only] => Some(only.clone()),
        _ => None,
    });
    let target = text("bin-exe-name").or_else(|| text("bin-target")).or(only_bin);
    Leptos {
        output_name: text("output-name").unwrap_or_else(|| name.clone()),
        binary: target.unwrap_or_else(|| bin_package.clone()),
        bin_package,
        lib_package: text("lib-package").unwrap_or_else(|| package.to_owned()),
        site_root: text("site-root").unwrap_or_else(|| "target/site".to_owned()),
        site_pkg_dir: text("site-pkg-dir").unwrap_or_else(|| "pkg".to_owned()),
        site_addr: text("site-addr").unwrap_or_else(|| "127.0.0.1:3000".to_owned()),
        hash_files: flag("hash-files"),
        hash_file_name: text("hash-file-name")
            .or_else(|| text("hash-file"))
            .unwrap_or_else(|| "hash.txt".to_owned()),
        lib: Half { target_dir: text("front-target-dir"), ..half("lib") },
        bin: half("bin"),
        features: list("features"),
        env: text("env"),
        keys: table.as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect(),
        name,
        ..Leptos::default()
    }
}

fn wasm_bindgen(repository: &Repository) -> Option<String> {
    let lock = toml(repository.files.get("Cargo.lock"))?;
    let packages = lock.get("package")?.as_array()?.iter();
    let mut versions =
        packages.filter(|package| package.get("name").and_then(Value::as_str) == Some("wasm-bindgen"));
    let version = versions.next()?.get("version")?.as_str()?.to_owned();
    versions.next().is_none().then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifests(files: &[(&str, &str)]) -> Manifests {
        let mut repository = Repository::default();
        for (name, text) in files {
            repository.files.insert((*name).to_owned(), (*text).to_owned());
            if name.ends_with("Cargo.toml") {
                repository.manifests.push((*name).to_owned());
            }
        }
        Manifests::read(&repository)
    }

    #[test]
    fn both_layouts() {
        let workspace = "[workspace]\nmembers = []\n\n[[workspace.metadata.leptos]]\nname = \"site\"\nbin-package = \"server\"\n\
            lib-package = \"front\"\nbin-features = [\"ssr\"]\nfeatures = [\"x\"]\nhash-files = true\n";
        let member = "[package]\nname = \"server\"\n[[bin]]\nname = \"app\"\n";
        let lock = "[[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.100\"\n";
        let read =
            manifests(&[("Cargo.toml", workspace), ("server/Cargo.toml", member), ("Cargo.lock", lock)]);
        let project = &read.projects[0];
        assert_eq!((project.line, project.binary.as_str(), project.output_name.as_str()), (5, "app", "site"));
        assert_eq!(
            (&project.bin.features, &project.features),
            (&vec!["ssr".to_owned()], &vec!["x".to_owned()])
        );
        assert!(project.hash_files && !project.bin.default_features);
        assert_eq!(read.wasm_bindgen.as_deref(), Some("0.2.100"));
        let package = "[package]\nname = \"a\"\n\n[package.metadata.leptos]\noutput-name = \"b\"\n";
        let read = manifests(&[("Cargo.toml", package)]);
        let project = &read.projects[0];
        assert_eq!((project.line, project.lib_package.as_str(), project.output_name.as_str()), (5, "a", "b"));
        assert_eq!(project.site_addr, "127.0.0.1:3000");
    }

    #[test]
    fn variables_win_over_what_is_written() {
        let package = "[package]\nname = \"a\"\n[package.metadata.leptos]\nsite-root = \"s\"\nbin-cargo-args = [\"-v\"]\n";
        let written = manifests(&[("Cargo.toml", package)]).projects[0].clone();
        assert_eq!((written.bin.target.as_deref(), written.hash_files), (None, false));
        assert_eq!(written.bin.args, ["-v"]);
        assert!(written.says("site-root") && !written.says("output-name"));
        let variables = [
            ("LEPTOS_OUTPUT_NAME", Some("b")),
            ("LEPTOS_BIN_TARGET_TRIPLE", Some("x86_64-unknown-linux-musl")),
            ("LEPTOS_HASH_FILES", Some("true")),
            // Nobody knows this one.
            ("LEPTOS_SITE_ROOT", None),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.map(str::to_owned)));
        let env = BTreeMap::from(variables);
        let project = written.clone().under(&env);
        assert_eq!((project.output_name.as_str(), project.site_root.as_str()), ("b", "s"));
        assert_eq!(project.bin.target.as_deref(), Some("x86_64-unknown-linux-musl"));
        assert!(project.hash_files);
        assert_eq!(written.clone().under(&BTreeMap::new()), written);
    }

    #[test]
    fn several_projects_and_nonsense() {
        let two =
            "[[workspace.metadata.leptos]]\nname = \"one\"\n[[workspace.metadata.leptos]]\nname = \"two\"\n";
        let read = manifests(&[("Cargo.toml", two), ("x/Cargo.toml", "[")]);
        assert_eq!(read.projects.iter().map(|project| project.line).collect::<Vec<_>>(), [2, 4]);
        assert_eq!(read.project("COPY two /").map(|project| project.name.as_str()), Some("two"));
        assert_eq!(read.project("COPY one two /"), None);
        assert_eq!(read.unreadable, ["x/Cargo.toml"]);
    }
}
