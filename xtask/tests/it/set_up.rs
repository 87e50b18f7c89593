//! `deploy init` and `deploy settings` on the Railway model, from an account without a project to a service that
//! serves: each operation is checked against Railway's schema, and a run is ended at each of its steps.

use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::railway_model::model::Model;
use crate::railway_model::registry::Registry;
use crate::support::{Run, Workspace, contents, finish, signal};

/// No output and no file may hold them.
const CANARIES: [&str; 2] = ["canary-variable-of-a-test", "canary-password-of-a-test"];

/// Signals, each with the exit code of whom it ends.
const SIGNALS: [(&str, Option<i32>); 3] = [("INT", Some(130)), ("TERM", Some(143)), ("KILL", None)];

const MUTATIONS: [&str; 5] =
    ["CreateProject", "CreateService", "UpdateServiceInstance", "UpsertVariables", "CreateDomain"];

struct Station {
    workspace: Workspace,
    registry: Registry,
    model: Model,
}

impl Station {
    fn new() -> Station {
        let registry = Registry::start();
        let names = ["--project-name", "shop", "--service-name", "web"];
        let model = Model::start(&[&["--runner", "process", "--without", "project"], &names[..]].concat());
        let mut workspace = Workspace::fixture();
        for name in ["RAILWAY_TOKEN", "RAILWAY_PROJECT_ID", "RAILWAY_ENVIRONMENT_ID", "RAILWAY_SERVICE_ID"] {
            workspace.set(name, "");
        }
        workspace.set("RAILWAY_BACKBOARD_URL", model.told("base_url"));
        workspace.set("RAILWAY_API_TOKEN", model.told("api_token"));
        workspace.set("XTASK_PULL_USERNAME", "puller");
        workspace.set("XTASK_PULL_PASSWORD", CANARIES[1]);
        workspace.set("HOUSE", CANARIES[0]);
        workspace.write(".env.example", "HOUSE=blue\n#GARDEN=green\n");
        workspace.write(
            "railway.toml",
            "[deploy]\nhealthcheckPath = \"/health\"\nhealthcheckTimeout = 3\noverlapSeconds = 0\ndrainingSeconds = 10\n",
        );
        Station { workspace, registry, model }
    }

    fn run(&self, args: &[&str]) -> Run {
        let run = self.workspace.xtask(args);
        self.keeps_secrets(&run);
        run
    }

    fn keeps_secrets(&self, run: &Run) {
        let files = contents(&self.workspace.root().join("target"));
        for text in files.values().chain([&run.stdout, &run.stderr]) {
            for secret in [self.model.told("api_token"), CANARIES[0], CANARIES[1]] {
                assert!(!text.contains(secret), "{text}");
            }
        }
    }

    /// Ends a run at this point.
    fn ended(&self, args: &[&str], operation: &str, point: &str, (name, code): (&str, Option<i32>)) {
        let held = || self.model.control("state")["held"].as_u64().unwrap();
        let before = held();
        self.model.control(&format!("hold/{operation}/{point}"));
        let mut command = self.workspace.command(args);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let began = Instant::now();
        while held() == before {
            assert!(began.elapsed() < Duration::from_secs(60), "{operation} {point} never came");
            assert!(child.try_wait().unwrap().is_none(), "ended before {operation} {point}");
            std::thread::sleep(Duration::from_millis(5));
        }
        signal(&child, name);
        let run = finish(child);
        self.model.control("release");
        assert_eq!((run.code, run.stdout.as_str()), (code, ""), "{operation} {point}: {}", run.stderr);
        self.keeps_secrets(&run);
    }

    /// The mutations that were carried out.
    fn mutations(&self) -> Vec<String> {
        let requests = self.model.control("requests");
        let all = requests.as_array().unwrap().iter().filter(|one| one["kind"] == "mutation");
        all.inspect(|one| assert_eq!(one["errors"], false, "{one}"))
            .map(|one| one["name"].as_str().unwrap().to_owned())
            .collect()
    }
}

#[test]
fn a_set_up_that_is_ended_at_any_step_is_completed_by_the_next() {
    let station = Station::new();
    let image = station.registry.image("one", &["VERSION=one"]);
    let args = ["deploy", "init", "--project", "shop", "--service", "web", "--yes", "--image", &image];
    for (at, operation) in MUTATIONS.into_iter().enumerate() {
        station.ended(&args, operation, "before", SIGNALS[at % SIGNALS.len()]);
        station.ended(&args, operation, "after", SIGNALS[(at + 2) % SIGNALS.len()]);
    }
    let run = station.run(&[&args[..], &["--format", "json"]].concat());
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((&report["schema"], &report["already_set_up"]), (&json!("xtask.deploy-init/1"), &json!(true)));
    // Each was carried out once, and nothing was deployed.
    assert_eq!(station.mutations(), MUTATIONS);
    let state = station.model.control("state");
    assert_eq!(state["deployments"], json!([]));
    assert_eq!((&state["image"], &state["registry_username"]), (&json!(image), &json!("puller")));
    assert_eq!(state["variables"], json!(["HOUSE"]));

    // What it says to keep is all that a deployment needs.
    let project = station.model.told("project");
    assert_eq!(report["keep"], json!([format!("project = \"{project}\" # shop")]));
    assert_eq!(report["next"], json!(format!("cargo xtask deploy --image {image}")));
    station.workspace.edit(
        "Cargo.toml",
        "[[workspace.metadata.leptos]]",
        &format!(
            "[workspace.metadata.xtask.railway]\nproject = \"{project}\"\n\n[[workspace.metadata.leptos]]"
        ),
    );
    let deployed = station.run(&["deploy", "--image", &image, "--revision", "one"]);
    assert_eq!(deployed.code, Some(0), "{}", deployed.stderr);
    assert_eq!(station.model.front("/env/HOUSE").text, CANARIES[0]);

    settings(&station);
    let again = station.run(&["deploy", "init", "--service", "web"]);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert!(
        again.stdout.ends_with("nothing was changed\n\nnext: cargo xtask deploy status\n"),
        "{}",
        again.stdout
    );
    assert_eq!(station.model.control("violations"), json!([]));
    assert_eq!(station.model.end("TERM"), Some(0));
}

/// The settings of the file follow without a deployment; those that only Railway has stay.
fn settings(station: &Station) {
    assert_eq!(station.run(&["deploy", "settings", "--diff"]).code, Some(0));
    station.workspace.edit(
        "railway.toml",
        "drainingSeconds = 10\n",
        "drainingSeconds = 12\nnumReplicas = 2\npreDeployCommand = \"migrate\"\nsleepApplication = true\n",
    );
    assert_eq!(station.run(&["deploy", "settings", "--diff"]).code, Some(1));
    station.ended(&["deploy", "settings", "--apply"], "UpdateServiceInstance", "before", SIGNALS[0]);
    let before = station.mutations().len();
    assert_eq!(station.run(&["deploy", "settings", "--apply"]).code, Some(0));
    assert_eq!(station.run(&["deploy", "settings", "--apply"]).code, Some(0));
    assert_eq!(station.mutations().len(), before + 1);
    assert_eq!(station.run(&["deploy", "settings", "--diff"]).code, Some(0));
    assert_eq!(station.model.deployments().len(), 1);
}
