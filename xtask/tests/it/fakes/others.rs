//! `test`, `setup` and every dry run among fakes.

use std::fs;

use expect_test::{Expect, expect};

use super::Fakes;
use crate::bad_input::machine::{nothing_to_use, with_target};
use crate::support::{listing, processes_with};

fn tested(fakes: &Fakes, code: i32, expected: &Expect) {
    let run = fakes.run(&["test"]);
    assert_eq!(run.code, Some(code), "{}", run.stderr);
    // The build's own plan stands before that of the tests.
    let plan = fakes.run(&["test", "--dry-run"]).stdout;
    expected.assert_eq(&fakes.message(&run, &plan));
}

#[test]
fn a_test_runner_that_fails() {
    for (lines, code, message) in [
        (
            "err one test failed\nexit 100",
            1,
            expect![[r#"
                error: tests failed: app
                 hint: the runner's output above names each of them"#]],
        ),
        (
            "err at work\nkill",
            4,
            expect![[r#"
                error: `cargo nextest …` was killed by SIGKILL
                  command: [as planned]
                  folder: [root]
                  last lines of its output:
                    at work
                 hint: the system kills a process when memory runs out (`dmesg` tells);
                    CARGO_BUILD_JOBS=1 needs less"#]],
        ),
        (
            "err still at it\nsleep 600",
            5,
            expect![[r#"
            error: `cargo nextest …` took longer than 2s and was stopped
              command: [as planned]
              folder: [root]
              last lines of its output:
                still at it
             hint: XTASK_TIMEOUT allows every command 2 s; raise or unset it"#]],
        ),
    ] {
        let mut fakes = Fakes::new();
        fakes.workspace.set("XTASK_TIMEOUT", "2");
        fakes.when("cargo", "nextest", lines);
        tested(&fakes, code, &message);
        assert_eq!(processes_with(&fakes.folder().display().to_string()), [""; 0]);
    }
}

#[test]
fn noise_of_a_runner_that_succeeds_is_no_failure() {
    let fakes = Fakes::new();
    fakes.when("cargo", "nextest", "noise");
    assert_eq!(fakes.run(&["test"]).code, Some(0));
}

#[test]
fn without_nextest_cargo_runs_the_tests() {
    let fakes = Fakes::new();
    fakes.remove("cargo-nextest");
    fakes.when("cargo", "test", "err one test failed\nexit 101");
    tested(
        &fakes,
        1,
        &expect![[r#"
        error: tests failed: app
         hint: the runner's output above names each of them"#]],
    );
    let calls = fakes.calls();
    assert_eq!(
        calls.iter().filter(|call| call.starts_with("cargo test --no-fail-fast")).count(),
        1,
        "{calls:#?}"
    );
}

#[test]
fn no_test_runs_when_the_build_fails() {
    let fakes = Fakes::new();
    fakes.when("cargo", "build --bin", "exit 101");
    assert_eq!(fakes.run(&["test"]).code, Some(4));
    let calls = fakes.calls();
    assert!(!calls.iter().any(|call| call.contains("nextest")), "{calls:#?}");
}

#[test]
fn setup_says_what_is_missing_and_changes_nothing_when_it_only_looks() {
    let fakes = Fakes::new();
    let all = fakes.run(&["setup", "--check"]);
    assert_eq!(all.code, Some(0), "{}", all.stderr);
    expect![[r#"
        tool          wanted            found             from       state
        wasm-target   1.95.0-012345678  1.95.0-012345678  toolchain  ready
        wasm-bindgen  0.2.100           0.2.100           PATH       ready
        wasm-opt      131               131               PATH       ready
    "#]]
    .assert_eq(&all.stdout);
    fakes.remove("wasm-opt");
    fakes.when("wasm-bindgen", "--version", "out wasm-bindgen 0.2.99");
    let listings = || (listing(&fakes.root()), listing(&fakes.folder().join("home")));
    let before = listings();
    let some = fakes.run(&["setup", "--check"]);
    assert_eq!(some.code, Some(3), "{}", some.stderr);
    expect![[r#"
        tool          wanted            found             from       state
        wasm-target   1.95.0-012345678  1.95.0-012345678  toolchain  ready
        wasm-bindgen  0.2.100           0.2.99            PATH       other version
        wasm-opt      131                                            missing
    "#]]
    .assert_eq(&some.stdout);
    expect![[r#"
        error: not ready: wasm-bindgen, wasm-opt
         hint: run `cargo xtask setup`"#]]
    .assert_eq(&fakes.message(&some, ""));
    assert!(listings() == before);
}

#[test]
fn setup_of_one_tool_looks_at_no_other() {
    let fakes = Fakes::new();
    fakes.remove("wasm-bindgen");
    let run = fakes.run(&["setup", "--only", "wasm-opt"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    expect![[r#"
        tool      wanted  found  from  state
        wasm-opt  131     131    PATH  ready
    "#]]
    .assert_eq(&run.stdout);
    let run = fakes.run(&["setup", "--only", "sass"]);
    assert_eq!(run.code, Some(2));
    expect![[r#"
        error: a build of this project needs no tool `sass`
         hint: it needs: wasm-target, wasm-bindgen, wasm-opt"#]]
    .assert_eq(&fakes.message(&run, ""));
}

/// Calls that only look.
pub(super) const PROBES: [&str; 8] = [
    "cargo metadata --no-deps --format-version 1",
    "rustc -vV",
    "rustc --print sysroot",
    "wasm-bindgen --version",
    "wasm-opt --version",
    "sass --version",
    "git status --porcelain",
    "git log -1 --format=%H %cI",
];

#[test]
fn a_dry_run_writes_nothing_and_only_looks() {
    let without_which_nothing = ["cargo", "rustc", "git"];
    for with_tools in [true, false] {
        let fakes = Fakes::new();
        assert_eq!(fakes.run(&["build"]).code, Some(0));
        if !with_tools {
            fakes.remove_wasm_target();
            for tool in super::TOOLS.iter().filter(|tool| !without_which_nothing.contains(tool)) {
                fakes.remove(tool);
            }
        }
        fakes.calls();
        let listings = || (listing(&fakes.root()), listing(&fakes.folder().join("home")));
        let before = listings();
        for args in [
            &["build", "--dry-run"] as &[&str],
            &["build", "--dry-run", "--format", "json", "--timings"],
            &["build", "--dry-run", "--profile", "dev", "--front-only"],
            &["setup", "--dry-run"],
            &["test", "--dry-run"],
            &["serve", "--dry-run"],
            &["watch", "--dry-run"],
        ] {
            let run = fakes.run(args);
            assert_eq!(run.code, Some(0), "{args:?}: {}", run.stderr);
            assert!(!run.stdout.is_empty(), "{args:?}");
            let calls = fakes.calls();
            assert!(!calls.is_empty(), "{args:?}");
            for call in calls {
                assert!(PROBES.contains(&call.as_str()), "{args:?}: {call}");
            }
            assert!(listings() == before, "{args:?} changed something");
        }
    }
}

#[test]
fn a_dry_run_makes_no_folder_where_there_is_nothing() {
    let fakes = Fakes::new();
    let before = listing(&fakes.root());
    for command in ["build", "setup", "test", "watch"] {
        assert_eq!(fakes.run(&[command, "--dry-run"]).code, Some(0));
        assert!(
            listing(&fakes.root()) == before
                && fs::read_dir(fakes.folder().join("home")).unwrap().count() == 0
        );
    }
    // There is nothing that could be served, and a dry run says so too.
    assert_eq!(fakes.run(&["serve", "--dry-run"]).code, Some(1));
    assert!(listing(&fakes.root()) == before);
}

#[test]
fn a_disk_that_is_full_when_the_site_is_written() {
    let fakes = Fakes::new();
    fakes.workspace.write("public/large.bin", &"x".repeat(1 << 20));
    let Some(run) = with_target(&fakes.workspace, "size=256k", &["build"]) else {
        return;
    };
    assert_eq!(run.code, Some(4), "{}", run.stderr);
    expect![[r#"
        error: step `site`: write [root]/target/site/large.bin: No space left on device (os error
            28)
         hint: the disk is full: make room (`cargo clean` does), or set CARGO_TARGET_DIR to a
            folder elsewhere"#]]
    .assert_eq(&fakes.message(&run, ""));
    nothing_to_use(&fakes.workspace);
    assert!(!fakes.workspace.read("left.txt").contains("large.bin"));
}
