//! Everything particular to building a Leptos app: which project, which commands, and the site they give.
//!
//! The way through: [`project`] resolves the metadata, [`planning`] makes the plan, [`build`] carries it out (or
//! [`delegated`] leaves it to cargo-leptos), [`shipped`] and [`receipt`] remember what was built from which sources,
//! and [`untouched`] that nothing has to be built; [`watch`] does it again with every change.

pub mod build;
pub mod cached;
pub mod compress;
pub mod delegated;
pub mod diagnostics;
pub mod digest;
pub mod driver;
pub mod environment;
mod folder;
pub mod halves;
pub mod lock;
pub mod planning;
pub mod project;
pub mod receipt;
pub mod recompiled;
pub mod shipped;
pub mod site;
mod site_planning;
mod timings;
pub mod units;
pub mod untouched;
pub mod watch;

pub use site_planning::needs_lightningcss;

/// The target triple of the front half.
pub const WASM_TARGET: &str = "wasm32-unknown-unknown";
