//! The report of `doctor`: what was found, what was wanted, and what mends it, as plain data.

use serde::Serialize;
use serde_json::Value;

/// The layout of [`DoctorReport`].
pub const DOCTOR_SCHEMA: &str = "xtask.doctor/1";

/// What a finding is about. Reports keep this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// cargo, rustc, rustup.
    Toolchain,
    /// The wasm target, wasm-bindgen, wasm-opt and what else a build needs.
    Tools,
    /// Cargo's configuration, manifests and profiles.
    Cargo,
    /// The linker of the server half.
    Linker,
    /// Compiler wrappers, the compile cache, and the C compiler behind them.
    Cache,
    /// The Leptos project and what its image needs.
    Leptos,
    /// Docker's client, engine and configuration.
    Docker,
    /// Credentials for the image's registry.
    Registry,
    /// Railway's settings and tokens.
    Railway,
    /// Disk space.
    Host,
    /// The git checkout and GitHub.
    Checkout,
    /// What only other machines can tell; looked at with `--network` alone.
    Network,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// A command will fail.
    Error,
    /// Something works otherwise, slower or later than people expect.
    Warning,
    /// Good to know.
    Note,
}

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub group: Group,
    /// A name that stays the same from version to version, e.g. `rustflags-hidden`.
    pub rule: &'static str,
    pub severity: Severity,
    pub found: String,
    pub wanted: String,
    /// The file and line, the variable or the program that decides.
    pub place: Option<String>,
    pub fix: Fix,
}

/// What mends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fix {
    /// For the shell that the command was run in.
    Command(String),
    /// All of these.
    Edit(Vec<Edit>),
    /// What no command can do.
    Advice(String),
}

/// A change of one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Edit {
    /// Relative to the workspace where it is inside, else absolute.
    pub file: String,
    /// Where `old` begins, counted from 1; `None` for the end of the file.
    pub line: Option<usize>,
    /// Replaced by `new`; empty to add `new` at the end.
    pub old: String,
    /// Empty to delete `old`.
    pub new: String,
}

/// Everything that one run found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DoctorReport {
    /// The layout of this report.
    pub schema: &'static str,
    /// Whether no finding is an error.
    pub ok: bool,
    /// The workspace's folder.
    pub workspace: String,
    /// What was looked at, in order.
    pub groups: Vec<Group>,
    /// The groups that were skipped.
    pub skipped: Vec<Group>,
    /// By group, the worst first.
    pub findings: Vec<Finding>,
    /// What the findings were concluded from, by group. Without values of secrets.
    pub facts: Value,
    /// Wall-clock seconds.
    pub seconds: f64,
}

impl Group {
    /// As it is typed and printed.
    pub fn name(self) -> &'static str {
        match self {
            Group::Toolchain => "toolchain",
            Group::Tools => "tools",
            Group::Cargo => "cargo",
            Group::Linker => "linker",
            Group::Cache => "cache",
            Group::Leptos => "leptos",
            Group::Docker => "docker",
            Group::Registry => "registry",
            Group::Railway => "railway",
            Group::Host => "host",
            Group::Checkout => "checkout",
            Group::Network => "network",
        }
    }
}

impl Finding {
    /// A finding without a place.
    pub fn new(
        group: Group,
        rule: &'static str,
        severity: Severity,
        found: impl Into<String>,
        wanted: impl Into<String>,
        fix: Fix,
    ) -> Finding {
        Finding { group, rule, severity, found: found.into(), wanted: wanted.into(), place: None, fix }
    }

    /// Says what decides.
    pub fn at(mut self, place: impl Into<String>) -> Finding {
        self.place = Some(place.into());
        self
    }
}

impl Fix {
    pub fn command(command: impl Into<String>) -> Fix {
        Fix::Command(command.into())
    }

    pub fn advice(text: impl Into<String>) -> Fix {
        Fix::Advice(text.into())
    }
}
