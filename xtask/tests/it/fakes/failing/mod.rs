//! Every external tool of a build, failing in every way: the exit code, the one message, and nothing half-written.

mod before;
mod halves;
mod site;

use expect_test::Expect;

use super::Fakes;
use How::{Exits, Garbage, Hangs, Killed, Missing};

/// The way in which a tool fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// With an exit code that says so, and words on standard error.
    Exits,
    /// It never ends.
    Hangs,
    /// It ends well, says nonsense and makes nothing.
    Garbage,
    /// It is killed half-way.
    Killed,
    /// It is not there.
    Missing,
}

impl How {
    fn lines(self) -> &'static str {
        match self {
            Exits => "out nothing useful\nerr it broke\nexit 7",
            Hangs => "err still at it\nsleep 600",
            Garbage | Missing => "noise",
            Killed => "err at work\nkill",
        }
    }
}

/// The most seconds that a command may take here; enough for a fake on a busy machine.
const LIMIT: &str = "3";

/// A call of a tool, and what it is to do then.
struct Case {
    tool: &'static str,
    words: &'static str,
    how: How,
    code: i32,
    message: Expect,
}

fn case(call: &'static str, how: How, code: i32, message: Expect) -> Case {
    let (tool, words) = call.split_once(' ').unwrap();
    Case { tool, words, how, code, message }
}

/// Runs all cases at the same time: most of them wait. Snapshots are compared afterwards, in order.
fn all(cases: Vec<Case>, check: fn(&Case) -> (Option<i32>, String)) {
    let found: Vec<(Option<i32>, String)> = std::thread::scope(|scope| {
        let running: Vec<_> = cases.iter().map(|case| scope.spawn(|| check(case))).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for (case, (code, message)) in cases.iter().zip(found) {
        assert_eq!(code, Some(case.code), "{} {}, {:?}: {message}", case.tool, case.words, case.how);
        case.message.assert_eq(&message);
    }
}

fn breaks(fakes: &Fakes, case: &Case) {
    match case.how {
        Missing => fakes.remove(case.tool),
        how => fakes.when(case.tool, case.words, how.lines()),
    }
}

/// A tool without which nothing is known of the workspace: nothing at all is written.
fn before_the_plan(case: &Case) -> (Option<i32>, String) {
    let mut fakes = Fakes::new();
    fakes.workspace.set("XTASK_TIMEOUT", LIMIT);
    breaks(&fakes, case);
    let run = fakes.run(&["build"]);
    assert_eq!(run.stdout, "");
    assert!(!fakes.root().join("target").exists());
    (run.code, fakes.message(&run, ""))
}

/// A tool of the plan. First with nothing there; then, when a build has succeeded, for changed sources.
fn within_the_plan(case: &Case) -> (Option<i32>, String) {
    let mut fakes = Fakes::new();
    if case.tool == "sass" {
        fakes.use_sass();
    }
    let plan = fakes.plan();
    fakes.workspace.set("XTASK_TIMEOUT", LIMIT);
    let scripts = crate::support::contents(&fakes.folder().join("scripts"));
    breaks(&fakes, case);
    let run = fakes.run(&["build"]);
    let message = fakes.message(&run, &plan);
    assert_eq!(run.stdout, "", "{message}");

    let results = fakes.results();
    let names = results.keys().cloned().collect::<Vec<_>>().join("\n");
    assert!(!names.contains("/receipts/"), "{names}");
    // The server's failure has nothing to do with the site.
    let site_fails = case.words != "build --bin";
    assert!(!site_fails || !names.contains("target/site/"), "{names}");
    assert!(case.tool != "wasm-bindgen" || !names.contains("/bindings/"), "{names}");
    assert_failure_recorded(&fakes, &message, 1);

    for (path, text) in &scripts {
        std::fs::write(path, text).unwrap();
    }
    let mended = fakes.run(&["build"]);
    assert_eq!(mended.code, Some(0), "{}", mended.stderr);
    let good = fakes.results();

    if site_fails {
        // Each step of the site has something to do.
        let wasm = fakes.root().join("target/wasm32-unknown-unknown/production/app_front.wasm");
        let compiled = format!(
            "write {} changed\nout {{\"reason\":\"build-finished\",\"success\":true}}",
            wasm.display()
        );
        fakes.when("cargo", "rustc --lib", &compiled);
        fakes.workspace.write("style/main.scss", "body { margin: 1px }\n");
    }
    breaks(&fakes, case);
    assert_eq!(fakes.run(&["build"]).code, run.code);
    let kept = |results: std::collections::BTreeMap<String, String>| -> Vec<(String, String)> {
        // What only the build itself reads may be gone or renewed; it is made again.
        results.into_iter().filter(|(name, _)| !name.contains("/xtask/site/")).collect()
    };
    assert_eq!(kept(fakes.results()), kept(good));
    assert_failure_recorded(&fakes, &message, 3);
    (run.code, message)
}

fn assert_failure_recorded(fakes: &Fakes, step: &str, count: usize) {
    let records = fakes.records();
    assert_eq!(records.len(), count);
    let record = &records[count - 1];
    assert_eq!(record["result"], "failed");
    // The other half may have been stopped for it, but afterwards.
    let failed = record["steps"].as_array().unwrap().iter().find(|step| step["state"] == "failed").unwrap();
    assert!(
        step.starts_with(&format!("error: step {}: ", failed["name"]).replace('"', "`")),
        "{step}\n{record:#}"
    );
    assert_eq!(record["sizes"], serde_json::json!([]));
    assert_eq!(record["revision"]["commit"], "0123abcd");
}
