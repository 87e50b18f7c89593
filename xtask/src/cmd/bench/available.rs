//! What this machine and this workspace have for each axis, each proved before hours are spent on it.

use std::path::Path;

use super::notes;
use crate::bench::available::{Availability, Available};
use crate::bench::caches::{self, Session};
use crate::bench::compilers;
use crate::bench::request::Request;
use crate::bench::scenario::Scenario;
use crate::bench::subject::Subject;
use crate::bench::variant::Axis;
use crate::cmd::context::Context;
use crate::exec::Executor;
use crate::exit::{Exit, hint_of};
use crate::facts::tool::find_on_path;
use crate::record::bench::ToolVersion;
use crate::tools::cargo_leptos;
use crate::tools::local::{self, Place};

/// What is there, the linker script of this run, and the versions of what was found.
pub fn look(
    exec: &Executor,
    context: &Context,
    subject: &Subject,
    folder: &Path,
    request: &Request,
) -> anyhow::Result<(Available, Option<Place>, Vec<ToolVersion>)> {
    let mut look = Look {
        exec,
        context,
        available: Available { impossible: subject.impossible.clone(), ..Available::default() },
        tools: vec![tool("rustc", &context.toolchain.rustc_version)],
    };
    look.build_tools()?;
    look.profiles(&request.profile);
    let axes = request.needed_axes();
    let place = look.linkers(folder, axes.contains(&Axis::Linker))?;
    if axes.contains(&Axis::Cache) {
        look.caches(folder, request.asks_for_bucket())?;
    }
    if axes.contains(&Axis::Driver) {
        look.driver(&request.profile)?;
    }
    if axes.contains(&Axis::Compiler) {
        look.compilers(folder)?;
    }
    Ok((look.available, place, look.tools))
}

struct Look<'a> {
    exec: &'a Executor,
    context: &'a Context,
    available: Available,
    tools: Vec<ToolVersion>,
}

impl Look<'_> {
    fn there(&mut self, axis: Axis, value: &str, version: &str) {
        let yes = Availability::Yes { version: Some(version.to_owned()) };
        self.available.values.insert((axis, value.to_owned()), yes);
        self.tools.push(tool(value, version));
    }

    fn not_there(&mut self, axis: Axis, value: &str, reason: impl Into<String>) {
        let no = Availability::No { reason: reason.into() };
        self.available.values.insert((axis, value.to_owned()), no);
    }

    fn build_tools(&mut self) -> anyhow::Result<()> {
        let tools = self.context.tools(self.exec)?;
        for resolved in [Some(&tools.wasm_bindgen), tools.wasm_opt.as_ref()].into_iter().flatten() {
            self.tools.push(tool(resolved.tool, &resolved.version));
        }
        if tools.wasm_opt.is_some() {
            for level in Axis::WasmOpt.values() {
                let yes = Availability::Yes { version: None };
                self.available.values.insert((Axis::WasmOpt, (*level).to_owned()), yes);
            }
        }
        let yes = Availability::Yes { version: None };
        self.available.values.insert((Axis::Mtimes, "content".to_owned()), yes.clone());
        for debug in Axis::Debug.values() {
            self.available.values.insert((Axis::Debug, (*debug).to_owned()), yes.clone());
        }
        Ok(())
    }

    /// Those that a server can be meant to be built with: a wasm half's own and the automation's are not.
    fn profiles(&mut self, asked: &str) {
        let names = self.context.release_profiles();
        self.available.profiles = names.into_iter().filter(|name| name != asked).collect();
    }

    /// The script in a folder of this run's own, so that nobody's `setup --local` is touched. Every build links through
    /// it; which linkers there are is looked for where somebody wants to know.
    fn linkers(&mut self, folder: &Path, are_compared: bool) -> anyhow::Result<Option<Place>> {
        let host = self.context.toolchain.host.clone();
        if !host.contains("-linux-") {
            // Without the script nothing holds the last link back, so not even the usual one can be repeated.
            let reason = format!("links alone are repeated on Linux only, not on {host}");
            self.available.impossible.insert(Scenario::Link, reason);
            for linker in Axis::Linker.values().iter().skip(1) {
                self.not_there(
                    Axis::Linker,
                    linker,
                    format!("linkers are chosen on Linux only, not on {host}"),
                );
            }
            return Ok(None);
        }
        let candidates =
            if are_compared { local::linkers(self.exec, &self.context.toolchain)? } else { Vec::new() };
        for linker in Axis::Linker.values().iter().copied().skip(1).filter(|_| are_compared) {
            if !candidates.iter().any(|candidate| candidate.name == linker) {
                self.not_there(Axis::Linker, linker, no_linker(linker));
            }
        }
        if self.exec.is_dry_run() {
            for candidate in candidates {
                self.there(Axis::Linker, &candidate.name, &candidate.version);
            }
            return Ok(None);
        }
        let place = Place::take(self.exec, &folder.join("place"))?;
        place.write_linker(self.exec)?;
        for candidate in candidates {
            place.write_candidate(self.exec, &candidate)?;
            self.exec.ui().status("Proving", format_args!("the linker {}", candidate.name));
            let proof = local::prove_linker(self.exec, &self.context.toolchain, &place, &candidate, &host)?;
            match proof.problem {
                None => self.there(Axis::Linker, &candidate.name, &candidate.version),
                Some(problem) => self.not_there(Axis::Linker, &candidate.name, problem),
            }
        }
        Ok(Some(place))
    }

    /// Nothing is written to the environment's bucket unless somebody asks for it.
    fn caches(&mut self, folder: &Path, asks_for_bucket: bool) -> anyhow::Result<()> {
        for name in caches::NAMES.into_iter().filter(|name| *name != "none") {
            let bucket = caches::bucket().filter(|_| name == caches::IN_BUCKET);
            if let Some(bucket) = bucket.as_ref().filter(|_| !asks_for_bucket) {
                let reason = format!(
                    "it writes to {bucket}, so it is measured where somebody asks for it: {}",
                    notes::ASK_FOR_BUCKET
                );
                self.not_there(Axis::Cache, name, reason);
                continue;
            }
            let cache = match caches::find(self.exec, name)? {
                Ok(cache) => cache,
                Err(reason) => {
                    self.not_there(Axis::Cache, name, reason);
                    continue;
                }
            };
            let version = cache.version().unwrap_or_default().to_owned();
            if self.exec.is_dry_run() {
                self.there(Axis::Cache, name, &version);
                continue;
            }
            let writes = bucket.map_or(String::new(), |bucket| format!(", which writes to {bucket}"));
            self.exec.ui().status("Proving", format_args!("the compile cache {name}{writes}"));
            let proof = match Session::start(self.exec, &cache, &folder.join("scratch/proof").join(name))? {
                Ok(session) => caches::prove(&session, &self.context.toolchain)?,
                Err(reason) => Err(reason),
            };
            match proof {
                Ok(()) => self.there(Axis::Cache, name, &version),
                Err(reason) => self.not_there(Axis::Cache, name, reason),
            }
        }
        Ok(())
    }

    fn driver(&mut self, profile: &str) -> anyhow::Result<()> {
        if let Err(error) = self.context.suits_cargo_leptos(profile) {
            let hint = hint_of(&error).map(|hint| format!(": {hint}")).unwrap_or_default();
            self.not_there(Axis::Driver, "cargo-leptos", format!("{error}{hint}"));
            return Ok(());
        }
        match cargo_leptos::look(self.exec) {
            Ok(found) => self.there(Axis::Driver, "cargo-leptos", &found.version),
            Err(error) if matches!(Exit::of(&error), Exit::Interrupted(_)) => return Err(error),
            Err(error) => {
                let reason = format!("{error}: `{}`", cargo_leptos::install_command()?);
                self.not_there(Axis::Driver, "cargo-leptos", reason);
            }
        }
        Ok(())
    }

    fn compilers(&mut self, folder: &Path) -> anyhow::Result<()> {
        let version = self.context.toolchain.rustc_version.clone();
        for compiler in Axis::Compiler.values().iter().copied().skip(1) {
            match self.compiler(compiler, folder)? {
                Ok(()) => self.there(Axis::Compiler, compiler, &version),
                Err(reason) => self.not_there(Axis::Compiler, compiler, reason),
            }
        }
        Ok(())
    }

    /// Whether the toolchain has it and cargo uses it, or why not.
    fn compiler(&self, compiler: &str, folder: &Path) -> anyhow::Result<Result<(), String>> {
        let toolchain = &self.context.toolchain;
        let version = &toolchain.rustc_version;
        if !version.contains("nightly") && !version.contains("-dev") {
            return Ok(Err(format!(
                "rustc {version} is no nightly: `rustup toolchain install nightly`, and RUSTUP_TOOLCHAIN=nightly \
                 before the command"
            )));
        }
        let backends = toolchain.sysroot.join("lib/rustlib").join(&toolchain.host).join("codegen-backends");
        if compiler == "cranelift" && !backends.is_dir() {
            return Ok(Err("the component rustc-codegen-cranelift is not installed: `rustup component add \
                           rustc-codegen-cranelift-preview`"
                .to_owned()));
        }
        if self.exec.is_dry_run() {
            return Ok(Ok(()));
        }
        self.exec.ui().status("Proving", format_args!("the compiler's {compiler}"));
        let folder = folder.join("scratch/proof").join(compiler);
        let jobs = std::thread::available_parallelism().map_or(1, usize::from);
        let proof =
            compilers::prove(self.exec, toolchain, &self.context.workspace.root, &folder, compiler, jobs)?;
        Ok(proof.map(drop))
    }
}

/// What installs a linker that is not there.
fn no_linker(name: &str) -> String {
    let of_group = |group: &str| match find_on_path(name) {
        Some(program) => format!("{} does not tell its version", program.display()),
        None => format!("{name} is not installed: `cargo xtask setup --with {group}`"),
    };
    match name {
        "mold" => of_group("bench"),
        "wild" => of_group("bench-full"),
        "lld" => {
            "neither the toolchain nor PATH has an lld: `apt-get install lld`, or Rust from rustup".to_owned()
        }
        _ => "ld.bfd is not on PATH: `apt-get install binutils`".to_owned(),
    }
}

fn tool(name: &str, version: &str) -> ToolVersion {
    ToolVersion { name: name.to_owned(), version: version.to_owned() }
}
