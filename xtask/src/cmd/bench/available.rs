//! What this machine and this workspace have for each axis, each proved before hours are spent on it.

use std::path::Path;

use super::notes;
use crate::bench::caches::{self, Session};
use crate::bench::matrix::{self, Availability, Available, Request};
use crate::bench::scenario::Scenario;
use crate::bench::subject::Subject;
use crate::bench::variant::Axis;
use crate::cmd::context::Context;
use crate::exec::Executor;
use crate::exit::Exit;
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
    let axes = matrix::axes(request);
    let place = look.linkers(folder, axes.contains(&Axis::Linker))?;
    if axes.contains(&Axis::Cache) {
        look.caches(folder, matrix::asks_for_bucket(request))?;
    }
    if axes.contains(&Axis::Driver) {
        look.driver(&request.profile)?;
    }
    look.compiler();
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
            self.not_there(Axis::Driver, "cargo-leptos", error.to_string());
            return Ok(());
        }
        match cargo_leptos::look(self.exec) {
            Ok(found) => self.there(Axis::Driver, "cargo-leptos", &found.version),
            Err(error) if matches!(Exit::of(&error), Exit::Interrupted(_)) => return Err(error),
            Err(_) => self.not_there(Axis::Driver, "cargo-leptos", "cargo-leptos is not installed"),
        }
        Ok(())
    }

    fn compiler(&mut self) {
        let version = self.context.toolchain.rustc_version.clone();
        let is_nightly = version.contains("nightly") || version.contains("-dev");
        let backends = self.context.toolchain.sysroot.join("lib/rustlib").join(&self.context.toolchain.host);
        if !is_nightly {
            for compiler in Axis::Compiler.values().iter().skip(1) {
                self.not_there(Axis::Compiler, compiler, format!("rustc {version} is no nightly"));
            }
            return;
        }
        self.there(Axis::Compiler, "parallel", &version);
        match backends.join("codegen-backends").is_dir() {
            true => self.there(Axis::Compiler, "cranelift", &version),
            false => self.not_there(
                Axis::Compiler,
                "cranelift",
                "the component rustc-codegen-cranelift is not installed",
            ),
        }
    }
}

fn tool(name: &str, version: &str) -> ToolVersion {
    ToolVersion { name: name.to_owned(), version: version.to_owned() }
}
