//! The report of `docker lint`: findings by file, each with what is there, what goes wrong and what mends it.

use serde_json::json;

use super::Format;
use super::table::{Align, Table};
use crate::record::doctor::Severity;
use crate::record::lint::{Finding, LINT_SCHEMA, LintReport, RuleRecord};

/// Renders a report in the format asked for.
pub fn render(report: &LintReport, format: Format) -> anyhow::Result<String> {
    Ok(match format {
        Format::Json => serde_json::to_string_pretty(report)? + "\n",
        Format::Human => human(report),
        Format::Markdown => markdown(report),
    })
}

/// Renders the table of all rules.
pub fn render_rules(rules: &[RuleRecord], format: Format) -> anyhow::Result<String> {
    if format == Format::Json {
        return Ok(serde_json::to_string_pretty(&json!({"schema": LINT_SCHEMA, "rules": rules}))? + "\n");
    }
    let mut columns = vec![("rule", Align::Left), ("severity", Align::Left), ("subject", Align::Left)];
    if format == Format::Markdown {
        columns.push(("reason", Align::Left));
    }
    let mut table = Table::new(&columns);
    for rule in rules {
        let mut row = vec![rule.rule.to_owned(), word(rule.severity).to_owned(), rule.subject.to_owned()];
        if format == Format::Markdown {
            row.push(rule.reason.to_owned());
        }
        table.row(row);
    }
    Ok(if format == Format::Markdown { table.markdown() } else { table.human() })
}

fn human(report: &LintReport) -> String {
    let mut text = String::new();
    for finding in &report.findings {
        let Finding { file, line, severity, rule, found, reason, fix } = finding;
        text += &format!("{file}:{line}: {} [{rule}] {found}\n", word(*severity));
        text += &format!("    why  {reason}\n    mend {}\n", fix.replace('\n', "\n         "));
    }
    if !report.findings.is_empty() {
        text.push('\n');
    }
    text + &summary(report)
}

fn markdown(report: &LintReport) -> String {
    let mut table = Table::new(&[
        ("place", Align::Left),
        ("severity", Align::Left),
        ("rule", Align::Left),
        ("found", Align::Left),
        ("why", Align::Left),
        ("mend", Align::Left),
    ]);
    for finding in &report.findings {
        table.row(vec![
            format!("{}:{}", finding.file, finding.line),
            word(finding.severity).to_owned(),
            finding.rule.to_owned(),
            finding.found.replace('\n', "<br>"),
            finding.reason.to_owned(),
            finding.fix.replace('\n', "<br>"),
        ]);
    }
    let table = if report.findings.is_empty() { String::new() } else { table.markdown() + "\n" };
    format!("### docker lint\n\n{table}{}", summary(report))
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

fn summary(report: &LintReport) -> String {
    let count = |severity| report.findings.iter().filter(|finding| finding.severity == severity).count();
    let plural = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    let all = [
        (count(Severity::Error), "error"),
        (count(Severity::Warning), "warning"),
        (count(Severity::Note), "note"),
    ];
    let counted: Vec<String> =
        all.iter().filter(|(count, _)| *count > 0).map(|(count, word)| plural(*count, word)).collect();
    let counted = if counted.is_empty() { "nothing to mend".to_owned() } else { counted.join(", ") };
    format!("{counted} in {} of {}\n", plural(report.files.len(), "file"), report.root)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use serde_json::Value;

    use super::*;

    fn report() -> LintReport {
        let finding = |line, severity| Finding {
            file: "Dockerfile".to_owned(),
            line,
            severity,
            rule: "a-rule",
            found: "this".to_owned(),
            reason: "That breaks.",
            fix: "do x\nor y".to_owned(),
        };
        LintReport {
            schema: LINT_SCHEMA,
            ok: false,
            root: "/w".to_owned(),
            files: vec!["Dockerfile".to_owned()],
            findings: vec![finding(1, Severity::Error), finding(2, Severity::Note)],
            seconds: 0.1,
        }
    }

    #[test]
    fn for_people() {
        expect![[r#"
            Dockerfile:1: error [a-rule] this
                why  That breaks.
                mend do x
                     or y
            Dockerfile:2: note [a-rule] this
                why  That breaks.
                mend do x
                     or y

            1 error, 1 note in 1 file of /w
        "#]]
        .assert_eq(&human(&report()));
        let nothing = LintReport { findings: Vec::new(), ..report() };
        assert_eq!(human(&nothing), "nothing to mend in 1 file of /w\n");
    }

    #[test]
    fn for_pull_requests_and_programs() {
        let mut report = report();
        report.findings.truncate(1);
        expect![[r#"
            ### docker lint

            | place | severity | rule | found | why | mend |
            | --- | --- | --- | --- | --- | --- |
            | Dockerfile:1 | error | a-rule | this | That breaks. | do x<br>or y |

            1 error in 1 file of /w
        "#]]
        .assert_eq(&markdown(&report));
        let json: Value = serde_json::from_str(&render(&report, Format::Json).unwrap()).unwrap();
        assert_eq!(
            (json["schema"].as_str(), json["findings"][0]["line"].as_u64()),
            (Some("xtask.lint/1"), Some(1))
        );
        assert_eq!(json["findings"][0]["severity"], "error");
    }
}
