//! `docker build` with a real engine and a real registry, by a Dockerfile of a few lines: what does not depend on what is
//! built. Compression, platforms, accounts, bases that are not there, images that were deleted.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::{Value, json};

use crate::engine::{Pulled, has_engine};
use crate::registry::{PASSWORD, Registry, USER};
use crate::smoke::{GOOD, line, with_verdict};
use crate::support::{Run, Workspace, contents, processes_with};

/// An image of nothing but the server of the smoke tests, and a registry for it.
pub struct Small {
    pub workspace: Workspace,
    pub registry: Registry,
    _pulled: Pulled,
}

impl Small {
    /// `None` where the machine lacks a part.
    pub fn new(registry: Option<Registry>) -> Option<Small> {
        let registry = registry.filter(|_| has_engine())?;
        let mut workspace = Workspace::fixture();
        for name in
            ["XTASK_REGISTRY_USERNAME", "XTASK_REGISTRY_PASSWORD", "SCCACHE_BUCKET", "SOURCE_DATE_EPOCH"]
        {
            workspace.set(name, "");
        }
        for (path, file) in crate::smoke::files() {
            let path = workspace.root().join("image").join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::copy(file, path).unwrap();
        }
        // No builder has this layer yet, compressed in another way.
        workspace.write("image/etc/only-here", registry.address());
        workspace.write(".dockerignore", "*\n!image\n");
        let pulled = Pulled(format!("{}/team/small", registry.address()));
        let small = Small { workspace, registry, _pulled: pulled };
        small.recipe("FROM scratch\nCOPY image/ /");
        Some(small)
    }

    /// From now on the Dockerfile begins with these lines, and goes on with the server's configuration.
    pub fn recipe(&self, lines: &str) {
        self.workspace.write("Dockerfile.production", &format!("{lines}\n{}\n", GOOD.join("\n")));
    }

    pub fn image(&self) -> String {
        format!("{}/team/small", self.registry.address())
    }

    pub fn run(&self, args: &[&str]) -> Run {
        let image = self.image();
        self.workspace.xtask(&[&["docker", "build", "--format", "json", "--image", &image], args].concat())
    }

    pub fn built(&self, args: &[&str]) -> Value {
        let run = self.run(args);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        serde_json::from_str(&run.stdout).unwrap()
    }

    /// A configuration of Docker's client that knows nobody, with the plugins of this machine's user.
    pub fn clean_configuration(&mut self) -> String {
        let folder = self.workspace.root().join("target/docker-config");
        fs::create_dir_all(&folder).unwrap();
        let home = std::env::var_os("HOME").unwrap_or_default();
        let plugins = Path::new(&home).join(".docker/cli-plugins");
        if plugins.is_dir() {
            std::os::unix::fs::symlink(plugins, folder.join("cli-plugins")).unwrap();
        }
        let folder = folder.display().to_string();
        self.workspace.set("DOCKER_CONFIG", folder.clone());
        folder
    }
}

#[test]
fn zstd_is_pulled_again_and_looked_through() {
    let Some(mut small) = Small::new(Registry::start()) else { return };
    let built = small.built(&["--push", "--compression", "zstd"]);
    let digest = built["digest"].as_str().unwrap();
    let manifest = small.registry.manifest("team/small", digest).json();
    for layer in manifest["layers"].as_array().unwrap() {
        assert_eq!(layer["mediaType"], "application/vnd.oci.image.layer.v1.tar+zstd", "{manifest:#}");
        let blob = small.registry.blob("team/small", layer["digest"].as_str().unwrap());
        assert_eq!(blob[..4], [0x28, 0xb5, 0x2f, 0xfd]);
    }
    let image = format!("{}@{digest}", small.image());
    let report = |small: &Small, args: &[&str]| -> Value {
        let run = small.workspace.xtask(&[&["docker"], args, &["--format", "json"]].concat());
        serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{}", run.stderr))
    };
    let smoke = ["smoke", &image, "--health-path", "/health"];
    let smoked = report(&small, &smoke);
    assert_eq!(with_verdict(&smoked, "failed"), [""; 0], "{smoked:#}");
    assert!(line(&smoked, "secrets").starts_with("ok: none in 1 layers ("), "{smoked:#}");
    let inspected = report(&small, &["inspect", &image]);
    let largest = inspected["largest"].as_array().unwrap();
    assert!(largest.iter().any(|file| file["path"] == "/server"), "{inspected:#}");
    // What was pushed last from here needs no name.
    assert_eq!(report(&small, &["inspect"])["digest"], digest);
    assert!(inspected["raw_size"].as_u64().unwrap() > inspected["size"].as_u64().unwrap(), "{inspected:#}");
    // The text of the server's own files, as a secret.
    small.workspace.set("CANARY_TOKEN", "This isn't much of ");
    let smoked = report(&small, &smoke);
    assert_eq!(line(&smoked, "secrets"), "failed: the value of CANARY_TOKEN in /server");
}

/// Nothing runs while it is built, so that no emulation is needed. What is in the image is for this machine all the same.
#[test]
fn two_platforms_are_an_index() {
    let Some(small) = Small::new(Registry::start()) else { return };
    let args = ["--push", "--platform", "amd64,arm64", "--provenance", "min", "--tag", "1"];
    let built = small.built(&args);
    assert_eq!(built["platforms"], json!(["linux/amd64", "linux/arm64"]));
    let index = small.registry.manifest("team/small", "1");
    assert_eq!(index.digest.as_deref(), built["digest"].as_str());
    let index = index.json();
    let architectures: Vec<&str> = index["manifests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|manifest| manifest["platform"]["architecture"].as_str().unwrap())
        .collect();
    // The statements how each of them was made come last.
    assert_eq!(architectures, ["amd64", "arm64", "unknown", "unknown"], "{index:#}");
    let image = format!("{}:1", small.image());
    let args_of = |platform| ["docker", "inspect", &image, "--platform", platform, "--format", "json"];
    for (asked, platform) in [("x86_64", "linux/amd64"), ("linux/arm64", "linux/arm64")] {
        let inspected = small.workspace.xtask(&args_of(asked));
        let inspected: Value = serde_json::from_str(&inspected.stdout).unwrap();
        assert_eq!(inspected["platform"], platform);
    }
    assert_eq!(small.built(&args)["reused"], true);
    assert_eq!(small.built(&["--push", "--platform", "arm64", "--tag", "2"])["reused"], false);

    // Where nobody says for what, it is the builder's own, which the next machine may not have.
    let own = small.built(&["--push"]);
    let platform = crate::registry::platform();
    assert_eq!((&own["platforms"], &own["reused"]), (&json!([platform]), &json!(platform == "linux/arm64")));
    let asked = small.built(&["--push", "--platform", platform]);
    assert_eq!((&asked["reused"], &asked["digest"]), (&json!(true), &own["digest"]));
}

#[test]
fn accounts_for_a_push() {
    let Some(mut small) = Small::new(Registry::with_password()) else { return };
    small.clean_configuration();
    let nobody = small.run(&["--push"]);
    assert_eq!(nobody.code, Some(4), "{}", nobody.stderr);
    assert!(nobody.stderr.contains("XTASK_REGISTRY_USERNAME"), "{}", nobody.stderr);
    small.workspace.set("XTASK_REGISTRY_USERNAME", USER);
    small.workspace.set("XTASK_REGISTRY_PASSWORD", "not the password");
    let mut refused = vec![nobody];
    for more in [&[][..], &["--force"], &["--load"]] {
        refused.push(small.run(&[&["--push"], more].concat()));
    }
    for run in &refused {
        assert_eq!((run.code, run.stdout.as_str()), (Some(4), ""), "{}", run.stderr);
        let expected = format!("cannot push to {}", small.image());
        assert!(run.messages(&small.workspace).contains(&expected), "{}", run.stderr);
        assert!(!run.stderr.contains("not the password"), "{}", run.stderr);
        // Before anything is built.
        assert!(!run.stderr.contains("Finished"), "{}", run.stderr);
    }
    assert!(!small.registry.requests().iter().any(|request| request.contains("/blobs/")));

    small.workspace.set("XTASK_REGISTRY_PASSWORD", PASSWORD);
    let run = small.run(&["--push", "--cache", "registry", "--tag", "1"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let input = format!(
        "in-{}",
        serde_json::from_str::<Value>(&run.stdout).unwrap()["input_digest"].as_str().unwrap()
    );
    assert_eq!(small.registry.tags("team/small"), ["1", input.as_str(), "layers"]);
    assert!(!format!("{}{}", run.stdout, run.stderr).contains(PASSWORD));
    let left = contents(&small.workspace.root().join("target"));
    assert!(left.iter().all(|(path, text)| !path.contains("docker-login") && !text.contains(PASSWORD)));
    assert_eq!(processes_with(PASSWORD), [""; 0]);
}

/// The text that names a base may end in its digest. The label stands last, where only the digest can tell which layers
/// are the base's: by the history, all would be.
#[test]
fn the_base_is_known_by_its_digest() {
    let Some(small) = Small::new(Registry::start()) else { return };
    let pushed = small.registry.push_base("team/base", "1", crate::registry::platform());
    let digest = pushed["digest"].as_str().unwrap();
    let base = format!("{}/team/base:1@{digest}", small.registry.address());
    let label = "LABEL org.opencontainers.image.base.name=\"${BASE_IMAGE}\"";
    small.recipe(&format!(
        "ARG BASE_IMAGE={base}\nFROM ${{BASE_IMAGE}}\nCOPY image/ /\nARG BASE_IMAGE\n{label}"
    ));
    let built = small.built(&["--push"]);
    let reference = built["reference"].as_str().unwrap();
    let run = small.workspace.xtask(&["docker", "inspect", reference, "--format", "json"]);
    let inspected: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{}", run.stderr));
    assert_eq!((&inspected["base"]["name"], &inspected["base"]["layers"]), (&json!(base), &json!(5)));
    assert_eq!(inspected["layers"].as_array().unwrap().len(), 6);
}

/// As an image for another platform would have it: the kernel refuses to run it.
#[test]
fn a_program_of_another_machine() {
    let Some(small) = Small::new(Registry::start()) else { return };
    let mut header = [0; 64];
    // ELF, 64 bit, little end first, a program, for a machine that is not this one.
    header[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
    header[16] = 2;
    header[18] = if crate::registry::platform() == "linux/amd64" { 183 } else { 62 };
    let program = small.workspace.root().join("image/foreign");
    fs::write(&program, header).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    small.recipe("FROM scratch\nCOPY image/ /\nRUN [\"/foreign\"]");
    let run = small.run(&["--push"]);
    assert_eq!(run.code, Some(4), "{}", run.stderr);
    assert!(
        run.messages(&small.workspace).contains("name one on such a machine (`--builder`)"),
        "{}",
        run.stderr
    );
}

#[test]
fn bases_that_are_not_there() {
    let Some(small) = Small::new(Registry::start()) else { return };
    let base = format!("{}/team/base", small.registry.address());
    small.registry.push_base("team/base", "1", crate::registry::platform());
    let other = format!("{base}:1@sha256:{}", "0".repeat(64));
    for name in [format!("{base}:none"), other] {
        small.recipe(&format!("FROM {name}\nCOPY image/ /"));
        let run = small.run(&["--push"]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(4), ""), "{}", run.stderr);
        let message = run.messages(&small.workspace);
        assert!(message.contains(&name) && message.contains("not found"), "{message}");
        assert!(message.contains("BASE_IMAGE"), "{message}");
    }
}

#[test]
fn what_was_deleted_is_made_again() {
    let Some(small) = Small::new(Registry::start()) else { return };
    let built = small.built(&["--push"]);
    assert_eq!(small.built(&["--push"])["reused"], true);
    let digest = built["digest"].as_str().unwrap();
    let path = format!("/v2/team/small/manifests/{digest}");
    assert_eq!(small.registry.send("DELETE", &path, "", &[]).status, 202);
    let image = format!("{}@{digest}", small.image());
    for command in ["inspect", "smoke"] {
        let run = small.workspace.xtask(&["docker", command, &image]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(4), ""), "{}", run.stderr);
        assert!(run.stderr.contains(&image), "{}", run.stderr);
    }
    let again = small.built(&["--push"]);
    assert_eq!((&again["reused"], &again["digest"]), (&json!(false), &built["digest"]));
    assert_eq!(small.registry.manifest("team/small", digest).status, 200);

    // Nor is a tag believed that somebody has moved.
    let tag = format!("in-{}", built["input_digest"].as_str().unwrap());
    let moved = small.registry.push_base("team/small", &tag, crate::registry::platform());
    assert_ne!(moved["digest"], digest);
    let run = small.run(&["--push"]);
    assert!(run.stderr.contains("names an image of other inputs"), "{}", run.stderr);
    let again: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((&again["reused"], &again["digest"]), (&json!(false), &built["digest"]));
    assert_eq!(small.registry.manifest("team/small", &tag).digest.as_deref(), Some(digest));
}
