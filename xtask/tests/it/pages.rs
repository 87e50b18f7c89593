//! Every command of the pages about deployments is run as it stands there, against the model of Railway: what people copy
//! works. What builds, and what asks the network, is run as a dry run.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::engine::has_engine;
use crate::railway_model::model::Model;
use crate::railway_model::registry::Registry;
use crate::support::{Run, Workspace};

/// The commands of a page, in its order: the lines of its shell blocks, without comments.
fn commands(page: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(page);
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    let mut is_shell = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if line.starts_with("```") {
            is_shell = line == "```sh";
        } else if is_shell {
            let command = line.split("  #").next().unwrap().split(" # ").next().unwrap().trim();
            if !command.is_empty() && !command.starts_with("export ") {
                found.push(command.to_owned());
            }
        }
    }
    found
}

struct Desk {
    workspace: Workspace,
    registry: Registry,
    model: Model,
}

impl Desk {
    fn new() -> Desk {
        let (registry, model) =
            (Registry::start(), Model::start(&["--runner", "process", "--project-name", "shop"]));
        let mut workspace = Workspace::fixture();
        for name in [
            "RAILWAY_TOKEN",
            "RAILWAY_ENVIRONMENT_ID",
            "RAILWAY_SERVICE_ID",
            "GITHUB_TOKEN",
            "GH_TOKEN",
            "GITHUB_REPOSITORY",
            "XTASK_NOTIFY_URL",
        ] {
            workspace.set(name, "");
        }
        workspace.set("RAILWAY_BACKBOARD_URL", model.told("base_url"));
        workspace.set("RAILWAY_API_TOKEN", model.told("api_token"));
        workspace.set("RAILWAY_PROJECT_ID", model.told("project"));
        workspace.write("railway.toml", "[deploy]\nhealthcheckPath = \"/health\"\n");
        workspace.write("production.env", "API_URL=https://api.example\n");
        workspace.write(".env.example", "API_URL=\n");
        workspace.write(".gitignore", "/target\nproduction.env\n");
        let manifest = workspace.read("Cargo.toml");
        let platform = if cfg!(target_arch = "aarch64") { "linux/arm64" } else { "linux/amd64" };
        let metadata = format!(
            "[workspace.metadata.xtask]\nimage = \"{}\"\n\n[workspace.metadata.xtask.railway]\nplatform = \"{platform}\"\n",
            registry.repository()
        );
        workspace.write("Cargo.toml", &format!("{manifest}\n{metadata}"));
        let desk = Desk { workspace, registry, model };
        desk.commit("first");
        desk
    }

    /// A commit of all that is there: it is the revision that is deployed.
    fn commit(&self, message: &str) {
        let git = |args: &[&str]| {
            let identity =
                ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"];
            let mut git = Command::new("git");
            let output = git.current_dir(self.workspace.root()).args(identity).args(args).output().unwrap();
            assert!(output.status.success(), "{output:?}");
        };
        git(&["init", "--quiet"]);
        git(&["add", "."]);
        git(&["commit", "--quiet", "--allow-empty", "-m", message]);
    }

    /// Runs a command of a page with this image in the place of the page's.
    fn run(&self, command: &str, image: &str) -> Option<Run> {
        let words = command.strip_prefix("cargo xtask ").unwrap_or_else(|| panic!("not ours: {command}"));
        let filled = words
            .replace("ghcr.io/OWNER/APP@sha256:…", image)
            .replace("ghcr.io/OWNER/APP", &self.registry.repository())
            .replace("staging", "production");
        let mut args: Vec<&str> = filled.split(' ').collect();
        match args.as_slice() {
            ["docker", "smoke", ..] if !has_engine() => return None,
            ["docker", "pack" | "smoke", ..] | ["build", ..] if !args.contains(&"--dry-run") => {
                args.push("--dry-run");
            }
            _ => {}
        }
        Some(self.workspace.xtask(&args))
    }

    fn all(&self, page: &str, image: &str) {
        let commands = commands(page);
        for command in commands {
            let Some(run) = self.run(&command, image) else { continue };
            let code = run.code.unwrap_or(-1);
            // They look at this machine and at a workspace for tests, and say what they find.
            let looks = ["cargo xtask doctor", "cargo xtask setup", "cargo xtask docker lint"];
            let is_good = code == 0
                || looks.iter().any(|start| command.starts_with(start)) && [1, 3].contains(&code)
                // No base image is to be had.
                || command.contains("docker pack") && code == 4;
            assert!(is_good, "{page}: {command}: {code}: {}{}", run.stdout, run.stderr);
        }
    }
}

#[test]
fn every_command_of_the_pages_works() {
    // Copied into another workspace, xtask may find no pages there.
    if commands("DEPLOYMENT.md").is_empty() {
        return;
    }
    let desk = Desk::new();
    desk.all("DEPLOYMENT.md", &desk.registry.image("one", &["VERSION=one"]));
    desk.commit("second");
    let second = desk.registry.image("two", &["VERSION=two"]);
    let run = desk.run("cargo xtask deploy --image ghcr.io/OWNER/APP@sha256:…", &second).unwrap();
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    desk.all("RUNBOOK.md", &second);
    let state = desk.model.control("state");
    let active = state["deployments"].as_array().unwrap().iter().find(|one| one["active"] == true).unwrap();
    assert_ne!(active["image"], json!(second), "it was rolled back");
    assert_eq!(desk.model.control("violations"), Value::Array(Vec::new()));
}
