//! Runs this repository's own workflows as GitHub does: which jobs and steps an event starts, in which order, with which
//! conditions, outputs and secrets. What the steps do is the test's.
//!
//! Only what our workflows use is known; anything else fails.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value, json};
use yaml_rust2::{Yaml, YamlLoader};

use super::expression::{Scope, Status, asks_for_status, evaluate, interpolate, is_true};

/// What has happened.
#[derive(Clone, Debug)]
pub struct Event {
    pub name: &'static str,
    pub git_ref: String,
    pub sha: String,
    /// With the repository.
    pub payload: Value,
    /// Secrets of each environment; those of the whole repository stand under an empty name.
    pub secrets: BTreeMap<&'static str, Vec<(&'static str, String)>>,
}

/// A step that runs a command.
#[derive(Clone, Debug)]
pub struct Call {
    /// With the jobs that called its workflow, e.g. `ci/check`.
    pub job: String,
    /// What follows `cargo xtask`.
    pub words: Vec<String>,
    /// The step's own variables.
    pub env: Vec<(String, String)>,
}

/// A step that uses an action.
#[derive(Clone, Debug)]
pub struct Use {
    /// Without its pin.
    pub action: String,
    /// What it is given.
    pub with: BTreeMap<String, String>,
}

/// What became of a step.
#[derive(Clone, Debug)]
pub struct Done {
    pub is_good: bool,
    pub outputs: BTreeMap<String, String>,
}

/// The jobs of a run, in their order, each with its result; and the actions that were used.
#[derive(Clone, Debug, Default)]
pub struct Told {
    pub jobs: Vec<(String, &'static str)>,
    /// Job, and the action without its pin.
    pub uses: Vec<(String, String)>,
}

/// Reads a workflow of this repository.
pub fn read(name: &str) -> Yaml {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.github/workflows").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    YamlLoader::load_from_str(&text).unwrap().remove(0)
}

/// Whether the event starts the workflow.
pub fn is_started(workflow: &Yaml, event: &Event) -> bool {
    let filters = &workflow["on"][event.name];
    if filters.is_badvalue() {
        return false;
    }
    let (kind, name) = match event.git_ref.strip_prefix("refs/tags/") {
        Some(tag) => ("tags", tag),
        None => ("branches", event.git_ref.trim_start_matches("refs/heads/")),
    };
    if event.name != "push" {
        assert!(matches!(event.name, "schedule" | "workflow_dispatch") || filters.is_null(), "filters");
        return true;
    }
    let patterns = filters[kind].as_vec().map(Vec::as_slice).unwrap_or_default();
    // Where one of both is filtered, the other one does not start it.
    patterns.iter().any(|pattern| match pattern.as_str().unwrap().split_once('*') {
        Some((beginning, "")) => name.starts_with(beginning),
        None => name == pattern.as_str().unwrap(),
        Some(_) => panic!("nobody knows the pattern {pattern:?}"),
    })
}

pub struct Runner<'a> {
    pub event: &'a Event,
    pub carry_out: &'a mut dyn FnMut(&Call) -> Done,
    /// Whether it succeeds.
    pub use_action: &'a mut dyn FnMut(&Use) -> bool,
    pub told: Told,
}

impl Runner<'_> {
    /// Runs all jobs; whether all of them ended well. `caller` is the job that calls this workflow, with a slash.
    pub fn run(&mut self, workflow: &Yaml, caller: &str) -> bool {
        let mut needs: Map<String, Value> = Map::new();
        let mut all_good = true;
        for (name, job) in workflow["jobs"].as_hash().unwrap() {
            let name = name.as_str().unwrap();
            let needed = names(&job["needs"]);
            let mut scope = self.scope(workflow, job, caller.is_empty());
            walk(&workflow["concurrency"], &scope);
            let known = |needed: &String| {
                let job = needs.get(needed).unwrap_or_else(|| panic!("`{name}` needs `{needed}` too early"));
                (needed.clone(), job.clone())
            };
            let needed: Map<String, Value> = needed.iter().map(known).collect();
            scope.status = status(needed.values());
            scope.contexts.insert("needs", Value::Object(needed));
            let full_name = format!("{caller}{name}");
            let (result, outputs) = if holds(&job["if"], &scope) {
                self.job(&full_name, job, scope)
            } else {
                self.told.jobs.push((full_name, "skipped"));
                ("skipped", Map::new())
            };
            all_good &= result != "failure";
            needs.insert(name.to_owned(), json!({"result": result, "outputs": outputs}));
        }
        all_good
    }

    fn job(&mut self, name: &str, job: &Yaml, mut scope: Scope) -> (&'static str, Map<String, Value>) {
        for key in ["runs-on", "concurrency", "timeout-minutes"] {
            walk(&job[key], &scope);
        }
        let place = self.told.jobs.len();
        self.told.jobs.push((name.to_owned(), "under way"));
        let mut outputs = Map::new();
        let is_good = match job["uses"].as_str() {
            Some(file) => {
                assert!(
                    job["with"].is_badvalue() && job["secrets"].is_badvalue(),
                    "{name} hands something on"
                );
                let file = file.strip_prefix("./.github/workflows/").unwrap();
                self.run(&read(file), &format!("{name}/"))
            }
            None => {
                let is_good = self.steps(name, job, &mut scope);
                walk(&job["environment"], &scope);
                for (output, value) in job["outputs"].as_hash().into_iter().flatten() {
                    let value = interpolate(value.as_str().unwrap(), &scope);
                    outputs.insert(output.as_str().unwrap().to_owned(), Value::String(value));
                }
                is_good
            }
        };
        let result = if is_good { "success" } else { "failure" };
        self.told.jobs[place].1 = result;
        (result, outputs)
    }

    fn steps(&mut self, name: &str, job: &Yaml, scope: &mut Scope) -> bool {
        let mut done: Map<String, Value> = Map::new();
        scope.status = Status::Success;
        for step in job["steps"].as_vec().unwrap() {
            scope.contexts.insert("steps", Value::Object(done.clone()));
            if !holds(&step["if"], scope) {
                continue;
            }
            let mut ended = Done { is_good: true, outputs: BTreeMap::new() };
            match (step["uses"].as_str(), step["run"].as_str()) {
                (Some(action), None) => {
                    let action = action.split('@').next().unwrap();
                    self.told.uses.push((name.to_owned(), action.to_owned()));
                    let with = step["with"].as_hash().into_iter().flatten().map(|(name, value)| {
                        let text = match value {
                            Yaml::String(text) => interpolate(text, scope),
                            Yaml::Boolean(value) => value.to_string(),
                            Yaml::Integer(number) => number.to_string(),
                            other => panic!("nobody knows the value {other:?}"),
                        };
                        (name.as_str().unwrap().to_owned(), text)
                    });
                    let (action, with) = (action.to_owned(), with.collect());
                    ended.is_good = (self.use_action)(&Use { action, with });
                    // A cache that is empty says under which name it would be kept.
                    if let Some(key) = step["with"]["key"].as_str() {
                        ended.outputs.insert("cache-primary-key".to_owned(), interpolate(key, scope));
                    }
                }
                (None, Some(run)) => {
                    assert!(!run.contains("${{"), "{run}");
                    let words = run.strip_prefix("exec cargo xtask ").unwrap_or_else(|| panic!("`{run}`"));
                    let variable = |(name, value): (&Yaml, &Yaml)| {
                        (name.as_str().unwrap().to_owned(), interpolate(value.as_str().unwrap(), scope))
                    };
                    ended = (self.carry_out)(&Call {
                        job: name.to_owned(),
                        words: words.split(' ').map(str::to_owned).collect(),
                        env: step["env"].as_hash().into_iter().flatten().map(variable).collect(),
                    });
                }
                _ => panic!("{name}: a step that neither runs nor uses anything: {step:?}"),
            }
            if !ended.is_good {
                scope.status = Status::Failure;
            }
            if let Some(id) = step["id"].as_str() {
                done.insert(id.to_owned(), json!({"outputs": ended.outputs}));
            }
        }
        scope.contexts.insert("steps", Value::Object(done));
        scope.status == Status::Success
    }

    /// What the job's expressions may name.
    fn scope(&self, workflow: &Yaml, job: &Yaml, is_called_by_event: bool) -> Scope {
        let event = self.event;
        let (kind, name) = match event.git_ref.strip_prefix("refs/tags/") {
            Some(tag) => ("tag", tag),
            None => ("branch", event.git_ref.trim_start_matches("refs/heads/")),
        };
        let github = json!({
            "event_name": event.name, "ref": event.git_ref, "ref_type": kind, "ref_name": name, "sha": event.sha,
            "event": event.payload, "repository": "Octo-Org/Fixture", "actor": "octocat", "job": "job",
            "run_id": "1", "run_attempt": "1",
        });
        // A workflow that is called has inputs of its own, and ours have none.
        let inputs = match &event.payload["inputs"] {
            inputs if is_called_by_event => inputs.clone(),
            _ => Value::Null,
        };
        // The payload has texts, the context what the workflow says.
        let typed = |(name, value): (&String, &Value)| {
            let is_box = workflow["on"]["workflow_dispatch"]["inputs"][name.as_str()]["type"].as_str()
                == Some("boolean");
            (name.clone(), if is_box { Value::Bool(value == "true") } else { value.clone() })
        };
        let inputs: Map<String, Value> = inputs.as_object().into_iter().flatten().map(typed).collect();
        let contexts = BTreeMap::from([
            ("github", github),
            ("inputs", Value::Object(inputs)),
            ("runner", json!({"os": "Linux", "arch": "X64"})),
            ("steps", json!({})),
            ("env", json!({})),
        ]);
        let mut scope = Scope { contexts, status: Status::Success };
        let mut env = Map::new();
        for (name, value) in workflow["env"].as_hash().into_iter().flatten() {
            env.insert(
                name.as_str().unwrap().to_owned(),
                interpolate(value.as_str().unwrap(), &scope).into(),
            );
        }
        scope.contexts.insert("env", Value::Object(env));
        let environment = interpolate(job["environment"]["name"].as_str().unwrap_or_default(), &scope);
        let of = |environment: &str| event.secrets.get(environment).cloned().unwrap_or_default();
        let own = if environment.is_empty() { Vec::new() } else { of(&environment) };
        let secrets = of("").into_iter().chain(own);
        let secrets: Map<String, Value> =
            secrets.map(|(name, value)| (name.to_owned(), Value::String(value))).collect();
        scope.contexts.insert("secrets", Value::Object(secrets));
        scope
    }
}

fn names(node: &Yaml) -> Vec<String> {
    let text = |node: &Yaml| node.as_str().unwrap().to_owned();
    match node {
        Yaml::BadValue => Vec::new(),
        Yaml::Array(items) => items.iter().map(text).collect(),
        one => vec![text(one)],
    }
}

fn status<'a>(needed: impl Iterator<Item = &'a Value>) -> Status {
    let mut status = Status::Success;
    for job in needed {
        status = match job["result"].as_str() {
            Some("success") => status,
            Some("skipped") if status != Status::Failure => Status::Skipped,
            _ => Status::Failure,
        };
    }
    status
}

fn holds(condition: &Yaml, scope: &Scope) -> bool {
    let is_good = scope.status == Status::Success;
    match condition {
        Yaml::BadValue => is_good,
        Yaml::String(text) => (is_good || asks_for_status(text)) && is_true(&evaluate(text, scope)),
        other => panic!("nobody knows the condition {other:?}"),
    }
}

/// Evaluates every expression below a node, so that one that nobody knows is found.
fn walk(node: &Yaml, scope: &Scope) {
    match node {
        Yaml::String(text) => drop(interpolate(text, scope)),
        Yaml::Array(items) => items.iter().for_each(|item| walk(item, scope)),
        Yaml::Hash(entries) => entries.iter().for_each(|(_, value)| walk(value, scope)),
        _ => {}
    }
}
