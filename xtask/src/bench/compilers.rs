//! What only a nightly toolchain has: how the parallel front end and Cranelift are switched on, and whether they were,
//! by cargo's own word on how it called rustc.
//!
//! Both are settings of the profile. So no flag of the workspace is lost, as it would be by RUSTFLAGS, and what both
//! halves compile for this machine is compiled once, as without them.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;

use super::run::Attempt;
use super::variant::{Axis, Variant};
use crate::config::cargo::CargoConfig;
use crate::exec::{Executor, without_escapes};
use crate::exit::Exit;
use crate::facts::toolchain::Toolchain;
use crate::leptos::WASM_TARGET;
use crate::plan::Invocation;

/// The crate that a compiler is proved with. A library: what links it is another matter.
const PROOF: &str = "xtask_compiler_proof";
const MANIFEST: &str = "[package]\nname = \"xtask_compiler_proof\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n\
                        [workspace]\n";
const SOURCE: &str = "pub fn sum(numbers: &[u64]) -> u64 {\n    numbers.iter().sum()\n}\n";
const PROOF_LIMIT: Duration = Duration::from_secs(120);

/// The variables that switch a compiler on for a profile of the server, and have cargo say how it calls rustc; or why
/// nothing can. `config` is that of the folder in which cargo runs, `jobs` the threads of the parallel front end.
pub fn environment(
    compiler: &str,
    profile: &str,
    config: &CargoConfig,
    jobs: usize,
) -> Result<Vec<(String, String)>, String> {
    let of_profile = |profile: &str, setting: &str| {
        format!("CARGO_PROFILE_{}_{setting}", profile.to_uppercase().replace('-', "_"))
    };
    let text = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut variables: Vec<(String, String)> = match compiler {
        "parallel" => {
            let flag = format!("-Zthreads={jobs}");
            // The wasm half's own profile, where it has one, may follow from another than the server's.
            let profiles = [profile.to_owned(), format!("{profile}-wasm")];
            let flags = profiles.iter().map(|profile| (of_profile(profile, "RUSTFLAGS"), flag.clone()));
            [text("CARGO_UNSTABLE_PROFILE_RUSTFLAGS", "true")].into_iter().chain(flags).collect()
        }
        "cranelift" => {
            // It compiles for no browser, and the wasm half may have the server's profile. The last of two such flags
            // counts, and those of a target come after the profile's.
            let Some(llvm) = config.with_rustflag(WASM_TARGET, "-Zcodegen-backend=llvm") else {
                return Err(format!(
                    "Cranelift compiles for no browser, and no variable can tell cargo so: unset RUSTFLAGS and \
                     CARGO_ENCODED_RUSTFLAGS, and write flags for {WASM_TARGET} without blanks"
                ));
            };
            vec![
                text("CARGO_UNSTABLE_CODEGEN_BACKEND", "true"),
                (of_profile(profile, "CODEGEN_BACKEND"), compiler.to_owned()),
                llvm,
            ]
        }
        _ => return Ok(Vec::new()),
    };
    variables.extend([text("CARGO_TERM_VERBOSE", "true"), text("CARGO_TERM_QUIET", "false")]);
    Ok(variables)
}

/// Compiles a small library with a compiler where the workspace's configuration holds. Gives cargo's own word on how it
/// called rustc, or the reason why this is no arm.
pub fn prove(
    exec: &Executor,
    toolchain: &Toolchain,
    root: &Path,
    folder: &Path,
    compiler: &str,
    jobs: usize,
) -> Attempt<String> {
    let variables = match environment(compiler, "dev", &CargoConfig::read(root)?, jobs) {
        Ok(variables) => variables,
        Err(reason) => return Ok(Err(reason)),
    };
    let _ = std::fs::remove_dir_all(folder);
    let write = |file: &str, text: &str| {
        let path = folder.join(file);
        std::fs::write(&path, text).with_context(|| format!("write `{}`", path.display()))
    };
    std::fs::create_dir_all(folder.join("src")).with_context(|| format!("create `{}`", folder.display()))?;
    write("Cargo.toml", MANIFEST)?;
    write("src/lib.rs", SOURCE)?;
    let mut command = Invocation::new(&toolchain.cargo, root)
        .args(["build", "--offline", "--target", &toolchain.host])
        .args(["--manifest-path", &folder.join("Cargo.toml").display().to_string()])
        .args(["--target-dir", &folder.join("target").display().to_string()])
        .env("RUSTC", crate::tools::rustc(toolchain).display().to_string())
        .env("RUSTC_WRAPPER", "")
        .timeout(PROOF_LIMIT);
    command.env.extend(variables);
    let measured = match exec.measure(&command, &[]) {
        Ok(measured) => measured,
        Err(error) if matches!(Exit::of(&error), Exit::Interrupted(_)) => return Err(error),
        Err(error) => return Ok(Err(format!("{error:#}"))),
    };
    let said = without_escapes(&measured.stderr);
    if !measured.success {
        let told = said.lines().find(|line| line.starts_with("error")).unwrap_or("cargo does not say why");
        return Ok(Err(format!("it compiles no small library: {}", exec.redact(told))));
    }
    let call = call(&said, PROOF, "lib");
    Ok(match not_active(compiler, call, jobs) {
        Some(reason) => Err(exec.redact(&reason)),
        None => Ok(call.unwrap_or_default().to_owned()),
    })
}

/// Why a build that compiled `compiled` units was not made with the variant's compiler, by what cargo said of the
/// server's crate on standard error; `None` where it was.
pub fn contradiction(
    variant: &Variant,
    compiled: usize,
    stderr: &str,
    server_crate: &str,
    jobs: usize,
) -> Option<String> {
    let compiler = variant.get(Axis::Compiler);
    if compiled == 0 || Some(&compiler) == Axis::Compiler.values().first() {
        return None;
    }
    not_active(compiler, call(&without_escapes(stderr), server_crate, "bin"), jobs)
}

/// The last time that cargo called rustc for a crate of this kind, in its own words.
fn call<'s>(said: &'s str, crate_name: &str, kind: &str) -> Option<&'s str> {
    let crate_name = format!(" --crate-name {} ", crate_name.replace('-', "_"));
    let kind = format!(" --crate-type {kind} ");
    let is_call =
        |line: &&str| line.contains("Running `") && line.contains(&crate_name) && line.contains(&kind);
    said.lines().rev().find(is_call)
}

fn not_active(compiler: &str, call: Option<&str>, jobs: usize) -> Option<String> {
    let Some(call) = call else {
        return Some(format!("{compiler} was not active: cargo did not tell how it called rustc"));
    };
    let (option, wanted) = match compiler {
        "parallel" => ("threads", jobs.to_string()),
        _ => ("codegen-backend", compiler.to_owned()),
    };
    // `-Zthreads=2` or `-Z threads=2`. The last one counts.
    let mut values = call.split([' ', '`']).filter_map(|word| {
        let word = word.strip_prefix("-Z").unwrap_or(word);
        word.strip_prefix(option)?.strip_prefix('=')
    });
    match values.next_back() {
        Some(value) if value == wanted => None,
        Some(other) => Some(format!("{compiler} was not active: cargo called rustc with {option}={other}")),
        None => Some(format!("{compiler} was not active: cargo called rustc without {option}={wanted}")),
    }
}

#[cfg(test)]
#[path = "compilers_tests.rs"]
mod tests;
