//! A server without any library, on nothing: compiled for musl, with an allocator that holds up under threads.

use std::io::Read;
use std::process::Command;

use serde_json::Value;

use super::{records, workspace};
use crate::engine::{docker, has_engine};
use crate::registry::{Registry, is_there};
use crate::support::{Workspace, skipped};

/// The target of static servers on this machine, if it can be compiled for.
fn has_target() -> bool {
    let architecture = std::env::consts::ARCH;
    let sysroot = Command::new("rustc").args(["--print", "sysroot"]).output().unwrap().stdout;
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
    trusts_whom_openssl_trusts(&registry.blob("static", record["layers"][0]["digest"].as_str().unwrap()));
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

/// The certificates are a file that others can use: with it, and nothing else to trust, openssl verifies each of the
/// authorities, and not somebody who calls himself one.
fn trusts_whom_openssl_trusts(layer: &[u8]) {
    if !is_there("openssl") {
        return;
    }
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(layer));
    let mut text = String::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        if entry.path().unwrap().ends_with("etc/ssl/certs/ca-certificates.crt") {
            entry.read_to_string(&mut text).unwrap();
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let openssl = |args: &[&str]| {
        let output = Command::new("openssl").args(args).current_dir(folder.path()).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    std::fs::write(folder.path().join("roots.pem"), &text).unwrap();
    let end = "-----END CERTIFICATE-----\n";
    let names: Vec<String> = (0..text.matches(end).count()).map(|number| format!("{number}.pem")).collect();
    for (block, name) in text.split_inclusive(end).zip(&names) {
        std::fs::write(folder.path().join(name), block).unwrap();
    }
    let verify = ["verify", "-no-CApath", "-no-CAstore", "-CAfile", "roots.pem"];
    let all: Vec<&str> = verify.into_iter().chain(names.iter().map(String::as_str)).collect();
    let (_, said) = openssl(&all);
    let good = said.lines().filter(|line| line.ends_with(".pem: OK")).count();
    // One of them may have come to the end of its time since the list was made.
    assert!(names.len() > 100 && good + 5 > names.len(), "{good} of {} are good:\n{said}", names.len());
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "own.key"];
    let own = ["req", "-x509", "-out", "own.pem", "-days", "2", "-subj", "/CN=ISRG Root X1"];
    assert!(openssl(&[&own[..], &key].concat()).0);
    assert!(!openssl(&[&verify[..], &["own.pem"]].concat()).0);
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
