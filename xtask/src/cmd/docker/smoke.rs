//! `cargo xtask docker smoke`.

use crate::cli::docker::SmokeArgs;
use crate::exec::Executor;

pub fn run(_exec: &Executor, _args: &SmokeArgs) -> anyhow::Result<()> {
    anyhow::bail!("not here yet")
}
