//! Alerts: what makes one, what does not, and how often the rule is wrong on made-up histories.

use std::collections::BTreeMap;

use expect_test::expect;

use super::super::samples_tests::points;
use super::super::series::series;
use super::*;
use crate::bench::shared_tests::Random;

fn of(kind: SeriesKind, name: &str, seconds: &[f64]) -> Series {
    series(kind, name.to_owned(), points(seconds))
}

fn workflow(seconds: &[f64]) -> Series {
    of(SeriesKind::Workflow, "CI", seconds)
}

fn found(all: &[Series], budgets: &MonitorBudgets) -> Vec<String> {
    alerts(all, &Budgets::default(), budgets, |_, _| None).into_iter().map(|alert| alert.text).collect()
}

fn none() -> MonitorBudgets {
    MonitorBudgets::default()
}

const QUIET: [f64; 12] = [100.0, 103.0, 98.0, 101.0, 99.0, 104.0, 97.0, 100.0, 102.0, 99.0, 101.0, 98.0];

fn history(last: &[f64]) -> Vec<f64> {
    QUIET.iter().chain(last).copied().collect()
}

#[test]
fn slower_needs_five_runs_that_agree() {
    let told = found(&[workflow(&history(&[130.0, 133.0, 128.0, 131.0, 135.0]))], &none());
    expect!["CI: slower by 31 % since #17 main: the last 5 runs took 2m 11s in the median, those before it 100 s (nine of ten no more than 103 s)."].assert_eq(&told.join("\n"));
    // Not yet.
    assert!(found(&[workflow(&history(&[130.0, 133.0, 128.0]))], &none()).is_empty());
    // Two slow ones are two slow ones.
    assert!(found(&[workflow(&history(&[100.0, 99.0, 101.0, 300.0, 300.0]))], &none()).is_empty());
    // Sure, but not worth a word.
    assert!(found(&[workflow(&history(&[107.0, 108.0, 107.0, 108.0, 107.0]))], &none()).is_empty());
    // Faster.
    assert!(found(&[workflow(&history(&[60.0; 5]))], &none()).is_empty());
    // Too short a history.
    assert!(
        found(&[workflow(&[100.0, 100.0, 100.0, 200.0, 200.0, 200.0, 200.0, 200.0])], &none()).is_empty()
    );
    assert!(found(&[workflow(&[])], &none()).is_empty());
}

#[test]
fn a_state_began_with_the_run_that_showed_it_first() {
    let began = |more: usize| {
        let slow = vec![130.0; 5 + more];
        let alerts = alerts(&[workflow(&history(&slow))], &Budgets::default(), &none(), |before, after| {
            assert_eq!((before.len(), before[11], after.len()), (12, "12", 5));
            Some("It is the link.".to_owned())
        });
        assert!(alerts[0].text.ends_with(" It is the link."), "{}", alerts[0].text);
        (alerts[0].began.clone().unwrap(), alerts[0].url.clone().unwrap())
    };
    let first = began(0);
    assert_eq!(first.0, "2026-11-17T10:00:00Z");
    // However often somebody looks, and long after the slow runs have become most of the history.
    for more in [1, 4, 40] {
        assert_eq!(began(more), first);
    }
    // It is over once the times are back.
    let mut back = history(&[130.0; 9]);
    back.extend([104.0, 101.0, 131.0, 99.0, 100.0]);
    assert!(found(&[workflow(&back)], &none()).is_empty());
    // Slower still is something new.
    let mut twice = history(&[130.0; 12]);
    twice.extend([200.0; 5]);
    let told = alerts(&[workflow(&twice)], &Budgets::default(), &none(), |_, _| None);
    assert_eq!((told.len(), told[0].began.as_deref()), (1, Some("2026-11-29T10:00:00Z")));
}

#[test]
fn failures_in_a_row() {
    let mut one = workflow(&QUIET);
    let outcomes = |series: &mut Series, from: usize, outcome: Outcome| {
        series.points[from..].iter_mut().for_each(|point| point.outcome = outcome);
    };
    outcomes(&mut one, 10, Outcome::Failed);
    assert!(found(&[one.clone()], &none()).is_empty(), "two are an accident");
    outcomes(&mut one, 8, Outcome::Failed);
    one.points[9].outcome = Outcome::Cancelled;
    expect![
        "CI: the last 3 runs have failed, since #9 main (2026-11-09T10:00:00Z); the last success was #8 main."
    ]
    .assert_eq(&found(&[one.clone()], &none()).join("\n"));
    let alert = alerts(&[one.clone()], &Budgets::default(), &none(), |_, _| None).remove(0);
    assert_eq!((alert.kind, alert.now, alert.key.as_str()), (AlertKind::Failing, 3.0, "failing/CI"));
    // The third of them made it a state: #9, #11, #12.
    let shown = |alert: &Alert| (alert.began.clone().unwrap(), alert.url.clone().unwrap());
    let third = shown(&alert);
    assert_eq!(third.0, "2026-11-12T10:00:00Z");
    assert!(third.1.ends_with("/runs/12"), "{}", third.1);
    // More of them change nothing about that.
    let mut more = workflow(&history(&[100.0; 4]));
    outcomes(&mut more, 9, Outcome::Failed);
    let alert = alerts(&[more], &Budgets::default(), &none(), |_, _| None).remove(0);
    assert_eq!((alert.now, shown(&alert)), (7.0, third));
    // Pull requests may fail.
    one.points.iter_mut().for_each(|point| point.is_main = false);
    assert!(found(&[one.clone()], &none()).is_empty());
    let mut all = workflow(&QUIET[..3]);
    outcomes(&mut all, 0, Outcome::Failed);
    assert!(found(&[all], &none())[0].ends_with("no earlier run is known."));
}

/// The runs from there on are of other branches than the default one.
fn of_pull_requests(series: &mut Series, from: usize, branch: impl Fn(usize) -> String) {
    for (index, point) in series.points.iter_mut().enumerate().skip(from) {
        (point.is_main, point.branch) = (false, Some(branch(index)));
    }
}

#[test]
fn a_slow_pull_request_is_its_author_s_concern() {
    let slow = history(&[300.0; 5]);
    assert_eq!(found(&[workflow(&slow)], &none()).len(), 1);
    let mut both = workflow(&slow);
    of_pull_requests(&mut both, 12, |index| format!("change-{index}"));
    assert!(found(&[both], &none()).is_empty(), "the default branch is as it was");
    // A workflow of pull requests alone: five pushes to one of them.
    let mut checks = workflow(&slow);
    of_pull_requests(&mut checks, 0, |index| format!("change-{}", index.min(12)));
    assert!(found(&[checks.clone()], &none()).is_empty());
    let budgets = MonitorBudgets { caches: None, workflows: BTreeMap::from([("CI".to_owned(), 120.0)]) };
    assert!(found(&[checks.clone()], &budgets).is_empty());
    // Five changes that are slow are something else.
    of_pull_requests(&mut checks, 0, |index| format!("change-{index}"));
    assert_eq!(found(&[checks], &none()).len(), 1);
}

#[test]
fn runs_stand_beside_those_that_did_the_same() {
    let with_jobs = |seconds: &[f64]| {
        let mut series = workflow(seconds);
        for point in &mut series.points {
            let names: &[&str] =
                if point.seconds.unwrap() < 50.0 { &["changes"] } else { &["changes", "image"] };
            point.jobs = Some(names.iter().map(|name| (*name).to_owned()).collect());
        }
        series
    };
    // Two weeks of texts, then five changes of the code.
    let texts_first = [[30.0; 14].as_slice(), &[600.0; 5]].concat();
    assert!(found(&[with_jobs(&texts_first)], &none()).is_empty());
    // Jobs that nobody asked for tell nothing.
    assert_eq!(found(&[workflow(&texts_first)], &none()).len(), 1);
    let mut half_known = with_jobs(&texts_first);
    half_known.points[..14].iter_mut().for_each(|point| point.jobs = None);
    assert!(found(&[half_known], &none()).is_empty());
    // Every second run is of texts, and what is slower is found all the same.
    let mixed: Vec<f64> = history(&[130.0; 5]).iter().flat_map(|seconds| [30.0, *seconds]).collect();
    let told = found(&[with_jobs(&mixed)], &none());
    assert!(told.len() == 1 && told[0].starts_with("CI: slower by 30 %"), "{told:?}");
}

#[test]
fn budgets_are_held_against_medians() {
    let budgets = MonitorBudgets { caches: None, workflows: BTreeMap::from([("CI".to_owned(), 120.0)]) };
    let all = [
        workflow(&[100.0, 130.0, 140.0, 130.0]),
        of(SeriesKind::Workflow, "Other", &[900.0; 4]),
        of(SeriesKind::Deploy, "deployments", &[95.0, 95.0]),
        of(SeriesKind::PushToLive, "push to live", &[400.0, 400.0, 900.0]),
        of(SeriesKind::Local, "deploy", &[100.0; 3]),
        of(SeriesKind::Local, "build (production)", &[1000.0; 3]),
    ];
    expect![[r#"
        CI: takes 2m 10s (the median of the last 4), allowed 2m 00s.
        deploy: takes 100 s (the median of the last 3), allowed 90 s."#]]
    .assert_eq(&found(&all, &budgets).join("\n"));
    let alerts = alerts(&all, &Budgets::default(), &budgets, |_, _| None);
    assert_eq!(alerts[0].began.as_deref(), Some("2026-11-03T10:00:00Z"));
    assert_eq!(alerts[1].key, "budget/here/deploy");
    assert_eq!(super::caches(9, 9, None), None);
    let more = super::caches(9_500_000_000, 9_000_000_000, Some("2026-11-03T10:00:00Z".to_owned())).unwrap();
    assert_eq!(more.text, "caches: 9.50 GB are held, allowed 9.00 GB.");
}

/// How times scatter: their name, and one time around 100 s.
type Scatter = (&'static str, fn(&mut Random) -> f64);

const SCATTERS: [Scatter; 6] = [
    ("2 %", |random| 100.0 * (0.02 * random.normal()).exp()),
    ("5 %, a stray now and then", |random| random.time(100.0, 0.05)),
    ("10 %", |random| 100.0 * (0.10 * random.normal()).exp()),
    ("20 %", |random| 100.0 * (0.20 * random.normal()).exp()),
    ("a long tail", |random| {
        let queue = if random.uniform() < 0.05 { 30.0 } else { 0.0 };
        100.0 + 5.0 * random.exponential() + queue
    }),
    ("three of ten with much more to do", |random| {
        let kind = if random.uniform() < 0.3 { 300.0 } else { 100.0 };
        kind * (0.05 * random.normal()).exp()
    }),
];

/// Where nothing has changed, looks at 120 histories of 150 runs, one look after each run, find something less than once
/// in five hundred looks; it is once in a thousand that the rule allows, and every look repeats most of the one before.
#[test]
fn pure_noise_hardly_ever_alerts() {
    for (index, (name, scatter)) in SCATTERS.iter().enumerate() {
        let mut random = Random::new(20 + index as u64);
        let (mut looks, mut wrong) = (0, 0);
        for _ in 0..120 {
            let seconds: Vec<f64> = (0..150).map(|_| scatter(&mut random)).collect();
            for length in EARLIER_MIN + RECENT..=seconds.len() {
                looks += 1;
                wrong += usize::from(slow_down(&seconds[..length]).is_some());
            }
        }
        assert!(wrong * 500 < looks, "{name}: {wrong} of {looks} looks");
    }
}

/// A slow-down by 30 % that stays is found within ten runs: always where times scatter by a twentieth, and nineteen
/// times of twenty where it is a tenth.
#[test]
fn a_sustained_slow_down_is_found() {
    for (name, scatter, share) in [
        (SCATTERS[0].0, SCATTERS[0].1, 1.0),
        (SCATTERS[1].0, SCATTERS[1].1, 0.99),
        (SCATTERS[2].0, SCATTERS[2].1, 0.95),
        (SCATTERS[4].0, SCATTERS[4].1, 0.99),
    ] {
        let mut random = Random::new(7);
        let tries = 300;
        let found = (0..tries)
            .filter(|_| {
                let mut seconds: Vec<f64> = (0..30).map(|_| scatter(&mut random)).collect();
                (0..10).any(|_| {
                    seconds.push(1.3 * scatter(&mut random));
                    slow_down(&seconds).is_some()
                })
            })
            .count();
        assert!(found as f64 >= share * f64::from(tries), "{name}: {found} of {tries}");
    }
}
