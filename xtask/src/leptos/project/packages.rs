//! The packages behind the two halves: members of the workspace with a library for wasm and a binary.

use super::choice::{Definition, manifest_of};
use super::{BinPackage, LibPackage};
use crate::config::keys::not_known;
use crate::exit::Failure;
use crate::facts::workspace::{Package, Workspace};

/// The browser half: a library that is (also) a cdylib.
pub fn lib_package(definition: &Definition<'_>, workspace: &Workspace) -> anyhow::Result<LibPackage> {
    let package = member(definition, workspace, "lib-package", &definition.lib_package)?;
    let Some(library) = package.cdylib() else {
        let manifest = manifest_of(workspace, package);
        let name = &package.name;
        let of = &definition.name;
        let failure = match package.library() {
            Some(library) => Failure::usage(format!(
                "the library of `{name}`, the browser half of project `{of}`, cannot become a wasm module: its \
                 crate-type is {:?}, without \"cdylib\"",
                library.crate_types
            ))
            .hint(format!("add `crate-type = [\"cdylib\", \"rlib\"]` to `[lib]` in {manifest}")),
            None => Failure::usage(format!("`{name}`, the browser half of project `{of}`, has no library"))
                .hint(format!("add src/lib.rs, and `crate-type = [\"cdylib\", \"rlib\"]` to `[lib]` in {manifest}")),
        };
        return Err(failure.into());
    };
    let dir = package.dir().to_owned();
    // Older cargos give the name as it is in the manifest.
    Ok(LibPackage { name: package.name.clone(), target: library.name.replace('-', "_"), dir })
}

/// The server half's package.
pub fn bin_package(definition: &Definition<'_>, workspace: &Workspace) -> anyhow::Result<BinPackage> {
    let package = member(definition, workspace, "bin-package", &definition.bin_package)?;
    Ok(BinPackage { name: package.name.clone(), dir: package.dir().to_owned() })
}

/// The binary: the one that `bin-target` names, else the only one.
pub fn bin_target(
    definition: &Definition<'_>,
    workspace: &Workspace,
    wanted: Option<&str>,
) -> anyhow::Result<String> {
    let package = member(definition, workspace, "bin-package", &definition.bin_package)?;
    let bins: Vec<&str> = package.bins().map(|bin| bin.name.as_str()).collect();
    let (name, place) = (&package.name, &definition.place);
    match (wanted, bins.as_slice()) {
        (_, []) => {
            let message = format!("`{name}`, the server of project `{}`, has no binary", definition.name);
            let hint = format!("add src/main.rs or a `[[bin]]` to {}", manifest_of(workspace, package));
            Err(Failure::usage(message).hint(hint).into())
        }
        (Some(wanted), all) if all.contains(&wanted) => Ok(wanted.to_owned()),
        (Some(wanted), all) => {
            let message = format!("`bin-target` in {place}: `{name}` has no binary `{wanted}`");
            Err(not_known(message, wanted, all.iter().copied(), "binaries").into())
        }
        (None, [only]) => Ok((*only).to_owned()),
        (None, [first, ..]) => {
            let message = format!("`{name}` has {} binaries: {}", bins.len(), bins.join(", "));
            Err(Failure::usage(message).hint(format!("add `bin-target = \"{first}\"` to {place}")).into())
        }
    }
}

fn member<'w>(
    definition: &Definition<'_>,
    workspace: &'w Workspace,
    key: &str,
    name: &str,
) -> anyhow::Result<&'w Package> {
    workspace.package(name).ok_or_else(|| {
        let message =
            format!("`{key}` in {}: there is no package `{name}` in the workspace", definition.place);
        not_known(message, name, workspace.packages.iter().map(|package| package.name.as_str()), "members")
            .into()
    })
}
