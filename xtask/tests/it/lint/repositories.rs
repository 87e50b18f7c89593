//! Whole repositories: this one, one that had most of the traps, and some of other shapes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::{good, lint, report, rules};
use crate::support::{Workspace, copy_folder, listing};

/// The findings by file and rule, each with its lines.
fn by_file(report: &serde_json::Value) -> BTreeMap<String, Vec<u64>> {
    let mut found: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for finding in report["findings"].as_array().unwrap() {
        let name = format!("{} {}", finding["file"].as_str().unwrap(), finding["rule"].as_str().unwrap());
        found.entry(name).or_default().push(finding["line"].as_u64().unwrap());
    }
    found
}

/// The one that xtask stands in: its own files have to be what the rules ask of others.
#[test]
fn this_repository_is_clean() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    if !root.join("docs/lint.md").exists() {
        eprintln!("xtask was copied into another workspace, whose people decide what they mend");
        return;
    }
    let run = Workspace::empty().xtask(&["docker", "lint", root.to_str().unwrap()]);
    assert_eq!(run.code, Some(0), "{}\n{}", run.stdout, run.stderr);
    assert!(run.stdout.starts_with("nothing to mend in "), "{}", run.stdout);
}

/// Where its Dockerfile is told which packages the crates need.
#[test]
fn packages_that_crates_need_in_this_repositorys_dockerfile() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Dockerfile.production");
    let Ok(text) = fs::read_to_string(file) else { return };
    let workspace = good();
    workspace.write("Dockerfile.production", &text);
    let openssl = "\n[[package]]\nname = \"openssl-sys\"\nversion = \"0.9.110\"\n";
    workspace.write("Cargo.lock", &(workspace.read("Cargo.lock") + openssl));
    let finds = || rules(&report(&workspace, &["Dockerfile.production"])).contains("openssl-headers-missing");
    assert!(finds());
    workspace.edit("Dockerfile.production", "APT_PACKAGES=\"\"", "APT_PACKAGES=\"pkg-config libssl-dev\"");
    assert!(!finds());
}

/// `tests/lint/traps` does what a published repository did in January 2026, in words of our own: its recipe, its workflow,
/// its thin Dockerfile for Railway, and its committed configuration of cargo.
#[test]
fn a_repository_with_most_of_the_traps() {
    let workspace = Workspace::empty();
    copy_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lint/traps"), workspace.root());
    let report = report(&workspace, &["."]);
    let found = by_file(&report);
    let shown: Vec<String> = found.iter().map(|(name, lines)| format!("{name} {lines:?}")).collect();
    expect_test::expect_file!["../../lint/traps.txt"].assert_eq(&(shown.join("\n") + "\n"));
    // Those that the issue names.
    let rules = rules(&report);
    for rule in [
        "cook-target-mount",
        "cook-front-missing",
        "sccache-split",
        "build-secret-unused",
        "build-secret-malformed",
        "healthcheck-tool-missing",
        "bakes-port",
        "cargo-leptos-old",
        "toolchain-floating",
        "buildkit-floating",
        "railway-webhook",
        "secrets-on-pull-request",
        "rustc-wrapper-committed",
        "linker-in-rustflags",
        "base-floating",
    ] {
        assert!(rules.contains(rule), "{rule}: {rules:?}");
    }
}

#[test]
fn one_dockerfile_alone() {
    let workspace = good();
    workspace.edit("Dockerfile", "USER 65532:65532", "USER root");
    workspace.edit("railway.toml", "drainingSeconds = 15", "drainingSeconds = 0");
    let one = report(&workspace, &["Dockerfile"]);
    assert_eq!(one["files"], serde_json::json!(["Dockerfile"]));
    assert_eq!(rules(&one).into_iter().collect::<Vec<_>>(), ["runs-as-root"]);
}

#[test]
fn a_workspace_that_cargo_cannot_read() {
    let workspace = good();
    workspace.edit("Cargo.toml", "[workspace]", "[workspace");
    fs::remove_file(workspace.root().join("Cargo.lock")).unwrap();
    // Without an argument too, in the folder that we are in.
    for args in [[].as_slice(), &["."]] {
        let report = report(&workspace, args);
        assert!(rules(&report).contains("manifest-unreadable"), "{report:#}");
    }
}

/// Railway's file may be JSON.
#[test]
fn settings_in_json() {
    let workspace = good();
    fs::remove_file(workspace.root().join("railway.toml")).unwrap();
    let text = "{\n  \"deploy\": {\n    \"healthcheckPath\": \"/health\",\n    \"drainingSeconds\": 0,\n    \"overlap\": 1\n  }\n}\n";
    workspace.write("railway.json", text);
    let found = by_file(&report(&workspace, &["."]));
    let expected = [("railway.json railway-no-draining", 4), ("railway.json railway-unknown-key", 5)];
    let expected = expected.map(|(name, line)| (name.to_owned(), vec![line]));
    assert_eq!(found, BTreeMap::from(expected));
}

#[test]
fn nothing_to_look_at_and_no_such_folder() {
    let workspace = Workspace::empty();
    let run = lint(&workspace, &["."]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""));
    assert!(run.stderr.contains("there is nothing to look at in "), "{}", run.stderr);
    let run = lint(&workspace, &["gone"]);
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.contains("cannot read gone: "), "{}", run.stderr);
}

#[test]
fn it_changes_nothing_needs_no_programs_and_prints_no_secrets() {
    let mut workspace = good();
    workspace.set("PATH", "/nowhere");
    let secret = ["ghp_", &"a".repeat(36)].concat();
    workspace.edit("Dockerfile", "LEPTOS_ENV=PROD", &format!("LEPTOS_ENV=PROD DB_PASSWORD={secret}"));
    let before = listing(workspace.root());
    for format in ["human", "json", "markdown"] {
        let run = workspace.xtask(&["docker", "lint", ".", "--format", format]);
        assert_eq!(run.code, Some(1), "{}", run.stderr);
        assert!(
            run.stdout.contains("secret-literal") && run.stdout.contains("secret-in-env"),
            "{}",
            run.stdout
        );
        assert!(!run.stdout.contains(&secret) && !run.stderr.contains(&secret));
    }
    assert!(listing(workspace.root()) == before);
}

/// A template as it comes, before anybody has thought of deployment.
#[test]
fn a_package_without_a_workspace() {
    let workspace = Workspace::empty();
    workspace.write("Cargo.toml", "[package]\nname = \"app\"\nedition = \"2024\"\n\n[package.metadata.leptos]\nbin-features = [\"ssr\"]\n");
    workspace.write("src/main.rs", "fn main() {}\n");
    workspace.write(
        "Dockerfile",
        "FROM rust:1.95-bookworm AS builder\nWORKDIR /work\nCOPY . .\nRUN cargo leptos build --release\n\
         FROM debian:bookworm-slim\nWORKDIR /app\nCOPY --from=builder /work/target/release/app /app/\n\
         COPY --from=builder /work/target/site /app/site\nENV LEPTOS_SITE_ADDR=0.0.0.0:8080 LEPTOS_SITE_ROOT=site\n\
         CMD [\"/app/app\"]\n",
    );
    let found: Vec<String> = rules(&report(&workspace, &["."])).into_iter().collect();
    assert_eq!(
        found,
        [
            "base-without-digest",
            "dependencies-uncached",
            "dockerignore-lacks-env",
            "dockerignore-lacks-git",
            "dockerignore-lacks-target",
            "leptos-env-not-production",
            "leptos-environment-incomplete",
            "port-ignored",
            "runs-as-root",
            "source-label-missing",
        ]
    );
}

/// The image takes what was built on the host.
#[test]
fn what_was_built_outside_is_copied() {
    let workspace = good();
    workspace.write(".dockerignore", ".git\n.env*\n");
    workspace.write(
        "Dockerfile",
        "FROM gcr.io/distroless/cc-debian13:nonroot@sha256:2222222222222222222222222222222222222222222222222222222222222222\n\
         LABEL org.opencontainers.image.source=https://github.com/owner/app\nWORKDIR /app\n\
         COPY target/production/server target/production/hash.txt ./\nCOPY target/site ./site\n\
         ENV LEPTOS_OUTPUT_NAME=site LEPTOS_SITE_ROOT=site LEPTOS_SITE_ADDR=[::]:3000 LEPTOS_HASH_FILES=true LEPTOS_ENV=PROD\n\
         CMD [\"./server\"]\n",
    );
    let found = rules(&report(&workspace, &["."]));
    // The workflow of the good repository gives secrets that this recipe has no use for.
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["build-secret-unused"]);
    // Another name than the one that is started.
    workspace.edit("Dockerfile", "./server\"]", "./other\"]");
    assert!(rules(&report(&workspace, &["."])).contains("binary-path-mismatch"));
}
