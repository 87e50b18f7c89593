//! `cargo xtask bench --apply`: plain cargo uses what was faster, and what is known against the caches is told.

use std::collections::BTreeMap;

use crate::bench::caches;
use crate::bench::matrix::Planned;
use crate::bench::variant::Axis;
use crate::bench::winners::{self, Winners};
use crate::cmd::context::Context;
use crate::exec::Executor;
use crate::record::bench::BenchRecord;
use crate::report::Format;
use crate::tools::local::{self, CacheChoice, Choice};

/// What is known against each cache that is measured, for the record's notes: a figure of a cache alone would be a
/// recommendation.
pub fn caveats(exec: &Executor, planned: &[Planned]) -> anyhow::Result<Vec<String>> {
    let arms = planned.iter().flat_map(|planned| planned.comparison.arms.iter().zip(&planned.variants));
    let mut names: Vec<&str> = Vec::new();
    for (_, variant) in arms.filter(|(arm, _)| arm.unavailable.is_none()) {
        let name = variant.get(Axis::Cache);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let mut notes = Vec::new();
    for name in names {
        if let Ok(cache) = caches::find(exec, name)? {
            notes.extend(
                caches::caveats(&cache).iter().map(|caveat| format!("before {name} is used: {caveat}")),
            );
        }
    }
    Ok(notes)
}

/// Lets plain cargo use what was faster; what the run says nothing about stays as `setup --local` would choose it.
pub fn apply(exec: &Executor, context: &Context, record: &BenchRecord) -> anyhow::Result<()> {
    let mut is_trusted = BTreeMap::new();
    let mut programs = BTreeMap::new();
    for name in caches::NAMES {
        if let Ok(cache) = caches::find(exec, name)? {
            is_trusted.insert(name, caches::caveats(&cache).is_empty());
            programs.extend(cache.program().map(|program| (name.to_owned(), program.to_owned())));
        }
    }
    let winners = winners::winners(record, |name| is_trusted.get(name).copied().unwrap_or(false));
    for line in told(&winners) {
        exec.ui().note(line);
    }
    let choice = Choice {
        linker: winners.linker,
        cache: winners.cache.as_deref().map(|name| match programs.get(name) {
            Some(program) => CacheChoice::This(program.clone()),
            None => CacheChoice::None,
        }),
    };
    let root = &context.workspace.root;
    let report = local::write(exec, &context.toolchain, root, &context.cargo_config, &choice)?;
    for note in &report.notes {
        exec.ui().note(note);
    }
    // Standard output has the run's report.
    for line in crate::cmd::setup::local::render(&report, Format::Human)?.lines() {
        exec.ui().status("", line);
    }
    Ok(())
}

/// What is chosen, and why not what was faster still.
fn told(winners: &Winners) -> Vec<String> {
    let name = |winner: &Option<String>| winner.clone().unwrap_or("not measured against none".to_owned());
    let chosen = format!("linker: {}; compile cache: {}", name(&winners.linker), name(&winners.cache));
    let not_trusted = winners.not_trusted.iter().map(|(cache, ratio)| {
        format!(
            "{cache} is faster ({ratio:.3} of the time of none) but not trusted: in some apps a build through it is \
             not the build without (the report's notes say when); `RUSTC_WRAPPER={cache}` uses it all the same"
        )
    });
    std::iter::once(chosen).chain(not_trusted).collect()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn why_the_fastest_cache_is_not_chosen() {
        let winners = Winners {
            linker: Some("mold".to_owned()),
            cache: Some("none".to_owned()),
            not_trusted: vec![("kache".to_owned(), 0.0163)],
        };
        expect![[r#"
            linker: mold; compile cache: none
            kache is faster (0.016 of the time of none) but not trusted: in some apps a build through it is not the build without (the report's notes say when); `RUSTC_WRAPPER=kache` uses it all the same"#]]
        .assert_eq(&told(&winners).join("\n"));
        let nothing = Winners { linker: None, cache: None, not_trusted: Vec::new() };
        assert_eq!(
            told(&nothing),
            ["linker: not measured against none; compile cache: not measured against none"]
        );
    }
}
