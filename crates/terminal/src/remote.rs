//! The server functions: the only way from the browser to the numbers.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use usdfc_core::Snapshot;

/// Everything that the first rendering of the page needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    pub snapshot: Snapshot,
    pub version: String,
    pub revision: String,
}

/// What the server knows now, without asking any source.
#[server]
pub async fn read_page() -> Result<Page, ServerFnError> {
    Ok(crate::ssr::source()?.page())
}

/// Asks the sources again and returns what they said.
#[server]
pub async fn refresh() -> Result<Snapshot, ServerFnError> {
    Ok(crate::ssr::source()?.refresh().await)
}
