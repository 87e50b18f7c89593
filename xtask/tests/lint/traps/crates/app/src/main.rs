//! Nothing.

fn main() {
    println!("{:?} /health", std::env::var("PORT"));
}
