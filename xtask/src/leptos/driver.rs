//! Who drives a build: this program itself, or cargo-leptos where it is installed.

use std::fmt;

use clap::ValueEnum;

/// The driver of a build.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Driver {
    /// Cargo and the tools are called directly.
    #[default]
    Native,
    /// `cargo leptos build` does it all.
    CargoLeptos,
}

impl fmt::Display for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Driver::Native => "native",
            Driver::CargoLeptos => "cargo-leptos",
        })
    }
}
