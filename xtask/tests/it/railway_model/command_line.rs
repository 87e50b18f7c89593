//! What Railway's own command line asks of the model, as far as it is compared with `xtask`
//! (docs/measurements/railway-cli.md): it is answered, by Railway's schema.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::model::Model;
use super::registry::Registry;

/// Its questions, each with what it is asked about. Of those of a whole project only the fields that it relies on.
const QUESTIONS: [(&str, &str); 6] = [
    ("", "query ProjectToken { projectToken { id project { id name } environment { id name } } }"),
    (
        "project",
        "query Project($id: String!) { project(id: $id) { id name workspaceId deletedAt workspace { name } \
         buckets { edges { node { id name } } } environments { edges { node { id name canAccess deletedAt \
         unmergedChangesCount } } } services { edges { node { id name } } } } }",
    ),
    (
        "environment",
        "query EnvironmentInstances($id: String!) { environment(id: $id) { id name \
         serviceInstances(first: 500) { edges { node { id serviceId serviceName environmentId numReplicas \
         latestDeployment { canRedeploy id meta status createdAt deploymentStopped instances { id status } } \
         activeDeployments { id status createdAt meta deploymentStopped instances { id status } } \
         source { repo image } domains { serviceDomains { id domain targetPort } customDomains { id domain targetPort } } \
         cronSchedule nextCronRunAt startCommand tracingEnabled autoInstrumentationEnabled } } \
         pageInfo { hasNextPage endCursor } } \
         volumeInstances(first: 500) { edges { node { id serviceId mountPath environmentId currentSizeMB sizeMB state \
         deletedAt isPendingDeletion volume { name id } } } pageInfo { hasNextPage endCursor } } } }",
    ),
    (
        "deployment",
        "query DeploymentLogs($id: String!) { deploymentLogs(deploymentId: $id, limit: 20, filter: null) { timestamp \
         message attributes { key value } } }",
    ),
    (
        "place",
        "query VariablesForServiceDeployment($projectId: String!, $environmentId: String!, $serviceId: String!) { \
         variablesForServiceDeployment(projectId: $projectId, environmentId: $environmentId, serviceId: $serviceId) }",
    ),
    ("deployment", "mutation DeploymentRedeploy($id: String!) { deploymentRedeploy(id: $id) { id } }"),
];

#[test]
fn its_questions_are_answered() {
    let (registry, model) = (Registry::start(), Model::start(&["--runner", "process"]));
    model.set(&json!({ "HOUSE": "blue" }), true);
    let id = model.deploy(&registry.image("one", &["VERSION=one"]));
    model.wait(&id, "SUCCESS");
    let token = ("project-access-token", model.told("project_token"));
    let place = json!({ "projectId": model.told("project"), "environmentId": model.told("environment"),
                        "serviceId": model.told("service") });
    let mut answers = Vec::new();
    for (subject, query) in QUESTIONS {
        let variables = match subject {
            "" => json!({}),
            "place" => place.clone(),
            "deployment" => json!({ "id": id }),
            other => json!({ "id": model.told(other) }),
        };
        let answer = model.send(Some(token), &json!({ "query": query, "variables": variables }).to_string());
        let body = answer.json();
        assert_eq!((answer.status, &body["errors"]), (200, &Value::Null), "{query}: {}", answer.text);
        answers.push(body["data"].as_object().unwrap().values().next().unwrap().clone());
    }
    assert_eq!(answers[0]["project"], json!({ "id": model.told("project"), "name": "model" }));
    assert_eq!(answers[1]["environments"]["edges"][0]["node"]["canAccess"], true);
    let instance = &answers[2]["serviceInstances"]["edges"][0]["node"];
    assert_eq!(
        (&instance["serviceId"], &instance["activeDeployments"][0]["id"]),
        (&json!(model.told("service")), &json!(id))
    );
    assert_eq!(instance["latestDeployment"]["canRedeploy"], true);
    assert_eq!(answers[4]["HOUSE"], "blue");
    // The same again, as another deployment.
    let again = answers[5]["id"].as_str().unwrap();
    assert_ne!(again, id);
    let shown = model.wait(again, "SUCCESS");
    assert_eq!(shown["meta"], model.operation("deployment", &json!({ "id": id }))["meta"]);
    let filtered = r#"{ deploymentLogs(deploymentId: "x", filter: "error") { message } }"#;
    let refused = model.send(Some(token), &json!({ "query": filtered }).to_string());
    assert_eq!(refused.message(), "the model tells the last lines of a log alone");
    assert_eq!(model.control("violations"), json!([]));
}

#[test]
fn placement_takes_its_time_and_ends_with_a_newer_deployment() {
    let (registry, model) = (Registry::start(), Model::start(&["--runner", "process", "--placement-s", "2"]));
    let image = registry.image("one", &["VERSION=one"]);
    let began = Instant::now();
    let replaced = model.deploy(&image);
    let id = model.deploy(&image);
    model.wait(&replaced, "REMOVED");
    assert_eq!(model.operation("deployment", &json!({ "id": id }))["status"], "INITIALIZING");
    model.wait(&id, "SUCCESS");
    assert!(began.elapsed() >= Duration::from_secs(2), "{:?}", began.elapsed());
}
