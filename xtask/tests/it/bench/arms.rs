//! Arms that are valid samples of what they say: another profile, driver and debug info, a changed page, and kache.

use serde_json::Value;

use super::measuring::{bench, samples, told_of_cache, valid};
use crate::bench_caches::{Cache, program};
use crate::support::{Workspace, processes_with};

/// One run, so that all arms stand beside one usual build and share its target directory.
#[test]
fn a_changed_page_with_another_profile_driver_and_debug_info() {
    let workspace = Workspace::fixture();
    let list = "[[workspace.metadata.leptos]]";
    let pages = "[workspace.metadata.xtask.bench]\npatch-ui = \"ui/src/lib.rs\"\n\n";
    workspace.edit("Cargo.toml", list, &format!("{pages}{list}"));
    workspace.write(".cargo/config.toml", "[build]\nbuild-dir = \"between\"\n");
    let mut variants = vec!["debug=none", "profile=production"];
    if crate::drivers::is_there() {
        variants.push("driver=cargo-leptos");
    }
    let mut args = vec!["--profile", "dev", "--scenario", "patch-ui", "--runs", "1", "--format", "json"];
    variants.iter().for_each(|variant| args.extend(["--variant", variant]));
    let run = bench(&workspace, &args);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let record: Value = serde_json::from_str(&run.stdout).unwrap();
    for variant in variants {
        let comparison = format!("patch-ui/{variant}");
        for arm in ["usual", variant] {
            assert_eq!(valid(&record, &comparison, arm), 1, "{comparison} {arm}: {record}");
            // The page is in both halves, and everything above it is compiled again.
            let activity = &samples(&record, &comparison, arm)[0]["activity"];
            let compiled = activity["compiled"].as_u64().unwrap();
            assert!((4..=8).contains(&compiled), "{comparison} {arm}: {activity}");
        }
    }
    // By cargo's own word on the server.
    let debuginfo = |arm: &str| {
        let steps = samples(&record, "patch-ui/debug=none", arm)[0]["steps"].as_array().unwrap();
        let mut programs = steps.iter().map(|step| step["units"]["program"]["debuginfo"].clone());
        programs.find(|debuginfo| !debuginfo.is_null()).unwrap()
    };
    assert_eq!(debuginfo("debug=none"), "0");
    assert_ne!(debuginfo("usual"), "0");
    // What a profile does is seen in what it makes: the wasm file of a production build is the smaller one.
    let wasm = |arm: &str| {
        let sizes = samples(&record, "patch-ui/profile=production", arm)[0]["sizes"].as_array().unwrap();
        let wasm = sizes.iter().find(|file| file["file"].as_str().unwrap().contains("wasm"));
        wasm.unwrap()["raw"].as_u64().unwrap()
    };
    assert!(wasm("profile=production") < wasm("usual"), "{record}");
    // What cargo was told to keep elsewhere is where it is emptied and exchanged.
    assert!(!workspace.root().join("between").exists());
    assert!(processes_with(&workspace.root().display().to_string()).is_empty());
}

#[test]
fn kache_is_filled_and_used() {
    // Before anything is built for a comparison with nothing.
    if program(Cache::Kache).is_none() {
        return;
    }
    let workspace = Workspace::fixture();
    let variant = "cache=kache";
    let args = ["--profile", "dev", "--scenario", "cold,warm", "--variant", variant, "--runs", "1"];
    let run = bench(&workspace, &[&args[..], &["--format", "json"]].concat());
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let record: Value = serde_json::from_str(&run.stdout).unwrap();
    for comparison in ["cold/cache=kache", "warm/cache=kache"] {
        for arm in ["usual", variant] {
            assert_eq!(valid(&record, comparison, arm), 1, "{comparison} {arm}: {record}");
        }
    }
    let warm = samples(&record, "warm/cache=kache", variant)[0];
    let cache = &warm["activity"]["cache"];
    assert!(cache["hits"].as_u64().unwrap() > 40 && cache["misses"] == 0, "{cache}");
    let cold = samples(&record, "cold/cache=kache", "usual")[0];
    assert!(warm["seconds"].as_f64().unwrap() < cold["seconds"].as_f64().unwrap() * 0.7, "{warm} {cold}");
    told_of_cache(&record, "kache", ("cold/cache=kache", "usual"), ("warm/cache=kache", variant));
    assert!(processes_with(&workspace.root().display().to_string()).is_empty());
}
