//! Container images: what they are made of, how they reach a registry, and whether they work.
//!
//! Pure where it can be; every request and every process goes through the executor.

mod allocator;
mod assemble;
mod base;
pub mod buildx;
mod config;
mod contents;
pub mod context;
mod digest;
mod dynamic;
pub mod elf;
pub mod existing;
pub mod ghcr;
mod gzip;
pub mod inspect;
mod layer;
mod layout;
mod linkage;
pub mod look;
mod manifest;
pub mod pack;
mod parallel;
mod push;
pub mod reference;
pub mod registry;
pub mod size;
pub mod smoke;
mod system;
pub mod tagging;
mod unpacked;
