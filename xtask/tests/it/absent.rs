//! What tests say of what this machine lacks: a line for people, the same line in a file for whoever runs all of them,
//! and a failure where it is required.
//!
//! The unit tests that start real programs use this file too.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;

/// What has to be there: `services` or `everything`.
const REQUIRE: &str = "XTASK_REQUIRE";
/// The file that gets a line for each test, or part of one, that did not run.
const NOT_RUN: &str = "XTASK_NOT_RUN";

/// Says why a test does without a service, or without a program that is set up in seconds; a failure where
/// `XTASK_REQUIRE` says anything. Always true.
pub fn skipped(reason: &str) -> bool {
    tell(reason, &["services", "everything"])
}

/// The same for programs that compile for a quarter of an hour (kache, wild, cargo-leptos); a failure where
/// `XTASK_REQUIRE` is `everything`.
pub fn not_run(reason: &str) -> bool {
    tell(reason, &["everything"])
}

/// `failing` are the values of `XTASK_REQUIRE` with which it is a failure.
fn tell(reason: &str, failing: &[&str]) -> bool {
    let required = std::env::var(REQUIRE).unwrap_or_default();
    let known = ["", "services", "everything"];
    assert!(known.contains(&required.as_str()), "{REQUIRE} is `services` or `everything`, not `{required}`");
    let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(!failing.contains(&required.as_str()), "{reason}, but {REQUIRE}={required} is set");
    let line = format!("not run: {}: {reason}\n", test());
    eprint!("{line}");
    if let Some(file) = std::env::var_os(NOT_RUN).filter(|file| !file.is_empty()).map(PathBuf::from) {
        let opened = File::options().create(true).append(true).open(&file);
        // In one piece, because others write to it at the same time.
        let written = opened.and_then(|mut list| list.write_all(line.as_bytes()));
        assert!(written.is_ok(), "{NOT_RUN}={}: {written:?}", file.display());
    }
    true
}

/// The name of the test that is under way.
fn test() -> String {
    match std::thread::current().name() {
        Some(name) if name != "main" => name.to_owned(),
        // A runner that gives each test a process of its own names it there.
        _ => {
            let mut arguments = std::env::args().skip_while(|word| word != "--exact").skip(1);
            arguments.next().unwrap_or("a test".to_owned())
        }
    }
}
