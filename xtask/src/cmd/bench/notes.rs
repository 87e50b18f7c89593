//! What a plan and a report say of compile caches beside their figures: where they write, and what is known against
//! them. A figure of a cache alone would be a recommendation.

use crate::bench::caches::{self, Readers};
use crate::bench::matrix::Planned;
use crate::bench::variant::Axis;
use crate::cmd::context::Context;
use crate::exec::Executor;

/// How one asks for measurements that write to a bucket.
pub const ASK_FOR_BUCKET: &str = "`--variant cache=sccache-s3`, `--axis cache` or `--full`";

/// That a run writes to the environment's bucket, or would if it were asked to.
pub fn bucket(planned: &[Planned]) -> Option<String> {
    of_bucket(&caches::bucket()?, planned)
}

fn of_bucket(place: &str, planned: &[Planned]) -> Option<String> {
    let arms = planned.iter().flat_map(|planned| planned.comparison.arms.iter().zip(&planned.variants));
    let mut in_bucket = arms
        .filter(|(_, variant)| variant.get(Axis::Cache) == caches::IN_BUCKET)
        .map(|(arm, _)| arm)
        .peekable();
    let name = caches::IN_BUCKET;
    if in_bucket.peek().is_some() {
        // Where it cannot be measured, the plan says why.
        return in_bucket.any(|arm| arm.unavailable.is_none()).then(|| {
            format!(
                "cache={name} writes to {place}, each time to another folder, and deletes nothing: the bucket's \
                 lifecycle has to, or `aws s3 rm --recursive {place}`"
            )
        });
    }
    let compares_caches = planned.iter().any(|planned| planned.comparison.axis == Axis::Cache.name());
    compares_caches.then(|| format!("{name} is left out: it writes to {place}; {ASK_FOR_BUCKET} measures it"))
}

/// What is known against each cache that is measured and concerns this workspace, or that nothing does.
pub fn caveats(exec: &Executor, context: &Context, planned: &[Planned]) -> anyhow::Result<Vec<String>> {
    let arms = planned.iter().flat_map(|planned| planned.comparison.arms.iter().zip(&planned.variants));
    let mut names: Vec<&str> = Vec::new();
    for (_, variant) in arms.filter(|(arm, _)| arm.unavailable.is_none()) {
        let name = variant.get(Axis::Cache);
        if name != "none" && !names.contains(&name) {
            names.push(name);
        }
    }
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let readers = readers(exec, context)?;
    let mut notes = Vec::new();
    for name in names {
        if let Ok(cache) = caches::find(exec, name)? {
            notes.extend(of_cache(name, &caches::concerns(&cache, &readers), &readers));
        }
    }
    Ok(notes)
}

/// What of this workspace a cache may overlook.
pub fn readers(exec: &Executor, context: &Context) -> anyhow::Result<Result<Readers, String>> {
    caches::readers(exec, &context.workspace.root, &context.toolchain.host)
}

fn of_cache(name: &str, concerns: &[String], readers: &Result<Readers, String>) -> Vec<String> {
    match readers {
        Ok(readers) if concerns.is_empty() => vec![format!(
            "nothing that is known against {name} concerns this workspace: of {} packages whose code runs in macros, \
             none reads variables or files by itself",
            readers.in_macros
        )],
        _ => concerns.iter().map(|concern| format!("before {name} is used: {concern}")).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::scenario::Scenario;
    use crate::bench::variant::Variant;
    use crate::record::bench::{Arm, Comparison};

    /// A comparison of compile caches, each with the reason why it cannot be measured.
    fn planned(axis: &str, caches: &[(&str, Option<&str>)]) -> Planned {
        let variants: Vec<Variant> =
            caches.iter().map(|(cache, _)| Variant::default().with(Axis::Cache, cache)).collect();
        let arms = caches.iter().map(|(cache, unavailable)| Arm {
            name: (*cache).to_owned(),
            version: None,
            variant: String::new(),
            unavailable: unavailable.map(str::to_owned),
        });
        let comparison = Comparison {
            id: format!("warm/{axis}"),
            scenario: "warm".to_owned(),
            axis: axis.to_owned(),
            arms: arms.collect(),
            runs: 1,
            estimated_seconds: None,
        };
        Planned { comparison, scenario: Scenario::Warm, variants }
    }

    #[test]
    fn where_a_run_writes_is_told() {
        let told = |planned: Planned| of_bucket("s3://b/xtask-bench/", &[planned]).unwrap_or_default();
        let writes = told(planned("variant", &[("none", None), ("sccache-s3", None)]));
        assert!(writes.starts_with("cache=sccache-s3 writes to s3://b/xtask-bench/, "), "{writes}");
        assert!(writes.ends_with("`aws s3 rm --recursive s3://b/xtask-bench/`"), "{writes}");
        assert_eq!(told(planned("cache", &[("none", None), ("sccache-s3", Some("broken"))])), "");
        assert_eq!(told(planned("linker", &[("none", None)])), "");
        let left_out = told(planned("cache", &[("none", None), ("kache", None)]));
        assert!(
            left_out.starts_with("sccache-s3 is left out: it writes to s3://b/xtask-bench/; "),
            "{left_out}"
        );
    }

    #[test]
    fn what_concerns_is_told_and_that_nothing_does() {
        let readers = Ok(Readers { in_macros: 3, ..Readers::default() });
        let none = of_cache("sccache", &[], &readers);
        assert_eq!(none.len(), 1);
        assert!(none[0].contains("against sccache concerns this workspace: of 3 packages"), "{none:?}");
        let some = of_cache("kache", &["it is wrong".to_owned()], &readers);
        assert_eq!(some, ["before kache is used: it is wrong"]);
    }
}
