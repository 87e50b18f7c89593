//! Everything particular to building a Leptos app: which project, which commands, and the site they give.
//!
//! The way through: [`project`] resolves the metadata, [`planning`] makes the plan, [`build`] carries it out,
//! [`shipped`] and [`receipt`] remember what was built from which sources; [`watch`] does it again with every change.

pub mod build;
pub mod cached;
mod compress;
pub mod diagnostics;
pub mod digest;
pub mod environment;
mod folder;
pub mod halves;
pub mod lock;
pub mod planning;
pub mod project;
pub mod receipt;
pub mod shipped;
pub mod site;
pub mod units;
pub mod watch;

/// The target triple of the front half.
pub const WASM_TARGET: &str = "wasm32-unknown-unknown";
