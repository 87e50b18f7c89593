//! What a change does to the dependencies, from the lock files and manifests of two commits. Pure.

pub mod features;
pub mod lock;
