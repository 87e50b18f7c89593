//! `docker build` with a stand-in for Docker: what one run has to do with another. Which inputs make another image, and
//! two runs at once.

use std::fs;

use serde_json::{Value, json};

use super::docker_build::{DIGEST, DOCKERFILE, docker, fakes, records};
use crate::running::Running;

#[test]
fn the_digest_of_the_inputs_follows_what_is_in_the_image() {
    let fakes = fakes();
    docker(&fakes, "exit 1");
    let digest = |args: &[&str]| {
        let args = [&["docker", "build", "--push", "--image", "ghcr.io/o/app", "--dry-run"], args].concat();
        let run = fakes.run(&args);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        let (_, rest) = run.stdout.split_once(":in-").unwrap();
        rest[..64].to_owned()
    };
    let first = digest(&[]);
    fakes.workspace.write("target/x", "left out");
    fakes.workspace.write(".env.local", "left out");
    let same = ["--tag", "other", "--cache", "registry", "--builder", "b", "--provenance", "off"];
    assert_eq!(digest(&same), first);
    let mut all = vec![first, digest(&["--build-arg", "A=1"]), digest(&["--platform", "arm64"])];
    all.push(digest(&["--", "--build-context=a=b"]));
    // What is in it, wherever it is.
    fakes.workspace.write("target/b/x", "1");
    all.push(digest(&["--", "--build-context=a=target/b"]));
    fakes.workspace.write("target/b/x", "2");
    all.push(digest(&["--", "--build-context=a=target/b"]));
    all.extend(["min", "max"].map(|mode| digest(&["--provenance", mode])));
    fakes.workspace.write("server/src/main.rs", "// another\n");
    all.push(digest(&[]));
    fakes.workspace.write("Dockerfile.production", &format!("{DOCKERFILE}# x\n"));
    all.push(digest(&[]));
    // The builder's own platform counts like one that is asked for: on another machine it is another image.
    let builder = |platforms: &str| {
        let text = format!("Name: b\nNodes:\nName: b0\nPlatforms: {platforms}\n");
        fs::write(fakes.folder().join("inspected"), text).unwrap();
    };
    builder("linux/riscv64, linux/386");
    all.push(digest(&[]));
    for (platforms, name) in [("linux/arm64, linux/arm/v7", "aarch64"), ("linux/amd64/v2", "linux/amd64")] {
        builder(platforms);
        assert_eq!(digest(&[]), digest(&["--platform", name]));
    }
    let distinct: std::collections::BTreeSet<&String> = all.iter().collect();
    assert_eq!(distinct.len(), all.len(), "{all:?}");
}

/// A run that is under way does not see what another one is told.
#[test]
fn two_builds_side_by_side() {
    let fakes = fakes();
    let other = DIGEST.replace('a', "b");
    docker(&fakes, "built; touch built; while [ ! -e go ]; do sleep 0.02; done");
    let mut first = Running::start(&mut fakes.workspace.command(&["docker", "build", "--load"]));
    while !fakes.folder().join("built").exists() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    docker(&fakes, &format!("echo '{{\"containerimage.digest\": \"{other}\"}}' > \"$metadata\""));
    assert_eq!(fakes.run(&["docker", "build", "--load"]).stdout, format!("{other}\n"));
    fs::write(fakes.folder().join("go"), "").unwrap();
    assert_eq!(first.wait(), Some(Some(0)), "{}", first.said());
    let digests: Vec<Value> = records(&fakes).into_iter().map(|record| record["digest"].clone()).collect();
    assert_eq!(digests, [json!(other), json!(DIGEST)]);
}
