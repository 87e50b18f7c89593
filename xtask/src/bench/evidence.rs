//! Evidence: whether what was measured is what the arm says. Reads the build's report, the linker script's log and the
//! server's file. A sample without evidence is no measurement.

use std::path::Path;

use anyhow::Context;
use serde::Deserialize;

use super::scenario::Scenario;
use super::variant::{Axis, Variant};
use crate::record::bench::activity::Activity;
use crate::record::{Sizes, StepRecord};
use crate::tools::local::{BFD, DEFAULT_LINKER, linked_by};

/// What a build said of itself.
#[derive(Debug, Deserialize)]
pub struct Built {
    pub steps: Vec<StepRecord>,
    pub sizes: Vec<Sizes>,
}

/// One link, as the linker script noted it. Times are seconds since 1970.
#[derive(Clone, Debug, PartialEq)]
pub struct Linked {
    pub linker: String,
    pub start: f64,
    pub seconds: f64,
    /// The file that was made.
    pub output: String,
}

/// Reads the JSON report of `cargo xtask build`.
pub fn read_build(stdout: &str) -> anyhow::Result<Built> {
    serde_json::from_str(stdout).context("the build's report is no JSON report of a build")
}

/// Reads the linker script's log; lines that were cut off are left out.
pub fn read_links(log: &str) -> Vec<Linked> {
    let line = |line: &str| {
        let mut words = line.splitn(4, ' ');
        let (linker, start, end) = (words.next()?, words.next()?, words.next()?);
        let (start, end): (f64, f64) = (start.parse().ok()?, end.parse().ok()?);
        let output = words.next()?.to_owned();
        Some(Linked { linker: linker.to_owned(), start, seconds: end - start, output })
    };
    log.lines().filter_map(line).collect()
}

/// The evidence of a build.
pub fn of_build(built: &Built, links: &[Linked], server: &Path) -> Activity {
    let units = || built.steps.iter().filter_map(|step| step.units.as_ref());
    let mut activity = Activity {
        compiled: units().next().map(|_| units().map(|units| units.compiled).sum()),
        fresh: units().next().map(|_| units().map(|units| units.fresh).sum()),
        linked_by: std::fs::read(server).ok().and_then(|bytes| linked_by(&bytes)).map(str::to_owned),
        ..Activity::default()
    };
    for link in links {
        *activity.links.entry(link.linker.clone()).or_default() += 1;
    }
    activity
}

/// Why the sample is none of this scenario and variant; `None` where it is.
pub fn contradiction(
    scenario: Scenario,
    variant: &Variant,
    steps: &[StepRecord],
    activity: &Activity,
    package: Option<&str>,
) -> Option<String> {
    let first = steps.iter().find_map(|step| step.units.as_ref());
    let compiled = activity.compiled.unwrap_or(0);
    match scenario {
        Scenario::Cold | Scenario::Warm => {
            // Later steps find what earlier ones made: host units serve both halves.
            let fresh = first.map_or(0, |units| units.fresh);
            if fresh > 0 || compiled == 0 {
                return Some(format!("the target directory was not empty: cargo reused {fresh} units"));
            }
        }
        Scenario::Hot if compiled > 0 => {
            return Some(format!("something had changed: cargo compiled {compiled} units"));
        }
        Scenario::PatchServer | Scenario::PatchUi | Scenario::PatchCore => {
            let package = package.unwrap_or_default();
            let seen = steps.iter().filter_map(|step| step.units.as_ref());
            if !seen.into_iter().any(|units| units.compiled_packages.iter().any(|name| name == package)) {
                return Some(format!("the changed line had no effect: cargo did not compile {package}"));
            }
        }
        _ => {}
    }
    cache_contradiction(scenario, variant, activity)
        .or_else(|| linker_contradiction(variant, activity, compiled))
}

fn cache_contradiction(scenario: Scenario, variant: &Variant, activity: &Activity) -> Option<String> {
    let name = variant.get(Axis::Cache);
    let Some(cache) = &activity.cache else {
        return (name != "none").then(|| format!("{name} did not tell what it did"));
    };
    let compiled = activity.compiled.unwrap_or(0);
    if cache.requests == 0 && compiled > 0 {
        return Some(format!("{name} was not active: it was called for none of {compiled} units"));
    }
    if scenario == Scenario::Warm && cache.hits == 0 {
        return Some(format!("{name} was not warm: none of {} calls was a hit", cache.requests));
    }
    if scenario == Scenario::Cold && cache.hits > cache.misses {
        return Some(format!("{name} was not empty: {} of its calls were hits", cache.hits));
    }
    None
}

fn linker_contradiction(variant: &Variant, activity: &Activity, compiled: usize) -> Option<String> {
    let wanted = variant.get(Axis::Linker);
    let others: Vec<&str> =
        activity.links.keys().map(String::as_str).filter(|name| *name != wanted).collect();
    if let Some(other) = others.first() {
        return Some(format!("{wanted} was not active: {other} linked {} times", activity.links[*other]));
    }
    // A compile cache may have given back what was linked before.
    let has_cache = variant.get(Axis::Cache) != "none";
    if activity.links.is_empty() && compiled > 0 && wanted != DEFAULT_LINKER && !has_cache {
        return Some(format!("{wanted} was not active: the linker script was never called"));
    }
    match &activity.linked_by {
        Some(other) if ![DEFAULT_LINKER, BFD, other.as_str()].contains(&wanted) => {
            Some(format!("{wanted} was not active: the server says that {other} linked it"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::record::bench::activity::CacheActivity;
    use crate::record::{StepState, UnitCounts};

    fn steps(fresh: usize, compiled: &[&str]) -> Vec<StepRecord> {
        let names: Vec<String> = compiled.iter().map(|name| (*name).to_owned()).collect();
        vec![StepRecord {
            name: "compile front".to_owned(),
            state: StepState::Ran,
            seconds: 1.0,
            cpu_seconds: None,
            units: Some(UnitCounts { fresh, compiled: names.len(), compiled_packages: names }),
            detail: String::new(),
        }]
    }

    fn told(
        scenario: Scenario,
        variant: &str,
        fresh: usize,
        compiled: &[&str],
        change: fn(&mut Activity),
    ) -> String {
        let variant: Variant = variant.parse().unwrap();
        let steps = steps(fresh, compiled);
        let mut activity = Activity {
            compiled: Some(compiled.len()),
            fresh: Some(fresh),
            links: BTreeMap::from([(variant.get(Axis::Linker).to_owned(), 2)]),
            ..Activity::default()
        };
        change(&mut activity);
        contradiction(scenario, &variant, &steps, &activity, Some("ui")).unwrap_or_default()
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
            "mold was not active: the server says that lld linked it"
        );
        assert_eq!(told(Scenario::Cold, "linker=default", 0, &["ui"], other), "");
    }

    #[test]
    fn a_cache_has_to_have_been_asked() {
        let counted = |requests: u64, hits: u64| CacheActivity {
            requests,
            hits,
            misses: requests - hits,
            ..CacheActivity::default()
        };
        let none = |_: &mut Activity| {};
        assert_eq!(told(Scenario::Warm, "cache=kache", 0, &["ui"], none), "kache did not tell what it did");
        let idle = |activity: &mut Activity| activity.cache = Some(CacheActivity::default());
        assert_eq!(
            told(Scenario::Warm, "cache=kache", 0, &["ui"], idle),
            "kache was not active: it was called for none of 1 units"
        );
        let _ = counted;
        let cold = |activity: &mut Activity| {
            activity.cache = Some(CacheActivity { requests: 9, misses: 9, ..CacheActivity::default() });
        };
        assert_eq!(
            told(Scenario::Warm, "cache=kache", 0, &["ui"], cold),
            "kache was not warm: none of 9 calls was a hit"
        );
        assert_eq!(told(Scenario::Cold, "cache=kache", 0, &["ui"], cold), "");
    }

    #[test]
    fn the_scripts_log() {
        let log = "mold 100.25 100.75 /t/deps/server-1\ndefault 1 2 /t/with a blank\nmold 10";
        let links = read_links(log);
        assert_eq!(links.len(), 2);
        assert_eq!(links[0].seconds, 0.5);
        assert_eq!(links[1].output, "/t/with a blank");
    }
}
