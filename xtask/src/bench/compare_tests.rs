//! Comparing two runs: what is slower, what cannot be told, and what is refused.

use expect_test::expect;

use super::super::shared_tests::{Random, record};
use super::*;
use crate::exit::hint_of;
use crate::record::bench::VerdictKind::{
    CannotTell, Faster, NoMeasurableGain, NotMeasured, OneSample, Slower,
};

fn run(id: &str, arms: &[(&str, &[f64])]) -> BenchRecord {
    record(id, "cold/cache", arms)
}

fn two(before: &[f64], after: &[f64]) -> (BenchRecord, BenchRecord) {
    (run("20261120-100000", &[("none", before)]), run("20261121-100000", &[("none", after)]))
}

#[test]
fn what_is_too_slow() {
    // The noise floor of these records is 2 %, the threshold 5 %.
    let check = |before: &[f64], after: &[f64], verdict: VerdictKind, is_too_slow: bool| {
        let (a, b) = two(before, after);
        let result = compare(&a, &b, 5.0).unwrap();
        let arm = &result.arms[0];
        assert_eq!((arm.verdict, arm.is_too_slow), (verdict, is_too_slow), "{before:?} {after:?}: {arm:?}");
        assert_eq!((result.ok, failure(&result).is_some()), (!is_too_slow, is_too_slow));
    };
    let hundred = [100.0, 101.0, 99.0, 100.5, 99.5];
    check(&hundred, &[120.0, 121.0, 119.0, 120.0, 122.0], Slower, true);
    check(&hundred, &[80.0, 81.0, 79.0, 80.0, 82.0], Faster, false);
    // Slower for certain, but by less than the threshold.
    check(&hundred, &[104.0, 104.0, 104.1, 104.2, 104.0], Slower, false);
    check(&hundred, &hundred, NoMeasurableGain, false);
    // By more than the threshold, but it may be noise.
    check(&hundred, &[98.0, 100.0, 108.0, 112.0, 140.0], CannotTell, false);
    // Three samples each are a weak interval, and need twice the floor.
    check(&hundred[..3], &[104.0, 105.0, 106.0], CannotTell, false);
    check(&hundred[..3], &[108.0, 109.0, 110.0], Slower, true);
    check(&[100.0], &[200.0], OneSample, false);
    check(&[100.0], &[200.0, 201.0, 202.0], OneSample, false);
}

#[test]
fn the_larger_noise_counts() {
    let (mut a, mut b) = two(&[100.0; 5], &[110.0; 5]);
    assert_eq!(compare(&a, &b, 5.0).unwrap().arms[0].verdict, Slower);
    a.noise.as_mut().unwrap().floor = 0.12;
    let result = compare(&a, &b, 5.0).unwrap();
    assert_eq!((result.arms[0].verdict, result.arms[0].floor, result.ok), (CannotTell, 0.12, true));
    a.noise.as_mut().unwrap().floor = 0.02;
    b.samples.iter_mut().for_each(|sample| sample.foreign_cores = Some(0.65));
    assert_eq!(compare(&a, &b, 5.0).unwrap().arms[0].verdict, CannotTell);
    // Runs that did not measure it have the usual one.
    let (mut a, b) = two(&[100.0; 5], &[104.0; 5]);
    assert_eq!(compare(&a, &b, 3.0).unwrap().arms[0].verdict, Slower);
    a.noise = None;
    let result = compare(&a, &b, 3.0).unwrap();
    assert_eq!(result.arms[0].verdict, NoMeasurableGain);
    expect!["the run before did not measure the noise: that of a usual machine is taken"]
        .assert_eq(&result.notes.join("\n"));
}

#[test]
fn what_is_told_beside_the_figures() {
    let tool = |name: &str, version: &str| ToolVersion { name: name.to_owned(), version: version.to_owned() };
    let mut a = run(
        "20261120-100000",
        &[("none", &[100.0; 5]), ("kache", &[50.0; 2]), ("gone", &[1.0]), ("both", &[])],
    );
    let mut b = run("20261121-100000", &[("none", &[100.0]), ("kache", &[]), ("new", &[1.0]), ("both", &[])]);
    a.tools = vec![tool("rustc", "1.94.0"), tool("mold", "2.40.0"), tool("lld", "20")];
    b.tools = vec![tool("rustc", "1.95.0"), tool("lld", "20"), tool("kache", "2.0.0")];
    b.result = BenchResult::Interrupted;
    b.host.cpu = Some("Some CPU".to_owned());
    let result = compare(&a, &b, 5.0).unwrap();
    let arms: Vec<_> = result.arms.iter().map(|arm| (arm.arm.as_str(), arm.verdict)).collect();
    assert_eq!(arms, [("none", OneSample), ("kache", NotMeasured)]);
    let tools: Vec<String> = result
        .tools
        .iter()
        .map(|tool| format!("{} {:?} {:?}", tool.name, tool.before.as_deref(), tool.after.as_deref()))
        .collect();
    expect![[r#"
        rustc Some("1.94.0") Some("1.95.0")
        kache None Some("2.0.0")
        mold Some("2.40.0") None"#]]
    .assert_eq(&tools.join("\n"));
    let unmatched: Vec<String> = result
        .unmatched
        .iter()
        .map(|one| format!("{} {}: {}", one.comparison, one.arm, one.reason))
        .collect();
    expect![[r#"
        cold/cache new: only in the run after
        cold/cache gone: only in the run before"#]]
    .assert_eq(&unmatched.join("\n"));
    expect![[r#"
        the run after was interrupted: what it measured is compared
        other processors: unknown before, Some CPU after: nothing can be told of other sources on another processor
        1 of 2 arms have a single sample in one of the runs: a number, no verdict
        1 of 2 arms were measured in one of the runs only"#]]
    .assert_eq(&result.notes.join("\n"));
    b.comparisons[0].arms[0].variant = "profile=dev cache=none".to_owned();
    b.samples.push(a.samples[6].clone());
    let result = compare(&a, &b, 5.0).unwrap();
    expect!["set up otherwise: profile=production cache=none before, profile=dev cache=none after"]
        .assert_eq(&result.unmatched[0].reason);
}

#[test]
fn what_is_refused() {
    let message = |a: &BenchRecord, b: &BenchRecord| {
        let error = compare(a, b, 5.0).unwrap_err();
        assert_eq!(Exit::of(&error), Exit::Usage);
        format!("{error}\n{}", hint_of(&error).unwrap_or("-"))
    };
    let (a, b) = two(&[1.0], &[1.0]);
    let mut other = b.clone();
    other.host.class = "github-linux-x86_64-4cpu-16gib".to_owned();
    expect![[r#"
        20261120-100000 was measured on linux-x86_64-2cpu-8gib, 20261121-100000 on github-linux-x86_64-4cpu-16gib: times are compared within one class of host only
        `cargo xtask bench history --host any` lists the runs of each class"#]].assert_eq(&message(&a, &other));
    let mut other = b.clone();
    other.project = "shop".to_owned();
    expect![[r#"
        20261120-100000 was measured for the project app, 20261121-100000 for the project shop: these are different things
        -"#]].assert_eq(&message(&a, &other));
    expect![[r#"
        both are the run 20261120-100000: compared with itself, nothing is ever slower
        `latest~1` is the run before the latest"#]]
    .assert_eq(&message(&a, &a));
    let mut other = b;
    other.samples.clear();
    expect![[r#"
        the runs 20261120-100000 and 20261121-100000 measured nothing in common
        `cargo xtask bench history` shows what each run measured"#]]
    .assert_eq(&message(&a, &other));
}

#[test]
fn on_another_processor_nothing_is_slower() {
    let (a, mut b) = two(&[100.0; 5], &[130.0; 5]);
    b.host.cpu = Some("Some CPU".to_owned());
    let result = compare(&a, &b, 5.0).unwrap();
    let arm = &result.arms[0];
    assert_eq!((arm.verdict, arm.is_too_slow, result.ok), (CannotTell, false, true));
    assert_eq!(arm.ratio, Some(1.3));
    assert!(failure(&result).is_none());
    expect![[r#"
        other processors: unknown before, Some CPU after: nothing can be told of other sources on another processor
        1 of 1 arms cannot be told: both runs on one processor would"#]]
    .assert_eq(&result.notes.join("\n"));
}

#[test]
fn the_failure_names_what_is_slower() {
    let (a, b) = two(&[100.0; 5], &[123.4; 5]);
    let failure = failure(&compare(&a, &b, 5.0).unwrap()).unwrap();
    expect!["slower than before by more than 5 % and the noise: cold/cache none by 23.4 %"]
        .assert_eq(&failure.message);
    assert_eq!(failure.exit, Exit::CheckFailed);
}

#[test]
fn equal_runs_practically_never_fail_and_slow_ones_mostly_do() {
    let mut random = Random::new(6);
    let mut failures = |ratio: f64, samples: usize| {
        let failed = (0..2000).filter(|_| {
            let mut times =
                |centre: f64| -> Vec<f64> { (0..samples).map(|_| random.time(centre, 0.01)).collect() };
            let (a, b) = two(&times(100.0), &times(100.0 * ratio));
            !compare(&a, &b, 5.0).unwrap().ok
        });
        failed.count() as f64 / 2000.0
    };
    for samples in [2, 3, 5, 9] {
        assert!(failures(1.0, samples) < 0.005, "{samples}");
    }
    assert!(failures(1.12, 5) > 0.8, "{}", failures(1.12, 5));
}
