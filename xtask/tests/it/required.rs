//! What becomes of tests that cannot run here: told in a line, listed in a file, a failure where they are required.

use std::process::Command;

use crate::support::{not_run, skipped};

/// Which of both the test below calls.
const WHICH: &str = "XTASK_TEST_ABSENT";

/// Nothing on its own: the next one runs it in a process that has variables of its own.
#[test]
fn in_a_process_of_its_own() {
    match std::env::var(WHICH).as_deref() {
        Ok("service") => assert!(skipped("there is\n  no service")),
        Ok("compiled") => assert!(not_run("nobody has compiled it")),
        _ => {}
    }
}

#[test]
fn what_is_absent_is_told_and_listed_and_fails_where_it_is_required() {
    const TEST: &str = "required::in_a_process_of_its_own";
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("list.txt");
    let run = |which: &str, required: &str| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", TEST, "--nocapture"]).env(WHICH, which);
        let output = command.env("XTASK_REQUIRE", required).env("XTASK_NOT_RUN", &list).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.success(), text(&output.stdout) + &text(&output.stderr))
    };
    let told = |reason: &str| format!("not run: {TEST}: {reason}\n");
    let (service, compiled) = (told("there is no service"), told("nobody has compiled it"));
    for (which, required, line) in
        [("service", "", &service), ("compiled", "", &compiled), ("compiled", "services", &compiled)]
    {
        let (is_good, said) = run(which, required);
        assert!(is_good && said.contains(line), "{which} {required}: {said}");
    }
    let listed = service + &compiled + &compiled;
    assert_eq!(std::fs::read_to_string(&list).unwrap(), listed);
    for (which, required, reason) in [
        ("service", "services", "there is no service, but XTASK_REQUIRE=services is set"),
        ("service", "everything", "there is no service, but XTASK_REQUIRE=everything is set"),
        ("compiled", "everything", "nobody has compiled it, but XTASK_REQUIRE=everything is set"),
        ("compiled", "all", "XTASK_REQUIRE is `services` or `everything`, not `all`"),
    ] {
        let (is_good, said) = run(which, required);
        assert!(!is_good && said.contains(reason), "{which} {required}: {said}");
    }
    // What has failed is no test that did not run.
    assert_eq!(std::fs::read_to_string(&list).unwrap(), listed);
}
