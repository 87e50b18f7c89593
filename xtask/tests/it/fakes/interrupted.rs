//! Ctrl-C and its relatives: the exit code, no process left, the record, and the next run as if nothing had been.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::Fakes;
use crate::support::{Run, finish, processes_with, signal};

/// The longest that anything here may take to begin.
const PATIENCE: Duration = Duration::from_secs(60);

/// A number of seconds that no other process on this machine sleeps.
fn marker() -> String {
    let nanoseconds = std::time::UNIX_EPOCH.elapsed().unwrap().subsec_nanos();
    format!("301.{}{nanoseconds:09}", std::process::id())
}

fn start(fakes: &Fakes, args: &[&str]) -> Child {
    fakes.workspace.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn wait_for(what: &str, is_there: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_there() {
        assert!(began.elapsed() < PATIENCE, "no sign of {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Sends the signal once a grandchild with the marker runs, and sees to it that nothing is left.
fn interrupt(fakes: &Fakes, args: &[&str], name: &str, marker: &str) -> Run {
    let child = start(fakes, args);
    wait_for(marker, || !processes_with(marker).is_empty());
    signal(&child, name);
    let run = finish(child);
    assert_eq!(processes_with(marker), [""; 0]);
    let tools = fakes.folder().join("bin").display().to_string();
    assert_eq!(processes_with(&tools), [""; 0]);
    assert_eq!(run.stdout, "");
    run
}

fn interrupted_compiling(name: &str, code: i32, words: &str) {
    let fakes = Fakes::new();
    let marker = marker();
    let scripts = super::contents(&fakes.folder().join("scripts"));
    fakes.when("cargo", words, &format!("child {marker}\nsleep 300"));
    let run = interrupt(&fakes, &["build", "--format", "json"], name, &marker);
    assert_eq!(run.code, Some(code), "{}", run.stderr);
    assert!(run.stderr.contains(&format!("interrupted by SIG{name}\n")), "{}", run.stderr);
    let records = fakes.records();
    assert_eq!((records.len(), &records[0]["result"]), (1, &"interrupted".into()));
    assert!(!fakes.root().join("target/xtask/receipts").exists());

    for (path, text) in scripts {
        std::fs::write(path, text).unwrap();
    }
    let again = fakes.run(&["build"]);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert_eq!(fakes.records()[1]["result"], "ok");
}

#[test]
fn ctrl_c_while_the_front_half_compiles() {
    interrupted_compiling("INT", 130, "rustc --lib");
}

#[test]
fn a_supervisor_stops_us_while_the_server_compiles() {
    interrupted_compiling("TERM", 143, "build --bin");
}

#[test]
fn the_terminal_is_closed_while_the_server_compiles() {
    interrupted_compiling("HUP", 129, "build --bin");
}

#[test]
fn ctrl_c_reaches_both_halves_at_once() {
    let fakes = Fakes::new();
    let (site, server) = (marker(), marker());
    fakes.when("wasm-opt", "-o", &format!("child {site}\nsleep 300"));
    fakes.when("cargo", "build --bin", &format!("child {server}\nsleep 300"));
    let child = start(&fakes, &["build"]);
    wait_for("both", || !processes_with(&site).is_empty() && !processes_with(&server).is_empty());
    signal(&child, "INT");
    let run = finish(child);
    assert_eq!(run.code, Some(130), "{}", run.stderr);
    assert_eq!([processes_with(&site), processes_with(&server)].concat(), [""; 0]);
    let names = fakes.results().into_keys().collect::<Vec<_>>().join("\n");
    assert!(!names.contains("/target/site/") && !names.contains("/optimised/"), "{names}");
}

#[test]
fn ctrl_c_while_the_workspace_is_read() {
    let fakes = Fakes::new();
    let marker = marker();
    fakes.when("cargo", "metadata", &format!("child {marker}\nsleep 300"));
    let run = interrupt(&fakes, &["build"], "INT", &marker);
    assert_eq!((run.code, run.stderr.as_str()), (Some(130), "note: interrupted by SIGINT\n"));
    assert!(!fakes.root().join("target").exists());
}

#[test]
fn ctrl_c_while_a_tool_is_installed() {
    let fakes = Fakes::new();
    let marker = marker();
    fakes.remove("wasm-bindgen");
    fakes.when(
        "cargo",
        "install",
        &format!("write {{--root}}/bin/wasm-bindgen half\nchild {marker}\nsleep 300"),
    );
    let run = interrupt(&fakes, &["build"], "INT", &marker);
    assert_eq!(run.code, Some(130), "{}", run.stderr);
    let tools = super::contents(&fakes.folder().join("home/xtask/tools"));
    assert!(tools.is_empty(), "{tools:?}");
    assert_eq!(fakes.records()[0]["result"], "interrupted");
}

#[test]
fn a_time_out_leaves_no_process() {
    let mut fakes = Fakes::new();
    fakes.workspace.set("XTASK_TIMEOUT", "2");
    let marker = marker();
    fakes.when("cargo", "rustc --lib", &format!("child {marker}\nsleep 300"));
    let run = fakes.run(&["build"]);
    assert_eq!(run.code, Some(5), "{}", run.stderr);
    assert_eq!(processes_with(&marker), [""; 0]);
}

#[test]
fn a_success_leaves_no_process() {
    let fakes = Fakes::new();
    let marker = marker();
    fakes.when("git", "status", &format!("child {marker}"));
    assert_eq!(fakes.run(&["build"]).code, Some(0));
    assert_eq!(processes_with(&marker), [""; 0]);
}
