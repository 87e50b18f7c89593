//! What `docker build --push` leaves in a real registry: tags, labels, and an image in the engine besides; and what it does
//! where the registry wants tokens, or is not well for a while.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use super::small::Small;
use crate::actions::Job;
use crate::engine::docker;
use crate::pack::registry_with_tokens;
use crate::pack::server::{Reply, Seen, forward, serve};
use crate::registry::{PASSWORD, Registry, USER, platform};
use crate::running::Running;
use crate::support::Workspace;

/// The record of the last run.
fn record(small: &Small) -> Value {
    let records = small.workspace.read("target/xtask/records/docker-build.jsonl");
    serde_json::from_str(records.lines().last().unwrap()).unwrap()
}

fn input_tag(built: &Value) -> String {
    format!("in-{}", built["input_digest"].as_str().unwrap())
}

/// What `docker inspect` says of the image that was pushed last, which is compared with the one before it.
fn compared(small: &Small, last: &Value, before: &Value) -> Value {
    let run = small.workspace.xtask(&["docker", "inspect", "--format", "json"]);
    let inspected: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{}", run.stderr));
    assert_eq!(inspected["digest"], last["digest"]);
    assert_eq!(inspected["difference"]["with"], before["reference"]);
    inspected["difference"].clone()
}

/// Pushes to main, to another branch, and of a version, which is what main is.
#[test]
fn tags_of_branches_and_versions() {
    let Some(mut small) = Small::new(Registry::start()) else { return };
    let build = |small: &mut Small, git_ref: &str| {
        let job = Job::start(&mut small.workspace, "push", git_ref);
        (job, small.built(&["--push", "--auto-tags"]))
    };
    let (_job, main) = build(&mut small, "refs/heads/main");
    assert_eq!(main["tags"], json!([input_tag(&main), "sha-0123456", "main", "latest"]));

    small.workspace.write("image/etc/more", "of a branch");
    let (_job, branch) = build(&mut small, "refs/heads/feature/a+b");
    assert_eq!(branch["tags"], json!([input_tag(&branch), "sha-0123456", "feature-a-b"]));
    assert_ne!(branch["digest"], main["digest"]);
    let difference = compared(&small, &branch, &main);
    assert_eq!((&difference["added"], &difference["removed"]), (&json!(1), &json!(0)), "{difference:#}");

    fs::remove_file(small.workspace.root().join("image/etc/more")).unwrap();
    let (_job, version) = build(&mut small, "refs/tags/v1.2.3");
    assert_eq!(version["tags"], json!([input_tag(&main), "sha-0123456", "1.2.3"]));
    assert_eq!((&version["reused"], &version["digest"]), (&json!(true), &main["digest"]));
    let difference = compared(&small, &version, &branch);
    assert_eq!((&difference["added"], &difference["removed"]), (&json!(0), &json!(1)), "{difference:#}");

    let (of_main, of_branch) = (input_tag(&main), input_tag(&branch));
    let all = [
        ("1.2.3", &main),
        ("feature-a-b", &branch),
        (of_branch.as_str(), &branch),
        (of_main.as_str(), &main),
        ("latest", &main),
        ("main", &main),
        ("sha-0123456", &main),
    ];
    for (tag, built) in all {
        assert_eq!(
            small.registry.manifest("team/small", tag).digest.as_deref(),
            built["digest"].as_str(),
            "{tag}"
        );
    }
    assert_eq!(small.registry.tags("team/small").len(), all.len(), "{:?}", small.registry.tags("team/small"));
}

/// They are two images: what the engine gets keeps its times.
#[test]
fn it_is_pushed_and_loaded_at_once() {
    let Some(small) = Small::new(Registry::start()) else { return };
    let built = small.built(&["--push", "--load", "--tag", "1"]);
    let digest = built["digest"].as_str().unwrap();
    assert_eq!(built["tags"], json!([input_tag(&built), "1"]));
    assert_eq!(built["reference"], format!("{}@{digest}", small.image()));
    for tag in [input_tag(&built).as_str(), "1"] {
        assert_eq!(small.registry.manifest("team/small", tag).digest.as_deref(), Some(digest));
        let image = format!("{}:{tag}", small.image());
        let loaded =
            docker(&["image", "inspect", "--format", "{{json .Config.Entrypoint}}", &image]).unwrap();
        assert_eq!(loaded.stdout.trim(), "[\"/server\"]", "{}", loaded.stderr);
        assert_eq!(docker(&["image", "rm", &image]).unwrap().code, Some(0));
    }
}

#[test]
fn tokens_for_a_push() {
    let folder = tempfile::tempdir().unwrap();
    let Some((registry, service)) = registry_with_tokens(folder.path(), "repository:team/small:pull") else {
        return;
    };
    let Some(mut small) = Small::new(Some(registry)) else { return };
    small.clean_configuration();
    let nobody = small.run(&["--push"]);
    assert_eq!(nobody.code, Some(4), "{}", nobody.stderr);
    assert!(!nobody.stderr.contains("Finished"), "{}", nobody.stderr);
    assert!(nobody.stderr.contains("XTASK_REGISTRY_USERNAME"), "{}", nobody.stderr);

    small.workspace.set("XTASK_REGISTRY_USERNAME", USER);
    small.workspace.set("XTASK_REGISTRY_PASSWORD", PASSWORD);
    let run = small.run(&["--push", "--cache", "registry", "--tag", "1"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let built: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(small.registry.tags("team/small"), ["1", input_tag(&built).as_str(), "layers"]);
    assert_eq!(small.registry.manifest("team/small", "1").digest.as_deref(), built["digest"].as_str());
    // By this type `docker prune` knows that it is no image.
    let layers = small.registry.manifest("team/small", "layers").json();
    assert_eq!(layers["config"]["mediaType"], "application/vnd.buildkit.cacheconfig.v0", "{layers:#}");
    // Docker's client fetched a token of its own.
    assert!(service.seen().iter().any(|request| request.method == "POST"), "{:?}", service.seen());

    // As the same account it is pulled again, and the registry asked what lies beside it.
    let image = built["reference"].as_str().unwrap();
    let smoked = small.workspace.xtask(&["docker", "smoke", image, "--health-path", "/health"]);
    assert_eq!(smoked.code, Some(0), "{}{}", smoked.stdout, smoked.stderr);
    assert!(smoked.stdout.contains("none was pushed beside it"), "{}", smoked.stdout);
    for said in [&nobody.stderr, &run.stdout, &run.stderr, &smoked.stdout, &smoked.stderr] {
        assert!(!said.contains(PASSWORD) && !said.contains("eyJ"), "{said}");
    }
}

fn is_tagging(request: &Seen) -> bool {
    request.method == "PUT" && request.path.contains("/manifests/")
}

/// BuildKit tries again by itself for some seconds, and then gives up. What the server says behind the number is its own.
#[test]
fn a_registry_that_is_not_well_for_a_while() {
    let Some(small) = Small::new(Registry::start()) else { return };
    let is_well = Arc::new(AtomicBool::new(false));
    let (behind, well) = (small.registry.address().to_owned(), Arc::clone(&is_well));
    let front = serve(move |request, _| {
        if is_tagging(request) && !well.load(Ordering::SeqCst) {
            return Reply::new(503, &[], "");
        }
        forward(request, &behind)
    });
    let image = format!("{}/team/small", front.address);
    let mut build =
        Running::start(&mut small.workspace.command(&["docker", "build", "--push", "--image", &image]));
    build.word_after("attempt 1 of 3 failed");
    is_well.store(true, Ordering::SeqCst);
    assert_eq!(build.wait(), Some(Some(0)), "{}", build.said());
    let record = record(&small);
    assert_eq!((&record["attempts"], &record["result"]), (&json!(2), &json!("ok")), "{}", build.said());
    let tag = input_tag(&record);
    assert_eq!(small.registry.manifest("team/small", &tag).digest.as_deref(), record["digest"].as_str());
    // All but the last were refused.
    assert!(front.seen().iter().filter(|request| is_tagging(request)).count() > 2, "{}", build.said());
}

/// The labels of the other way to an image; those of a Dockerfile are looked at where one is built.
#[test]
fn a_packed_image_says_what_it_is() {
    let Some(registry) = Registry::start() else { return };
    let base = format!("{}/base:1", registry.address());
    let descriptor = registry.push_base("base", "1", platform());
    let mut workspace = Workspace::built_fixture();
    let folder = workspace.root().join("target/docker-config").display().to_string();
    for (name, value) in [
        ("DOCKER_CONFIG", folder.as_str()),
        ("XTASK_REGISTRY_USERNAME", ""),
        ("XTASK_REGISTRY_PASSWORD", ""),
        ("GITHUB_REPOSITORY", "octo-org/fixture"),
    ] {
        workspace.set(name, value);
    }
    let image = format!("{}/app", registry.address());
    let run = workspace
        .xtask(&["docker", "pack", "--push", "--image", &image, "--base", &base, "--format", "json"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let packed: Value = serde_json::from_str(&run.stdout).unwrap();
    let manifest = registry.manifest("app", packed["digest"].as_str().unwrap()).json();
    let config = registry.blob("app", manifest["config"]["digest"].as_str().unwrap());
    let config: Value = serde_json::from_slice(&config).unwrap();
    assert_eq!(
        config["config"]["Labels"],
        json!({
            "org.opencontainers.image.source": "https://github.com/octo-org/fixture",
            "org.opencontainers.image.title": "fixture",
            "xtask.input-digest": packed["input_digest"],
        })
    );
    assert_eq!(
        manifest["annotations"],
        json!({
            "org.opencontainers.image.base.digest": descriptor["digest"],
            "org.opencontainers.image.base.name": base,
        })
    );
}
