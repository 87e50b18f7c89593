//! A copy that does not lie below its workspace, because the target directory lies elsewhere: what is found by looking
//! upwards from the workspace is not found from the copy. Cargo's configuration in the workspace comes along, and where
//! another one would hold for the copy than for the workspace, nothing is measured.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use anyhow::Context;

use crate::config::cargo::CargoConfig;
use crate::exit::Failure;

/// What remains different, for the report.
pub(super) const NOTE: &str = "the copy that is measured lies outside of the workspace, as the target directory does: \
                               cargo's configuration is copied too, but git, node_modules or rust-toolchain.toml of \
                               the workspace are not found above it";

/// Whether the copy lies elsewhere than below the workspace; both folders exist.
pub(super) fn is_outside(source: &Path, copy: &Path) -> anyhow::Result<bool> {
    Ok(!physical(copy)?.starts_with(physical(source)?))
}

/// The files of cargo's configuration in the workspace, relative to it, with those that they include. They are read
/// from the disk: what is particular to a machine is known to no git.
pub(super) fn configuration(source: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let source = physical(source)?;
    let files = files(&source)?;
    Ok(files.iter().filter_map(|file| file.strip_prefix(&source).ok()).map(Path::to_owned).collect())
}

/// Refuses a copy for which another configuration holds than for the workspace: one of a folder above the one is none
/// of the other. The workspace's own has been copied.
pub(super) fn check(source: &Path, copy: &Path) -> anyhow::Result<()> {
    let (source, copy) = (physical(source)?, physical(copy)?);
    let (of_source, of_copy) = (files(&source)?, files(&copy)?);
    let is_lost = |file: &&PathBuf| !file.starts_with(&source) && !of_copy.contains(*file);
    let is_new = |file: &&PathBuf| !file.starts_with(&copy) && !of_source.contains(*file);
    let message = match (of_source.iter().find(is_lost), of_copy.iter().find(is_new)) {
        (Some(file), _) => format!(
            "`{}` holds for the workspace, but not for the copy of it in `{}`, which is what is measured",
            file.display(),
            copy.display()
        ),
        (None, Some(file)) => format!(
            "`{}` does not hold for the workspace, but for the copy of it in `{}`, which is what is measured",
            file.display(),
            copy.display()
        ),
        (None, None) => return Ok(()),
    };
    Err(Failure::usage(message)
        .hint(format!(
            "`CARGO_TARGET_DIR=target cargo xtask bench` in `{}` has the copy below the workspace",
            source.display()
        ))
        .into())
}

/// All that cargo reads when it runs in this folder, what is included too.
fn files(folder: &Path) -> anyhow::Result<BTreeSet<PathBuf>> {
    let config = CargoConfig::read(folder)?;
    Ok(config.places().iter().filter(|file| file.is_file()).map(|file| without_detours(file)).collect())
}

/// As cargo names the folder that it runs in.
fn physical(folder: &Path) -> anyhow::Result<PathBuf> {
    folder.canonicalize().with_context(|| format!("open `{}`", folder.display()))
}

/// The path without `..`, as an include may have it.
fn without_detours(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        if component == Component::ParentDir {
            plain.pop();
        } else {
            plain.push(component);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::checkout::Checkout;
    use super::*;
    use crate::exec::{Executor, Mode};
    use crate::exit::{Exit, hint_of};
    use crate::ui::Ui;

    struct Folders(tempfile::TempDir);

    impl Folders {
        fn new() -> Folders {
            let folders = Folders(tempfile::tempdir().unwrap());
            folders.write("mine/source/src/lib.rs", "");
            folders
        }

        fn path(&self, path: &str) -> PathBuf {
            self.0.path().canonicalize().unwrap().join(path)
        }

        fn write(&self, path: &str, text: &str) {
            let path = self.path(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        fn copied(&self) -> anyhow::Result<Checkout> {
            let exec = Executor::new(Ui::detect(true), Mode::Run).unwrap();
            let (source, target) = (self.path("mine/source"), self.path("elsewhere"));
            Checkout::make(&exec, &source, &target.join("copy"), &target)
        }
    }

    #[test]
    fn the_workspaces_configuration_comes_along_with_what_it_includes() {
        let folders = Folders::new();
        let includes = "include = [{ path = 'local.toml', optional = true }, 'more/some.toml', '../shared.toml',\n\
                        { path = 'nothing.toml', optional = true }]\n";
        folders.write("mine/source/.cargo/config.toml", includes);
        folders.write("mine/source/.cargo/more/some.toml", "[env]\nA = 'some'\n");
        folders.write("mine/source/shared.toml", "[env]\nB = 'shared'\n");
        folders.write("mine/source/.cargo/no-configuration", "");
        folders.write("mine/dotfiles/local.toml", "[env]\nC = 'local'\n");
        let link = folders.path("mine/source/.cargo/local.toml");
        std::os::unix::fs::symlink("../../dotfiles/local.toml", link).unwrap();
        let checkout = folders.copied().unwrap();
        assert_eq!(checkout.note(), Some(NOTE));
        let config = CargoConfig::read(checkout.root()).unwrap();
        let values = ["A", "B", "C"].map(|name| config.env(name));
        assert_eq!(values, ["some", "shared", "local"].map(|value| Some(value.to_owned())));
        assert!(!checkout.root().join(".cargo/no-configuration").exists());
        assert!(checkout.root().join("src/lib.rs").is_file());
    }

    #[test]
    fn what_holds_for_one_of_both_alone_is_refused() {
        let message = |folders: &Folders| {
            let error = folders.copied().unwrap_err();
            assert_eq!(Exit::of(&error), Exit::Usage);
            assert!(hint_of(&error).unwrap().starts_with("`CARGO_TARGET_DIR=target cargo xtask bench` in "));
            assert!(!folders.path("elsewhere/copy").exists());
            error.to_string().replace(&folders.path("").display().to_string(), "/")
        };
        let folders = Folders::new();
        folders.write("mine/.cargo/config.toml", "[build]\nrustflags = ['-Copt-level=1']\n");
        assert_eq!(
            message(&folders),
            "`/mine/.cargo/config.toml` holds for the workspace, but not for the copy of it in `/elsewhere/copy`, which \
             is what is measured"
        );
        let folders = Folders::new();
        folders.write("elsewhere/.cargo/config.toml", "");
        assert!(message(&folders).starts_with(
            "`/elsewhere/.cargo/config.toml` does not hold for the workspace, but for the copy of it"
        ));
        // Above both, it is the same for both.
        let folders = Folders::new();
        folders.write(".cargo/config.toml", "");
        folders.copied().unwrap();
    }
}
