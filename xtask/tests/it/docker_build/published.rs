//! What a build leaves in a registry beside the image, and what it takes from there: statements of how it was made, which
//! `docker smoke` looks through for secrets, and a base whose tag was moved.

use serde_json::{Value, json};

use super::small::Small;
use crate::registry::{Registry, platform, system_libraries};
use crate::smoke::{line, with_verdict};
use crate::support::Workspace;

/// What `docker smoke` says of the image.
fn smoked(workspace: &Workspace, image: &str) -> Value {
    let args = ["docker", "smoke", image, "--health-path", "/health", "--format", "json"];
    let run = workspace.xtask(&args);
    serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{}", run.stderr))
}

#[test]
fn a_secret_among_the_arguments_is_found_in_the_provenance() {
    let Some(mut small) = Small::new(Registry::start()) else { return };
    // Not in the last stage, whose history has its arguments as well.
    small.recipe("FROM scratch AS builder\nARG KEY\nCOPY image/ /\nFROM scratch\nCOPY --from=builder / /");
    let secret = format!("hunter2-{}-of-a-test", std::process::id());
    let argument = format!("KEY={secret}");
    let built = small.built(&["--push", "--provenance", "max", "--build-arg", &argument]);
    let digest = built["digest"].as_str().unwrap();
    let image = format!("{}@{digest}", small.image());
    let found = smoked(&small.workspace, &image);
    assert_eq!(line(&found, "provenance"), "ok: none in 1 statement");
    assert_eq!(with_verdict(&found, "failed"), [""; 0], "{found:#}");

    // It is one that this machine knows.
    small.workspace.set("BUILD_KEY", &secret);
    let found = smoked(&small.workspace, &image);
    assert_eq!(line(&found, "provenance"), "failed: the value of BUILD_KEY in its provenance");
    assert_eq!(with_verdict(&found, "failed"), ["provenance"], "{found:#}");
    assert!(!found.to_string().contains(&secret), "{found:#}");

    // What cannot be read was not looked at, and is not called good: the statement is gone, then the registry.
    let index = small.registry.manifest("team/small", digest).json();
    let entries = index["manifests"].as_array().unwrap();
    let attestation = entries.iter().find(|entry| entry["platform"]["os"] == "unknown").unwrap();
    let attestation = attestation["digest"].as_str().unwrap();
    let path = format!("/v2/team/small/manifests/{attestation}");
    assert_eq!(small.registry.send("DELETE", &path, "", &[]).status, 202);
    let lacks = format!("skipped: it could not be looked at: {image} lacks its attestation {attestation}");
    assert_eq!(line(&smoked(&small.workspace, &image), "provenance"), lacks);
    small.registry.stop();
    let found = line(&smoked(&small.workspace, &image), "provenance");
    assert!(found.starts_with("skipped: it could not be looked at: "), "{found}");
    assert!(found.contains("connection refused"), "{found}");
}

#[test]
fn a_base_whose_tag_was_moved() {
    let Some(small) = Small::new(Registry::start()) else { return };
    let base = format!("{}/team/base:1", small.registry.address());
    let old = small.registry.push_base("team/base", "1", platform());
    let old = old["digest"].as_str().unwrap();
    let layers = |repository: &str, name: &str| {
        let manifest = small.registry.manifest(repository, name).json();
        let layers = manifest["layers"].as_array().unwrap().iter();
        layers.map(|layer| layer["digest"].clone()).collect::<Vec<Value>>()
    };
    small.recipe(&format!("FROM {base}@{old}\nCOPY image/ /"));
    let first = small.built(&["--push"]);

    let other = [system_libraries(), vec![("etc/moved".to_owned(), b"moved\n".to_vec())]].concat();
    let new = small.registry.push_base_with("team/base", "1", platform(), &other);
    let new = new["digest"].as_str().unwrap();
    // Whoever has named the digest gets the same one as before.
    let again = small.built(&["--push", "--force"]);
    assert_eq!((&again["digest"], &again["reused"]), (&first["digest"], &json!(false)));
    let stands_on = |built: &Value, base: &str| {
        let all = layers("team/small", built["digest"].as_str().unwrap());
        all.starts_with(&layers("team/base", base))
    };
    assert!(stands_on(&again, old) && !stands_on(&again, new));
    small.recipe(&format!("FROM {base}\nCOPY image/ /"));
    let moved = small.built(&["--push"]);
    assert!(stands_on(&moved, new) && !stands_on(&moved, old));
}
