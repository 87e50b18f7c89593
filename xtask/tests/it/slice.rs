//! The whole way, with real components: build, pack, smoke, deploy. A registry, a Docker engine, and the model of
//! Railway, which runs the images behind a front; requests come in all the while. The first version goes by hand, the
//! second as the workflow's two steps, the third is sick.

use std::time::Duration;

use serde_json::{Value, json};

use crate::actions::{COMMIT, Job};
use crate::engine::{Pulled, docker, has_engine};
use crate::load::Load;
use crate::railway_model::model::Model;
use crate::registry::{OCI_MANIFEST, Registry};
use crate::running::get;
use crate::support::{Run, Workspace, skipped};

/// The image that the app's image stands on by default; it has to be here, or to be had.
const BASE: &str = "gcr.io/distroless/cc-debian13:nonroot";
/// Requests a second during a deployment.
const RATE: u32 = 300;

/// The workspace with everything that a deployment needs, and what has been deployed from it.
pub struct Station {
    pub workspace: Workspace,
    pub registry: Registry,
    pub railway: Model,
    /// Last, so that no container of the model holds an image any more.
    _pulled: Pulled,
}

/// A command of the engine that has to succeed.
fn must(args: &[&str]) {
    let ran = docker(args).unwrap();
    assert_eq!(ran.code, Some(0), "docker {args:?}: {}", ran.stderr);
}

impl Station {
    /// `None` where the machine lacks a part.
    pub fn new() -> Option<Station> {
        if !has_engine() {
            return None;
        }
        let registry = Registry::start()?;
        let base = format!("{}/base/cc-debian13:nonroot", registry.address());
        let is_here = docker(&["image", "inspect", BASE]).unwrap().code == Some(0);
        if !is_here && docker(&["pull", "--quiet", BASE]).unwrap().code != Some(0) {
            skipped(&format!("`{BASE}` is neither here nor to be had"));
            return None;
        }
        must(&["tag", BASE, &base]);
        must(&["push", "--quiet", &base]);
        must(&["image", "rm", &base]);
        let image = format!("{}/team/fixture", registry.address());
        let pulled = Pulled(image.clone());
        let railway = Model::start(&["--runner", "docker"]);
        let mut workspace = Workspace::built_fixture();
        workspace.write(
            "railway.toml",
            "[deploy]\nhealthcheckPath = \"/api/health\"\nhealthcheckTimeout = 8\noverlapSeconds = 2\n\
             drainingSeconds = 10\n",
        );
        workspace.set("RAILWAY_BACKBOARD_URL", railway.told("base_url"));
        workspace.set("RAILWAY_TOKEN", railway.told("project_token"));
        for name in ["GITHUB_TOKEN", "GH_TOKEN", "XTASK_NOTIFY_URL"] {
            workspace.set(name, "");
        }
        // A step of CI has no flags for these. The model runs images on this machine, which may be none of Railway's.
        let manifest = workspace.read("Cargo.toml");
        let platform = if cfg!(target_arch = "aarch64") { "linux/arm64" } else { "linux/amd64" };
        let metadata = format!(
            "[workspace.metadata.xtask]\nimage = \"{image}\"\nbase-image = \"{base}\"\n\n\
             [workspace.metadata.xtask.railway]\nplatform = \"{platform}\"\n"
        );
        workspace.write("Cargo.toml", &format!("{manifest}\n{metadata}"));
        Some(Station { workspace, registry, railway, _pulled: pulled })
    }

    /// Builds, packs and pushes what the sources say now; the image by digest.
    fn pack(&self) -> String {
        let repository = format!("{}/team/fixture", self.registry.address());
        let base = format!("{}/base/cc-debian13:nonroot", self.registry.address());
        let packed =
            self.workspace.xtask(&["docker", "pack", "--push", "--image", &repository, "--base", &base]);
        assert_eq!(packed.code, Some(0), "{}", packed.stderr);
        assert!(
            packed.stdout.starts_with("sha256:") && packed.stdout.lines().count() == 1,
            "{}",
            packed.stdout
        );
        format!("{repository}@{}", packed.stdout.trim())
    }

    fn smoke(&self, image: &str) -> Run {
        self.workspace.xtask(&["docker", "smoke", image, "--start-limit", "5"])
    }

    fn deploy(&self, image: &str, revision: &str) -> Run {
        self.workspace.xtask(&["deploy", "--image", image, "--revision", revision, "--format", "json"])
    }

    /// What `deploy status` says, and its exit code.
    fn status(&self) -> (Value, Option<i32>) {
        let status = self.workspace.xtask(&["deploy", "status", "--format", "json"]);
        (serde_json::from_str(&status.stdout).unwrap_or_else(|_| panic!("{}", status.stderr)), status.code)
    }

    pub fn served_revision(&self) -> String {
        let health = get(&format!("{}/api/health", self.railway.told("front_url")));
        let health: Value = serde_json::from_slice(&health.body).unwrap();
        health["revision"].as_str().unwrap().to_owned()
    }
}

#[test]
fn from_source_to_a_verified_deployment() {
    let Some(mut station) = Station::new() else { return };

    let first = station.pack();
    let smoked = station.smoke(&first);
    assert_eq!(smoked.code, Some(0), "{}{}", smoked.stdout, smoked.stderr);
    let deployed = station.deploy(&first, "one");
    assert_eq!(deployed.code, Some(0), "{}", deployed.stderr);
    assert_eq!(station.served_revision(), "one");

    // The same again finds that there is nothing to do.
    assert_eq!(station.pack(), first);
    let again = station.deploy(&first, "one");
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert_eq!(station.railway.deployments().len(), 1);

    station.workspace.edit("core/src/lib.rs", "42", "43");
    let by_hand = station.workspace.env.len();
    let job = Job::start(&mut station.workspace, "push", "refs/heads/main");
    let imaged = station.workspace.xtask(&["ci", "image"]);
    assert_eq!(imaged.code, Some(0), "{}", imaged.stderr);
    let second = job.output("reference");
    assert_ne!(second, first);
    station.workspace.set("XTASK_IMAGE", &second);
    // Somebody else pushes in between: the tag that was just set names another image when it comes to deploying.
    let [old, new] = [&first, &second].map(|image| image.split_once('@').unwrap().1);
    let latest = || station.registry.manifest("team/fixture", "latest").digest.unwrap();
    assert_eq!(latest(), new);
    let manifest = station.registry.manifest("team/fixture", old).body;
    let path = "/v2/team/fixture/manifests/latest";
    assert_eq!(station.registry.send("PUT", path, OCI_MANIFEST, &manifest).status, 201);
    assert_eq!(latest(), old);
    let load = Load::start(&format!("{}/", station.railway.told("front_url")), RATE);
    load.settle();
    let deployed = station.workspace.xtask(&["ci", "deploy"]);
    // The old one is drained while requests still come in.
    std::thread::sleep(Duration::from_secs(3));
    let seen = load.stop();
    assert_eq!(deployed.code, Some(0), "{}", deployed.stderr);
    seen.assert_unbroken(RATE, &[COMMIT, "one"]);
    assert_eq!(station.served_revision(), COMMIT);
    let deployed = station.railway.deployments();
    assert!(deployed.len() == 2 && deployed.iter().any(|it| it["meta"]["image"] == second), "{deployed:#?}");
    assert_eq!(job.output("url"), station.railway.told("front_url"));
    assert!(job.summary().contains("### Image: ok") && job.summary().contains("### Deployment: ok"));
    station.workspace.env.truncate(by_hand);

    station.workspace.edit("server/src/routes.rs", "HEALTHY: bool = true", "HEALTHY: bool = false");
    let third = station.pack();
    let smoked = station.smoke(&third);
    assert_eq!(smoked.code, Some(1), "{}", smoked.stderr);
    let load = Load::start(&format!("{}/", station.railway.told("front_url")), RATE);
    load.settle();
    let refused = station.deploy(&third, "three");
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    assert!(refused.stderr.contains("smoke: failed at") && refused.stderr.contains("nothing was changed"));
    // Whoever does not believe the smoke test sees what becomes of it.
    let args = ["deploy", "--unchecked", "--image", &third, "--revision", "three"];
    let refused = station.workspace.xtask(&args);
    let seen = load.stop();
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    assert!(refused.stderr.contains("still serves"), "{}", refused.stderr);
    seen.assert_unbroken(RATE, &[COMMIT]);
    assert_eq!(station.served_revision(), COMMIT);

    // An image that was deleted from its registry is not deployed either, however good it was.
    let path = format!("/v2/team/fixture/manifests/{}", first.split_once('@').unwrap().1);
    assert_eq!(station.registry.send("DELETE", &path, "", &[]).status, 202);
    let gone = station.deploy(&first, "one");
    assert_eq!((gone.code, gone.stdout.as_str()), (Some(1), ""), "{}", gone.stderr);
    assert!(gone.stderr.contains("1 objection, and nothing was changed"), "{}", gone.stderr);
    assert!(gone.stderr.contains("image: it is not in its registry"), "{}", gone.stderr);
    assert_eq!(station.served_revision(), COMMIT);

    let (status, code) = station.status();
    assert_eq!(code, Some(0), "{status:#}");
    assert!(status.to_string().contains(second.split('@').nth(1).unwrap()), "{status:#}");
    assert_eq!(station.railway.control("violations"), json!([]));
}
