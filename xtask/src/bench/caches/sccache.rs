//! sccache: its settings, and what its statistics say.
//!
//! Its server runs the compiler itself, so a compilation that it has to do is no child of the build.

use std::path::Path;

use anyhow::Context;
use serde_json::Value;

use super::Settings;
use super::counters::Counters;
use super::session::{IDLE_SECONDS_MAX, SIZE_BYTES_MAX, run_id, variables};
use crate::exec::Executor;
use crate::plan::Invocation;

/// What says where the user's bucket is; the credentials are AWS's own variables.
const OF_BUCKET: [&str; 4] = ["SCCACHE_BUCKET", "SCCACHE_REGION", "SCCACHE_ENDPOINT", "SCCACHE_S3_"];
const PREFIX: &str = "SCCACHE_S3_KEY_PREFIX";
/// What is ours in a bucket.
const OWN: &str = "xtask-bench/";

/// Where measurements write, e.g. `s3://results/xtask-bench/`; `None` where the environment configures no bucket.
pub fn bucket() -> Option<String> {
    let bucket = std::env::var("SCCACHE_BUCKET").ok().filter(|bucket| !bucket.is_empty())?;
    Some(format!("s3://{bucket}/{}", below_users_prefix(OWN)))
}

fn below_users_prefix(own: &str) -> String {
    let users = std::env::var(PREFIX).unwrap_or_default();
    match users.trim_matches('/') {
        "" => own.to_owned(),
        users => format!("{users}/{own}"),
    }
}

/// `life` counts how often the cache was emptied: objects in a bucket are not deleted, the next ones get another name.
/// Deleting them would take the user's credentials, which sccache finds in variables, files and services.
pub fn settings(program: &Path, s3: bool, folder: &Path, socket: &Path, life: usize) -> Settings {
    let mut settings = Settings::default();
    let mut set = |name: &str, value: String| settings.env.insert(name.to_owned(), value);
    set("RUSTC_WRAPPER", program.display().to_string());
    set("SCCACHE_SERVER_UDS", socket.display().to_string());
    set("SCCACHE_IDLE_TIMEOUT", IDLE_SECONDS_MAX.to_string());
    // There is none: the user's own file may name another storage.
    set("SCCACHE_CONF", folder.join("no-configuration").display().to_string());
    if s3 {
        set(PREFIX, below_users_prefix(&format!("{OWN}{}-{life}", run_id())));
    } else {
        set("SCCACHE_DIR", folder.join("results").display().to_string());
        set("SCCACHE_CACHE_SIZE", SIZE_BYTES_MAX.to_string());
    }
    let of_bucket = |name: &str| s3 && OF_BUCKET.iter().any(|start| name.starts_with(start));
    settings.env_remove =
        variables("SCCACHE_").filter(|name| !of_bucket(name) && !settings.env.contains_key(name)).collect();
    settings
}

/// The command that serves until it is stopped. No `--start-server`: that one leaves our process group.
pub fn serve(program: &Path, folder: &Path) -> Invocation {
    Invocation::new(program.display().to_string(), folder)
        .env("SCCACHE_START_SERVER", "1")
        .env("SCCACHE_NO_DAEMON", "1")
}

/// The command that ends whatever server answers at the socket.
pub fn end(program: &Path, folder: &Path) -> Invocation {
    Invocation::new(program.display().to_string(), folder).arg("--stop-server")
}

/// Asks the server. And whether it has written all that it has promised: it answers the compiler's caller first.
pub fn counters(exec: &Executor, ask: Invocation) -> anyhow::Result<(Counters, bool)> {
    let answer = exec.run(&ask.args(["--show-stats", "--stats-format=json"]))?.stdout;
    parse(&answer).context("its statistics are not the JSON that we know")
}

fn parse(answer: &str) -> Option<(Counters, bool)> {
    let answer: Value = serde_json::from_str(answer).ok()?;
    let stats = answer.get("stats")?;
    let number = |name: &str| stats.get(name).and_then(Value::as_u64);
    // By language.
    let sum = |name: &str| {
        let counts = stats.get(name)?.get("counts")?.as_object()?;
        Some(counts.values().filter_map(Value::as_u64).sum::<u64>())
    };
    let reasons = stats.get("not_cached")?.as_object()?;
    let counters = Counters {
        requests: number("compile_requests")?,
        hits: sum("cache_hits")?,
        misses: sum("cache_misses")?,
        not_cacheable: reasons
            .iter()
            .filter_map(|(reason, count)| Some((reason.clone(), count.as_u64()?)))
            .collect(),
        write_errors: number("cache_write_errors")?,
        read_errors: number("cache_read_errors")? + number("cache_timeouts").unwrap_or_default(),
        size_bytes: answer.get("cache_size").and_then(Value::as_u64),
        size_bytes_max: answer.get("max_cache_size").and_then(Value::as_u64),
        server_cpu_seconds: None,
    };
    let is_written = number("cache_writes")? + counters.write_errors >= counters.misses;
    Some((counters, is_written))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What 0.16.0 said, shortened.
    const ANSWER: &str = r#"{"stats":{"compile_requests":4,"requests_unsupported_compiler":0,
        "requests_not_compile":0,"requests_not_cacheable":2,"requests_executed":2,
        "cache_errors":{"counts":{},"adv_counts":{}},
        "cache_hits":{"counts":{"Rust":1,"C/C++":2},"adv_counts":{"rust":1}},
        "cache_misses":{"counts":{"Rust":1},"adv_counts":{"rust":1}},"cache_timeouts":0,"cache_read_errors":0,
        "cache_write_errors":0,"cache_writes":1,"compilations":1,"not_cached":{"crate-type":1,"missing input":1}},
        "cache_location":"Local disk","cache_size":5767,"max_cache_size":2147483648,"version":"0.16.0"}"#;

    #[test]
    fn statistics_of_the_pinned_version() {
        let (counters, is_written) = parse(ANSWER).unwrap();
        assert_eq!((counters.requests, counters.hits, counters.misses), (4, 3, 1));
        assert_eq!(counters.not_cacheable["crate-type"], 1);
        assert_eq!((counters.size_bytes, counters.size_bytes_max), (Some(5767), Some(2 << 30)));
        assert!(is_written);
        let (_, is_written) = parse(&ANSWER.replace("\"cache_writes\":1", "\"cache_writes\":0")).unwrap();
        assert!(!is_written);
        // A bucket has no size.
        let (counters, _) = parse(&ANSWER.replace(":5767", ":null").replace(":2147483648", ":null")).unwrap();
        assert_eq!((counters.size_bytes, counters.size_bytes_max), (None, None));
    }

    #[test]
    fn another_layout_is_no_zero() {
        for answer in ["<html>", "{}", &ANSWER.replace("cache_misses", "misses")] {
            assert_eq!(parse(answer), None, "{answer}");
        }
    }

    #[test]
    fn a_folder_of_its_own_or_the_bucket_of_the_environment() {
        let of = |s3, life| {
            let settings = settings(Path::new("/t/sccache"), s3, Path::new("/f"), Path::new("/f/s"), life);
            assert_eq!(settings.env["RUSTC_WRAPPER"], "/t/sccache");
            assert_eq!(settings.env["SCCACHE_SERVER_UDS"], "/f/s");
            settings.env
        };
        let disk = of(false, 0);
        assert_eq!(disk["SCCACHE_DIR"], "/f/results");
        assert!(!disk.contains_key(PREFIX));
        let bucket = of(true, 0);
        assert!(!bucket.contains_key("SCCACHE_DIR"));
        assert_ne!(bucket[PREFIX], of(true, 1)[PREFIX]);
        assert!(bucket[PREFIX].contains(OWN), "{}", bucket[PREFIX]);
    }
}
