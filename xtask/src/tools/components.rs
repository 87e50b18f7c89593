//! What linters need of a toolchain beside its compiler: rustfmt, clippy, and the target of the browser half. GitHub's
//! machines have the smallest toolchain that there is, and a check that is left out there would never fail.
//!
//! What rustup manages, rustup may change; every other toolchain is left as it is.

use std::env::consts::EXE_SUFFIX;
use std::path::Path;
use std::time::Duration;

use super::{source, sysroot};
use crate::exec::Executor;
use crate::facts::toolchain::Toolchain;
use crate::plan::Invocation;

/// The longest that one of them may take.
const LIMIT: Duration = Duration::from_secs(120);

/// The programs, and what rustup calls the parts that bring them.
const PROGRAMS: [(&str, &str); 2] = [("rustfmt", "rustfmt"), ("cargo-clippy", "clippy")];

/// Has rustup add what is missing.
pub fn complete(exec: &Executor, toolchain: &Toolchain, root: &Path) -> anyhow::Result<()> {
    let managed = source::rustup_manages(&toolchain.sysroot);
    let Some(name) = source::rustup_toolchain(&toolchain.sysroot).filter(|_| managed) else {
        return Ok(());
    };
    let is_missing = |program: &str| !toolchain.sysroot.join(format!("bin/{program}{EXE_SUFFIX}")).exists();
    let mut missing: Vec<(&str, &str)> = PROGRAMS
        .iter()
        .filter(|(program, _)| is_missing(program))
        .map(|(_, component)| ("component", *component))
        .collect();
    if !sysroot::has_target(&toolchain.sysroot) {
        missing.push(("target", "wasm32-unknown-unknown"));
    }
    for (kind, part) in missing {
        exec.ui().status("Adding", format!("{part} to the toolchain {name}"));
        let command =
            Invocation::new("rustup", root).args([kind, "add", part, "--toolchain", &name]).timeout(LIMIT);
        exec.run(&command)?;
    }
    Ok(())
}
