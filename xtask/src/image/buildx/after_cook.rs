//! What the build of the app compiled on top of the cooked dependencies, from what it printed.
//!
//! `xtask build --after-cook --format json` prints its record; cargo's own log, where it is switched on, says why a
//! unit that was there was not good any more. Pure.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::progress::Printed;
use crate::exec::without_escapes;
use crate::record::docker_build::AfterCook;
use crate::record::{Recompiled, UnitCounts};

/// The part of a build's record that matters here.
#[derive(Deserialize)]
struct Built {
    steps: Vec<Step>,
    #[serde(default)]
    recompiled: Option<Vec<Recompiled>>,
}

#[derive(Deserialize)]
struct Step {
    name: String,
    units: Option<UnitCounts>,
}

/// What was compiled; `None` where the build printed no record.
pub fn read(printed: &Printed) -> Option<AfterCook> {
    // Others may print before and after it, e.g. the statistics of a compile cache.
    let start = printed.stdout.find("{\n")?;
    let built =
        serde_json::Deserializer::from_str(&printed.stdout[start..]).into_iter::<Built>().next()?.ok()?;
    let units = |name: &str| {
        let step = built.steps.iter().find(|step| step.name == format!("compile {name}"));
        step.and_then(|step| step.units.clone())
    };
    let mut dependencies = built.recompiled.clone()?;
    let reasons = reasons(&printed.stderr);
    for dependency in &mut dependencies {
        for reason in reasons.get(&dependency.package).into_iter().flatten() {
            if !dependency.differences.contains(reason) {
                dependency.differences.push(reason.clone());
            }
        }
    }
    Some(AfterCook { front: units("front"), server: units("server"), dependencies })
}

/// Cargo's log by package: why a unit was compiled although it was there.
fn reasons(log: &str) -> BTreeMap<String, Vec<String>> {
    let log = without_escapes(log);
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut package = None;
    for line in log.lines() {
        if let Some((_, rest)) = line.split_once("fingerprint dirty for ") {
            package = rest.split(' ').next().map(str::to_owned);
        } else if let (Some((_, reason)), Some(package)) = (line.split_once("dirty: "), package.take()) {
            let reasons = found.entry(package).or_default();
            let reason = for_people(reason.trim());
            if !reasons.contains(&reason) {
                reasons.push(reason);
            }
        }
    }
    found
}

/// Cargo prints its reasons as Rust data. The common ones are about variables and dependencies.
fn for_people(reason: &str) -> String {
    let field = |names: &[&str]| {
        names.iter().find_map(|name| {
            let rest = reason.split_once(&format!("{name}: "))?.1;
            let rest = rest.strip_prefix("Some(").unwrap_or(rest);
            let value = rest.strip_prefix('"').and_then(|rest| rest.split('"').next());
            Some(value.map_or("none".to_owned(), str::to_owned))
        })
    };
    if reason.contains("EnvVarChanged") || reason.contains("ChangedEnv") {
        let (name, old) = (field(&["name", "var"]), field(&["old_value", "previous"]));
        let new = field(&["new_value", "current"]);
        let text = |value: Option<String>| value.unwrap_or_default();
        return format!("variable {}: {} before, now {}", text(name), text(old), text(new));
    }
    if reason.contains("UnitDependencyInfoChanged") || reason.contains("StaleDependency") {
        return "a dependency of it was compiled again".to_owned();
    }
    match reason.char_indices().nth(160) {
        Some((end, _)) => format!("{}…", &reason[..end]),
        None => reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_among_other_output_and_cargos_reasons() {
        let printed = Printed {
            stdout: "starting\n{\n \"steps\": [{\"name\": \"compile front\", \"units\": {\"fresh\": 3, \"compiled\": \
                     1, \"compiled_packages\": [\"app\"]}}, {\"name\": \"site\", \"units\": null}],\n \
                     \"recompiled\": [{\"package\": \"leptos\", \"half\": \"front\", \"differences\": []}]}\nhits 3\n"
                .to_owned(),
            stderr: "   0.1s  INFO \u{1b}[1mprepare_target{package_id=leptos v0.8.2}\u{1b}[0m: fingerprint dirty for \
                     leptos v0.8.2/Build/TargetInner { .. }\n   0.1s  INFO x:     dirty: FsStatusOutdated(StaleItem(\
                     ChangedEnv { var: \"LEPTOS_OUTPUT_NAME\", previous: None, current: Some(\"app\") }))\n"
                .to_owned(),
        };
        let found = read(&printed).unwrap();
        assert_eq!(found.front.unwrap().compiled_packages, ["app"]);
        assert_eq!(found.server, None);
        assert_eq!(found.dependencies[0].differences, ["variable LEPTOS_OUTPUT_NAME: none before, now app"]);
        assert!(read(&Printed { stdout: "no record".to_owned(), stderr: String::new() }).is_none());
    }
}
