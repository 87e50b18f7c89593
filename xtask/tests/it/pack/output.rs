//! An image as files: what a registry would have, for whoever has none.

use std::fs;

use serde_json::Value;

use super::{registry_with_base, workspace};
use crate::engine::{docker, has_engine};
use crate::registry::digest;

#[test]
fn a_folder_has_what_the_registry_has() {
    let Some(registry) = registry_with_base() else { return };
    let workspace = workspace();
    let (image, base) = (format!("{}/app:1", registry.address()), format!("{}/base:1", registry.address()));
    let pack = |more: &[&str]| {
        let args = ["docker", "pack", "--image", &image, "--base", &base, "--output", "image"];
        let run = workspace.xtask(&[&args[..], more].concat());
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        run.stdout.trim().to_owned()
    };
    let packed = pack(&["--push"]);
    let root = workspace.root().join("image");
    let json = |path: &str| -> Value { serde_json::from_slice(&fs::read(root.join(path)).unwrap()).unwrap() };
    assert_eq!(json("oci-layout")["imageLayoutVersion"], "1.0.0");
    let index = json("index.json");
    let entry = &index["manifests"][0];
    assert_eq!(entry["digest"], packed.as_str());
    assert_eq!(entry["annotations"]["org.opencontainers.image.ref.name"], "1");
    let blob = |descriptor: &Value| {
        let wanted = descriptor["digest"].as_str().unwrap();
        let content = fs::read(root.join("blobs").join(wanted.replace(':', "/"))).unwrap();
        assert_eq!(
            (digest(&content).as_str(), descriptor["size"].as_u64()),
            (wanted, Some(content.len() as u64))
        );
        content
    };
    let manifest = blob(entry);
    assert_eq!(manifest, registry.manifest("app", "1").body);
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    blob(&manifest["config"]);
    assert_eq!(manifest["layers"].as_array().unwrap().iter().map(blob).count(), 7);

    // What is there is not fetched again, and nothing but the files is written.
    let before = registry.requests().len();
    assert_eq!(pack(&[]), packed);
    let layers = registry.requests().into_iter().skip(before);
    assert_eq!(layers.filter(|request| request.starts_with("GET /v2/base/blobs/")).count(), 1);
    assert_eq!(fs::read_dir(root.join("blobs/sha256")).unwrap().count(), 9);
}

#[test]
fn an_archive_can_be_loaded() {
    let Some(registry) = registry_with_base() else { return };
    if !has_engine() {
        return;
    }
    let workspace = workspace();
    let name = workspace.root().file_name().unwrap().to_string_lossy().trim_start_matches('.').to_lowercase();
    let image = format!("registry.example/xtask-test-{name}:1");
    let base = format!("{}/base:1", registry.address());
    let archive = workspace.root().join("image.tar").display().to_string();
    let args = ["docker", "pack", "--image", &image, "--base", &base, "--output", &archive];
    let (first, bytes) = (workspace.xtask(&args), fs::read(&archive).unwrap());
    assert_eq!(first.code, Some(0), "{}", first.stderr);
    let again = workspace.xtask(&args);
    assert_eq!((again.code, fs::read(&archive).unwrap() == bytes), (Some(0), true));

    let loaded = docker(&["load", "--input", &archive]).unwrap();
    assert_eq!(loaded.code, Some(0), "{}", loaded.stderr);
    let printed = docker(&["run", "--rm", "--network", "none", &image, "--print"]).unwrap();
    let removed = docker(&["image", "rm", "--force", &image]).unwrap();
    assert_eq!(printed.code, Some(0), "{}", printed.stderr);
    assert!(printed.stdout.contains("<p id=\"answer\">"), "{}", printed.stdout);
    assert_eq!(removed.code, Some(0), "{}", removed.stderr);
}
