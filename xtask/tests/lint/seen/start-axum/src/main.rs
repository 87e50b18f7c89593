//! The server as a template makes it: it knows what its variables say.

#[tokio::main]
async fn main() {
    // Another way is `Some("Cargo.toml")`, for which the file has to be there.
    let conf = leptos::prelude::get_configuration(None).unwrap();
    let listener = tokio::net::TcpListener::bind(&conf.leptos_options.site_addr).await.unwrap();
    axum::serve(listener, axum::Router::new()).await.unwrap();
}
