//! Every address that the server knows.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRef, State};
use axum::http::{Method, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use leptos::config::LeptosOptions;
use leptos_axum::{LeptosRoutes as _, generate_route_list};
use serde_json::{Value, json};
use usdfc_core::{Band, format};
use usdfc_terminal::{App, ssr};

use crate::health;
use crate::site::Site;
use crate::terminal::Terminal;

#[derive(Clone)]
struct Shared {
    terminal: Arc<Terminal>,
    site: Site,
}

impl FromRef<Shared> for LeptosOptions {
    fn from_ref(shared: &Shared) -> Self {
        shared.site.options.clone()
    }
}

pub fn router(terminal: Arc<Terminal>, site: Site) -> Router {
    ssr::register_server_functions();
    let shared = Shared { terminal, site };
    let pages = generate_route_list(App);
    Router::new()
        .route("/api/health", get(brief_health))
        .route("/api/health/detailed", get(detailed_health))
        .route("/api/v1/metrics", get(metrics))
        .route("/api/{*unknown}", any(unknown_api))
        .leptos_routes_with_context(&shared, pages, context(&shared), document(&shared))
        .fallback(file_or_not_found)
        .with_state(shared)
}

/// What every rendering and every server function finds in its context.
fn context(shared: &Shared) -> impl Fn() + Clone + Send + Sync + 'static {
    let terminal = Arc::clone(&shared.terminal);
    move || ssr::provide(Arc::clone(&terminal) as Arc<dyn ssr::Source>)
}

fn document(shared: &Shared) -> impl Fn() -> leptos::prelude::AnyView + Clone + Send + 'static {
    use leptos::prelude::IntoAny as _;
    let options = shared.site.options.clone();
    move || ssr::document(options.clone()).into_any()
}

async fn brief_health(State(shared): State<Shared>) -> Response {
    answer(StatusCode::OK, "application/json", &health::brief(&shared.terminal))
}

async fn detailed_health(State(shared): State<Shared>) -> Response {
    // The check reads the database and looks at files.
    let checked = tokio::task::spawn_blocking(move || health::detailed(&shared.terminal, &shared.site));
    let (body, can_work) = checked.await.unwrap_or_else(|error| {
        (json!({ "status": "fail", "output": format!("the check itself failed: {error}") }), false)
    });
    let status = if can_work { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    answer(status, "application/health+json", &body)
}

async fn metrics(State(shared): State<Shared>) -> Response {
    let snapshot = shared.terminal.snapshot();
    let ratio = snapshot.collateral_ratio();
    let body = json!({
        "sequence": snapshot.sequence,
        "as_of": snapshot.as_of.map(format::rfc3339),
        "origin": snapshot.origin,
        "freshness": snapshot.freshness(),
        "supply": snapshot.supply,
        "collateral": snapshot.collateral,
        "price": snapshot.price,
        "troves": snapshot.troves,
        "stability_pool": snapshot.stability_pool,
        "stability_pool_collateral": snapshot.stability_pool_collateral,
        "collateral_ratio": {
            "basis_points": ratio,
            "band": ratio.map(Band::of),
            "freshness": snapshot.ratio_freshness(),
        },
        "notices": snapshot.notices,
    });
    answer(StatusCode::OK, "application/json", &body)
}

/// A client of the API gets no page to read.
async fn unknown_api() -> Response {
    answer(StatusCode::NOT_FOUND, "application/json", &json!({ "error": "there is no such address" }))
}

fn answer(status: StatusCode, content_type: &'static str, body: &Value) -> Response {
    let headers = [(header::CONTENT_TYPE, content_type), (header::CACHE_CONTROL, "no-store")];
    (status, headers, body.to_string()).into_response()
}

async fn file_or_not_found(State(shared): State<Shared>, mut request: Request<Body>) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if reads {
        let (parts, body) = request.into_parts();
        if let Some(file) = shared.site.file(Request::from_parts(parts.clone(), ())).await {
            return file.map(Body::new);
        }
        request = Request::from_parts(parts, body);
    }
    // The app renders its own page for an address that it does not have, with status 404.
    leptos_axum::render_app_async_with_context(context(&shared), document(&shared))(request)
        .await
        .into_response()
}
