//! Disk space where cargo compiles.

use std::path::PathBuf;

use serde::Serialize;

use super::workspace;
use crate::exec::{self, Space};
use crate::record::doctor::{Finding, Fix, Group, Severity};

/// Measured on a Leptos app with Axum and TLS: one profile of both halves takes 2 GB, the automation and its tests as
/// much again, and old results stay until `cargo clean`.
const FREE_BYTES_WANTED: u64 = 5_000_000_000;
/// Less than this and the next build ends half-way.
const FREE_BYTES_NEEDED: u64 = 1_000_000_000;
/// A target directory of the same app has about as many files.
const FREE_FILES_WANTED: u64 = 20_000;

#[derive(Clone, Debug, Default, Serialize)]
pub struct Facts {
    pub target_directory: PathBuf,
    pub space: Option<Space>,
}

pub fn gather(workspace: &workspace::Facts) -> Facts {
    let target_directory = workspace.target_directory.clone();
    Facts { space: exec::space(&target_directory).ok(), target_directory }
}

pub fn examine(facts: &Facts) -> Vec<Finding> {
    let Some(space) = facts.space else { return Vec::new() };
    let mut findings = Vec::new();
    let place = facts.target_directory.display().to_string();
    let gigabytes = |bytes: u64| format!("{:.1} GB", bytes as f64 / 1e9);
    let fix = || Fix::command("cargo clean");
    if space.free_bytes < FREE_BYTES_WANTED {
        let severity = if space.free_bytes < FREE_BYTES_NEEDED { Severity::Error } else { Severity::Warning };
        let found = format!("{} free of {}", gigabytes(space.free_bytes), gigabytes(space.total_bytes));
        let wanted = format!("{} for the target directory", gigabytes(FREE_BYTES_WANTED));
        findings.push(Finding::new(Group::Host, "disk-space", severity, found, wanted, fix()).at(&place));
    }
    if let Some(files) = space.free_files.filter(|files| *files < FREE_FILES_WANTED) {
        let found = format!("room for {files} more files");
        let wanted = format!("room for {FREE_FILES_WANTED} (inodes)");
        findings.push(
            Finding::new(Group::Host, "disk-files", Severity::Warning, found, wanted, fix()).at(&place),
        );
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_disks() {
        let rules = |free_bytes, free_files| {
            let space = Some(Space { free_bytes, total_bytes: 9_000_000_000, free_files });
            let findings = examine(&Facts { target_directory: PathBuf::new(), space });
            findings.iter().map(|finding| (finding.rule, finding.severity)).collect::<Vec<_>>()
        };
        assert_eq!(rules(6_000_000_000, Some(1_000_000)), []);
        assert_eq!(rules(6_000_000_000, None), []);
        assert_eq!(rules(4_000_000_000, None), [("disk-space", Severity::Warning)]);
        assert_eq!(rules(900_000_000, None), [("disk-space", Severity::Error)]);
        assert_eq!(rules(6_000_000_000, Some(300)), [("disk-files", Severity::Warning)]);
        assert_eq!(examine(&Facts::default()), []);
    }
}
