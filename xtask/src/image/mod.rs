//! Container images: what they are made of, how they reach a registry, and whether they work.
//!
//! Pure where it can be; every request and every process goes through the executor.

pub mod smoke;
