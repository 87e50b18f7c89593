//! Where the workspace is: the folder of the root manifest that the automation belongs to.
//!
//! Knows nothing of what the manifest says beyond whether it is a root.

use std::path::{Path, PathBuf};

use anyhow::Context;

use super::read_toml;
use crate::exit::Failure;

/// The workspace root: from the folder of the package that cargo runs (it is ours) or else the current folder, upwards.
pub fn find() -> anyhow::Result<PathBuf> {
    let start = match std::env::var_os("CARGO_MANIFEST_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => std::env::current_dir().context("find the current folder")?,
    };
    find_from(&start)
}

/// The nearest folder upwards whose manifest has a `[workspace]`, or that a manifest's `workspace` key names; where
/// there is none, the nearest manifest is a workspace of its own, as for cargo.
pub fn find_from(start: &Path) -> anyhow::Result<PathBuf> {
    let mut nearest = None;
    for folder in start.ancestors() {
        let manifest = folder.join("Cargo.toml");
        if !manifest.is_file() {
            continue;
        }
        let content = read_toml(&manifest)?;
        if content.get("workspace").is_some() {
            return Ok(folder.to_owned());
        }
        if let Some(root) = content.pointer("/package/workspace").and_then(|value| value.as_str()) {
            let root = folder.join(root);
            return root
                .canonicalize()
                .with_context(|| format!("open the workspace root {}", root.display()));
        }
        nearest.get_or_insert_with(|| folder.to_owned());
    }
    nearest.ok_or_else(|| {
        Failure::usage(format!("there is no Cargo.toml in {} or above it", start.display()))
            .hint("run the command inside the workspace that contains the folder `xtask`")
            .into()
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::exit::Exit;

    fn write(root: &Path, name: &str, text: &str) {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn the_nearest_workspace_wins() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        write(root, "Cargo.toml", "[workspace]\nmembers = ['inner']\n");
        write(root, "inner/Cargo.toml", "[workspace]\nmembers = ['xtask']\n");
        write(root, "inner/xtask/Cargo.toml", "[package]\nname = 'xtask'\n");
        fs::create_dir_all(root.join("inner/xtask/src")).unwrap();
        assert_eq!(find_from(&root.join("inner/xtask/src")).unwrap(), root.join("inner"));
        assert_eq!(find_from(&root.join("inner")).unwrap(), root.join("inner"));
        assert_eq!(find_from(root).unwrap(), root);
    }

    #[test]
    fn a_package_can_name_its_root_or_be_one() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        write(&root, "app/Cargo.toml", "[workspace]\n");
        write(&root, "xtask/Cargo.toml", "[package]\nname = 'xtask'\nworkspace = '../app'\n");
        write(&root, "alone/Cargo.toml", "[package]\nname = 'alone'\n");
        assert_eq!(find_from(&root.join("xtask")).unwrap(), root.join("app"));
        assert_eq!(find_from(&root.join("alone")).unwrap(), root.join("alone"));
    }

    #[test]
    fn nothing_and_nonsense_are_configuration_errors() {
        let folder = tempfile::tempdir().unwrap();
        let error = find_from(folder.path()).unwrap_err();
        assert_eq!(Exit::of(&error), Exit::Usage);
        assert!(error.to_string().starts_with("there is no Cargo.toml in "), "{error}");
        write(folder.path(), "Cargo.toml", "[workspace\n");
        let error = find_from(folder.path()).unwrap_err();
        assert_eq!(Exit::of(&error), Exit::Usage);
        assert!(
            error.to_string().contains("Cargo.toml is not valid TOML: TOML parse error at line 1"),
            "{error}"
        );
    }
}
