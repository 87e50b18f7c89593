//! `ci test` among fakes: what runners say becomes annotations, a report and a record.

use expect_test::expect;
use serde_json::Value;

use super::Fakes;
use crate::actions::Job;
use crate::support::listing;

/// What cargo-nextest says of three tests, of which one fails.
const NEXTEST: &str = "\
err     Starting 3 tests across 2 binaries (1 test skipped)
err         PASS [   0.122s] (1/3) app-server::it good
err         SLOW [> 60.000s] (─────) app-server::it slow
err         PASS [  61.500s] (2/3) app-server::it slow
err         FAIL [   1.344s] (3/3) app-server bad
out   stderr ───
out     thread 'bad' (12420) panicked at server/src/main.rs:7:9:
out     it is hunter2-hunter2, 100 %
err      Summary [  62.900s] 3 tests run: 2 passed (1 slow), 1 failed, 1 skipped
err         FAIL [   1.344s] (3/3) app-server bad
err error: test run failed
exit 100";

fn records(fakes: &Fakes) -> Vec<Value> {
    let text = std::fs::read_to_string(fakes.root().join("target/xtask/records/test.jsonl"));
    text.unwrap_or_default().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A summary without the minutes, which differ from run to run.
fn untimed(text: &str) -> String {
    let is_minutes = |cell: &str| cell.trim().parse::<f64>().is_ok() && cell.contains('.');
    let line = |line: &str| {
        if line.starts_with("| app | ") || line.starts_with("| all, ") {
            let cells = line.split('|').map(|cell| if is_minutes(cell) { " [minutes] " } else { cell });
            cells.collect::<Vec<_>>().join("|")
        } else {
            line.to_owned()
        }
    };
    text.lines().map(|text| line(text) + "\n").collect()
}

#[test]
fn a_failed_test_stands_beside_its_line() {
    let mut fakes = Fakes::new();
    fakes.workspace.set("A_TOKEN", "hunter2-hunter2");
    fakes.when("cargo", "nextest", NEXTEST);
    let job = Job::start(&mut fakes.workspace, "pull_request", "refs/pull/7/merge");
    let run = fakes.run(&["ci", "test"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{}", run.stderr);
    for line in [
        "::group::tests of app\n",
        "::endgroup::\n",
        "        PASS [   0.122s] (1/3) app-server::it good\n",
        "      Failed app-server bad at server/src/main.rs:7\n",
        "::error file=server/src/main.rs,line=7,col=9,title=test app-server bad%3A failed::it is [redacted], 100 %25\n",
        "error: tests failed: app\n",
    ] {
        assert!(run.stderr.contains(line), "{line}: {}", run.stderr);
    }
    assert!(!run.stderr.contains("hunter2") && !job.summary().contains("hunter2"));
    expect![[r#"
        ### Tests: failed

        **build and tests failed**

        ```text
        tests failed: app
        ```

        hint: the runner's output above names each of them

        | tests | ran | passed | failed | skipped | minutes |  |
        | --- | ---: | ---: | ---: | ---: | ---: | --- |
        | app | 3 | 2 | 1 | 1 | [minutes] | failed |
        | all, with the app's build |  |  |  |  | [minutes] |  |

        | test |  | place | says |
        | --- | --- | --- | --- |
        | `app-server bad` | failed | `server/src/main.rs:7:9` | `it is [redacted], 100 %` |

        | slowest of app | seconds |
        | --- | ---: |
        | `app-server::it slow` | 61.5 |
        | `app-server bad` | 1.3 |
        | `app-server::it good` | 0.12 |

    "#]]
    .assert_eq(&untimed(&job.summary()));
    assert_eq!(job.outputs(), "");

    let records = records(&fakes);
    assert_eq!(records.len(), 1);
    assert_eq!((&records[0]["schema"], &records[0]["result"]), (&"xtask.test/1".into(), &"failed".into()));
    assert_eq!(records[0]["runs"][0]["counts"]["skipped"], 1);
}

#[test]
fn what_passes_has_outputs_and_what_the_runner_does_not_tell_is_not_made_up() {
    let mut fakes = Fakes::new();
    fakes.remove("cargo-nextest");
    fakes.when(
        "cargo",
        "test",
        "err      Running unittests src/main.rs (target/production/deps/app_server-0123)\nout test good ... ok\n\
         out test result: ok. 1 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.00s",
    );
    let job = Job::start(&mut fakes.workspace, "push", "refs/heads/main");
    let run = fakes.run(&["ci", "test"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(job.outputs(), "ran=1\nskipped=2\n");
    let summary = job.summary();
    assert!(
        summary.starts_with("### Tests: ok\n") && summary.contains("| app | 1 | 1 | 0 | 2 |"),
        "{summary}"
    );
    assert!(
        summary.contains("does not tell how long a test takes") && !summary.contains("slowest"),
        "{summary}"
    );
    assert_eq!(records(&fakes)[0]["runs"][0]["slowest"], Value::Array(Vec::new()));
    assert!(!run.stderr.contains("::error"), "{}", run.stderr);

    // On a laptop it is the same, on the terminal.
    fakes.workspace.set("GITHUB_ACTIONS", "");
    let run = fakes.run(&["ci", "test"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "ran=1\nskipped=2\n"), "{}", run.stderr);
    assert!(run.stderr.contains("### Tests: ok\n") && !run.stderr.contains("::"), "{}", run.stderr);
}

#[test]
fn what_does_not_compile_and_a_runner_that_is_killed() {
    let mut fakes = Fakes::new();
    let compiler = "err error[E0308]: mismatched types\nerr  --> server/src/main.rs:2:5\nexit 101";
    fakes.when("cargo", "nextest", compiler);
    let job = Job::start(&mut fakes.workspace, "push", "refs/heads/main");
    let run = fakes.run(&["ci", "test"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    let annotation =
        "::error file=server/src/main.rs,line=2,col=5,title=does not compile::mismatched types\n";
    assert!(run.stderr.contains(annotation), "{}", run.stderr);
    assert!(
        job.summary().contains("| app | not told | not told | not told | not told |"),
        "{}",
        job.summary()
    );

    fakes.when("cargo", "nextest", "err at work\nkill");
    let run = fakes.run(&["ci", "test"]);
    assert_eq!(run.code, Some(4), "{}", run.stderr);
    assert!(run.stderr.contains("was killed by SIGKILL"), "{}", run.stderr);
    // A run without a verdict is on no record.
    assert_eq!(records(&fakes).len(), 1);
}

#[test]
fn what_tests_print_is_no_command_and_files_are_named_from_the_repository() {
    let mut fakes = Fakes::new();
    let printed =
        NEXTEST.replace("it is hunter2-hunter2", "it is\nout ::error::a trick\nout ::add-mask::ok\nerr x");
    fakes.when("cargo", "nextest", &printed);
    fakes.when("git", "rev-parse --show-prefix", "out sites/one/");
    let _job = Job::start(&mut fakes.workspace, "pull_request", "refs/pull/7/merge");
    let run = fakes.run(&["ci", "test"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    let after =
        |text: &str| run.stderr.split_once(text).unwrap_or_else(|| panic!("{text}: {}", run.stderr)).1;
    let word = after("::stop-commands::").lines().next().unwrap();
    let between = after(&format!("::stop-commands::{word}\n")).split_once(&format!("::{word}::\n")).unwrap();
    assert!(
        between.0.contains("::error::a trick\n") && between.0.contains("::add-mask::ok\n"),
        "{}",
        run.stderr
    );
    // Ours are commands again.
    assert!(between.1.contains("\n::error file=sites/one/server/src/main.rs,line=7,col=9"), "{}", run.stderr);
    assert!(!between.1.contains("a trick"), "{}", run.stderr);
}

#[test]
fn a_dry_run_prints_the_plan_of_test() {
    let mut fakes = Fakes::new();
    let expected = fakes.run(&["test", "--dry-run"]).stdout;
    let job = Job::start(&mut fakes.workspace, "push", "refs/heads/main");
    let before = listing(&fakes.root());
    let run = fakes.run(&["ci", "test", "--dry-run"]);
    assert_eq!((run.code, run.stdout), (Some(0), expected), "{}", run.stderr);
    assert_eq!(job.outputs() + &job.summary(), "");
    assert!(listing(&fakes.root()) == before);
}
