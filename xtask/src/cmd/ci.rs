//! `cargo xtask ci`.

use crate::cli::ci::{CiDeployArgs, ImageArgs};
use crate::exec::Executor;

pub fn image(_exec: &Executor, _args: &ImageArgs) -> anyhow::Result<()> {
    anyhow::bail!("not here yet")
}

pub fn deploy(_exec: &Executor, _args: &CiDeployArgs) -> anyhow::Result<()> {
    anyhow::bail!("not here yet")
}
