//! The report of `bench history`: one line a run.

use super::bench_compare::{change, commit, ending, minute};
use super::table::{Align, Table};
use super::{Format, seconds};
use crate::record::bench::history::{BenchHistory, HistoryRun, ScenarioFigure};

/// Renders it in the format asked for.
pub fn render(history: &BenchHistory, format: Format) -> anyhow::Result<String> {
    Ok(match format {
        Format::Json => serde_json::to_string_pretty(history)? + "\n",
        Format::Human if history.runs.is_empty() => format!("{}\n", nothing(history)),
        Format::Markdown if history.runs.is_empty() => format!("{}\n", nothing(history)),
        Format::Human => table(history).human() + &left_out(history),
        Format::Markdown => table(history).markdown() + &left_out(history),
    })
}

fn nothing(history: &BenchHistory) -> String {
    match &history.class {
        Some(class) => format!("no runs on {class}"),
        None => "no runs".to_owned(),
    }
}

fn left_out(history: &BenchHistory) -> String {
    match history.left_out {
        0 => String::new(),
        1 => "\nan earlier run is left out; --limit shows more\n".to_owned(),
        count => format!("\n{count} earlier runs are left out; --limit shows more\n"),
    }
}

fn table(history: &BenchHistory) -> Table {
    // Where all runs are of one class or project, its name would say nothing.
    let has_many =
        |name: fn(&HistoryRun) -> &str| history.runs.iter().any(|run| name(run) != name(&history.runs[0]));
    let has_projects = has_many(|run| &run.run.project);
    let has_processors = has_many(processor);
    let is_bad = history.runs.iter().any(|run| !ending(run.run.result).is_empty());
    let mut scenarios: Vec<&str> = Vec::new();
    for figure in history.runs.iter().flat_map(|run| &run.scenarios) {
        if !scenarios.contains(&figure.scenario.as_str()) {
            scenarios.push(&figure.scenario);
        }
    }
    let mut columns: Vec<(&str, Align)> =
        ["run", "at", "commit", "host"].map(|name| (name, Align::Left)).into();
    if has_projects {
        columns.push(("project", Align::Left));
    }
    if has_processors {
        columns.push(("processor", Align::Left));
    }
    columns.extend(scenarios.iter().map(|name| (*name, Align::Right)));
    if is_bad {
        columns.push(("", Align::Left));
    }
    let mut table = Table::new(&columns);
    for line in &history.runs {
        let run = &line.run;
        let mut cells = vec![run.id.clone(), minute(&run.started), commit(run), run.class.clone()];
        if has_projects {
            cells.push(run.project.clone());
        }
        if has_processors {
            cells.push(processor(line).to_owned());
        }
        let figure = |name: &&str| line.scenarios.iter().find(|figure| figure.scenario == **name);
        cells.extend(scenarios.iter().map(|name| figure(name).map_or("-".to_owned(), cell)));
        if is_bad {
            cells.push(ending(run.result).to_owned());
        }
        table.row(cells);
    }
    table
}

fn processor(run: &HistoryRun) -> &str {
    run.cpu.as_deref().unwrap_or("not known")
}

/// The median, whose it is where it is not the baseline's, and the change: `5.6 kache (+3.0 %)`.
fn cell(figure: &ScenarioFigure) -> String {
    let arm = if figure.is_baseline { String::new() } else { format!(" {}", figure.arm) };
    let change = figure.change.map_or(String::new(), |ratio| format!(" ({})", change(ratio)));
    format!("{}{arm}{change}", seconds(figure.seconds))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::record::bench::BenchResult;
    use crate::record::bench::compare::RunName;
    use crate::record::bench::history::HISTORY_SCHEMA;

    fn figure(scenario: &str, arm: &str, seconds: f64, change: Option<f64>) -> ScenarioFigure {
        ScenarioFigure {
            scenario: scenario.to_owned(),
            comparison: format!("{scenario}/cache"),
            arm: arm.to_owned(),
            is_baseline: arm == "none",
            seconds,
            samples: 3,
            change,
        }
    }

    fn line(id: &str, result: BenchResult, scenarios: Vec<ScenarioFigure>) -> HistoryRun {
        let run = RunName {
            id: id.to_owned(),
            started: "2026-11-21T10:30:00Z".to_owned(),
            project: "app".to_owned(),
            class: "linux-x86_64-2cpu-8gib".to_owned(),
            commit: Some("0123456789abcdef".to_owned()),
            dirty: Some(result != BenchResult::Ok),
            result,
        };
        HistoryRun { run, cpu: Some("Some CPU".to_owned()), scenarios }
    }

    fn history() -> BenchHistory {
        BenchHistory {
            schema: HISTORY_SCHEMA.to_owned(),
            class: Some("linux-x86_64-2cpu-8gib".to_owned()),
            runs: vec![
                line("20261120-103000", BenchResult::Ok, vec![figure("cold", "none", 385.0, None)]),
                line(
                    "20261121-103000",
                    BenchResult::Ok,
                    vec![
                        figure("cold", "none", 402.1, Some(1.044)),
                        figure("warm", "kache", 5.6, Some(0.97)),
                    ],
                ),
            ],
            left_out: 0,
            notes: Vec::new(),
        }
    }

    #[test]
    fn one_line_a_run() {
        expect![[r#"
            run              at                commit      host                            cold                warm
            20261120-103000  2026-11-21 10:30  0123456789  linux-x86_64-2cpu-8gib           385                   -
            20261121-103000  2026-11-21 10:30  0123456789  linux-x86_64-2cpu-8gib  402 (+4.4 %)  5.6 kache (-3.0 %)
        "#]].assert_eq(&render(&history(), Format::Human).unwrap());
        expect![[r#"
            | run | at | commit | host | cold | warm |
            | --- | --- | --- | --- | ---: | ---: |
            | 20261120-103000 | 2026-11-21 10:30 | 0123456789 | linux-x86_64-2cpu-8gib | 385 | - |
            | 20261121-103000 | 2026-11-21 10:30 | 0123456789 | linux-x86_64-2cpu-8gib | 402 (+4.4 %) | 5.6 kache (-3.0 %) |
        "#]].assert_eq(&render(&history(), Format::Markdown).unwrap());
    }

    #[test]
    fn what_differs_has_a_column() {
        let mut history = history();
        history.left_out = 2;
        history.runs.push(line("20261122-103000", BenchResult::Interrupted, Vec::new()));
        history.runs[0].run.project = "shop".to_owned();
        expect![[r#"
            run              at                commit            host                    project          cold                warm
            20261120-103000  2026-11-21 10:30  0123456789        linux-x86_64-2cpu-8gib  shop              385                   -
            20261121-103000  2026-11-21 10:30  0123456789        linux-x86_64-2cpu-8gib  app      402 (+4.4 %)  5.6 kache (-3.0 %)
            20261122-103000  2026-11-21 10:30  0123456789 dirty  linux-x86_64-2cpu-8gib  app                 -                   -  interrupted

            2 earlier runs are left out; --limit shows more
        "#]].assert_eq(&render(&history, Format::Human).unwrap());
        history.runs.clear();
        assert_eq!(render(&history, Format::Human).unwrap(), "no runs on linux-x86_64-2cpu-8gib\n");
    }

    /// Which one a hosted runner has is chance, and no change is told between them.
    #[test]
    fn another_processor_is_told() {
        let mut history = history();
        history.runs[1].cpu = Some("Other CPU @ 2 GHz".to_owned());
        history.runs[1].scenarios[0].change = None;
        expect![[r#"
            | run | at | commit | host | processor | cold | warm |
            | --- | --- | --- | --- | --- | ---: | ---: |
            | 20261120-103000 | 2026-11-21 10:30 | 0123456789 | linux-x86_64-2cpu-8gib | Some CPU | 385 | - |
            | 20261121-103000 | 2026-11-21 10:30 | 0123456789 | linux-x86_64-2cpu-8gib | Other CPU @ 2 GHz | 402 | 5.6 kache (-3.0 %) |
        "#]].assert_eq(&render(&history, Format::Markdown).unwrap());
    }

    #[test]
    fn programs_read_flat_runs() {
        let json: serde_json::Value =
            serde_json::from_str(&render(&history(), Format::Json).unwrap()).unwrap();
        assert_eq!(json["schema"], "xtask.bench-history/1");
        assert_eq!(json["runs"][0]["id"], "20261120-103000");
        assert_eq!(json["runs"][0]["scenarios"][0]["change"], serde_json::Value::Null);
        let read: BenchHistory = serde_json::from_value(json).unwrap();
        assert_eq!(read, history());
    }
}
