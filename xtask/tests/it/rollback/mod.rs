//! Rollbacks and interrupted runs on the Railway model, which really runs the images: nothing is scripted here but the
//! moment at which a run is ended.

mod broken;
mod interrupted;
mod two_at_once;
mod under_load;

use std::process::{Child, Stdio};

use serde_json::{Value, json};

use crate::railway_model::model::Model;
use crate::railway_model::registry::Registry;
use crate::support::{Run, Workspace, contents, finish};

/// The value of a variable of the deployed app; no output and no file may hold it.
const CANARY: &str = "canary-4f1d-of-a-test";

/// A workspace, a registry with images of the test service, and the model that they are deployed on.
struct Station {
    workspace: Workspace,
    registry: Registry,
    model: Model,
}

impl Station {
    fn new(arguments: &[&str]) -> Station {
        let registry = Registry::start();
        let model = Model::start(&[&["--health-interval-ms", "50"], arguments].concat());
        let mut workspace = Workspace::fixture();
        for name in
            ["RAILWAY_API_TOKEN", "RAILWAY_PROJECT_ID", "RAILWAY_ENVIRONMENT_ID", "RAILWAY_SERVICE_ID"]
        {
            workspace.set(name, "");
        }
        for name in ["GITHUB_TOKEN", "GH_TOKEN", "GITHUB_REPOSITORY", "XTASK_NOTIFY_URL"] {
            workspace.set(name, "");
        }
        if cfg!(target_arch = "aarch64") {
            // The model runs images on this machine, which is none of Railway's.
            workspace.edit(
                "Cargo.toml",
                "[[workspace.metadata.leptos]]",
                "[workspace.metadata.xtask.railway]\nplatform = \"linux/arm64\"\n\n[[workspace.metadata.leptos]]",
            );
        }
        workspace.set("RAILWAY_BACKBOARD_URL", model.told("base_url"));
        workspace.set("RAILWAY_TOKEN", model.told("project_token"));
        workspace.write(
            "railway.toml",
            "[deploy]\nhealthcheckPath = \"/health\"\nhealthcheckTimeout = 3\noverlapSeconds = 1\ndrainingSeconds = 10\n",
        );
        model.set(&json!({ "SESSION_SECRET": CANARY, "SAY": "SESSION_SECRET" }), true);
        Station { workspace, registry, model }
    }

    /// An image of this version. Its reference by digest.
    fn image(&self, version: &str) -> String {
        self.registry.image(version, &[&format!("VERSION={version}")])
    }

    fn run(&self, args: &[&str]) -> Run {
        let run = self.workspace.xtask(args);
        self.keeps_secrets(&run);
        run
    }

    fn deploy(&self, image: &str, revision: &str) -> Run {
        self.run(&["deploy", "--image", image, "--revision", revision, "--format", "json"])
    }

    /// Deploys what must be served in the end. The deployment's id.
    fn deployed(&self, image: &str, revision: &str) -> String {
        let run = self.deploy(image, revision);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        let report: Value = serde_json::from_str(&run.stdout).unwrap();
        report["deployment"].as_str().unwrap().to_owned()
    }

    fn start(&self, args: &[&str]) -> Child {
        self.workspace.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    fn finish(&self, child: Child) -> Run {
        let run = finish(child);
        self.keeps_secrets(&run);
        run
    }

    /// Neither a token nor a secret variable of the app is in what a run said, or in what runs have left behind.
    fn keeps_secrets(&self, run: &Run) {
        let files = contents(&self.workspace.root().join("target"));
        for text in files.values().chain([&run.stdout, &run.stderr]) {
            for secret in [self.model.told("project_token"), self.model.told("api_token"), CANARY] {
                assert!(!text.contains(secret), "{text}");
            }
        }
    }

    /// What `deploy status` says, and its exit code.
    fn status(&self) -> (Value, Option<i32>) {
        let run = self.run(&["deploy", "status", "--format", "json"]);
        (serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{}", run.stderr)), run.code)
    }

    fn served_revision(&self) -> String {
        self.model.front("/env/APP_REVISION").text
    }

    /// What the next deployment would get: image and revision.
    fn settings(&self) -> (String, String) {
        let place = json!({ "projectId": self.model.told("project"), "environmentId": self.model.told("environment"),
                            "serviceId": self.model.told("service") });
        let revision = self.model.operation("variables", &place)["APP_REVISION"].clone();
        let image = self.model.control("state")["image"].clone();
        (image.as_str().unwrap_or_default().to_owned(), revision.as_str().unwrap_or_default().to_owned())
    }

    /// Nothing was against the contract.
    fn end(self) {
        assert_eq!(self.model.control("violations"), json!([]));
        assert_eq!(self.model.end("TERM"), Some(0));
    }
}
