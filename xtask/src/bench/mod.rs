//! What linker, compile cache, profile, driver and wasm-opt level really give on this machine.

pub mod caches;
