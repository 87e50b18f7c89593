//! sccache in a bucket as an arm: measured only where somebody asks for it, told where it writes, and below that alone.

use std::collections::BTreeSet;

use serde_json::Value;

use super::measuring::{bench, samples, valid};
use crate::bench_caches::{Cache, program};
use crate::moto::{BUCKET, Moto};
use crate::running::get;
use crate::support::{Workspace, processes_with};

const VARIANT: &str = "cache=sccache-s3";
/// Where the run writes, below the user's own prefix.
const PREFIX: &str = "team/xtask-bench/";

/// The environment of somebody whose builds use a bucket at this address.
fn configured(endpoint: &str) -> Workspace {
    let mut workspace = Workspace::fixture();
    for (name, value) in [
        ("SCCACHE_BUCKET", BUCKET),
        ("SCCACHE_ENDPOINT", endpoint),
        ("SCCACHE_REGION", "us-east-1"),
        ("SCCACHE_S3_USE_SSL", "false"),
        ("SCCACHE_S3_KEY_PREFIX", "/team/"),
        ("AWS_ACCESS_KEY_ID", "an-account-of-tests"),
        ("AWS_SECRET_ACCESS_KEY", "its-key-that-nobody-checks"),
    ] {
        workspace.set(name, value);
    }
    workspace
}

/// What stands in elements of this name.
fn elements<'t>(xml: &'t str, name: &str) -> Vec<&'t str> {
    let (begin, end) = (format!("<{name}>"), format!("</{name}>"));
    xml.split(begin.as_str()).skip(1).filter_map(|rest| Some(rest.split_once(end.as_str())?.0)).collect()
}

#[test]
fn a_bucket_is_written_to_where_somebody_asks_for_it() {
    // Nobody listens there.
    let workspace = configured("http://127.0.0.1:9");
    let plan = |args: &[&str]| {
        let run = bench(&workspace, &[args, &["--dry-run"]].concat());
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        run
    };
    let place = format!("s3://{BUCKET}/{PREFIX}");
    let quick = plan(&[]);
    assert!(!quick.stdout.contains("sccache-s3"), "{}", quick.stdout);
    let left_out = format!("sccache-s3 is left out: it writes to {place}; `--variant cache=sccache-s3`");
    assert!(quick.stderr.contains(&left_out), "{}", quick.stderr);
    // Nothing is compared by compile caches, so there is nothing to say of one.
    assert!(!plan(&["--scenario", "link"]).stderr.contains("sccache-s3"));
    let run = plan(&["--scenario", "warm", "--format", "json"]);
    let arms: Value = serde_json::from_str(&run.stdout).unwrap();
    let arms = arms[0]["arms"].as_array().unwrap();
    let arm = arms.iter().find(|arm| arm["name"] == "sccache-s3").unwrap();
    let reason = arm["unavailable"].as_str().unwrap();
    assert!(reason.starts_with(&format!("it writes to {place}, so it is measured where")), "{reason}");
}

#[test]
fn sccache_in_a_bucket_is_filled_and_used() {
    let (Some(moto), Some(_)) = (Moto::start(), program(Cache::Sccache)) else { return };
    let endpoint = format!("http://{}", moto.address);
    let workspace = configured(&endpoint);
    let args = ["--profile", "dev", "--scenario", "cold,warm", "--variant", VARIANT, "--runs", "1"];
    let run = bench(&workspace, &[&args[..], &["--format", "json"]].concat());
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let record: Value = serde_json::from_str(&run.stdout).unwrap();
    let (cold, warm) = ("cold/cache=sccache-s3", "warm/cache=sccache-s3");
    for comparison in [cold, warm] {
        for arm in ["usual", VARIANT] {
            assert_eq!(valid(&record, comparison, arm), 1, "{comparison} {arm}: {record}");
        }
    }
    let cache = |comparison: &str| samples(&record, comparison, VARIANT)[0]["activity"]["cache"].clone();
    let (filled, used) = (cache(cold), cache(warm));
    let misses = filled["misses"].as_u64().unwrap();
    assert!(misses > 20 && filled["write_errors"] == 0, "{filled}");
    assert!(used["hits"].as_u64().unwrap() > 20 && used["misses"] == 0, "{used}");
    // A bucket has no size.
    assert!(filled["size_bytes"].is_null(), "{filled}");

    // All that it has written is where the plan and the report say.
    let told = format!("cache=sccache-s3 writes to s3://{BUCKET}/{PREFIX}");
    assert!(run.stderr.contains(&told), "{}", run.stderr);
    let notes = record["notes"].as_array().unwrap();
    assert!(notes.iter().any(|note| note.as_str().unwrap().starts_with(&told)), "{record}");
    let buckets = get(&format!("{endpoint}/")).text();
    assert_eq!(elements(&buckets, "Name"), [BUCKET], "{buckets}");
    let listed = get(&format!("{endpoint}/{BUCKET}?list-type=2")).text();
    let objects = elements(&listed, "Key");
    assert!(objects.len() as u64 >= misses, "{} of {misses}: {listed}", objects.len());
    assert!(objects.iter().all(|object| object.starts_with(PREFIX)), "{listed}");
    // The proof's folder, and that of the measured builds, which was emptied by taking another one.
    let folders: BTreeSet<&str> =
        objects.iter().filter_map(|object| object[PREFIX.len()..].split('/').next()).collect();
    assert!(folders.len() >= 2, "{folders:?}");
    assert!(processes_with(&workspace.root().display().to_string()).is_empty());
}
