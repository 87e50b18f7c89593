//! The service behind the stand-in for Railway: what it knows, and what each operation does to it. It deploys at once, and
//! only what the client needs is there; tests script what goes wrong.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;

use serde_json::{Value, json};

use super::fake::{Call, Reply};
use super::neighbours::Neighbours;

pub struct Service {
    pub source: Value,
    pub variables: Value,
    pub settings: Value,
    /// Oldest first.
    pub deployments: Vec<Value>,
    pub active: Vec<String>,
    /// The statuses that a new deployment goes through, one a look; it stays with the last.
    pub course: Vec<&'static str>,
    /// The image that a new deployment runs, where it is not the service's.
    pub ghost: Option<String>,
    /// The image of a deployment that somebody else makes while the service is updated.
    pub intruder: Option<String>,
    /// The variables that each deployment was started with; what is not here Railway does not tell.
    pub snapshots: HashMap<String, Value>,
    /// Whether Railway still keeps what a rollback needs.
    pub keeps_removed: bool,
    /// Whether Railway lists a domain.
    pub has_domain: bool,
    /// What does not exist so far: `project`, `environment`, `service`.
    pub lacks: Vec<&'static str>,
    /// Ids and names of the project's environments; the service is the same in all of them.
    pub environments: Vec<(&'static str, &'static str)>,
    /// The ids of the projects called `shop`.
    pub projects: Vec<&'static str>,
    /// Whether what is set is kept.
    pub keeps_settings: bool,
    /// Deployments that are none of this service's.
    pub others: Vec<Value>,
    pub events: Value,
    pub logs: Value,
    /// What the app answers instead: status line without the version, and body.
    pub app: Option<(&'static str, &'static str)>,
    /// The same, once each, before anything else.
    pub app_answers: VecDeque<(&'static str, &'static str)>,
    /// The revision that the live app names.
    pub served_revision: String,
    pub replies: HashMap<&'static str, VecDeque<Reply>>,
    pub calls: Vec<Call>,
    /// Variables as they are written where that is not what they mean: references to others.
    pub written: Value,
    /// The plan, and whether Railway restricts the service.
    pub plan: (&'static str, bool),
    /// Whether the workspace's usage limit is reached.
    pub is_used_up: bool,
    /// What is told of the environment's settings.
    pub config: Value,
    /// Everything else that listens here.
    pub neighbours: Neighbours,
    courses: HashMap<String, VecDeque<&'static str>>,
}

impl Service {
    /// One that has never been deployed.
    pub fn new() -> Service {
        Service {
            source: json!({"image": null, "repo": null}),
            variables: json!({"DATABASE_PASSWORD": super::SECRET_VALUE}),
            settings: json!({"healthcheckPath": "/health"}),
            deployments: Vec::new(),
            active: Vec::new(),
            course: vec!["QUEUED", "DEPLOYING", "SUCCESS"],
            ghost: None,
            intruder: None,
            snapshots: HashMap::new(),
            keeps_removed: true,
            has_domain: true,
            lacks: Vec::new(),
            environments: vec![("e-1", "production")],
            projects: vec!["p-1"],
            keeps_settings: true,
            others: Vec::new(),
            events: json!([]),
            logs: json!([]),
            app: None,
            app_answers: VecDeque::new(),
            served_revision: String::new(),
            replies: HashMap::new(),
            calls: Vec::new(),
            written: json!({}),
            plan: ("pro", false),
            is_used_up: false,
            config: json!({"services": {"s-1": {"deploy": {}}}}),
            neighbours: Neighbours::default(),
            courses: HashMap::new(),
        }
    }

    /// Makes a deployment.
    pub fn add(&mut self, id: &str, image: &str, course: VecDeque<&'static str>, status: &str) {
        // A minute between two, so that their order is plain.
        let created = format!("2026-11-20T10:{:02}:00.000Z", self.deployments.len());
        self.deployments
            .push(json!({"id": id, "status": status, "createdAt": created, "meta": {"image": image}}));
        self.courses.insert(id.to_owned(), course);
        self.snapshots.insert(id.to_owned(), self.variables.clone());
    }

    /// The deployment takes over; the one before is removed.
    pub fn go_live(&mut self, id: &str, revision: &str) {
        let gone = std::mem::replace(&mut self.active, vec![id.to_owned()]);
        for deployment in &mut self.deployments {
            if gone.iter().any(|gone| deployment["id"] == gone.as_str()) && deployment["status"] == "SUCCESS"
            {
                deployment["status"] = "REMOVED".into();
                deployment["canRollback"] = self.keeps_removed.into();
            }
        }
        self.served_revision = revision.to_owned();
        if let Some(snapshot) = self.snapshots.get_mut(id) {
            snapshot["APP_REVISION"] = revision.into();
        }
    }

    /// From now on a deployment goes through these.
    pub fn go_on(&mut self, id: &str, course: &[&'static str]) {
        self.courses.insert(id.to_owned(), course.iter().copied().collect());
    }

    /// One look at a deployment moves it on.
    fn look(&mut self, id: &str) -> Option<Value> {
        let next = self.courses.get_mut(id).and_then(VecDeque::pop_front);
        let at = self.deployments.iter().position(|known| known["id"] == id)?;
        if let Some(next) = next {
            self.deployments[at]["status"] = next.into();
            if next == "SUCCESS" {
                let snapshot = self.snapshots.get(id).unwrap_or(&self.variables);
                let revision = snapshot["APP_REVISION"].as_str().unwrap_or_default().to_owned();
                self.go_live(id, &revision);
            } else {
                self.active.retain(|active| active != id);
            }
        }
        Some(self.deployments[at].clone())
    }

    fn project(&self) -> Value {
        let list = |thing: &str, all: &[(&str, &str)]| {
            let known = all.iter().filter(|_| !self.lacks.contains(&thing));
            let node = |(id, name): &(&str, &str)| json!({"node": {"id": id, "name": name}});
            json!({"edges": known.map(node).collect::<Vec<_>>()})
        };
        json!({
            "id": "p-1", "name": "shop",
            "environments": list("environment", &self.environments),
            "services": list("service", &[("s-1", "web")]),
        })
    }

    /// What an operation does, and its data; nothing where there is no such deployment.
    pub fn operate(&mut self, name: &str, variables: &Value, address: SocketAddr) -> Value {
        let edges = |nodes: &[Value]| json!({"edges": nodes.iter().map(|node| json!({"node": node})).collect::<Vec<_>>()});
        match name {
            "ProjectToken" => json!({"projectToken": {"projectId": "p-1", "environmentId": "e-1"}}),
            "Project" => json!({"project": self.project()}),
            "ApiToken" => json!({"apiToken": {"workspaces": [{"id": "w-1", "name": "mine"}]}}),
            "Projects" => {
                let known = self.projects.iter().filter(|_| !self.lacks.contains(&"project"));
                let known: Vec<Value> = known.map(|id| json!({"id": id, "name": "shop"})).collect();
                let mut page = edges(&known);
                page["pageInfo"] = json!({"hasNextPage": false, "endCursor": null});
                json!({"projects": page})
            }
            "CreateProject" => {
                self.lacks.retain(|thing| !["project", "environment"].contains(thing));
                json!({"projectCreate": self.project()})
            }
            "CreateEnvironment" => {
                self.lacks.retain(|thing| *thing != "environment");
                json!({"environmentCreate": {"id": "e-1", "name": "production"}})
            }
            "CreateService" => {
                self.lacks.retain(|thing| *thing != "service");
                json!({"serviceCreate": {"id": "s-1", "name": "web"}})
            }
            "CreateDomain" => {
                self.has_domain = true;
                json!({"serviceDomainCreate": {"domain": address.to_string()}})
            }
            "ServiceInstance" => {
                let active: Vec<&Value> = self
                    .deployments
                    .iter()
                    .filter(|known| self.active.iter().any(|id| known["id"] == id.as_str()))
                    .collect();
                let domains: Vec<Value> =
                    self.has_domain.then(|| json!({"domain": address.to_string()})).into_iter().collect();
                let mut instance = json!({
                    "serviceName": "web", "source": self.source, "latestDeployment": null,
                    "domains": {"customDomains": [], "serviceDomains": domains},
                    "activeDeployments": active,
                });
                instance.as_object_mut().unwrap().extend(self.settings.as_object().unwrap().clone());
                json!({"serviceInstance": instance})
            }
            "Variables" => {
                let mut all = self.variables.as_object().unwrap().clone();
                if variables["unrendered"] == true {
                    all.extend(self.written.as_object().unwrap().clone());
                }
                json!({"variables": all})
            }
            "Plan" => {
                json!({"project": {"subscriptionType": self.plan.0}, "service": {"isRestricted": self.plan.1}})
            }
            "Usage" => json!({"project": {"workspace": {"customer": {
                "hasExhaustedFreePlan": false, "usageLimit": {"isOverLimit": self.is_used_up},
            }}}}),
            "EnvironmentConfig" => json!({"environment": {"config": self.config}}),
            // Oldest first: the order is not documented, and nobody may rely on it.
            "Deployments" => json!({"deployments": edges(&self.deployments)}),
            "Deployment" => {
                let id = variables["id"].as_str().unwrap();
                let other = self.others.iter().find(|other| other["id"] == id).cloned();
                match self.look(id).or(other) {
                    Some(deployment) => json!({"deployment": deployment}),
                    None => Value::Null,
                }
            }
            "DeploymentSnapshot" => {
                let snapshot = self.snapshots.get(variables["deploymentId"].as_str().unwrap());
                json!({"deploymentSnapshot": snapshot.map(|variables| json!({"variables": variables}))})
            }
            "DeploymentEvents" => json!({"deploymentEvents": edges(self.events.as_array().unwrap())}),
            "DeploymentLogs" => json!({"deploymentLogs": self.logs}),
            "BuildLogs" => json!({"buildLogs": self.logs}),
            "UpsertVariables" => {
                let new = variables["input"]["variables"].as_object().unwrap().clone();
                self.variables.as_object_mut().unwrap().extend(new);
                json!({"variableCollectionUpsert": true})
            }
            "UpdateServiceInstance" => {
                let mut input = variables["input"].as_object().unwrap().clone();
                // Nobody is told them again.
                input.remove("registryCredentials");
                if !self.keeps_settings {
                    return json!({"serviceInstanceUpdate": true});
                }
                if let Some(source) = input.remove("source") {
                    self.source["image"] = source["image"].clone();
                }
                self.settings.as_object_mut().unwrap().extend(input);
                if let Some(image) = self.intruder.take() {
                    self.add("d-9", &image, VecDeque::new(), "DEPLOYING");
                }
                json!({"serviceInstanceUpdate": true})
            }
            "DeployServiceInstance" => {
                let id = format!("d-{}", self.deployments.len() + 1);
                let of_service = self.source["image"].as_str().unwrap_or_default().to_owned();
                let image = self.ghost.clone().unwrap_or(of_service);
                self.add(&id, &image, self.course.iter().copied().collect(), "INITIALIZING");
                json!({"serviceInstanceDeployV2": id})
            }
            "RollBackDeployment" => {
                let earlier = variables["id"].as_str().unwrap();
                let known = self.deployments.iter().find(|known| known["id"] == earlier).unwrap();
                let image = known["meta"]["image"].as_str().unwrap().to_owned();
                let id = format!("d-{}", self.deployments.len() + 1);
                self.add(&id, &image, self.course.iter().copied().collect(), "INITIALIZING");
                if let Some(snapshot) = self.snapshots.get(earlier).cloned() {
                    self.snapshots.insert(id, snapshot);
                }
                json!({"deploymentRollback": true})
            }
            other => panic!("no such operation: {other}"),
        }
    }
}
