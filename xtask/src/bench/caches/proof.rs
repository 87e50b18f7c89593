//! Whether a cache gives back what it was given: the same crate is compiled twice through it, and it must count a hit.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;

use super::{Session, reason};
use crate::facts::toolchain::Toolchain;

/// The reason why the cache is of no use; no cache proves itself.
pub fn prove(session: &Session<'_>, toolchain: &Toolchain) -> anyhow::Result<Result<(), String>> {
    match attempt(session, toolchain) {
        Ok(()) => Ok(Ok(())),
        Err(error) => Ok(Err(reason(session.executor(), error)?)),
    }
}

fn attempt(session: &Session<'_>, toolchain: &Toolchain) -> anyhow::Result<()> {
    let exec = session.executor();
    let Some(command) = session.command() else { return Ok(()) };
    let scratch = session.folder().join("proof");
    let _ = fs::remove_dir_all(&scratch);
    fs::create_dir_all(&scratch).with_context(|| format!("create `{}`", scratch.display()))?;
    // A crate that no cache has seen, so that the first one is no hit.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos());
    exec.write_file(
        &scratch.join("lib.rs"),
        format!("pub fn proof() -> u128 {{\n    {now}\n}}\n").as_bytes(),
    )?;
    // kache keeps nothing whose source was written in the moment in which its compiler started.
    exec.sleep(Duration::from_millis(50))?;
    let rustc = toolchain.sysroot.join("bin/rustc");
    let rustc = if rustc.is_file() { rustc } else { PathBuf::from("rustc") };
    let mut hits = Vec::new();
    for _ in 0..2 {
        let out = scratch.join("out");
        let _ = fs::remove_dir_all(&out);
        fs::create_dir_all(&out)?;
        let mut compile = command
            .clone()
            .arg(rustc.display().to_string())
            // `--edition 2021` in two words would be two source files to sccache.
            .args(["--crate-name", "xtask_proof", "--edition=2021", "--crate-type", "lib"])
            .args(["--emit=dep-info,metadata,link", "--out-dir", "out", "lib.rs"])
            .timeout(Duration::from_secs(60));
        compile.cwd.clone_from(&scratch);
        exec.run(&compile)?;
        anyhow::ensure!(out.join("libxtask_proof.rlib").is_file(), "it compiles nothing");
        let counters = session.counters()?.map_err(anyhow::Error::msg)?;
        hits.push(counters.context("it counts nothing")?.hits);
    }
    anyhow::ensure!(hits[1] > hits[0], "the same crate, compiled twice, was no hit");
    let _ = fs::remove_dir_all(&scratch);
    Ok(())
}
