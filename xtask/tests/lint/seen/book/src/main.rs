//! The server, which reads its variables and no file.

fn main() {
    let conf = leptos::prelude::get_configuration(None).unwrap();
    println!("{}", conf.leptos_options.site_addr);
}
