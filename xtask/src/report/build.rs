//! The report of one build: the step table, the sizes of what ships, and the units compiled twice.

use super::table::{Align, Table};
use super::{Format, bytes, seconds};
use crate::record::{BuildRecord, Doubling, Sizes, StepRecord, StepState};

/// Renders a build in the format asked for.
pub fn render(record: &BuildRecord, format: Format) -> anyhow::Result<String> {
    Ok(match format {
        Format::Json => serde_json::to_string_pretty(record)? + "\n",
        Format::Human => {
            tables(record).iter().map(Table::human).collect::<Vec<_>>().join("\n") + &twice(record)
        }
        Format::Markdown => {
            tables(record).iter().map(Table::markdown).collect::<Vec<_>>().join("\n") + &twice(record)
        }
    })
}

fn tables(record: &BuildRecord) -> Vec<Table> {
    let mut tables = vec![steps(record)];
    if !record.sizes.is_empty() {
        tables.push(sizes(&record.sizes));
    }
    tables
}

fn steps(record: &BuildRecord) -> Table {
    let mut table = Table::new(&[
        ("step", Align::Left),
        ("seconds", Align::Right),
        ("CPU s", Align::Right),
        ("compiled", Align::Right),
        ("fresh", Align::Right),
        ("", Align::Left),
    ]);
    for step in &record.steps {
        let count =
            |number: fn(&StepRecord) -> Option<usize>| number(step).map_or(String::new(), |n| n.to_string());
        table.row(vec![
            step.name.clone(),
            seconds(step.seconds),
            step.cpu_seconds.map_or(String::new(), seconds),
            count(|step| step.units.as_ref().map(|units| units.compiled)),
            count(|step| step.units.as_ref().map(|units| units.fresh)),
            detail(step),
        ]);
    }
    let measured: Vec<f64> = record.steps.iter().filter_map(|step| step.cpu_seconds).collect();
    let cpu = if measured.is_empty() { String::new() } else { seconds(measured.iter().sum()) };
    table.row(vec!["total".to_owned(), seconds(record.seconds), cpu]);
    table
}

fn detail(step: &StepRecord) -> String {
    let state = match step.state {
        StepState::Ran => "",
        StepState::Fresh => "unchanged",
        StepState::Restored => "from the cache",
        StepState::Failed => "failed",
    };
    [state, &step.detail].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ")
}

fn sizes(sizes: &[Sizes]) -> Table {
    let mut table = Table::new(&[
        ("ships", Align::Left),
        ("raw", Align::Right),
        ("gzip", Align::Right),
        ("brotli", Align::Right),
    ]);
    for size in sizes {
        let variant = |size: Option<u64>| size.map_or(String::new(), bytes);
        table.row(vec![size.file.clone(), bytes(size.raw), variant(size.gzip), variant(size.brotli)]);
    }
    table
}

/// How many, and why; which ones stands in the record.
fn twice(record: &BuildRecord) -> String {
    let Some(units) = &record.host_units_twice else { return String::new() };
    let count = |reason: Doubling| units.iter().filter(|unit| unit.reason == reason).count();
    let reasons = [
        (count(Doubling::OtherFeatures), "with other features"),
        (count(Doubling::OtherSettings), "with other settings or dependencies"),
    ];
    let given: Vec<String> = reasons
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, reason)| format!("{count} {reason}"))
        .collect();
    let why = if given.is_empty() { String::new() } else { format!(" ({})", given.join(", ")) };
    format!("\nhost units compiled twice: {}{why}\n", units.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::host::Host;
    use crate::facts::revision::Revision;
    use crate::record::{BUILD_SCHEMA, DoubledUnit, RunResult, UnitCounts};

    fn record() -> BuildRecord {
        let step = |name: &str, state, seconds, cpu_seconds, units, detail: &str| StepRecord {
            name: name.to_owned(),
            state,
            seconds,
            cpu_seconds,
            units,
            detail: detail.to_owned(),
        };
        let units = UnitCounts {
            fresh: 114,
            compiled: 126,
            compiled_packages: vec!["app".to_owned()],
            ..UnitCounts::default()
        };
        BuildRecord {
            schema: BUILD_SCHEMA,
            result: RunResult::Ok,
            started: "2026-11-21T00:00:00+00:00".to_owned(),
            project: "app".to_owned(),
            profile: "production".to_owned(),
            driver: "native".to_owned(),
            rustc: "1.95.0".to_owned(),
            host: Host {
                os: "linux".to_owned(),
                arch: "x86_64".to_owned(),
                cpu: None,
                cores: Some(2),
                memory_bytes: None,
                class: "small".to_owned(),
            },
            revision: Revision { commit: None, commit_time: None, dirty: None },
            steps: vec![
                step("compile front", StepState::Ran, 60.3, Some(80.5), Some(units), ""),
                step("wasm-opt", StepState::Restored, 0.01, None, None, ""),
                step("site", StepState::Ran, 2.7, None, None, "2 written, 2 unchanged, 0 removed"),
            ],
            host_units_twice: Some(vec![DoubledUnit {
                package: "leptos_macro".to_owned(),
                kind: "proc-macro".to_owned(),
                reason: Doubling::OtherFeatures,
            }]),
            seconds: 63.1,
            recompiled: None,
            sizes: vec![Sizes {
                file: "pkg/app.wasm".to_owned(),
                raw: 511_800,
                gzip: Some(202_500),
                brotli: None,
            }],
        }
    }

    #[test]
    fn people_read_tables() {
        expect_test::expect![[r#"
            step           seconds  CPU s  compiled  fresh
            compile front     60.3   80.5       126    114
            wasm-opt          0.01                          from the cache
            site               2.7                          2 written, 2 unchanged, 0 removed
            total             63.1   80.5

            ships              raw      gzip  brotli
            pkg/app.wasm  511.8 kB  202.5 kB

            host units compiled twice: 1 (1 with other features)
        "#]]
        .assert_eq(&render(&record(), Format::Human).unwrap());
    }

    #[test]
    fn programs_read_null_for_what_was_not_measured() {
        let json: serde_json::Value =
            serde_json::from_str(&render(&record(), Format::Json).unwrap()).unwrap();
        assert_eq!(json["schema"], "xtask.build/1");
        assert_eq!(json["steps"][1]["cpu_seconds"], serde_json::Value::Null);
        assert_eq!(json["revision"]["commit"], serde_json::Value::Null);
        assert_eq!(json["host_units_twice"][0]["reason"], "other-features");
    }
}
