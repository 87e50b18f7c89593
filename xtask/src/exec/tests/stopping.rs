//! Tests of time-outs, interruptions and what is left of a command afterwards.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::{executor, failure, running, sh};
use crate::exec::Mode;
use crate::exit::Exit;
use crate::plan::Invocation;

const SIGTERM: i32 = 15;

/// The shell script, marked so that [`is_gone`] finds each process that descends from it.
fn marked(script: &str) -> (Invocation, String) {
    static COUNTER: AtomicUsize = AtomicUsize::new(0);
    let mark = format!("{}-{}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed));
    (sh(script).env("EXEC_TEST_MARK", &mark), format!("EXEC_TEST_MARK={mark}"))
}

/// Whether no process with the mark is left, after a short wait.
fn is_gone(mark: &str) -> bool {
    let is_alive = || {
        std::fs::read_dir("/proc").unwrap().flatten().any(|entry| {
            let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
        })
    };
    let deadline = Instant::now() + Duration::from_secs(2);
    while is_alive() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(10));
    }
    !is_alive()
}

#[test]
#[cfg(target_os = "linux")]
fn a_time_out_leaves_no_process() {
    for script in ["sleep 300 & sleep 300", "trap '' TERM; (trap '' TERM; sleep 300) & sleep 300; sleep 300"]
    {
        let (mut command, mark) = marked(script);
        command.stop_grace = Duration::from_millis(200);
        let started = Instant::now();
        let failure = failure(running().run(&command.timeout(Duration::from_millis(200))));
        assert_eq!(failure.exit, Exit::TimedOut);
        assert!(started.elapsed() < Duration::from_secs(5));
        assert!(is_gone(&mark), "{script}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_process_that_cleans_up_has_its_grace() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("done");
    let (command, mark) =
        marked("(trap 'sleep 0.3; echo x >\"$DONE\"; exit' TERM; sleep 0.1; sleep 300 & wait) & wait");
    let command = command.env("DONE", file.to_str().unwrap()).timeout(Duration::from_millis(400));
    assert_eq!(failure(running().run(&command)).exit, Exit::TimedOut);
    assert!(file.exists() && is_gone(&mark));
}

#[test]
#[cfg(target_os = "linux")]
fn success_leaves_no_process_either() {
    let (command, mark) = marked("sleep 300 & echo started");
    let started = Instant::now();
    assert_eq!(running().run(&command).unwrap().stdout, "started\n");
    assert!(started.elapsed() < Duration::from_secs(2));
    assert!(is_gone(&mark));
}

#[test]
#[cfg(target_os = "linux")]
fn a_panic_in_the_callback_leaves_no_process() {
    let (command, mark) = marked("echo line; sleep 300");
    let result = std::panic::catch_unwind(|| running().run_lines(&command, |line| panic!("{line}")));
    assert!(result.is_err() && is_gone(&mark));
}

#[test]
#[cfg(target_os = "linux")]
fn a_daemon_survives_and_does_not_hold_us_up() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let (command, mark) =
        marked("setsid sh -c 'echo $$ >\"$PID\"; exec sleep 8' & while ! test -s \"$PID\"; do :; done");
    let started = Instant::now();
    running().run(&command.env("PID", file.to_str().unwrap())).unwrap();
    assert!(started.elapsed() < Duration::from_secs(5));
    let pid = std::fs::read_to_string(&file).unwrap();
    let environment = std::fs::read_to_string(format!("/proc/{}/environ", pid.trim())).unwrap();
    assert!(environment.contains(&mark));
    running().run(&sh(&format!("kill {pid}"))).unwrap();
}

#[test]
fn an_interruption_stops_every_child() {
    let (executor, interrupts) = executor(Mode::Run);
    let started = Instant::now();
    std::thread::scope(|scope| {
        let children = ["sleep 300", "trap 'exit 0' TERM; sleep 300 & wait"]
            .map(|script| scope.spawn(|| failure(executor.run(&sh(script)))));
        std::thread::sleep(Duration::from_millis(200));
        interrupts.note(SIGTERM);
        for child in children {
            let failure = child.join().unwrap();
            assert_eq!(
                (failure.exit, failure.message.as_str()),
                (Exit::Interrupted(15), "interrupted by SIGTERM")
            );
        }
    });
    assert!(started.elapsed() < Duration::from_secs(3));
    assert_eq!(Exit::of(&executor.check_interrupted().unwrap_err()).code(), 143);
    assert_eq!(Exit::of(&executor.probe(&sh("true")).unwrap_err()).code(), 143);
}

#[test]
#[cfg(target_os = "linux")]
fn a_second_signal_does_not_wait() {
    let (executor, interrupts) = executor(Mode::Run);
    let (command, mark) = marked("trap '' TERM; sleep 300; sleep 300");
    let command = Invocation { stop_grace: Duration::from_secs(60), ..command };
    let started = Instant::now();
    std::thread::scope(|scope| {
        let child = scope.spawn(|| failure(executor.run(&command)));
        std::thread::sleep(Duration::from_millis(200));
        interrupts.note(SIGTERM);
        std::thread::sleep(Duration::from_millis(100));
        interrupts.note(SIGTERM);
        assert_eq!(child.join().unwrap().exit, Exit::Interrupted(15));
    });
    assert!(started.elapsed() < Duration::from_secs(5));
    assert!(is_gone(&mark));
}

#[test]
fn a_fetch_can_be_interrupted() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (executor, interrupts) = executor(Mode::DryRun);
    let started = Instant::now();
    std::thread::scope(|scope| {
        let fetch = scope.spawn(|| failure(executor.fetch(&url, Duration::from_secs(60))));
        std::thread::sleep(Duration::from_millis(100));
        interrupts.note(2);
        assert_eq!(fetch.join().unwrap().exit, Exit::Interrupted(2));
    });
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn what_is_abandoned_stops_and_looking_goes_on() {
    let (executor, _) = executor(Mode::Run);
    let started = Instant::now();
    std::thread::scope(|scope| {
        let running = scope.spawn(|| failure(executor.run(&sh("sleep 300"))));
        let looking = scope.spawn(|| executor.probe(&sh("sleep 0.5; echo seen")).unwrap());
        std::thread::sleep(Duration::from_millis(200));
        executor.abandon();
        let failure = running.join().unwrap();
        assert_eq!(failure.exit, Exit::CommandFailed);
        assert!(failure.message.contains("another step failed"), "{}", failure.message);
        assert_eq!(looking.join().unwrap().stdout, "seen\n");
    });
    assert!(started.elapsed() < Duration::from_secs(30));
}

#[test]
#[cfg(target_os = "linux")]
fn a_started_command_runs_on_until_it_is_stopped() {
    let executor = running();
    let (command, mark) = marked("trap 'exit 0' TERM; sleep 300 & while true; do wait; done");
    let server = executor.start(&command).unwrap();
    assert!(!server.has_ended().unwrap());
    // What has failed elsewhere does not concern it.
    executor.abandon();
    std::thread::sleep(Duration::from_millis(100));
    assert!(!server.has_ended().unwrap());
    executor.resume();
    let took = server.stop().unwrap();
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert!(is_gone(&mark));
}

#[test]
#[cfg(target_os = "linux")]
fn a_started_command_has_its_grace_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("done");
    let begun = folder.path().join("begun");
    let wait_for = |file: &std::path::Path| {
        let deadline = Instant::now() + Duration::from_secs(10);
        while !file.exists() {
            assert!(Instant::now() < deadline);
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    let (command, mark) =
        marked("trap 'sleep 0.2; echo x >\"$DONE\"; exit' TERM; : >\"$BEGUN\"; sleep 300 & wait");
    let command = command.env("DONE", file.to_str().unwrap()).env("BEGUN", begun.to_str().unwrap());
    let server = running().start(&command).unwrap();
    wait_for(&begun);
    server.stop().unwrap();
    assert!(file.exists() && is_gone(&mark));

    std::fs::remove_file(&begun).unwrap();
    let (mut command, mark) = marked("trap '' TERM; : >\"$BEGUN\"; sleep 300");
    command.stop_grace = Duration::from_millis(200);
    let server = running().start(&command.env("BEGUN", begun.to_str().unwrap())).unwrap();
    wait_for(&begun);
    assert!(server.stop().unwrap() >= Duration::from_millis(200));
    assert!(is_gone(&mark));
}

#[test]
#[cfg(target_os = "linux")]
fn a_second_signal_spares_nothing_that_was_started() {
    let (executor, interrupts) = executor(Mode::Run);
    let (mut command, mark) = marked("trap '' TERM; sleep 300");
    command.stop_grace = Duration::from_secs(60);
    let server = executor.start(&command).unwrap();
    interrupts.note(SIGTERM);
    assert!(!server.has_ended().unwrap());
    interrupts.note(SIGTERM);
    assert!(server.stop().unwrap() < Duration::from_secs(5));
    assert!(is_gone(&mark));
}

#[test]
#[cfg(target_os = "linux")]
fn what_nobody_holds_is_killed() {
    let (command, mark) = marked("trap '' TERM; (trap '' TERM; sleep 300) & sleep 300");
    drop(running().start(&command).unwrap());
    assert!(is_gone(&mark));
}

#[test]
fn a_started_command_that_ends_by_itself_says_why() {
    let server = running().start(&sh("echo 'no port' >&2; exit 3")).unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while !server.has_ended().unwrap() {
        assert!(Instant::now() < deadline);
    }
    let failure = server.failure().unwrap();
    assert_eq!(failure.exit, Exit::CommandFailed);
    assert!(failure.message.starts_with("`sh …` failed with exit code 3\n"), "{}", failure.message);
    assert!(failure.message.ends_with("    no port"), "{}", failure.message);
}

#[test]
fn nothing_is_started_in_a_dry_run_or_after_an_interruption() {
    let error = executor(Mode::DryRun).0.start(&sh("exit")).err().unwrap();
    assert!(error.to_string().starts_with("refused in a dry run"), "{error}");
    let (executor, interrupts) = executor(Mode::Run);
    interrupts.note(SIGTERM);
    assert_eq!(Exit::of(&executor.start(&sh("exit")).err().unwrap()), Exit::Interrupted(SIGTERM));
    let missing = running().start(&Invocation::new("no-such-tool", "/")).err().unwrap();
    assert_eq!(Exit::of(&missing), Exit::MissingTool);
}
