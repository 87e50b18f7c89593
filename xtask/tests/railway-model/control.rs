//! What a test may look at without a token: `/_model/state`, `/_model/requests`, `/_model/violations`; and what it may
//! do: `/_model/hold/OPERATION/before`, `…/after`, `/_model/release`.

use hyper::{Response, StatusCode};
use serde_json::{Value, json};

use crate::http::{self, AnyBody};
use crate::state::{Hold, Model, timestamp};

pub fn answer(model: &Model, path: &str) -> Response<AnyBody> {
    if let Some(rest) = path.strip_prefix("/_model/hold/") {
        let hold = match rest.split_once('/') {
            Some((name, "before")) => (name.to_owned(), Hold::Before),
            Some((name, "after")) => (name.to_owned(), Hold::After),
            _ => return http::text(StatusCode::NOT_FOUND, "hold what, and `before` or `after`?"),
        };
        model.state().hold = Some(hold);
        return http::json(StatusCode::OK, &json!(true));
    }
    match path {
        "/_model/release" => {
            model.state().hold = None;
            http::json(StatusCode::OK, &json!(true))
        }
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
                "variables": deployment.variables.keys().collect::<Vec<_>>(),
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
        "held": state.held,
        "image": state.settings.image,
        "registry_username": state.settings.registry_username,
        "deployments": deployments,
        "variables": state.variables.keys().collect::<Vec<_>>(),
        "shared_variables": state.shared_variables.keys().collect::<Vec<_>>(),
    })
}
