//! The room of `setup`: finds the tools that a build needs, or installs them into a user-local folder.
//!
//! Looking never changes anything. Installing tries the tool's sources in order, keeps what proves itself
//! with `--version`, and otherwise names every source and why it failed. It knows nothing about what a build
//! does with a tool.
//!
//! The one program that is only ever looked for is cargo-leptos ([`cargo_leptos`]).
//!
//! Nothing is checked against digests of our own: rustup, cargo, npm, pip and apt each verify what they fetch
//! against their registry's digests or signatures, and we download nothing around them.

mod apt;
mod cargo;
pub mod cargo_leptos;
pub mod components;
mod explain;
mod install;
pub mod local;
mod node;
mod npm;
mod pip;
mod reach;
mod source;
mod store;
mod sysroot;
pub mod system;
pub mod update;

use std::path::{Path, PathBuf};

use serde::Serialize;

pub use install::install;
pub use reach::forget_silence;
pub use store::home;
pub use sysroot::rustc;

use crate::config::tools::{Group, Table};
use crate::exec::Executor;
use crate::facts::tool;
use crate::facts::toolchain::Toolchain;
use crate::plan::InstallTool;

/// The tools that we install.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tool {
    WasmTarget,
    WasmBindgen,
    WasmOpt,
    Sass,
    Tailwind,
    LightningCss,
    Sccache,
    Kache,
    Mold,
    Wild,
    Hadolint,
}

/// All of them.
const TOOLS: [Tool; 11] = [
    Tool::WasmTarget,
    Tool::WasmBindgen,
    Tool::WasmOpt,
    Tool::Sass,
    Tool::Tailwind,
    Tool::LightningCss,
    Tool::Sccache,
    Tool::Kache,
    Tool::Mold,
    Tool::Wild,
    Tool::Hadolint,
];

/// A tool at the only version that will do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub tool: Tool,
    pub version: String,
}

/// Where a tool is, or where it will be once it is installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Resolved {
    /// The tool's key in `tools.toml`.
    pub tool: &'static str,
    /// What the program says it is. Differs from the wanted version only where another program stands in
    /// (`grass`).
    pub version: String,
    /// The absolute path of the program; empty for the wasm target, which is no program.
    pub program: String,
    /// The same rustflags as words, for a caller that has others to add: cargo takes them from one place
    /// only.
    pub rustflags: Vec<String>,
    /// For people: `PATH`, `toolchain`, `user-local folder (npm)`.
    pub source: String,
    /// Not there yet. Everything above is then what it will be once the tool is installed; the one exception
    /// is a wasm target that rustup is expected to add but cannot: after installing that one, look again.
    pub missing: bool,
}

/// One line of `setup --check`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    pub tool: &'static str,
    pub wanted: String,
    /// The version that is there, wanted or not.
    pub found: Option<String>,
    pub path: Option<String>,
    pub source: Option<String>,
    pub state: State,
}

/// What `setup` thinks of a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    Ready,
    Missing,
    /// `PATH` has it at another version, which is never used.
    OtherVersion,
}

impl Tool {
    /// The key in `tools.toml`, which also names the folder.
    pub fn key(self) -> &'static str {
        match self {
            Tool::WasmTarget => "wasm-target",
            Tool::WasmBindgen => "wasm-bindgen",
            Tool::WasmOpt => "wasm-opt",
            Tool::Sass => "sass",
            Tool::Tailwind => "tailwindcss",
            Tool::LightningCss => "lightningcss",
            Tool::Sccache => "sccache",
            Tool::Kache => "kache",
            Tool::Mold => "mold",
            Tool::Wild => "wild",
            Tool::Hadolint => "hadolint",
        }
    }

    /// The tool with this key.
    pub fn from_key(key: &str) -> Option<Tool> {
        TOOLS.into_iter().find(|tool| tool.key() == key)
    }

    /// The program's name on `PATH`; the wasm target has none.
    pub fn program(self) -> Option<&'static str> {
        (self != Tool::WasmTarget).then(|| self.key())
    }

    /// What makes the program tell its version. Tailwind has no option for that, and would begin to work.
    fn version_option(self) -> &'static str {
        if self == Tool::Tailwind { "--help" } else { "--version" }
    }
}

impl Wanted {
    pub fn new(tool: Tool, version: impl Into<String>) -> Wanted {
        Wanted { tool, version: version.into() }
    }

    /// The tools of a group whose versions the table pins.
    pub fn of_group(group: Group) -> Vec<Wanted> {
        let table = Table::builtin();
        let tools = table.tools().filter(|entry| entry.group == group);
        tools
            .filter_map(|entry| Some(Wanted::new(Tool::from_key(&entry.name)?, entry.version.clone()?)))
            .collect()
    }

    /// The wasm target of this very compiler. The commit is part of it: rlibs fit one build of rustc only.
    pub fn wasm_target(toolchain: &Toolchain) -> Wanted {
        let commit: String = toolchain.commit_hash.chars().take(9).collect();
        let commit = if commit.is_empty() { "unknown" } else { &commit };
        Wanted::new(Tool::WasmTarget, format!("{}-{commit}", toolchain.rustc_version))
    }
}

/// Finds a tool without changing anything: in the user-local folder first, then on `PATH` at exactly this
/// version.
pub fn look(exec: &Executor, toolchain: &Toolchain, wanted: &Wanted) -> anyhow::Result<Resolved> {
    let folder = store::folder(&home()?, wanted.tool.key(), &wanted.version);
    let Some(name) = wanted.tool.program() else {
        return Ok(look_for_target(toolchain, wanted, &folder));
    };
    let program = store::program(&folder, name);
    if let Some(receipt) = store::installed(&folder, &program) {
        return Ok(found(
            wanted,
            &program,
            receipt.version,
            format!("user-local folder ({})", receipt.source),
        ));
    }
    if let Some((path, version)) = on_path(exec, wanted.tool, name)?
        && version == wanted.version
    {
        return Ok(found(wanted, &path, version, "PATH".to_owned()));
    }
    let mut resolved = found(wanted, &program, wanted.version.clone(), "user-local folder".to_owned());
    resolved.missing = true;
    Ok(resolved)
}

/// The tool at the table's version where it is in the user-local folder or on `PATH`, else whatever version `PATH` has:
/// for tools that are measured or proved, and so need not be a certain one. `None` where there is none.
pub fn look_for_any(exec: &Executor, tool: Tool) -> anyhow::Result<Option<(PathBuf, String)>> {
    let table = Table::builtin();
    let Some(name) = tool.program() else { return Ok(None) };
    if let Some(version) = &table.tool(tool.key())?.version {
        let folder = store::folder(&home()?, tool.key(), version);
        let program = store::program(&folder, name);
        if let Some(receipt) = store::installed(&folder, &program) {
            return Ok(Some((program, receipt.version)));
        }
    }
    on_path(exec, tool, name)
}

/// The plan's data for installing a tool.
pub fn install_step(wanted: &Wanted) -> anyhow::Result<InstallTool> {
    Ok(InstallTool {
        tool: wanted.tool.key().to_owned(),
        version: wanted.version.clone(),
        destination: store::folder(&home()?, wanted.tool.key(), &wanted.version),
    })
}

/// What `setup --check` says of a tool.
pub fn status(exec: &Executor, toolchain: &Toolchain, wanted: &Wanted) -> anyhow::Result<Status> {
    let resolved = look(exec, toolchain, wanted)?;
    let mut status = Status {
        tool: resolved.tool,
        wanted: wanted.version.clone(),
        found: None,
        path: None,
        source: None,
        state: State::Missing,
    };
    if !resolved.missing {
        status.state = State::Ready;
        status.found = Some(resolved.version);
        status.path = Some(resolved.program).filter(|path| !path.is_empty());
        status.source = Some(resolved.source);
    } else if let Some(name) = wanted.tool.program()
        && let Some((path, version)) = on_path(exec, wanted.tool, name)?
    {
        status.state = State::OtherVersion;
        status.found = Some(version);
        status.path = Some(path.display().to_string());
        status.source = Some("PATH".to_owned());
    }
    Ok(status)
}

fn found(wanted: &Wanted, program: &Path, version: String, source: String) -> Resolved {
    Resolved {
        tool: wanted.tool.key(),
        version,
        program: program.display().to_string(),
        rustflags: Vec::new(),
        source,
        missing: false,
    }
}

fn look_for_target(toolchain: &Toolchain, wanted: &Wanted, folder: &Path) -> Resolved {
    let mut resolved = found(wanted, Path::new(""), wanted.version.clone(), "toolchain".to_owned());
    // The facts may be older than an installation.
    if toolchain.has_wasm_target || sysroot::has_target(&toolchain.sysroot) {
        return resolved;
    }
    let whole = store::receipt(folder).is_some() && sysroot::is_whole(folder, &toolchain.host);
    resolved.missing = !whole;
    if whole || !source::rustup_manages(&toolchain.sysroot) {
        resolved.source = "user-local folder (private sysroot)".to_owned();
        resolved.rustflags = vec![format!("--sysroot={}", folder.display())];
    }
    resolved
}

/// The first program of this name on `PATH`, with the version that it states.
fn on_path(exec: &Executor, tool: Tool, name: &str) -> anyhow::Result<Option<(PathBuf, String)>> {
    let Some(path) = tool::find_on_path(name) else {
        return Ok(None);
    };
    let version = stated_version(exec, &path, tool.version_option());
    exec.check_interrupted()?;
    Ok(version.map(|version| (path, version)))
}

/// The version in a program's answer to this option; `None` where it fails or says nothing that looks like one.
fn stated_version(exec: &Executor, program: &Path, option: &str) -> Option<String> {
    tool::version_of(exec, program, &[option])
}

#[cfg(test)]
mod tests;
