//! What a run recommends for this machine: the linker and the compile cache that were faster than none. Pure.

use crate::record::bench::{BenchRecord, VerdictKind};

/// A recommendation; `None` where the run says nothing about it, so that what is there stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Winners {
    /// A linker's name, or what rustc does on its own.
    pub linker: Option<String>,
    /// A compile cache's name, or `none`.
    pub cache: Option<String>,
}

/// The fastest arm with the verdict "faster" of each comparison; the baseline where none is and at least one has a
/// verdict. `is_trusted` says of a cache whether what it gives back equals what it was given.
pub fn winners(record: &BenchRecord, is_trusted: impl Fn(&str) -> bool) -> Winners {
    Winners {
        linker: fastest(record, "link/linker", |_| true),
        cache: fastest(record, "warm/cache", is_trusted),
    }
}

fn fastest(record: &BenchRecord, comparison: &str, is_trusted: impl Fn(&str) -> bool) -> Option<String> {
    let verdicts = record.verdicts.iter().filter(|verdict| verdict.comparison == comparison);
    let told = |kind: VerdictKind| {
        matches!(kind, VerdictKind::Faster | VerdictKind::Slower | VerdictKind::NoMeasurableGain)
    };
    let judged: Vec<_> = verdicts.filter(|verdict| told(verdict.verdict)).collect();
    let baseline = judged.first()?.baseline.clone();
    let faster = judged
        .into_iter()
        .filter(|verdict| verdict.verdict == VerdictKind::Faster && is_trusted(&verdict.arm))
        .min_by(|a, b| a.ratio.unwrap_or(1.0).total_cmp(&b.ratio.unwrap_or(1.0)));
    Some(faster.map_or(baseline, |verdict| verdict.arm.clone()))
}

#[cfg(test)]
mod tests {
    use super::super::shared_tests::record;
    use super::*;
    use crate::record::bench::Verdict;

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
        assert_eq!(winners(&record, |name| name != "kache").cache.as_deref(), Some("sccache"));
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
