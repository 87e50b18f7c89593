//! Which steps of the workflows take longest. Pure.

use super::github::Known;
use super::series::figures;
use crate::record::monitor::StepFigures;

/// So many steps are named.
const STEPS_MAX: usize = 15;
/// What takes less, in seconds, is nobody's concern.
const SECONDS_MIN: f64 = 1.0;

/// Times of one step in the runs in which it succeeded.
struct Times<'k> {
    job: &'k str,
    step: &'k str,
    seconds: Vec<f64>,
}

/// The steps of all runs whose jobs are known, by their median, the slowest first.
pub fn slowest(known: &Known) -> Vec<StepFigures> {
    let mut workflows: Vec<(String, f64, Vec<Times<'_>>)> = Vec::new();
    for run in &known.runs {
        let Some(jobs) = known.jobs(run) else { continue };
        let name = run.workflow();
        let index = workflows.iter().position(|(known, ..)| *known == name).unwrap_or_else(|| {
            workflows.push((name, 0.0, Vec::new()));
            workflows.len() - 1
        });
        let (_, total, steps) = &mut workflows[index];
        for job in jobs {
            *total += job.seconds().unwrap_or(0.0);
            for step in job.steps.iter().flatten() {
                let Some(seconds) = step.seconds() else { continue };
                match steps.iter_mut().find(|known| known.job == job.name && known.step == step.name) {
                    Some(known) => known.seconds.push(seconds),
                    None => steps.push(Times { job: &job.name, step: &step.name, seconds: vec![seconds] }),
                }
            }
        }
    }
    let mut all: Vec<StepFigures> = Vec::new();
    for (workflow, total, steps) in &workflows {
        all.extend(steps.iter().filter_map(|times| {
            Some(StepFigures {
                workflow: workflow.clone(),
                job: times.job.to_owned(),
                step: times.step.to_owned(),
                figures: figures(&times.seconds)?,
                share: if *total > 0.0 { times.seconds.iter().sum::<f64>() / total } else { 0.0 },
            })
        }));
    }
    all.retain(|step| step.figures.median >= SECONDS_MIN);
    all.sort_by(|a, b| b.figures.median.total_cmp(&a.figures.median).then_with(|| a.step.cmp(&b.step)));
    all.truncate(STEPS_MAX);
    all
}

/// By how much each step of a workflow differs between these runs and those, medians in seconds: name, before, after;
/// the one that has grown most first. Of steps that are in both.
pub fn grown(known: &Known, before: &[&str], after: &[&str]) -> Vec<(String, f64, f64)> {
    let of = |ids: &[&str]| {
        let mut times: Vec<(String, Vec<f64>)> = Vec::new();
        for run in known.runs.iter().filter(|run| ids.contains(&run.id.to_string().as_str())) {
            for job in known.jobs(run).unwrap_or_default() {
                for step in job.steps.iter().flatten() {
                    let Some(seconds) = step.seconds() else { continue };
                    let name = format!("{} / {}", job.name, step.name);
                    match times.iter_mut().find(|(known, _)| *known == name) {
                        Some((_, all)) => all.push(seconds),
                        None => times.push((name, vec![seconds])),
                    }
                }
            }
        }
        times
    };
    let (earlier, later) = (of(before), of(after));
    let mut grown: Vec<(String, f64, f64)> = later
        .into_iter()
        .filter_map(|(name, seconds)| {
            let (_, others) = earlier.iter().find(|(known, _)| *known == name)?;
            Some((name, figures(others)?.median, figures(&seconds)?.median))
        })
        .collect();
    grown.sort_by(|a, b| (b.2 - b.1).total_cmp(&(a.2 - a.1)));
    grown
}

#[cfg(test)]
mod tests {
    use super::super::samples_tests::known;
    use super::*;

    #[test]
    fn by_median_of_what_succeeded() {
        let steps = slowest(&known());
        let names: Vec<(&str, &str, usize, f64)> = steps
            .iter()
            .map(|step| (step.job.as_str(), step.step.as_str(), step.figures.runs, step.figures.median))
            .collect();
        assert_eq!(names, [("Build", "Work", 2, 290.0), ("Deploy the image", "Work", 1, 60.0)]);
        // 580 of 290 + 60 + 290 + 30 seconds.
        assert!((steps[0].share - 580.0 / 670.0).abs() < 1e-9, "{}", steps[0].share);
    }

    #[test]
    fn what_has_grown() {
        let grown = grown(&known(), &["3"], &["4"]);
        assert_eq!(grown[0], ("Build / Set up job".to_owned(), 0.0, 0.0));
        assert!(grown.iter().all(|(name, ..)| name != "Deploy the image / Work"), "it has failed: {grown:?}");
        assert!(super::grown(&known(), &["3"], &[]).is_empty());
    }
}
