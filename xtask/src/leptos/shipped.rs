//! What a finished build leaves behind: which files, how large, and made from which sources.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Context;

use super::folder::entries_below;
use super::planning::{self, Input};
use super::receipt::{HalfReceipt, Receipt, dep_info_sources};
use super::site;
use crate::facts::workspace::Workspace;
use crate::record::Sizes;

/// Files of the workspace's root that decide about every build.
pub(super) const SHARED: [&str; 7] = [
    ".cargo/config",
    ".cargo/config.toml",
    ".env",
    "Cargo.lock",
    "Cargo.toml",
    "rust-toolchain",
    "rust-toolchain.toml",
];

/// The sizes of what the build made, as it ships.
pub fn sizes(input: &Input<'_>) -> anyhow::Result<Vec<Sizes>> {
    let mut sizes = Vec::new();
    if input.front {
        sizes = site::sizes(&input.project.site_root, &input.project.site_pkg_dir)?;
    }
    if input.server {
        let binary = planning::server_binary(input);
        let raw = binary.metadata().with_context(|| format!("read `{}`", binary.display()))?.len();
        let file = binary.file_name().unwrap_or_default().to_string_lossy().into_owned();
        sizes.push(Sizes { file, raw, gzip: None, brotli: None });
    }
    Ok(sizes)
}

/// Notes in the receipt `path` what each half was built from, so that `serve` can refuse a stale one. A half that was
/// not built keeps what was noted of it before.
pub fn note(
    input: &Input<'_>,
    workspace: &Workspace,
    path: &Path,
    started: SystemTime,
) -> anyhow::Result<()> {
    let mut receipt = Receipt::read(path);
    let built_in = built_in(workspace, input.project.bin_target_dir.as_deref());
    if input.front {
        let mut sources = sources(workspace, &front_dep_info(input))?;
        sources.extend(input.project.style_sources.iter().cloned());
        sources.extend(input.project.tailwind.iter().flat_map(|tailwind| tailwind.sources.clone()));
        let assets: Vec<PathBuf> = input.project.assets_dir.iter().cloned().collect();
        receipt.front = Some(HalfReceipt::of(started, sources, &assets, &built_in, of_front(input)?)?);
    }
    if input.server {
        let binary = planning::server_binary(input);
        let sources = sources(workspace, &server_dep_info(input))?;
        receipt.server = Some(HalfReceipt::of(started, sources, &[], &built_in, vec![binary])?);
    }
    receipt.write(path)
}

/// The files that the front half ships as.
pub(super) fn of_front(input: &Input<'_>) -> anyhow::Result<Vec<PathBuf>> {
    let site_root = &input.project.site_root;
    let site = entries_below(site_root)?.into_iter().map(|file| site_root.join(file));
    Ok(site.chain(planning::hash_file(input)).collect())
}

/// The files that the front half and the server were last compiled from, as cargo tells; `None` for a half that was
/// not.
pub fn compiled_from(input: &Input<'_>) -> (Option<Vec<PathBuf>>, Option<Vec<PathBuf>>) {
    (dep_info_sources(&front_dep_info(input)).ok(), dep_info_sources(&server_dep_info(input)).ok())
}

/// The files in which cargo says what each half that is asked for was compiled from.
pub(super) fn dep_infos(input: &Input<'_>) -> Vec<PathBuf> {
    let halves = [(input.front, front_dep_info(input)), (input.server, server_dep_info(input))];
    halves.into_iter().filter(|(wanted, _)| *wanted).map(|(_, file)| file).collect()
}

fn front_dep_info(input: &Input<'_>) -> PathBuf {
    planning::compiled_wasm(input).with_extension("d")
}

fn server_dep_info(input: &Input<'_>) -> PathBuf {
    dep_info(&planning::server_binary(input), &input.project.bin_target)
}

/// Cargo names the dep-info file after the target, whatever the binary is called in the end.
fn dep_info(binary: &Path, target: &str) -> PathBuf {
    binary.with_file_name(format!("{target}.d"))
}

/// The folders that builds write to. One with the workspace in it cannot tell sources from what is made of them.
pub(super) fn built_in(workspace: &Workspace, bin_target_dir: Option<&str>) -> Vec<PathBuf> {
    let of_server = bin_target_dir.map(|folder| workspace.root.join(folder));
    let all = [workspace.target_directory.clone()].into_iter().chain(of_server);
    all.filter(|folder| !workspace.root.starts_with(folder)).collect()
}

/// What cargo says that a half was compiled from, and the manifests beside it.
fn sources(workspace: &Workspace, dep_info: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut sources = dep_info_sources(dep_info)?;
    let root = &workspace.root;
    let of_half: Vec<PathBuf> = workspace
        .packages
        .iter()
        .filter(|package| {
            let folder = package.dir();
            folder != root && sources.iter().any(|source| source.starts_with(folder))
        })
        .map(|package| package.manifest_path.clone())
        .collect();
    sources.extend(of_half);
    sources.extend(SHARED.iter().map(|file| root.join(file)).filter(|file| file.exists()));
    Ok(sources)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;

    fn workspace(root: &Path) -> Workspace {
        let package = |name: &str| {
            let folder = root.join(name);
            json!({"name": name, "manifest_path": folder.join("Cargo.toml"), "targets": []})
        };
        let whole = json!({"workspace_root": root, "target_directory": root.join("target"),
                           "packages": [package("server"), package("unused")]});
        Workspace::parse(&whole.to_string()).unwrap()
    }

    #[test]
    fn a_renamed_server_has_the_dep_info_of_its_target() {
        let folder = Path::new("/w/target/production");
        assert_eq!(dep_info(&folder.join("app"), "app"), folder.join("app.d"));
        assert_eq!(dep_info(&folder.join("other.bin"), "app"), folder.join("app.d"));
    }

    #[test]
    fn what_decides_about_a_build_is_a_source() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let main = root.join("server/src/main.rs");
        fs::write(root.join("app.d"), format!("app: {}\n", main.display())).unwrap();
        let of = |files: &[&str]| {
            for file in files {
                fs::create_dir_all(root.join(file).parent().unwrap()).unwrap();
                fs::write(root.join(file), "").unwrap();
            }
            let found = sources(&workspace(root), &root.join("app.d")).unwrap();
            let shown = found.iter().map(|path| path.strip_prefix(root).unwrap().display().to_string());
            shown.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(of(&["Cargo.toml"]), "server/src/main.rs server/Cargo.toml Cargo.toml");
        assert_eq!(
            of(&[".env", "rust-toolchain", ".cargo/config", ".cargo/config.toml", "rust-toolchain.toml"]),
            "server/src/main.rs server/Cargo.toml .cargo/config .cargo/config.toml .env Cargo.toml \
             rust-toolchain rust-toolchain.toml"
        );
    }

    #[test]
    fn folders_that_builds_write_to() {
        let workspace = workspace(Path::new("/w"));
        let target = PathBuf::from("/w/target");
        assert_eq!(built_in(&workspace, None), std::slice::from_ref(&target));
        assert_eq!(built_in(&workspace, Some("out")), [target.clone(), PathBuf::from("/w/out")]);
        assert_eq!(built_in(&workspace, Some("")), [target]);
    }
}
