//! `cargo xtask docker`.

pub mod pack;
pub mod smoke;
