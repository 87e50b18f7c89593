//! `cargo xtask docker`.

mod asked;
pub mod build;
mod destination;
mod in_vain;
pub mod inspect;
pub mod lint;
mod misfits;
pub(super) mod own;
pub mod pack;
pub mod prune;
mod said;
pub mod smoke;
