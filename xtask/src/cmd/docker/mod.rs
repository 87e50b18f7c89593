//! `cargo xtask docker`.

pub mod inspect;
pub mod lint;
mod own;
pub mod pack;
pub mod prune;
pub mod smoke;
