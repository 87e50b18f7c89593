//! The server, which takes its port from the platform and listens everywhere.

use std::net::SocketAddr;

#[tokio::main]
async fn main() {
    let mut options = leptos::prelude::get_configuration(None).unwrap().leptos_options;
    let port = std::env::var("PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(3000);
    options.site_addr = SocketAddr::from(([0, 0, 0, 0], port));
    let listener = tokio::net::TcpListener::bind(&options.site_addr).await.unwrap();
    axum::serve(listener, axum::Router::new()).await.unwrap();
}
