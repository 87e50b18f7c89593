//! The report of `deploy settings`: what `railway.toml` says beside what Railway has.

use serde_json::Value;

use super::Format;
use super::deploy::service;
use super::table::{Align, Table};
use crate::record::settings::{Setting, SettingState, SettingsRecord};

/// Renders it in the format asked for.
pub fn render(record: &SettingsRecord, format: Format) -> anyhow::Result<String> {
    Ok(match format {
        Format::Json => serde_json::to_string_pretty(record)? + "\n",
        Format::Human => format!("{}\n{}", table(record).human(), verdict(record)),
        Format::Markdown => {
            format!("{}\n\n{}\n{}", service(&record.service), table(record).markdown(), verdict(record))
        }
    })
}

fn table(record: &SettingsRecord) -> Table {
    let columns = ["setting", "railway.toml", "Railway", ""].map(|name| (name, Align::Left));
    let mut table = Table::new(&columns);
    for setting in &record.settings {
        let cells = [setting.name.clone(), value(&setting.file), value(&setting.railway)];
        table.row(cells.into_iter().chain([remark(setting, record.applied).to_owned()]).collect());
    }
    table
}

fn remark(setting: &Setting, applied: bool) -> &'static str {
    match setting.state {
        SettingState::Same => "",
        SettingState::Differs if applied => "set now",
        SettingState::Differs => "differs",
        SettingState::OnlyRailway => "stays: not in the file",
    }
}

fn value(value: &Option<Value>) -> String {
    match value {
        None => "not set".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

fn verdict(record: &SettingsRecord) -> String {
    match (record.differing().len(), record.applied) {
        (0, _) => "nothing differs\n".to_owned(),
        (1, false) => "1 setting differs\n".to_owned(),
        (count, false) => format!("{count} settings differ\n"),
        (count, true) => format!("set: {count}; from the next deployment on\n"),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use serde_json::json;

    use super::*;
    use crate::record::RunResult;
    use crate::record::deploy::ServiceName;
    use crate::record::settings::SETTINGS_SCHEMA;

    #[test]
    fn both_sides_and_a_verdict() {
        let setting = |name: &str, file: Option<Value>, railway: Option<Value>, state| Setting {
            name: name.to_owned(),
            file,
            railway,
            state,
        };
        let mut record = SettingsRecord {
            schema: SETTINGS_SCHEMA,
            result: RunResult::Ok,
            started: String::new(),
            service: ServiceName {
                project: "shop".into(),
                environment: "production".into(),
                service: "web".into(),
            },
            settings: vec![
                setting("drainingSeconds", Some(json!(15)), None, SettingState::Differs),
                setting("healthcheckPath", Some(json!("/h")), Some(json!("/h")), SettingState::Same),
                setting("preDeployCommand", None, Some(json!(["a b"])), SettingState::OnlyRailway),
            ],
            applied: false,
            steps: Vec::new(),
            seconds: 0.0,
            error: None,
        };
        expect![[r#"
            setting           railway.toml  Railway
            drainingSeconds   15            not set  differs
            healthcheckPath   /h            /h
            preDeployCommand  not set       ["a b"]  stays: not in the file

            1 setting differs
        "#]]
        .assert_eq(&render(&record, Format::Human).unwrap());
        record.applied = true;
        expect![[r#"
            web (production) in project shop

            | setting | railway.toml | Railway |  |
            | --- | --- | --- | --- |
            | drainingSeconds | 15 | not set | set now |
            | healthcheckPath | /h | /h |  |
            | preDeployCommand | not set | ["a b"] | stays: not in the file |

            set: 1; from the next deployment on
        "#]]
        .assert_eq(&render(&record, Format::Markdown).unwrap());
    }
}
