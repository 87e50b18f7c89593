//! What a run recommends for this machine: the linker and the compile cache that were faster than none. Pure.

use crate::record::bench::{BenchRecord, Verdict, VerdictKind};

/// Who a linker and a compile cache are compared with.
const NO_LINKER: &str = crate::tools::local::DEFAULT_LINKER;
const NO_CACHE: &str = "none";

/// A recommendation; `None` where the run says nothing about it, so that what is there stays.
#[derive(Clone, Debug, PartialEq)]
pub struct Winners {
    /// A linker's name, or what rustc does on its own.
    pub linker: Option<String>,
    /// A compile cache's name, or `none`.
    pub cache: Option<String>,
    /// Caches that were faster than what is recommended, the fastest first, with their time beside none: they give
    /// back wrong things to some.
    pub not_trusted: Vec<(String, f64)>,
}

/// The fastest arm with the verdict "faster" of each comparison; the baseline where none is and at least one has a
/// verdict. `is_trusted` says of a cache whether what it gives back equals what it was given.
pub fn winners(record: &BenchRecord, is_trusted: impl Fn(&str) -> bool) -> Winners {
    let caches = faster(record, "warm/cache", NO_CACHE);
    let linkers = faster(record, "link/linker", NO_LINKER);
    let first =
        |arms: &[(String, f64)], usual: &str| arms.first().map_or(usual.to_owned(), |(arm, _)| arm.clone());
    let trusted = caches.as_ref().map(|caches| caches.iter().position(|(cache, _)| is_trusted(cache)));
    let (cache, not_trusted) = match (caches, trusted) {
        (Some(caches), Some(trusted)) => {
            let (before, from) = caches.split_at(trusted.unwrap_or(caches.len()));
            (Some(first(from, NO_CACHE)), before.to_vec())
        }
        _ => (None, Vec::new()),
    };
    Winners { linker: linkers.map(|linkers| first(&linkers, NO_LINKER)), cache, not_trusted }
}

/// Arms with the verdict "faster" and their ratios, the fastest first; `None` where nothing can be told of any arm
/// beside the usual one.
fn faster(record: &BenchRecord, comparison: &str, usual: &str) -> Option<Vec<(String, f64)>> {
    let is_meant = |verdict: &&Verdict| verdict.comparison == comparison && verdict.baseline == usual;
    let verdicts = record.verdicts.iter().filter(is_meant);
    let told = |kind: VerdictKind| {
        matches!(kind, VerdictKind::Faster | VerdictKind::Slower | VerdictKind::NoMeasurableGain)
    };
    let judged: Vec<_> = verdicts.filter(|verdict| told(verdict.verdict)).collect();
    judged.first()?;
    let faster = judged.into_iter().filter(|verdict| verdict.verdict == VerdictKind::Faster);
    let mut faster: Vec<(String, f64)> =
        faster.map(|verdict| (verdict.arm.clone(), verdict.ratio.unwrap_or(1.0))).collect();
    faster.sort_by(|a, b| a.1.total_cmp(&b.1));
    Some(faster)
}

#[cfg(test)]
mod tests {
    use super::super::shared_tests::record;
    use super::*;

    fn with(verdicts: &[(&str, &str, VerdictKind, f64)]) -> BenchRecord {
        let mut record = record("20260101-000000", "link/linker", &[]);
        record.verdicts = verdicts
            .iter()
            .map(|(comparison, arm, kind, ratio)| Verdict {
                comparison: (*comparison).to_owned(),
                arm: (*arm).to_owned(),
                baseline: if comparison.ends_with("cache") { "none" } else { "default" }.to_owned(),
                verdict: *kind,
                ratio: Some(*ratio),
                low: None,
                high: None,
                coverage: None,
                pairs: 5,
                floor: 0.02,
            })
            .collect();
        record
    }

    #[test]
    fn the_fastest_that_is_faster_wins() {
        use VerdictKind::*;
        let record = with(&[
            ("link/linker", "lld", NoMeasurableGain, 0.99),
            ("link/linker", "mold", Faster, 0.6),
            ("link/linker", "wild", Faster, 0.5),
            ("warm/cache", "sccache", Faster, 0.4),
            ("warm/cache", "kache", Faster, 0.1),
        ]);
        let all = winners(&record, |_| true);
        assert_eq!((all.linker.as_deref(), all.cache.as_deref()), (Some("wild"), Some("kache")));
        assert_eq!(all.not_trusted, []);
        let careful = winners(&record, |name| name != "kache");
        assert_eq!(careful.cache.as_deref(), Some("sccache"));
        assert_eq!(careful.not_trusted, [("kache".to_owned(), 0.1)]);
        let none = winners(&record, |_| false);
        assert_eq!(none.cache.as_deref(), Some("none"));
        assert_eq!(none.not_trusted, [("kache".to_owned(), 0.1), ("sccache".to_owned(), 0.4)]);
    }

    #[test]
    fn one_cache_beside_another_says_nothing_of_none() {
        let mut record = with(&[("warm/cache", "sccache", VerdictKind::Slower, 4.0)]);
        record.verdicts[0].baseline = "kache".to_owned();
        assert_eq!(winners(&record, |_| true).cache, None);
    }

    #[test]
    fn without_a_verdict_nothing_changes_and_without_a_gain_the_usual_stays() {
        use VerdictKind::*;
        let record = with(&[
            ("link/linker", "mold", NoMeasurableGain, 0.99),
            ("warm/cache", "sccache", OneSample, 0.4),
        ]);
        let all = winners(&record, |_| true);
        assert_eq!((all.linker.as_deref(), all.cache), (Some("default"), None));
    }
}
