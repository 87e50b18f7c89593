//! What one run of a workflow took, held against what it may take. Pure.

use super::annotations::{Annotation, Level};
use crate::config::budgets::{Budgets, Limits};
use crate::exit::{Exit, Failure};
use crate::record::ci_summary::{BudgetVerdict, BuildClass, CiSummary, Unit, Verdict};

/// Holds every figure against its budget. `from_nothing` says why the build could not find anything, e.g. because
/// somebody asked for that; then its hit rate is no finding.
pub fn judge(budgets: &Budgets, summary: &CiSummary, from_nothing: Option<&str>) -> Vec<BudgetVerdict> {
    let build = summary.build.as_ref();
    let of_class = |class: BuildClass| match build {
        Some(build) if build.class == class => Ok(build.seconds),
        Some(build) => Err(format!("the build was {}", build.class.name())),
        None => Err("nothing was built".to_owned()),
    };
    let hit_rate = match (build.map(|build| &build.hits), from_nothing) {
        (None, _) => Err("nothing was built".to_owned()),
        (Some(_), Some(why)) => Err(why.to_owned()),
        (Some(None), None) => Err("cargo was not asked".to_owned()),
        (Some(Some(hits)), None) => Ok(hits.percent),
    };
    let image = summary.image.as_ref();
    let size = image.and_then(|image| image.compressed).map(|bytes| bytes as f64);
    let size = size.ok_or_else(|| match image {
        Some(_) => "`docker build` does not tell it; `docker inspect` does".to_owned(),
        None => "no image was made".to_owned(),
    });
    let deployment = summary.deployment.as_ref();
    let of_deployment = |seconds: Option<f64>| {
        let why = deployment.map_or(Some("nothing was deployed"), |deployed| deployed.note.as_deref());
        seconds.ok_or_else(|| why.unwrap_or_default().to_owned())
    };
    let deploy = of_deployment(deployment.and_then(|deployed| deployed.seconds));
    let live = of_deployment(deployment.and_then(|deployed| deployed.push_to_live_seconds));
    vec![
        verdict("cold build", "cold", Unit::Seconds, budgets.cold, of_class(BuildClass::Cold)),
        verdict("warm build", "warm", Unit::Seconds, budgets.warm, of_class(BuildClass::Warm)),
        verdict("hot build", "hot", Unit::Seconds, budgets.hot, of_class(BuildClass::Hot)),
        verdict("hit rate", "hit-rate", Unit::Percent, budgets.hit_rate, hit_rate),
        verdict("image", "image", Unit::Bytes, budgets.image, size),
        verdict("deployment", "deploy", Unit::Seconds, budgets.deploy, deploy),
        verdict("push to live", "push-to-live", Unit::Seconds, budgets.push_to_live, live),
    ]
}

fn verdict(
    name: &str,
    key: &str,
    unit: Unit,
    limits: Limits,
    measured: Result<f64, String>,
) -> BudgetVerdict {
    let is_past = |limit: Option<f64>, measured: f64| match unit {
        Unit::Percent => limit.is_some_and(|limit| measured < limit),
        Unit::Seconds | Unit::Bytes => limit.is_some_and(|limit| measured > limit),
    };
    let verdict = match measured {
        _ if limits == Limits::default() => Verdict::Off,
        Ok(measured) if is_past(limits.fail, measured) => Verdict::Failed,
        Ok(measured) if is_past(limits.warn, measured) => Verdict::Warning,
        Ok(_) => Verdict::Kept,
        Err(_) => Verdict::NotMeasured,
    };
    BudgetVerdict {
        name: name.to_owned(),
        key: key.to_owned(),
        unit,
        warn: limits.warn,
        fail: limits.fail,
        measured: measured.as_ref().ok().copied(),
        verdict,
        note: measured.err(),
    }
}

/// The sentence about a budget that was not kept; `None` for every other.
fn complaint(budget: &BudgetVerdict) -> Option<String> {
    let limit = match budget.verdict {
        Verdict::Failed => budget.fail?,
        Verdict::Warning => budget.warn?,
        Verdict::Kept | Verdict::NotMeasured | Verdict::Off => return None,
    };
    let (name, measured) = (&budget.name, budget.measured?);
    Some(match budget.unit {
        Unit::Seconds => format!("{name}: {measured:.0} s, and {limit} s are allowed"),
        Unit::Percent => format!("{name}: {measured:.1} %, and {limit} % are wanted"),
        Unit::Bytes => {
            format!("{name}: {:.2} MB as it is sent, and {} MB are allowed", measured / 1e6, limit / 1e6)
        }
    })
}

/// What GitHub shows at the top of a run.
pub fn annotations(budgets: &[BudgetVerdict]) -> Vec<Annotation> {
    let remark = |budget: &BudgetVerdict| {
        let level = if budget.verdict == Verdict::Failed { Level::Error } else { Level::Warning };
        Some(Annotation::general(level, "budget", complaint(budget)?))
    };
    budgets.iter().filter_map(remark).collect()
}

/// The failure that broken budgets are; `None` where none is past the limit that fails.
pub fn failure(budgets: &[BudgetVerdict]) -> Option<Failure> {
    let broken = budgets.iter().filter(|budget| budget.verdict == Verdict::Failed);
    let broken: Vec<String> = broken.filter_map(complaint).collect();
    let what = if broken.len() == 1 { "budget is" } else { "budgets are" };
    let message = format!("{} {what} broken: {}", broken.len(), broken.join("; "));
    let hint = "the steps above say where the time went; the limits are `…-fail` in \
                [workspace.metadata.xtask.budgets]";
    (!broken.is_empty()).then(|| Failure::new(Exit::CheckFailed, message).hint(hint))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::record::RunResult;
    use crate::record::ci_summary::{BuildFigures, CI_SUMMARY_SCHEMA, DeploymentFigures, Hits, ImageFigures};

    fn nothing() -> CiSummary {
        CiSummary {
            schema: CI_SUMMARY_SCHEMA,
            commit: None,
            event: None,
            runs: Vec::new(),
            build: None,
            image: None,
            files: Vec::new(),
            wasm: None,
            tests: Vec::new(),
            deployment: None,
            budgets: Vec::new(),
        }
    }

    fn everything() -> CiSummary {
        let hits = Hits { of: "compile units".to_owned(), reused: 70, all: 100, percent: 70.0 };
        CiSummary {
            build: Some(BuildFigures {
                command: "build".to_owned(),
                class: BuildClass::Warm,
                seconds: 301.0,
                hits: Some(hits),
            }),
            image: Some(ImageFigures {
                reference: None,
                digest: None,
                reused: false,
                compressed: Some(26_000_000),
                raw: None,
            }),
            deployment: Some(DeploymentFigures {
                result: RunResult::Ok,
                id: None,
                url: None,
                seconds: Some(90.0),
                push_to_live_seconds: None,
                note: Some("`schedule` is no push".to_owned()),
            }),
            ..nothing()
        }
    }

    fn told(budgets: &[BudgetVerdict]) -> String {
        let line = |budget: &BudgetVerdict| {
            let note = budget.note.as_deref().unwrap_or("-");
            format!("{}: {:?} {:?} {note}\n", budget.key, budget.measured, budget.verdict)
        };
        budgets.iter().map(line).collect()
    }

    #[test]
    fn each_figure_against_its_limit() {
        let budgets = judge(&Budgets::default(), &everything(), None);
        expect![[r#"
            cold: None NotMeasured the build was warm
            warm: Some(301.0) Warning -
            hot: None NotMeasured the build was warm
            hit-rate: Some(70.0) Warning -
            image: Some(26000000.0) Warning -
            deploy: Some(90.0) Kept -
            push-to-live: None NotMeasured `schedule` is no push
        "#]]
        .assert_eq(&told(&budgets));
        assert!(failure(&budgets).is_none());
        let remarks: Vec<String> = annotations(&budgets).iter().map(ToString::to_string).collect();
        assert_eq!(remarks.len(), 3);
        assert_eq!(remarks[0], "::warning title=budget::warm build: 301 s, and 300 s are allowed");

        let nothing = judge(&Budgets::default(), &nothing(), None);
        assert!(nothing.iter().all(|budget| budget.verdict == Verdict::NotMeasured && budget.note.is_some()));
        let forced = judge(&Budgets::default(), &everything(), Some("it was asked for"));
        assert_eq!(forced[3].verdict, Verdict::NotMeasured);
    }

    #[test]
    fn what_fails_is_one_failure() {
        let fails = |limit: f64| Limits { warn: None, fail: Some(limit) };
        let budgets = Budgets {
            warm: fails(300.0),
            hit_rate: fails(80.0),
            image: fails(25e6),
            deploy: Limits::default(),
            ..Budgets::default()
        };
        let budgets = judge(&budgets, &everything(), None);
        assert_eq!(budgets[5].verdict, Verdict::Off);
        expect!["3 budgets are broken: warm build: 301 s, and 300 s are allowed; hit rate: 70.0 %, and 80 % are wanted; image: 26.00 MB as it is sent, and 25 MB are allowed"]
        .assert_eq(&failure(&budgets).unwrap().to_string());
        assert!(annotations(&budgets)[0].to_string().starts_with("::error title=budget::"));
    }
}
