//! This repository's own `Dockerfile.production` as others see it: BuildKit, hadolint, our lint, and `generate --check`.

use std::path::PathBuf;
use std::process::Command;

use crate::engine::{docker, has_engine};
use crate::running::repository;
use crate::support::{Workspace, hadolint, skipped};

/// `None` in a workspace that has none.
fn dockerfile() -> Option<PathBuf> {
    let file = repository().join("Dockerfile.production");
    file.exists().then_some(file)
}

#[test]
fn buildkit_has_nothing_to_say() {
    let Some(file) = dockerfile().filter(|_| has_engine()) else { return };
    let root = repository();
    let file = file.display().to_string();
    // It looks up the bases, so they have to be some that are there.
    let (Some(rust), Some(base)) =
        (super::variable("XTASK_TEST_RUST_IMAGE"), super::variable("XTASK_TEST_BASE_IMAGE"))
    else {
        skipped("XTASK_TEST_RUST_IMAGE and XTASK_TEST_BASE_IMAGE name no images");
        return;
    };
    let (rust, base) = (format!("RUST_IMAGE={rust}"), format!("BASE_IMAGE={base}"));
    let root = root.display().to_string();
    let args =
        ["buildx", "build", "--check", "--build-arg", &rust, "--build-arg", &base, "--file", &file, &root];
    let checked = docker(&args).unwrap();
    assert_eq!(checked.code, Some(0), "{}{}", checked.stdout, checked.stderr);
    assert!(checked.stdout.contains("no warnings found"), "{}{}", checked.stdout, checked.stderr);
}

#[test]
fn hadolint_has_nothing_to_say() {
    let Some(file) = dockerfile() else { return };
    let Some(program) = hadolint() else { return };
    let checked = Command::new(program).arg(&file).output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
}

#[test]
fn its_generated_lines_are_what_they_follow_from() {
    let Some(file) = dockerfile() else { return };
    let mut workspace = Workspace::empty();
    // The flags of whoever runs the tests are not the image's.
    workspace.set("RUSTFLAGS", "");
    let checked = workspace.command(&["generate", "--check"]).current_dir(repository()).output().unwrap();
    let said =
        String::from_utf8_lossy(&checked.stdout).into_owned() + &String::from_utf8_lossy(&checked.stderr);
    assert!(checked.status.success(), "{}: {said}", file.display());
}
