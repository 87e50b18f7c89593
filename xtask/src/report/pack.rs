//! The report of `docker pack`: the digest alone for people and scripts, a table for a pull request, the record as
//! JSON.

use super::table::{Align, Table};
use super::{Format, bytes, seconds};
use crate::record::pack::{LayerRecord, PackRecord};

/// Renders the run in the format asked for.
pub fn render(record: &PackRecord, format: Format) -> anyhow::Result<String> {
    Ok(match format {
        Format::Json => serde_json::to_string_pretty(record)? + "\n",
        Format::Human => format!("{}\n", record.digest.as_deref().unwrap_or_default()),
        Format::Markdown => format!("{}\n{}", facts(record).markdown(), layers(record).markdown()),
    })
}

fn facts(record: &PackRecord) -> Table {
    let mut table = Table::new(&[("image", Align::Left), ("", Align::Left)]);
    let code = |text: &str| format!("`{text}`");
    let mut row = |name: &str, value: String| table.row(vec![name.to_owned(), value]);
    if let Some(repository) = &record.repository {
        row("repository", code(repository));
    }
    row("digest", record.digest.as_deref().map(code).unwrap_or_default());
    if !record.tags.is_empty() {
        row("tags", record.tags.iter().map(|tag| code(tag)).collect::<Vec<_>>().join(", "));
    }
    row("platform", record.platform.clone());
    row("base", code(&record.base.reference));
    row("outcome", outcome(record).to_owned());
    row("seconds", seconds(record.seconds));
    table
}

fn outcome(record: &PackRecord) -> &'static str {
    match (&record.reference, record.reused) {
        (None, _) => "packed, not pushed",
        (Some(_), false) => "pushed",
        (Some(_), true) => "reused: an image of the same inputs was there",
    }
}

fn layers(record: &PackRecord) -> Table {
    let mut table = Table::new(&[
        ("layer", Align::Left),
        ("gzip", Align::Right),
        ("raw", Align::Right),
        ("", Align::Left),
    ]);
    let mut row = |name: &str, layers: &[&LayerRecord]| {
        let size = layers.iter().map(|layer| layer.size).sum();
        let raw = layers.iter().map(|layer| layer.raw_size).sum::<Option<u64>>();
        let mut states: Vec<&str> = layers.iter().filter_map(|layer| Some(layer.state?.name())).collect();
        states.sort_unstable();
        states.dedup();
        table.row(vec![name.to_owned(), bytes(size), raw.map_or(String::new(), bytes), states.join(", ")]);
    };
    // A base may have a dozen layers of which nothing is to be said.
    let (base, own): (Vec<&LayerRecord>, Vec<&LayerRecord>) =
        record.layers.iter().partition(|layer| layer.kind == crate::record::pack::LayerKind::Base);
    row(&format!("base ({})", base.len()), &base);
    for layer in own {
        row(layer.kind.name(), &[layer]);
    }
    table
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::facts::revision::Revision;
    use crate::record::RunResult;
    use crate::record::pack::{BaseRecord, LayerKind, LayerState, PACK_SCHEMA};

    fn record() -> PackRecord {
        let layer = |kind, size, raw_size, state| LayerRecord {
            kind,
            digest: "sha256:aa".to_owned(),
            size,
            raw_size,
            state: Some(state),
        };
        PackRecord {
            schema: PACK_SCHEMA,
            result: RunResult::Ok,
            started: "2026-11-21T00:00:00+00:00".to_owned(),
            project: "app".to_owned(),
            revision: Revision::default(),
            repository: Some("ghcr.io/owner/app".to_owned()),
            reference: Some("ghcr.io/owner/app@sha256:bb".to_owned()),
            tags: vec!["in-cc".to_owned(), "1.2".to_owned()],
            digest: Some("sha256:bb".to_owned()),
            input_digest: Some("cc".to_owned()),
            base: BaseRecord { reference: "gcr.io/base:1".to_owned(), digest: None },
            platform: "linux/amd64".to_owned(),
            layers: vec![
                layer(LayerKind::Base, 1_000_000, None, LayerState::Mounted),
                layer(LayerKind::Base, 2_000_000, None, LayerState::There),
                layer(LayerKind::Site, 900_000, Some(1_500_000), LayerState::There),
                layer(LayerKind::Binary, 4_000_000, Some(9_000_000), LayerState::Sent),
            ],
            reused: false,
            steps: Vec::new(),
            seconds: 3.25,
        }
    }

    #[test]
    fn people_and_scripts_read_the_digest() {
        assert_eq!(render(&record(), Format::Human).unwrap(), "sha256:bb\n");
    }

    #[test]
    fn pull_requests_get_a_table() {
        expect![[r#"
            | image |  |
            | --- | --- |
            | repository | `ghcr.io/owner/app` |
            | digest | `sha256:bb` |
            | tags | `in-cc`, `1.2` |
            | platform | linux/amd64 |
            | base | `gcr.io/base:1` |
            | outcome | pushed |
            | seconds | 3.2 |

            | layer | gzip | raw |  |
            | --- | ---: | ---: | --- |
            | base (2) | 3.00 MB |  | mounted, there |
            | site | 900.0 kB | 1.50 MB | there |
            | binary | 4.00 MB | 9.00 MB | sent |
        "#]]
        .assert_eq(&render(&record(), Format::Markdown).unwrap());
    }

    #[test]
    fn programs_read_null_for_what_was_not_measured() {
        let json: serde_json::Value =
            serde_json::from_str(&render(&record(), Format::Json).unwrap()).unwrap();
        assert_eq!(json["schema"], "xtask.pack/1");
        assert_eq!(json["layers"][0]["raw_size"], serde_json::Value::Null);
        assert_eq!(json["layers"][3]["state"], "sent");
        assert_eq!(json["base"]["digest"], serde_json::Value::Null);
    }
}
