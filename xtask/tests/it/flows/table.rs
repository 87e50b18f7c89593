//! Event by event: what ran, was skipped, pushed and deployed.

use std::collections::BTreeMap;
use std::process::Command;

use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::artifacts::Artifacts;
use super::steps;
use super::workflow::{Call, Done, Event, Runner, Told, Use, is_started, read};
use crate::actions::Job;
use crate::changes::{commit, git};
use crate::slice::Station;
use crate::support::Workspace;

const WORKFLOWS: [&str; 4] = ["bench", "ci", "deps", "docker-build"];

/// A repository with a registry and a Railway.
struct World {
    station: Station,
    said: Said,
}

/// What the last event's commands said.
#[derive(Default)]
struct Said {
    log: String,
    /// The last one's part of the job's summary.
    summary: String,
}

/// Whether linters and tests run too. They are the slowest of all, and say the same for most events.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Checks {
    Run,
    Taken,
}

impl World {
    /// `None` where the machine lacks a part.
    fn new() -> Option<World> {
        let mut station = Station::new()?;
        // Only the environment has it.
        station.workspace.set("RAILWAY_TOKEN", "");
        let formatted =
            Command::new("cargo").args(["fmt", "--all"]).current_dir(station.workspace.root()).status();
        assert!(formatted.unwrap().success());
        station.workspace.write(".gitignore", "/target\n");
        git(station.workspace.root(), &["init", "--quiet"]);
        commit(&station.workspace, "all");
        Some(World { station, said: Said::default() })
    }

    fn git(&self, args: &[&str]) -> String {
        git(self.station.workspace.root(), args)
    }

    fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"])
    }

    /// An event about what is checked out. Its secrets are there for whoever asks, though GitHub gives none to a fork:
    /// a workflow that asks for one there is wrong already.
    fn event(&self, name: &'static str, git_ref: &str, mut payload: Value) -> Event {
        payload["repository"] = json!({"default_branch": "main", "visibility": "public"});
        let token = ("RAILWAY_TOKEN", self.station.railway.told("project_token").to_owned());
        let github = ("GITHUB_TOKEN", "a-token-of-github".to_owned());
        let secrets = BTreeMap::from([("", vec![github]), ("production", vec![token])]);
        Event { name, git_ref: git_ref.to_owned(), sha: self.head(), payload, secrets }
    }

    /// Tags with their digests.
    fn tags(&self) -> BTreeMap<String, String> {
        let list = self.station.registry.get("/v2/team/fixture/tags/list");
        if list.status == 404 {
            return BTreeMap::new();
        }
        let list = list.json();
        let names = list["tags"].as_array().into_iter().flatten().map(|tag| tag.as_str().unwrap().to_owned());
        names.map(|tag| (tag.clone(), self.digest(&tag))).collect()
    }

    fn digest(&self, tag: &str) -> String {
        self.station.registry.manifest("team/fixture", tag).digest.unwrap()
    }

    /// Lets everything run that the event starts, and tells what became of it.
    fn runs(&mut self, event: &Event, checks: Checks) -> String {
        let before = (self.tags(), self.station.railway.deployments().len());
        let requests = self.station.registry.requests().len();
        let mut told = String::new();
        self.said = Said::default();
        let (artifacts, root) = (Artifacts::new(), self.station.workspace.root().to_owned());
        let mut use_action = |step: &Use| artifacts.carry_out(&root, step);
        for name in WORKFLOWS {
            let workflow = read(&format!("{name}.yml"));
            // By hand one workflow is started, and here it is always the same.
            let is_meant = event.name != "workflow_dispatch" || name == "docker-build";
            if !is_meant || !is_started(&workflow, event) {
                continue;
            }
            let (workspace, said) = (&mut self.station.workspace, &mut self.said);
            let mut carry_out = |call: &Call| carried_out(workspace, event, call, checks, said);
            let told_by_it = Told::default();
            let mut runner =
                Runner { event, carry_out: &mut carry_out, use_action: &mut use_action, told: told_by_it };
            runner.run(&workflow, "");
            let jobs = runner.told.jobs.iter().map(|(job, result)| match *result {
                "success" => job.clone(),
                "skipped" => format!("({job})"),
                other => format!("{job}: {other}"),
            });
            told += &format!("{name}: {}\n", jobs.collect::<Vec<_>>().join(", "));
            let uses = runner.told.uses.iter();
            let kept = uses.filter(|(_, action)| action == "actions/cache/save").map(|(job, _)| job.as_str());
            let kept: Vec<&str> = kept.collect();
            if !kept.is_empty() {
                told += &format!("caches kept: {}\n", kept.join(", "));
            }
        }
        // Deterministic images have the same digest however often they are made.
        let sent = self.station.registry.changes_since(requests);
        let is_anew = sent.iter().any(|request| request.contains("/manifests/in-"));
        let new = self.tags().into_iter().filter(|tag| before.0.get(&tag.0) != Some(&tag.1));
        let plain = |tag: String| match tag.split_once('-') {
            Some((kind @ ("in" | "sha"), _)) => format!("{kind}-…"),
            _ => tag,
        };
        let new: Vec<String> = new.map(|(tag, _)| plain(tag)).collect();
        let image = if is_anew { "sent" } else { "not sent" };
        told += &format!("image: {image}; new tags: {}\n", new.join(" "));
        let deployed = self.station.railway.deployments().len() - before.1;
        told += &format!("deployments: {deployed}\n");
        told
    }

    fn shows(&mut self, event: &Event, checks: Checks, expected: Expect) {
        let told = self.runs(event, checks);
        eprintln!("{} {}\n{told}{}", event.name, event.git_ref, self.said.log);
        expected.assert_eq(&told);
    }

    /// Another branch with one change, as a pull request or a merge queue has it.
    fn branch(&self, name: &str, file: &str, from: &str, to: &str) -> String {
        let base = self.head();
        self.git(&["checkout", "--quiet", "-B", name]);
        self.station.workspace.edit(file, from, to);
        commit(&self.station.workspace, name);
        base
    }

    fn pull_request(&self, base: &str, repository: &str) -> Event {
        let request = json!({"pull_request": {
            "number": 7, "base": {"sha": base}, "head": {"repo": {"full_name": repository}},
        }});
        self.event("pull_request", "refs/pull/7/merge", request)
    }

    fn started(&self, inputs: Value) -> Event {
        self.event("workflow_dispatch", MAIN, json!({ "inputs": inputs }))
    }
}

/// One step of a job.
fn carried_out(
    workspace: &mut Workspace,
    event: &Event,
    call: &Call,
    checks: Checks,
    said: &mut Said,
) -> Done {
    let words: Vec<&str> = call.words.iter().map(String::as_str).collect();
    let is_carried_out = match words.as_slice() {
        ["ci", "changes" | "gate" | "image" | "deploy" | "summary", ..] => true,
        ["ci", "check" | "test"] => checks == Checks::Run,
        // `dependencies.rs` follows those two.
        ["ci", "deps-report" | "comment", ..] | ["--version"] => false,
        other => panic!("nobody knows {other:?}"),
    };
    steps::keeps_secrets(event, call);
    if !is_carried_out {
        // What leaves a report for others leaves one here too.
        if words.get(1) == Some(&"deps-report") {
            workspace.write("dependencies.md", "nothing");
        }
        return Done { is_good: true, outputs: BTreeMap::new() };
    }
    let mut call = call.clone();
    for (_, value) in call.env.iter_mut().filter(|(name, _)| name == "GITHUB_TOKEN") {
        // There is no GitHub to ask with it.
        value.clear();
    }
    let ended = steps::run(workspace, event, &call);
    let (run, words) = (ended.run, call.words.join(" "));
    said.log += &format!("---- {} {words}: {:?}\n{}\n", call.job, run.code, run.stderr);
    said.summary = ended.summary;
    ended.done
}

const MAIN: &str = "refs/heads/main";
const OWN: &str = "Octo-Org/Fixture";

#[test]
fn every_event() {
    let Some(mut world) = World::new() else { return };

    let before = world.head();
    world.station.workspace.edit("core/src/lib.rs", "42", "43");
    commit(&world.station.workspace, "another answer");
    let pushed = world.event("push", MAIN, json!({"before": before}));
    world.shows(&pushed, Checks::Taken, expect![[r#"
        docker-build: changes, ci, ci/changes, ci/check, ci/test, (ci/image), ci/gate, image, attest, deploy, summary
        caches kept: ci/check, ci/test, image
        image: sent; new tags: in-… latest main sha-…
        deployments: 1
    "#]]);
    assert_eq!(world.station.served_revision(), pushed.sha);
    // From what two jobs have left.
    let summary = &world.said.summary;
    assert!(summary.contains("| deployment | ok (`") && summary.contains(" as it is sent"), "{summary}");

    let before = world.head();
    world.station.workspace.write("docs/guide.md", "text");
    commit(&world.station.workspace, "a guide");
    let documented = world.event("push", MAIN, json!({"before": before}));
    world.shows(&documented, Checks::Taken, expect![[r#"
        docker-build: changes, ci, ci/changes, (ci/check), (ci/test), (ci/image), ci/gate, (image), (attest), (deploy), (summary)
        image: not sent; new tags: 
        deployments: 0
    "#]]);
    assert_eq!(world.station.served_revision(), pushed.sha);

    // A pull request of the repository's own people.
    let base = world.branch("feature", "core/src/lib.rs", "43", "44");
    let request = world.pull_request(&base, OWN);
    world.shows(
        &request,
        Checks::Taken,
        expect![[r#"
        ci: changes, check, test, image, gate
        deps: changes, (report), (comment)
        image: not sent; new tags: 
        deployments: 0
    "#]],
    );
    // The same from somebody else, who gets no secret; nothing fails, all of it for real.
    let request = world.pull_request(&base, "else/fixture");
    world.shows(
        &request,
        Checks::Run,
        expect![[r#"
        ci: changes, check, test, image, gate
        deps: changes, (report), (comment)
        image: not sent; new tags: 
        deployments: 0
    "#]],
    );
    // What the queue makes of it is checked, and pushed when it has landed.
    let queue = "refs/heads/gh-readonly-queue/main/pr-7-0123";
    let queued = world.event("merge_group", queue, json!({"merge_group": {"base_sha": base}}));
    world.shows(
        &queued,
        Checks::Taken,
        expect![[r#"
        ci: changes, check, test, image, gate
        image: not sent; new tags: 
        deployments: 0
    "#]],
    );

    // Dependencies alone.
    world.git(&["checkout", "--quiet", "--force", "main"]);
    let base = world.branch("dependencies", "Cargo.lock", "version = 4", "version = 4\n");
    let request = world.pull_request(&base, OWN);
    world.shows(
        &request,
        Checks::Taken,
        expect![[r#"
        ci: changes, check, test, image, gate
        deps: changes, report, comment
        image: not sent; new tags: 
        deployments: 0
    "#]],
    );
    let request = world.pull_request(&base, "else/fixture");
    world.shows(
        &request,
        Checks::Taken,
        expect![[r#"
        ci: changes, check, test, image, gate
        deps: changes, report, (comment)
        image: not sent; new tags: 
        deployments: 0
    "#]],
    );

    world.git(&["checkout", "--quiet", "--force", "main"]);
    let version = world.event("push", "refs/tags/v1.2.3", json!({"before": "0".repeat(40)}));
    world.shows(&version, Checks::Taken, expect![[r#"
        docker-build: changes, ci, ci/changes, ci/check, ci/test, (ci/image), ci/gate, image, attest, (deploy), summary
        image: not sent; new tags: 1.2.3 sha-…
        deployments: 0
    "#]]);
    // From what the one job has left.
    let summary = &world.said.summary;
    assert!(summary.contains("| build | ") && !summary.contains("| build | not measured |"), "{summary}");

    // What somebody starts by hand.
    let forced = world.started(json!({"push": "true", "deploy": "false", "force_rebuild": "true"}));
    world.shows(&forced, Checks::Taken, expect![[r#"
        docker-build: changes, ci, ci/changes, ci/check, ci/test, (ci/image), ci/gate, image, attest, (deploy), summary
        image: sent; new tags: 
        deployments: 0
    "#]]);
    let kept = world.started(json!({"push": "false", "deploy": "true", "force_rebuild": "false"}));
    world.shows(&kept, Checks::Taken, expect![[r#"
        docker-build: changes, ci, ci/changes, ci/check, ci/test, ci/image, ci/gate, (image), (attest), (deploy), (summary)
        caches kept: ci/check, ci/test
        image: not sent; new tags: 
        deployments: 0
    "#]]);
    let inputs = json!({"push": "true", "deploy": "true", "environment": "production"});
    let deployed = world.started(inputs);
    world.shows(&deployed, Checks::Taken, expect![[r#"
        docker-build: changes, ci, ci/changes, ci/check, ci/test, (ci/image), ci/gate, image, attest, deploy, summary
        caches kept: ci/check, ci/test, image
        image: not sent; new tags: 
        deployments: 1
    "#]]);
    assert_eq!(world.station.served_revision(), deployed.sha);

    // What is red is not deployed.
    let before = world.head();
    let failing = "\n#[test]\nfn the_answer() {\n    assert_eq!(reading().value, 42);\n}\n";
    let text = world.station.workspace.read("core/src/lib.rs");
    world.station.workspace.write("core/src/lib.rs", &(text + failing));
    commit(&world.station.workspace, "a test that fails");
    let red = world.event("push", MAIN, json!({"before": before}));
    world.shows(&red, Checks::Run, expect![[r#"
        docker-build: changes, ci: failure, ci/changes, ci/check, ci/test: failure, (ci/image), ci/gate: failure, image, attest, (deploy), summary
        caches kept: ci/check, image
        image: not sent; new tags: sha-…
        deployments: 0
    "#]]);
    let before = world.head();
    world.station.workspace.edit("server/src/main.rs", "fn main()", "fn main() -> Nothing");
    commit(&world.station.workspace, "it does not compile");
    let broken = world.event("push", MAIN, json!({"before": before}));
    world.shows(&broken, Checks::Run, expect![[r#"
        docker-build: changes, ci: failure, ci/changes, ci/check: failure, ci/test: failure, (ci/image), ci/gate: failure, image: failure, (attest), (deploy), (summary)
        image: not sent; new tags: 
        deployments: 0
    "#]]);
    assert_eq!(world.station.served_revision(), deployed.sha);

    assert_eq!(world.station.railway.control("violations"), json!([]));
}

/// Those that the table has no event for can be read too: no expression, filter or step that nobody knows.
#[test]
fn every_workflow_can_be_followed() {
    for (event, git_ref) in [
        ("push", MAIN),
        ("schedule", MAIN),
        ("workflow_dispatch", MAIN),
        ("pull_request", "refs/pull/7/merge"),
        ("merge_group", "refs/heads/gh-readonly-queue/main/pr-7-0123"),
    ] {
        let payload = json!({"repository": {"default_branch": "main"}});
        let (git_ref, sha) = (git_ref.to_owned(), "0".repeat(40));
        let event = Event { name: event, git_ref, sha, payload, secrets: BTreeMap::new() };
        let mut started = 0;
        for name in WORKFLOWS {
            let workflow = read(&format!("{name}.yml"));
            if !is_started(&workflow, &event) {
                continue;
            }
            started += 1;
            let outputs = ["checks", "image", "push", "trial", "deploy", "dependencies", "code_only"];
            let outputs = outputs.map(|output| (output.to_owned(), "true".to_owned()));
            let mut carry_out = |_: &Call| Done { is_good: true, outputs: outputs.clone().into() };
            let (carry_out, use_action) = (&mut carry_out, &mut |_: &Use| true);
            let mut runner = Runner { event: &event, carry_out, use_action, told: Told::default() };
            assert!(runner.run(&workflow, ""), "{name}");
            assert!(runner.told.jobs.iter().any(|(_, result)| *result == "success"), "{name}");
        }
        assert!(started > 0, "{} starts nothing", event.name);
    }
}

#[test]
fn on_schedule_the_image_is_built_by_its_dockerfile() {
    let mut workspace = Workspace::fixture();
    workspace.write("Dockerfile.production", "FROM scratch\n");
    let manifest = workspace.read("Cargo.toml");
    workspace.write(
        "Cargo.toml",
        &format!("{manifest}\n[workspace.metadata.xtask]\nimage = \"ghcr.io/octo-org/fixture\"\n"),
    );
    let planned = |workspace: &Workspace| {
        let run = workspace.xtask(&["ci", "image", "--dry-run"]);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        run.stdout
    };
    let job = Job::start(&mut workspace, "schedule", MAIN);
    job.payload(json!({"repository": {}}));
    let plan = planned(&workspace);
    assert!(plan.contains("docker buildx build ") && plan.contains("--cache-to"), "{plan}");
    assert!(!plan.contains("latest") && !plan.contains("--no-cache"), "{plan}");

    let job = Job::start(&mut workspace, "workflow_dispatch", MAIN);
    job.payload(json!({"inputs": {"dockerfile": "true", "push": "true", "force_rebuild": "true"}}));
    let plan = planned(&workspace);
    assert!(plan.contains("docker buildx build ") && plan.contains("--no-cache"), "{plan}");
    assert!(plan.contains("latest"), "{plan}");
}
