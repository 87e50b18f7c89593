//! The server, whose queries are checked while it is compiled.

fn main() {
    let conf = leptos::prelude::get_configuration(None).unwrap();
    println!("{}", conf.leptos_options.site_addr);
}
