//! `ci image` among fakes: what is planned for each event, and a build that fails.

use expect_test::expect;
use sha2::{Digest, Sha256};

use super::Fakes;
use super::others::PROBES;
use crate::actions::Job;
use crate::pack::server::{Reply, Seen, Server, serve};
use crate::support::{folded, listing};

/// What a dry run says about the image, after the plan of the build.
fn planned(event: &str, git_ref: &str) -> String {
    let mut fakes = Fakes::new();
    let job = Job::start(&mut fakes.workspace, event, git_ref);
    let before = listing(&fakes.root());
    let run = fakes.run(&["ci", "image", "--dry-run"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(job.outputs() + &job.summary(), "");
    assert!(listing(&fakes.root()) == before);
    let (build, image) = run.stdout.split_once("# read base").unwrap();
    assert!(build.contains("cargo build") || build.contains("cargo rustc"), "{build}");
    fakes.plain(&format!("# read base{image}"))
}

#[test]
fn the_default_branch_pushes_and_tests() {
    expect![[r#"
        # read base
        # read gcr.io/distroless/cc-debian13:nonroot for linux/amd64 from its registry
        # check linkage
        # check that the base has the libraries of [root]/target/production/app-server, in
            versions that are new enough
        # assemble image
        # assemble an image: [root]/target/production/app-server and [root]/target/site into /app
        # push image
        # push it to ghcr.io/octo-org/fixture as in-<digest of its inputs>, unless an image of
            the same inputs is there
        # smoke
        # cargo xtask docker smoke IMAGE@DIGEST
        # tag
        # sha-0123456, main, latest"#]]
    .assert_eq(&folded(&planned("push", "refs/heads/main")));
}

#[test]
fn tags_follow_the_ref() {
    for (event, git_ref, tags) in
        [("push", "refs/heads/a/b", "sha-0123456, a-b"), ("push", "refs/tags/v1.2.3", "sha-0123456, 1.2.3")]
    {
        let plan = planned(event, git_ref);
        assert!(plan.ends_with(&format!("# tag\n# {tags}\n")), "{plan}");
    }
}

#[test]
fn nothing_of_a_pull_request_or_a_merge_queue_gets_into_the_registry() {
    for (event, git_ref) in [
        ("pull_request", "refs/pull/7/merge"),
        ("pull_request_target", "refs/pull/7/merge"),
        ("merge_group", "refs/heads/gh-readonly-queue/main/pr-7"),
    ] {
        let plan = planned(event, git_ref);
        assert!(plan.contains("# assemble") && !plan.contains("push"), "{plan}");
        assert!(!plan.contains("smoke") && !plan.contains("# tag"), "{plan}");
    }
}

#[test]
fn on_a_laptop_it_must_be_said_where_to() {
    let fakes = Fakes::new();
    let run = fakes.run(&["ci", "image", "--dry-run"]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    expect![[r#"
        error: there is no registry to push the image to
         hint: set `image = "ghcr.io/owner/app"` in [workspace.metadata.xtask] in Cargo.toml"#]]
    .assert_eq(&run.messages(&fakes.workspace));
}

#[test]
fn a_build_that_fails_is_in_the_summary_without_its_secrets() {
    // Base and account are looked at before anything is built.
    let (mut fakes, _registry) = with_registry(|request, _| base(&request.path));
    fakes.workspace.set("A_TOKEN", "hunter2-of-a-test");
    let job = Job::start(&mut fakes.workspace, "push", "refs/heads/main");
    fakes.when("wasm-bindgen", "--out-dir", "err it says hunter2-of-a-test\nexit 1");
    let run = fakes.run(&["ci", "image"]);
    assert_eq!((run.code, job.outputs().as_str()), (Some(4), ""), "{}", run.stderr);
    let summary = job.summary();
    assert!(summary.starts_with("### Image: failed\n\n**build and pack failed**\n\n```text\n"), "{summary}");
    assert!(summary.contains("it says [redacted]"), "{summary}");
    assert!(!summary.contains("hunter2"), "{summary}");
}

/// Fakes with an engine, for a workspace whose image and base are in a registry that remembers what it was asked.
fn with_registry(answer: impl Fn(&Seen, &str) -> Reply + Send + Sync + 'static) -> (Fakes, Server) {
    let fakes = Fakes::new();
    let registry = serve(answer);
    let mut metadata = super::metadata(&fakes.root(), "style/main.css");
    let (image, base) = (format!("{}/team/app", registry.address), format!("{}/base:1", registry.address));
    metadata["metadata"]["xtask"] = serde_json::json!({"image": image, "base-image": base});
    fakes.when("cargo", "metadata", &format!("out {metadata}"));
    std::os::unix::fs::symlink(super::fake_tool(), fakes.folder().join("bin/docker")).unwrap();
    let absent = "err Error response from daemon: No such image: app:1\nexit 1";
    fakes.script("docker", &format!("[version]\nout 28.0.1\n[image inspect]\n{absent}\n"));
    (fakes, registry)
}

/// Answers of a registry that lets everybody in and has a base without a layer.
fn base(path: &str) -> Reply {
    let config = serde_json::json!({
        "os": "linux", "architecture": "amd64", "config": {}, "rootfs": {"type": "layers", "diff_ids": []}, "history": [],
    });
    let config = config.to_string();
    let digest: String = Sha256::digest(&config).iter().map(|byte| format!("{byte:02x}")).collect();
    let manifest = serde_json::json!({
        "schemaVersion": 2,
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": format!("sha256:{digest}"),
            "size": config.len(),
        },
        "layers": [],
    });
    let manifest_type = [("content-type", "application/vnd.oci.image.manifest.v1+json")];
    match path {
        "/v2/" => Reply::new(200, &[], "{}"),
        "/v2/base/manifests/1" => Reply::new(200, &manifest_type, &manifest.to_string()),
        path if path.ends_with(&digest) => Reply::new(200, &[], &config),
        _ => Reply::new(404, &[], ""),
    }
}

#[test]
fn dry_runs_ask_no_registry_and_the_engine_only_what_it_has() {
    for in_a_job in [false, true] {
        let (mut fakes, registry) = with_registry(|_, _| Reply::new(404, &[], ""));
        let job = in_a_job.then(|| Job::start(&mut fakes.workspace, "push", "refs/heads/main"));
        let image = format!("{}/team/app:1", registry.address);
        let listings = || (listing(&fakes.root()), listing(&fakes.folder().join("home")));
        let before = listings();
        for args in [
            &["docker", "pack", "--push", "--force", "--dry-run"] as &[&str],
            &["docker", "pack", "--dry-run", "--format", "json"],
            &["docker", "smoke", &image, "--dry-run"],
            &["docker", "smoke", &image, "--dry-run", "--format", "json"],
            &["ci", "image", "--dry-run"],
        ] {
            let run = fakes.run(args);
            assert_eq!(run.code, Some(0), "{args:?}: {}", run.stderr);
            assert!(run.stdout.contains(&registry.address), "{args:?}: {}", run.stdout);
            let looks = |call: &String| {
                let engine = ["docker version ", "docker image inspect ", "docker context inspect "];
                PROBES.contains(&call.as_str()) || engine.iter().any(|start| call.starts_with(start))
            };
            let calls = fakes.calls();
            assert!(!calls.is_empty() && calls.iter().all(looks), "{args:?}: {calls:?}");
            assert!(listings() == before, "{args:?} changed something");
            assert!(registry.seen().is_empty(), "{args:?}: {:?}", registry.seen());
        }
        assert!(job.is_none_or(|job| job.outputs().is_empty() && job.summary().is_empty()));
    }
}

#[test]
fn a_tag_in_the_metadata_would_name_what_is_not_tested_yet() {
    let (fakes, registry) = with_registry(|_, _| Reply::new(404, &[], ""));
    for end in [":latest", &format!("@sha256:{}", "0".repeat(64))] {
        let mut metadata = super::metadata(&fakes.root(), "style/main.css");
        metadata["metadata"]["xtask"] =
            serde_json::json!({"image": format!("{}/team/app{end}", registry.address)});
        fakes.when("cargo", "metadata", &format!("out {metadata}"));
        let run = fakes.run(&["ci", "image"]);
        assert_eq!(run.code, Some(2), "{}", run.stderr);
        assert!(run.stderr.contains("has a tag or a digest"), "{}", run.stderr);
    }
    assert!(registry.seen().is_empty(), "{:?}", registry.seen());
}
