//! The entry point of the browser half. Everything it shows is in `usdfc-terminal`.

#![cfg(target_arch = "wasm32")]

use wasm_bindgen::prelude::wasm_bindgen;

/// Called by the script of the page once the module is loaded.
#[wasm_bindgen]
pub fn hydrate() {
    // Without it a panic reads "unreachable executed" in the console.
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_body(usdfc_terminal::App);
}
