//! What a test may look at without a token: `/_model/state`, `/_model/requests`, `/_model/violations`.

use hyper::{Response, StatusCode};
use serde_json::{Value, json};

use crate::http::{self, AnyBody};
use crate::state::{Model, timestamp};

pub fn answer(model: &Model, path: &str) -> Response<AnyBody> {
    match path {
        "/_model/state" => http::json(StatusCode::OK, &state(model)),
        "/_model/requests" => http::json(StatusCode::OK, &json!(model.state().requests)),
        "/_model/violations" => http::json(StatusCode::OK, &json!(model.state().violations)),
        _ => http::text(StatusCode::NOT_FOUND, "the model tells its state, requests and violations"),
    }
}

fn state(model: &Model) -> Value {
    let identity = &model.identity;
    let state = model.state();
    let deployments: Vec<Value> = state
        .deployments
        .iter()
        .map(|deployment| {
            json!({
                "id": deployment.id,
                "status": deployment.status,
                "image": deployment.image,
                "image_digest": deployment.image_digest,
                "created_at": timestamp(deployment.created_at),
                "active": state.active.as_ref() == Some(&deployment.id),
            })
        })
        .collect();
    json!({
        "project": identity.project,
        "environment": identity.environment,
        "service": identity.service,
        "project_token": identity.project_token,
        "api_token": identity.api_token,
        "runner": model.runner.name(),
        "domain": model.domain,
        "front_url": format!("http://{}", model.domain),
        "front": state.front,
        "image": state.settings.image,
        "deployments": deployments,
        "variables": state.variables.keys().collect::<Vec<_>>(),
        "shared_variables": state.shared_variables.keys().collect::<Vec<_>>(),
    })
}
