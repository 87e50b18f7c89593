//! `docker build` with a stand-in for Docker: the command, progress, attempts, and what is made of what was compiled.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use base64ct::{Base64, Encoding};
use serde_json::{Value, json};

use super::Fakes;
use crate::actions::Job;
use crate::running::Running;
use crate::support::{Run, folded, listing, processes_with};

pub const DOCKERFILE: &str = "FROM a AS builder\n# xtask: begin pins\n# xtask: end\nRUN --mount=type=cache,target=/r \\\n    \
                          # xtask: begin cook-front\n    # xtask: end\n    && true\n";
pub const DIGEST: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

pub fn fakes() -> Fakes {
    let mut fakes = Fakes::new();
    fakes.workspace.write("Dockerfile.production", DOCKERFILE);
    fakes.workspace.write(".dockerignore", "target\n.git\n.env*\n");
    for name in ["SCCACHE_BUCKET", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
        fakes.workspace.set(name, "");
    }
    fakes.workspace.set("SOURCE_DATE_EPOCH", "");
    fakes.workspace.set("GITHUB_REPOSITORY", "");
    fakes
}

/// Docker as a script; `$count` is the number of the call, and `says` prints what BuildKit would. It does not know for
/// which platform it builds, where the test does not say so in `inspected`.
pub fn docker(fakes: &Fakes, body: &str) {
    let folder = fakes.folder();
    let text = format!(
        "#!/bin/sh\nPATH=/usr/bin:/bin\ncd {folder}\n\
         case \"$1 $2\" in \"buildx inspect\") cat inspected 2>/dev/null; exit;; \"version --format\") exit 1;; esac\n\
         echo \"docker $*\" >> log\necho x >> count\ncount=$(wc -l < count)\n\
         while [ \"$1\" ]; do if [ \"$1\" = --metadata-file ]; then metadata=$2; fi; shift; done\n\
         built() {{ echo '{{\"containerimage.digest\": \"{DIGEST}\"}}' > \"$metadata\"; }}\n{body}\n",
        folder = folder.display(),
    );
    let path = folder.join("bin/docker");
    // A shell reads on in its script: the one that runs keeps its own.
    let new = folder.join("docker-new");
    fs::write(&new, text).unwrap();
    fs::set_permissions(&new, fs::Permissions::from_mode(0o755)).unwrap();
    fs::rename(new, path).unwrap();
}

/// Lines of the protocol, as a script prints them on standard error.
fn says(lines: &[Value]) -> String {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    format!("cat >&2 <<'END'\n{text}END\n")
}

fn vertex(digest: &str, name: &str, error: &str) -> Value {
    json!({"vertexes": [{"digest": digest, "name": name, "started": "2026-01-01T00:00:00Z",
                         "completed": "2026-01-01T00:00:04Z", "error": error}]})
}

fn log(digest: &str, stream: u8, text: &str) -> Value {
    let data = Base64::encode_string(text.as_bytes());
    json!({"logs": [{"vertex": digest, "stream": stream, "data": data, "timestamp": "2026-01-01T00:00:01Z"}]})
}

/// What a build of the app prints that has compiled this.
fn printed(recompiled: &Value) -> String {
    let units = json!({"fresh": 40, "compiled": 1, "compiled_packages": ["app-server"]});
    let steps = json!([{"name": "compile server", "units": units}]);
    serde_json::to_string_pretty(&json!({"steps": steps, "recompiled": recompiled})).unwrap()
}

pub fn records(fakes: &Fakes) -> Vec<Value> {
    let text = fakes.workspace.read("target/xtask/records/docker-build.jsonl");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn message(fakes: &Fakes, run: &Run) -> String {
    folded(&fakes.plain(&run.messages(&fakes.workspace)))
}

#[test]
fn a_dry_run_prints_the_command_and_changes_nothing() {
    let mut fakes = fakes();
    fakes.workspace.set("SCCACHE_BUCKET", "cache");
    fakes.workspace.set("AWS_ACCESS_KEY_ID", "an-id-of-a-test");
    docker(&fakes, "exit 1");
    let before = listing(&fakes.root());
    let run = fakes.run(&[
        "docker",
        "build",
        "--push",
        "--image",
        "ghcr.io/o/app:1.2",
        "--tag",
        "x",
        "--platform",
        "amd64,arm64",
        "--cache",
        "registry",
        "--provenance",
        "min",
        "--compression",
        "zstd",
        "--dry-run",
        "--",
        "--network=host",
    ]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(listing(&fakes.root()) == before);
    let (_, rest) = run.stdout.split_once("in-").unwrap();
    let digest = rest.split(['\'', '"', ',']).next().unwrap();
    assert_eq!(digest.len(), 64, "{}", run.stdout);
    let (_, rest) = run.stdout.split_once("/xtask/docker-build-").unwrap();
    let file = format!("docker-build-{}", rest.split(' ').next().unwrap());
    let plan = fakes.plain(&run.stdout).replace(digest, "INPUTS").replace(&file, "docker-build-RUN.json");
    expect_test::expect![[r#"
        set -e
        # build image
        cd [root]
        docker buildx build --progress rawjson --file [root]/Dockerfile.production --platform
            linux/amd64,linux/arm64 --build-arg COMPILE_CACHE=sccache --build-arg
            SCCACHE_BUCKET=cache --build-arg SOURCE_DATE_EPOCH=0 --label
            org.opencontainers.image.title=app --label xtask.input-digest=INPUTS --secret
            id=aws_access_key_id,env=AWS_ACCESS_KEY_ID --cache-from
            type=registry,ref=ghcr.io/o/app:layers --cache-to
            type=registry,ref=ghcr.io/o/app:layers,mode=max,image-manifest=true,oci-mediatypes=true,ignore-error=true
            --provenance mode=min --metadata-file [root]/target/xtask/docker-build-RUN.json
            --output
            'type=image,"name=ghcr.io/o/app:in-INPUTS",push=true,compression=zstd,oci-mediatypes=true,rewrite-timestamp=true,store=false'
            --network=host [root]
        # tag image
        # tag ghcr.io/o/app@DIGEST as 1.2, x"#]].assert_eq(&folded(&plan));
}

/// GitHub's cache wants its actions, and is written for those alone who may write to the repository.
#[test]
fn githubs_cache_in_githubs_actions() {
    let mut fakes = fakes();
    docker(&fakes, "exit 1");
    fakes.workspace.set("ACTIONS_RUNTIME_TOKEN", "a-token-of-a-test");
    let args =
        ["docker", "build", "--push", "--image", "ghcr.io/o/app", "--cache", "registry,gha", "--dry-run"];
    for (event, is_written) in [("push", true), ("pull_request", false)] {
        let _job = Job::start(&mut fakes.workspace, event, "refs/heads/main");
        let run = fakes.run(&args);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        for name in ["type=gha,scope=image", "type=registry,ref=ghcr.io/o/app:layers"] {
            assert!(run.stdout.contains(&format!("--cache-from {name}")), "{}", run.stdout);
            assert_eq!(run.stdout.contains(&format!("--cache-to {name}")), is_written, "{}", run.stdout);
        }
        assert!(!run.stdout.contains("a-token-of-a-test"), "{}", run.stdout);
    }
}

#[test]
fn what_the_network_did_is_tried_again() {
    let fakes = fakes();
    let failed = says(&[vertex(
        "e",
        "exporting to image",
        "failed to push: unexpected status: 503 Service Unavailable",
    )]);
    let name = "[builder 1/2] RUN xtask build --after-cook";
    let good = says(&[vertex("b", name, ""), log("b", 1, &printed(&json!([])))]);
    docker(&fakes, &format!("if [ $count = 1 ]; then {failed} exit 1; fi\n{good} built"));
    let run = fakes.run(&["docker", "build", "--load", "--format", "json"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(
        run.stderr.contains("attempt 1 of 3 failed") && run.stderr.contains("1 after the cook: app-server")
    );
    let record: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(
        (&record["attempts"], &record["digest"], &record["reference"]),
        (&2.into(), &DIGEST.into(), &Value::Null)
    );
    assert_eq!(record["stages"][0]["instruction"], "RUN xtask build --after-cook");
    assert_eq!(record["after_cook"]["server"]["compiled_packages"], json!(["app-server"]));
    assert_eq!(records(&fakes), [record]);

    docker(&fakes, "rm -f count\nbuilt");
    let human = fakes.run(&["docker", "build", "--load"]);
    assert_eq!(human.stdout, format!("{DIGEST}\n"));
    // Each run has had a file of its own for what buildx tells, and it is gone.
    let left = listing(&fakes.root().join("target/xtask"));
    assert!(!format!("{left:?}").contains("docker-build-"), "{left:?}");
}

#[test]
fn what_the_dockerfile_did_is_not() {
    let mut fakes = fakes();
    fakes.workspace.set("A_TOKEN", "hunter2-of-a-test");
    let lines = [
        log("b", 2, "error: no such crate, hunter2-of-a-test\n"),
        vertex("b", "[builder 2/3] RUN --mount=x cargo chef cook", "exit code: 101"),
    ];
    let begun = json!({"vertexes": [{"digest": "b", "name": "[builder 2/3] RUN --mount=x cargo chef cook"}]});
    docker(&fakes, &format!("{} exit 1", says(&[&[begun], lines.as_slice()].concat())));
    let run = fakes.run(&["docker", "build"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(4), ""), "{}", run.stderr);
    assert!(run.stderr.contains("error: no such crate, [redacted]"), "{}", run.stderr);
    let last = run.stderr.lines().last().unwrap();
    assert_eq!(last, "error: step `build image`: builder 2/3: RUN cargo chef cook: exit code: 101");
    let record = &records(&fakes)[0];
    assert_eq!(
        (&record["result"], &record["attempts"], &record["digest"]),
        (&"failed".into(), &1.into(), &Value::Null)
    );
}

#[test]
fn dependencies_cooked_in_vain_are_an_error_that_names_the_flag() {
    let fakes = fakes();
    let name = "[builder 1/2] RUN xtask build --after-cook";
    let again =
        json!([{"package": "serde", "half": "front", "differences": ["rustflags: none before, now -Ca"]}]);
    // The build in there says it and fails, as ours does, so that no layer is kept.
    let lines = [vertex("b", name, "exit code: 1"), log("b", 1, &printed(&again))];
    docker(&fakes, &format!("{} exit 1", says(&lines)));
    assert_eq!(fakes.run(&["generate"]).code, Some(0));
    assert_eq!(fakes.run(&["generate", "--check"]).code, Some(0));
    fakes.workspace.edit("Dockerfile.production", "RUSTFLAGS=-Cembed-bitcode=yes ", "");
    fakes.workspace.edit("Dockerfile.production", "--profile production", "--profile release");
    let run = fakes.run(&["docker", "build", "--load"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{}", run.stderr);
    expect_test::expect![[r#"
        error: dependencies were cooked in vain: the front half compiled serde again (rustflags:
            none before, now -Ca); Dockerfile.production:11 (cook-front) lacks
            `RUSTFLAGS=-Cembed-bitcode=yes`; Dockerfile.production:12 (cook-front) lacks
            `production` and should not have `release`
         hint: run `cargo xtask generate`"#]]
    .assert_eq(&message(&fakes, &run));
    assert!(!run.stderr.contains("compiled_packages"), "{}", run.stderr);
    assert!(run.stderr.contains("Dockerfile.production:11: 2 lines are not what follows"), "{}", run.stderr);
    assert_eq!(records(&fakes)[0]["result"], "failed");
    // One that does not fail, and is not allowed to pass all the same.
    let lines = [vertex("b", name, ""), log("b", 1, &printed(&again))];
    docker(&fakes, &format!("{} built", says(&lines)));
    let silent = fakes.run(&["docker", "build", "--load"]);
    assert_eq!((silent.code, silent.stdout.as_str()), (Some(1), ""), "{}", silent.stderr);
    let _ = fakes.calls();
    let allowed = fakes.run(&["docker", "build", "--load", "--allow-recompiled"]);
    assert_eq!((allowed.code, allowed.stdout), (Some(0), format!("{DIGEST}\n")));
    assert!(allowed.stderr.contains("next: `cargo xtask docker smoke app:in-"), "{}", allowed.stderr);
    let called = fakes.calls();
    assert!(called.iter().any(|call| call.contains("--build-arg ALLOW_RECOMPILED=yes")), "{called:?}");
    let drift = fakes.run(&["generate", "--check"]);
    assert_eq!(drift.code, Some(1));
    assert!(message(&fakes, &drift).contains("run `cargo xtask generate`"), "{}", drift.stderr);
}

/// What no command can write is held all the same: the digest of another compiler's image is the registry's to tell.
#[test]
fn the_image_compiles_with_the_rust_of_the_workspace() {
    let fakes = fakes();
    let line = "ARG RUST_IMAGE=docker.io/library/rust:1.95.0-slim-trixie@sha256:00";
    fakes.workspace.write("Dockerfile.production", &format!("{line}\n{DOCKERFILE}"));
    let toolchain = |channel: &str| {
        fakes.workspace.write("rust-toolchain.toml", &format!("[toolchain]\nchannel = \"{channel}\"\n"));
    };
    toolchain("1.95.0");
    assert_eq!(fakes.run(&["generate"]).code, Some(0));
    assert_eq!(fakes.run(&["generate", "--check"]).code, Some(0));
    toolchain("1.96.1");
    for args in [&["generate", "--check"][..], &["generate"]] {
        let run = fakes.run(args);
        assert_eq!(run.code, Some(1), "{}", run.stderr);
        expect_test::expect![[r#"
            error: Dockerfile.production:1: RUST_IMAGE is not Rust 1.96.1, which rust-toolchain.toml
                names
             hint: `docker buildx imagetools inspect docker.io/library/rust:1.96.1-slim-trixie`
                prints the digest for that line"#]]
        .assert_eq(&message(&fakes, &run));
        assert!(run.stdout.contains("+ ARG RUST_IMAGE=docker.io/library/rust:1.96.1-slim-trixie@sha256:…"));
        assert!(fakes.workspace.read("Dockerfile.production").starts_with(line));
    }
    let asked = |channel: &str| {
        toolchain(channel);
        let run = fakes.run(&["generate", "--check"]);
        let words: Vec<String> = message(&fakes, &run).split_whitespace().map(str::to_owned).collect();
        (run.code, words.join(" "))
    };
    // Of the newest nightly there is an image, of other days and of beta there is none.
    let (code, nightly) = asked("nightly");
    assert_eq!(code, Some(1), "{nightly}");
    assert!(nightly.contains("imagetools inspect docker.io/rustlang/rust:nightly-slim`"), "{nightly}");
    for channel in ["stable", "beta", "nightly-2026-01-01"] {
        assert_eq!(asked(channel).0, Some(0), "{channel}");
    }
    // The file of the old name counts before the other.
    fakes.workspace.write("rust-toolchain", "1.96.1\n");
    let (code, old) = asked("1.95.0");
    assert_eq!(code, Some(1), "{old}");
    assert!(old.contains("RUST_IMAGE is not Rust 1.96.1, which rust-toolchain names"), "{old}");
}

/// What fails the instruction of the test above.
#[test]
fn a_build_after_the_cook_fails_where_a_dependency_is_compiled() {
    let fakes = Fakes::new();
    let dependency = json!({
        "reason": "compiler-artifact", "package_id": "registry+https://registry.example/index#serde@1.0.2",
        "target": {"kind": ["lib"], "name": "serde"}, "features": [], "filenames": ["/none/deps/libserde-22.rlib"],
        "fresh": false,
    });
    let script = fakes.folder().join("scripts/cargo");
    let text = fs::read_to_string(&script).unwrap();
    assert!(text.contains("[build --bin]\n"));
    let more = format!("[build --bin]\nout {dependency}\n");
    fs::write(&script, text.replacen("[build --bin]\n", &more, 1)).unwrap();
    let build = |args: &[&str]| fakes.run(&[&["build", "--ask-cargo", "--format", "json"], args].concat());
    let run = build(&["--after-cook"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(run.stderr.contains("dependencies were cooked in vain: serde (server half)"), "{}", run.stderr);
    // The report is there all the same: whoever called wants to know what.
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((&report["result"], &report["recompiled"][0]["package"]), (&"failed".into(), &"serde".into()));
    assert_eq!(fakes.records()[0]["result"], "failed");
    for args in [&["--after-cook", "--allow-recompiled"][..], &[]] {
        let run = build(args);
        assert_eq!(run.code, Some(0), "{args:?}: {}", run.stderr);
    }
    assert_eq!(build(&["--allow-recompiled"]).code, Some(2));
}

#[test]
fn what_docker_lacks_is_named() {
    let fakes = fakes();
    let said = |text: &str| {
        docker(&fakes, &format!("echo '{text}' >&2; exit 125"));
        let run = fakes.run(&["docker", "build", "--load"]);
        (run.code, message(&fakes, &run))
    };
    let (code, text) = said("unknown flag: --progress");
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("Docker has no buildx") && text.contains("docker-buildx-plugin"), "{text}");
    let (code, text) = said("ERROR: Cannot connect to the Docker daemon at unix:///x. Is it running?");
    assert_eq!(code, Some(4), "{text}");
    assert!(text.contains("systemctl start docker"), "{text}");
    let (_, text) =
        said("permission denied while trying to connect to the Docker daemon socket at unix:///x");
    assert!(text.contains("group `docker`"), "{text}");
    // Too old, or too new, for what it is asked.
    let new = "ERROR: client version 1.52 is too new. Maximum supported API version is 1.41";
    for (words, expected) in [
        ("ERROR: invalid progress mode rawjson", "0.13 or newer"),
        ("unknown flag: --provenance", "this buildx does not know what it is asked for"),
        (new, "do not understand each other"),
    ] {
        let (code, text) = said(words);
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(code == Some(3) && line.contains(words) && line.contains(expected), "{text}");
    }
    let (code, text) = said("ERROR: no builder \"remote\" found");
    assert_eq!(code, Some(4), "{text}");
    assert!(text.contains("docker buildx ls"), "{text}");
    fs::remove_file(fakes.folder().join("bin/docker")).unwrap();
    let run = fakes.run(&["docker", "build", "--load"]);
    assert_eq!(run.code, Some(3), "{}", run.stderr);
    let text = message(&fakes, &run);
    assert!(text.contains("the image is built with Docker") && text.contains("docs.docker.com"), "{text}");
}

#[test]
fn ctrl_c_ends_docker_too_and_the_next_run_goes_on() {
    let fakes = fakes();
    docker(&fakes, "echo $$ > pid; exec sleep 77.5");
    let mut build = Running::start(&mut fakes.workspace.command(&["docker", "build", "--load"]));
    while !fakes.folder().join("pid").exists() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!(build.end_with("INT"), Some(130));
    assert_eq!(processes_with("sleep 77.5"), [""; 0]);
    assert_eq!(records(&fakes)[0]["result"], "interrupted");
    docker(&fakes, "built");
    assert_eq!(fakes.run(&["docker", "build", "--load"]).code, Some(0));
}

#[test]
fn what_cannot_be_built_is_said_before_anything_is_done() {
    let fakes = fakes();
    docker(&fakes, "exit 1");
    let refused = |args: &[&str]| {
        let run = fakes.run(&[&["docker", "build"], args].concat());
        assert_eq!(run.code, Some(2), "{}", run.stderr);
        message(&fakes, &run)
    };
    assert!(refused(&["--push"]).contains("need to know where to"));
    assert!(refused(&["--push", "--image", &format!("ghcr.io/o/a@{DIGEST}")]).contains("leave out"));
    assert!(refused(&["--cache", "gha", "--image", "ghcr.io/o/a"]).contains("ACTIONS_RUNTIME_TOKEN"));
    assert!(refused(&["--build-arg", "x"]).contains("NAME=VALUE"));
    assert!(refused(&["--tag", "a b"]).contains("--tag a b"));
    fs::remove_file(fakes.root().join("Dockerfile.production")).unwrap();
    assert!(refused(&[]).contains("there is no Dockerfile.production"));
    assert_eq!(fakes.calls().iter().filter(|call| call.starts_with("docker ")).count(), 0);
}
