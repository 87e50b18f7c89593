//! What is evidence of a scenario and a variant, and what is not.

use std::collections::BTreeMap;

use super::*;
use crate::record::ProgramSettings;
use crate::record::bench::activity::CacheActivity;

fn steps(fresh: usize, compiled: &[&str]) -> Vec<StepRecord> {
    let names: Vec<String> = compiled.iter().map(|name| (*name).to_owned()).collect();
    vec![StepRecord {
        name: "compile front".to_owned(),
        state: StepState::Ran,
        seconds: 1.0,
        cpu_seconds: None,
        units: Some(UnitCounts { fresh, compiled: names.len(), compiled_packages: names, program: None }),
        detail: String::new(),
    }]
}

fn built(variant: &Variant, steps: Vec<StepRecord>) -> Built {
    Built {
        driver: variant.get(Axis::Driver).to_owned(),
        profile: variant.get(Axis::Profile).to_owned(),
        steps,
        sizes: Vec::new(),
    }
}

fn told(
    scenario: Scenario,
    variant: &str,
    fresh: usize,
    compiled: &[&str],
    change: fn(&mut Activity),
) -> String {
    let variant: Variant = variant.parse().unwrap();
    let built = built(&variant, steps(fresh, compiled));
    let mut activity = Activity {
        compiled: Some(compiled.len()),
        fresh: Some(fresh),
        links: BTreeMap::from([(variant.get(Axis::Linker).to_owned(), 2)]),
        linked_by: [DEFAULT_LINKER, BFD]
            .iter()
            .all(|name| *name != variant.get(Axis::Linker))
            .then(|| variant.get(Axis::Linker).to_owned()),
        ..Activity::default()
    };
    change(&mut activity);
    contradiction(scenario, &variant, &built, &activity, Some("ui")).unwrap_or_default()
}

#[test]
fn each_scenario_has_its_evidence() {
    let none = |_: &mut Activity| {};
    assert_eq!(told(Scenario::Cold, "cache=none", 0, &["ui"], none), "");
    assert_eq!(
        told(Scenario::Cold, "cache=none", 3, &["ui"], none),
        "the target directory was not empty: cargo reused 3 units"
    );
    assert_eq!(told(Scenario::Hot, "cache=none", 3, &[], none), "");
    assert_eq!(
        told(Scenario::Hot, "cache=none", 3, &["ui"], none),
        "something had changed: cargo compiled 1 units"
    );
    assert_eq!(told(Scenario::PatchUi, "cache=none", 3, &["ui"], none), "");
    assert_eq!(
        told(Scenario::PatchUi, "cache=none", 3, &["server"], none),
        "the changed line had no effect: cargo did not compile ui"
    );
}

#[test]
fn a_linker_has_to_have_linked() {
    let none = |_: &mut Activity| {};
    assert_eq!(told(Scenario::Cold, "linker=mold", 0, &["ui"], none), "");
    assert_eq!(
        told(Scenario::Cold, "linker=mold", 0, &["ui"], |activity| activity.links.clear()),
        "mold was not active: the linker script was never called"
    );
    let fallen_back = |activity: &mut Activity| {
        activity.links = BTreeMap::from([("default".to_owned(), 1), ("mold".to_owned(), 1)]);
    };
    assert_eq!(
        told(Scenario::Cold, "linker=mold", 0, &["ui"], fallen_back),
        "mold was not active: default linked 1 times"
    );
    let other = |activity: &mut Activity| activity.linked_by = Some("lld".to_owned());
    assert_eq!(
        told(Scenario::Cold, "linker=mold", 0, &["ui"], other),
        "mold was not active: the program says that lld linked it"
    );
    assert_eq!(told(Scenario::Cold, "linker=default", 0, &["ui"], other), "");
    let silent = |activity: &mut Activity| activity.linked_by = None;
    assert_eq!(
        told(Scenario::Cold, "linker=mold", 0, &["ui"], silent),
        "mold was not active: the program does not say that it linked"
    );
    // GNU's linker leaves no mark, so one of another is another.
    assert_eq!(told(Scenario::Cold, "linker=bfd", 0, &["ui"], none), "");
    assert_eq!(
        told(Scenario::Cold, "linker=bfd", 0, &["ui"], other),
        "bfd was not active: the program says that lld linked it"
    );
}

#[test]
fn a_cache_has_to_have_been_asked() {
    let none = |_: &mut Activity| {};
    assert_eq!(told(Scenario::Warm, "cache=kache", 0, &["ui"], none), "kache did not tell what it did");
    let idle = |activity: &mut Activity| activity.cache = Some(CacheActivity::default());
    assert_eq!(
        told(Scenario::Warm, "cache=kache", 0, &["ui"], idle),
        "kache was not active: it was called for none of 1 units"
    );
    let cold = |activity: &mut Activity| {
        activity.cache = Some(CacheActivity { requests: 9, misses: 9, ..CacheActivity::default() });
    };
    assert_eq!(
        told(Scenario::Warm, "cache=kache", 0, &["ui"], cold),
        "kache was not warm: none of 9 calls was a hit"
    );
    assert_eq!(told(Scenario::Cold, "cache=kache", 0, &["ui"], cold), "");
    // One hit makes no warm cache.
    let hardly = |activity: &mut Activity| {
        activity.cache = Some(CacheActivity { requests: 9, hits: 1, misses: 8, ..CacheActivity::default() });
    };
    assert_eq!(
        told(Scenario::Warm, "cache=kache", 0, &["ui"], hardly),
        "kache was not warm: 8 of 9 cacheable calls were misses, more than 10 %"
    );
}

#[test]
fn a_warm_cache_misses_one_call_in_ten_at_most() {
    let calls = |hits: u64, misses: u64| {
        let not_cacheable = BTreeMap::from([("crate-type".to_owned(), 400)]);
        let requests = hits + misses + 400;
        let cache = CacheActivity { requests, hits, misses, not_cacheable, ..CacheActivity::default() };
        let activity = Activity { compiled: Some(500), cache: Some(cache), ..Activity::default() };
        let variant: Variant = "cache=sccache".parse().unwrap();
        cache_contradiction(Scenario::Warm, &variant, &activity)
    };
    // What it does not cache is neither.
    for (hits, misses) in [(300, 0), (291, 9), (270, 30), (9, 1)] {
        assert_eq!(calls(hits, misses), None, "{hits} {misses}");
    }
    for (hits, misses) in [(269, 31), (8, 1), (51, 49), (151, 149)] {
        let told = calls(hits, misses).unwrap();
        let expected =
            format!("sccache was not warm: {misses} of {} cacheable calls were misses", hits + misses);
        assert!(told.starts_with(&expected), "{told}");
    }
}

#[test]
fn the_scripts_log() {
    let log = "mold 100.25 100.75 /t/deps/server-1\ndefault 1 2 /t/with a blank\nmold 10";
    let links = read_links(log);
    assert_eq!(links.len(), 2);
    assert_eq!(links[0].seconds, 0.5);
    assert_eq!(links[1].output, "/t/with a blank");
}

#[test]
fn an_emptied_cache_is_empty_and_a_full_one_has_lost_nothing() {
    assert_eq!(left_in_cache("kache", &Counters { size_bytes: Some(0), ..Counters::default() }), None);
    // Fewer hits than misses do not show it.
    assert_eq!(
        left_in_cache("kache", &Counters { requests: 3, hits: 1, misses: 2, ..Counters::default() }).unwrap(),
        "kache was not empty: it had 3 calls and 0 bytes before the build began"
    );
    assert!(left_in_cache("kache", &Counters { size_bytes: Some(7), ..Counters::default() }).is_some());
    let warm = |misses: u64| Activity {
        cache: Some(CacheActivity { requests: 9, hits: 9 - misses, misses, ..CacheActivity::default() }),
        ..Activity::default()
    };
    assert_eq!(missing_in_cache("sccache", 0, &warm(2)), None);
    assert_eq!(missing_in_cache("sccache", 2, &warm(0)), None);
    assert_eq!(
        missing_in_cache("sccache", 2, &warm(2)).unwrap(),
        "sccache was not full: it could not keep 2 results, and 2 calls were misses then"
    );
}

#[test]
fn a_restored_target_directory_is_used() {
    let none = |_: &mut Activity| {};
    assert_eq!(told(Scenario::WarmTarget, "mtimes=checkout", 90, &["ui"], none), "");
    assert_eq!(told(Scenario::WarmTarget, "mtimes=content", 90, &[], none), "");
    assert_eq!(
        told(Scenario::WarmTarget, "mtimes=content", 0, &["ui"], none),
        "the restored target directory had no effect: cargo reused no unit"
    );
    assert_eq!(
        told(Scenario::WarmTarget, "mtimes=checkout", 90, &[], none),
        "no file was new: cargo compiled nothing"
    );
}

#[test]
fn files_that_keep_their_times_save_something() {
    assert_eq!(without_effect(0, None), None);
    assert_eq!(without_effect(0, Some(4)), None);
    assert_eq!(without_effect(3, Some(4)), None);
    assert_eq!(
        without_effect(4, Some(4)).unwrap(),
        "files that kept their times had no effect: cargo compiled 4 units, and 4 where every file was new"
    );
    assert_eq!(
        without_effect(4, None).unwrap(),
        "files that kept their times had no effect: cargo compiled 4 units, and no build in which every file was \
         new can be compared"
    );
}

#[test]
fn nothing_compiled_has_to_be_told() {
    let step = |state: StepState| StepRecord { state, units: None, ..steps(0, &[]).remove(0) };
    let variant: Variant = "cache=none".parse().unwrap();
    let told = |state: StepState| {
        let built = built(&variant, vec![step(state)]);
        contradiction(Scenario::Hot, &variant, &built, &Activity::default(), None)
    };
    assert_eq!(told(StepState::Fresh), None);
    assert_eq!(told(StepState::Ran).unwrap(), "nobody told whether anything was compiled");
}

#[test]
fn driver_profile_and_debug_info_are_what_the_build_says() {
    let variant = |text: &str| Variant::usual("ci").overlaid(&text.parse().unwrap());
    let told = |text: &str, driver: &str, profile: &str, debuginfo: Option<&str>| {
        let mut steps = steps(0, &["server"]);
        let program = debuginfo
            .map(|debuginfo| ProgramSettings { opt_level: "3".to_owned(), debuginfo: debuginfo.to_owned() });
        steps[0].units.as_mut().unwrap().program = program;
        let built =
            Built { driver: driver.to_owned(), profile: profile.to_owned(), steps, sizes: Vec::new() };
        build_contradiction(&variant(text), &built).unwrap_or_default()
    };
    assert_eq!(told("cache=none", "native", "ci", None), "");
    assert_eq!(told("driver=cargo-leptos", "cargo-leptos 0.3.10", "ci", None), "");
    assert_eq!(
        told("driver=cargo-leptos", "native", "ci", None),
        "cargo-leptos was not active: the build was driven by native"
    );
    assert_eq!(told("cache=none", "native", "dev", None), "ci was not active: the build's profile was dev");
    assert_eq!(told("debug=none", "native", "ci", Some("0")), "");
    assert_eq!(told("debug=line-tables-only", "native", "ci", Some("line-tables-only")), "");
    assert_eq!(
        told("debug=full", "native", "ci", Some("0")),
        "debug info full was not active: cargo compiled the server with 0"
    );
    assert_eq!(
        told("debug=none", "native", "ci", None),
        "cargo did not tell with what debug info it compiled, wanted was 0"
    );
}
