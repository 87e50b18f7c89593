//! `docker build` with a real engine and a real registry, by this repository's own `Dockerfile.production`, on the fixture:
//! its lines are generated anew for it.
//!
//! The base images are arguments: XTASK_TEST_RUST_IMAGE and XTASK_TEST_BASE_IMAGE name images of this machine, and
//! XTASK_TEST_BUILD_ARGS further arguments that they need. What is compiled already is handed over as a build context in
//! place of the stage that would make it, so that a test takes one minute and not five.
//!
//! Tests here prune the build cache of the engine that they use, all of it: `docker buildx prune --all`.

mod builders;
mod checks;
mod compile_cache;
mod context;
mod faults;
mod interrupted;
mod projects;
mod published;
mod pushed;
mod signed;
mod small;
mod toolchain;

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::engine::{Pulled, docker, has_engine};
use crate::registry::Registry;
use crate::running::repository;
use crate::support::{Run, Workspace, skipped};
use compile_cache::{Bucket, counts};
use toolchain::Asked;

/// What the server's manifest says about its sources.
const REPOSITORY: &str = "repository = \"https://git.example.org/fixture\"";

/// Something to build, somewhere to push it to.
struct Site {
    workspace: Workspace,
    registry: Registry,
    tools: tempfile::TempDir,
    rust: String,
    base: String,
    _asked: Option<Asked>,
    _pulled: Pulled,
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

impl Site {
    /// The fixture, with the lines of the Dockerfile that follow from it. `None` where the machine lacks a part.
    fn new() -> Option<Site> {
        let mut site = Site::of(Workspace::fixture)?;
        site.workspace.edit(
            "server/Cargo.toml",
            "publish = false",
            &format!("publish = false\n{REPOSITORY}"),
        );
        site.generate();
        // The compiler has to be asked for, and the repository's file does.
        if let Some(asked) = Asked::of(&site.rust) {
            let text = format!("[toolchain]\nchannel = \"{}\"\n", asked.channel);
            site.workspace.write("rust-toolchain.toml", &text);
            site.rust = asked.image.clone();
            site._asked = Some(asked);
        }
        Some(site)
    }

    /// A workspace with packages of the fixture, before the lines of its Dockerfile are written.
    fn of(workspace: impl FnOnce() -> Workspace) -> Option<Site> {
        let dockerfile = repository().join("Dockerfile.production");
        if !dockerfile.exists() || !has_engine() {
            return None;
        }
        let (Some(rust), Some(base)) = (variable("XTASK_TEST_RUST_IMAGE"), variable("XTASK_TEST_BASE_IMAGE"))
        else {
            skipped("XTASK_TEST_RUST_IMAGE and XTASK_TEST_BASE_IMAGE name no images");
            return None;
        };
        let registry = Registry::start()?;
        let workspace = workspace();
        fs::copy(dockerfile, workspace.root().join("Dockerfile.production")).unwrap();
        fs::copy(repository().join(".dockerignore"), workspace.root().join(".dockerignore")).unwrap();
        // The script that chooses the linker comes from the automation's own sources.
        let shim = "xtask/src/tools/local/xtask-linker.sh";
        workspace.write(shim, &fs::read_to_string(repository().join(shim)).unwrap());
        let pulled = Pulled(format!("{}/team/fixture", registry.address()));
        let tools = tempfile::tempdir().unwrap();
        let site = Site { workspace, registry, tools, rust, base, _asked: None, _pulled: pulled };
        site.hand_over("xtask", Path::new(env!("CARGO_BIN_EXE_xtask")));
        // Of the same version for all of them.
        let status = Workspace::fixture().xtask(&["setup", "--check", "--format", "json"]);
        let status: Value = serde_json::from_str(&status.stdout).unwrap();
        let tools = status["tools"].as_array().unwrap();
        let tool = tools.iter().find(|tool| tool["tool"] == "wasm-bindgen").unwrap();
        let program = fs::canonicalize(tool["path"].as_str().expect("`cargo xtask setup` was run")).unwrap();
        site.hand_over("wasm-bindgen", &program);
        Some(site)
    }

    fn generate(&self) {
        let written = self.workspace.xtask(&["generate"]);
        assert_eq!(written.code, Some(0), "{}", written.stderr);
    }

    /// A folder in place of the stage of this name: its program is made already.
    fn hand_over(&self, stage: &str, program: &Path) {
        let folder = self.tools.path().join(stage).join("tool/bin");
        fs::create_dir_all(&folder).unwrap();
        fs::copy(program, folder.join(stage)).unwrap();
        // Debug info is of no use in there.
        let _ = Command::new("strip").arg(folder.join(stage)).status();
    }

    fn image(&self) -> String {
        format!("{}/team/fixture", self.registry.address())
    }

    fn run(&self, args: &[&str]) -> Run {
        let given = |name: &str, value: &str| format!("{name}={value}");
        let (rust, base) = (given("RUST_IMAGE", &self.rust), given("BASE_IMAGE", &self.base));
        let image = self.image();
        let mut all = vec!["docker", "build", "--format", "json", "--image", &image];
        all.extend(["--build-arg", &rust, "--build-arg", &base]);
        let more = variable("XTASK_TEST_BUILD_ARGS").unwrap_or_default();
        for arg in more.split_whitespace() {
            all.extend(["--build-arg", arg]);
        }
        all.extend(args);
        let contexts = ["xtask", "wasm-bindgen"].map(|stage| {
            let folder = self.tools.path().join(stage);
            format!("--build-context={stage}={}", folder.display())
        });
        all.push("--");
        all.extend(contexts.iter().map(String::as_str));
        self.workspace.xtask(&all)
    }

    fn built(&self, args: &[&str]) -> Value {
        let run = self.run(args);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        eprintln!("{}", run.stderr);
        serde_json::from_str(&run.stdout).unwrap()
    }

    /// The record of the last run, a failed one too.
    fn record(&self) -> Value {
        let records = self.workspace.read("target/xtask/records/docker-build.jsonl");
        serde_json::from_str(records.lines().last().unwrap()).unwrap()
    }

    /// The image says what it is, by labels that are not empty, and its server was linked by the linker that the shim
    /// chooses: that one leaves its name in it. Where the shim has no linker it takes the C compiler's without a word.
    fn is_labelled_and_linked(&self, built: &Value) {
        let manifest = self.registry.manifest("team/fixture", built["digest"].as_str().unwrap()).json();
        let config = self.registry.blob("team/fixture", manifest["config"]["digest"].as_str().unwrap());
        let config: Value = serde_json::from_slice(&config).unwrap();
        let labels = config["config"]["Labels"].as_object().unwrap();
        // No revision: a commit that changes no input changes no image.
        assert_eq!(
            Value::from(labels.clone()),
            json!({
                "org.opencontainers.image.base.name": self.base,
                "org.opencontainers.image.source": "https://git.example.org/fixture",
                "org.opencontainers.image.title": "fixture",
                "xtask.input-digest": built["input_digest"],
            })
        );
        let server = self.tools.path().join("server");
        fs::write(&server, self.file_of(&manifest, "app/fixture-server")).unwrap();
        let read = Command::new("readelf").arg("--string-dump=.comment").arg(&server).output().unwrap();
        let comment = String::from_utf8_lossy(&read.stdout);
        assert!(comment.contains("mold "), "{comment}{}", String::from_utf8_lossy(&read.stderr));
    }

    /// The content of a file in the image, whose path has no `/` before it.
    fn file_of(&self, manifest: &Value, path: &str) -> Vec<u8> {
        for layer in manifest["layers"].as_array().unwrap().iter().rev() {
            let blob = self.registry.blob("team/fixture", layer["digest"].as_str().unwrap());
            let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(blob.as_slice()));
            for entry in archive.entries().unwrap() {
                let mut entry = entry.unwrap();
                if &*entry.path().unwrap() == Path::new(path) {
                    let mut content = Vec::new();
                    entry.read_to_end(&mut content).unwrap();
                    return content;
                }
            }
        }
        panic!("no layer has {path}: {manifest:#}");
    }

    /// What was pushed last is looked at without being named: the base's share, and the difference to the image that was
    /// pushed before it.
    fn tells_base_and_difference(&self, last: &Value, before: &Value) {
        let run = self.workspace.xtask(&["docker", "inspect", "--format", "json"]);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        let inspected: Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(inspected["digest"], last["digest"]);
        let layers = docker(&["image", "inspect", "--format", "{{len .RootFS.Layers}}", &self.base]).unwrap();
        let base = &inspected["base"];
        assert_eq!(
            (&base["name"], base["layers"].to_string()),
            (&json!(self.base), layers.stdout.trim().to_owned())
        );
        assert!((1..100).contains(&base["percent"].as_u64().unwrap()), "{inspected:#}");
        assert_eq!(inspected["difference"]["with"], before["reference"]);
        assert!(inspected["difference"]["changed"].as_u64().unwrap() >= 1, "{inspected:#}");
    }

    /// The builder forgets what it has cached, downloads too, as a new one never knew it.
    fn forget(&self) {
        let pruned = docker(&["buildx", "prune", "--all", "--force"]).unwrap();
        assert_eq!(pruned.code, Some(0), "{}", pruned.stderr);
    }
}

/// The states of the instructions with this text.
fn states(record: &Value, text: &str) -> Vec<String> {
    let stages = record["stages"].as_array().unwrap();
    let of = stages.iter().filter(|stage| stage["instruction"].as_str().unwrap().contains(text));
    of.map(|stage| stage["state"].as_str().unwrap().to_owned()).collect()
}

fn packages(record: &Value, half: &str) -> Vec<String> {
    let packages =
        record["after_cook"][half]["compiled_packages"].as_array().unwrap_or_else(|| panic!("{record:#}"));
    packages.iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

/// Cold; then the same inputs; then one line changed on a builder that has only the registry's cache, without an account
/// for the compile cache; then a cook that is not like the build, which compiles all of it anew on such a builder.
#[test]
fn no_dependency_is_compiled_after_the_cook() {
    let Some(mut site) = Site::new() else { return };
    let Some(bucket) = Bucket::start() else { return };
    bucket.use_for(&mut site.workspace);
    // A recipe that no builder has cooked before.
    let unique = format!("publish = false\ndescription = \"{}\"", site.registry.address());
    site.workspace.edit("server/Cargo.toml", "publish = false", &unique);
    let push = ["--push", "--cache", "registry", "--tag", "one"];
    let run = site.run(&[&push[..], &["--provenance", "max"]].concat());
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    eprintln!("{}", run.stderr);
    let cold: Value = serde_json::from_str(&run.stdout).unwrap();
    let [hits, misses, without] = counts(&cold);
    assert!(misses > 20 && hits < misses && without == 0, "{cold:#}");
    // All three credentials: a request that is not signed with them gets nowhere.
    let [written, refused] = bucket.written_and_refused();
    assert!(written > 20 && refused == 0, "{written} written, {refused} refused");
    bucket.is_secret(&(run.stdout + &run.stderr), &site.workspace, &site.registry);
    assert_eq!(packages(&cold, "front"), ["fixture-core", "fixture-front", "fixture-ui"]);
    assert_eq!(packages(&cold, "server"), ["fixture-core", "fixture-server", "fixture-ui"]);
    assert_eq!(cold["after_cook"]["dependencies"], Value::Array(Vec::new()), "{cold:#}");
    assert_eq!(states(&cold, "cargo chef cook"), ["ran", "ran"], "{cold:#}");
    let input_tag = format!("in-{}", cold["input_digest"].as_str().unwrap());
    assert_eq!(site.registry.tags("team/fixture"), [input_tag.as_str(), "layers", "one"]);
    let manifest = site.registry.manifest("team/fixture", "one");
    assert_eq!(manifest.digest.as_deref(), cold["digest"].as_str());

    let same = ["--push", "--cache", "registry", "--tag", "two", "--provenance", "max"];
    let again = site.built(&same);
    assert_eq!((&again["compile_cache"], &again["after_cook"]), (&Value::Null, &Value::Null));
    assert_eq!((&again["reused"], &again["digest"]), (&true.into(), &cold["digest"]));
    assert_eq!(site.registry.tags("team/fixture"), [input_tag.as_str(), "layers", "one", "two"]);

    site.forget();
    site.workspace.edit("server/src/main.rs", "listening on", "Listening on");
    // Nor is a missing secret an error, or another layer; it compiles without the cache then.
    bucket.log_out(&mut site.workspace);
    let changed = site.built(&push);
    bucket.log_in(&mut site.workspace);
    assert_eq!(counts(&changed), [0, 0, 1], "{changed:#}");
    assert_eq!(bucket.written_and_refused()[0], written);
    assert_eq!(states(&changed, "cargo chef cook"), ["cached", "cached"], "{changed:#}");
    assert_eq!(states(&changed, "xtask build"), ["ran"]);
    assert_eq!(changed["after_cook"]["dependencies"], Value::Array(Vec::new()), "{changed:#}");
    assert_ne!(changed["digest"], cold["digest"]);
    site.is_labelled_and_linked(&changed);
    site.tells_base_and_difference(&changed, &cold);
    let image = format!("{}@{}", site.image(), changed["digest"].as_str().unwrap());
    let smoked = site.workspace.xtask(&["docker", "smoke", &image, "--health-path", "/api/health"]);
    assert_eq!(smoked.code, Some(0), "{}{}", smoked.stdout, smoked.stderr);

    site.workspace.edit("Dockerfile.production", "CARGO_PROFILE_PRODUCTION_OPT_LEVEL=z ", "");
    let in_vain = site.run(&["--push", "--tag", "three"]);
    assert_eq!(in_vain.code, Some(1), "{}", in_vain.stderr);
    for text in [
        "the front half compiled",
        "settings of the profile",
        "(cook-front) lacks `CARGO_PROFILE_PRODUCTION_OPT_LEVEL=z`",
        "run `cargo xtask generate`",
    ] {
        assert!(in_vain.stderr.contains(text), "{text}: {}", in_vain.stderr);
    }
    assert!(!site.registry.tags("team/fixture").contains(&"three".to_owned()));
    let record = site.record();
    // The server half, and what both halves run while they compile.
    let [hits, _, without] = counts(&record);
    assert!(hits >= 10 && without == 0, "{record:#}");
    // Nothing of it was kept, so that the next run does not take it for good.
    let input_tag = format!("in-{}", record["input_digest"].as_str().unwrap());
    assert!(!site.registry.tags("team/fixture").contains(&input_tag));
    // Without the bucket it compiles all the same, and says so.
    drop(bucket);
    let once_more = site.run(&["--push", "--tag", "three"]);
    assert_eq!(once_more.code, Some(1), "{}", once_more.stderr);
    assert!(
        once_more.stderr.contains("compiled without the compile cache: sccache: error"),
        "{}",
        once_more.stderr
    );
    assert_eq!(counts(&site.record()), [0, 0, 1], "{}", once_more.stderr);
    let _ = fs::remove_dir_all(site.workspace.root().join("target"));
}
