//! Which Leptos project is built, and everything its metadata says: the keys of cargo-leptos 0.3 with its defaults.
//!
//! Pure but for two things: a style sheet is read to find the files that it imports, and style and assets have to be
//! there. Knows nothing of how a project is built.

mod choice;
mod keys;
mod packages;
mod settings;
mod site_root;
mod style;
mod tailwind;
#[cfg(test)]
mod tests;

pub use style::is_sass as style_is_sass;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::facts::workspace::Workspace;

/// A Leptos project. Every path is absolute unless a field says otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Project {
    pub name: String,
    pub lib_package: LibPackage,
    pub bin_package: BinPackage,
    /// The binary of the server's package.
    pub bin_target: String,
    /// The base name of script, wasm and style.
    pub output_name: String,

    /// The folder that the site is written to. Nothing else may be in it.
    pub site_root: PathBuf,
    /// The folder below it for script, wasm and style.
    pub site_pkg_dir: String,
    /// Where the server listens.
    pub site_addr: SocketAddr,
    /// Where the browser is told to reload, while watching.
    pub reload_port: u16,
    /// The port that browsers see, where something stands in front of the reload socket.
    pub reload_external_port: Option<u16>,
    /// `ws` or `wss`.
    pub reload_ws_protocol: Option<String>,

    /// A `.css`, `.scss` or `.sass` file.
    pub style_file: Option<PathBuf>,
    /// The style file and all that it imports.
    pub style_sources: Vec<PathBuf>,
    /// Whether `@import` of plain CSS is resolved.
    pub style_bundle: bool,
    pub tailwind: Option<Tailwind>,
    /// The browsers that the style is written for, as a browserslist query.
    pub browserquery: String,
    /// Copied into the site as it is.
    pub assets_dir: Option<PathBuf>,

    /// Whether script, wasm and style carry a digest in their names.
    pub hash_files: bool,
    /// The file beside the server binary that lists the digests; `hash.txt` by default.
    pub hash_file_name: Option<String>,
    /// Whether a release build minifies the script.
    pub js_minify: bool,
    /// What `wasm-opt` is called with, instead of the driver's own flags.
    pub wasm_opt_features: Option<Vec<String>>,

    /// Features of both halves are in both lists.
    pub lib_features: Vec<String>,
    pub lib_default_features: bool,
    pub bin_features: Vec<String>,
    pub bin_default_features: bool,
    /// More arguments for cargo.
    pub lib_cargo_args: Option<Vec<String>>,
    pub bin_cargo_args: Option<Vec<String>>,
    pub lib_profile_dev: Option<String>,
    pub lib_profile_release: Option<String>,
    pub bin_profile_dev: Option<String>,
    pub bin_profile_release: Option<String>,
    /// The server's `--target`.
    pub bin_target_triple: Option<String>,
    /// The server's `--target-dir` as written; relative to the workspace.
    pub bin_target_dir: Option<String>,
    /// The front half's target directory.
    pub front_target_dir: Option<PathBuf>,
    /// Runs instead of cargo for the server: a program and its first arguments.
    pub bin_cargo_command: Option<Vec<String>>,
    /// The name of the server's file where it is not that of the binary.
    pub bin_exe_name: Option<String>,

    /// The first part of server functions' addresses instead of `/api`.
    pub server_fn_prefix: Option<String>,
    pub disable_server_fn_hash: bool,
    /// Whether the addresses contain the module path.
    pub server_fn_mod_path: bool,
    /// Whether even builds for debugging keep the full types of components.
    pub disable_erase_components: bool,
    /// Whether all builds erase the types of components; wins over the above.
    pub always_erase_components: bool,

    /// Where scripts of the app's own are; a change compiles the front half again.
    pub js_dir: PathBuf,
    pub watch_additional_files: Vec<WatchedFiles>,
    /// The folder of tests that are run from outside.
    pub end2end_dir: Option<PathBuf>,
    /// Whether the watched server is asked to stop before it is killed.
    pub graceful_shutdown: bool,
    pub graceful_shutdown_timeout_secs: u64,
    /// `SIGINT` or `SIGTERM`.
    pub graceful_shutdown_unix_signal: String,
}

/// The package that becomes the browser half.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LibPackage {
    pub name: String,
    /// The library's crate name, which is also the base name of the wasm file.
    pub target: String,
    pub dir: PathBuf,
}

/// The package with the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BinPackage {
    pub name: String,
    pub dir: PathBuf,
}

/// The browsers that a style is written for unless the project says otherwise.
pub const DEFAULT_BROWSERS: &str = "defaults";

/// Folders that Tailwind never looks into on its own, wherever they are.
pub const NOT_SCANNED: [&str; 3] = [".git", "node_modules", ".svn"];

/// A style sheet that Tailwind makes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tailwind {
    pub input_file: PathBuf,
    /// Only version 3 reads one.
    pub config_file: Option<PathBuf>,
    /// The version that the user asked for, without a `v`.
    pub version: Option<String>,
    /// The input and what it imports of the project's own.
    pub sources: Vec<PathBuf>,
    /// Whether all that it looks at is known to be below the workspace.
    pub closed: bool,
}

impl Tailwind {
    /// Whether this version is configured by a file beside its input.
    pub fn has_config(&self) -> bool {
        self.version.as_deref().is_some_and(|version| version.starts_with(['1', '2', '3']))
    }
}

impl Project {
    /// Folders in the workspace that builds write to.
    pub fn not_sources(&self, workspace: &Workspace) -> Vec<PathBuf> {
        let server = self.bin_target_dir.as_ref().map(|folder| absolute(&workspace.root, folder));
        let all = [Some(workspace.target_directory.clone()), Some(self.site_root.clone()), server];
        let all = all.into_iter().flatten().chain(self.front_target_dir.clone());
        // One with the workspace in it cannot tell sources from what is made of them.
        all.filter(|folder| !workspace.root.starts_with(folder)).collect()
    }
}

/// An entry of `watch-additional-files`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WatchedFiles {
    pub paths: Vec<PathBuf>,
    /// Only files with these extensions; all if empty.
    pub extensions: Vec<String>,
    /// What a change means: `bin-source`, `lib-source`, `asset`, `style`, `conf` or `additional`.
    pub change_types: Vec<String>,
}

/// The name of the only project; `None` where there are none or several, or they cannot be read.
pub fn only_name(workspace: &Workspace) -> Option<String> {
    let mut all = choice::definitions(workspace).ok()?;
    (all.len() == 1).then(|| all.swap_remove(0).name)
}

/// Finds the project that is meant and reads its settings.
///
/// `environment` holds the variables that override settings, `chosen` is the name that the user gave, and `cwd` decides
/// between several projects where no name was given.
pub fn resolve(
    workspace: &Workspace,
    environment: &BTreeMap<String, String>,
    chosen: Option<&str>,
    cwd: &Path,
) -> anyhow::Result<Project> {
    let (project, place) = describe(workspace, environment, chosen, cwd)?;
    settings::check_files(&project, workspace, |key| source(key, &place, environment))?;
    Ok(project)
}

/// The project as it is written, and its table; the files that it names need not be there.
fn describe(
    workspace: &Workspace,
    environment: &BTreeMap<String, String>,
    chosen: Option<&str>,
    cwd: &Path,
) -> anyhow::Result<(Project, String)> {
    let definition = choice::choose(choice::definitions(workspace)?, workspace, chosen, cwd)?;
    let project = settings::read(&definition, workspace, environment)?;
    site_root::check(&project, workspace, &source("site-root", &definition.place, environment))?;
    Ok((project, definition.place))
}

/// Where a path is set, as errors name it: in the variable that overrides the key, else in the project's table.
fn source(key: &str, place: &str, environment: &BTreeMap<String, String>) -> String {
    let variable = format!("LEPTOS_{}", key.replace('-', "_").to_uppercase());
    match environment.get(&variable).filter(|value| !value.is_empty()) {
        Some(_) => format!("`{variable}` in the environment or `.env`"),
        None => format!("`{key}` in {place}"),
    }
}

/// An absolute path without `.` and `..`, found without looking at the file system.
fn absolute(base: &Path, path: impl AsRef<Path>) -> PathBuf {
    let mut clean = PathBuf::new();
    for component in base.join(path).components() {
        match component {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir => drop(clean.pop()),
            other => clean.push(other),
        }
    }
    clean
}
