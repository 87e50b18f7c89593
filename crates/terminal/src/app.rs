//! The routes of the app and the page for addresses that it does not have.

use leptos::prelude::*;
use leptos_meta::{Meta, Title, provide_meta_context};
use leptos_router::components::{Route, Router, Routes};
use leptos_router::{SsrMode, path};

use crate::dashboard::Dashboard;

#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    // The whole page is rendered before it is sent (`SsrMode::Async`): a streamed one would need
    // JavaScript to move its late parts into place.
    view! {
        <Title text="USDFC Analytics Terminal" />
        <Meta
            name="description"
            content="The state of USDFC, the stablecoin on Filecoin: supply, collateral, collateral ratio, troves, stability pool and price."
        />
        <Router>
            <Routes fallback=NotFound>
                <Route path=path!("/") view=Dashboard ssr=SsrMode::Async />
            </Routes>
        </Router>
    }
}

#[component]
fn NotFound() -> impl IntoView {
    #[cfg(feature = "ssr")]
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
        response.set_status(leptos::server_fn::http_export::StatusCode::NOT_FOUND);
    }
    view! {
        <Title text="Not found · USDFC Analytics Terminal" />
        <main class="page" id="not-found" data-testid="not-found">
            <h1>"There is no such page"</h1>
            <p>
                <a href="/">"Back to the dashboard"</a>
            </p>
        </main>
    }
}
