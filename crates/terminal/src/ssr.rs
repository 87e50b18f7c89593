//! What the server half adds: the HTML document around the app, and the source of its numbers.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use leptos::prelude::*;
use leptos_meta::{HashedStylesheet, MetaTags};
use usdfc_core::Snapshot;

use crate::remote::{Page, ReadPage, Refresh};

/// Where the numbers come from. The server implements it over its sources and its history.
pub trait Source: Send + Sync {
    fn page(&self) -> Page;
    /// Never fails: what a source does not deliver is stale or unknown in the snapshot.
    fn refresh(&self) -> Pin<Box<dyn Future<Output = Snapshot> + Send + '_>>;
}

#[derive(Clone)]
struct Provided(Arc<dyn Source>);

/// Makes a source visible to one request.
pub fn provide(source: Arc<dyn Source>) {
    provide_context(Provided(source));
}

pub(crate) fn source() -> Result<Arc<dyn Source>, ServerFnError> {
    use_context::<Provided>()
        .map(|provided| provided.0)
        .ok_or_else(|| ServerFnError::new("this server has no source of numbers"))
}

/// Registers the server functions by name. They register themselves as well, but that relies on what a
/// linker keeps of a library, and a lost function would be seen only in the browser.
pub fn register_server_functions() {
    leptos::server_fn::axum::register_explicit::<ReadPage>();
    leptos::server_fn::axum::register_explicit::<Refresh>();
}

/// The document around the app. Only the server renders it; the browser takes over inside `body`.
pub fn document(options: LeptosOptions) -> impl IntoView {
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <link rel="icon" type="image/svg+xml" href="/favicon.svg" />
                <HashedStylesheet options=options.clone() id="leptos" />
                <noscript>
                    <style>".needs-script { display: none; }"</style>
                </noscript>
                <AutoReload options=options.clone() />
                <HydrationScripts options />
                <MetaTags />
            </head>
            <body>
                <crate::App />
            </body>
        </html>
    }
}
