//! A second program, which cargo finds by itself.

fn main() {}
