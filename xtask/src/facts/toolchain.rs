//! Which Rust compiles: versions, host triple, sysroot, and whether it can compile for the browser.
//!
//! Knows nothing of how a missing part would be installed.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;

use crate::exec::Executor;
use crate::exit::Failure;
use crate::plan::Invocation;

/// The toolchain that cargo uses in the workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Toolchain {
    /// The program that starts cargo.
    pub cargo: String,
    /// E.g. `1.95.0`.
    pub rustc_version: String,
    /// All that `rustc -vV` says; equal text means equal compiler.
    pub rustc_verbose: String,
    /// Empty or `unknown` for some distributions' compilers.
    pub commit_hash: String,
    /// The triple of this machine.
    pub host: String,
    pub sysroot: PathBuf,
    /// Whether the sysroot has a standard library for `wasm32-unknown-unknown`.
    pub has_wasm_target: bool,
}

impl Toolchain {
    /// Asks rustc in the workspace, so that a `rust-toolchain.toml` counts.
    pub fn probe(exec: &Executor, root: &Path) -> anyhow::Result<Toolchain> {
        // `-vV` ends rustc before it would print anything else, so there are two questions, asked at the same time.
        let (verbose, sysroot) = std::thread::scope(|scope| {
            let verbose = scope.spawn(|| ask(exec, root, &["-vV"]));
            let sysroot = ask(exec, root, &["--print", "sysroot"]);
            (verbose.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), sysroot)
        });
        Toolchain::parse(&verbose?, &sysroot?, cargo_program())
    }

    /// Whether the sysroot has a standard library for a target.
    pub fn has_target(&self, triple: &str) -> bool {
        has_target(&self.sysroot, triple)
    }

    fn parse(verbose: &str, sysroot: &str, cargo: String) -> anyhow::Result<Toolchain> {
        let field = |name: &str| verbose.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        let needed =
            |name: &str| field(name).with_context(|| format!("`rustc -vV` does not state its `{name}`"));
        let sysroot = PathBuf::from(sysroot.trim());
        if !sysroot.is_dir() {
            anyhow::bail!("`rustc --print sysroot` does not state a folder");
        }
        Ok(Toolchain {
            cargo,
            rustc_version: needed("release")?.to_owned(),
            rustc_verbose: verbose.trim().to_owned(),
            commit_hash: field("commit-hash").unwrap_or_default().to_owned(),
            host: needed("host")?.to_owned(),
            has_wasm_target: has_target(&sysroot, "wasm32-unknown-unknown"),
            sysroot,
        })
    }
}

fn ask(exec: &Executor, root: &Path, args: &[&str]) -> anyhow::Result<String> {
    let command = Invocation::new(program("RUSTC", "rustc"), root).args(args.iter().copied());
    let answer = exec.probe(&command)?;
    if !answer.success {
        return Err(Failure::usage(format!("`{command}` failed: {}", answer.stderr.trim()))
            .hint("a `rust-toolchain.toml` that names a toolchain which is not installed is the usual reason")
            .into());
    }
    Ok(answer.stdout)
}

/// The cargo that runs us, or the one on `PATH`.
pub fn cargo_program() -> String {
    program("CARGO", "cargo")
}

fn program(variable: &str, default: &str) -> String {
    std::env::var(variable).ok().filter(|value| !value.is_empty()).unwrap_or_else(|| default.to_owned())
}

/// A folder for the target alone proves nothing: rustup leaves one behind.
fn has_target(sysroot: &Path, triple: &str) -> bool {
    let libraries = sysroot.join("lib/rustlib").join(triple).join("lib");
    let Ok(entries) = std::fs::read_dir(libraries) else {
        return false;
    };
    entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("libstd-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = "rustc 1.95.0 (59807616e 2026-04-14)\nbinary: rustc\ncommit-hash: 5980\n\
        commit-date: 2026-04-14\nhost: x86_64-unknown-linux-gnu\nrelease: 1.95.0\nLLVM version: 22.1.2\n";

    #[test]
    fn both_answers_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let sysroot = format!("{}\n", folder.path().display());
        let parse = || Toolchain::parse(ANSWER, &sysroot, "cargo".to_owned()).unwrap();
        let toolchain = parse();
        assert_eq!(toolchain.rustc_version, "1.95.0");
        assert_eq!(toolchain.commit_hash, "5980");
        assert_eq!(toolchain.host, "x86_64-unknown-linux-gnu");
        assert_eq!(toolchain.sysroot, folder.path());
        assert_eq!(toolchain.rustc_verbose, ANSWER.trim());
        assert!(!toolchain.has_wasm_target);

        let libraries = folder.path().join("lib/rustlib/wasm32-unknown-unknown/lib");
        std::fs::create_dir_all(&libraries).unwrap();
        assert!(!parse().has_wasm_target);
        std::fs::write(libraries.join("libstd-123.rlib"), "").unwrap();
        assert!(parse().has_wasm_target);
    }

    #[test]
    fn an_odd_answer_names_what_is_missing() {
        let parse = |verbose, sysroot| {
            Toolchain::parse(verbose, sysroot, "cargo".to_owned()).unwrap_err().to_string()
        };
        assert_eq!(parse("rustc\n", "/\n"), "`rustc -vV` does not state its `release`");
        assert_eq!(parse(ANSWER, "nonsense\n"), "`rustc --print sysroot` does not state a folder");
    }
}
