//! What shows that an arm of a benchmark was active: units, links, and the counters of a compile cache.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The evidence of one sample.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Activity {
    /// Units that cargo compiled, both halves together.
    pub compiled: Option<usize>,
    /// Units that cargo reused.
    pub fresh: Option<usize>,
    /// Who linked how often, by the linker script's own log: `{"mold": 34}`.
    pub links: BTreeMap<String, usize>,
    /// Who linked the server, by the `.comment` section of the binary.
    pub linked_by: Option<String>,
    /// `None` where no compile cache was to be used.
    pub cache: Option<CacheActivity>,
}

/// What the counters of a compile cache have grown by during one sample.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CacheActivity {
    /// `sccache` or `kache`.
    pub cache: String,
    /// How often it was called.
    pub requests: u64,
    pub hits: u64,
    pub misses: u64,
    /// Calls that it does not cache, by its own reason: `{"crate-type": 86}`.
    pub not_cacheable: BTreeMap<String, u64>,
    pub write_errors: u64,
    pub read_errors: u64,
    /// What the cache holds after the sample; `None` where it does not tell.
    pub size_bytes: Option<u64>,
    /// What it may hold at most.
    pub size_bytes_max: Option<u64>,
    /// CPU seconds of its server, which is no child of the build.
    pub server_cpu_seconds: Option<f64>,
}

impl CacheActivity {
    /// Hits over cacheable requests; `None` where nothing cacheable was asked.
    pub fn hit_rate(&self) -> Option<f64> {
        let cacheable = self.hits + self.misses;
        (cacheable > 0).then(|| self.hits as f64 / cacheable as f64)
    }
}
