//! Every command of the pages about deployments is run as it stands there, against the model of Railway: what people copy
//! works. What builds, and what asks the network, is run as a dry run; what the text only names is asked for its help.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::engine::has_engine;
use crate::railway_model::model::Model;
use crate::railway_model::registry::Registry;
use crate::support::{Run, Workspace};

/// A page of the documentation; `None` where xtask was copied into another workspace, which may have none.
fn page(name: &str) -> Option<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
    std::fs::read_to_string(&path).ok()
}

/// The commands of a page, in its order: the lines of its shell blocks, without comments.
fn commands(page: &str) -> Vec<String> {
    let mut is_shell = false;
    let mut found = Vec::new();
    for line in page.lines() {
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

/// The commands of ours that a page names in its text.
fn named(page: &str) -> Vec<String> {
    let mut is_block = false;
    let mut found = Vec::new();
    for line in page.lines() {
        if line.starts_with("```") {
            is_block = !is_block;
        } else if !is_block {
            let spans = line.split('`').skip(1).step_by(2).filter(|span| span.starts_with("cargo xtask "));
            found.extend(spans.map(str::to_owned));
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
        workspace.write("prod.env", "API_URL=https://api.example\n");
        workspace.write(".gitignore", "/target\n*.env\n");
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

    /// Runs a command of a page with this image in the place of the page's; `None` where it needs an engine, and there is
    /// none.
    fn run(&self, command: &str, image: &str) -> Option<Result<Run, String>> {
        let Some(words) = command.strip_prefix("cargo xtask ") else {
            return Some(Err(format!("{command}: not ours")));
        };
        let filled = words
            .replace("ghcr.io/OWNER/APP@sha256:…", image)
            .replace("ghcr.io/OWNER/APP", &self.registry.repository())
            .replace("staging", "production");
        let mut args: Vec<&str> = filled.split_whitespace().collect();
        match args.as_slice() {
            ["docker", "smoke", ..] if !has_engine() => return None,
            ["docker", "pack" | "smoke", ..] | ["build", ..] if !args.contains(&"--dry-run") => {
                args.push("--dry-run");
            }
            _ => {}
        }
        Some(Ok(self.workspace.xtask(&args)))
    }

    /// What does not work of these commands, which are run as they stand there.
    fn problems(&self, commands: &[String], image: &str) -> Vec<String> {
        let mut problems = Vec::new();
        for command in commands {
            match self.run(command, image) {
                None => {}
                Some(Err(problem)) => problems.push(problem),
                Some(Ok(run)) => {
                    // These look at this machine and at a workspace for tests, and say what they find.
                    let looks = ["cargo xtask doctor", "cargo xtask setup", "cargo xtask docker lint"];
                    let findings = looks.iter().any(|start| command.starts_with(start));
                    let is_good = run.code == Some(0) || findings && [Some(1), Some(3)].contains(&run.code);
                    if !is_good {
                        problems.push(format!("{command}: {:?}: {}{}", run.code, run.stdout, run.stderr));
                    }
                }
            }
        }
        problems
    }

    /// What does not exist of these commands, which are only asked for their help.
    fn unknown(&self, commands: &[String]) -> Vec<String> {
        let with_help = |command: &String| {
            let words = command.split_whitespace().skip(2).filter(|word| *word != "--help");
            let args: Vec<&str> = words.chain(["--help"]).collect();
            self.workspace.xtask(&args)
        };
        let is_unknown = |command: &&String| with_help(command).code != Some(0);
        commands.iter().filter(is_unknown).cloned().collect()
    }
}

#[test]
fn every_command_of_the_pages_works() {
    let (Some(deployment), Some(runbook), Some(details)) =
        (page("DEPLOYMENT.md"), page("RUNBOOK.md"), page("deploy.md"))
    else {
        return;
    };
    let desk = Desk::new();
    let first = desk.registry.image("one", &["VERSION=one"]);
    let of_pages = [&deployment, &runbook, &details].map(|page| commands(page));
    assert!(of_pages.iter().all(|found| found.len() >= 5), "{of_pages:#?}");
    assert_eq!(desk.problems(&of_pages[0], &first), [""; 0]);
    desk.commit("second");
    let second = desk.registry.image("two", &["VERSION=two"]);
    let next = ["cargo xtask deploy --image ghcr.io/OWNER/APP@sha256:…".to_owned()];
    assert_eq!(desk.problems(&next, &second), [""; 0]);
    assert_eq!(desk.problems(&of_pages[1], &second), [""; 0]);
    let state = desk.model.control("state");
    let active = state["deployments"].as_array().unwrap().iter().find(|one| one["active"] == true).unwrap();
    assert_ne!(active["image"], json!(second), "it was rolled back");
    assert_eq!(desk.problems(&of_pages[2], &second), [""; 0]);
    let texts = [deployment, runbook, details].map(|page| named(&page)).concat();
    assert!(texts.len() >= 5, "{texts:?}");
    assert_eq!(desk.unknown(&texts), [""; 0]);
    assert_eq!(desk.model.control("violations"), Value::Array(Vec::new()));
}

#[test]
fn a_command_that_does_not_work_is_found() {
    let text = "Look with `cargo xtask deploy statsu` or `cargo xtask deploy list`.\n\n```sh\nexport X=1\n\
                cargo xtask deploy status --formt json   # a flag\ncargo xtask deploy logs no-such-deployment\n\
                railway up\ncargo xtask docker pack --puhs\n```\n\n```text\ncargo xtask nothing\n```\n";
    let desk = Desk::new();
    let found = commands(text);
    assert_eq!(
        found,
        [
            "cargo xtask deploy status --formt json",
            "cargo xtask deploy logs no-such-deployment",
            "railway up",
            "cargo xtask docker pack --puhs",
        ]
    );
    let problems = desk.problems(&found, "ghcr.io/o/app@sha256:x");
    assert_eq!(problems.len(), found.len(), "{problems:#?}");
    assert_eq!(desk.unknown(&named(text)), ["cargo xtask deploy statsu"]);
}
