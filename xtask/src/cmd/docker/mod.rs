//! `cargo xtask docker`.

mod asked;
pub mod build;
mod in_vain;
pub mod lint;
pub mod pack;
pub mod smoke;
