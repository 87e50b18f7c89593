//! What is measured: the workspace's project as plain data, and which lines are changed in it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use super::scenario::Scenario;
use crate::facts::workspace::{Package, Workspace};

/// The project of a workspace, as far as measuring it needs to know.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The workspace that is copied.
    pub root: PathBuf,
    pub project: String,
    /// The triple of this machine.
    pub host: String,
    pub cargo: String,
    pub rustc: PathBuf,
    /// Our own program, which builds the copy.
    pub xtask: PathBuf,
    /// The server's binary with the usual profile, relative to the target directory of the copy's builds.
    pub server: PathBuf,
    /// Variables that name further folders to build in, with folders below that target directory.
    pub target_folders: BTreeMap<String, PathBuf>,
    /// The project's settings in a `.env` file, which git ignores.
    pub settings: BTreeMap<String, String>,
    /// The name of that binary's crate.
    pub server_crate: String,
    /// For each patch scenario: the line's file, relative to the root, and the package that has to be compiled again.
    pub lines: BTreeMap<Scenario, Line>,
    /// Scenarios that the workspace cannot have, with the reason.
    pub impossible: BTreeMap<Scenario, String>,
}

impl Subject {
    /// The server's binary with this profile, relative to the target directory.
    pub fn server_of(&self, profile: &str) -> PathBuf {
        // Cargo's own names of folders.
        let folder = match profile {
            "dev" | "test" => "debug",
            "bench" => "release",
            other => other,
        };
        match (self.server.parent(), self.server.file_name()) {
            (Some(parent), Some(name)) => parent.with_file_name(folder).join(name),
            _ => self.server.clone(),
        }
    }
}

/// Where the server is compiled in the copy, relative to its target directory, for a project with a target directory
/// of its own for the server (`own`): at the same place below that of both halves, or in a folder below it.
pub fn server_folder(own: &Path, target_directory: &Path) -> PathBuf {
    let below = own.strip_prefix(target_directory).ok();
    let is_plain = |below: &&Path| below.components().all(|part| matches!(part, Component::Normal(_)));
    below.filter(is_plain).unwrap_or(Path::new("xtask-bench-server")).to_owned()
}

/// Where a line is changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub file: PathBuf,
    pub package: String,
}

/// Chooses the lines: the server's own crate, the package with the pages, and one below it. All are the roots of
/// crates, because those are compiled whatever the features. `configured` comes before what is found.
pub fn lines(
    workspace: &Workspace,
    lib_package: &str,
    bin_package: &str,
    bin_target: &str,
    configured: &BTreeMap<Scenario, PathBuf>,
) -> (BTreeMap<Scenario, Line>, BTreeMap<Scenario, String>) {
    let mut lines = BTreeMap::new();
    let mut impossible = BTreeMap::new();
    let root = |package: &Package, path: &Path| Line {
        file: path.strip_prefix(&workspace.root).unwrap_or(path).to_owned(),
        package: package.name.clone(),
    };
    let server = workspace.package(bin_package);
    let bin = server.and_then(|package| package.bins().find(|bin| bin.name == bin_target));
    if let (Some(package), Some(bin)) = (server, bin) {
        lines.insert(Scenario::PatchServer, root(package, &bin.src_path));
    }
    // What both halves compile, beside the libraries of others.
    let both: BTreeSet<&str> =
        reachable(workspace, lib_package).intersection(&reachable(workspace, bin_package)).copied().collect();
    let shared: Vec<&Package> =
        workspace.packages.iter().filter(|package| both.contains(package.name.as_str())).collect();
    let has_pages =
        |package: &&&Package| package.dependencies.iter().any(|dependency| dependency.name == "leptos");
    let size = |package: &&Package| source_bytes(package.dir());
    let ui = shared.iter().filter(has_pages).copied().max_by_key(size);
    let core = shared.iter().filter(|package| !has_pages(package)).copied().max_by_key(size);
    for (scenario, package, missing) in [
        (Scenario::PatchUi, ui, "no package of the workspace that both halves compile depends on leptos"),
        (Scenario::PatchCore, core, "the workspace has no package below the one with the pages"),
    ] {
        match package.and_then(|package| Some(root(package, &package.library()?.src_path))) {
            Some(line) => {
                lines.insert(scenario, line);
            }
            None => {
                impossible.insert(scenario, missing.to_owned());
            }
        }
    }
    for (scenario, file) in configured {
        let absolute = workspace.root.join(file);
        let owner = workspace.packages.iter().filter(|package| absolute.starts_with(package.dir()));
        // The innermost one, where a package lies in another one's folder.
        match owner.max_by_key(|package| package.dir().components().count()) {
            Some(package) if absolute.is_file() => {
                impossible.remove(scenario);
                lines.insert(*scenario, root(package, &absolute));
            }
            _ => {
                lines.remove(scenario);
                impossible.insert(*scenario, format!("`{}` is no file of a package", file.display()));
            }
        }
    }
    (lines, impossible)
}

/// The package and all members that it depends on.
fn reachable<'a>(workspace: &'a Workspace, name: &str) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut waiting: Vec<&Package> = workspace.package(name).into_iter().collect();
    while let Some(package) = waiting.pop() {
        if !found.insert(package.name.as_str()) {
            continue;
        }
        // A dependency for tests or a build script is in no half.
        let normal = package.dependencies.iter().filter(|dependency| dependency.kind.is_none());
        let members = normal.filter(|dependency| dependency.path.is_some());
        waiting.extend(members.filter_map(|dependency| workspace.package(&dependency.name)));
    }
    found
}

/// Bytes of all Rust files of a package.
fn source_bytes(folder: &Path) -> u64 {
    let mut bytes = 0;
    let mut waiting = vec![folder.join("src")];
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                bytes += entry.metadata().map_or(0, |metadata| metadata.len());
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace() -> Workspace {
        let package = |name: &str, dependencies: &str, target: &str| {
            format!(
                r#"{{"name":"{name}","manifest_path":"/w/{name}/Cargo.toml","dependencies":[{dependencies}],"targets":[{target}]}}"#
            )
        };
        let member = |name: &str| format!(r#"{{"name":"{name}","path":"/w/{name}","kind":null}}"#);
        let lib = |name: &str| {
            format!(
                r#"{{"name":"{name}","kind":["lib"],"crate_types":["lib"],"src_path":"/w/{name}/src/lib.rs"}}"#
            )
        };
        let bin =
            r#"{"name":"server","kind":["bin"],"crate_types":["bin"],"src_path":"/w/server/src/main.rs"}"#;
        let leptos = r#"{"name":"leptos","kind":null}"#;
        let packages = [
            package("front", &member("pages"), &lib("front")),
            package("pages", &format!("{leptos},{}", member("core")), &lib("pages")),
            package("core", "", &lib("core")),
            package("server", &format!("{},{}", member("pages"), member("store")), bin),
            package("store", "", &lib("store")),
        ];
        let json = format!(
            r#"{{"packages":[{}],"target_directory":"/w/target","workspace_root":"/w","metadata":null}}"#,
            packages.join(",")
        );
        Workspace::parse(&json).unwrap()
    }

    #[test]
    fn lines_are_found_by_what_both_halves_compile() {
        let (lines, impossible) = lines(&workspace(), "front", "server", "server", &BTreeMap::new());
        let told: Vec<(&str, &str)> =
            lines.values().map(|line| (line.package.as_str(), line.file.to_str().unwrap())).collect();
        assert_eq!(
            told,
            [("server", "server/src/main.rs"), ("pages", "pages/src/lib.rs"), ("core", "core/src/lib.rs")]
        );
        assert!(impossible.is_empty(), "{impossible:?}");
    }

    #[test]
    fn each_profile_has_a_server_of_its_own() {
        let (lines, impossible) = (BTreeMap::new(), BTreeMap::new());
        let subject = |server: &str| Subject {
            root: PathBuf::from("/w"),
            project: "app".to_owned(),
            host: "x86_64-unknown-linux-gnu".to_owned(),
            cargo: "cargo".to_owned(),
            rustc: PathBuf::from("rustc"),
            xtask: PathBuf::from("xtask"),
            server: PathBuf::from(server),
            server_crate: "server".to_owned(),
            target_folders: BTreeMap::new(),
            settings: BTreeMap::new(),
            lines: lines.clone(),
            impossible: impossible.clone(),
        };
        let path = |server: &str, profile: &str| subject(server).server_of(profile).display().to_string();
        assert_eq!(path("production/server", "ci"), "ci/server");
        assert_eq!(path("production/server", "dev"), "debug/server");
        assert_eq!(
            path("x86_64-unknown-linux-musl/debug/app", "release"),
            "x86_64-unknown-linux-musl/release/app"
        );
    }

    #[test]
    fn the_servers_own_target_directory_is_below_the_one_that_is_emptied() {
        let folder = |own: &str| server_folder(Path::new(own), Path::new("/w/target")).display().to_string();
        assert_eq!(folder("/w/target/server"), "server");
        assert_eq!(folder("/w/target"), "");
        assert_eq!(folder("/w/server-target"), "xtask-bench-server");
        assert_eq!(folder("/w/target/../server"), "xtask-bench-server");
    }

    #[test]
    fn what_a_workspace_lacks_is_told() {
        let mut alone = workspace();
        alone.packages.retain(|package| package.name != "core");
        let configured = BTreeMap::from([(Scenario::PatchUi, PathBuf::from("nothing.rs"))]);
        let (lines, impossible) = lines(&alone, "front", "server", "server", &configured);
        assert_eq!(lines.keys().copied().collect::<Vec<_>>(), [Scenario::PatchServer]);
        assert_eq!(impossible[&Scenario::PatchUi], "`nothing.rs` is no file of a package");
        assert_eq!(
            impossible[&Scenario::PatchCore],
            "the workspace has no package below the one with the pages"
        );
    }
}
