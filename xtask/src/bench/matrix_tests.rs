//! Plans: what is measured in ten minutes, what minutes leave out, and what is not there.

use super::*;

fn available(caches: &[&str]) -> Available {
    let there = |(axis, value): (Axis, &str)| ((axis, value.to_owned()), Availability::Yes { version: None });
    let linkers = ["bfd", "lld", "mold", "wild"].map(|linker| (Axis::Linker, linker));
    let caches = caches.iter().map(|cache| (Axis::Cache, *cache));
    Available {
        values: linkers
            .into_iter()
            .chain(caches)
            .chain([(Axis::Driver, "cargo-leptos")])
            .map(there)
            .collect(),
        profiles: vec!["production".to_owned()],
        ..Available::default()
    }
}

/// On a machine where a cold build takes so long.
fn planned(request: Request, available: &Available, cold: f64) -> (Vec<Planned>, Vec<String>) {
    let request = Request { profile: "production".to_owned(), ..request };
    matrix(&request, available, &Estimates::new(&[], &[cold], 0, 2))
}

fn told(planned: &[Planned]) -> Vec<String> {
    let told = |planned: &Planned| {
        let arms: Vec<&str> = planned.comparison.arms.iter().map(|arm| arm.name.as_str()).collect();
        format!("{} {} x{}", planned.comparison.id, arms.join("+"), planned.comparison.runs)
    };
    planned.iter().map(told).collect()
}

fn seconds(planned: &[Planned]) -> f64 {
    planned.iter().map(|planned| planned.comparison.estimated_seconds.unwrap()).sum()
}

#[test]
fn ten_minutes_say_something_of_everything() {
    // An app of 300 packages on two cores: what its builds take beside the cold one is in `estimate`.
    let (planned, notes) = planned(Request::default(), &available(&["sccache", "kache"]), 250.0);
    let expected = [
        "cold/cache kache x1",
        "warm/cache kache x1",
        "link/linker default+bfd+lld+mold+wild x5",
        "hot/driver native x3",
        "patch-server/linker default x1",
        "patch-ui/driver native x1",
        "patch-core/driver native x1",
    ];
    assert_eq!(told(&planned), expected, "{notes:?}");
    assert!(seconds(&planned) < 600.0 - BEGINNING, "{}", seconds(&planned));
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].starts_with("warm builds with sccache are left out"), "{notes:?}");
}

#[test]
fn a_small_app_has_time_for_all_caches() {
    let (planned, notes) = planned(Request::default(), &available(&["sccache", "kache"]), 20.0);
    assert_eq!(told(&planned)[..2], ["cold/cache kache+sccache x1", "warm/cache kache+sccache x1"]);
    assert_eq!(notes, [""; 0]);
}

#[test]
fn a_large_app_is_measured_as_far_as_minutes_go() {
    let (planned, notes) = planned(Request::default(), &available(&[]), 500.0);
    assert!(seconds(&planned) <= 600.0 - BEGINNING, "{:?}", told(&planned));
    assert_eq!(told(&planned)[0], "cold/cache none x1");
    assert!(notes.iter().any(|note| note.starts_with("patch-core/driver is left out: ")), "{notes:?}");
}

#[test]
fn builds_that_are_not_timed_are_counted() {
    let asked = |scenarios: &[Scenario]| {
        let axes = vec![Axis::Linker, Axis::Cache];
        let request = Request { scenarios: scenarios.to_vec(), axes, runs: Some(1), ..Request::default() };
        let available = available(&["kache"]);
        let planned = planned(request, &available, 100.0).0;
        planned.iter().map(|one| one.comparison.estimated_seconds.unwrap().round()).collect::<Vec<_>>()
    };
    // Five links of half a second and a second for each reset, and the build that they need.
    assert_eq!(asked(&[Scenario::Link]), [109.0]);
    // Without a cache it is a cold build; with one it has to be filled first.
    assert_eq!(asked(&[Scenario::Warm]), [101.0 + 121.0 + 6.0]);
}

#[test]
fn what_was_asked_for_is_measured_as_often_as_asked() {
    let axis = |runs, budget| Request { axes: vec![Axis::Linker], runs, budget, ..Request::default() };
    let runs = |request: Request| {
        let (planned, notes) = planned(request, &available(&[]), 100.0);
        (planned.iter().map(|one| one.comparison.runs).collect::<Vec<_>>(), notes)
    };
    let (all, notes) = runs(axis(Some(7), None));
    assert!(all.len() > 3 && all.iter().all(|runs| *runs == 7), "{all:?}");
    assert_eq!(notes, [""; 0]);
    // But no longer than asked, which is told.
    let (some, notes) = runs(axis(Some(7), Some(300.0)));
    assert_eq!(some[0], 7);
    assert!(notes.iter().any(|note| note.contains("is left out")), "{some:?} {notes:?}");
    let request = Request { scenarios: vec![Scenario::Cold], ..axis(Some(9), Some(1200.0)) };
    let (some, notes) = runs(request);
    assert_eq!(some, [2]);
    assert_eq!(notes, ["cold/linker: 2 of each arm instead of 9, for want of minutes (`--minutes`)"]);
}

#[test]
fn a_bucket_is_not_written_to_by_the_way() {
    let asks = |request: Request| request.asks_for_bucket();
    let variant = |text: &str| Request { variants: vec![text.parse().unwrap()], ..Request::default() };
    assert!(!asks(Request::default()) && !asks(variant("cache=sccache,linker=mold")));
    assert!(!asks(Request { scenarios: vec![Scenario::Cold, Scenario::Warm], ..Request::default() }));
    assert!(asks(variant("linker=mold,cache=sccache-s3")));
    assert!(asks(Request { axes: vec![Axis::Linker, Axis::Cache], ..Request::default() }));
    assert!(asks(Request { full: true, ..Request::default() }));
}

#[test]
fn a_scenario_that_cannot_be_is_told() {
    let mut available = available(&[]);
    available.impossible.insert(Scenario::Link, "linkers are chosen on Linux only".to_owned());
    let (planned, notes) = planned(Request::default(), &available, 20.0);
    assert!(planned.iter().all(|one| one.scenario != Scenario::Link));
    assert_eq!(notes, ["link is left out: linkers are chosen on Linux only"]);
}

#[test]
fn an_axis_without_values_here_is_told() {
    let mut available = available(&[]);
    let reason = "rustc 1.95.0 is no nightly: `x`";
    for compiler in ["parallel", "cranelift"] {
        let no = Availability::No { reason: reason.to_owned() };
        available.values.insert((Axis::Compiler, compiler.to_owned()), no);
    }
    let (none, notes) =
        planned(Request { axes: vec![Axis::Compiler], ..Request::default() }, &available, 20.0);
    assert_eq!(told(&none), [""; 0]);
    assert_eq!(notes, [format!("the axis compiler is left out: {reason}")]);
    // Nobody asked for it.
    let (_, notes) = planned(Request { full: true, ..Request::default() }, &available, 20.0);
    assert_eq!(notes, [""; 0]);
}

#[test]
fn a_scenario_without_a_difference_is_told_and_hot_builds_are_measured_all_the_same() {
    use Scenario::*;
    let of = |scenarios: &[Scenario], axes: &[Axis]| {
        let request = Request {
            scenarios: scenarios.to_vec(),
            axes: axes.to_vec(),
            runs: Some(3),
            budget: Some(7200.0),
            ..Request::default()
        };
        let (planned, notes) = planned(request, &available(&["sccache", "kache"]), 100.0);
        (told(&planned), notes)
    };
    // As the nightly workflow asks.
    let (all, notes) = of(&[Cold, Warm, Hot, PatchServer, PatchUi], &[Axis::Cache]);
    let caches = "none+sccache+sccache-s3+kache x3";
    let with = |scenario: &str| format!("{scenario}/cache {caches}");
    let expected = [
        with("cold"),
        with("warm"),
        "hot/driver native x3".to_owned(),
        with("patch-server"),
        with("patch-ui"),
    ];
    assert_eq!(all, expected);
    assert_eq!(notes, ["hot is measured as usual alone: no value of `cache` makes a difference there"]);
    let (all, notes) = of(&[Link, Cold], &[Axis::Cache, Axis::Debug]);
    assert_eq!(all.len(), 2, "{all:?}");
    assert_eq!(notes, ["link is left out: no value of `cache`, `debug` makes a difference there"]);
    // Nobody named it.
    let (all, notes) = of(&[], &[Axis::Cache]);
    assert!(!all.iter().any(|one| one.starts_with("hot")) && notes.is_empty(), "{all:?} {notes:?}");
    // Somebody wants it compared.
    assert_eq!(of(&[Hot], &[Axis::Driver]).0, ["hot/driver native+cargo-leptos x3"]);
}
