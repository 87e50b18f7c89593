//! What is packed and pushed: consistent, the same from every checkout, and sent only where it is missing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;

use serde_json::{Value, json};

use super::{push, pushed, records, registry_with_base, workspace};
use crate::registry::{OCI_MANIFEST, Registry, digest, system_libraries};
use crate::support::Workspace;

/// The files of a layer, by path, with mode and content.
pub type Files = BTreeMap<String, (u32, Vec<u8>)>;

/// Reads an image as an engine would: every digest and size on the way is checked. Its configuration, and the files of
/// each layer.
pub fn pull(registry: &Registry, repository: &str, reference: &str) -> (Value, Vec<Files>) {
    let manifest = registry.manifest(repository, reference).json();
    assert_eq!(manifest["mediaType"], OCI_MANIFEST);
    let blob = |descriptor: &Value| {
        let bytes = registry.blob(repository, descriptor["digest"].as_str().unwrap());
        assert_eq!(descriptor["size"], bytes.len());
        bytes
    };
    let config: Value = serde_json::from_slice(&blob(&manifest["config"])).unwrap();
    let layers = manifest["layers"].as_array().unwrap();
    let diff_ids = config["rootfs"]["diff_ids"].as_array().unwrap();
    assert_eq!(layers.len(), diff_ids.len());
    assert_eq!(config["history"].as_array().unwrap().len(), layers.len());
    let mut files = Vec::new();
    for (layer, diff_id) in layers.iter().zip(diff_ids) {
        let mut tar = Vec::new();
        flate2::read::GzDecoder::new(blob(layer).as_slice()).read_to_end(&mut tar).unwrap();
        assert_eq!(*diff_id, digest(&tar).as_str());
        let mut found = Files::new();
        for entry in tar::Archive::new(tar.as_slice()).entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            let path = entry.path().unwrap().display().to_string();
            found.insert(path, (entry.header().mode().unwrap(), content));
        }
        files.push(found);
    }
    (config, files)
}

fn has_what_was_built(workspace: &Workspace, registry: &Registry, reference: &str) {
    let (config, layers) = pull(registry, "app", reference);
    let [base, .., site, binary] = layers.as_slice() else { panic!("{} layers", layers.len()) };
    assert_eq!((layers.len(), base.contains_key("etc/passwd")), (7, true));
    let read = |file: &str| fs::read(workspace.root().join("target").join(file)).unwrap();
    assert_eq!(binary["app/fixture-server"], (0o755, read("production/fixture-server")));
    assert_eq!(site["app/hash.txt"], (0o644, read("production/hash.txt")));
    assert_eq!(site["app/site/robots.txt"], (0o644, read("site/robots.txt")));
    assert!(site.keys().any(|path| path.starts_with("app/site/pkg/") && path.ends_with(".wasm.br")));
    assert_eq!(site["app/site/pkg/"].0, 0o755);

    let settings = &config["config"];
    assert_eq!(settings["Entrypoint"], json!(["/app/fixture-server"]));
    assert_eq!((&settings["WorkingDir"], &settings["User"]), (&json!("/app"), &json!("65532")));
    assert!(settings["Cmd"].is_null() && settings["ExposedPorts"].is_null());
    assert_eq!(settings["StopSignal"], "SIGTERM");
    assert_eq!(config["x-kept"], json!({"unknown": true}));
    assert_eq!(config["created"], "1970-01-01T00:00:00Z");
    let env: Vec<&str> =
        settings["Env"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    let expected = expect_test::expect![[r#"
        PATH=/usr/local/bin:/usr/bin
        SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
        HOST=0.0.0.0
        LEPTOS_ENV=PROD
        LEPTOS_HASH_FILES=true
        LEPTOS_HASH_FILE_NAME=hash.txt
        LEPTOS_OUTPUT_NAME=fixture
        LEPTOS_RELOAD_PORT=3001
        LEPTOS_SITE_ADDR=0.0.0.0:3000
        LEPTOS_SITE_PKG_DIR=pkg
        LEPTOS_SITE_ROOT=site"#]];
    expected.assert_eq(&env.join("\n"));
}

/// What became of each layer, from the lowest.
fn states(record: &Value) -> String {
    let layers = record["layers"].as_array().unwrap().iter();
    layers.map(|layer| layer["state"].as_str().unwrap()).collect::<Vec<_>>().join(" ")
}

#[test]
fn one_image_from_two_checkouts() {
    let Some(registry) = registry_with_base() else { return };
    let address = registry.address();
    let one = workspace();
    let first = push(&one, address, &["--tag", "1.0"]);
    assert_eq!(first.code, Some(0), "{}", first.stderr);
    // Nothing but the digest, so that a script can take it.
    let digest = first.stdout.trim_end();
    assert_eq!(registry.manifest("app", "1.0").digest.as_deref(), Some(digest));
    has_what_was_built(&one, &registry, digest);
    let record = records(&one).remove(0);
    assert_eq!(record["reference"], format!("{address}/app@{digest}"));
    assert_eq!(states(&record), "mounted mounted mounted mounted mounted sent sent");

    let two = workspace();
    // What was compiled elsewhere is left aside: all that is of the workspace is compiled again in this folder.
    for file in ["core/src/lib.rs", "ui/src/lib.rs", "front/src/lib.rs", "server/src/main.rs"] {
        two.write(file, &format!("{}\n// Another checkout.\n", two.read(file)));
    }
    // Nor does a commit that changes no input change the image.
    git(&two, &["init", "--quiet"]);
    let before = registry.requests().len();
    let mut commits = vec![record["revision"]["commit"].clone()];
    for text in ["one", "two"] {
        two.write("NOTES.md", text);
        git(&two, &["add", "NOTES.md"]);
        git(&two, &["commit", "--quiet", "--message", text]);
        let again = pushed(&two, address, &[]);
        assert!(!commits.contains(&again["revision"]["commit"]), "{again:#}");
        commits.push(again["revision"]["commit"].clone());
        assert_eq!((&again["digest"], &again["reused"]), (&json!(digest), &json!(true)), "{again:#}");
        assert_eq!(again["layers"][5]["digest"], record["layers"][5]["digest"]);
    }
    assert_eq!(registry.changes_since(before), [""; 0]);
    let own = ["fixture-core", "fixture-front", "fixture-server", "fixture-ui"];
    assert_eq!(compiled(&two), [own.map(str::to_owned).to_vec(), Vec::new()]);

    let before = registry.requests().len();
    let tagged = pushed(&two, address, &["--tag", "1.0", "--tag", "stable"]);
    assert_eq!(tagged["reused"], true);
    assert_eq!(registry.changes_since(before), ["PUT /v2/app/manifests/stable 201"]);
    let input_tag = format!("in-{}", tagged["input_digest"].as_str().unwrap());
    assert_eq!(tagged["tags"], json!([input_tag, "1.0", "stable"]));
    assert_eq!(registry.tags("app"), ["1.0", input_tag.as_str(), "stable"]);

    // By force everything is looked for again, and what is there is still not sent.
    let before = registry.requests().len();
    let forced = pushed(&two, address, &["--force"]);
    assert_eq!((&forced["digest"], &forced["reused"]), (&json!(digest), &json!(false)));
    assert_eq!(registry.changes_since(before), [format!("PUT /v2/app/manifests/{input_tag} 201")]);

    // Without --push nothing is sent, and the digest is the same.
    let before = registry.requests().len();
    let base = format!("{address}/base:1");
    let packed = two.xtask(&["docker", "pack", "--base", &base]);
    assert_eq!(packed.stdout, first.stdout);
    assert_eq!(registry.changes_since(before), [""; 0]);
    assert_eq!(records(&two).last().unwrap()["reference"], Value::Null);

    // A tag that was moved by hand is not believed.
    let moved = registry.push_base("app", &input_tag, crate::registry::platform());
    assert_ne!(moved["digest"], digest);
    assert_eq!(pushed(&two, address, &[])["reused"], false);
    assert_eq!(registry.manifest("app", &input_tag).digest.as_deref(), Some(digest));

    // Nor is a label that somebody has copied into another image.
    let forged = forge(&registry, digest);
    registry.push_manifest("app", &input_tag, &forged);
    assert_eq!(pushed(&two, address, &[])["reused"], false);
    assert_eq!(registry.manifest("app", &input_tag).digest.as_deref(), Some(digest));

    // A change of the server sends the server and nothing else.
    two.edit("server/src/main.rs", "gave up on requests", "left requests");
    let before = registry.requests().len();
    let changed = pushed(&two, address, &[]);
    assert_eq!(states(&changed), "there there there there there there sent");
    assert_ne!(changed["digest"], digest);
    // The server and the configuration, which names it.
    let sent = |request: &&String| request.starts_with("PUT /v2/app/blobs/uploads/");
    assert_eq!(registry.changes_since(before).iter().filter(sent).count(), 2);
}

/// The packages that each build of the workspace has compiled so far.
fn compiled(workspace: &Workspace) -> Vec<Vec<String>> {
    let records = workspace.read("target/xtask/records/build.jsonl");
    let of = |line: &str| {
        let record: Value = serde_json::from_str(line).unwrap();
        let steps = record["steps"].as_array().unwrap().iter();
        let units = steps.filter_map(|step| step["units"]["compiled_packages"].as_array());
        let names: BTreeSet<String> = units.flatten().map(|name| name.as_str().unwrap().to_owned()).collect();
        names.into_iter().collect()
    };
    records.lines().map(of).collect()
}

fn git(workspace: &Workspace, args: &[&str]) {
    let author = ["-c", "user.name=tester", "-c", "user.email=tester@example.org"];
    let ran =
        std::process::Command::new("git").args(author).args(args).current_dir(workspace.root()).status();
    assert!(ran.unwrap().success(), "git {args:?}");
}

/// The image with all of its labels and another program in it.
fn forge(registry: &Registry, image: &str) -> Value {
    let mut manifest = registry.manifest("app", image).json();
    let config = registry.blob("app", manifest["config"]["digest"].as_str().unwrap());
    let mut config: Value = serde_json::from_slice(&config).unwrap();
    assert!(config["config"]["Labels"]["xtask.input-digest"].is_string(), "{config:#}");
    let other = manifest["layers"][0].clone();
    *manifest["layers"].as_array_mut().unwrap().last_mut().unwrap() = other;
    let diff_id = config["rootfs"]["diff_ids"][0].clone();
    *config["rootfs"]["diff_ids"].as_array_mut().unwrap().last_mut().unwrap() = diff_id;
    let config = config.to_string();
    manifest["config"]["size"] = config.len().into();
    manifest["config"]["digest"] = registry.push_blob("app", config.as_bytes()).into();
    manifest
}

#[test]
fn a_base_from_another_registry_is_copied() {
    let (Some(bases), Some(registry)) = (registry_with_base(), Registry::with_relative_locations()) else {
        return;
    };
    let workspace = workspace();
    let index = bases.manifest("base", "1").digest.unwrap();
    let base = format!("{}/base:1@{index}", bases.address());
    let image = format!("{}/app:1", registry.address());
    let run = workspace
        .xtask(&["docker", "pack", "--push", "--image", &image, "--base", &base, "--format", "markdown"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stdout.contains("| outcome | pushed |"), "{}", run.stdout);
    has_what_was_built(&workspace, &registry, "1");
    assert_eq!(states(&records(&workspace)[0]), "sent sent sent sent sent sent sent");

    // By now the tag names another image. Whoever has named the digest gets the same one as before.
    let other = [system_libraries(), vec![("etc/moved".to_owned(), b"moved\n".to_vec())]].concat();
    bases.push_base_with("base", "1", crate::registry::platform(), &other);
    let digest = |base: &str| {
        let run = workspace.xtask(&["docker", "pack", "--base", base]);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        run.stdout.trim_end().to_owned()
    };
    let pushed = registry.manifest("app", "1").digest.unwrap();
    assert_eq!(digest(&base), pushed);
    assert_ne!(digest(&format!("{}/base:1", bases.address())), pushed);
}
