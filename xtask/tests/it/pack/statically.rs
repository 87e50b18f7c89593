//! A server without any library, on nothing: compiled for musl, with an allocator that holds up under threads.

use serde_json::Value;

use super::{records, workspace};
use crate::engine::{docker, has_engine};
use crate::registry::{Registry, is_there};
use crate::support::{Workspace, skipped};

/// The target of static servers on this machine, if it can be compiled for.
fn has_target() -> bool {
    let architecture = std::env::consts::ARCH;
    let sysroot = std::process::Command::new("rustc").args(["--print", "sysroot"]).output().unwrap().stdout;
    let sysroot = String::from_utf8(sysroot).unwrap();
    let folder = format!("{}/lib/rustlib/{architecture}-unknown-linux-musl/lib", sysroot.trim());
    if !std::path::Path::new(&folder).is_dir() {
        return !skipped("Rust has no standard library for musl here (`rustup target add`)");
    }
    is_there("musl-gcc")
}

fn pack(workspace: &Workspace, more: &[&str]) -> crate::support::Run {
    workspace.xtask(&[&["docker", "pack", "--static"], more].concat())
}

#[test]
fn a_server_on_nothing_serves() {
    if !has_target() || !has_engine() {
        return;
    }
    let Some(registry) = Registry::start() else { return };
    let workspace = workspace();
    workspace.write("railway.toml", "[deploy]\nhealthcheckPath = \"/api/health\"\n");
    let name = format!("{}/static", registry.address());
    let run = pack(&workspace, &["--push", "--image", &name]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let record = records(&workspace).remove(0);
    assert_eq!((&record["base"]["reference"], &record["base"]["digest"]), (&"scratch".into(), &Value::Null));
    let kinds: Vec<&str> =
        record["layers"].as_array().unwrap().iter().map(|layer| layer["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["system", "site", "binary"]);
    let linkage = &record["steps"][1];
    assert_eq!((&linkage["name"], &linkage["detail"]), (&"check linkage".into(), &"static, mimalloc".into()));
    let digest = run.stdout.trim();
    let _pulled = crate::engine::Pulled(name.clone());
    let smoked = workspace.xtask(&["docker", "smoke", &format!("{name}@{digest}")]);
    assert_eq!(smoked.code, Some(0), "{}{}", smoked.stdout, smoked.stderr);
    let tmp = docker(&["run", "--rm", "--network", "none", &format!("{name}@{digest}"), "--print"]).unwrap();
    assert_eq!(tmp.code, Some(0), "{}", tmp.stderr);

    // The same again, and without the allocator.
    assert_eq!(pack(&workspace, &[]).stdout.trim(), digest);
    workspace.edit("server/src/main.rs", "#[global_allocator]\n", "");
    workspace.edit("server/src/main.rs", "static ALLOCATOR", "#[allow(dead_code)]\nstatic ALLOCATOR");
    let slow = pack(&workspace, &[]);
    assert_eq!((slow.code, slow.stdout.as_str()), (Some(1), ""), "{}", slow.stderr);
    assert!(slow.stderr.contains("has musl's own allocator"), "{}", slow.stderr);
    assert!(slow.stderr.contains("#[global_allocator] static ALLOCATOR"), "{}", slow.stderr);
    let all_the_same = pack(&workspace, &["--any-allocator"]);
    assert_eq!(all_the_same.code, Some(0), "{}", all_the_same.stderr);
}

#[test]
fn what_it_does_not_go_with() {
    let workspace = super::checkout();
    let base = pack(&workspace, &["--base", "debian"]);
    assert_eq!(base.code, Some(2), "{}", base.stderr);
    let driver = pack(&workspace, &["--driver", "cargo-leptos", "--profile", "release"]);
    assert_eq!(driver.code, Some(2), "{}", driver.stderr);
    assert!(driver.stderr.contains("by the native driver alone"), "{}", driver.stderr);
}
