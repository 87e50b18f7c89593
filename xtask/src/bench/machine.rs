//! The machine's noise: the same short compilation several times, before anything else is measured.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;

use crate::exec::Executor;
use crate::exit::{Exit, Failure};
use crate::plan::Invocation;

/// How often: enough for a deviation that one odd run does not decide.
pub const RUNS: usize = 9;

/// One compilation.
#[derive(Clone, Copy, Debug)]
pub struct Compilation {
    pub seconds: f64,
    pub foreign_cores: Option<f64>,
}

/// Compiles a made-up crate [`RUNS`] times with rustc itself, after one that does not count.
pub fn compilations(exec: &Executor, rustc: &Path, folder: &Path) -> anyhow::Result<Vec<Compilation>> {
    std::fs::create_dir_all(folder).with_context(|| format!("create `{}`", folder.display()))?;
    std::fs::write(folder.join("noise.rs"), source())
        .context("write the crate that noise is measured with")?;
    let command = Invocation::new(rustc.display().to_string(), folder)
        .args(["--edition=2021", "--crate-type=lib", "--emit=obj", "-Copt-level=2", "-Ccodegen-units=1"])
        .args(["-o", "noise.o", "noise.rs"])
        .timeout(Duration::from_secs(120));
    let mut measured = Vec::new();
    for _ in 0..=RUNS {
        let run = exec.measure(&command, &[])?;
        if !run.success {
            let message = format!("rustc does not compile a simple crate: {}", run.stderr.trim());
            return Err(Failure::new(Exit::CommandFailed, message).hint("run `cargo xtask doctor`").into());
        }
        measured.push(Compilation { seconds: run.elapsed.as_secs_f64(), foreign_cores: run.foreign_cores });
    }
    // The first one reads the compiler from the disk.
    measured.remove(0);
    Ok(measured)
}

/// Functions that take rustc about half a second.
fn source() -> String {
    let function = |number: usize| {
        format!(
            "pub fn f{number}(words: &[String]) -> std::collections::BTreeMap<String, usize> {{\n    \
             let mut counts = std::collections::BTreeMap::new();\n    \
             for word in words.iter().filter(|word| word.len() > {number}) {{\n        \
             *counts.entry(word.to_uppercase()).or_insert(0) += word.len() * {number};\n    }}\n    counts\n}}\n"
        )
    };
    (0..40).map(function).collect()
}
