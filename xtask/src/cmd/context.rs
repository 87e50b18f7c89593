//! What every command on a Leptos project starts from: its configuration and the facts about workspace and tools.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context as _;

use crate::cli::{DriverArgs, Selection};
use crate::config::automation::Automation;
use crate::config::cargo::CargoConfig;
use crate::config::profiles::Profiles;
use crate::config::tools::Table;
use crate::config::{environment, lockfile, root};
use crate::exec::Executor;
use crate::exit::Failure;
use crate::facts::toolchain::Toolchain;
use crate::facts::workspace::Workspace;
use crate::leptos::delegated::{self, Delegate};
use crate::leptos::driver::Driver;
use crate::leptos::halves::{self, Halves};
use crate::leptos::planning::{BuildTools, Input, Messages, Rustflags};
use crate::leptos::project::{self, Project, style_is_sass};
use crate::leptos::{WASM_TARGET, environment as leptos_environment, needs_lightningcss};
use crate::tools::cargo_leptos::{self, CargoLeptos};
use crate::tools::{self, Resolved, Tool, Wanted};

/// One project of the workspace, and how it is to be compiled.
pub struct Context {
    pub workspace: Workspace,
    pub automation: Automation,
    pub project: Project,
    pub toolchain: Toolchain,
    pub halves: Halves,
    pub driver: Driver,
    /// Whether the wasm file is cut up.
    split: bool,
    /// Where the wasm half is compiled.
    front_directory: PathBuf,
    profiles: Profiles,
    pub cargo_config: CargoConfig,
}

impl Context {
    pub fn load(exec: &Executor, selection: &Selection) -> anyhow::Result<Context> {
        let root = root::find()?;
        // Cargo and rustc are asked at the same time: together they take as long as all else before a build.
        let (workspace, toolchain) = std::thread::scope(|scope| {
            let toolchain = scope.spawn(|| Toolchain::probe(exec, &root));
            let workspace = Workspace::probe(exec, &root);
            (workspace, toolchain.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        });
        let workspace = workspace?;
        let automation = Automation::from_metadata(&workspace.metadata)?;
        let environment: BTreeMap<String, String> = environment::read(&workspace.root)?;
        let folder = std::env::current_dir()?;
        let chosen = selection.project.as_deref().or(automation.project.as_deref());
        let project = project::resolve(&workspace, &environment, chosen, &folder)?;
        let profiles = Profiles::read(&workspace.root)?;
        let context = Context {
            halves: halves::choose(&profiles, &profiles_of(&project), &selection.profile)?,
            driver: Driver::Native,
            split: automation.split,
            front_directory: workspace.target_directory.clone(),
            toolchain: toolchain?,
            cargo_config: CargoConfig::read(&workspace.root)?,
            profiles,
            automation,
            project,
            workspace,
        };
        context.driven_by(&DriverArgs::default(), selection)
    }

    /// The same for the driver that is asked for. Cutting the wasm file up is cargo-leptos' work, so that asks for it
    /// too.
    pub fn driven_by(mut self, args: &DriverArgs, selection: &Selection) -> anyhow::Result<Context> {
        self.split |= args.split;
        if self.split && args.driver == Some(Driver::Native) {
            let message =
                "`--split` (or `split` in [workspace.metadata.xtask]) is done by cargo-leptos alone";
            return Err(Failure::usage(message).hint("leave `--driver native` out").into());
        }
        if self.split || args.driver == Some(Driver::CargoLeptos) {
            let metadata = profiles_of(&self.project);
            self.halves = halves::of_cargo_leptos(&self.profiles, &metadata, &selection.profile)?;
            self.driver = Driver::CargoLeptos;
            let own = self.project.front_target_dir.clone();
            self.front_directory = own.unwrap_or_else(|| self.workspace.target_directory.join("front"));
        }
        Ok(self)
    }

    /// Has the server compiled for another target than the metadata says.
    pub fn compile_server_for(&mut self, triple: &str) {
        self.project.bin_target_triple = Some(triple.to_owned());
    }

    /// Whether cargo-leptos could build this project with this profile; the error says why not.
    pub fn suits_cargo_leptos(&self, profile: &str) -> anyhow::Result<()> {
        halves::of_cargo_leptos(&self.profiles, &profiles_of(&self.project), profile)?;
        delegated::check(&self.project, &self.workspace.root)
    }

    /// The program that builds instead of us, if one does.
    pub fn look_for_driver(&self, exec: &Executor) -> anyhow::Result<Option<CargoLeptos>> {
        match self.driver {
            Driver::Native => Ok(None),
            Driver::CargoLeptos => {
                delegated::check(&self.project, &self.workspace.root)?;
                cargo_leptos::look(exec).map(Some)
            }
        }
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
        if self.project.style_file.as_deref().is_some_and(style_is_sass) {
            wanted.push(pinned(Tool::Sass)?);
        }
        if let Some(tailwind) = &self.project.tailwind {
            wanted.push(match &tailwind.version {
                Some(version) => Wanted::new(Tool::Tailwind, version),
                None => pinned(Tool::Tailwind)?,
            });
        }
        // cargo-leptos has it inside.
        if self.driver == Driver::Native && needs_lightningcss(&self.project) {
            wanted.push(pinned(Tool::LightningCss)?);
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
            tailwind: take(Tool::Tailwind),
            lightningcss: take(Tool::LightningCss),
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
            front_directory: &self.front_directory,
            driver: self.driver,
            cargo: &self.toolchain.cargo,
            host: &self.toolchain.host,
            halves: &self.halves,
            tools,
            rustflags,
            server_fn_key: (!fixed).then(|| self.project.name.clone()),
            build_target: self.build_target(),
            not_sources: self.project.not_sources(&self.workspace),
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

    /// What a build by cargo-leptos needs beside the plan's input.
    pub fn delegate(&self, tool: CargoLeptos, tools: &BuildTools) -> Delegate {
        let all = [
            Some(&tools.wasm_bindgen),
            tools.wasm_opt.as_ref(),
            tools.sass.as_ref(),
            tools.tailwind.as_ref(),
        ];
        let programs: Vec<&Resolved> = all.into_iter().flatten().collect();
        let sysroot = &tools.wasm_target.rustflags;
        let rustflags = (!sysroot.is_empty()).then(|| {
            let flags = [self.cargo_config.rustflags(WASM_TARGET), sysroot.clone()].concat();
            // Cargo takes flags from one place only. What is private in the sysroot is its wasm part, so it serves both
            // halves where there are flags for both.
            if std::env::var_os("CARGO_ENCODED_RUSTFLAGS").is_some() {
                return ("CARGO_ENCODED_RUSTFLAGS".to_owned(), flags.join("\x1f"));
            }
            let for_both = std::env::var_os("RUSTFLAGS").is_some();
            let for_wasm = format!("CARGO_TARGET_{}_RUSTFLAGS", WASM_TARGET.to_uppercase().replace('-', "_"));
            (if for_both { "RUSTFLAGS".to_owned() } else { for_wasm }, flags.join(" "))
        });
        let path = cargo_leptos::path_for(&programs, &std::env::var("PATH").unwrap_or_default());
        Delegate { tool, path, rustflags, split: self.split }
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

    /// The workspace's own profiles that a server can be meant to be used with: release builds, but for those of wasm
    /// halves.
    pub fn release_profiles(&self) -> Vec<String> {
        let mut names = self.profiles.names();
        names.retain(|name| {
            let is_release = self.profiles.resolve(name).is_ok_and(|profile| profile.inherits_release);
            is_release && !name.ends_with("-wasm") && !["release", "bench"].contains(&name.as_str())
        });
        names
    }

    /// The receipt's file of this project and profile.
    pub fn receipt(&self, selection: &Selection) -> PathBuf {
        use crate::leptos::receipt::Receipt;
        Receipt::path(&self.workspace.target_directory, &self.project.name, &selection.profile)
    }
}

/// The profiles that the project's metadata names.
fn profiles_of(project: &Project) -> halves::Metadata {
    halves::Metadata {
        lib_profile_dev: project.lib_profile_dev.clone(),
        lib_profile_release: project.lib_profile_release.clone(),
        bin_profile_dev: project.bin_profile_dev.clone(),
        bin_profile_release: project.bin_profile_release.clone(),
    }
}
