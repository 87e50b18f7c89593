//! `cargo xtask docker`.

mod asked;
pub mod build;
mod destination;
mod in_vain;
pub mod inspect;
pub mod lint;
pub(super) mod own;
pub mod pack;
pub mod prune;
mod said;
pub mod smoke;
