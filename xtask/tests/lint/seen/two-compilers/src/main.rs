//! The server.

fn main() {
    let conf = leptos::prelude::get_configuration(None).unwrap();
    println!("{} {:?}", conf.leptos_options.site_addr, std::env::var("PORT"));
}
