//! The UI of the terminal, compiled for both halves: with `ssr` it renders on the server, with `hydrate`
//! it takes over the rendered page in the browser.
//!
//! It knows no data source. The server hands it one through [`ssr::provide`], and the browser reaches the
//! same source through the server functions in [`remote`].

mod app;
mod dashboard;
pub mod remote;
#[cfg(feature = "ssr")]
pub mod ssr;

pub use app::App;
