//! What a build read that is not in the workspace, as cargo told: sources, files that build scripts watch, packages.
//!
//! What cannot be watched with a stamp or two is an error that says so: a folder, a package with a folder of its own, a
//! file that is not there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, bail, ensure};

use super::super::build::Outcome;
use super::super::receipt::dep_info_sources;
use super::super::shipped;
use super::super::units::{Units, package_name};
use super::{Build, Elsewhere, Sources, asked};
use crate::config::{cargo, lockfile};
use crate::plan::{Action, Operation, Reads};

/// Finds out what a build read elsewhere that began with `sources`.
pub fn find(build: &Build<'_>, sources: &Sources, outcome: &Outcome) -> anyhow::Result<Elsewhere> {
    let units: Vec<&Units> = outcome.front.iter().chain(&outcome.server).collect();
    let mut search = Search {
        sources,
        immutable: immutable(),
        written: units.iter().flat_map(|units| units.scripts()).map(|script| &*script.out_dir).collect(),
        found: Elsewhere::default(),
    };
    ensure!(build.cargo_config.value("/paths").is_none(), "cargo's configuration overrides `paths`");
    search.unit_folders(&units);
    let manifests = search.manifests(build, &units)?;
    search.sources(build)?;
    search.build_scripts(&units, &manifests)?;
    search.plan(build)?;
    search.terminal_in_dep_info()?;
    Ok(search.found)
}

struct Search<'a> {
    sources: &'a Sources,
    /// Cargo never looks again at what is in there.
    immutable: Vec<PathBuf>,
    /// Folders that build scripts write to.
    written: Vec<&'a Path>,
    found: Elsewhere,
}

/// What cargo unpacks below its home for registries and repositories.
fn immutable() -> Vec<PathBuf> {
    let home = cargo::home();
    let folders = home.iter().flat_map(|home| ["registry", "git"].map(|folder| home.join(folder)));
    folders.filter_map(|folder| folder.canonicalize().ok()).collect()
}

impl Search<'_> {
    /// A file or folder that counts. It may be one that needs no watching, or is watched already.
    fn add(&mut self, path: &Path) -> anyhow::Result<()> {
        let real =
            path.canonicalize().with_context(|| format!("`{}` counts and is not there", path.display()))?;
        if self.sources.covers(&real) || self.immutable.iter().any(|folder| real.starts_with(folder)) {
            return Ok(());
        }
        ensure!(real.is_file(), "all of the folder `{}` counts", path.display());
        // What a build script makes is newer than the build's beginning.
        let is_written =
            self.written.iter().any(|folder| path.starts_with(folder) || real.starts_with(folder));
        if !is_written && !self.sources.saw_settled(&real) {
            bail!("`{}` was changed just before the build began or later", path.display());
        }
        self.found.files.insert(path.to_owned());
        Ok(())
    }

    fn unit_folders(&mut self, units: &[&Units]) {
        for folder in units.iter().flat_map(|units| units.folders()) {
            if folder.ends_with("deps") {
                let fingerprints = Some(folder.with_file_name(".fingerprint"));
                self.found.unit_folders.extend(fingerprints.filter(|folder| folder.is_dir()));
            }
            self.found.unit_folders.insert(folder.to_owned());
        }
    }

    /// Every package has to be in the workspace's folder, or where cargo itself unpacked it. Returns the manifests of
    /// those that were compiled.
    fn manifests(
        &mut self,
        build: &Build<'_>,
        units: &[&Units],
    ) -> anyhow::Result<BTreeMap<String, PathBuf>> {
        let is_in_place = |manifest: &Path| {
            let real = manifest.canonicalize().unwrap_or_default();
            self.sources.covers(&real) || self.immutable.iter().any(|folder| real.starts_with(folder))
        };
        let mut manifests = BTreeMap::new();
        let mut names: BTreeSet<&str> = BTreeSet::new();
        for package in &build.workspace.packages {
            ensure!(is_in_place(&package.manifest_path), "the package `{}` is elsewhere", package.name);
            names.insert(&package.name);
        }
        let mut of_folders = lockfile::packages_of_folders(&build.workspace.root)?;
        of_folders.retain(|name| !names.contains(name.as_str()));
        for (id, manifest) in units.iter().flat_map(|units| units.manifests()) {
            let manifest = manifest.with_context(|| format!("cargo does not say where `{id}` is"))?;
            ensure!(is_in_place(manifest), "the package `{id}` is elsewhere");
            if id.starts_with("path+") {
                of_folders.remove(&package_name(id));
            }
            manifests.insert(id.to_owned(), manifest.to_owned());
        }
        // Cargo reads the manifests of packages that are not compiled too.
        match of_folders.first() {
            None => Ok(manifests),
            Some(name) => bail!("nothing tells where the package `{name}` is"),
        }
    }

    /// The files that the packages of the workspace were compiled from, and those that their build scripts watch.
    fn sources(&mut self, build: &Build<'_>) -> anyhow::Result<()> {
        for dep_info in shipped::dep_infos(build.input) {
            for source in dep_info_sources(&dep_info)? {
                self.add(&source)?;
            }
        }
        Ok(())
    }

    /// What each build script said that it wants to be run again for, those of dependencies included.
    fn build_scripts(
        &mut self,
        units: &[&Units],
        manifests: &BTreeMap<String, PathBuf>,
    ) -> anyhow::Result<()> {
        for script in units.iter().flat_map(|units| units.scripts()) {
            let manifest = manifests.get(&script.package_id);
            let folder = manifest.and_then(|manifest| manifest.parent());
            let folder =
                folder.with_context(|| format!("cargo does not say where `{}` is", script.package_id))?;
            let said = script.out_dir.with_file_name("output");
            let said = std::fs::read(&said).with_context(|| format!("read `{}`", said.display()))?;
            for line in String::from_utf8_lossy(&said).lines() {
                let line = line.strip_prefix("cargo::").or_else(|| line.strip_prefix("cargo:"));
                match line.and_then(|line| line.split_once('=')) {
                    Some(("rerun-if-changed", path)) => {
                        let path = folder.join(path.trim_end());
                        // Cargo does not look at these, so they may be missing.
                        if !self.immutable.iter().any(|immutable| plain(&path).starts_with(immutable)) {
                            self.add(&path)?;
                        }
                    }
                    Some(("rerun-if-env-changed", name)) => self.variable(name.trim_end()),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// What the steps of the plan read, and files that their arguments name.
    fn plan(&mut self, build: &Build<'_>) -> anyhow::Result<()> {
        let mut inputs: Vec<PathBuf> = Vec::new();
        for step in &build.plan.steps {
            for word in step.action.command().iter().flat_map(|command| &command.args) {
                let value = word.split_once('=').map(|(_, value)| value);
                let named = [Some(word.as_str()), value].into_iter().flatten();
                let paths = named.map(|word| build.workspace.root.join(word));
                inputs.extend(paths.filter(|path| path.is_file()));
            }
            match &step.action {
                Action::Operation(Operation::RunCached(cached)) => {
                    inputs.extend(cached.inputs.iter().cloned());
                    if let Reads::Folder { folder, .. } = &cached.reads {
                        let is_root = folder == &build.workspace.root;
                        inputs.extend((!is_root).then(|| folder.clone()));
                    }
                }
                Action::Operation(Operation::WriteSite(site)) => {
                    inputs.extend(site.style_files.iter().chain(&site.assets_dir).cloned());
                }
                _ => {}
            }
        }
        // What one step makes for the next is no source, and what will be made in the workspace is seen when it is
        // there.
        let (own, root) = (build.input.target_directory, &build.workspace.root);
        let counts = |path: &&PathBuf| !path.starts_with(own) && (path.exists() || !path.starts_with(root));
        inputs.iter().filter(counts).try_for_each(|path| self.add(path))
    }

    /// Which variables crates were compiled with (`env!`) stands in the compiler's own dep-info files.
    fn terminal_in_dep_info(&mut self) -> anyhow::Result<()> {
        let folders: Vec<PathBuf> = self.found.unit_folders.iter().cloned().collect();
        for folder in folders.iter().filter(|folder| folder.ends_with("deps")) {
            for entry in std::fs::read_dir(folder)?.flatten() {
                let path = entry.path();
                if path.extension().is_none_or(|extension| extension != "d") {
                    continue;
                }
                let text = std::fs::read(&path).with_context(|| format!("read `{}`", path.display()))?;
                let text = String::from_utf8_lossy(&text);
                // They come last.
                let comments = text.lines().rev().take_while(|line| line.is_empty() || line.starts_with('#'));
                for variable in comments.filter_map(|line| line.strip_prefix("# env-dep:")) {
                    self.variable(variable.split('=').next().unwrap_or(variable));
                }
            }
        }
        Ok(())
    }

    fn variable(&mut self, name: &str) {
        if asked::is_of_a_terminal(name) {
            self.found.variables.insert(name.to_owned());
        }
    }
}

/// The path without `.` and `..`, as it is written.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    plain
}
