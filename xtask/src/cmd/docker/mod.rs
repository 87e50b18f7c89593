//! `cargo xtask docker`.

pub mod lint;
pub mod pack;
pub mod smoke;
