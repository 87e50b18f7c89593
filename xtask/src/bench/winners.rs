//! What a run recommends for this machine: the linker and the compile cache that were faster than the usual one. Pure.

use crate::record::bench::{BenchRecord, Verdict, VerdictKind};

/// Who a linker and a compile cache are compared with.
pub const NO_LINKER: &str = crate::tools::local::DEFAULT_LINKER;
pub const NO_CACHE: &str = "none";

/// What a run says of an axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Winner {
    /// The fastest of those that are faster than the usual one and, of caches, trusted.
    Faster(String),
    /// No other is, so the usual one.
    Usual,
    /// None is faster for certain, and of one at least nothing can be told: what is there stays.
    CannotTell,
    /// Nothing was measured beside the usual one: what is there stays.
    NotMeasured,
}

/// A recommendation.
#[derive(Clone, Debug, PartialEq)]
pub struct Winners {
    pub linker: Winner,
    pub cache: Winner,
    /// Caches that were faster than what is recommended, the fastest first, with their time beside none: they give
    /// back wrong things to some.
    pub not_trusted: Vec<(String, f64)>,
}

/// The fastest arm with the verdict "faster" of each comparison; the baseline where all other arms are known not to be.
/// `is_trusted` says of a cache whether what it gives back equals what it was given.
pub fn winners(record: &BenchRecord, is_trusted: impl Fn(&str) -> bool) -> Winners {
    let (linkers, caches) =
        (judged(record, "link/linker", NO_LINKER), judged(record, "warm/cache", NO_CACHE));
    let fastest = caches.faster.iter().position(|(cache, _)| is_trusted(cache));
    let (not_trusted, trusted) = caches.faster.split_at(fastest.unwrap_or(caches.faster.len()));
    Winners {
        linker: winner(&linkers, &linkers.faster),
        cache: winner(&caches, trusted),
        not_trusted: not_trusted.to_vec(),
    }
}

fn winner(judged: &Judged, faster: &[(String, f64)]) -> Winner {
    match faster.first() {
        Some((arm, _)) => Winner::Faster(arm.clone()),
        None if judged.are_unclear => Winner::CannotTell,
        None if judged.are_measured => Winner::Usual,
        None => Winner::NotMeasured,
    }
}

/// What is said of the arms of a comparison beside the usual one.
struct Judged {
    /// Those that are faster, with their ratios, the fastest first.
    faster: Vec<(String, f64)>,
    are_measured: bool,
    /// Whether one at least was measured and nothing can be told of it.
    are_unclear: bool,
}

fn judged(record: &BenchRecord, comparison: &str, usual: &str) -> Judged {
    let is_meant = |verdict: &&Verdict| verdict.comparison == comparison && verdict.baseline == usual;
    let verdicts: Vec<&Verdict> = record.verdicts.iter().filter(is_meant).collect();
    let has = |kind: VerdictKind| verdicts.iter().any(|verdict| verdict.verdict == kind);
    let faster = verdicts.iter().filter(|verdict| verdict.verdict == VerdictKind::Faster);
    let mut faster: Vec<(String, f64)> =
        faster.map(|verdict| (verdict.arm.clone(), verdict.ratio.unwrap_or(1.0))).collect();
    faster.sort_by(|a, b| a.1.total_cmp(&b.1));
    Judged {
        faster,
        are_measured: verdicts.iter().any(|verdict| verdict.verdict != VerdictKind::NotMeasured),
        are_unclear: has(VerdictKind::CannotTell) || has(VerdictKind::OneSample),
    }
}

#[cfg(test)]
mod tests {
    use super::super::shared_tests::{record, verdict};
    use super::*;

    fn with(verdicts: &[(&str, &str, VerdictKind, f64)]) -> BenchRecord {
        let mut record = record("20260101-000000", "link/linker", &[]);
        record.verdicts = verdicts
            .iter()
            .map(|(comparison, arm, kind, ratio)| verdict(comparison, arm, *kind, *ratio))
            .collect();
        record
    }

    fn it(name: &str) -> Winner {
        Winner::Faster(name.to_owned())
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
        assert_eq!((all.linker, all.cache), (it("wild"), it("kache")));
        assert_eq!(all.not_trusted, []);
        let careful = winners(&record, |name| name != "kache");
        assert_eq!(careful.cache, it("sccache"));
        assert_eq!(careful.not_trusted, [("kache".to_owned(), 0.1)]);
        let none = winners(&record, |_| false);
        assert_eq!(none.cache, Winner::Usual);
        assert_eq!(none.not_trusted, [("kache".to_owned(), 0.1), ("sccache".to_owned(), 0.4)]);
    }

    #[test]
    fn one_cache_beside_another_says_nothing_of_none() {
        let mut record = with(&[("warm/cache", "sccache", VerdictKind::Slower, 4.0)]);
        record.verdicts[0].baseline = "kache".to_owned();
        assert_eq!(winners(&record, |_| true).cache, Winner::NotMeasured);
    }

    #[test]
    fn without_a_verdict_nothing_changes_and_without_a_gain_the_usual_stays() {
        use VerdictKind::*;
        let of = |verdicts: &[(&str, VerdictKind)]| {
            let all: Vec<_> = verdicts.iter().map(|(arm, kind)| ("link/linker", *arm, *kind, 0.9)).collect();
            winners(&with(&all), |_| true).linker
        };
        assert_eq!(of(&[]), Winner::NotMeasured);
        assert_eq!(of(&[("mold", NotMeasured)]), Winner::NotMeasured);
        assert_eq!(of(&[("mold", NotMeasured), ("lld", NoMeasurableGain)]), Winner::Usual);
        assert_eq!(of(&[("mold", Slower)]), Winner::Usual);
        // One sample is no verdict, and what may be faster is not switched off for one that is not.
        assert_eq!(of(&[("mold", OneSample)]), Winner::CannotTell);
        assert_eq!(of(&[("mold", CannotTell), ("lld", NoMeasurableGain)]), Winner::CannotTell);
        assert_eq!(of(&[("mold", CannotTell), ("lld", Faster)]), it("lld"));
    }

    #[test]
    fn a_cache_that_is_not_trusted_hides_nothing_of_the_others() {
        use VerdictKind::*;
        let record =
            with(&[("warm/cache", "sccache", CannotTell, 0.9), ("warm/cache", "kache", Faster, 0.1)]);
        let told = winners(&record, |_| false);
        assert_eq!((told.cache, told.not_trusted), (Winner::CannotTell, vec![("kache".to_owned(), 0.1)]));
    }
}
