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

/// By the names that arguments give them; of other names nobody knows anything.
#[test]
fn images_that_do_not_fit_are_refused_before_anything_is_built() {
    let Some(file) = dockerfile() else { return };
    let mut workspace = Workspace::fixture();
    workspace.set("SCCACHE_BUCKET", "");
    std::fs::copy(file, workspace.root().join("Dockerfile.production")).unwrap();
    let build = |arguments: &[&str]| {
        let given = arguments.iter().flat_map(|argument| ["--build-arg", argument]);
        let args: Vec<&str> = ["docker", "build", "--dry-run"].into_iter().chain(given).collect();
        workspace.xtask(&args)
    };
    for (arguments, why) in [
        (&["BASE_IMAGE=debian:bookworm-slim"][..], "bookworm has glibc 2.36"),
        (&["RUST_IMAGE=rust:1.95-slim-trixie", "BASE_IMAGE=gcr.io/distroless/cc-debian12"], "2.41 of trixie"),
        (&["BASE_IMAGE=gcr.io/distroless/static-debian13"], "has no glibc"),
        (&["BASE_IMAGE=gcr.io/distroless/base-debian13:nonroot"], "has no libgcc_s.so.1"),
    ] {
        let run = build(arguments);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{arguments:?}: {}", run.stderr);
        for text in ["`--build-arg` chooses images that do not fit: Dockerfile.production:", why, "hint: "] {
            assert!(run.stderr.contains(text), "{arguments:?}: {text}: {}", run.stderr);
        }
    }
    for arguments in [
        &["RUST_IMAGE=rust:1.95-slim-bookworm", "BASE_IMAGE=debian:bookworm-slim"][..],
        &["RUST_IMAGE=r.example/rust:1"],
        &["BASE_IMAGE=r.example/base:1"],
        &["MOLD_VERSION=2.40.0"],
    ] {
        let run = build(arguments);
        assert_eq!(run.code, Some(0), "{arguments:?}: {}", run.stderr);
    }
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
