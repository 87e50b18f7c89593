//! The report of an image that was looked at, and of the versions of a package.

use super::table::{Align, Table};
use super::{Format, bytes};
use crate::record::doctor::Severity;
use crate::record::inspect::{Fate, InspectRecord, PruneRecord};

/// How much of a digest tells layers apart.
const DIGEST_LENGTH: usize = "sha256:".len() + 12;

/// Renders an image in the format asked for.
pub fn render(record: &InspectRecord, format: Format) -> anyhow::Result<String> {
    let tables = || {
        let mut tables = vec![facts(record), layers(record), largest(record)];
        tables.extend(changes(record));
        tables
    };
    let findings = findings(record);
    Ok(match format {
        Format::Json => serde_json::to_string_pretty(record)? + "\n",
        Format::Human => tables().iter().map(|table| table.human() + "\n").collect::<String>() + &findings,
        Format::Markdown => {
            let shown: String = tables().iter().map(|table| table.markdown() + "\n").collect();
            format!("### {}\n\n{shown}{findings}", record.image)
        }
    })
}

fn facts(record: &InspectRecord) -> Table {
    let mut table = Table::new(&[("image", Align::Left), ("", Align::Left)]);
    let mut row = |name: &str, value: String| table.row(vec![name.to_owned(), value]);
    row("name", record.image.clone());
    row("digest", record.digest.clone());
    row("platform", record.platform.clone());
    let raw = record.raw_size.map(|raw| format!(", {} unpacked", bytes(raw))).unwrap_or_default();
    row("size", format!("{}{raw}", bytes(record.size)));
    if let Some(base) = &record.base {
        let name = base.name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
        row(
            "base",
            format!("{} %, {} in {}{name}", base.percent, bytes(base.size), counted(base.layers, "layer")),
        );
    }
    let limits = [("warns above", record.budget.warn), ("fails above", record.budget.fail)];
    let limits: Vec<String> =
        limits.iter().filter_map(|(words, limit)| Some(format!("{words} {}", bytes((*limit)?)))).collect();
    if !limits.is_empty() {
        row("budget", limits.join(", "));
    }
    if let Some(difference) = &record.difference {
        let sign = if difference.size_change < 0 { "-" } else { "+" };
        row("compared with", difference.with.clone());
        row(
            "difference",
            format!(
                "{sign}{}; {} to fetch, {} shared; files: {} added, {} removed, {} changed",
                bytes(difference.size_change.unsigned_abs()),
                bytes(difference.fetched),
                counted(difference.shared_layers, "layer"),
                difference.added,
                difference.removed,
                difference.changed
            ),
        );
    }
    if let Some(ghcr) = &record.ghcr {
        let who = || ghcr.pulled_as.as_ref().map_or("credentials".to_owned(), |name| format!("`{name}`"));
        row("package", if ghcr.is_public { "public".to_owned() } else { format!("pulled as {}", who()) });
        row("repository", ghcr.repository.clone().unwrap_or_else(|| "not known".to_owned()));
        if let (Some(versions), Some(unreferenced)) = (ghcr.versions, ghcr.unreferenced) {
            row("versions", format!("{versions}, {unreferenced} of them unreferenced"));
        }
    }
    table
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn layers(record: &InspectRecord) -> Table {
    let columns = [
        ("layer", Align::Left),
        ("sent", Align::Right),
        ("raw", Align::Right),
        ("files", Align::Right),
        ("made by", Align::Left),
    ];
    let mut table = Table::new(&columns);
    for layer in &record.layers {
        let made_by = layer.made_by.clone().unwrap_or_default();
        table.row(vec![
            layer.digest.chars().take(DIGEST_LENGTH).collect(),
            bytes(layer.size),
            layer.raw_size.map_or("not read".to_owned(), bytes),
            layer.files.map_or(String::new(), |files| files.to_string()),
            if layer.is_base == Some(true) { format!("base: {made_by}") } else { made_by },
        ]);
    }
    table
}

fn largest(record: &InspectRecord) -> Table {
    let mut table =
        Table::new(&[("largest files", Align::Left), ("bytes", Align::Right), ("layer", Align::Right)]);
    for file in &record.largest {
        table.row(vec![file.path.clone(), bytes(file.size), file.layer.to_string()]);
    }
    table
}

fn changes(record: &InspectRecord) -> Option<Table> {
    let files = &record.difference.as_ref()?.files;
    let mut table =
        Table::new(&[("changed files", Align::Left), ("before", Align::Right), ("after", Align::Right)]);
    let side = |size: Option<u64>| size.map_or("none".to_owned(), bytes);
    for file in files {
        table.row(vec![file.path.clone(), side(file.before), side(file.after)]);
    }
    (!files.is_empty()).then_some(table)
}

fn findings(record: &InspectRecord) -> String {
    let mut text = String::new();
    for finding in &record.findings {
        let severity = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        text.push_str(&format!("- {severity} `{}`: {}\n  {}\n", finding.rule, finding.message, finding.fix));
    }
    text
}

/// Renders what became of versions.
pub fn render_prune(record: &PruneRecord, format: Format) -> anyhow::Result<String> {
    let columns = [
        ("fate", Align::Left),
        ("version", Align::Left),
        ("tags", Align::Left),
        ("updated", Align::Left),
        ("", Align::Left),
    ];
    let mut table = Table::new(&columns);
    for version in &record.versions {
        let fate = match version.fate {
            Fate::Kept => "kept",
            Fate::Doomed => "not deleted",
            Fate::Deleted => "deleted",
            Fate::Refused => "REFUSED",
        };
        let digest = version.digest.chars().take(DIGEST_LENGTH).collect();
        let day = version.updated.split('T').next().unwrap_or_default().to_owned();
        table.row(vec![fate.to_owned(), digest, version.tags.join(", "), day, version.reason.clone()]);
    }
    let summary =
        format!("{}: {} of {} versions deleted", record.package, record.deleted, record.versions.len());
    Ok(match format {
        Format::Json => serde_json::to_string_pretty(record)? + "\n",
        Format::Human => format!("{}\n{summary}\n", table.human()),
        Format::Markdown => format!("{}\n{summary}\n", table.markdown()),
    })
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::record::inspect::{
        BaseShare, Budget, Difference, FileChange, FileSize, Ghcr, INSPECT_SCHEMA, InspectFinding,
        LayerSizes, PRUNE_SCHEMA, VersionRecord,
    };

    fn record() -> InspectRecord {
        let layer = |letter: &str, size: u64, raw_size: Option<u64>, is_base: bool| LayerSizes {
            digest: format!("sha256:{}", letter.repeat(64)),
            media_type: "t".to_owned(),
            size,
            raw_size,
            files: raw_size.map(|_| 3),
            is_base: Some(is_base),
            made_by: Some("COPY".to_owned()),
        };
        InspectRecord {
            schema: INSPECT_SCHEMA,
            ok: false,
            image: "ghcr.io/o/app:1".to_owned(),
            digest: "sha256:dd".to_owned(),
            manifest: "sha256:dd".to_owned(),
            platform: "linux/amd64".to_owned(),
            layers: vec![layer("a", 3_000_000, None, true), layer("b", 9_000_000, Some(20_000_000), false)],
            size: 12_000_000,
            raw_size: None,
            base: Some(BaseShare {
                name: Some("base:1".to_owned()),
                layers: 1,
                size: 3_000_000,
                percent: 25,
            }),
            largest: vec![FileSize { path: "/app/server".to_owned(), size: 19_000_000, layer: 1 }],
            difference: Some(Difference {
                with: "ghcr.io/o/app@sha256:cc".to_owned(),
                size_change: -1_000,
                shared_layers: 1,
                fetched: 9_000_000,
                added: 1,
                removed: 0,
                changed: 1,
                files: vec![FileChange { path: "/app/new".to_owned(), before: None, after: Some(5) }],
            }),
            budget: Budget { warn: None, fail: Some(10_000_000) },
            ghcr: Some(Ghcr {
                is_public: false,
                pulled_as: Some("me".to_owned()),
                source: None,
                repository: Some("o/app".to_owned()),
                versions: Some(4),
                unreferenced: Some(1),
                problem: None,
            }),
            findings: vec![InspectFinding {
                rule: "over-budget".to_owned(),
                severity: Severity::Error,
                message: "too large".to_owned(),
                fix: "make it smaller".to_owned(),
            }],
        }
    }

    #[test]
    fn people_see_everything_at_once() {
        expect![[r#"
            image
            name           ghcr.io/o/app:1
            digest         sha256:dd
            platform       linux/amd64
            size           12.00 MB
            base           25 %, 3.00 MB in 1 layer (base:1)
            budget         fails above 10.00 MB
            compared with  ghcr.io/o/app@sha256:cc
            difference     -1.0 kB; 9.00 MB to fetch, 1 layer shared; files: 1 added, 0 removed, 1 changed
            package        pulled as `me`
            repository     o/app
            versions       4, 1 of them unreferenced

            layer                   sent       raw  files  made by
            sha256:aaaaaaaaaaaa  3.00 MB  not read         base: COPY
            sha256:bbbbbbbbbbbb  9.00 MB  20.00 MB      3  COPY

            largest files     bytes  layer
            /app/server    19.00 MB      1

            changed files  before  after
            /app/new         none    5 B

            - error `over-budget`: too large
              make it smaller
        "#]]
        .assert_eq(&render(&record(), Format::Human).unwrap());
    }

    #[test]
    fn pull_requests_get_tables() {
        let text = render(&record(), Format::Markdown).unwrap();
        assert!(text.starts_with("### ghcr.io/o/app:1\n\n| image |"), "{text}");
        assert!(text.contains("| largest files | bytes | layer |"), "{text}");
        let json: serde_json::Value =
            serde_json::from_str(&render(&record(), Format::Json).unwrap()).unwrap();
        assert_eq!(
            (&json["schema"], &json["raw_size"]),
            (&"xtask.inspect/1".into(), &serde_json::Value::Null)
        );
    }

    #[test]
    fn versions_and_what_became_of_them() {
        let version = |id: u64, fate: Fate, tags: &[&str]| VersionRecord {
            id,
            digest: format!("sha256:{}", "e".repeat(64)),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            updated: "2026-11-01T10:00:00Z".to_owned(),
            fate,
            reason: "because".to_owned(),
        };
        let record = PruneRecord {
            schema: PRUNE_SCHEMA,
            package: "ghcr.io/o/app".to_owned(),
            versions: vec![version(1, Fate::Kept, &["latest"]), version(2, Fate::Deleted, &[])],
            deleted: 1,
        };
        expect![[r#"
            fate     version              tags    updated
            kept     sha256:eeeeeeeeeeee  latest  2026-11-01  because
            deleted  sha256:eeeeeeeeeeee          2026-11-01  because

            ghcr.io/o/app: 1 of 2 versions deleted
        "#]]
        .assert_eq(&render_prune(&record, Format::Human).unwrap());
    }
}
