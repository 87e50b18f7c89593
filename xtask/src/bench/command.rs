//! The command of a build with a variant switched on: our own program in the copy, and the variables that decide who
//! links and what is cached.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::compilers;
use super::run::Bench;
use super::variant::{Axis, Variant};
use crate::plan::Invocation;

/// No build takes longer.
const BUILD_LIMIT: Duration = Duration::from_secs(3600);
/// xtask's own children have three seconds to stop.
const STOP_GRACE: Duration = Duration::from_secs(10);

impl Bench<'_> {
    /// `cargo xtask build` of the copy, by our own program.
    pub(super) fn command(&self, variant: &Variant, timings: bool, log: Option<&Path>) -> Invocation {
        let mut command = Invocation::new(self.subject.xtask.display().to_string(), self.checkout.root())
            .args(["--quiet", "build", "--offline", "--format", "json"])
            .args(["--project", &self.subject.project, "--profile", variant.get(Axis::Profile)])
            .args(["--driver", variant.get(Axis::Driver)])
            .env("CARGO_TARGET_DIR", self.targets.path().display().to_string())
            .timeout(BUILD_LIMIT);
        command.stop_grace = STOP_GRACE;
        command.env.extend(self.subject.settings.clone());
        // Folders of the workspace's own for what is built: below the one that is emptied and exchanged.
        for (name, folder) in &self.subject.target_folders {
            let whole: PathBuf = self.targets.path().components().chain(folder.components()).collect();
            command = command.env(name, whole.display().to_string());
        }
        if timings {
            command = command.arg("--timings");
        }
        // What says where the workspace is, when cargo starts us.
        command.env_remove =
            ["CARGO_MANIFEST_DIR", "CARGO_BUILD_TARGET_DIR", "XTASK_TIMEOUT"].map(str::to_owned).to_vec();
        self.environment(command, variant, log)
    }

    /// The variables that switch a variant on.
    pub(super) fn environment(
        &self,
        mut command: Invocation,
        variant: &Variant,
        log: Option<&Path>,
    ) -> Invocation {
        if let Some(place) = &self.place {
            let triple = self.subject.host.to_uppercase().replace('-', "_");
            command = command
                .env(format!("CARGO_TARGET_{triple}_LINKER"), place.linker().display().to_string())
                .env("XTASK_LINKER", variant.get(Axis::Linker));
            if let Some(log) = log {
                command = command.env("XTASK_LINKER_LOG", log.display().to_string());
            }
        }
        // Empty, it overrules any configuration.
        command = command.env("RUSTC_WRAPPER", "");
        // Build scripts in a target directory that kache has filled go on through it: into its store of this run, and
        // not into the user's.
        if let Some(kache) = self.caches.get("kache") {
            let settings = kache.session.settings();
            let own = settings.env.iter().filter(|(name, _)| name.starts_with("KACHE_"));
            command.env.extend(own.map(|(name, value)| (name.clone(), value.clone())));
            command.env_remove.extend(settings.env_remove.iter().cloned());
        }
        if let Some(cached) = self.caches.get(variant.get(Axis::Cache)) {
            let settings = cached.session.settings();
            command.env.extend(settings.env.clone());
            command.env_remove.extend(settings.env_remove.iter().cloned());
        }
        let profile = variant.get(Axis::Profile).to_uppercase().replace('-', "_");
        match variant.get(Axis::Debug) {
            "profile" => {}
            debug => command = command.env(format!("CARGO_PROFILE_{profile}_DEBUG"), debug),
        }
        // Where nothing can switch it on it is no arm; and what it did not compile is no sample of it.
        let (compiler, profile) = (variant.get(Axis::Compiler), variant.get(Axis::Profile));
        let switches = compilers::environment(compiler, profile, &self.cargo_config, self.jobs());
        command.env.extend(switches.unwrap_or_default());
        command
    }
}
