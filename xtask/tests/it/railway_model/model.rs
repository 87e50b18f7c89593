//! A running Railway model, as tests use it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::example;

/// The longest that a deployment of a test may take.
const LIMIT: Duration = Duration::from_secs(120);

pub struct Model {
    child: Child,
    /// The line that it prints at its start.
    pub told: Value,
}

/// An answer: status, body, and how many requests are left of the hour's allowance.
pub struct Answer {
    pub status: u16,
    pub text: String,
    pub remaining: Option<u64>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub fn message(&self) -> String {
        self.json()["errors"][0]["message"].as_str().unwrap_or_default().to_owned()
    }
}

impl Model {
    pub fn start(arguments: &[&str]) -> Model {
        let mut command = Command::new(example("railway-model"));
        // It ends with this test, even if that is killed.
        command.arg("--while-stdin-open").args(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "the model did not start: {:?}", child.wait());
        Model { told: serde_json::from_str(&line).unwrap(), child }
    }

    /// A word of the first line, e.g. `base_url`, or an id, e.g. `service`.
    pub fn told(&self, name: &str) -> &str {
        self.told[name].as_str().or(self.told[name]["id"].as_str()).unwrap()
    }

    /// Sends one of xtask's operations with the project token; there must be no errors. The value of its field.
    pub fn operation(&self, name: &str, variables: &Value) -> Value {
        let file = format!("src/railway/operations/{name}.graphql");
        let query = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
        let token = ("project-access-token", self.told("project_token"));
        let answer = self.send(Some(token), &json!({ "query": query, "variables": variables }).to_string());
        let body = answer.json();
        assert_eq!((answer.status, &body["errors"]), (200, &Value::Null), "{name}: {}", answer.text);
        assert!(answer.remaining.unwrap() < 10_000);
        body["data"].as_object().unwrap().values().next().unwrap().clone()
    }

    /// Sends whatever it is.
    pub fn send(&self, token: Option<(&str, &str)>, body: &str) -> Answer {
        let mut request = agent().post(self.told("graphql_url")).content_type("application/json");
        if let Some((name, value)) = token {
            request = request.header(name, value);
        }
        answer(request.send(body).unwrap())
    }

    /// What the model says of itself below `/_model/`.
    pub fn control(&self, name: &str) -> Value {
        answer(agent().get(format!("{}/_model/{name}", self.told("base_url"))).call().unwrap()).json()
    }

    /// Asks the app through the front.
    pub fn front(&self, path: &str) -> Answer {
        answer(agent().get(format!("{}{path}", self.told("front_url"))).call().unwrap())
    }

    /// The ids of service and environment, as most operations want them.
    pub fn place(&self) -> Value {
        json!({ "serviceId": self.told("service"), "environmentId": self.told("environment") })
    }

    pub fn update(&self, input: &Value) {
        let mut variables = self.place();
        variables["input"] = input.clone();
        assert_eq!(self.operation("update_service_instance", &variables), true);
    }

    /// Sets variables of the service.
    pub fn set(&self, variables: &Value, skip_deploys: bool) {
        let mut input = self.place();
        input["projectId"] = json!(self.told("project"));
        input["variables"] = variables.clone();
        input["skipDeploys"] = json!(skip_deploys);
        assert_eq!(self.operation("upsert_variables", &json!({ "input": input })), true);
    }

    /// Sets the image and deploys it. The deployment's id.
    pub fn deploy(&self, image: &str) -> String {
        self.update(&json!({ "source": { "image": image } }));
        self.operation("deploy_service_instance", &self.place()).as_str().unwrap().to_owned()
    }

    /// Waits for a status; the deployment as the API shows it then.
    pub fn wait(&self, deployment: &str, status: &str) -> Value {
        let began = Instant::now();
        loop {
            let shown = self.operation("deployment", &json!({ "id": deployment }));
            if shown["status"] == status {
                return shown;
            }
            let ended = match shown["status"].as_str().unwrap() {
                "SUCCESS" => status == "FAILED",
                other => ["FAILED", "CRASHED", "REMOVED"].contains(&other),
            };
            assert!(!ended && began.elapsed() < LIMIT, "no {status}: {shown} {:?}", self.events(deployment));
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The steps of a deployment, each with what went wrong in it.
    pub fn events(&self, deployment: &str) -> Vec<(String, Option<String>)> {
        let events = self.operation("deployment_events", &json!({ "id": deployment }));
        let nodes = events["edges"].as_array().unwrap().iter().map(|edge| &edge["node"]);
        let text = |value: &Value| value.as_str().map(str::to_owned);
        nodes.map(|node| (text(&node["step"]).unwrap(), text(&node["payload"]["error"]))).collect()
    }

    pub fn deployments(&self) -> Vec<Value> {
        let input = json!({ "serviceId": self.told("service"), "projectId": self.told("project") });
        let list = self.operation("deployments", &json!({ "input": input }));
        list["edges"].as_array().unwrap().iter().map(|edge| edge["node"].clone()).collect()
    }

    /// Sends a signal, and waits for the end: the exit code.
    pub fn end(mut self, signal: &str) -> Option<i32> {
        crate::support::signal(&self.child, signal);
        self.wait_for_end();
        self.child.wait().unwrap().code()
    }

    /// Kills it when it takes too long.
    fn wait_for_end(&mut self) {
        let began = Instant::now();
        while self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            if began.elapsed() > LIMIT {
                let _ = self.child.kill();
                let _ = self.child.wait();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        // Closing its standard input asks it to end; a test that failed needs no more than that.
        drop(self.child.stdin.take());
        self.wait_for_end();
    }
}

pub fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(30)))
        .http_status_as_error(false)
        .proxy(None);
    config.build().new_agent()
}

fn answer(mut response: ureq::http::Response<ureq::Body>) -> Answer {
    let remaining = response.headers().get("x-ratelimit-remaining");
    let remaining = remaining.and_then(|value| value.to_str().ok()?.parse().ok());
    let status = response.status().as_u16();
    Answer { status, text: response.body_mut().read_to_string().unwrap(), remaining }
}
