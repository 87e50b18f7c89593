//! What every command on a Leptos project starts from: its configuration and the facts about workspace and tools.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::cli::Selection;
use crate::config::automation::Automation;
use crate::config::cargo::CargoConfig;
use crate::config::profiles::Profiles;
use crate::config::tools::Table;
use crate::config::{environment, lockfile, root};
use crate::exec::Executor;
use crate::exit::Failure;
use crate::facts::toolchain::Toolchain;
use crate::facts::workspace::Workspace;
use crate::leptos::halves::{self, Halves};
use crate::leptos::planning::{BuildTools, Input, Messages, Rustflags};
use crate::leptos::project::{self, Project};
use crate::leptos::{WASM_TARGET, environment as leptos_environment};
use crate::tools::{self, Tool, Wanted};

/// One project of the workspace, and how it is to be compiled.
pub struct Context {
    pub workspace: Workspace,
    pub automation: Automation,
    pub project: Project,
    pub toolchain: Toolchain,
    pub halves: Halves,
    cargo_config: CargoConfig,
}

impl Context {
    pub fn load(exec: &Executor, selection: &Selection) -> anyhow::Result<Context> {
        let root = root::find()?;
        let workspace = Workspace::probe(exec, &root)?;
        let automation = Automation::from_metadata(&workspace.metadata)?;
        let environment: BTreeMap<String, String> = environment::read(&workspace.root)?;
        let folder = std::env::current_dir()?;
        let chosen = selection.project.as_deref().or(automation.project.as_deref());
        let project = project::resolve(&workspace, &environment, chosen, &folder)?;
        if project.tailwind_input_file.is_some() {
            let message = format!(
                "project `{}` has a `tailwind-input-file`, which xtask cannot build yet",
                project.name
            );
            let hint =
                "make the style sheet beforehand and name it as `style-file`, or build with cargo-leptos";
            return Err(Failure::usage(message).hint(hint).into());
        }
        let profiles = Profiles::read(&workspace.root)?;
        let metadata = halves::Metadata {
            lib_profile_dev: project.lib_profile_dev.clone(),
            lib_profile_release: project.lib_profile_release.clone(),
            bin_profile_dev: project.bin_profile_dev.clone(),
            bin_profile_release: project.bin_profile_release.clone(),
        };
        Ok(Context {
            halves: halves::choose(&profiles, &metadata, &selection.profile)?,
            toolchain: Toolchain::probe(exec, &workspace.root)?,
            cargo_config: CargoConfig::read(&workspace.root)?,
            automation,
            project,
            workspace,
        })
    }

    /// What a build needs, each at the only version that will do.
    pub fn wanted(&self) -> anyhow::Result<Vec<Wanted>> {
        let table = Table::builtin();
        let pinned = |tool: Tool| {
            let version = table.tool(tool.key())?.version.clone();
            anyhow::Ok(Wanted::new(tool, version.context("a tool without a version in `xtask/tools.toml`")?))
        };
        let mut wanted = vec![
            Wanted::wasm_target(&self.toolchain),
            Wanted::new(Tool::WasmBindgen, self.wasm_bindgen_version()?),
        ];
        if self.halves.release {
            wanted.push(pinned(Tool::WasmOpt)?);
        }
        if self.project.style_file.as_deref().is_some_and(is_sass) {
            wanted.push(pinned(Tool::Sass)?);
        }
        Ok(wanted)
    }

    /// The tools of a build: found, or where they will be after installation.
    pub fn tools(&self, exec: &Executor) -> anyhow::Result<BuildTools> {
        let wanted = self.wanted()?;
        let mut missing = Vec::new();
        let mut found = Vec::new();
        for wanted in &wanted {
            let resolved = tools::look(exec, &self.toolchain, wanted)?;
            if resolved.missing {
                missing.push(tools::install_step(wanted)?);
            }
            found.push((wanted.tool, resolved));
        }
        let take =
            |tool: Tool| found.iter().find(|(kind, _)| *kind == tool).map(|(_, resolved)| resolved.clone());
        let always =
            |tool: Tool| take(tool).with_context(|| format!("`{}` is always looked for", tool.key()));
        Ok(BuildTools {
            wasm_target: always(Tool::WasmTarget)?,
            wasm_bindgen: always(Tool::WasmBindgen)?,
            wasm_opt: take(Tool::WasmOpt),
            sass: take(Tool::Sass),
            missing,
        })
    }

    /// The input of the build's plan.
    pub fn plan_input<'a>(
        &'a self,
        tools: &'a BuildTools,
        rustflags: &'a Rustflags,
        cargo_args: &'a [String],
    ) -> Input<'a> {
        let key = leptos_environment::SERVER_FN_KEY;
        let fixed = std::env::var_os(key).is_some() || self.cargo_config.env(key).is_some();
        Input {
            project: &self.project,
            workspace_root: &self.workspace.root,
            target_directory: &self.workspace.target_directory,
            cargo: &self.toolchain.cargo,
            host: &self.toolchain.host,
            halves: &self.halves,
            tools,
            rustflags,
            server_fn_key: (!fixed).then(|| self.project.name.clone()),
            build_target: self.build_target(),
            front: true,
            server: true,
            timings: false,
            cargo_args,
            messages: Messages::Rendered,
        }
    }

    /// The compiler flags of each half: erased components while debugging, a private sysroot for the wasm target.
    pub fn rustflags(&self, tools: &BuildTools) -> Rustflags {
        let erase = self.project.always_erase_components
            || (!self.halves.release && !self.project.disable_erase_components);
        let erase: &[&str] = if erase { &["--cfg", "erase_components"] } else { &[] };
        let owned = |flags: &[&str]| flags.iter().map(|flag| (*flag).to_owned()).collect::<Vec<_>>();
        // What link-time optimisation of the last crate works on.
        let bitcode: &[&str] = if self.halves.front.lto.is_some() { &["-Cembed-bitcode=yes"] } else { &[] };
        let front = [tools.wasm_target.rustflags.clone(), owned(erase), owned(bitcode)].concat();
        let build_target = self.build_target();
        let server = self.project.bin_target_triple.as_ref().or(build_target.as_ref());
        Rustflags {
            front: self.with_rustflags(WASM_TARGET, &front),
            server: self.with_rustflags(server.unwrap_or(&self.toolchain.host), &owned(erase)),
        }
    }

    /// Cargo's default target; naming it on the command line changes nothing but that we know it too.
    fn build_target(&self) -> Option<String> {
        let variable = std::env::var("CARGO_BUILD_TARGET").ok().filter(|target| !target.is_empty());
        let configured = || match self.cargo_config.value("/build/target")? {
            serde_json::Value::Array(targets) if targets.len() == 1 => {
                targets.first()?.as_str().map(str::to_owned)
            }
            target => target.as_str().map(str::to_owned),
        };
        let target = variable.or_else(configured)?;
        Some(if target == "host-tuple" { self.toolchain.host.clone() } else { target })
    }

    /// The variable that gives cargo these flags beside those that it would use anyway: it takes flags from one place
    /// only, and the environment comes before its configuration.
    fn with_rustflags(&self, triple: &str, added: &[String]) -> Option<(String, String)> {
        if added.is_empty() {
            return None;
        }
        let mut flags = self.cargo_config.rustflags(triple);
        flags.extend_from_slice(added);
        let encoded = "CARGO_ENCODED_RUSTFLAGS";
        if std::env::var_os(encoded).is_some() || flags.iter().any(|flag| flag.contains(' ')) {
            return Some((encoded.to_owned(), flags.join("\x1f")));
        }
        Some(("RUSTFLAGS".to_owned(), flags.join(" ")))
    }

    fn wasm_bindgen_version(&self) -> anyhow::Result<String> {
        let lock = self.workspace.root.join("Cargo.lock");
        lockfile::locked_version(&self.workspace.root, "wasm-bindgen")?.ok_or_else(|| {
            Failure::usage(format!("`{}` has no package `wasm-bindgen`", lock.display()))
                .hint("a Leptos front half depends on it; run `cargo generate-lockfile` if the lock file is old")
                .into()
        })
    }

    /// The receipt's file of this project and profile.
    pub fn receipt(&self, selection: &Selection) -> PathBuf {
        use crate::leptos::receipt::Receipt;
        Receipt::path(&self.workspace.target_directory, &self.project.name, &selection.profile)
    }
}

fn is_sass(style: &Path) -> bool {
    style.extension().is_some_and(|extension| extension == "scss" || extension == "sass")
}
