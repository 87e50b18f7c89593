//! The way of one deployment: created, checked, active, and out of the way of the next.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::health::{self, Check};
use crate::identity::uuid;
use crate::runner::{Instance, Launch, Log};
use crate::state::{Deployment, Model, Settings, State, Status};

const CREATE: &str = "CREATE_CONTAINER";
const HEALTHCHECK: &str = "HEALTHCHECK";
const DRAIN: &str = "DRAIN_INSTANCES";

/// What a deployment is started with.
struct Order {
    image: String,
    settings: Settings,
    variables: BTreeMap<String, String>,
    /// How long it takes until the container is created.
    placement: Duration,
}

/// Deploys the service's image with its settings and variables as they are now. The new deployment's id.
///
/// # Errors
/// Why nothing can be deployed.
pub fn start(model: &Arc<Model>) -> Result<String, String> {
    let mut state = model.state();
    let image = state.settings.image.clone().ok_or("The service has no source image")?;
    let (settings, variables) = (state.settings.clone(), state.variables.clone());
    let placement = Duration::from_secs(model.options.placement_s);
    begin(model, &mut state, Order { image, settings, variables, placement })
}

/// Whether a deployment can be made again as it was: it has come to an end, and is not gone.
pub fn can_redeploy(deployment: &Deployment) -> bool {
    matches!(deployment.status, Status::Success | Status::Failed | Status::Crashed)
}

/// Makes a new deployment with the image and the settings of an earlier one, and with the variables of now: Railway does
/// not say which it takes. Its id.
///
/// # Errors
/// Why that is not possible.
pub fn redeploy(model: &Arc<Model>, id: &str) -> Result<String, String> {
    let mut state = model.state();
    let earlier = state.deployment(id).ok_or("Deployment not found")?;
    if !can_redeploy(earlier) {
        return Err("Deployment cannot be redeployed".to_owned());
    }
    let (image, settings) = (earlier.image.clone(), earlier.settings.clone());
    let placement = Duration::from_secs(model.options.placement_s);
    let order = Order { image, settings, variables: state.variables.clone(), placement };
    begin(model, &mut state, order)
}

/// Whether Railway still has what a rollback needs. Only what served before can serve again; the one that serves needs no
/// way back.
pub fn can_roll_back(model: &Model, deployment: &Deployment) -> bool {
    let window = TimeDelta::seconds(i64::from(model.options.rollback_window_s));
    deployment.served
        && deployment.status == Status::Removed
        && Utc::now() < deployment.status_updated_at + window
}

/// Makes a new deployment with the image, the settings and the variables of an earlier one; those of the service stay as
/// they are. Its id.
///
/// # Errors
/// Why there is no way back.
pub fn roll_back(model: &Arc<Model>, id: &str) -> Result<String, String> {
    let mut state = model.state();
    let earlier = state.deployment(id).ok_or("Deployment not found")?;
    if !can_roll_back(model, earlier) {
        return Err("Deployment cannot be rolled back".to_owned());
    }
    let order = Order {
        image: earlier.image.clone(),
        settings: earlier.settings.clone(),
        variables: earlier.variables.clone(),
        // What served before is at hand.
        placement: Duration::ZERO,
    };
    begin(model, &mut state, order)
}

fn begin(model: &Arc<Model>, state: &mut State, order: Order) -> Result<String, String> {
    if state.closed {
        return Err("The model is ending".to_owned());
    }
    for older in state.deployments.iter_mut().filter(|deployment| deployment.status.is_pending()) {
        older.set_status(Status::Removing);
        older.superseded.send_replace(true);
    }
    let created_at = state.creation_time();
    let id = uuid();
    let mut deployment = Deployment {
        id: id.clone(),
        image: order.image,
        image_digest: None,
        status: Status::Initializing,
        created_at,
        status_updated_at: created_at,
        settings: order.settings,
        variables: order.variables,
        events: Vec::new(),
        served: false,
        log: Arc::new(Log::default()),
        instance: None,
        superseded: watch::Sender::new(false),
    };
    deployment.set_status(Status::Initializing);
    deployment.begin(CREATE);
    state.deployments.push(deployment);
    tokio::spawn(run(model.clone(), id.clone(), order.placement));
    Ok(id)
}

/// The variables that Railway itself provides.
pub fn provided_variables(model: &Model, deployment: Option<&str>) -> BTreeMap<String, String> {
    let identity = &model.identity;
    let mut all: BTreeMap<String, String> = [
        ("RAILWAY_PUBLIC_DOMAIN", &model.domain),
        ("RAILWAY_PROJECT_ID", &identity.project.id),
        ("RAILWAY_PROJECT_NAME", &identity.project.name),
        ("RAILWAY_ENVIRONMENT_ID", &identity.environment.id),
        ("RAILWAY_ENVIRONMENT_NAME", &identity.environment.name),
        ("RAILWAY_SERVICE_ID", &identity.service.id),
        ("RAILWAY_SERVICE_NAME", &identity.service.name),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.clone()))
    .collect();
    if let Some(id) = deployment {
        all.insert("RAILWAY_DEPLOYMENT_ID".to_owned(), id.to_owned());
        all.insert("RAILWAY_REPLICA_ID".to_owned(), uuid());
    }
    all
}

/// The variables with what their references mean: `${{NAME}}` or `${{SERVICE.NAME}}` of this service, `${{shared.NAME}}`
/// of the environment. What is not there leaves nothing behind.
pub fn rendered(
    model: &Model,
    all: &BTreeMap<String, String>,
    shared: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let meant = |reference: &str| {
        let found = match reference.rsplit_once('.') {
            Some(("shared", name)) => shared.get(name),
            Some((service, name)) if service == model.identity.service.name => all.get(name),
            Some(_) => None,
            None => all.get(reference),
        };
        found.cloned().unwrap_or_default()
    };
    let render = |value: &String| {
        let mut parts = value.split("${{");
        let mut text = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            match part.split_once("}}") {
                Some((reference, rest)) => text += &format!("{}{rest}", meant(reference.trim())),
                None => text += &format!("${{{{{part}"),
            }
        }
        text
    };
    all.iter().map(|(name, value)| (name.clone(), render(value))).collect()
}

/// A step that went wrong, and why.
type Problem = (&'static str, String);

async fn run(model: Arc<Model>, id: String, placement: Duration) {
    let instance = match bring_up(&model, &id, placement).await {
        Ok(instance) => instance,
        Err((step, problem)) => return fail(&model, &id, step, problem).await,
    };
    let Some(previous) = activate(&mut model.state(), &id) else {
        instance.kill().await;
        return superseded(&model, &id);
    };
    if let Some(previous) = previous {
        tokio::spawn(retire(model.clone(), previous, id.clone()));
    }
    let how = instance.exited().await;
    let mut state = model.state();
    let closed = state.closed;
    let deployment = state.deployment_mut(&id).filter(|it| it.status == Status::Success);
    if let Some(deployment) = deployment.filter(|_| !closed) {
        eprintln!("railway-model: the container of deployment {id} {how}");
        deployment.set_status(Status::Crashed);
    }
}

/// From the image to an instance that may serve, unless a newer deployment has come in between.
async fn bring_up(model: &Arc<Model>, id: &str, placement: Duration) -> Result<Arc<Instance>, Problem> {
    let shared = model.state().shared_variables.clone();
    let Some((launch, settings, mut superseded)) = model.state().deployment(id).map(|deployment| {
        let mut variables = deployment.variables.clone();
        variables.extend(provided_variables(model, Some(id)));
        let variables = rendered(model, &variables, &shared);
        let (image, log) = (deployment.image.clone(), deployment.log.clone());
        let launch = Launch { deployment: id.to_owned(), image, variables, log };
        (launch, deployment.settings.clone(), deployment.superseded.subscribe())
    }) else {
        return Err((CREATE, "the deployment does not exist".to_owned()));
    };
    if timeout(placement, superseded.wait_for(|superseded| *superseded)).await.is_ok() {
        return Err((CREATE, "a newer deployment has come in between".to_owned()));
    }
    let launched = model.runner.launch(&launch).await.map_err(|problem| (CREATE, problem))?;
    let instance = Arc::new(launched.instance);
    if !created(&mut model.state(), id, &instance, launched.image_digest) {
        return Ok(instance);
    }
    if let Some(path) = &settings.healthcheck_path {
        let limit = settings.healthcheck_timeout.unwrap_or(model.options.health_timeout_s);
        let check = Check {
            instance: &instance,
            path,
            interval: Duration::from_millis(model.options.health_interval_ms),
            limit: Duration::from_secs(limit),
        };
        tokio::select! {
            verdict = health::wait(&check) => verdict.map_err(|problem| (HEALTHCHECK, problem))?,
            _ = superseded.wait_for(|superseded| *superseded) => {}
        }
    }
    Ok(instance)
}

/// The container runs. False where a newer deployment has come in between.
fn created(state: &mut State, id: &str, instance: &Arc<Instance>, image_digest: Option<String>) -> bool {
    let Some(deployment) = state.deployment_mut(id).filter(|it| it.status.is_pending()) else {
        return false;
    };
    deployment.instance = Some(instance.clone());
    // A reference by digest says it already; then Railway leaves it out too.
    deployment.image_digest = image_digest.filter(|_| !deployment.image.contains('@'));
    deployment.complete(CREATE, None);
    deployment.set_status(Status::Deploying);
    if deployment.settings.healthcheck_path.is_some() {
        deployment.begin(HEALTHCHECK);
    }
    true
}

/// From this moment on new requests go to the deployment. The previous active one, which is to be retired; `None`
/// where a newer deployment has come in between.
fn activate(state: &mut State, id: &str) -> Option<Option<String>> {
    let deployment = state.deployment_mut(id).filter(|it| it.status.is_pending())?;
    deployment.complete(HEALTHCHECK, None);
    deployment.served = true;
    deployment.set_status(Status::Success);
    let previous = state.active.replace(id.to_owned());
    if let Some(previous) = previous.as_deref().and_then(|previous| state.deployment_mut(previous)) {
        previous.set_status(Status::Removing);
    }
    Some(previous)
}

/// The previous one keeps running for the overlap, is asked to end, has its draining time, and is gone.
async fn retire(model: Arc<Model>, previous: String, successor: String) {
    let Some((instance, overlap, draining)) = ({
        let mut state = model.state();
        let instance = state.deployment(&previous).and_then(|deployment| deployment.instance.clone());
        state.deployment_mut(&successor).zip(instance).map(|(deployment, instance)| {
            deployment.begin(DRAIN);
            let seconds = |setting: Option<u64>| Duration::from_secs(setting.unwrap_or(0));
            let settings = &deployment.settings;
            (instance, seconds(settings.overlap_seconds), seconds(settings.draining_seconds))
        })
    }) else {
        return;
    };
    sleep(overlap).await;
    instance.terminate().await;
    let _ = timeout(draining, instance.exited()).await;
    instance.kill().await;
    let mut state = model.state();
    if let Some(deployment) = state.deployment_mut(&previous) {
        deployment.set_status(Status::Removed);
    }
    if let Some(deployment) = state.deployment_mut(&successor) {
        deployment.complete(DRAIN, None);
    }
}

/// The status comes last: whoever sees it finds step and log lines complete.
async fn fail(model: &Model, id: &str, step: &'static str, problem: String) {
    let instance = model.state().deployment(id).and_then(|deployment| deployment.instance.clone());
    if let Some(instance) = instance {
        instance.kill().await;
    }
    let mut state = model.state();
    let Some(deployment) = state.deployment_mut(id).filter(|it| it.status.is_pending()) else {
        drop(state);
        return superseded(model, id);
    };
    eprintln!("railway-model: deployment {id}, {step}: {problem}");
    deployment.complete(step, Some(problem));
    deployment.set_status(Status::Failed);
}

/// A newer deployment has come before this one was active, and nothing of it runs any more.
fn superseded(model: &Model, id: &str) {
    if let Some(deployment) = model.state().deployment_mut(id) {
        deployment.set_status(Status::Removed);
    }
}
