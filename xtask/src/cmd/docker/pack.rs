//! `cargo xtask docker pack`.

use crate::cli::docker::PackArgs;
use crate::exec::Executor;

pub fn run(_exec: &Executor, _args: &PackArgs) -> anyhow::Result<()> {
    anyhow::bail!("not here yet")
}
