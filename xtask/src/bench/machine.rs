//! The machine's noise: the same compilation several times, before anything else is measured.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;

use crate::exec::Executor;
use crate::exit::{Exit, Failure};
use crate::plan::Invocation;

/// How often: enough for a deviation that one odd run does not decide.
pub const RUNS: usize = 9;

/// Compilations before that count for nothing: the first reads the compiler from the disk, and processors take a moment
/// to reach their speed.
const WARM_UPS: usize = 3;

/// Functions of the crate that the warm-ups compile, and the least of the others; half a second on a server of 2024.
const FUNCTIONS: usize = 40;
/// No crate is made larger, however fast the machine.
const FUNCTIONS_MAX: usize = 2000;

/// What measuring the noise may take, as a share of what the run takes, and at least and at most, in seconds. Longer
/// compilations are more like the builds that are measured afterwards.
const SHARE: f64 = 1.0 / 40.0;
const SECONDS: std::ops::RangeInclusive<f64> = 5.0..=40.0;
/// Where nobody knows how long the run takes: that of one of ten minutes.
const USUAL_SECONDS: f64 = 15.0;

/// One compilation.
#[derive(Clone, Copy, Debug)]
pub struct Compilation {
    pub seconds: f64,
    pub foreign_cores: Option<f64>,
}

/// Seconds that measuring the noise may take in a run that takes `run` seconds by estimate; 0 is not known.
pub fn budget(run: f64) -> f64 {
    if run > 0.0 { (run * SHARE).clamp(*SECONDS.start(), *SECONDS.end()) } else { USUAL_SECONDS }
}

/// Compiles a made-up crate [`RUNS`] times with rustc itself, after some that do not count. It is so large that all of
/// this takes about `seconds`.
pub fn compilations(
    exec: &Executor,
    rustc: &Path,
    folder: &Path,
    seconds: f64,
) -> anyhow::Result<Vec<Compilation>> {
    std::fs::create_dir_all(folder).with_context(|| format!("create `{}`", folder.display()))?;
    let write = |functions: usize| {
        std::fs::write(folder.join("noise.rs"), source(functions))
            .context("write the crate that noise is measured with")
    };
    let command = Invocation::new(rustc.display().to_string(), folder)
        .args(["--edition=2021", "--crate-type=lib", "--emit=obj", "-Copt-level=2", "-Ccodegen-units=1"])
        .args(["-o", "noise.o", "noise.rs"])
        .timeout(Duration::from_secs(120));
    let compile = || {
        let run = exec.measure(&command, &[])?;
        if !run.success {
            let message = format!("rustc does not compile a simple crate: {}", run.stderr.trim());
            return Err(Failure::new(Exit::CommandFailed, message).hint("run `cargo xtask doctor`").into());
        }
        anyhow::Ok(Compilation { seconds: run.elapsed.as_secs_f64(), foreign_cores: run.foreign_cores })
    };
    write(FUNCTIONS)?;
    let mut warm = f64::INFINITY;
    let mut spent = 0.0;
    for _ in 0..WARM_UPS {
        let one = compile()?.seconds;
        (warm, spent) = (warm.min(one), spent + one);
    }
    write(functions(warm, (seconds - spent) / RUNS as f64))?;
    (0..RUNS).map(|_| compile()).collect()
}

/// How many functions take `wanted` seconds, where [`FUNCTIONS`] of them take `known`.
fn functions(known: f64, wanted: f64) -> usize {
    let times = if known > 0.0 { wanted / known } else { 1.0 };
    ((FUNCTIONS as f64 * times) as usize).clamp(FUNCTIONS, FUNCTIONS_MAX)
}

fn source(functions: usize) -> String {
    let function = |number: usize| {
        format!(
            "pub fn f{number}(words: &[String]) -> std::collections::BTreeMap<String, usize> {{\n    \
             let mut counts = std::collections::BTreeMap::new();\n    \
             for word in words.iter().filter(|word| word.len() > {number}) {{\n        \
             *counts.entry(word.to_uppercase()).or_insert(0) += word.len() * {number};\n    }}\n    counts\n}}\n"
        )
    };
    (0..functions).map(function).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_longer_run_measures_its_noise_for_longer() {
        // A minute, ten minutes, two hours, and what nobody knows.
        assert_eq!([60.0, 600.0, 7200.0, 0.0].map(budget), [5.0, 15.0, 40.0, 15.0]);
        assert_eq!(functions(0.5, 4.0), 320);
        assert_eq!((functions(0.5, 0.1), functions(0.001, 9.0)), (FUNCTIONS, FUNCTIONS_MAX));
    }
}
