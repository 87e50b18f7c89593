//! The API's port: which path gets which answer, and the headers of each.

use std::sync::Arc;
use std::time::Duration;

use chrono::{Timelike, Utc};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::header::{HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};

use crate::http::{self, AnyBody};
use crate::state::{Hold, Model};
use crate::{control, graphql};

pub const GRAPHQL_PATH: &str = "/graphql/v2";

/// The largest request that is read, in bytes.
const BODY_SIZE_MAX: usize = 4 * 1024 * 1024;

/// Requests an hour that Railway allows its Pro plan, by its documentation of the public API. Nothing is refused here.
const HOURLY_LIMIT: usize = 10_000;

pub async fn answer(model: Arc<Model>, request: Request<Incoming>) -> Response<AnyBody> {
    let (head, body) = request.into_parts();
    match (&head.method, head.uri.path()) {
        (&Method::GET, path) if path.starts_with("/_model/") => control::answer(&model, path),
        (&Method::POST, GRAPHQL_PATH) => {
            let Ok(body) = Limited::new(body, BODY_SIZE_MAX).collect().await else {
                return http::text(StatusCode::BAD_REQUEST, "Bad Request");
            };
            let body = body.to_bytes();
            let name = graphql::operation_name(&body);
            held(&model, name.as_deref(), Hold::Before).await;
            let reply = graphql::answer(&model, &head.headers, &body);
            held(&model, name.as_deref(), Hold::After).await;
            let mut response = match &reply.body {
                Some(body) => http::json(reply.status, body),
                None => http::text(reply.status, "Bad Request"),
            };
            rate_limit(&model, &mut response);
            response
        }
        // Railway answers an unknown path so; measured by others on 2026-08-21.
        _ => http::text(StatusCode::NOT_FOUND, "Not Found"),
    }
}

/// Waits as long as the test holds this operation at this point. A client that hangs up ends the wait.
async fn held(model: &Model, name: Option<&str>, point: Hold) {
    let Some(name) = name else { return };
    let is_held = || model.state().hold.as_ref().is_some_and(|(held, at)| held == name && *at == point);
    if is_held() {
        model.state().held += 1;
    }
    while is_held() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The headers that tell how much of the hour's allowance is left.
fn rate_limit(model: &Model, response: &mut Response<AnyBody>) {
    let remaining = HOURLY_LIMIT.saturating_sub(model.state().requests.len());
    let now = Utc::now();
    let left_of_the_hour = 3600 - i64::from(now.minute() * 60 + now.second());
    for (name, value) in [
        ("x-ratelimit-limit", HOURLY_LIMIT.to_string()),
        ("x-ratelimit-remaining", remaining.to_string()),
        ("x-ratelimit-reset", (now.timestamp() + left_of_the_hour).to_string()),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
}
