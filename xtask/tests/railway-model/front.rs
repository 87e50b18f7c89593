//! The proxy before the deployments: the service's domain. Each request goes to the deployment that is active when it
//! arrives, over a connection of its own, and stays there.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, Response, StatusCode, Uri, Version};
use serde_json::json;
use tokio::time::timeout;

use crate::http::{self, AnyBody};
use crate::state::Model;

/// How long a deployment may take to begin its answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(300);

/// What concerns one connection only.
const HOP_BY_HOP: [HeaderName; 7] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

pub async fn answer(
    model: Arc<Model>,
    mut request: Request<Incoming>,
    peer: SocketAddr,
) -> Response<AnyBody> {
    let Some((deployment, address)) = choose(&model) else {
        return fallback(StatusCode::NOT_FOUND, "Application not found");
    };
    prepare(&mut request, peer, &model.domain);
    let problem = match timeout(ANSWER_LIMIT, http::send(address, request)).await {
        Ok(Ok(response)) => return relay(model, response),
        Ok(Err(problem)) => problem,
        Err(_) => format!("no answer within {} s", ANSWER_LIMIT.as_secs()),
    };
    eprintln!("railway-model: deployment {deployment} did not answer: {problem}");
    model.state().front.failures += 1;
    fallback(StatusCode::BAD_GATEWAY, "Application failed to respond")
}

/// Takes the active deployment for this request, and counts.
fn choose(model: &Model) -> Option<(String, SocketAddr)> {
    let mut state = model.state();
    state.front.requests += 1;
    let backend = state.backend();
    match &backend {
        Some((deployment, _)) => *state.front.by_deployment.entry(deployment.clone()).or_default() += 1,
        None => state.front.not_found += 1,
    }
    backend
}

/// Makes of the client's request that of a proxy.
fn prepare(request: &mut Request<Incoming>, peer: SocketAddr, domain: &str) {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = path.parse().unwrap_or(Uri::from_static("/"));
    *request.version_mut() = Version::HTTP_11;
    let headers = request.headers_mut();
    remove_hop_by_hop(headers);
    let host = HeaderValue::from_str(domain).unwrap_or(HeaderValue::from_static("localhost"));
    let host = headers.entry(header::HOST).or_insert(host).clone();
    headers.insert("x-forwarded-host", host);
    headers.insert("x-forwarded-proto", HeaderValue::from_static("http"));
    if let Ok(address) = HeaderValue::from_str(&peer.ip().to_string()) {
        headers.insert("x-forwarded-for", address.clone());
        headers.insert("x-real-ip", address);
    }
}

/// The deployment's answer as it comes; one that breaks off counts as failed.
fn relay(model: Arc<Model>, response: Response<Incoming>) -> Response<AnyBody> {
    let (mut head, body) = response.into_parts();
    remove_hop_by_hop(&mut head.headers);
    let body = body.map_err(move |error| {
        eprintln!("railway-model: an answer broke off: {error}");
        model.state().front.failures += 1;
        error
    });
    Response::from_parts(head, body.boxed())
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}

/// What Railway's own edge answers where no deployment does, in the form that people report.
fn fallback(status: StatusCode, message: &str) -> Response<AnyBody> {
    let body = json!({ "status": "error", "code": status.as_u16(), "message": message });
    let mut response = http::json(status, &body);
    response
        .headers_mut()
        .insert(HeaderName::from_static("x-railway-fallback"), HeaderValue::from_static("true"));
    response
}
