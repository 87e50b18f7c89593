//! The compile cache: where it is, and whether it really gives back what it was given.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use serde_json::Value;

use super::super::explain::{brief, unless_interrupted};
use super::super::{Tool, Wanted, store, sysroot};
use super::place::Place;
use crate::config::tools::Group;
use crate::exec::Executor;
use crate::facts::tool::find_on_path;
use crate::facts::toolchain::Toolchain;
use crate::plan::Invocation;

/// sccache: of the user-local folder at the version of the table, else the one on `PATH`.
pub fn program(exec: &Executor) -> anyhow::Result<Option<PathBuf>> {
    exec.check_interrupted()?;
    let home = store::home()?;
    let own = Wanted::of_group(Group::Bench).into_iter().find(|wanted| wanted.tool == Tool::Sccache);
    let own = own.map(|own| store::program(&store::folder(&home, "sccache", &own.version), "sccache"));
    Ok(own.filter(|path| path.is_file()).or_else(|| find_on_path("sccache")))
}

/// Compiles a new crate twice through the script, and asks the cache whether it has given back the first result.
/// Its server is one of our own with the user's settings, so that nobody else's compilations count. The inner error
/// says why the cache is of no use.
pub fn prove(
    exec: &Executor,
    toolchain: &Toolchain,
    place: &Place,
    program: &Path,
) -> anyhow::Result<Result<(), String>> {
    let scratch = place.scratch("cache")?;
    let proof = Attempt { exec, toolchain, place, program, scratch: &scratch };
    let result = proof.run();
    // The server ends by itself a minute later, should this fail.
    let _ = exec.probe(&proof.command(program).arg("--stop-server").timeout(Duration::from_secs(10)));
    let _ = std::fs::remove_file(socket());
    match result {
        Ok(()) => Ok(Ok(())),
        Err(error) => Ok(Err(exec.redact(&brief(&unless_interrupted(error)?)))),
    }
}

/// A short path: the system allows a socket's no more than about a hundred characters.
fn socket() -> PathBuf {
    std::env::temp_dir().join(format!("xtask-sccache-{}", std::process::id()))
}

struct Attempt<'a> {
    exec: &'a Executor,
    toolchain: &'a Toolchain,
    place: &'a Place,
    program: &'a Path,
    scratch: &'a Path,
}

impl Attempt<'_> {
    fn run(&self) -> anyhow::Result<()> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos());
        let source = format!("pub fn proof() -> u128 {{\n    {now}\n}}\n");
        self.exec.write_file(&self.scratch.join("lib.rs"), source.as_bytes())?;
        let before = self.hits()?;
        for _ in 0..2 {
            let out = self.scratch.join("out");
            let _ = std::fs::remove_dir_all(&out);
            std::fs::create_dir_all(&out)?;
            let rustc = sysroot::rustc(self.toolchain).display().to_string();
            let compile = self
                .command(&self.place.cache())
                // `--edition 2021` in two words would be two source files to sccache.
                .args([&rustc, "--crate-name", "xtask_proof", "--edition=2021", "--crate-type", "lib"])
                .args(["--emit=dep-info,metadata,link", "--out-dir", "out", "lib.rs"])
                .timeout(Duration::from_secs(60));
            self.exec.run(&compile)?;
            anyhow::ensure!(out.join("libxtask_proof.rlib").is_file(), "it compiles nothing");
        }
        anyhow::ensure!(self.hits()? > before, "the same crate, compiled twice, was no hit");
        Ok(())
    }

    /// How many results the server has given back.
    fn hits(&self) -> anyhow::Result<u64> {
        let ask = self.command(self.program).args(["--show-stats", "--stats-format=json"]);
        let answer = self.exec.run(&ask.timeout(Duration::from_secs(30)))?.stdout;
        let stats: Value = serde_json::from_str(&answer).context("its statistics are not JSON")?;
        let counts = stats["stats"]["cache_hits"]["counts"].as_object();
        Ok(counts.into_iter().flatten().filter_map(|(_, count)| count.as_u64()).sum())
    }

    fn command(&self, program: &Path) -> Invocation {
        Invocation::new(program.display().to_string(), self.scratch)
            .env("SCCACHE_SERVER_UDS", socket().display().to_string())
            .env("SCCACHE_IDLE_TIMEOUT", "60")
    }
}
