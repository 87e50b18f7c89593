//! What a compile cache counts, and by how much that has grown.

use std::collections::BTreeMap;

use crate::record::bench::activity::CacheActivity;

/// The counters of a cache since its server began, or since the cache was emptied.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counters {
    /// Calls of the cache as a compiler.
    pub requests: u64,
    pub hits: u64,
    pub misses: u64,
    /// By the cache's own reason.
    pub not_cacheable: BTreeMap<String, u64>,
    pub write_errors: u64,
    pub read_errors: u64,
    pub size_bytes: Option<u64>,
    pub size_bytes_max: Option<u64>,
    /// Of the server and of the compilers that it has run; `None` where it cannot be measured.
    pub server_cpu_seconds: Option<f64>,
}

/// What happened between two looks at the same cache. The reason where that cannot be told: a counter that went back
/// belongs to another server.
pub fn activity(cache: &str, before: &Counters, after: &Counters) -> Result<CacheActivity, String> {
    let lost = || format!("the counters of {cache} went back: its server was replaced meanwhile");
    let grown = |before: u64, after: u64| after.checked_sub(before).ok_or_else(lost);
    let mut not_cacheable = BTreeMap::new();
    for (reason, after) in &after.not_cacheable {
        let more = grown(before.not_cacheable.get(reason).copied().unwrap_or_default(), *after)?;
        if more > 0 {
            not_cacheable.insert(reason.clone(), more);
        }
    }
    if before.not_cacheable.keys().any(|reason| !after.not_cacheable.contains_key(reason)) {
        return Err(lost());
    }
    Ok(CacheActivity {
        cache: cache.to_owned(),
        requests: grown(before.requests, after.requests)?,
        hits: grown(before.hits, after.hits)?,
        misses: grown(before.misses, after.misses)?,
        not_cacheable,
        write_errors: grown(before.write_errors, after.write_errors)?,
        read_errors: grown(before.read_errors, after.read_errors)?,
        size_bytes: after.size_bytes,
        size_bytes_max: after.size_bytes_max,
        server_cpu_seconds: match (before.server_cpu_seconds, after.server_cpu_seconds) {
            (Some(before), Some(after)) => Some((after - before).max(0.0)),
            _ => None,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counters(hits: u64, reasons: &[(&str, u64)]) -> Counters {
        let not_cacheable = reasons.iter().map(|(reason, count)| ((*reason).to_owned(), *count)).collect();
        Counters {
            requests: hits + 1,
            hits,
            not_cacheable,
            size_bytes: Some(hits * 10),
            ..Counters::default()
        }
    }

    #[test]
    fn only_what_has_grown_is_told() {
        let before =
            Counters { server_cpu_seconds: Some(1.0), ..counters(3, &[("crate-type", 2), ("-", 1)]) };
        let after = Counters { server_cpu_seconds: Some(1.5), ..counters(8, &[("crate-type", 6), ("-", 1)]) };
        let activity = activity("sccache", &before, &after).unwrap();
        assert_eq!((activity.requests, activity.hits, activity.misses), (5, 5, 0));
        assert_eq!(activity.not_cacheable, BTreeMap::from([("crate-type".to_owned(), 4)]));
        assert_eq!(activity.size_bytes, Some(80), "a size is no counter");
        assert_eq!(activity.server_cpu_seconds, Some(0.5));
        assert_eq!(activity.hit_rate(), Some(1.0));
    }

    #[test]
    fn a_server_that_began_again_is_seen() {
        let before = counters(3, &[("crate-type", 2)]);
        for after in [counters(2, &[("crate-type", 2)]), counters(9, &[("crate-type", 1)]), counters(9, &[])]
        {
            let reason = activity("sccache", &before, &after).unwrap_err();
            assert!(reason.contains("its server was replaced"), "{reason}");
        }
        assert_eq!(activity("sccache", &before, &before).unwrap().server_cpu_seconds, None);
    }
}
