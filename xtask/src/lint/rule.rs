//! What a rule is, and how findings are collected.

use crate::record::doctor::Severity;
use crate::record::lint::Finding;

/// Something that a repository must not have.
#[derive(Debug)]
pub struct Rule {
    /// Stays the same from version to version.
    pub name: &'static str,
    pub severity: Severity,
    /// What goes wrong.
    pub reason: &'static str,
    /// What mends it, where a finding does not know it better.
    pub fix: &'static str,
}

/// What was found, file by file.
#[derive(Debug, Default)]
pub struct Findings {
    pub list: Vec<Finding>,
}

/// Findings about one file.
pub struct InFile<'a> {
    findings: &'a mut Findings,
    file: &'a str,
}

impl Findings {
    pub fn file<'a>(&'a mut self, file: &'a str) -> InFile<'a> {
        InFile { findings: self, file }
    }
}

impl InFile<'_> {
    /// `found` is what is there, in words; never the value of a secret.
    pub fn add(&mut self, rule: &'static Rule, line: usize, found: impl Into<String>) {
        self.add_with(rule, line, found, rule.fix);
    }

    /// The same, with what mends this one.
    pub fn add_with(
        &mut self,
        rule: &'static Rule,
        line: usize,
        found: impl Into<String>,
        fix: impl Into<String>,
    ) {
        self.findings.list.push(Finding {
            rule: rule.name,
            severity: rule.severity,
            file: self.file.to_owned(),
            line,
            found: found.into(),
            reason: rule.reason,
            fix: fix.into(),
        });
    }
}
