//! Arms that were asked for by name, and what a plan says of those that are not there.

use serde_json::Value;

use super::measuring::{bench, home_without};
use crate::support::Workspace;

#[test]
fn what_was_named_and_is_not_there_ends_the_run_before_anything_is_built() {
    let mut workspace = Workspace::fixture();
    workspace.set("SCCACHE_BUCKET", "");
    let args = ["--profile", "dev", "--scenario", "cold", "--variant", "cache=sccache-s3"];
    let run = bench(&workspace, &args);
    assert_eq!(run.code, Some(crate::support::MISSING_TOOL), "{}", run.stderr);
    let told = run.stderr.lines().find(|line| line.starts_with("error: ")).unwrap();
    assert!(told.starts_with("error: cache=sccache-s3 cannot be measured: "), "{told}");
    assert!(told.contains("SCCACHE_BUCKET"), "{told}");
    for folder in ["app", "targets", "runs"] {
        assert!(!workspace.root().join("target/xtask/bench").join(folder).exists(), "{folder}");
    }
    // A plan says the same, and what could be measured.
    let plan = bench(&workspace, &[&args[..], &["--dry-run", "--format", "json"]].concat());
    assert_eq!(plan.code, Some(crate::support::MISSING_TOOL), "{}", plan.stderr);
    let plan: Value = serde_json::from_str(&plan.stdout).unwrap();
    assert!(plan[0]["arms"][0]["unavailable"].is_null(), "{plan}");
    // Where something that was named is there, the run goes on.
    let some = bench(&workspace, &[&args[..], &["--variant", "linker=lld", "--dry-run"]].concat());
    assert_eq!(some.code, Some(0), "{}", some.stderr);
    assert!(some.stdout.contains("SCCACHE_BUCKET"), "{}", some.stdout);
}

#[test]
fn what_is_not_there_is_told_with_the_command_that_installs_it() {
    let mut workspace = Workspace::fixture();
    let folder = tempfile::tempdir().unwrap();
    workspace.set("XTASK_HOME", home_without(&["mold", "wild", "sccache", "kache"], folder.path()));
    // Nothing but what a build needs: not even the folders in which cargo installs.
    workspace.set("PATH", path_without(&["mold", "wild", "sccache", "kache", "cargo-leptos"], folder.path()));
    let args = ["--profile", "dev", "--scenario", "cold", "--axis", "linker,cache,driver", "--dry-run"];
    let plan = bench(&workspace, &[&args[..], &["--format", "json"]].concat());
    assert_eq!(plan.code, Some(0), "{}", plan.stderr);
    let plan: Value = serde_json::from_str(&plan.stdout).unwrap();
    let arms = plan.as_array().unwrap().iter().flat_map(|comparison| comparison["arms"].as_array().unwrap());
    let reason = |name: &str| {
        let arm = arms.clone().find(|arm| arm["name"] == name).unwrap();
        arm["unavailable"].as_str().unwrap_or_else(|| panic!("{arm}")).to_owned()
    };
    for (name, command) in [
        ("mold", "`cargo xtask setup --with bench`"),
        ("wild", "`cargo xtask setup --with bench-full`"),
        ("sccache", "`cargo xtask setup --with bench`"),
        ("kache", "`cargo xtask setup --with bench-full`"),
    ] {
        assert_eq!(reason(name), format!("{name} is not installed: {command}"));
    }
    let told = reason("cargo-leptos");
    assert!(told.contains(": `cargo install --locked cargo-leptos@"), "{told}");
    // An axis of which nothing is there is no reason to measure anything.
    let run = bench(&workspace, &["--profile", "dev", "--axis", "compiler", "--dry-run"]);
    if run.code == Some(0) {
        assert!(run.stdout.contains("parallel"), "{}", run.stdout);
    } else {
        assert_eq!(run.code, Some(2), "{}", run.stderr);
        assert!(run.stderr.contains("`rustup toolchain install nightly`"), "{}", run.stderr);
    }
}

/// A folder with links to all programs on `PATH` but for these.
fn path_without(missing: &[&str], folder: &std::path::Path) -> String {
    let programs = folder.join("programs");
    std::fs::create_dir_all(&programs).unwrap();
    for from in std::env::split_paths(&std::env::var_os("PATH").unwrap()) {
        for program in std::fs::read_dir(from).into_iter().flatten().flatten() {
            let to = programs.join(program.file_name());
            if !missing.iter().any(|missing| program.file_name() == *missing) && !to.is_symlink() {
                std::os::unix::fs::symlink(program.path(), to).unwrap();
            }
        }
    }
    programs.display().to_string()
}
