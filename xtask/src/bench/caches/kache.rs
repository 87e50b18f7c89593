//! kache: its settings, and what its report says.
//!
//! Beside rustc's outputs it keeps what runs of build scripts left, and counts those runs like compilations.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use serde_json::Value;

use super::Settings;
use super::counters::Counters;
use super::session::{IDLE_SECONDS_MAX, SIZE_BYTES_MAX, variables};
use crate::exec::Executor;
use crate::plan::Invocation;

/// The layout of the report that we know.
const SCHEMA: u64 = 1;

pub fn settings(program: &Path, folder: &Path, socket: &Path) -> Settings {
    let at = |name: &str| folder.join(name).display().to_string();
    let set = [
        ("RUSTC_WRAPPER", program.display().to_string()),
        ("KACHE_CACHE_DIR", at("store")),
        ("KACHE_SOCKET_PATH", socket.display().to_string()),
        // There is none; the user's, the project's and the machine's do not count.
        ("KACHE_CONFIG", at("no-configuration.toml")),
        ("KACHE_HOST_CONFIG", String::new()),
        ("KACHE_LOG_FILE_PATH", at("kache.log")),
        ("KACHE_LOCAL_ONLY", "1".to_owned()),
        ("KACHE_MAX_SIZE", SIZE_BYTES_MAX.to_string()),
        ("KACHE_DAEMON_IDLE_TIMEOUT", IDLE_SECONDS_MAX.to_string()),
        // It would fill a new target directory from another arm's, without asking the cache.
        ("KACHE_SEED_NEW_TARGETS", "0".to_owned()),
        // What it does to target directories and to its store when nobody builds is not what is measured.
        ("KACHE_AUTO_SHARE_TARGET_FILES", "0".to_owned()),
        ("KACHE_AUTO_CLEAN_ORPHANED_TARGETS", "0".to_owned()),
        ("KACHE_AUTO_CLEAN_UNUSED_UNITS_DAYS", "0".to_owned()),
        ("KACHE_AUTO_RECOVER_MIN_FREE_BYTES", "0".to_owned()),
    ];
    let env: BTreeMap<String, String> =
        set.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let env_remove = variables("KACHE_").filter(|name| !env.contains_key(name)).collect();
    Settings { env, env_remove }
}

/// The command that serves until it is stopped.
pub fn serve(program: &Path, folder: &Path) -> Invocation {
    Invocation::new(program.display().to_string(), folder).args(["daemon", "run"])
}

/// The command that ends whatever server answers at the socket.
pub fn end(program: &Path, folder: &Path) -> Invocation {
    Invocation::new(program.display().to_string(), folder).args(["daemon", "stop"])
}

/// Asks for a report of all that was logged. A call is missing in it where the log was busy for longer than 5 ms.
pub fn counters(exec: &Executor, ask: Invocation, folder: &Path) -> anyhow::Result<Counters> {
    let file = folder.join("report.json");
    let ask = ask.args(["report", "--format", "json", "--since", "7d", "--top", "1000", "--output"]);
    exec.run(&ask.arg(file.display().to_string()))?;
    let report = std::fs::read_to_string(&file).context("it wrote no report")?;
    parse(&report)
}

fn parse(report: &str) -> anyhow::Result<Counters> {
    let report: Value = serde_json::from_str(report).context("its report is not JSON")?;
    let schema = report.get("schema_version").and_then(Value::as_u64);
    anyhow::ensure!(
        schema == Some(SCHEMA),
        "its report has another layout than the one that we know ({SCHEMA})"
    );
    let number = |pointer: &str| {
        report
            .pointer(pointer)
            .and_then(Value::as_u64)
            .with_context(|| format!("its report has no `{pointer}`"))
    };
    let mut counters = Counters {
        hits: number("/summary/local_hits")?
            + number("/summary/prefetch_hits")?
            + number("/summary/remote_hits")?,
        // A `dup` was compiled as well; the result turned out to be known under another key.
        misses: number("/summary/misses")? + number("/summary/dups")?,
        write_errors: number("/summary/store_failures")?,
        size_bytes: Some(number("/storage/blob_bytes")?),
        size_bytes_max: report.pointer("/storage/stores/0/max_size").and_then(Value::as_u64),
        ..Counters::default()
    };
    let reasons = report.pointer("/bypass/reasons").and_then(Value::as_array);
    for bypass in reasons.context("its report has no reasons")? {
        let text = |name: &str| bypass.get(name).and_then(Value::as_str).unwrap_or_default();
        let count = bypass.get("count").and_then(Value::as_u64).unwrap_or_default();
        match text("reason") {
            // Questions like `rustc -vV`.
            reason if reason.starts_with("not-a-compile") => {}
            reason if reason.starts_with("restore failed") => counters.read_errors += count,
            reason => *counters.not_cacheable.entry(category(reason)).or_default() += count,
        }
    }
    let not_cached: u64 = counters.not_cacheable.values().sum();
    counters.requests =
        counters.hits + counters.misses + counters.read_errors + not_cached + number("/summary/errors")?;
    Ok(counters)
}

/// The kind of a reason: what follows names a crate, a path or an error.
fn category(reason: &str) -> String {
    let reason = reason.strip_prefix("uncacheable|").unwrap_or(reason);
    let end = reason.find([':', '(', '`', '/']).unwrap_or(reason.len());
    match reason[..end].trim() {
        "" => "no reason given".to_owned(),
        kind => kind.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What 2.0.0 wrote, shortened.
    const REPORT: &str = r#"{"schema_version":1,"meta":{"kache_version":"2.0.0"},
        "summary":{"local_hits":7,"prefetch_hits":0,"remote_hits":0,"dups":1,"misses":2,"errors":0,"passthroughs":8,
            "probes":6,"skipped":2,"store_failures":1},
        "storage":{"blob_bytes":7540,"stores":[{"path":"/store","bytes":7540,"max_size":21474836480,"entries":1}]},
        "bypass":{"reasons":[
            {"result":"passthrough","reason":"not-a-compile|query / probe (--print, -vV)","count":6},
            {"result":"skipped","reason":"dep-info-staging: rustc store: missing dep-info rewrite anchor","count":2},
            {"result":"passthrough","reason":"uncacheable|native inputs for /a/b","count":1},
            {"result":"passthrough","reason":"restore failed: no space left","count":1}]}}"#;

    #[test]
    fn a_report_of_the_pinned_version() {
        let counters = parse(REPORT).unwrap();
        assert_eq!((counters.hits, counters.misses), (7, 3));
        assert_eq!((counters.write_errors, counters.read_errors), (1, 1));
        let reasons: Vec<_> =
            counters.not_cacheable.iter().map(|(kind, count)| (kind.as_str(), *count)).collect();
        assert_eq!(reasons, [("dep-info-staging", 2), ("native inputs for", 1)]);
        assert_eq!(counters.requests, 7 + 3 + 3 + 1);
        assert_eq!((counters.size_bytes, counters.size_bytes_max), (Some(7540), Some(20 << 30)));
    }

    #[test]
    fn another_layout_is_no_zero() {
        for report in
            ["<html>", "{}", &REPORT.replace("n\":1,\"meta", "n\":2,\"meta"), &REPORT.replace("dups", "same")]
        {
            assert!(parse(report).is_err(), "{report}");
        }
    }

    #[test]
    fn nothing_of_the_users_is_used() {
        let settings = settings(Path::new("/t/kache"), Path::new("/f"), Path::new("/f/s"));
        for name in ["KACHE_CACHE_DIR", "KACHE_CONFIG", "KACHE_LOG_FILE_PATH"] {
            assert!(settings.env[name].starts_with("/f/"), "{name}");
        }
        assert_eq!(settings.env["KACHE_LOCAL_ONLY"], "1");
    }
}
