//! What chats and programs are told of a deployment or of alerts, as the body of a webhook.

use serde_json::{Value, json};

use crate::record::RunResult;
use crate::record::deploy::DeployRecord;
use crate::record::monitor::Alert;

/// The layout of the body for programs.
const SCHEMA: &str = "xtask.notification/1";
/// The same of alerts.
const ALERTS_SCHEMA: &str = "xtask.alerts/1";
/// The longest text that Discord takes, in characters (source: "Create Message" on discord.com/developers); Slack takes
/// more, and nobody reads more.
const TEXT_MAX: usize = 2000;

/// What is understood on the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Slack,
    Discord,
    Plain,
}

/// The body for a deployment.
pub fn body(record: &DeployRecord, kind: Kind) -> Value {
    enveloped(&text(record), kind, |text| {
        json!({
            "schema": SCHEMA,
            "text": text,
            "result": record.result,
            "service": record.service,
            "image": record.image,
            "revision": record.revision,
            "url": record.url,
            "deployment": record.deployment,
            "previous": record.previous,
            "rollback": record.rollback,
            "detached": record.detached,
            "started": record.started,
            "seconds": record.seconds,
            "error": record.error,
        })
    })
}

/// The body for alerts about a repository, or about this machine where there is none.
pub fn alerts(alerts: &[Alert], repository: Option<&str>, kind: Kind) -> Value {
    let place = repository.unwrap_or("this machine");
    let mut lines = vec![match alerts {
        [_] => format!("{place}: an alert"),
        more => format!("{place}: {} alerts", more.len()),
    }];
    lines.extend(alerts.iter().map(|alert| match &alert.url {
        Some(url) => format!("- {} {url}", alert.text),
        None => format!("- {}", alert.text),
    }));
    enveloped(
        &lines.join("\n"),
        kind,
        |text| json!({"schema": ALERTS_SCHEMA, "text": text, "repository": repository, "alerts": alerts}),
    )
}

/// Nothing in it can call people by name, whatever an error or somebody's workflow says.
fn enveloped(text: &str, kind: Kind, for_programs: impl FnOnce(&str) -> Value) -> Value {
    let text = shortened(text);
    match kind {
        // Signs that Slack gives a meaning to (source: "Formatting text" on docs.slack.dev).
        Kind::Slack => {
            json!({"text": text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")})
        }
        Kind::Discord => json!({"content": text, "allowed_mentions": {"parse": []}}),
        Kind::Plain => for_programs(&text),
    }
}

fn text(record: &DeployRecord) -> String {
    let name = &record.service;
    let what = match (&record.rollback, record.detached) {
        (Some(_), _) => "rollback",
        (None, false) => "deployment",
        (None, true) => "deployment, which nobody waits for,",
    };
    let end = match (record.result, record.detached) {
        (RunResult::Ok, false) => "is served",
        (RunResult::Ok, true) => "has begun",
        (RunResult::Failed, _) => "FAILED",
        (RunResult::Interrupted, _) => "was interrupted",
    };
    let place = format!("{} ({}) in project {}", name.service, name.environment, name.project);
    let mut lines = vec![format!("{place}: {what} {end} after {:.0} s", record.seconds)];
    let facts = [("revision", &record.revision), ("image", &record.image), ("url", &record.url)];
    let known = facts.iter().filter_map(|(name, value)| Some(format!("{name}: {}", value.as_ref()?)));
    lines.extend(known);
    lines.extend(record.error.clone());
    lines.join("\n")
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(TEXT_MAX - 1) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::record::deploy::ServiceName;
    use crate::record::monitor::AlertKind;

    fn record(error: Option<&str>) -> DeployRecord {
        let service =
            ServiceName { project: "shop".into(), environment: "production".into(), service: "web".into() };
        DeployRecord {
            result: if error.is_some() { RunResult::Failed } else { RunResult::Ok },
            image: Some("ghcr.io/o/app@sha256:2".to_owned()),
            revision: Some("abc".to_owned()),
            seconds: 31.4,
            error: error.map(str::to_owned),
            ..DeployRecord::begun(service, "2026-11-20T10:00:00Z".to_owned())
        }
    }

    #[test]
    fn every_reader_gets_its_own_field() {
        let failed = record(Some("deployment d-2 is FAILED <!channel> @everyone"));
        expect![[r#"
            web (production) in project shop: deployment FAILED after 31 s
            revision: abc
            image: ghcr.io/o/app@sha256:2
            deployment d-2 is FAILED &lt;!channel&gt; @everyone"#]]
        .assert_eq(body(&failed, Kind::Slack)["text"].as_str().unwrap());
        let discord = body(&failed, Kind::Discord);
        assert_eq!(discord["allowed_mentions"], json!({"parse": []}));
        assert!(discord["content"].as_str().unwrap().ends_with("@everyone"));
        let plain = body(&record(None), Kind::Plain);
        assert_eq!((&plain["schema"], &plain["result"]), (&json!("xtask.notification/1"), &json!("ok")));
        assert_eq!((&plain["service"]["service"], &plain["error"]), (&json!("web"), &Value::Null));
        let long = body(&record(Some(&"ä".repeat(9000))), Kind::Discord);
        assert_eq!(long["content"].as_str().unwrap().chars().count(), TEXT_MAX);
    }

    #[test]
    fn alerts_for_every_reader() {
        let alert = Alert {
            kind: AlertKind::Slower,
            subject: "CI".to_owned(),
            text: "CI <@here>: slower by 31 %.".to_owned(),
            began: None,
            key: "slower/CI".to_owned(),
            before: 100.0,
            now: 131.0,
            url: Some("https://github.com/o/app/actions/runs/7".to_owned()),
            told: None,
        };
        let one = std::slice::from_ref(&alert);
        expect![[r#"
            o/app: an alert
            - CI &lt;@here&gt;: slower by 31 %. https://github.com/o/app/actions/runs/7"#]]
        .assert_eq(alerts(one, Some("o/app"), Kind::Slack)["text"].as_str().unwrap());
        let two = [alert.clone(), Alert { url: None, ..alert }];
        let plain = alerts(&two, None, Kind::Plain);
        assert_eq!(
            (&plain["schema"], &plain["alerts"][1]["kind"]),
            (&json!("xtask.alerts/1"), &json!("slower"))
        );
        assert!(plain["text"].as_str().unwrap().starts_with("this machine: 2 alerts\n- CI <@here>"));
        let discord = alerts(&two, None, Kind::Discord);
        assert_eq!(discord["allowed_mentions"], json!({"parse": []}));
    }
}
