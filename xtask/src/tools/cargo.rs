//! Tools that are crates: `cargo install` into our own folder.

use std::path::Path;
use std::time::Duration;

use crate::exec::Executor;
use crate::plan::Invocation;

use super::source::{BINSTALL, limit, require};

/// Variables of the project's build that must not reach the build of a tool.
const PROJECT_VARIABLES: [&str; 7] = [
    "RUSTFLAGS",
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_BUILD_TARGET_DIR",
    "CARGO_INCREMENTAL",
    "CARGO_MAKEFLAGS",
    "RUSTC_WORKSPACE_WRAPPER",
];

/// The crates of wasm-bindgen's program in which it spends its time. With these at level 1 and all others at
/// 0 it ran as fast as at level 3 within the noise (0.19 s of CPU for 3 MB of wasm; 0.6 s at level 0
/// throughout), and took 97 s of CPU to compile instead of 183 s.
pub const HOT_IN_WASM_BINDGEN: [&str; 10] = [
    "gimli",
    "hashbrown",
    "id-arena",
    "indexmap",
    "leb128fmt",
    "rustc-demangle",
    "walrus",
    "wasm-bindgen-cli-support",
    "wasm-encoder",
    "wasmparser",
];

/// How much time the compiler may take for the speed of the program.
pub enum Optimised<'a> {
    /// As its authors release it: what is measured must be as fast as it can be.
    AsReleased,
    /// Little, without link-time optimisation.
    Little,
    /// Not at all but for these crates, where the program spends its time.
    LittleIn(&'a [&'a str]),
}

/// One crate to install.
pub struct Crate<'a> {
    pub name: &'a str,
    pub version: &'a str,
    /// The only program of the crate that is wanted; `None` for all of them.
    pub binary: Option<&'a str>,
    pub default_features: bool,
    pub optimised: Optimised<'a>,
    /// With the dependencies that it was released with.
    pub locked: bool,
}

/// Builds a crate and leaves its program in `<root>/bin`.
pub fn install(exec: &Executor, cargo: &str, krate: &Crate<'_>, root: &Path) -> anyhow::Result<()> {
    let target = root.join("target");
    let mut command = without_project(Invocation::new(cargo, root))
        .args(["install", krate.name, "--version", &format!("={}", krate.version)])
        .args(["--root", &root.display().to_string()])
        .env("CARGO_TARGET_DIR", target.display().to_string())
        .timeout(Duration::from_secs(30 * 60));
    command = match krate.binary {
        Some(binary) => command.args(["--bin", binary]),
        None => command.arg("--bins"),
    };
    let (level, hot) = match krate.optimised {
        Optimised::AsReleased => (None, &[][..]),
        Optimised::Little => (Some(1), &[][..]),
        Optimised::LittleIn(hot) => (Some(0), hot),
    };
    if let Some(level) = level {
        command = command
            .args(["--config", &format!("profile.release.opt-level={level}")])
            .args(["--config", "profile.release.codegen-units=16"])
            .args(["--config", "profile.release.lto=false", "--config", "profile.release.debug=0"]);
    }
    for name in hot {
        command = command.args(["--config", &format!("profile.release.package.{name}.opt-level=1")]);
    }
    if krate.locked {
        command = command.arg("--locked");
    }
    if !krate.default_features {
        command = command.arg("--no-default-features");
    }
    run(exec, &command)?;
    let _ = std::fs::remove_dir_all(target);
    Ok(())
}

/// Downloads the program that a crate's authors publish; never compiles, and asks no third party.
pub fn binstall(exec: &Executor, name: &str, version: &str, root: &Path) -> anyhow::Result<()> {
    let program = require(BINSTALL)?.display().to_string();
    let command = without_project(Invocation::new(program, root))
        .args(["--no-confirm", "--no-symlinks", "--disable-strategies", "quick-install,compile"])
        // A variable and no flag, which older versions would refuse.
        .env("BINSTALL_DISABLE_TELEMETRY", "true")
        .args(["--install-path", &root.join("bin").display().to_string()])
        .args(["--version", &format!("={version}"), name])
        .timeout(limit(180));
    exec.run(&command)?;
    Ok(())
}

/// A cargo command that nothing of the project's build leaks into. An unreachable registry is noticed within
/// seconds.
pub fn without_project(command: Invocation) -> Invocation {
    let mut command = command
        // Set and empty, they also win over the machine's cargo configuration.
        .env("CARGO_ENCODED_RUSTFLAGS", "")
        .env("RUSTC_WRAPPER", "")
        .env("CARGO_NET_RETRY", "1")
        .env("CARGO_HTTP_TIMEOUT", "15");
    command.env_remove.extend(PROJECT_VARIABLES.map(str::to_owned));
    command.env_remove.extend(
        std::env::vars_os()
            .filter_map(|(name, _)| name.into_string().ok())
            .filter(|name| name.starts_with("CARGO_PROFILE_")),
    );
    command
}

/// Runs cargo: with its progress on a terminal, else out of sight, so that a failure can quote it.
pub fn run(exec: &Executor, command: &Invocation) -> anyhow::Result<()> {
    if exec.ui().is_terminal() {
        exec.run_visible(command)?;
    } else {
        exec.run(command)?;
    }
    Ok(())
}
