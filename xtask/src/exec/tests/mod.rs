//! Tests of the executor with `/bin/sh` as every tool.

mod stopping;
mod temporary;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::panics::told;
use super::signal::Interrupts;
use super::{Executor, Method, Mode, Request};
use crate::exit::{Exit, Failure};
use crate::plan::Invocation;
use crate::ui::Ui;

fn executor(mode: Mode) -> (Executor, &'static Interrupts) {
    let interrupts: &'static Interrupts = Box::leak(Box::new(Interrupts::new()));
    (Executor::with_interrupts(Ui::detect(true), mode, interrupts), interrupts)
}

fn running() -> Executor {
    executor(Mode::Run).0
}

fn sh(script: &str) -> Invocation {
    Invocation::new("sh", "/").args(["-c", script]).timeout(Duration::from_secs(60))
}

fn failure(result: anyhow::Result<impl std::fmt::Debug>) -> Failure {
    result.unwrap_err().downcast::<Failure>().unwrap()
}

#[test]
fn success_has_output_and_times() {
    let finished = running().run(&sh("echo out; echo err >&2; sleep 0.1")).unwrap();
    assert_eq!(finished.stdout, "out\n");
    assert!(finished.elapsed >= Duration::from_millis(100));
}

#[test]
#[cfg(target_os = "linux")]
fn cpu_time_includes_children() {
    let busy = "i=0; while [ $i -lt 100000 ]; do i=$((i + 1)); done";
    let executor = running();
    for script in [busy.to_owned(), format!("sh -c '{busy}'; true")] {
        let finished = executor.run(&sh(&script)).unwrap();
        assert!(finished.cpu.unwrap() > Duration::ZERO, "{finished:?}");
    }
}

#[test]
fn failure_names_command_code_and_last_lines() {
    let failure = failure(running().run(&sh("seq 1 30; echo 'no good' >&2; exit 7")));
    assert_eq!(failure.exit, Exit::CommandFailed);
    let lines: Vec<&str> = failure.message.lines().collect();
    assert_eq!(lines[0], "`sh …` failed with exit code 7");
    assert_eq!(lines[1], "  command: sh -c 'seq 1 30; echo '\\''no good'\\'' >&2; exit 7'");
    assert_eq!(lines[2], "  folder: /");
    assert_eq!(lines.len(), 4 + 20);
    assert!(lines.contains(&"    no good") && lines.contains(&"    30") && !lines.contains(&"    10"));
}

#[test]
fn a_signal_is_named_and_sigkill_has_a_hint() {
    let killed = failure(running().run(&sh("kill -KILL $$")));
    assert!(killed.message.starts_with("`sh …` was killed by SIGKILL\n"), "{}", killed.message);
    assert!(killed.hint.unwrap().contains("memory"));
    let terminated = failure(running().run(&sh("kill -TERM $$")));
    assert!(terminated.message.contains("killed by SIGTERM") && terminated.hint.is_none());
}

#[test]
fn what_is_absent_is_told_apart() {
    let missing = failure(running().probe(&Invocation::new("no-such-tool", "/")));
    assert_eq!(
        (missing.exit, missing.message.as_str()),
        (Exit::MissingTool, "`no-such-tool` is not on PATH")
    );
    let elsewhere = Invocation { cwd: "/no/such/folder".into(), ..sh("true") };
    assert!(failure(running().run(&elsewhere)).message.contains("/no/such/folder does not exist"));

    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("script");
    std::fs::write(&script, "#!/no/such/shell\n").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&script, mode).unwrap();
    let broken = failure(running().run(&Invocation::new(script.to_str().unwrap(), "/")));
    assert!(broken.message.contains("interpreter"), "{}", broken.message);
}

#[test]
fn huge_and_strange_output() {
    let finished = running().run(&sh("head -c 5000000 /dev/zero | tr '\\0' x; echo y >&2")).unwrap();
    assert_eq!(finished.stdout.len(), 5_000_000);
    let too_much = failure(running().run(&sh("head -c 70000000 /dev/zero")));
    assert!(too_much.message.starts_with("`sh …` printed more than 64 MiB"), "{}", too_much.message);
    assert_eq!(running().probe(&sh("printf 'a\\377b'")).unwrap().stdout, "a\u{fffd}b");
    let visible = running().run_visible(&sh("true").timeout(Duration::MAX)).unwrap();
    assert_eq!(visible.stdout, "");
}

#[test]
fn lines_arrive_whole_and_in_order() {
    let mut lines = Vec::new();
    let script = "echo one; head -c 3000000 /dev/zero | tr '\\0' x; echo; echo; printf last";
    running().run_lines(&sh(script), |line| lines.push(line.to_owned())).unwrap();
    assert_eq!(lines.iter().map(String::len).collect::<Vec<_>>(), [3, 3_000_000, 0, 4]);
    assert_eq!(lines[3], "last");

    let mut count = 0;
    let slow = |_: &str| {
        count += 1;
        std::thread::sleep(Duration::from_millis(5));
    };
    running().run_lines(&sh("seq 1 700"), slow).unwrap();
    assert_eq!(count, 700);
}

#[test]
fn probe_and_verdict_report_failure_as_data() {
    let probe = running().probe(&sh("echo a; echo b >&2; exit 3")).unwrap();
    assert!(!probe.success);
    assert_eq!((probe.stdout.as_str(), probe.stderr.as_str()), ("a\n", "b\n"));
    assert!(running().verdict(&sh("true")).unwrap() && !running().verdict(&sh("exit 3")).unwrap());
    // Nothing was found out.
    let killed = sh("kill -KILL $$");
    for failure in [failure(running().probe(&killed)), failure(running().verdict(&killed))] {
        assert_eq!(failure.exit, Exit::CommandFailed);
        assert!(failure.message.contains("killed by SIGKILL"), "{}", failure.message);
    }
    assert!(executor(Mode::DryRun).0.verdict(&sh("true")).is_err());
}

#[test]
fn the_users_cap_only_lowers_a_limit() {
    let capped = |seconds: u64| {
        let mut executor = running();
        executor.cap = Some(Duration::from_secs(seconds));
        executor
    };
    let slow = sh("sleep 60");
    let stopped = failure(capped(1).run(&slow));
    assert_eq!(stopped.exit, Exit::TimedOut);
    assert!(stopped.message.contains("took longer than 1s"), "{}", stopped.message);
    assert!(stopped.hint.unwrap().contains("XTASK_TIMEOUT"));
    let own = failure(capped(600).run(&slow.timeout(Duration::from_millis(200))));
    assert!(own.message.contains("took longer than 200ms") && own.hint.is_none(), "{}", own.message);

    // So it does for a request to somebody who never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let mut executor = running();
    executor.request_cap = Some(Duration::from_secs(1));
    let stopped = failure(executor.send(&Request::new(Method::Get, &url)));
    assert_eq!(stopped.exit, Exit::TimedOut);
    assert!(stopped.message.ends_with("no complete answer within 1s"), "{}", stopped.message);
    assert!(stopped.hint.unwrap().contains("XTASK_TIMEOUT allows every request 1 s"));
    let own = Request::new(Method::Get, &url).timeout(Duration::from_millis(100));
    assert!(failure(executor.send(&own)).hint.is_none());
}

#[test]
fn environment_is_added_and_removed() {
    let script = "printf '%s %s' \"${HOME-none}\" \"$GIVEN\"";
    let mut command = sh(script).env("GIVEN", "given");
    command.env_remove.push("HOME".to_owned());
    assert_eq!(running().run(&command).unwrap().stdout, "none given");
}

#[test]
fn secrets_are_redacted_in_errors_and_in_the_command() {
    let executor = running();
    let command = sh("echo \"it is $MY_TOKEN\"; exit 1 # s3cret'value").env("MY_TOKEN", "s3cret'value");
    let failure = failure(executor.run(&command));
    assert!(!failure.message.contains("s3cret"), "{}", failure.message);
    assert!(
        failure.message.contains("it is [redacted]") && failure.message.contains("MY_TOKEN='[redacted]'")
    );
    assert_eq!(executor.redact("later: s3cret'value"), "later: [redacted]");
    // Data stays what it is: a password may be a word that occurs in it.
    let again = sh("echo \"$MY_TOKEN\"").env("MY_TOKEN", "s3cret'value");
    assert_eq!(executor.run(&again).unwrap().stdout, "s3cret'value\n");
}

#[test]
fn a_dry_run_looks_and_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let (executor, _) = executor(Mode::DryRun);
    let touch = Invocation::new("touch", folder.path()).arg("made").env("A_TOKEN", "0123456789");
    let error = executor.run(&touch).unwrap_err().to_string();
    assert_eq!(error, "refused in a dry run: run `env A_TOKEN='[redacted]' touch made`");
    assert!(executor.run_visible(&touch).is_err() && executor.run_lines(&touch, |_| {}).is_err());
    let path = folder.path().join("made");
    let error = executor.write_file(&path, b"").unwrap_err().to_string();
    assert_eq!(error, format!("refused in a dry run: write {}", path.display()));
    assert!(!path.exists());
    assert!(executor.probe(&sh("true")).unwrap().success);
    assert!(executor.is_dry_run());
}

#[test]
fn a_panic_tells_no_secret() {
    let executor = running();
    executor.learn_secret("hunter2-of-a-test");
    let (redactor, said) = (Arc::clone(&executor.redactor), Arc::new(Mutex::new(String::new())));
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new({
        let said = Arc::clone(&said);
        move |panic: &std::panic::PanicHookInfo<'_>| *said.lock().unwrap() = told(panic, &redactor)
    }));
    // A slice that is cut within a letter quotes the whole of it.
    let cut = |at: usize| std::thread::spawn(move || "é hunter2-of-a-test"[at..].len()).join();
    let (good, bad) = (cut(2), cut(1));
    std::panic::set_hook(before);
    assert!(good.is_ok() && bad.is_err());
    let said = said.lock().unwrap().clone();
    assert!(said.contains("char boundary") && said.contains("é [redacted]"), "{said}");
    assert!(said.starts_with("panicked at ") && !said.contains("hunter2"), "{said}");
}
