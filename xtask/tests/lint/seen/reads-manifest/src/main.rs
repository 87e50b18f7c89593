//! The server, which reads the project's own file where it runs.

fn main() {
    let conf = leptos::prelude::get_configuration(
        Some("./Cargo.toml"),
    )
    .unwrap();
    println!("{}", conf.leptos_options.site_addr);
}
