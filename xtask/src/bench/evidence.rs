//! Evidence: whether what was measured is what the arm says. Reads the build's report, the linker script's log and the
//! server's file. A sample without evidence is no measurement.

use std::path::Path;

use anyhow::Context;
use serde::Deserialize;

use super::caches::Counters;
use super::scenario::Scenario;
use super::variant::{Axis, Variant};
use crate::record::bench::activity::Activity;
use crate::record::{Sizes, StepRecord, StepState, UnitCounts};
use crate::tools::local::{BFD, DEFAULT_LINKER, linked_by};

/// The share of misses among a warm build's cacheable calls up to which its cache was warm. The rest is what a cache
/// may lose by chance; both caches have none on a small workspace, and few on an app.
const MISSES_MAX: f64 = 0.1;

/// What a build said of itself.
#[derive(Debug, Deserialize)]
pub struct Built {
    /// `native`, or `cargo-leptos` with its version.
    pub driver: String,
    pub profile: String,
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
    built: &Built,
    activity: &Activity,
    package: Option<&str>,
) -> Option<String> {
    scenario_contradiction(scenario, variant, &built.steps, activity, package)
        .or_else(|| build_contradiction(variant, built))
        .or_else(|| cache_contradiction(scenario, variant, activity))
        .or_else(|| linker_contradiction(variant, activity))
}

fn scenario_contradiction(
    scenario: Scenario,
    variant: &Variant,
    steps: &[StepRecord],
    activity: &Activity,
    package: Option<&str>,
) -> Option<String> {
    let units = || steps.iter().filter_map(|step| step.units.as_ref());
    let compiled = activity.compiled.unwrap_or(0);
    // A build that finds nothing touched does not ask cargo, and says so.
    let is_untouched = units().next().is_none() && steps.iter().any(|step| step.state == StepState::Fresh);
    match scenario {
        Scenario::Cold | Scenario::Warm => {
            // Later steps find what earlier ones made: host units serve both halves.
            let fresh = units().next().map_or(0, |units| units.fresh);
            (fresh > 0 || compiled == 0)
                .then(|| format!("the target directory was not empty: cargo reused {fresh} units"))
        }
        Scenario::Hot if compiled > 0 => {
            Some(format!("something had changed: cargo compiled {compiled} units"))
        }
        Scenario::Hot => (activity.compiled.is_none() && !is_untouched)
            .then(|| "nobody told whether anything was compiled".to_owned()),
        Scenario::WarmTarget if activity.fresh.unwrap_or(0) == 0 && !is_untouched => {
            Some("the restored target directory had no effect: cargo reused no unit".to_owned())
        }
        Scenario::WarmTarget => (variant.get(Axis::Mtimes) == "checkout" && compiled == 0)
            .then(|| "no file was new: cargo compiled nothing".to_owned()),
        Scenario::PatchServer | Scenario::PatchUi | Scenario::PatchCore => {
            let package = package.unwrap_or_default();
            let has_package = |units: &UnitCounts| units.compiled_packages.iter().any(|name| name == package);
            (!units().any(has_package))
                .then(|| format!("the changed line had no effect: cargo did not compile {package}"))
        }
        Scenario::Link | Scenario::WasmOpt => None,
    }
}

/// Driver, profile and debug info, by what the build and cargo itself say of them.
fn build_contradiction(variant: &Variant, built: &Built) -> Option<String> {
    let (driver, profile) = (variant.get(Axis::Driver), variant.get(Axis::Profile));
    if built.driver.split(' ').next() != Some(driver) {
        return Some(format!("{driver} was not active: the build was driven by {}", built.driver));
    }
    if built.profile != profile {
        return Some(format!("{profile} was not active: the build's profile was {}", built.profile));
    }
    let expected = match variant.get(Axis::Debug) {
        "none" => "0",
        "full" => "2",
        "profile" => return None,
        word => word,
    };
    let units = built.steps.iter().filter_map(|step| step.units.as_ref());
    match units.filter_map(|units| units.program.as_ref()).next_back() {
        Some(program) if program.debuginfo == expected => None,
        Some(program) => Some(format!(
            "debug info {} was not active: cargo compiled the server with {}",
            variant.get(Axis::Debug),
            program.debuginfo
        )),
        None => Some(format!("cargo did not tell with what debug info it compiled, wanted was {expected}")),
    }
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
    let cacheable = cache.hits + cache.misses;
    if scenario == Scenario::Warm && cache.misses as f64 > cacheable as f64 * MISSES_MAX {
        return Some(format!(
            "{name} was not warm: {} of {cacheable} cacheable calls were misses, more than {:.0} %",
            cache.misses,
            MISSES_MAX * 100.0
        ));
    }
    if scenario == Scenario::Cold && cache.hits > cache.misses {
        return Some(format!("{name} was not empty: {} of its calls were hits", cache.hits));
    }
    None
}

/// Why a cache that was emptied is not empty, by its counters before a cold build.
pub fn left_in_cache(name: &str, before: &Counters) -> Option<String> {
    let calls = before.requests.max(before.hits + before.misses);
    let bytes = before.size_bytes.unwrap_or(0);
    (calls > 0 || bytes > 0).then(|| {
        format!("{name} was not empty: it had {calls} calls and {bytes} bytes before the build began")
    })
}

/// Why a cache was not full, where `lost` results could not be written when it was filled: what is missing then is
/// compiled in a warm build.
pub fn missing_in_cache(name: &str, lost: u64, activity: &Activity) -> Option<String> {
    let misses = activity.cache.as_ref().map_or(0, |cache| cache.misses);
    (lost > 0 && misses > 0).then(|| {
        format!("{name} was not full: it could not keep {lost} results, and {misses} calls were misses then")
    })
}

/// Why files that keep their times had no effect: cargo compiled `compiled` units, and as many where every file was
/// new (`of_new_files`; `None` where no such build is a sample).
pub fn without_effect(compiled: usize, of_new_files: Option<usize>) -> Option<String> {
    let told = format!("files that kept their times had no effect: cargo compiled {compiled} units");
    match of_new_files {
        _ if compiled == 0 => None,
        Some(more) if compiled < more => None,
        Some(all) => Some(format!("{told}, and {all} where every file was new")),
        None => Some(format!("{told}, and no build in which every file was new can be compared")),
    }
}

fn linker_contradiction(variant: &Variant, activity: &Activity) -> Option<String> {
    let wanted = variant.get(Axis::Linker);
    let others: Vec<&str> =
        activity.links.keys().map(String::as_str).filter(|name| *name != wanted).collect();
    if let Some(other) = others.first() {
        return Some(format!("{wanted} was not active: {other} linked {} times", activity.links[*other]));
    }
    // A compile cache may have given back what was linked before.
    let has_cache = variant.get(Axis::Cache) != "none";
    let has_compiled = activity.compiled.is_some_and(|compiled| compiled > 0);
    if activity.links.is_empty() && has_compiled && wanted != DEFAULT_LINKER && !has_cache {
        return Some(format!("{wanted} was not active: the linker script was never called"));
    }
    mark_contradiction(wanted, activity.linked_by.as_deref())
}

/// Whether the mark that a linker leaves in the program is that of another one. What rustc does on its own may be any;
/// GNU's leaves none.
pub fn mark_contradiction(wanted: &str, mark: Option<&str>) -> Option<String> {
    let expected = (wanted != BFD).then_some(wanted);
    if wanted == DEFAULT_LINKER || mark == expected {
        return None;
    }
    Some(match mark {
        Some(other) => format!("{wanted} was not active: the program says that {other} linked it"),
        None => format!("{wanted} was not active: the program does not say that it linked"),
    })
}

#[cfg(test)]
#[path = "evidence_tests.rs"]
mod tests;
