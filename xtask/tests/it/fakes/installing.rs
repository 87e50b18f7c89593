//! Tools that are missing: every source asked in turn, each failing in every way; then sources that deliver.

use std::fs;

use serde_json::json;

use super::{Fakes, contents, fake_tool};
use crate::actions::Job;

/// The ways in which a source fails. None of them may end the search for another source.
const FAILURES: [&str; 5] = ["err no route to host\nexit 1", "sleep 600", "noise", "noise\nexit 1", "kill"];

/// The tool that goes missing, the programs that could bring it, and what the message calls its sources.
const MISSING: [(&str, &[&str], &[&str]); 6] = [
    ("wasm-target", &["rustup", "apt-get", "apt-cache"], &["rustup target add", "rust-src"]),
    ("wasm-bindgen", &["cargo"], &["cargo install --locked", "cargo install"]),
    (
        "wasm-opt",
        &["apt-get", "apt-cache", "node", "npm", "python3"],
        &["apt archive", "npm", "npm with Node from pip"],
    ),
    (
        "sass",
        &["node", "npm", "python3", "cargo"],
        &["npm", "npm with Node from pip", "cargo install --locked"],
    ),
    ("tailwindcss", &["node", "npm", "python3"], &["npm", "npm with Node from pip"]),
    ("lightningcss", &["node", "npm", "python3"], &["npm", "npm with Node from pip"]),
];

fn without(tool: &str) -> Fakes {
    let fakes = Fakes::new();
    match tool {
        "wasm-target" => fakes.remove_wasm_target(),
        "sass" => fakes.use_sass(),
        "tailwindcss" => fakes.use_keys(&json!({"tailwind-input-file": "style/main.css"})),
        "lightningcss" => fakes.use_keys(&json!({"style-bundle": true})),
        _ => {}
    }
    if tool != "wasm-target" {
        fakes.remove(tool);
    }
    fakes
}

/// The words of the call that would fetch something.
fn fetching(program: &str) -> &'static str {
    if program == "cargo" { "install" } else { "" }
}

fn no_source_gives(tool: &str, programs: &[&str], sources: &[&str], lines: &str) {
    let mut fakes = without(tool);
    fakes.workspace.set("XTASK_TIMEOUT", "2");
    for program in programs {
        fakes.when(program, fetching(program), lines);
    }
    let run = fakes.run(&["build"]);
    let message = fakes.message(&run, "");
    assert_eq!(run.code, Some(3), "{tool}, {lines}: {message}");
    let first = message.lines().next().unwrap();
    assert!(first.contains(&format!("install {tool}")) && first.contains("is missing"), "{message}");
    for source in sources {
        assert!(
            message.lines().any(|line| line.starts_with("  ") && line.contains(source)),
            "{source}: {message}"
        );
    }
    assert!(message.lines().last().unwrap().starts_with(" hint: "), "{message}");
    nothing_half_made(&fakes);
    assert!(!fakes.root().join("target/site").exists());
    let records = fakes.records();
    assert_eq!((records.len(), &records[0]["result"]), (1, &"failed".into()));
    assert_eq!(records[0]["steps"][0]["name"], format!("install {tool}"));
}

fn nothing_half_made(fakes: &Fakes) {
    let left = contents(&fakes.folder().join("home/xtask/tools"));
    assert!(left.is_empty(), "{:#?}", left.keys());
}

#[test]
fn a_tool_that_no_source_gives() {
    std::thread::scope(|scope| {
        for (tool, programs, sources) in MISSING {
            scope.spawn(move || {
                for lines in FAILURES {
                    no_source_gives(tool, programs, sources, lines);
                }
            });
        }
    });
}

#[test]
fn a_tool_whose_sources_are_not_even_there() {
    for (tool, programs, sources) in MISSING {
        let mut fakes = without(tool);
        for program in programs.iter().filter(|program| **program != "cargo") {
            fakes.remove(program);
        }
        fakes.workspace.set("XTASK_OFFLINE", "1");
        let run = fakes.run(&["build"]);
        let message = fakes.message(&run, "");
        assert_eq!(run.code, Some(3), "{message}");
        for source in sources {
            assert!(message.contains(source), "{source}: {message}");
        }
        let calls = fakes.calls();
        assert!(!calls.iter().any(|call| call.contains("install")), "{calls:#?}");
        nothing_half_made(&fakes);
    }
}

#[test]
fn another_version_on_path_is_never_used() {
    for answer in ["out wasm-bindgen 0.2.99", "exit 1", "noise", "kill", "sleep 600"] {
        let mut fakes = Fakes::new();
        fakes.workspace.set("XTASK_TIMEOUT", "2");
        fakes.when("wasm-bindgen", "--version", answer);
        fakes.when("cargo", "install", "err no route to host\nexit 101");
        let run = fakes.run(&["build"]);
        assert_eq!(run.code, Some(3), "{answer}: {}", run.stderr);
        let calls = fakes.calls();
        assert!(
            !calls.iter().any(|call| call.starts_with("wasm-bindgen") && call.contains("--out-dir")),
            "{calls:#?}"
        );
    }
}

#[test]
fn cargo_install_brings_wasm_bindgen_for_this_and_later_builds() {
    let fakes = without("wasm-bindgen");
    fakes.when("cargo", "install", &format!("copy {} {{--root}}/bin/wasm-bindgen", fake_tool().display()));
    let run = fakes.run(&["build"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let installs =
        fakes.calls().into_iter().filter(|call| call.starts_with("cargo install")).collect::<Vec<_>>();
    assert_eq!(installs.len(), 1);
    assert!(installs[0].contains("--version =0.2.100"), "{installs:?}");
    assert_eq!(fakes.records()[0]["steps"][0]["name"], "install wasm-bindgen");
    assert_eq!(fakes.run(&["build"]).code, Some(0));
    let calls = fakes.calls();
    assert!(!calls.iter().any(|call| call.contains("install")), "{calls:#?}");
}

#[test]
fn a_program_that_is_not_what_it_should_be_is_not_kept() {
    let fakes = without("wasm-bindgen");
    fakes.when("cargo", "install", &format!("copy {} {{--root}}/bin/wasm-bindgen", fake_tool().display()));
    fakes.when("wasm-bindgen", "--version", "out wasm-bindgen 0.2.99");
    let run = fakes.run(&["build"]);
    assert_eq!(run.code, Some(3), "{}", run.stderr);
    assert!(run.stderr.contains("should be 0.2.100 but says 0.2.99"), "{}", run.stderr);
    nothing_half_made(&fakes);
}

#[test]
fn rustup_brings_the_wasm_target() {
    let fakes = without("wasm-target");
    let library = fakes.folder().join("toolchains/fake/lib/rustlib/wasm32-unknown-unknown/lib");
    let written =
        ["libcore-1.rlib", "libstd-1.rlib"].map(|file| format!("write {} x", library.join(file).display()));
    fakes.when("rustup", "target add --toolchain", &written.join("\n"));
    let run = fakes.run(&["build"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let calls = fakes.calls();
    let rustup: Vec<&String> = calls.iter().filter(|call| call.starts_with("rustup")).collect();
    assert_eq!(rustup, ["rustup target add wasm32-unknown-unknown --toolchain fake"]);
}

#[test]
fn on_github_rustup_brings_what_linters_need() {
    let mut fakes = without("wasm-target");
    let _job = Job::start(&mut fakes.workspace, "pull_request", "refs/pull/7/merge");
    let added = |fakes: &Fakes| {
        fakes.run(&["ci", "check"]);
        fakes.calls().into_iter().filter(|call| call.starts_with("rustup")).collect::<Vec<_>>()
    };
    fakes.when("rustup", "component add --toolchain", "");
    fakes.when("rustup", "target add --toolchain", "");
    assert_eq!(
        added(&fakes),
        [
            "rustup component add rustfmt --toolchain fake",
            "rustup component add clippy --toolchain fake",
            "rustup target add wasm32-unknown-unknown --toolchain fake",
        ]
    );
    // On a laptop the toolchain is its owner's.
    fakes.workspace.set("GITHUB_ACTIONS", "");
    assert_eq!(added(&fakes), [""; 0]);
}

#[test]
fn npm_brings_wasm_opt() {
    let fakes = without("wasm-opt");
    fakes.when("apt-cache", "", "exit 1");
    fakes.when("apt-get", "", "exit 1");
    let node = fakes.folder().join("bin/node").display().to_string();
    fakes.when("node", "-p", &format!("out {node}"));
    fakes.when("node", "--version", "out wasm-opt version 131 (version_131)");
    fakes.when("node", "-o", "write {-o} small");
    fakes.when("npm", "view", "out 131.0.0");
    fakes.when(
        "npm",
        "install",
        "write {--prefix}/node_modules/binaryen/package.json {\"bin\":{\"wasm-opt\":\"bin/x\"}}",
    );
    let run = fakes.run(&["build"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(fs::read_dir(fakes.folder().join("home/xtask/tools/wasm-opt")).unwrap().count(), 1);
}

#[test]
fn doctor_names_what_setup_brings() {
    let fakes = without("wasm-bindgen");
    fakes.remove_wasm_target();
    fakes.when("cargo", "install", &format!("copy {} {{--root}}/bin/wasm-bindgen", fake_tool().display()));
    let library = fakes.folder().join("toolchains/fake/lib/rustlib/wasm32-unknown-unknown/lib");
    let written =
        ["libcore-1.rlib", "libstd-1.rlib"].map(|file| format!("write {} x", library.join(file).display()));
    fakes.when("rustup", "target add --toolchain", &written.join("\n"));
    let look = || {
        let run = fakes.run(&["doctor", "--only", "tools", "--format", "json"]);
        let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
        let findings = report["findings"].as_array().unwrap().iter();
        findings.filter(|finding| finding["rule"] == "tools-missing").cloned().collect::<Vec<_>>()
    };
    let found = look();
    let missing = found[0]["found"].as_str().unwrap();
    assert!(missing.contains("wasm-target 1.95.0") && missing.contains("wasm-bindgen 0.2.100"), "{missing}");
    assert_eq!(found[0]["fix"]["command"], "cargo xtask setup");
    assert!(!fakes.calls().iter().any(|call| call.contains("install")), "it only looks");
    let run = fakes.run(&["setup"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(look().is_empty());
}
