//! The report of `deploy init`: each part of the service, what to keep, and the command that comes next.

use super::Format;
use super::deploy::service;
use super::table::{Align, Table};
use crate::record::init::{InitRecord, ItemState};

/// Renders it in the format asked for.
pub fn render(record: &InitRecord, format: Format) -> anyhow::Result<String> {
    Ok(match format {
        Format::Json => serde_json::to_string_pretty(record)? + "\n",
        Format::Human => format!("{}{}", table(record).human(), rest(record, "", "")),
        Format::Markdown => {
            let rest = rest(record, "```toml\n", "```\n");
            format!("{}\n\n{}{rest}", service(&record.service), table(record).markdown())
        }
    })
}

fn table(record: &InitRecord) -> Table {
    let mut table = Table::new(&[("part", Align::Left), ("state", Align::Left), ("detail", Align::Left)]);
    for item in &record.items {
        let state = match item.state {
            ItemState::Found => "there",
            ItemState::Made => "set up",
            ItemState::Missing => "missing",
        };
        table.row(vec![item.name.clone(), state.to_owned(), item.detail.clone()]);
    }
    table
}

/// `open` and `close` stand around what belongs in a file.
fn rest(record: &InitRecord, open: &str, close: &str) -> String {
    let mut text = String::new();
    if record.already_set_up {
        text.push_str("\neverything was there already: nothing was changed\n");
    }
    if !record.keep.is_empty() {
        let lines: String = record.keep.iter().map(|line| format!("{line}\n")).collect();
        text.push_str(&format!(
            "\nput into Cargo.toml, so that every command finds this service:\n\n{open}\
             [workspace.metadata.xtask.railway]\n{lines}{close}"
        ));
    }
    if let Some(next) = &record.next {
        text.push_str(&format!("\nnext: {next}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::record::RunResult;
    use crate::record::deploy::ServiceName;
    use crate::record::init::{INIT_SCHEMA, Ids, Item};

    #[test]
    fn parts_lines_to_keep_and_the_next_command() {
        let item = |name: &str, state, detail: &str| Item {
            name: name.to_owned(),
            state,
            detail: detail.to_owned(),
        };
        let mut record = InitRecord {
            schema: INIT_SCHEMA,
            result: RunResult::Ok,
            started: String::new(),
            service: ServiceName {
                project: "shop".into(),
                environment: "production".into(),
                service: "web".into(),
            },
            ids: Ids::default(),
            already_set_up: false,
            items: vec![
                item("project", ItemState::Found, "shop"),
                item("service", ItemState::Made, "web"),
                item("image", ItemState::Missing, "the first `deploy` sets it"),
            ],
            keep: vec!["project = \"p-1\"".to_owned()],
            next: Some("cargo xtask deploy --image …".to_owned()),
            steps: Vec::new(),
            seconds: 1.0,
            error: None,
        };
        expect![[r#"
            part     state    detail
            project  there    shop
            service  set up   web
            image    missing  the first `deploy` sets it

            put into Cargo.toml, so that every command finds this service:

            [workspace.metadata.xtask.railway]
            project = "p-1"

            next: cargo xtask deploy --image …
        "#]]
        .assert_eq(&render(&record, Format::Human).unwrap());
        record.already_set_up = true;
        expect![[r#"
            web (production) in project shop

            | part | state | detail |
            | --- | --- | --- |
            | project | there | shop |
            | service | set up | web |
            | image | missing | the first `deploy` sets it |

            everything was there already: nothing was changed

            put into Cargo.toml, so that every command finds this service:

            ```toml
            [workspace.metadata.xtask.railway]
            project = "p-1"
            ```

            next: cargo xtask deploy --image …
        "#]]
        .assert_eq(&render(&record, Format::Markdown).unwrap());
    }
}
