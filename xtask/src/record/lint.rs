//! The report of `docker lint`: what was found in which line, and what mends it, as plain data.

use serde::Serialize;

use super::doctor::Severity;

/// The layout of [`LintReport`].
pub const LINT_SCHEMA: &str = "xtask.lint/1";

/// One thing that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// Relative to the folder that was looked at.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    pub severity: Severity,
    /// A name that stays the same from version to version, e.g. `cook-target-mount`.
    pub rule: &'static str,
    /// What is there. Never the value of a secret.
    pub found: String,
    /// What goes wrong because of it.
    pub reason: &'static str,
    /// What mends it.
    pub fix: String,
}

/// One rule, as `--rules` lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleRecord {
    pub rule: &'static str,
    /// What it is about.
    pub subject: &'static str,
    pub severity: Severity,
    pub reason: &'static str,
    pub fix: &'static str,
}

/// Everything that one run found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LintReport {
    /// The layout of this report.
    pub schema: &'static str,
    /// Whether nothing that was found fails the run.
    pub ok: bool,
    /// The folder that was looked at.
    pub root: String,
    /// What was read, without the sources.
    pub files: Vec<String>,
    /// By file and line.
    pub findings: Vec<Finding>,
    /// Wall-clock seconds.
    pub seconds: f64,
}
