//! Whether a cache gives back what it was given: cargo compiles the same crate twice through it, and it must count a
//! hit.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;

use super::{CompileCache, Session, reason};
use crate::facts::toolchain::Toolchain;
use crate::plan::Invocation;

/// It stands alone, whatever workspace is above it.
const MANIFEST: &str =
    "[package]\nname = \"xtask-proof\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n[workspace]\n";

/// The reason why the cache is of no use; no cache proves itself.
pub fn prove(session: &Session<'_>, toolchain: &Toolchain) -> anyhow::Result<Result<(), String>> {
    if *session.cache() == CompileCache::None {
        return Ok(Ok(()));
    }
    match attempt(session, toolchain) {
        Ok(()) => Ok(Ok(())),
        Err(error) => Ok(Err(reason(session.executor(), error)?)),
    }
}

fn attempt(session: &Session<'_>, toolchain: &Toolchain) -> anyhow::Result<()> {
    let exec = session.executor();
    let scratch = session.folder().join("proof");
    let _ = fs::remove_dir_all(&scratch);
    fs::create_dir_all(scratch.join("src")).with_context(|| format!("create `{}`", scratch.display()))?;
    // A crate that no cache has seen, so that the first one is no hit.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos());
    exec.write_file(&scratch.join("Cargo.toml"), MANIFEST.as_bytes())?;
    let source = format!("pub fn proof() -> u128 {{\n    {now}\n}}\n");
    exec.write_file(&scratch.join("src/lib.rs"), source.as_bytes())?;
    // kache keeps nothing whose source was written in the moment in which its compiler started.
    exec.sleep(Duration::from_millis(50))?;
    let mut hits = Vec::new();
    for _ in 0..2 {
        let _ = fs::remove_dir_all(scratch.join("target"));
        exec.run(&build(session, toolchain, &scratch))?;
        let counters = session.counters()?.map_err(anyhow::Error::msg)?;
        hits.push(counters.context("it counts nothing")?.hits);
    }
    anyhow::ensure!(hits[1] > hits[0], "the same crate, compiled twice, was no hit");
    let _ = fs::remove_dir_all(&scratch);
    Ok(())
}

/// What compiles the crate in `folder` through the cache. In a release build nothing is incremental, which caches do
/// not keep.
pub(super) fn build(session: &Session<'_>, toolchain: &Toolchain, folder: &Path) -> Invocation {
    let mut build = Invocation::new(&toolchain.cargo, folder)
        .args(["build", "--quiet", "--offline", "--lib", "--release", "--target-dir", "target"])
        .timeout(Duration::from_secs(120));
    let settings = session.settings();
    build.env.extend(settings.env.iter().map(|(name, value)| (name.clone(), value.clone())));
    build.env_remove.extend(settings.env_remove.iter().cloned());
    build
}
