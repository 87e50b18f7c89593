//! Observes the machine, the toolchain and the workspace, and never changes anything.
//!
//! Probes go through the executor. Nothing here decides what to do with a fact.

pub mod changes;
pub mod graph;
pub mod host;
pub mod revision;
pub mod tool;
pub mod toolchain;
pub mod workspace;
