//! The Railway model itself: it does what its README says, with both of its runners.

mod command_line;
pub mod model;
pub mod registry;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use self::model::{Model, agent};
use self::registry::Registry;
use crate::engine::has_engine;
use crate::support::processes_with;

/// Containers of a model, running or not.
fn containers(model: &Model) -> Vec<String> {
    let label = format!("label=railway-model={}", model.told["pid"]);
    let listed =
        Command::new("docker").args(["ps", "--all", "--quiet", "--filter", &label]).output().unwrap();
    assert!(listed.status.success(), "{listed:?}");
    String::from_utf8_lossy(&listed.stdout).lines().map(str::to_owned).collect()
}

/// What runs for a model: containers, or processes from its folder.
fn running(model: &Model) -> Vec<String> {
    match model.told("runner") {
        "docker" => containers(model),
        _ => processes_with(&format!("-{}/", model.told["pid"])),
    }
}

/// Where a model has unpacked images.
fn folders(model: &Model) -> Vec<PathBuf> {
    let end = format!("-{}", model.told["pid"]);
    let is_own = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("railway-model-") && name.ends_with(&end)
    };
    std::fs::read_dir(std::env::temp_dir())
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
        .filter(is_own)
        .collect()
}

#[test]
fn deployments_by_a_docker_engine() {
    if has_engine() {
        deployments("docker");
    }
}

#[test]
fn deployments_as_processes() {
    deployments("process");
}

/// The whole way of a service: nothing, a first deployment, a second under load, a third that is not healthy.
fn deployments(runner: &str) {
    let registry = Registry::start();
    let model = Model::start(&["--runner", runner, "--health-interval-ms", "50"]);
    assert_eq!(model.told("runner"), runner);
    first_deployment(&model, &registry);
    let second = second_deployment_under_load(&model, &registry);
    failing_deployments(&model, &registry, &second);
    let replaced = replaced_deployment(&model, &registry, &second);
    let last = rolled_back_deployment(&model, &second, &replaced);

    assert_eq!(model.control("violations"), json!([]));
    assert_eq!(running(&model).len(), 1, "{:?}", running(&model));
    // What has crashed is told, and so is that nothing answers.
    assert_eq!(model.front("/exit").status, 502);
    model.wait(&last, "CRASHED");
    assert_eq!(model.front("/").status, 502);
    let (folders, label) = (folders(&model), format!("label=railway-model={}", model.told["pid"]));
    assert_eq!(folders.is_empty(), runner == "docker", "{folders:?}");
    assert_eq!(model.end("TERM"), Some(0));
    assert!(folders.iter().all(|folder| !folder.exists()), "{folders:?}");
    if runner == "docker" {
        let left = Command::new("docker").args(["ps", "-aq", "--filter", &label]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&left.stdout), "");
        let images = Command::new("docker").args(["images", "-q", &registry.repository()]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&images.stdout), "");
    }
}

fn first_deployment(model: &Model, registry: &Registry) {
    let nothing = model.front("/");
    assert_eq!((nothing.status, nothing.json()["message"].as_str()), (404, Some("Application not found")));
    let image = registry.image("one", &["VERSION=one"]);
    model.update(&json!({
        "source": { "image": image },
        "healthcheckPath": "/health",
        "healthcheckTimeout": 60,
        "overlapSeconds": 2,
        "drainingSeconds": 10,
    }));
    model.set(&json!({ "GREETING": "hello\nworld", "HOUSE": "blue" }), true);
    assert_eq!(model.deployments(), [Value::Null; 0], "settings and variables alone deploy nothing");

    let began = Instant::now();
    let id = model.operation("deploy_service_instance", &model.place()).as_str().unwrap().to_owned();
    let shown = model.wait(&id, "SUCCESS");
    eprintln!("the first deployment took {:?}", began.elapsed());
    assert_eq!(shown["meta"], json!({ "image": image }));
    assert_eq!(shown["staticUrl"], model.told["domain"]);
    assert_eq!(model.events(&id), [("CREATE_CONTAINER".to_owned(), None), ("HEALTHCHECK".to_owned(), None)]);
    let instance = model.operation("service_instance", &model.place());
    assert_eq!(instance["activeDeployments"][0]["id"], *id);
    assert_eq!(instance["source"], json!({ "image": image, "repo": null }));
    assert_eq!((&instance["overlapSeconds"], &instance["restartPolicyMaxRetries"]), (&json!(2), &json!(10)));

    for (path, expected) in [
        ("/", "one"),
        ("/env/GREETING", "hello\nworld"),
        ("/env/RAILWAY_DEPLOYMENT_ID", &id),
        ("/env/RAILWAY_SERVICE_NAME", "web"),
        ("/file/new.txt", "new"),
    ] {
        let answer = model.front(path);
        assert_eq!((answer.status, answer.text.as_str()), (200, expected), "{path}");
    }
    assert_eq!(model.front("/file/old.txt").status, 404, "the second layer hides the file");
    let sent = "x".repeat(200_000);
    let echo = agent().post(format!("{}/echo", model.told("front_url"))).send(&sent).unwrap();
    assert_eq!(echo.into_body().read_to_string().unwrap(), sent);
    // While a container runs, its lines may be a moment late.
    let log = || model.operation("deployment_logs", &json!({ "deploymentId": id }))[0]["message"].clone();
    let pause = || std::thread::sleep(Duration::from_millis(50));
    let line = std::iter::repeat_with(log).take(200).inspect(|_| pause()).find(|line| line.is_string());
    assert_eq!(line, Some(json!("version one listens")));
    let place = json!({ "projectId": model.told("project"), "environmentId": model.told("environment"),
                        "serviceId": model.told("service") });
    let variables = model.operation("variables", &place);
    assert_eq!((&variables["HOUSE"], &variables["RAILWAY_PROJECT_NAME"]), (&json!("blue"), &json!("model")));
}

/// Requests go on all the time, more than 200 a second; each must be answered with 200.
fn second_deployment_under_load(model: &Model, registry: &Registry) -> String {
    const CLIENTS: usize = 8;
    let image = registry.image("two", &["VERSION=two"]);
    let (stop, count, old) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
    let url = model.told("front_url");
    let client = |path: &'static str, pause: Duration| {
        let agent = agent();
        let mut seen_new = false;
        while !stop.load(Ordering::SeqCst) {
            let mut answer = agent.get(format!("{url}{path}")).call().unwrap();
            let text = answer.body_mut().read_to_string().unwrap();
            assert_eq!(answer.status(), 200, "{text}");
            count.fetch_add(1, Ordering::SeqCst);
            old.fetch_add(usize::from(text == "one"), Ordering::SeqCst);
            assert!(text == "two" || !seen_new, "a new request went to the old deployment");
            seen_new = text == "two";
            std::thread::sleep(pause);
        }
        seen_new
    };
    let (id, rate) = std::thread::scope(|scope| {
        let mut clients: Vec<_> =
            (0..CLIENTS).map(|_| scope.spawn(|| client("/", Duration::from_millis(8)))).collect();
        clients.push(scope.spawn(|| client("/slow", Duration::ZERO)));
        // However this ends, the clients do.
        let _stop = StopOnDrop(&stop);
        std::thread::sleep(Duration::from_millis(300));
        let (began, before) = (Instant::now(), count.load(Ordering::SeqCst));
        let id = model.deploy(&image);
        model.wait(&id, "SUCCESS");
        eprintln!("the second deployment took {:?}", began.elapsed());
        let first = model.deployments()[1]["id"].as_str().unwrap().to_owned();
        model.wait(&first, "REMOVED");
        let rate = (count.load(Ordering::SeqCst) - before) as f64 / began.elapsed().as_secs_f64();
        stop.store(true, Ordering::SeqCst);
        assert!(
            clients.into_iter().all(|client| client.join().unwrap()),
            "a client never saw the new version"
        );
        let logs = model.operation("deployment_logs", &json!({ "deploymentId": first, "limit": 1 }));
        assert_eq!(logs[0]["message"], "version one stops", "it got SIGTERM and was waited for: {logs}");
        assert_eq!(logs[0]["severity"], "error");
        (id, rate)
    });
    eprintln!("{rate:.0} requests a second, {} in all", count.load(Ordering::SeqCst));
    assert!(rate >= 200.0, "only {rate:.0} requests a second");
    assert!(old.load(Ordering::SeqCst) > 0);
    let front = &model.control("state")["front"];
    assert_eq!((&front["failures"], &front["not_found"]), (&json!(0), &json!(1)), "{front}");
    assert!(model.events(&id).contains(&("DRAIN_INSTANCES".to_owned(), None)));
    let shown = model.deployments();
    assert_eq!(shown.iter().map(|it| it["canRollback"] == true).collect::<Vec<_>>(), [false, true]);
    id
}

struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Each leaves the second deployment serving and says why.
fn failing_deployments(model: &Model, registry: &Registry, second: &str) {
    model.update(&json!({ "healthcheckTimeout": 1 }));
    registry.image("sick", &["VERSION=three", "HEALTH=204"]);
    registry.image("broken", &["FAIL=no database"]);
    registry.image("dead", &["PATH=/nowhere"]);
    let repository = registry.repository();
    for (reference, step, expected) in [
        (format!("{repository}:sick"), "HEALTHCHECK", "1/1 replicas never became healthy!"),
        (format!("{repository}:broken"), "HEALTHCHECK", "exited with code 4"),
        (format!("{repository}:dead"), "CREATE_CONTAINER", "\"service\""),
        (format!("{repository}:absent"), "CREATE_CONTAINER", "not found"),
        (registry.forged(), "CREATE_CONTAINER", "digest"),
    ] {
        let id = model.deploy(&reference);
        let shown = model.wait(&id, "FAILED");
        let events = model.events(&id);
        let (failed, error) = events.last().unwrap();
        assert!(failed == step && error.as_ref().is_some_and(|error| error.contains(expected)), "{events:?}");
        // The tag alone does not say what ran.
        let digest = shown["meta"]["imageDigest"].as_str();
        assert_eq!(
            digest.is_some_and(|digest| digest.starts_with("sha256:")),
            step == "HEALTHCHECK",
            "{shown}"
        );
        let logs = model.operation("deployment_logs", &json!({ "deploymentId": id, "limit": 1 }));
        let said = match reference.rsplit_once(':').unwrap().1 {
            "sick" => json!("version three listens"),
            // The last words are there as soon as the status is.
            "broken" => json!("cannot start: no database"),
            _ => Value::Null,
        };
        assert_eq!(logs[0]["message"], said, "{logs}");
        assert_eq!(model.front("/").text, "two");
        let active = &model.operation("service_instance", &model.place())["activeDeployments"];
        assert_eq!((&active[0]["id"], &active[1]), (&json!(second), &Value::Null));
    }
}

/// A newer deployment takes the place of one that is not active yet, and variables deploy unless told otherwise.
fn replaced_deployment(model: &Model, registry: &Registry, second: &str) -> String {
    let repository = registry.repository();
    model.update(&json!({ "healthcheckTimeout": 60 }));
    let replaced = model.deploy(&format!("{repository}:sick"));
    let source = json!({ "image": format!("{repository}:two") });
    model.update(&json!({ "healthcheckPath": null, "overlapSeconds": 0, "source": source }));
    model.set(&json!({ "HOUSE": "red" }), false);
    model.wait(&replaced, "REMOVED");
    let newest = model.deployments()[0]["id"].as_str().unwrap().to_owned();
    model.wait(&newest, "SUCCESS");
    model.wait(second, "REMOVED");
    // Without a health check it was active before it listened.
    let mut answers = std::iter::repeat_with(|| model.front("/env/HOUSE")).take(100);
    assert_eq!(answers.find(|answer| answer.status == 200).unwrap().text, "red");
    newest
}

/// An earlier deployment comes back with its image, its settings and its variables; those of the service stay.
fn rolled_back_deployment(model: &Model, second: &str, replaced: &str) -> String {
    let failed = model.deployments().into_iter().find(|shown| shown["status"] == "FAILED").unwrap();
    let token = ("project-access-token", model.told("project_token"));
    for hopeless in [failed["id"].as_str().unwrap(), replaced] {
        let text = format!(r#"mutation {{ deploymentRollback(id: "{hopeless}") }}"#);
        let refused = model.send(Some(token), &json!({ "query": text }).to_string());
        assert_eq!(refused.message(), "Deployment cannot be rolled back");
    }
    let snapshot = model.operation("deployment_snapshot", &json!({ "deploymentId": second }));
    assert_eq!(snapshot["variables"]["HOUSE"], "blue");
    assert_eq!(model.operation("roll_back_deployment", &json!({ "id": second })), true);
    let shown = model.deployments();
    let (newest, earlier) = (&shown[0], shown.iter().find(|one| one["id"] == second).unwrap());
    assert_eq!(newest["meta"]["image"], earlier["meta"]["image"]);
    let newest = newest["id"].as_str().unwrap().to_owned();
    assert_ne!(newest, replaced);
    model.wait(&newest, "SUCCESS");
    model.wait(replaced, "REMOVED");
    assert_eq!((model.front("/env/HOUSE").text.as_str(), model.front("/").text.as_str()), ("blue", "two"));
    let build_log = model.operation("build_logs", &json!({ "deploymentId": newest }));
    assert_eq!(build_log, json!([]));
    newest
}

#[test]
fn tokens_and_the_contract() {
    let model = Model::start(&["--runner", "process", "--service-name", "shop", "--project-id", "p-1"]);
    let query = |text: &str| json!({ "query": text }).to_string();
    let project = r#"query Project { project(id: "p-1") { id name services { edges { node { name } } } } }"#;
    let api = format!("Bearer {}", model.told("api_token"));
    let answered = model.send(Some(("authorization", &api)), &query(project)).json();
    assert_eq!(answered["data"]["project"]["services"]["edges"][0]["node"]["name"], "shop");

    let own = "{ projectToken { projectId } }";
    assert_eq!(model.send(Some(("authorization", &api)), &query(own)).message(), "Not Authorized");
    let swapped = Some(("project-access-token", model.told("api_token")));
    for token in [None, Some(("authorization", "Bearer other")), swapped] {
        let refused = model.send(token, &query(project));
        assert_eq!((refused.status, refused.message().as_str()), (200, "Not Authorized"));
        assert_eq!(refused.json()["errors"][0]["extensions"]["code"], "INTERNAL_SERVER_ERROR");
        assert_eq!(refused.json()["data"], Value::Null);
    }
    let unknown = query(r#"{ deployment(id: "none") { status } }"#);
    assert_eq!(model.send(Some(("authorization", &api)), &unknown).message(), "Deployment not found");
    assert_eq!(agent().post(format!("{}/x", model.told("base_url"))).send("").unwrap().status(), 404);
    assert_eq!(model.control("violations"), json!([]));
    let tokens: Vec<Value> = model
        .control("requests")
        .as_array()
        .unwrap()
        .iter()
        .map(|request| request["token"].clone())
        .collect();
    assert_eq!(tokens, ["api", "api", "none", "bad", "bad", "api"]);

    let typed =
        json!({ "query": "query Typed($id: String!) { project(id: $id) { id } }", "variables": { "id": 1 } });
    for (body, status) in [
        (query("query Gone { project(id: \"p-1\") { id owner } }"), 400),
        (typed.to_string(), 400),
        ("{}".to_owned(), 400),
        ("{".to_owned(), 400),
    ] {
        assert_eq!(model.send(Some(("authorization", &api)), &body).status, status, "{body}");
    }
    let violations = model.control("violations");
    assert_eq!(violations.as_array().unwrap().len(), 4, "{violations}");
    assert!(violations[0]["problem"].as_str().unwrap().contains("owner"), "{violations}");
    let last = &model.control("requests")[7];
    assert_eq!(
        (&last["name"], &last["kind"], &last["errors"]),
        (&json!("Typed"), &json!("query"), &json!(true))
    );
    assert_eq!((&last["variables"], &last["http_status"]), (&json!({ "id": 1 }), &json!(400)));
    assert_eq!(model.end("INT"), Some(1), "a violation fails the whole run");
}

#[test]
fn what_a_killed_model_left_goes_with_the_next() {
    for runner in ["process", "docker"] {
        if runner == "docker" && !has_engine() {
            continue;
        }
        let registry = Registry::start();
        let model = Model::start(&["--runner", runner]);
        let id = model.deploy(&registry.image("one", &["VERSION=one"]));
        model.wait(&id, "SUCCESS");
        let label = model.told["pid"].to_string();
        assert_eq!(model.end("KILL"), None);
        let left = |label: &str| match runner {
            "docker" => {
                let label = format!("label=railway-model={label}");
                let listed = Command::new("docker").args(["ps", "-q", "--filter", &label]).output().unwrap();
                String::from_utf8_lossy(&listed.stdout).lines().count()
            }
            _ => processes_with(&format!("-{label}/")).len(),
        };
        assert_eq!(left(&label), 1);
        assert_eq!(Model::start(&["--runner", runner]).end("TERM"), Some(0));
        assert_eq!(left(&label), 0);
        let folders = std::fs::read_dir(std::env::temp_dir()).unwrap().flatten();
        let own = |name: &Path| name.to_string_lossy().ends_with(&format!("-{label}"));
        assert!(folders.into_iter().all(|entry| !own(&entry.path())));
    }
}
