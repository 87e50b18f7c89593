//! What the model knows: settings, variables, deployments, and what was asked of it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use apollo_compiler::Schema;
use apollo_compiler::validation::Valid;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;

use crate::creating::Existing;
use crate::identity::Identity;
use crate::options::Options;
use crate::runner::{Instance, Log, Runner};

/// The part of Railway's schema that every operation is checked against.
const SCHEMA: &str = include_str!("schema.graphql");

/// Everything that tasks share.
pub struct Model {
    pub options: Options,
    pub identity: Identity,
    pub schema: Valid<Schema>,
    pub runner: Runner,
    /// The front's host and port, which is what people call the service by.
    pub domain: String,
    state: Mutex<State>,
}

/// What changes. No task holds it across an await.
#[derive(Default)]
pub struct State {
    /// What of project, environment, service and domain there is.
    pub existing: Existing,
    pub settings: Settings,
    /// Of the service.
    pub variables: BTreeMap<String, String>,
    /// Of the environment, for all services.
    pub shared_variables: BTreeMap<String, String>,
    /// In the order of their creation.
    pub deployments: Vec<Deployment>,
    /// The id of the deployment that the front sends requests to.
    pub active: Option<String>,
    pub requests: Vec<Received>,
    pub violations: Vec<Violation>,
    pub front: FrontCounts,
    /// Set when the model ends: nothing starts any more.
    pub closed: bool,
    /// The operation that gets no answer, and when it is held.
    pub hold: Option<(String, Hold)>,
    /// How many operations have been held.
    pub held: u64,
}

/// At which point an operation is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// It has arrived, and nothing of it is done.
    Before,
    /// All of it is done, but for the answer.
    After,
}

/// The settings of the service instance; `None` where nobody set it. Times in seconds.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    pub image: Option<String>,
    pub repo: Option<String>,
    pub healthcheck_path: Option<String>,
    pub healthcheck_timeout: Option<u64>,
    pub restart_policy_type: Option<String>,
    pub restart_policy_max_retries: Option<u64>,
    pub overlap_seconds: Option<u64>,
    pub draining_seconds: Option<u64>,
    /// Settings that are kept and told, but have no effect here, by Railway's names.
    pub others: BTreeMap<String, Value>,
    /// The user of the registry credentials. They have no effect here either, and nobody is told them.
    pub registry_username: Option<String>,
}

/// Railway's statuses, as far as a deployment takes them here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    Initializing,
    Deploying,
    Success,
    Failed,
    Crashed,
    Removing,
    Removed,
}

impl Status {
    /// Whether it may still become the active one.
    pub fn is_pending(self) -> bool {
        matches!(self, Status::Initializing | Status::Deploying)
    }
}

pub struct Deployment {
    pub id: String,
    /// As the source gave it.
    pub image: String,
    /// Where the source did not give it.
    pub image_digest: Option<String>,
    pub status: Status,
    pub created_at: DateTime<Utc>,
    pub status_updated_at: DateTime<Utc>,
    /// Settings and variables as they were when it was created.
    pub settings: Settings,
    pub variables: BTreeMap<String, String>,
    pub events: Vec<Event>,
    /// Whether it has ever been the active one.
    pub served: bool,
    pub log: Arc<Log>,
    pub instance: Option<Arc<Instance>>,
    /// Turns true when a newer deployment takes its place before it was active.
    pub superseded: watch::Sender<bool>,
}

/// A step of a deployment.
#[derive(Clone, Debug)]
pub struct Event {
    pub step: &'static str,
    pub created_at: DateTime<Utc>,
    pub completed_at: Option<DateTime<Utc>>,
    pub error: Option<String>,
}

/// One GraphQL request, in the order of arrival.
#[derive(Clone, Debug, Serialize)]
pub struct Received {
    /// The operation's name; `None` where it has none or could not be read.
    pub name: Option<String>,
    /// `query` or `mutation`.
    pub kind: Option<&'static str>,
    pub variables: Value,
    /// Which token came with it: `project`, `api`, `bad` or `none`.
    pub token: &'static str,
    pub http_status: u16,
    pub errors: bool,
}

/// An operation that Railway would refuse whatever its state: a fault of the client.
#[derive(Clone, Debug, Serialize)]
pub struct Violation {
    pub operation: Option<String>,
    pub problem: String,
}

/// What the front saw.
#[derive(Clone, Debug, Default, Serialize)]
pub struct FrontCounts {
    pub requests: u64,
    /// Requests that a deployment should have answered but did not answer completely.
    pub failures: u64,
    /// Requests that found no deployment.
    pub not_found: u64,
    /// Requests by the id of the deployment that got them.
    pub by_deployment: BTreeMap<String, u64>,
}

impl Model {
    pub fn new(options: Options, runner: Runner, front: SocketAddr) -> Model {
        let schema = Schema::parse_and_validate(SCHEMA, "schema.graphql")
            .unwrap_or_else(|problems| panic!("schema.graphql: {}", problems.errors));
        let identity = Identity::new(&options);
        let state = State { existing: Existing::new(&options), ..State::default() };
        Model { options, identity, schema, runner, domain: front.to_string(), state: Mutex::new(state) }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on nothing is deployed.
    pub fn close(&self) {
        self.state().closed = true;
    }
}

impl State {
    pub fn deployment(&self, id: &str) -> Option<&Deployment> {
        self.deployments.iter().find(|deployment| deployment.id == id)
    }

    pub fn deployment_mut(&mut self, id: &str) -> Option<&mut Deployment> {
        self.deployments.iter_mut().find(|deployment| deployment.id == id)
    }

    /// Where the front sends requests to: the active deployment's id and address.
    pub fn backend(&self) -> Option<(String, SocketAddr)> {
        let active = self.deployment(self.active.as_deref()?)?;
        Some((active.id.clone(), active.instance.as_ref()?.address))
    }

    /// Now, but later than every deployment so far: people sort deployments by this.
    pub fn creation_time(&self) -> DateTime<Utc> {
        let now = Utc::now();
        match self.deployments.last() {
            Some(last) => now.max(last.created_at + TimeDelta::milliseconds(1)),
            None => now,
        }
    }
}

impl Deployment {
    pub fn set_status(&mut self, status: Status) {
        self.status = status;
        self.status_updated_at = Utc::now();
        eprintln!("railway-model: deployment {} is {status:?}", self.id);
    }

    pub fn begin(&mut self, step: &'static str) {
        self.events.push(Event { step, created_at: Utc::now(), completed_at: None, error: None });
    }

    /// Ends a step that has begun.
    pub fn complete(&mut self, step: &str, error: Option<String>) {
        if let Some(event) = self.events.iter_mut().rev().find(|event| event.step == step) {
            event.completed_at = Some(Utc::now());
            event.error = error;
        }
    }
}

/// As Railway writes times: RFC 3339 in UTC with milliseconds.
pub fn timestamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}
