//! `cargo xtask deploy`.

use crate::cli::deploy::{DeployArgs, StatusArgs};
use crate::exec::Executor;

pub fn run(_exec: &Executor, _args: &DeployArgs) -> anyhow::Result<()> {
    anyhow::bail!("not here yet")
}

pub fn status(_exec: &Executor, _args: &StatusArgs) -> anyhow::Result<()> {
    anyhow::bail!("not here yet")
}
