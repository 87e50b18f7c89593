//! The files of two bare Leptos workspaces, laid out as the well-known start templates do it.

use crate::support::Workspace;

/// The text that the server renders, and the style's one colour as Sass computes it.
pub const GREETING: &str = "Rendered before it was sent";
pub const COLOUR: &str = "#369";

/// One package, compiled twice with different features.
pub fn single_package(workspace: &Workspace) {
    workspace.write("Cargo.toml", MANIFEST);
    workspace.write("src/lib.rs", LIB);
    workspace.write("src/main.rs", MAIN);
    workspace.write("src/app.rs", APP);
    workspace.write("style/main.scss", STYLE);
    workspace.write("public/robots.txt", "User-agent: *\n");
}

/// A package for each half and one for both. Nothing in it is ever compiled.
pub fn three_packages(workspace: &Workspace) {
    workspace.write("Cargo.toml", WORKSPACE_MANIFEST);
    for (name, kind, target) in [("app", "lib", ""), ("frontend", "lib", "cdylib"), ("server", "main", "")] {
        let mut manifest = format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
        if !target.is_empty() {
            manifest.push_str(&format!("\n[lib]\ncrate-type = [\"{target}\", \"rlib\"]\n"));
        }
        if name == "app" {
            manifest.push_str("\n[features]\nhydrate = []\nssr = []\n");
        } else {
            manifest.push_str("\n[dependencies]\napp = { path = \"../app\" }\n");
        }
        workspace.write(&format!("{name}/Cargo.toml"), &manifest);
        workspace.write(&format!("{name}/src/{kind}.rs"), if kind == "main" { "fn main() {}\n" } else { "" });
    }
    workspace.write("style/main.scss", STYLE);
    workspace.write("public/robots.txt", "User-agent: *\n");
}

/// Leptos without its default features and with no more of Axum than a server needs. The features of `tokio`
/// are those of this repository's app, so that cargo can use more of what it has compiled for that.
const MANIFEST: &str = r#"[package]
name = "bare-app"
version = "0.1.0"
edition = "2024"

[workspace]
members = ["xtask"]

[lib]
crate-type = ["cdylib", "rlib"]

[dependencies]
leptos = { version = "0.8", default-features = false }
leptos_meta = { version = "0.8", default-features = false }
leptos_router = { version = "0.8", default-features = false }
leptos_axum = { version = "0.8", optional = true }
axum = { version = "0.8", default-features = false, features = ["http1", "json", "tokio"], optional = true }
tokio = { version = "1", features = ["macros", "net", "rt-multi-thread", "signal", "sync", "time"], optional = true }
console_error_panic_hook = { version = "0.1", optional = true }
wasm-bindgen = { version = "0.2", optional = true }

[features]
hydrate = ["leptos/hydrate", "dep:console_error_panic_hook", "dep:wasm-bindgen"]
ssr = ["dep:axum", "dep:leptos_axum", "dep:tokio", "leptos/ssr", "leptos_meta/ssr", "leptos_router/ssr"]

[profile.wasm-release]
inherits = "release"
opt-level = "z"
lto = true
codegen-units = 1
panic = "abort"

[package.metadata.leptos]
output-name = "bare"
site-root = "target/site"
site-pkg-dir = "pkg"
style-file = "style/main.scss"
assets-dir = "public"
site-addr = "127.0.0.1:3000"
reload-port = 3001
end2end-cmd = "npx playwright test"
end2end-dir = "end2end"
browserquery = "defaults"
env = "DEV"
bin-features = ["ssr"]
bin-default-features = false
lib-features = ["hydrate"]
lib-default-features = false
lib-profile-release = "wasm-release"
"#;

const LIB: &str = r#"pub mod app;

#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_body(app::App);
}
"#;

const APP: &str = r#"use leptos::prelude::*;
use leptos_meta::{MetaTags, Stylesheet, Title, provide_meta_context};
use leptos_router::components::{Route, Router, Routes};
use leptos_router::path;

pub fn shell(options: LeptosOptions) -> impl IntoView {
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8" />
                <AutoReload options=options.clone() />
                <HydrationScripts options />
                <MetaTags />
            </head>
            <body>
                <App />
            </body>
        </html>
    }
}

#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! {
        <Stylesheet id="leptos" href="/pkg/bare.css" />
        <Title text="A bare app" />
        <Router>
            <Routes fallback=|| "There is no such page">
                <Route path=path!("/") view=Home />
            </Routes>
        </Router>
    }
}

#[server]
pub async fn double(number: u32) -> Result<u32, ServerFnError> {
    Ok(number * 2)
}

#[component]
fn Home() -> impl IntoView {
    let count = RwSignal::new(1_u32);
    let doubled = Resource::new(move || count.get(), double);
    view! {
        <h1>"Rendered before it was sent"</h1>
        <button on:click=move |_| count.update(|count| *count += 1)>"Clicked " {count}</button>
        <Suspense fallback=|| "…">
            <p>{move || Suspend::new(async move { doubled.await.ok() })}</p>
        </Suspense>
    }
}
"#;

const MAIN: &str = r#"#[cfg(feature = "ssr")]
#[tokio::main]
async fn main() {
    use axum::Router;
    use bare_app::app::{App, shell};
    use leptos::prelude::*;
    use leptos_axum::{LeptosRoutes, file_and_error_handler, generate_route_list};

    let options = get_configuration(None).unwrap().leptos_options;
    let address = options.site_addr;
    let routes = generate_route_list(App);
    let app = Router::new()
        .leptos_routes(&options, routes, {
            let options = options.clone();
            move || shell(options.clone())
        })
        .fallback(file_and_error_handler(shell))
        .with_state(options);
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    axum::serve(listener, app.into_make_service()).await.unwrap();
}

#[cfg(not(feature = "ssr"))]
fn main() {}
"#;

const STYLE: &str = r#"@use "sass:color";

$blue: #204060;

body {
  h1 {
    color: color.adjust($blue, $red: 19, $green: 38, $blue: 57);
  }
}
"#;

const WORKSPACE_MANIFEST: &str = r#"[workspace]
resolver = "3"
members = ["app", "frontend", "server"]

[profile.wasm-release]
inherits = "release"
opt-level = "z"
lto = true
codegen-units = 1

[[workspace.metadata.leptos]]
name = "bare-workspace"
bin-package = "server"
lib-package = "frontend"
site-root = "target/site"
site-pkg-dir = "pkg"
style-file = "style/main.scss"
assets-dir = "public"
site-addr = "127.0.0.1:3000"
reload-port = 3001
end2end-cmd = "npx playwright test"
end2end-dir = "end2end"
browserquery = "defaults"
watch = false
env = "DEV"
bin-features = []
bin-default-features = false
lib-features = []
lib-default-features = false
lib-profile-release = "wasm-release"
"#;
