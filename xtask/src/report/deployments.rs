//! The reports of earlier deployments: the list of them, and the log of one.

use super::Format;
use super::deploy::service;
use super::table::{Align, Table};
use crate::record::deployments::{DeploymentList, DeploymentLog, Listed, LogLine, Standing};

/// Renders a list in the format asked for.
pub fn render_list(list: &DeploymentList, format: Format) -> anyhow::Result<String> {
    Ok(match format {
        Format::Json => serde_json::to_string_pretty(list)? + "\n",
        Format::Human => table(list).human(),
        Format::Markdown => format!("{}\n\n{}", service(&list.service), table(list).markdown()),
    })
}

/// Renders a log in the format asked for. For people it is the lines alone, so that it can be searched.
pub fn render_log(log: &DeploymentLog, format: Format) -> anyhow::Result<String> {
    let lines: String = log.lines.iter().map(line).collect();
    Ok(match format {
        Format::Json => serde_json::to_string_pretty(log)? + "\n",
        Format::Human => lines,
        Format::Markdown => {
            let what = if log.is_build { "Build log" } else { "Log" };
            let fence = fence(&lines);
            format!(
                "{what} of deployment {} ({})\n\n{fence}text\n{lines}{fence}\n",
                log.deployment, log.status
            )
        }
    })
}

fn table(list: &DeploymentList) -> Table {
    let mut table = Table::new(&[
        ("deployment", Align::Left),
        ("status", Align::Left),
        ("created", Align::Left),
        ("rollback", Align::Left),
        ("revision", Align::Left),
        ("digest", Align::Left),
    ]);
    let unknown = |text: &Option<String>| text.clone().unwrap_or_else(|| "unknown".to_owned());
    for one in &list.deployments {
        table.row(vec![
            one.id.clone(),
            one.status.clone(),
            one.created.clone(),
            standing(one).to_owned(),
            unknown(&one.revision),
            one.digest.clone().or_else(|| one.image.clone()).unwrap_or_else(|| "unknown".to_owned()),
        ]);
    }
    if list.deployments.is_empty() {
        table.row(vec!["none".to_owned()]);
    }
    table
}

fn standing(one: &Listed) -> &'static str {
    match one.rollback {
        Standing::Live => "live",
        Standing::Railway => "railway",
        Standing::Digest => "digest",
        Standing::None => "none",
        Standing::Unknown => "unknown",
    }
}

fn line(line: &LogLine) -> String {
    let severity = line.severity.as_deref().map(|severity| format!("{severity:<5} ")).unwrap_or_default();
    format!("{} {severity}{}\n", line.time, line.text)
}

/// As many backticks as the text does not have in a row.
fn fence(text: &str) -> String {
    let mut fence = "```".to_owned();
    while text.contains(&fence) {
        fence.push('`');
    }
    fence
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::record::deploy::ServiceName;
    use crate::record::deployments::{LIST_SCHEMA, LOG_SCHEMA};

    fn name() -> ServiceName {
        ServiceName { project: "shop".into(), environment: "production".into(), service: "web".into() }
    }

    #[test]
    fn people_read_what_can_be_brought_back() {
        let one = |id: &str, status: &str, revision: Option<&str>, rollback| Listed {
            id: id.to_owned(),
            status: status.to_owned(),
            created: "2026-11-20T10:00:00Z".to_owned(),
            image: Some("app:1".to_owned()),
            digest: revision.map(|_| "sha256:1".to_owned()),
            revision: revision.map(str::to_owned),
            rollback,
        };
        let deployments = vec![
            one("d-4", "SUCCESS", Some("abc"), Standing::Live),
            one("d-3", "FAILED", None, Standing::None),
            one("d-2", "REMOVED", Some("abb"), Standing::Railway),
            one("d-1", "REMOVED", None, Standing::Unknown),
        ];
        let list = DeploymentList { schema: LIST_SCHEMA, service: name(), deployments };
        expect![[r#"
            deployment  status   created               rollback  revision  digest
            d-4         SUCCESS  2026-11-20T10:00:00Z  live      abc       sha256:1
            d-3         FAILED   2026-11-20T10:00:00Z  none      unknown   app:1
            d-2         REMOVED  2026-11-20T10:00:00Z  railway   abb       sha256:1
            d-1         REMOVED  2026-11-20T10:00:00Z  unknown   unknown   app:1
        "#]]
        .assert_eq(&render_list(&list, Format::Human).unwrap());
        let json: serde_json::Value =
            serde_json::from_str(&render_list(&list, Format::Json).unwrap()).unwrap();
        assert_eq!(json["schema"], "xtask.deploy-list/1");
        assert_eq!(json["deployments"][2]["rollback"], "railway");
        assert_eq!(json["deployments"][1]["revision"], serde_json::Value::Null);
    }

    #[test]
    fn a_log_is_its_lines() {
        let line = |severity: Option<&str>, text: &str| LogLine {
            time: "2026-11-20T10:00:00Z".to_owned(),
            severity: severity.map(str::to_owned),
            text: text.to_owned(),
        };
        let log = DeploymentLog {
            schema: LOG_SCHEMA,
            service: name(),
            deployment: "d-1".to_owned(),
            status: "FAILED".to_owned(),
            is_build: false,
            lines: vec![line(Some("info"), "it begins"), line(None, "```")],
        };
        expect![[r#"
            2026-11-20T10:00:00Z info  it begins
            2026-11-20T10:00:00Z ```
        "#]]
        .assert_eq(&render_log(&log, Format::Human).unwrap());
        let markdown = render_log(&log, Format::Markdown).unwrap();
        assert!(markdown.starts_with("Log of deployment d-1 (FAILED)\n\n````text\n"), "{markdown}");
    }
}
