//! The report of one image that was run: a line for each check, and the verdict.

use super::table::{Align, Table};
use super::{Format, seconds};
use crate::record::RunResult;
use crate::record::smoke::{SmokeRecord, Verdict};

/// Renders a run in the format asked for.
pub fn render(record: &SmokeRecord, format: Format) -> anyhow::Result<String> {
    Ok(match format {
        Format::Json => serde_json::to_string_pretty(record)? + "\n",
        Format::Human => format!("{}\n{}\n", checks(record).human(), summary(record)),
        Format::Markdown => {
            format!("### {}\n\n{}\n{}\n", record.image, checks(record).markdown(), summary(record))
        }
    })
}

fn checks(record: &SmokeRecord) -> Table {
    let mut table = Table::new(&[("verdict", Align::Left), ("check", Align::Left), ("", Align::Left)]);
    for check in &record.checks {
        let verdict = match check.verdict {
            Verdict::Ok => "ok",
            Verdict::Failed => "FAILED",
            Verdict::Skipped => "skipped",
            Verdict::NotRun => "not run",
        };
        table.row(vec![verdict.to_owned(), check.name.clone(), check.detail.clone()]);
    }
    table
}

fn summary(record: &SmokeRecord) -> String {
    let result = match record.result {
        RunResult::Ok => "works".to_owned(),
        RunResult::Failed => match record.failed().len() {
            0 => "could not be judged".to_owned(),
            failed => format!("fails {failed} of {} checks", record.checks.len()),
        },
        RunResult::Interrupted => "was not judged: interrupted".to_owned(),
    };
    let times = [
        record.healthy_seconds.map(|time| format!("healthy after {} s", seconds(time))),
        record.stop_seconds.map(|time| format!("ended {} s after SIGTERM", seconds(time))),
    ];
    let platform = record.platform.iter().map(|platform| format!("made for {platform}"));
    let facts: Vec<String> = times.into_iter().flatten().chain(platform).collect();
    let facts = if facts.is_empty() { String::new() } else { format!("; {}", facts.join(", ")) };
    format!("{} {result}{facts}", record.digest.as_deref().unwrap_or(&record.image))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::smoke::{CheckRecord, SMOKE_SCHEMA};

    fn record() -> SmokeRecord {
        let check = |name: &str, verdict, detail: &str| CheckRecord {
            name: name.to_owned(),
            verdict,
            detail: detail.to_owned(),
        };
        SmokeRecord {
            schema: SMOKE_SCHEMA,
            result: RunResult::Failed,
            started: "2026-11-21T10:00:00+00:00".to_owned(),
            image: "app:1".to_owned(),
            image_id: Some("sha256:12".to_owned()),
            digest: None,
            platform: Some("linux/amd64".to_owned()),
            engine: Some("28.5.2".to_owned()),
            health_path: "/health".to_owned(),
            checks: vec![
                check("user", Verdict::Ok, "65532"),
                check("no-baked-port", Verdict::Failed, "PORT=3000 is built in"),
                check("style", Verdict::Skipped, "the page links to none"),
                check("stop", Verdict::NotRun, ""),
            ],
            healthy_seconds: Some(0.42),
            stop_seconds: None,
            seconds: 1.5,
        }
    }

    #[test]
    fn people_read_a_table() {
        expect_test::expect![[r#"
            verdict  check
            ok       user           65532
            FAILED   no-baked-port  PORT=3000 is built in
            skipped  style          the page links to none
            not run  stop

            app:1 fails 1 of 4 checks; healthy after 0.42 s, made for linux/amd64
        "#]]
        .assert_eq(&render(&record(), Format::Human).unwrap());
    }

    #[test]
    fn a_summary_gets_a_heading() {
        let mut record = record();
        record.result = RunResult::Ok;
        record.checks.truncate(1);
        record.digest = Some("ghcr.io/o/app@sha256:34".to_owned());
        record.stop_seconds = Some(0.05);
        expect_test::expect![[r#"
            ### app:1

            | verdict | check |  |
            | --- | --- | --- |
            | ok | user | 65532 |

            ghcr.io/o/app@sha256:34 works; healthy after 0.42 s, ended 0.05 s after SIGTERM, made for linux/amd64
        "#]]
        .assert_eq(&render(&record, Format::Markdown).unwrap());
    }

    #[test]
    fn programs_read_the_record() {
        let json: serde_json::Value =
            serde_json::from_str(&render(&record(), Format::Json).unwrap()).unwrap();
        assert_eq!((&json["schema"], &json["result"]), (&"xtask.smoke/1".into(), &"failed".into()));
        assert_eq!(json["checks"][3]["verdict"], "not-run");
        assert_eq!(json["stop_seconds"], serde_json::Value::Null);
    }
}
