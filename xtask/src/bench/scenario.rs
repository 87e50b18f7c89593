//! Scenarios: what state a sample starts from, in the words that every report prints.

use std::fmt;

/// What is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, clap::ValueEnum)]
pub enum Scenario {
    /// The server's last link alone, once more, with each linker
    Link,
    /// wasm-opt alone on the app's wasm file, at each level
    WasmOpt,
    /// Empty target directory, and an empty compile cache where there is one
    Cold,
    /// Empty target directory, full compile cache
    Warm,
    /// A target directory restored into a fresh checkout of the same sources
    WarmTarget,
    /// Everything is built, nothing has changed
    Hot,
    /// Everything is built, one line of the server has changed
    PatchServer,
    /// Everything is built, one line of the package with the pages has changed
    PatchUi,
    /// Everything is built, one line of a package below the pages has changed
    PatchCore,
}

impl Scenario {
    pub const ALL: [Scenario; 9] = [
        Scenario::Link,
        Scenario::WasmOpt,
        Scenario::Cold,
        Scenario::Warm,
        Scenario::WarmTarget,
        Scenario::Hot,
        Scenario::PatchServer,
        Scenario::PatchUi,
        Scenario::PatchCore,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Scenario::Link => "link",
            Scenario::WasmOpt => "wasm-opt",
            Scenario::Cold => "cold",
            Scenario::Warm => "warm",
            Scenario::WarmTarget => "warm-target",
            Scenario::Hot => "hot",
            Scenario::PatchServer => "patch-server",
            Scenario::PatchUi => "patch-ui",
            Scenario::PatchCore => "patch-core",
        }
    }

    /// What is timed, and what was reset before, untimed.
    pub fn meaning(self) -> &'static str {
        match self {
            Scenario::Link => {
                "the last link of the server alone, as rustc asked for it, its output removed before each; nothing is \
                 compiled"
            }
            Scenario::WasmOpt => {
                "wasm-opt alone on the app's wasm file as wasm-bindgen left it, its output removed before each"
            }
            Scenario::Cold => {
                "a whole build with an empty target directory, and with an empty compile cache where one is used; \
                 dependencies are downloaded"
            }
            Scenario::Warm => {
                "a whole build with an empty target directory and a compile cache that the same build has filled; \
                 without a cache the same as cold"
            }
            Scenario::WarmTarget => {
                "a whole build in a fresh checkout of the same sources (every file is new) into which the target \
                 directory of an earlier build was restored"
            }
            Scenario::Hot => "a whole build where everything is built and nothing has changed",
            Scenario::PatchServer => {
                "a whole build where everything is built and one line of the server's own crate has changed"
            }
            Scenario::PatchUi => {
                "a whole build where everything is built and one line of the package with the pages, which both halves \
                 compile, has changed"
            }
            Scenario::PatchCore => {
                "a whole build where everything is built and one line of a package below the pages, which both halves \
                 compile, has changed"
            }
        }
    }

    /// Whether a sample is a whole `cargo xtask build`.
    pub fn is_build(self) -> bool {
        !matches!(self, Scenario::Link | Scenario::WasmOpt)
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn names_are_what_is_typed() {
        for scenario in Scenario::ALL {
            assert_eq!(scenario.to_possible_value().unwrap().get_name(), scenario.name());
        }
        assert_eq!(Scenario::value_variants(), Scenario::ALL);
    }
}
