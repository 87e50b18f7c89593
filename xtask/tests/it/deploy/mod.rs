//! `deploy` and its sub-commands against a scripted stand-in for Railway: what is sent, in which order, and what is said
//! when something goes wrong.

mod canaries;
mod ci;
mod failing;
mod fake;
mod faults;
mod happy;
mod init;
mod init_faults;
mod interrupted;
mod looks;
mod neighbours;
mod no_rollback;
mod notified;
mod precheck;
mod refused;
mod rollback;
mod service;
mod settings;
mod status;
mod vars;

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Run, Workspace, contents, finish};
use fake::Fake;
use neighbours::{image, short};
use service::Service;

/// What no output and no file may hold.
const TOKEN: &str = "token-5a1e8c0f-of-a-test";
/// The value of a variable of the deployed app.
const SECRET_VALUE: &str = "hunter2-of-a-test";
/// Whoever has it may pull the images.
const REGISTRY_PASSWORD: &str = "registry-pass-9b1f-of-a-test";

/// A workspace with a token for a fake Railway.
struct Site {
    fake: Fake,
    workspace: Workspace,
}

impl Site {
    fn new() -> Site {
        let mut workspace = Workspace::fixture();
        let fake = Fake::start();
        for name in [
            "RAILWAY_API_TOKEN",
            "RAILWAY_PROJECT_ID",
            "RAILWAY_ENVIRONMENT_ID",
            "RAILWAY_SERVICE_ID",
            "http_proxy",
            "HTTP_PROXY",
            "all_proxy",
            "ALL_PROXY",
            "GITHUB_TOKEN",
            "GH_TOKEN",
            "GITHUB_REPOSITORY",
            "XTASK_REGISTRY_USERNAME",
            "XTASK_REGISTRY_PASSWORD",
            "XTASK_NOTIFY_URL",
            "XTASK_NOTIFY_FORMAT",
        ] {
            workspace.set(name, "");
        }
        workspace.set("RAILWAY_BACKBOARD_URL", format!("http://{}", fake.address));
        workspace.set("RAILWAY_TOKEN", TOKEN);
        // Whoever tests may be logged in somewhere.
        workspace.set("DOCKER_CONFIG", workspace.root().join("no-docker").display().to_string());
        workspace.write("railway.toml", "[deploy]\nhealthcheckPath = \"/health\"\n");
        Site { fake, workspace }
    }

    /// From now on the metadata says that the workspace's image is this one: registry and name.
    fn owns(&self, image: &str) {
        self.workspace.edit(
            "Cargo.toml",
            "[[workspace.metadata.leptos]]",
            &format!("[workspace.metadata.xtask]\nimage = \"{image}\"\n\n[[workspace.metadata.leptos]]"),
        );
    }

    /// A service that serves image 1 at revision `old`.
    fn deployed() -> Site {
        let site = Site::new();
        site.fake.deployed("d-1", &image("1"), "SUCCESS", "old");
        site.fake.with(|service| {
            service.source["image"] = image("1").into();
            service.variables["APP_REVISION"] = "old".into();
        });
        site
    }

    /// Runs `deploy` for image 2 and revision `new`.
    fn deploy(&self, args: &[&str]) -> Run {
        self.run(&[&["deploy", "--image", &image("2"), "--revision", "new"], args].concat())
    }

    fn run(&self, args: &[&str]) -> Run {
        let run = self.workspace.xtask(args);
        self.keeps_secrets(&run);
        run
    }

    fn start(&self, args: &[&str]) -> Child {
        let image = image("2");
        let args = [&["deploy", "--image", &image, "--revision", "new"], args].concat();
        self.workspace.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Waits until a run has come to a point.
    fn wait_for(&self, child: &mut Child, what: &str, is_there: impl Fn(&Service) -> bool) {
        let began = Instant::now();
        while !self.fake.with(|service| is_there(service)) {
            assert!(began.elapsed() < Duration::from_secs(60), "no sign of {what}");
            assert!(child.try_wait().unwrap().is_none(), "ended before {what}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn finish(&self, child: Child) -> Run {
        let run = finish(child);
        self.keeps_secrets(&run);
        run
    }

    /// Neither the token nor a secret variable of the app gets out.
    fn keeps_secrets(&self, run: &Run) {
        let files = contents(&self.workspace.root().join("target"));
        let texts = files.values().chain([&run.stdout, &run.stderr]);
        for text in texts {
            for secret in [TOKEN, SECRET_VALUE, REGISTRY_PASSWORD] {
                assert!(!text.contains(secret), "{text}");
            }
        }
    }

    /// The records so far.
    fn records(&self) -> Vec<Value> {
        let path = self.workspace.root().join("target/xtask/records/deploy.jsonl");
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// What a run said, without what differs between runs.
    fn plain(&self, text: &str) -> String {
        let root = self.workspace.root().canonicalize().unwrap().display().to_string();
        let text = short(text).replace(&self.fake.address.to_string(), "[address]").replace(&root, "[root]");
        crate::support::folded(&text)
    }

    /// The message and the hint of a failed run.
    fn message(&self, run: &Run) -> String {
        let lines = run.stderr.lines().skip_while(|line| !line.starts_with("error:"));
        self.plain(&lines.collect::<Vec<_>>().join("\n"))
    }
}
