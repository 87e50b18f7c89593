//! The report of `doctor`: what is in order in one line a group, and each problem with what mends it.

use super::Format;
use super::table::{Align, Table};
pub use crate::record::doctor::Group;
use crate::record::doctor::{DoctorReport, Edit, Finding, Fix, Severity};

/// Renders a report in the format asked for.
pub fn render(report: &DoctorReport, format: Format) -> anyhow::Result<String> {
    Ok(match format {
        Format::Json => serde_json::to_string_pretty(report)? + "\n",
        Format::Human => human(report),
        Format::Markdown => markdown(report),
    })
}

fn human(report: &DoctorReport) -> String {
    let mut text = String::new();
    let (fine, ill): (Vec<Group>, Vec<Group>) =
        report.groups.iter().partition(|group| of(report, **group).next().is_none());
    for group in ill {
        text += &format!("{}\n", group.name());
        for finding in of(report, group) {
            text += &format!("  {} [{}]\n", word(finding.severity), finding.rule);
            text += &line("found", &finding.found);
            text += &line("wanted", &finding.wanted);
            if let Some(place) = &finding.place {
                text += &line("place", place);
            }
            text += &line("mend", &mend(&finding.fix));
        }
        text.push('\n');
    }
    if !fine.is_empty() {
        text += &format!("ok: {}\n", names(&fine));
    }
    text + &summary(report)
}

fn markdown(report: &DoctorReport) -> String {
    let mut table = Table::new(&[
        ("group", Align::Left),
        ("severity", Align::Left),
        ("rule", Align::Left),
        ("found", Align::Left),
        ("wanted", Align::Left),
        ("place", Align::Left),
        ("mend", Align::Left),
    ]);
    for finding in &report.findings {
        let cell = |text: &str| text.replace('\n', "<br>");
        table.row(vec![
            finding.group.name().to_owned(),
            word(finding.severity).to_owned(),
            finding.rule.to_owned(),
            cell(&finding.found),
            cell(&finding.wanted),
            cell(finding.place.as_deref().unwrap_or_default()),
            cell(&mend(&finding.fix)),
        ]);
    }
    let table = if report.findings.is_empty() { String::new() } else { table.markdown() + "\n" };
    format!("### doctor\n\n{table}{}", summary(report))
}

fn of(report: &DoctorReport, group: Group) -> impl Iterator<Item = &Finding> {
    report.findings.iter().filter(move |finding| finding.group == group)
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

/// Further lines stand below the first.
fn line(name: &str, text: &str) -> String {
    format!("    {name:<7} {}\n", text.trim_end().replace('\n', "\n            "))
}

/// What mends it, as it is told to people.
fn mend(fix: &Fix) -> String {
    match fix {
        Fix::Command(command) => command.clone(),
        Fix::Advice(text) => text.clone(),
        Fix::Edit(edits) => edits.iter().map(edit).collect::<Vec<_>>().join("\n"),
    }
}

fn edit(edit: &Edit) -> String {
    let place = match edit.line {
        Some(line) => format!("{}:{line}", edit.file),
        None => edit.file.clone(),
    };
    let indented = |text: &str| text.trim_matches('\n').replace('\n', "\n  ");
    match (edit.old.is_empty(), edit.new.is_empty()) {
        (true, _) => format!("add to {place}:\n  {}", indented(&edit.new)),
        (false, true) => format!("delete at {place}:\n  {}", indented(&edit.old)),
        (false, false) => {
            format!("replace at {place}:\n  {}\nby:\n  {}", indented(&edit.old), indented(&edit.new))
        }
    }
}

fn summary(report: &DoctorReport) -> String {
    let count = |severity| report.findings.iter().filter(|finding| finding.severity == severity).count();
    let counts = [
        (count(Severity::Error), "error"),
        (count(Severity::Warning), "warning"),
        (count(Severity::Note), "note"),
    ];
    let plural = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    let counted: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| plural(*count, word)).collect();
    let counted = if counted.is_empty() { "nothing to mend".to_owned() } else { counted.join(", ") };
    let skipped = if report.skipped.is_empty() {
        String::new()
    } else {
        format!("; not looked at: {}", names(&report.skipped))
    };
    let network = match report.skipped.as_slice() {
        [Group::Network] => " (--network)",
        _ => "",
    };
    format!("{counted}{skipped}{network}\n")
}

fn names(groups: &[Group]) -> String {
    groups.iter().map(|group| group.name()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use serde_json::Value;

    use super::*;
    use crate::record::doctor::DOCTOR_SCHEMA;

    fn report() -> DoctorReport {
        let edit = |line, old: &str, new: &str| Edit {
            file: ".cargo/config.toml".to_owned(),
            line,
            old: old.to_owned(),
            new: new.to_owned(),
        };
        let edits =
            vec![edit(Some(3), "a = 1\n", ""), edit(Some(4), "b", "c"), edit(None, "", "\n[d]\ne = 1\n")];
        DoctorReport {
            schema: DOCTOR_SCHEMA,
            ok: false,
            workspace: "/w".to_owned(),
            groups: vec![Group::Toolchain, Group::Cargo, Group::Host],
            skipped: vec![Group::Network],
            findings: vec![
                Finding::new(
                    Group::Cargo,
                    "a-rule",
                    Severity::Error,
                    "this\nand that",
                    "other",
                    Fix::command("x y"),
                )
                .at("f:1"),
                Finding::new(Group::Cargo, "b-rule", Severity::Note, "this", "other", Fix::Edit(edits)),
            ],
            facts: Value::Null,
            seconds: 0.5,
        }
    }

    #[test]
    fn for_people() {
        expect![[r#"
            cargo
              error [a-rule]
                found   this
                        and that
                wanted  other
                place   f:1
                mend    x y
              note [b-rule]
                found   this
                wanted  other
                mend    delete at .cargo/config.toml:3:
                          a = 1
                        replace at .cargo/config.toml:4:
                          b
                        by:
                          c
                        add to .cargo/config.toml:
                          [d]
                          e = 1

            ok: toolchain, host
            1 error, 1 note; not looked at: network (--network)
        "#]]
        .assert_eq(&human(&report()));
    }

    #[test]
    fn for_pull_requests_and_programs() {
        expect![[r#"
            ### doctor

            | group | severity | rule | found | wanted | place | mend |
            | --- | --- | --- | --- | --- | --- | --- |
            | cargo | error | a-rule | this<br>and that | other | f:1 | x y |

            1 error; not looked at: network (--network)
        "#]]
        .assert_eq(&{
            let mut report = report();
            report.findings.truncate(1);
            markdown(&report)
        });
        let json: Value = serde_json::from_str(&render(&report(), Format::Json).unwrap()).unwrap();
        assert_eq!(json["schema"], "xtask.doctor/1");
        assert_eq!(json["findings"][0]["fix"]["command"], "x y");
        assert_eq!(json["findings"][1]["fix"]["edit"][0]["line"], 3);
    }
}
