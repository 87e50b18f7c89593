//! Container images: what they are made of, how they reach a registry, and whether they work.
//!
//! Pure where it can be; every request and every process goes through the executor.

mod assemble;
mod base;
pub mod buildx;
mod config;
pub mod context;
mod digest;
pub mod elf;
mod layer;
pub mod look;
mod manifest;
pub mod pack;
mod push;
pub mod reference;
pub mod registry;
pub mod smoke;
pub mod tagging;
