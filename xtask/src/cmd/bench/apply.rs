//! `cargo xtask bench --apply`: plain cargo uses what was faster, and a compile cache only where its builds are those
//! without it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::notes;
use crate::bench::caches;
use crate::bench::winners::{self, Winners};
use crate::cmd::context::Context;
use crate::exec::Executor;
use crate::plan::quote;
use crate::record::bench::BenchRecord;
use crate::report::Format;
use crate::tools::local::{self, CacheChoice, Choice};

/// Lets plain cargo use what was faster; what the run says nothing about stays as `setup --local` would choose it.
pub fn apply(exec: &Executor, context: &Context, record: &BenchRecord) -> anyhow::Result<()> {
    let readers = notes::readers(exec, context)?;
    let mut is_trusted = BTreeMap::new();
    let mut programs = BTreeMap::new();
    for name in caches::NAMES {
        if let Ok(cache) = caches::find(exec, name)? {
            is_trusted.insert(name, caches::concerns(&cache, &readers).is_empty());
            programs.extend(cache.program().map(|program| (name.to_owned(), program.to_owned())));
        }
    }
    let winners = winners::winners(record, |name| is_trusted.get(name).copied().unwrap_or(false));
    for line in told(&winners, &programs) {
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

/// What is chosen, and why not what was faster still. `programs` are the caches' own, which are in no `PATH`.
fn told(winners: &Winners, programs: &BTreeMap<String, PathBuf>) -> Vec<String> {
    let name = |winner: &Option<String>| winner.clone().unwrap_or("not measured against none".to_owned());
    let chosen = format!("linker: {}; compile cache: {}", name(&winners.linker), name(&winners.cache));
    let not_trusted = winners.not_trusted.iter().map(|(cache, ratio)| {
        let used = programs.get(cache).map_or(String::new(), |program| {
            let bucket = if cache == caches::IN_BUCKET { ", where SCCACHE_BUCKET is set," } else { "" };
            let program = quote(&program.display().to_string());
            format!("; `RUSTC_WRAPPER={program}`{bucket} uses it all the same")
        });
        format!(
            "{cache} is faster ({ratio:.3} of the time of none) but not trusted: in this workspace a build through it \
             may not be the build without (the report's notes say when){used}"
        )
    });
    std::iter::once(chosen).chain(not_trusted).collect()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn why_the_fastest_cache_is_not_chosen_and_how_it_is_used_all_the_same() {
        let not_trusted = [("kache", 0.0163), ("sccache", 0.3), ("sccache-s3", 0.4), ("gone", 0.5)];
        let winners = Winners {
            linker: Some("mold".to_owned()),
            cache: Some("none".to_owned()),
            not_trusted: not_trusted.map(|(cache, ratio)| (cache.to_owned(), ratio)).to_vec(),
        };
        let programs =
            [("kache", "/home/t/kache"), ("sccache", "/a b/sccache"), ("sccache-s3", "/t/sccache")];
        let programs: BTreeMap<String, PathBuf> =
            programs.map(|(cache, program)| (cache.to_owned(), PathBuf::from(program))).into();
        expect![[r#"
            linker: mold; compile cache: none
            kache is faster (0.016 of the time of none) but not trusted: in this workspace a build through it may not be the build without (the report's notes say when); `RUSTC_WRAPPER=/home/t/kache` uses it all the same
            sccache is faster (0.300 of the time of none) but not trusted: in this workspace a build through it may not be the build without (the report's notes say when); `RUSTC_WRAPPER='/a b/sccache'` uses it all the same
            sccache-s3 is faster (0.400 of the time of none) but not trusted: in this workspace a build through it may not be the build without (the report's notes say when); `RUSTC_WRAPPER=/t/sccache`, where SCCACHE_BUCKET is set, uses it all the same
            gone is faster (0.500 of the time of none) but not trusted: in this workspace a build through it may not be the build without (the report's notes say when)"#]]
        .assert_eq(&told(&winners, &programs).join("\n"));
        let nothing = Winners { linker: None, cache: None, not_trusted: Vec::new() };
        assert_eq!(
            told(&nothing, &programs),
            ["linker: not measured against none; compile cache: not measured against none"]
        );
    }
}
