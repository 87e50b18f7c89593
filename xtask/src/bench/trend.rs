//! The history as one line a run: what stands for each scenario, and how it changed since the run before.

use super::compare::name;
use super::figures::{headline, same_in, scenarios, valid};
use super::history::History;
use crate::record::bench::BenchRecord;
use crate::record::bench::history::{BenchHistory, HISTORY_SCHEMA, HistoryRun, ScenarioFigure};

/// The latest `limit` runs of a class of host, or of all where it is `None`.
pub fn trend(history: &History, class: Option<&str>, limit: usize) -> BenchHistory {
    let of_class: Vec<&BenchRecord> =
        history.runs.iter().filter(|run| class.is_none_or(|class| run.host.class == class)).collect();
    let left_out = of_class.len().saturating_sub(limit);
    let line = |run: &&BenchRecord| HistoryRun {
        run: name(run),
        cpu: run.host.cpu.clone(),
        scenarios: figures(history, run),
    };
    BenchHistory {
        schema: HISTORY_SCHEMA.to_owned(),
        class: class.map(str::to_owned),
        runs: of_class[left_out..].iter().map(line).collect(),
        left_out,
        notes: history.notes.clone(),
    }
}

fn figures(history: &History, run: &BenchRecord) -> Vec<ScenarioFigure> {
    // A class of host may have several processors; beside a time of another one, this one says nothing of the sources.
    let mut earlier = history.earlier_like(run);
    earlier.retain(|other| other.host.cpu == run.host.cpu);
    let figure = |scenario| {
        let headline = headline(run, scenario, None)?;
        let before = earlier.iter().rev().find_map(|run| same_in(run, headline));
        let (comparison, arm) = (headline.comparison, headline.arm);
        Some(ScenarioFigure {
            scenario: comparison.scenario.clone(),
            comparison: comparison.id.clone(),
            arm: arm.name.clone(),
            is_baseline: comparison.arms.first() == Some(arm),
            seconds: headline.seconds,
            samples: valid(run, &comparison.id, &arm.name).len(),
            change: before.map(|before| headline.seconds / before),
        })
    };
    scenarios(run).into_iter().filter_map(figure).collect()
}

#[cfg(test)]
mod tests {
    use super::super::shared_tests::record;
    use super::*;

    #[test]
    fn each_run_beside_the_one_before_that_measured_the_same() {
        let run =
            |id: &str, seconds: &[f64]| record(id, "cold/cache", &[("none", seconds), ("kache", &[1.0])]);
        let mut runs = vec![
            run("20261118-100000", &[10.0]),
            run("20261119-100000", &[1000.0]),
            run("20261120-100000", &[]),
            run("20261120-200000", &[900.0]),
            run("20261121-100000", &[11.0, 13.0]),
        ];
        runs[1].host.class = "other".to_owned();
        runs[3].host.cpu = Some("other".to_owned());
        let history = History { runs, notes: vec!["a note".to_owned()] };
        let all = trend(&history, None, 20);
        let seen: Vec<(&str, Option<f64>, Option<f64>)> = all
            .runs
            .iter()
            .map(|line| {
                let figure = line.scenarios.first();
                (
                    line.run.id.as_str(),
                    figure.map(|figure| figure.seconds),
                    figure.and_then(|figure| figure.change),
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("20261118-100000", Some(10.0), None),
                ("20261119-100000", Some(1000.0), None),
                ("20261120-100000", None, None),
                ("20261120-200000", Some(900.0), None),
                ("20261121-100000", Some(12.0), Some(1.2)),
            ]
        );
        assert_eq!((all.left_out, all.notes.len()), (0, 1));
        let latest = trend(&history, Some("linux-x86_64-2cpu-8gib"), 1);
        assert_eq!((latest.runs.len(), latest.left_out), (1, 3));
        assert_eq!(latest.runs[0].scenarios[0].change, Some(1.2), "with a run that is not shown");
        assert!(latest.runs[0].scenarios[0].is_baseline);
    }
}
