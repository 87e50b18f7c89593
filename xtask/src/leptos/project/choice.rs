//! Where Leptos projects are defined, and which of several is meant.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::config::keys::{Section, not_known};
use crate::exit::Failure;
use crate::facts::workspace::{Package, Workspace};

/// A project that has been found but not read.
pub struct Definition<'a> {
    pub name: String,
    pub lib_package: String,
    pub bin_package: String,
    /// Its table, as errors name it.
    pub place: String,
    /// The folder that its paths are relative to.
    pub base: PathBuf,
    pub table: &'a Value,
    /// Whether the table is one of the workspace's, which has three more keys.
    pub of_workspace: bool,
}

/// All projects: those of the root manifest first, then those of members.
pub fn definitions(workspace: &Workspace) -> anyhow::Result<Vec<Definition<'_>>> {
    let mut found = Vec::new();
    match workspace.metadata.get("leptos") {
        None | Some(Value::Null) => {}
        Some(Value::Array(tables)) => {
            for table in tables {
                found.push(of_workspace(workspace, table)?);
            }
        }
        Some(_) => {
            return Err(Failure::usage("`workspace.metadata.leptos` in Cargo.toml must be a list of tables")
                .hint("write `[[workspace.metadata.leptos]]` with two brackets on each side")
                .into());
        }
    }
    let members =
        workspace.packages.iter().filter_map(|package| Some((package, package.metadata.get("leptos")?)));
    found.extend(members.map(|(package, table)| Definition {
        name: package.name.clone(),
        lib_package: package.name.clone(),
        bin_package: package.name.clone(),
        place: format!("`[package.metadata.leptos]` in {}", manifest_of(workspace, package)),
        base: package.dir().to_owned(),
        table,
        of_workspace: false,
    }));
    Ok(found)
}

fn of_workspace<'a>(workspace: &Workspace, table: &'a Value) -> anyhow::Result<Definition<'a>> {
    let mut section = Section::new("`[[workspace.metadata.leptos]]` in Cargo.toml", table)?;
    let name = section.required("name")?;
    let place = format!("`[[workspace.metadata.leptos]]` (project `{name}`) in Cargo.toml");
    let mut section = Section::new(place.clone(), table)?;
    Ok(Definition {
        name,
        lib_package: section.required("lib-package")?,
        bin_package: section.required("bin-package")?,
        place,
        base: workspace.root.clone(),
        table,
        of_workspace: true,
    })
}

/// The one that is meant: the chosen one, else the only one, else the one that the current folder belongs to.
pub fn choose<'a>(
    mut all: Vec<Definition<'a>>,
    workspace: &Workspace,
    chosen: Option<&str>,
    cwd: &Path,
) -> anyhow::Result<Definition<'a>> {
    let names: Vec<String> = all.iter().map(|definition| definition.name.clone()).collect();
    if names.is_empty() {
        return Err(nothing_found().into());
    }
    if let Some(double) = names.iter().enumerate().find(|(index, name)| names[..*index].contains(name)) {
        let places: Vec<&str> =
            all.iter().filter(|other| other.name == *double.1).map(|other| other.place.as_str()).collect();
        let message = format!("two Leptos projects are called `{}`: {}", double.1, places.join(" and "));
        return Err(Failure::usage(message).hint("rename one, or remove one of the two tables").into());
    }
    let index = match chosen {
        Some(chosen) => names.iter().position(|name| name == chosen).ok_or_else(|| {
            let known = names.iter().map(String::as_str);
            not_known(format!("there is no Leptos project `{chosen}`"), chosen, known, "projects")
        })?,
        None if all.len() == 1 => 0,
        None => of_folder(&all, workspace, cwd).ok_or_else(|| {
            Failure::usage(format!("there are {} Leptos projects: {}", names.len(), names.join(", ")))
                .hint("choose one with `--project NAME`, or go to the folder of one of its packages")
        })?,
    };
    Ok(all.swap_remove(index))
}

/// The one project that owns the package around `cwd`, or else the one with a package below `cwd`.
fn of_folder(all: &[Definition<'_>], workspace: &Workspace, cwd: &Path) -> Option<usize> {
    let around = workspace.packages.iter().filter(|package| cwd.starts_with(package.dir()));
    let around = around.max_by_key(|package| package.dir().components().count());
    let below = workspace.packages.iter().filter(|package| package.dir().starts_with(cwd));
    let only = |packages: Vec<&Package>| {
        let owns = |definition: &Definition<'_>| {
            packages
                .iter()
                .any(|package| [&definition.lib_package, &definition.bin_package].contains(&&package.name))
        };
        let mut owners = all.iter().enumerate().filter(|(_, definition)| owns(definition));
        let first = owners.next()?;
        owners.next().is_none().then_some(first.0)
    };
    only(around.into_iter().collect()).or_else(|| only(below.collect()))
}

fn nothing_found() -> Failure {
    Failure::usage(
        "there is no Leptos project: Cargo.toml has no `[[workspace.metadata.leptos]]`, and no member's Cargo.toml \
         has a `[package.metadata.leptos]`",
    )
    .hint(
        "add to the Cargo.toml of the workspace:\n\
         [[workspace.metadata.leptos]]\n\
         name = \"app\"\n\
         bin-package = \"package-with-the-server\"\n\
         lib-package = \"package-with-the-cdylib\"",
    )
}

/// A member's manifest as people write it.
pub fn manifest_of(workspace: &Workspace, package: &Package) -> String {
    let manifest = &package.manifest_path;
    manifest.strip_prefix(&workspace.root).unwrap_or(manifest).display().to_string()
}
