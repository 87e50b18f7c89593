//! `cargo xtask bench`.

pub mod compare;
pub mod history;
mod runs;
