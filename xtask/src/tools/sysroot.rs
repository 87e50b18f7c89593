//! The wasm target where rustup cannot deliver it: the standard library, built from source into a private sysroot.
//!
//! A sysroot here is a folder with our rlibs for wasm, and links to the toolchain's own parts for the host, linker
//! included. rustc is told of it for the wasm target only.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};

use crate::exec::Executor;
use crate::facts::toolchain::Toolchain;
use crate::plan::{Invocation, quote};

use super::cargo;
use super::node::write_launcher;

const TARGET: &str = "wasm32-unknown-unknown";
const MANIFEST: &str = "[package]\nname = \"xtask_nothing\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n\
                        [lib]\npath = \"lib.rs\"\n\n[workspace]\n";

const PROOF: &str = "#[no_mangle]\npub extern \"C\" fn length(n: u32) -> usize {\n    \
                     vec![String::from(\"x\"); n as usize].concat().len()\n}\n";

/// Whether a sysroot has the wasm target.
pub fn has_target(sysroot: &Path) -> bool {
    let Ok(entries) = fs::read_dir(rlibs(sysroot)) else {
        return false;
    };
    entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("libcore-"))
}

/// Whether a private sysroot can be used: the toolchain that it points to is still there.
pub fn is_whole(sysroot: &Path, host: &str) -> bool {
    has_target(sysroot) && rustlib(sysroot).join(host).is_dir()
}

/// The library sources that a toolchain has itself.
pub fn library_of(sysroot: &Path) -> anyhow::Result<PathBuf> {
    let library = rustlib(sysroot).join("src/rust/library");
    if library.join("std/Cargo.toml").is_file() {
        return Ok(library);
    }
    bail!("the toolchain has no rust-src")
}

/// rustc itself, not the stand-in that picks a toolchain by folder: ours is not the project's.
pub fn rustc(toolchain: &Toolchain) -> PathBuf {
    let own = toolchain.sysroot.join("bin/rustc");
    if own.is_file() { own } else { PathBuf::from("rustc") }
}

/// Builds the standard library from `library` and lays the sysroot out in `root`.
pub fn build(exec: &Executor, toolchain: &Toolchain, library: &Path, root: &Path) -> anyhow::Result<()> {
    if root.to_string_lossy().contains(char::is_whitespace) {
        bail!(
            "the user-local folder has a blank in its name, which rustflags cannot express (set XTASK_HOME)"
        );
    }
    let scratch = root.join("build");
    fs::create_dir_all(rlibs(root))?;
    symlink(rustlib(&toolchain.sysroot).join(&toolchain.host), rustlib(root).join(&toolchain.host))
        .context("link the toolchain's own parts")?;
    // Cargo looks for the library below the sysroot that rustc names.
    let source = rustlib(root).join("src");
    fs::create_dir_all(source.join("rust"))?;
    symlink(library, source.join("rust/library")).context("link the library sources")?;
    let wrapper = scratch.join("rustc");
    let (rustc, sysroot) =
        (quote(&rustc(toolchain).display().to_string()), quote(&root.display().to_string()));
    write_launcher(exec, &wrapper, &format!("#!/bin/sh\nexec {rustc} --sysroot {sysroot} \"$@\"\n"))?;
    exec.write_file(&scratch.join("Cargo.toml"), MANIFEST.as_bytes())?;
    exec.write_file(&scratch.join("lib.rs"), b"")?;
    exec.ui().status("Compiling", format_args!("the standard library of rustc {}", toolchain.rustc_version));
    cargo::run(exec, &build_command(toolchain, library, root, &scratch))?;
    collect(&scratch.join("target").join(TARGET).join("release/deps"), &rlibs(root))?;
    prove(exec, &wrapper, &scratch)?;
    fs::remove_dir_all(&scratch)?;
    fs::remove_dir_all(&source)?;
    Ok(())
}

fn build_command(toolchain: &Toolchain, library: &Path, root: &Path, scratch: &Path) -> Invocation {
    let commit = &toolchain.commit_hash;
    let remap = |from: &Path, to: &str| format!("--remap-path-prefix={}={to}", from.display());
    // Bitcode is what link-time optimisation of the app reads. The names of source files end up in the app, as panic
    // locations: they are to be the same on every machine, and those of the official builds.
    let link = rustlib(root).join("src/rust/library");
    let flags = [
        "-Cembed-bitcode=yes".to_owned(),
        remap(library, &format!("/rustc/{commit}/library")),
        remap(&link, &format!("/rustc/{commit}/library")),
        remap(&cargo_home().join("registry/src"), "/rust/deps"),
    ];
    let mut command = cargo::without_project(Invocation::new(&toolchain.cargo, scratch))
        .args(["build", "-Zbuild-std=std,panic_abort", "--target", TARGET, "--release"])
        .env("CARGO_TARGET_DIR", scratch.join("target").display().to_string())
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"))
        .env("RUSTC", scratch.join("rustc").display().to_string())
        // Building the standard library is unstable; cargo and rustc take this as leave to do it.
        .env("RUSTC_BOOTSTRAP", "1")
        .timeout(Duration::from_secs(15 * 60));
    let vendor = library.join("vendor");
    if vendor.is_dir() {
        let directory = format!("source.xtask-vendor.directory={:?}", vendor.display().to_string());
        command = command
            .args(["--offline", "--config", "source.crates-io.replace-with='xtask-vendor'", "--config"])
            .arg(directory);
    }
    command
}

/// Moves the rlibs to where rustc looks for them.
fn collect(from: &Path, to: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(from).context("cargo has built no standard library")?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".rlib") && !name.starts_with("libxtask_nothing") {
            fs::rename(entry.path(), to.join(&name)).with_context(|| format!("move {name}"))?;
        }
    }
    Ok(())
}

/// Compiles and links a library with the new sysroot, under both panic strategies that cargo asks for: it names
/// `abort` and passes nothing for `unwind`, which on this target means to abort as well.
fn prove(exec: &Executor, rustc: &Path, scratch: &Path) -> anyhow::Result<()> {
    exec.write_file(&scratch.join("proof.rs"), PROOF.as_bytes())?;
    for panic in [&[][..], &["-C", "panic=abort"]] {
        let command = Invocation::new(rustc.display().to_string(), scratch)
            .args(["--target", TARGET, "--crate-type", "cdylib", "--edition", "2021"])
            .args(panic.iter().copied())
            .args(["-o", "proof.wasm", "proof.rs"])
            .timeout(Duration::from_secs(60));
        exec.run(&command).context("the private sysroot does not work")?;
    }
    Ok(())
}

fn rustlib(sysroot: &Path) -> PathBuf {
    sysroot.join("lib/rustlib")
}

fn rlibs(sysroot: &Path) -> PathBuf {
    rustlib(sysroot).join(TARGET).join("lib")
}

fn cargo_home() -> PathBuf {
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo"));
    std::env::var_os("CARGO_HOME").map(PathBuf::from).or(home).unwrap_or_else(|| PathBuf::from(".cargo"))
}
