//! The report of `ci summary`: what one run of a workflow came to, as Markdown for its page.

use super::table::{Align, Table};
use super::{Format, bytes, seconds};
use crate::record::ci_summary::{BudgetVerdict, CiSummary, RunFigures, Unit, Verdict};
use crate::record::{RunResult, StepState};

/// What stands for a figure that there is not.
const NOT_MEASURED: &str = "not measured";

/// Renders the summary in the format asked for.
pub fn render(summary: &CiSummary, format: Format) -> anyhow::Result<String> {
    let tables = || {
        let all =
            [Some(figures(summary)), Some(budgets(summary)), steps(summary), files(summary), tests(summary)];
        all.into_iter().flatten()
    };
    Ok(match format {
        Format::Json => serde_json::to_string_pretty(summary)? + "\n",
        Format::Human => tables().map(|table| table.human()).collect::<Vec<_>>().join("\n"),
        Format::Markdown => {
            format!("### Run\n\n{}", tables().map(|table| table.markdown()).collect::<Vec<_>>().join("\n"))
        }
    })
}

fn figures(summary: &CiSummary) -> Table {
    let mut table = Table::new(&[("figure", Align::Left), ("", Align::Left)]);
    let mut row = |name: &str, value: Option<String>| {
        table.row(vec![name.to_owned(), value.unwrap_or_else(|| NOT_MEASURED.to_owned())]);
    };
    let code = |text: &String| format!("`{text}`");
    if let Some(commit) = &summary.commit {
        let event = summary.event.as_ref().map(|event| format!(", by `{event}`")).unwrap_or_default();
        row("commit", Some(format!("`{commit}`{event}")));
    }
    let build = summary.build.as_ref();
    row("build", build.map(|build| format!("{}, {}", build.class.name(), time(build.seconds))));
    let hits = build.and_then(|build| build.hits.as_ref());
    row(
        "there already",
        hits.map(|hits| format!("{:.1} % ({} of {} {})", hits.percent, hits.reused, hits.all, hits.of)),
    );
    let image = summary.image.as_ref();
    row("image", image.and_then(|image| image.reference.as_ref().or(image.digest.as_ref())).map(code));
    let sizes = image.and_then(|image| {
        let raw = image.raw.map_or_else(|| NOT_MEASURED.to_owned(), bytes);
        Some(format!("{} as it is sent, {raw} unpacked", bytes(image.compressed?)))
    });
    row("image size", sizes);
    let wasm = summary.wasm.map(|wasm| {
        let variant = |size: Option<u64>| size.map_or_else(|| NOT_MEASURED.to_owned(), bytes);
        format!("{} raw, {} gzip, {} brotli", bytes(wasm.raw), variant(wasm.gzip), variant(wasm.brotli))
    });
    row("wasm", wasm);
    if let Some(deployed) = &summary.deployment {
        let id = deployed.id.as_ref().map(|id| format!(" (`{id}`)")).unwrap_or_default();
        row("deployment", Some(format!("{}{id}", result(deployed.result))));
        row("deployed in", deployed.seconds.map(time));
        row("push to live", deployed.push_to_live_seconds.map(time));
    }
    table
}

fn budgets(summary: &CiSummary) -> Table {
    let mut table = Table::new(&[
        ("budget", Align::Left),
        ("measured", Align::Right),
        ("warns at", Align::Right),
        ("fails at", Align::Right),
        ("", Align::Left),
    ]);
    for budget in &summary.budgets {
        let shown = |figure: Option<f64>| figure.map(|figure| amount(budget.unit, figure));
        table.row(vec![
            budget.name.clone(),
            shown(budget.measured).unwrap_or_else(|| NOT_MEASURED.to_owned()),
            shown(budget.warn).unwrap_or_default(),
            shown(budget.fail).unwrap_or_default(),
            words(budget),
        ]);
    }
    table
}

fn words(budget: &BudgetVerdict) -> String {
    let word = match budget.verdict {
        Verdict::Kept => "kept",
        Verdict::Warning => "**over, a warning**",
        Verdict::Failed => "**broken**",
        Verdict::NotMeasured => "",
        Verdict::Off => "no limit",
    };
    let note = budget.note.as_deref().unwrap_or_default();
    [word, note].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ")
}

fn amount(unit: Unit, figure: f64) -> String {
    match unit {
        Unit::Seconds => time(figure),
        Unit::Bytes => bytes(figure as u64),
        Unit::Percent => format!("{figure:.1} %"),
    }
}

/// With its unit, which long times have in them already.
fn time(taken: f64) -> String {
    let shown = seconds(taken);
    if shown.ends_with('s') { shown } else { format!("{shown} s") }
}

fn steps(summary: &CiSummary) -> Option<Table> {
    let mut table = Table::new(&[
        ("command", Align::Left),
        ("step", Align::Left),
        ("seconds", Align::Right),
        ("compiled", Align::Right),
        ("fresh", Align::Right),
        ("", Align::Left),
    ]);
    for run in &summary.runs {
        add_steps(&mut table, run);
    }
    (!summary.runs.is_empty()).then_some(table)
}

fn add_steps(table: &mut Table, run: &RunFigures) {
    for step in &run.steps {
        let state = match step.state {
            StepState::Ran => "",
            StepState::Fresh => "unchanged",
            StepState::Restored => "from the cache",
            StepState::Failed => "failed",
        };
        let count = |number: Option<usize>| number.map(|number| number.to_string()).unwrap_or_default();
        let units = step.units.as_ref();
        table.row(vec![
            run.command.clone(),
            step.name.clone(),
            seconds(step.seconds),
            count(units.map(|units| units.compiled)),
            count(units.map(|units| units.fresh)),
            state.to_owned(),
        ]);
    }
    let blank = String::new;
    let total = "all of it".to_owned();
    table.row(vec![
        run.command.clone(),
        total,
        seconds(run.seconds),
        blank(),
        blank(),
        result(run.result).to_owned(),
    ]);
}

fn result(result: RunResult) -> &'static str {
    match result {
        RunResult::Ok => "ok",
        RunResult::Failed => "failed",
        RunResult::Interrupted => "interrupted",
    }
}

fn files(summary: &CiSummary) -> Option<Table> {
    let mut table = Table::new(&[
        ("ships", Align::Left),
        ("raw", Align::Right),
        ("gzip", Align::Right),
        ("brotli", Align::Right),
    ]);
    for size in &summary.files {
        let variant = |size: Option<u64>| size.map_or(String::new(), bytes);
        table.row(vec![
            format!("`{}`", size.file),
            bytes(size.raw),
            variant(size.gzip),
            variant(size.brotli),
        ]);
    }
    (!summary.files.is_empty()).then_some(table)
}

fn tests(summary: &CiSummary) -> Option<Table> {
    let mut table = Table::new(&[
        ("tests", Align::Left),
        ("ran", Align::Right),
        ("failed", Align::Right),
        ("skipped", Align::Right),
    ]);
    for run in &summary.tests {
        let count = |number: Option<usize>| number.map_or_else(|| "not told".to_owned(), |n| n.to_string());
        let counts = run.counts;
        table.row(vec![
            run.name.clone(),
            count(counts.map(|counts| counts.ran)),
            count(counts.map(|counts| counts.failed)),
            count(counts.map(|counts| counts.skipped)),
        ]);
    }
    (!summary.tests.is_empty()).then_some(table)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::record::ci_summary::{
        BuildClass, BuildFigures, CI_SUMMARY_SCHEMA, Hits, ImageFigures, WasmFigures,
    };
    use crate::record::{Sizes, StepRecord, UnitCounts};

    fn summary() -> CiSummary {
        let step = StepRecord {
            name: "compile front".to_owned(),
            state: StepState::Ran,
            seconds: 12.25,
            cpu_seconds: None,
            units: Some(UnitCounts {
                fresh: 90,
                compiled: 10,
                compiled_packages: Vec::new(),
                ..UnitCounts::default()
            }),
            detail: String::new(),
        };
        let budget = |name: &str, unit, warn, fail, measured, verdict, note: Option<&str>| BudgetVerdict {
            name: name.to_owned(),
            key: name.to_owned(),
            unit,
            warn,
            fail,
            measured,
            verdict,
            note: note.map(str::to_owned),
        };
        CiSummary {
            schema: CI_SUMMARY_SCHEMA,
            commit: Some("0123".to_owned()),
            event: Some("push".to_owned()),
            runs: vec![RunFigures {
                command: "build".to_owned(),
                result: RunResult::Ok,
                started: "2026-11-21T10:00:00Z".to_owned(),
                seconds: 130.0,
                steps: vec![step],
            }],
            build: Some(BuildFigures {
                command: "build".to_owned(),
                class: BuildClass::Warm,
                seconds: 130.0,
                hits: Some(Hits { of: "compile units".to_owned(), reused: 90, all: 100, percent: 90.0 }),
            }),
            image: Some(ImageFigures {
                reference: None,
                digest: Some("sha256:ab".to_owned()),
                reused: false,
                compressed: Some(21_500_000),
                raw: None,
            }),
            files: vec![Sizes {
                file: "pkg/app.wasm".to_owned(),
                raw: 500_000,
                gzip: Some(200_000),
                brotli: None,
            }],
            wasm: Some(WasmFigures { raw: 500_000, gzip: Some(200_000), brotli: None }),
            tests: Vec::new(),
            deployment: None,
            budgets: vec![
                budget(
                    "warm build",
                    Unit::Seconds,
                    Some(300.0),
                    Some(720.0),
                    Some(130.0),
                    Verdict::Kept,
                    None,
                ),
                budget("image", Unit::Bytes, Some(2e7), Some(2.1e7), Some(21.5e6), Verdict::Failed, None),
                budget("hit rate", Unit::Percent, Some(80.0), None, None, Verdict::NotMeasured, Some("why")),
            ],
        }
    }

    #[test]
    fn people_read_tables() {
        expect![[r#"
            ### Run

            | figure |  |
            | --- | --- |
            | commit | `0123`, by `push` |
            | build | warm, 130 s |
            | there already | 90.0 % (90 of 100 compile units) |
            | image | `sha256:ab` |
            | image size | 21.50 MB as it is sent, not measured unpacked |
            | wasm | 500.0 kB raw, 200.0 kB gzip, not measured brotli |

            | budget | measured | warns at | fails at |  |
            | --- | ---: | ---: | ---: | --- |
            | warm build | 130 s | 300 s | 12m 00s | kept |
            | image | 21.50 MB | 20.00 MB | 21.00 MB | **broken** |
            | hit rate | not measured | 80.0 % |  | why |

            | command | step | seconds | compiled | fresh |  |
            | --- | --- | ---: | ---: | ---: | --- |
            | build | compile front | 12.2 | 10 | 90 |  |
            | build | all of it | 130 |  |  | ok |

            | ships | raw | gzip | brotli |
            | --- | ---: | ---: | ---: |
            | `pkg/app.wasm` | 500.0 kB | 200.0 kB |  |
        "#]]
        .assert_eq(&render(&summary(), Format::Markdown).unwrap());
        assert!(render(&summary(), Format::Human).unwrap().starts_with("figure"));
    }

    #[test]
    fn programs_read_null_for_what_was_not_measured() {
        let json: serde_json::Value =
            serde_json::from_str(&render(&summary(), Format::Json).unwrap()).unwrap();
        assert_eq!(json["schema"], "xtask.ci-summary/1");
        assert_eq!(json["deployment"], serde_json::Value::Null);
        assert_eq!(json["budgets"][2]["measured"], serde_json::Value::Null);
        assert_eq!(json["build"]["class"], "warm");
    }
}
