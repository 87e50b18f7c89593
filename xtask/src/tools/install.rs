//! Carries out the installation of a tool: its sources in order, until one gives a tool that proves itself.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, bail};

use crate::config::tools::{Package, Table};
use crate::exec::Executor;
use crate::facts::toolchain::Toolchain;
use crate::plan::{InstallTool, Invocation};

use super::cargo::{Crate, Optimised};
use super::explain::{brief, no_source, unless_interrupted};
use super::node::{Node, says, write_launcher};
use super::source::{self, Source, Unreachable, sources};
use super::store::{self, Place, Receipt};
use super::{Tool, Wanted, apt, cargo, look, npm, pip, reach, stated_version, sysroot};

/// `sass`, where it is really `grass`: that one makes no source maps, and takes this option for one with a value.
const STAND_IN: &str = "#!/bin/sh\nfor arg do shift; [ \"$arg\" = --no-source-map ] || set -- \"$@\" \"$arg\"; done\n\
                        exec \"${0%/*}\"/grass \"$@\"\n";

/// Installs a tool, unless it is there already. Waits for another process that installs it.
pub fn install(exec: &Executor, input: &InstallTool, toolchain: &Toolchain) -> anyhow::Result<()> {
    let Some(tool) = Tool::from_key(&input.tool) else { bail!("`{}` is not a tool of ours", input.tool) };
    if exec.is_dry_run() {
        bail!("refused in a dry run: install {}", input.tool);
    }
    let wanted = Wanted::new(tool, &input.version);
    if !look(exec, toolchain, &wanted)?.missing {
        return Ok(());
    }
    let home = store::home()?;
    let place = Place::take(exec, &home, tool.key(), &wanted.version)?;
    // The other process may have done it while we waited.
    if !look(exec, toolchain, &wanted)?.missing {
        return Ok(());
    }
    Job { exec, toolchain, table: Table::builtin(), home: &home, wanted: &wanted, place: &place }.run()
}

/// One tool on its way.
struct Job<'a> {
    exec: &'a Executor,
    toolchain: &'a Toolchain,
    table: Table,
    home: &'a Path,
    wanted: &'a Wanted,
    place: &'a Place,
}

/// What a source has left in the folder.
struct Filled {
    /// What the program has to call itself; empty for the wasm target.
    version: String,
    needs: Vec<PathBuf>,
}

impl Job<'_> {
    fn run(&self) -> anyhow::Result<()> {
        let what = format!("{} {}", self.wanted.tool.key(), self.wanted.version);
        let mut failures = Vec::new();
        let present: Vec<Source> =
            sources(self.wanted.tool).iter().copied().filter(|source| source.is_present()).collect();
        if source::offline().is_none() {
            reach::ask(self.exec, self.home)?;
        }
        for source in present {
            self.exec.check_interrupted()?;
            if let Some(reason) = refusal(source, source::offline()) {
                failures.push((source, reason));
                continue;
            }
            self.exec.ui().status("Installing", format_args!("{what} ({})", source.name()));
            let started = Instant::now();
            match self.attempt(source) {
                Ok(()) => {
                    let seconds = started.elapsed().as_secs_f64();
                    self.exec.ui().status("Installed", format_args!("{what} in {seconds:.1} s"));
                    return Ok(());
                }
                Err(error) => {
                    self.exec.check_interrupted()?;
                    let error = unless_interrupted(error)?;
                    let reason = self.exec.redact(&brief(&error));
                    if let Some(Unreachable(service)) = error.downcast_ref() {
                        reach::failed(self.exec, self.home, service);
                    }
                    failures.push((source, reason));
                }
            }
            self.place.discard();
        }
        Err(no_source(self.wanted, &what, &failures).into())
    }

    /// Tries one source; on success the tool is in its place.
    fn attempt(&self, source: Source) -> anyhow::Result<()> {
        if source == Source::RustupTarget {
            return self.rustup_target();
        }
        let folder = self.place.fresh()?;
        let filled = self.fill(source, folder)?;
        let mut receipt =
            Receipt::new(self.wanted.tool.key(), &self.wanted.version, &filled.version, source.name());
        if let Some(name) = self.wanted.tool.program() {
            let option = self.wanted.tool.version_option();
            let found = stated_version(self.exec, &store::program(folder, name), option);
            if found.as_deref() != Some(&filled.version) {
                bail!("the new program should be {} but {}", filled.version, says(found.as_deref()));
            }
            if filled.version != self.wanted.version && self.wanted.tool == Tool::Sass {
                receipt.version = format!("grass-{}", filled.version);
            }
        }
        receipt.needs = filled.needs;
        self.place.finish(self.exec, &receipt)
    }

    fn fill(&self, source: Source, folder: &Path) -> anyhow::Result<Filled> {
        match source {
            Source::RustupTarget => unreachable!("rustup installs into the toolchain"),
            Source::LibraryInToolchain => {
                self.sysroot(&sysroot::library_of(&self.toolchain.sysroot)?, folder)
            }
            Source::LibraryFromRustup => {
                self.rustup("component", "rust-src")?;
                self.sysroot(&sysroot::library_of(&self.toolchain.sysroot)?, folder)
            }
            Source::LibraryFromApt => {
                let scratch = folder.join("rust-src");
                let library = apt::rust_library(self.exec, &self.toolchain.rustc_version, &scratch)?;
                let filled = self.sysroot(&library, folder)?;
                std::fs::remove_dir_all(&scratch).context("remove the library sources")?;
                Ok(filled)
            }
            Source::Apt => {
                let name = self.wanted.tool.key();
                let package = self.table.tool(name)?.apt.clone();
                let package = package.context("the table of versions names no package there")?;
                apt::install_program(self.exec, &package, &self.wanted.version, name, folder)?;
                Ok(Filled { version: self.wanted.version.clone(), needs: Vec::new() })
            }
            Source::Npm => self.npm(&Node::of_machine(self.exec)?, folder),
            Source::NpmFromPip => self.npm(&self.node_from_pip()?, folder),
            Source::Pip => self.pip(folder),
            Source::Binstall => self.binstall(folder),
            Source::CargoLocked => self.cargo(true, folder),
            Source::Cargo => self.cargo(false, folder),
        }
    }

    fn npm(&self, node: &Node, folder: &Path) -> anyhow::Result<Filled> {
        let tool = self.wanted.tool;
        let mut package = self.package(tool.key(), |entry| entry.npm.as_ref())?;
        if tool == Tool::Tailwind && !self.wanted.version.starts_with('4') {
            // Its program has been a package of its own since version 4.
            package.name = Tool::Tailwind.key().to_owned();
        }
        let version = package.version.as_deref().unwrap_or(&self.wanted.version);
        let mut with = Vec::new();
        for package in &self.table.tool(tool.key())?.npm_with {
            let version = package.version.as_deref().context("a plugin without a version")?;
            with.push(format!("{}@{version}", package.name));
        }
        let wanted = npm::Package {
            name: &package.name,
            version,
            with: &with,
            program: tool.key(),
            // Sass and binaryen run without the parts for one platform; of these two they are the program itself.
            with_optional: matches!(tool, Tool::Tailwind | Tool::LightningCss),
        };
        let needs = npm::install(self.exec, node, &wanted, folder)?;
        Ok(Filled { version: self.wanted.version.clone(), needs })
    }

    fn node_from_pip(&self) -> anyhow::Result<Node> {
        let package = self.package("node", |entry| entry.pip.as_ref())?;
        let entry = self.table.tool("node")?;
        let version = entry.version.as_deref().context("Node is not pinned")?;
        let pinned = format!("{}=={}", package.name, package.version.as_deref().unwrap_or(version));
        Node::from_pip(self.exec, self.home, &pinned, version)
    }

    fn pip(&self, folder: &Path) -> anyhow::Result<Filled> {
        let name = self.wanted.tool.key();
        let package = self.package(name, |entry| entry.pip.as_ref())?;
        let version = package.version.as_deref().unwrap_or(&self.wanted.version);
        pip::install_program(self.exec, &format!("{}=={version}", package.name), name, folder)?;
        Ok(Filled { version: self.wanted.version.clone(), needs: Vec::new() })
    }

    fn binstall(&self, folder: &Path) -> anyhow::Result<Filled> {
        let entry = self.table.tool(self.wanted.tool.key())?;
        let package = self.package(&entry.name, |entry| entry.cargo.as_ref().filter(|_| entry.binstall))?;
        cargo::binstall(self.exec, &package.name, &self.wanted.version, folder)?;
        Ok(Filled { version: self.wanted.version.clone(), needs: Vec::new() })
    }

    fn cargo(&self, locked: bool, folder: &Path) -> anyhow::Result<Filled> {
        let tool = self.wanted.tool.key();
        let package = self.package(tool, |entry| entry.cargo.as_ref())?;
        let version = package.version.as_deref().unwrap_or(&self.wanted.version);
        let stand_in = self.wanted.tool == Tool::Sass;
        let krate = Crate {
            name: &package.name,
            version,
            binary: match self.wanted.tool {
                // It is two programs, which have to stand side by side.
                Tool::Kache => None,
                Tool::Sass => Some(&package.name),
                _ => Some(tool),
            },
            // wasm-bindgen's are for its test runner only.
            default_features: self.wanted.tool != Tool::WasmBindgen,
            optimised: match self.wanted.tool {
                Tool::WasmBindgen => Optimised::LittleIn(&cargo::HOT_IN_WASM_BINDGEN),
                Tool::Kache | Tool::Wild => Optimised::AsReleased,
                _ => Optimised::Little,
            },
            locked,
        };
        cargo::install(self.exec, &self.toolchain.cargo, &krate, folder)?;
        if stand_in {
            write_launcher(self.exec, &store::program(folder, tool), STAND_IN)?;
        }
        Ok(Filled { version: version.to_owned(), needs: Vec::new() })
    }

    fn sysroot(&self, library: &Path, folder: &Path) -> anyhow::Result<Filled> {
        sysroot::build(self.exec, self.toolchain, library, folder)?;
        Ok(Filled { version: self.wanted.version.clone(), needs: Vec::new() })
    }

    fn rustup_target(&self) -> anyhow::Result<()> {
        self.rustup("target", "wasm32-unknown-unknown")?;
        if !sysroot::has_target(&self.toolchain.sysroot) {
            bail!("rustup says that it has added the target, but the toolchain has no library for it");
        }
        Ok(())
    }

    fn rustup(&self, kind: &str, name: &str) -> anyhow::Result<()> {
        let rustup = source::require("rustup")?.display().to_string();
        let toolchain = source::rustup_toolchain(&self.toolchain.sysroot)
            .context("rustup does not manage this toolchain")?;
        let command = Invocation::new(rustup, self.home)
            .args([kind, "add", name, "--toolchain", &toolchain])
            .timeout(source::limit(120));
        self.exec.run(&command).context(Unreachable("rustup"))?;
        Ok(())
    }

    fn package(
        &self,
        tool: &str,
        pick: impl Fn(&crate::config::tools::Tool) -> Option<&Package>,
    ) -> anyhow::Result<Package> {
        pick(self.table.tool(tool)?).cloned().context("the table of versions names no package there")
    }
}

/// Why a source is not even tried.
fn refusal(source: Source, offline: Option<&str>) -> Option<String> {
    if let Some(variable) = offline.filter(|_| source.needs_network()) {
        return Some(format!("not tried, {variable} is set"));
    }
    let mut services = source.services().iter();
    services.find_map(|service| reach::refusal(service)).map(|reason| format!("not tried, {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offline_leaves_only_what_needs_no_network() {
        let reason = refusal(Source::Cargo, Some("XTASK_OFFLINE"));
        assert_eq!(reason.as_deref(), Some("not tried, XTASK_OFFLINE is set"));
        assert_eq!(refusal(Source::LibraryInToolchain, Some("XTASK_OFFLINE")), None);
    }
}
