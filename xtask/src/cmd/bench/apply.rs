//! `cargo xtask bench --apply`: plain cargo uses what was faster, and a compile cache only where its builds are those
//! without it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::notes;
use crate::bench::caches;
use crate::bench::winners::{self, Winner, Winners};
use crate::cmd::context::Context;
use crate::exec::Executor;
use crate::plan::quote;
use crate::record::bench::BenchRecord;
use crate::report::Format;
use crate::tools::local::{self, CacheChoice, Choice, LinkerChoice};

const NO_GAIN: &str = "no other is faster";

/// Lets plain cargo use what was faster; what the run says nothing about stays as it is.
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
    let root = &context.workspace.root;
    let choice = choice(&winners, &programs);
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

/// What is written. A linker or a cache that works is not switched on for that: it has to have been faster.
fn choice(winners: &Winners, programs: &BTreeMap<String, PathBuf>) -> Choice {
    let linker = match &winners.linker {
        Winner::Faster(linker) => LinkerChoice::This(linker.clone()),
        Winner::Usual => LinkerChoice::This(winners::NO_LINKER.to_owned()),
        Winner::CannotTell | Winner::NotMeasured => LinkerChoice::Keep,
    };
    let cache = match &winners.cache {
        Winner::Faster(cache) => programs.get(cache).cloned().map_or(CacheChoice::Keep, CacheChoice::This),
        Winner::Usual => CacheChoice::None,
        Winner::CannotTell | Winner::NotMeasured => CacheChoice::Keep,
    };
    Choice { linker, cache }
}

/// What is chosen, and why not what was faster still. `programs` are the caches' own, which are in no `PATH`.
fn told(winners: &Winners, programs: &BTreeMap<String, PathBuf>) -> Vec<String> {
    let name = |winner: &Winner, usual: &str, why: &str| match winner {
        Winner::Faster(winner) => winner.clone(),
        Winner::Usual => format!("{usual} ({why})"),
        Winner::CannotTell => format!("as it is (whether another is faster than {usual} cannot be told)"),
        Winner::NotMeasured => format!("as it is (none was measured beside {usual})"),
    };
    let why = if winners.not_trusted.is_empty() { NO_GAIN } else { "none that is trusted is faster" };
    let chosen = format!(
        "linker: {}; compile cache: {}",
        name(&winners.linker, winners::NO_LINKER, NO_GAIN),
        name(&winners.cache, winners::NO_CACHE, why)
    );
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
    use crate::bench::shared_tests;
    use crate::record::bench::VerdictKind;

    #[test]
    fn why_the_fastest_cache_is_not_chosen_and_how_it_is_used_all_the_same() {
        let not_trusted = [("kache", 0.0163), ("sccache", 0.3), ("sccache-s3", 0.4), ("gone", 0.5)];
        let winners = Winners {
            linker: Winner::Faster("mold".to_owned()),
            cache: Winner::Usual,
            not_trusted: not_trusted.map(|(cache, ratio)| (cache.to_owned(), ratio)).to_vec(),
        };
        let programs =
            [("kache", "/home/t/kache"), ("sccache", "/a b/sccache"), ("sccache-s3", "/t/sccache")];
        let programs: BTreeMap<String, PathBuf> =
            programs.map(|(cache, program)| (cache.to_owned(), PathBuf::from(program))).into();
        expect![[r#"
            linker: mold; compile cache: none (none that is trusted is faster)
            kache is faster (0.016 of the time of none) but not trusted: in this workspace a build through it may not be the build without (the report's notes say when); `RUSTC_WRAPPER=/home/t/kache` uses it all the same
            sccache is faster (0.300 of the time of none) but not trusted: in this workspace a build through it may not be the build without (the report's notes say when); `RUSTC_WRAPPER='/a b/sccache'` uses it all the same
            sccache-s3 is faster (0.400 of the time of none) but not trusted: in this workspace a build through it may not be the build without (the report's notes say when); `RUSTC_WRAPPER=/t/sccache`, where SCCACHE_BUCKET is set, uses it all the same
            gone is faster (0.500 of the time of none) but not trusted: in this workspace a build through it may not be the build without (the report's notes say when)"#]]
        .assert_eq(&told(&winners, &programs).join("\n"));
    }

    /// What is said of links, then of caches, in a run with these verdicts, and what is written.
    fn of(verdicts: &[(&str, &str, VerdictKind)], trusted: bool) -> (String, Choice) {
        let mut run = shared_tests::record("20260101-000000", "link/linker", &[]);
        run.verdicts = verdicts
            .iter()
            .map(|(comparison, arm, kind)| shared_tests::verdict(comparison, arm, *kind, 0.5))
            .collect();
        let programs = BTreeMap::from([("sccache".to_owned(), PathBuf::from("/t/sccache"))]);
        let winners = winners::winners(&run, |_| trusted);
        (told(&winners, &programs).remove(0), choice(&winners, &programs))
    }

    #[test]
    fn only_what_was_faster_is_switched_on() {
        use VerdictKind::*;
        let keep = Choice { linker: LinkerChoice::Keep, cache: CacheChoice::Keep };
        // Ten minutes with one cache: it has no verdict beside none, and stays off though it is there.
        let (said, written) = of(&[("link/linker", "mold", CannotTell)], true);
        expect!["linker: as it is (whether another is faster than default cannot be told); compile cache: as it is (none was measured beside none)"].assert_eq(&said);
        assert_eq!(written, keep);
        let (said, written) = of(&[("warm/cache", "sccache", OneSample)], true);
        expect!["linker: as it is (none was measured beside default); compile cache: as it is (whether another is faster than none cannot be told)"].assert_eq(&said);
        assert_eq!(written, keep);
        let no_gain =
            [("link/linker", "mold", NoMeasurableGain), ("warm/cache", "sccache", NoMeasurableGain)];
        let (said, written) = of(&no_gain, true);
        expect!["linker: default (no other is faster); compile cache: none (no other is faster)"]
            .assert_eq(&said);
        let usual = LinkerChoice::This("default".to_owned());
        assert_eq!(written, Choice { linker: usual.clone(), cache: CacheChoice::None });
        let faster = [("link/linker", "mold", Faster), ("warm/cache", "sccache", Faster)];
        let (said, written) = of(&faster, true);
        expect!["linker: mold; compile cache: sccache"].assert_eq(&said);
        let mold = LinkerChoice::This("mold".to_owned());
        let sccache = CacheChoice::This(PathBuf::from("/t/sccache"));
        assert_eq!(written, Choice { linker: mold.clone(), cache: sccache });
        let (said, written) = of(&faster, false);
        expect!["linker: mold; compile cache: none (none that is trusted is faster)"].assert_eq(&said);
        assert_eq!(written, Choice { linker: mold, cache: CacheChoice::None });
    }
}
