//! Tests of what is made for a time: it is gone however we end.

use std::path::Path;
use std::time::{Duration, Instant};

use super::{executor, failure, running, sh};
use crate::exec::Mode;
use crate::exit::Exit;
use crate::plan::Invocation;

const SIGINT: i32 = 2;

/// Commands that make a file, after a while, and remove it.
fn commands(folder: &Path, seconds: &str) -> (Invocation, Invocation) {
    let make =
        Invocation { cwd: folder.to_owned(), ..sh(&format!("sleep {seconds}; echo made; touch made")) };
    let remove = Invocation { cwd: folder.to_owned(), ..sh("rm -f made; echo x >>removed") };
    (make, remove)
}

/// Removed exactly once, and not there.
fn is_gone(folder: &Path) -> bool {
    let removed = std::fs::read_to_string(folder.join("removed")).unwrap_or_default();
    removed == "x\n" && !folder.join("made").exists()
}

#[test]
fn it_lives_until_it_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let (make, remove) = commands(folder.path(), "0");
    let executor = running();
    let (temporary, made) = executor.make_temporary(&make, remove).unwrap();
    assert!(made.success && made.stdout == "made\n" && folder.path().join("made").exists());
    temporary.remove().unwrap();
    assert!(is_gone(folder.path()));
}

#[test]
fn errors_and_panics_remove_it() {
    for panics in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let (make, remove) = commands(folder.path(), "0");
        let executor = running();
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _temporary = executor.make_temporary(&make, remove)?;
            assert!(!panics, "on purpose");
            executor.run(&sh("false"))
        }));
        assert_eq!(result.is_err(), panics);
        assert!(is_gone(folder.path()));
    }
}

#[test]
#[cfg(target_os = "linux")]
fn an_interruption_lets_it_be_made_and_removes_it() {
    let folder = tempfile::tempdir().unwrap();
    let (make, remove) = commands(folder.path(), "0");
    // As with a daemon's client: what was asked for is made even if whoever asked is stopped.
    let daemon = Invocation {
        cwd: folder.path().to_owned(),
        ..sh("setsid sh -c 'sleep 0.5; touch made' >daemon 2>&1 & wait")
    };
    let (executor, interrupts) = executor(Mode::Run);
    std::thread::scope(|scope| {
        let making = scope.spawn(|| executor.make_temporary(&daemon, remove).map(|(_, made)| made));
        std::thread::sleep(Duration::from_millis(100));
        interrupts.note(SIGINT);
        // The second one means "at once", and does not take precedence over cleaning up.
        interrupts.note(SIGINT);
        assert_eq!(failure(making.join().unwrap()).exit, Exit::Interrupted(SIGINT));
    });
    std::thread::sleep(Duration::from_secs(1));
    assert!(is_gone(folder.path()));
    // Nothing is begun any more.
    let (_, remove) = commands(folder.path(), "0");
    assert!(executor.make_temporary(&make, remove).is_err() && is_gone(folder.path()));
}

#[test]
fn neither_making_nor_removing_goes_on_for_ever() {
    let (executor, interrupts) = executor(Mode::Run);
    let started = Instant::now();
    std::thread::scope(|scope| {
        let making = scope.spawn(|| executor.make_temporary(&sh("sleep 300"), sh("sleep 300")).map(drop));
        std::thread::sleep(Duration::from_millis(100));
        interrupts.note(SIGINT);
        assert_eq!(failure(making.join().unwrap()).exit, Exit::Interrupted(SIGINT));
    });
    assert!(started.elapsed() < Duration::from_secs(7), "{:?}", started.elapsed());
}

#[test]
fn a_failed_removal_says_what_to_do() {
    let executor = running();
    let (temporary, _) = executor.make_temporary(&sh("true"), sh("echo busy >&2; exit 1")).unwrap();
    let error = temporary.remove().unwrap_err().to_string();
    assert_eq!(error, "could not clean up: busy\n  do it by hand: sh -c 'echo busy >&2; exit 1'");
}

#[test]
fn a_dry_run_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (make, remove) = commands(folder.path(), "0");
    let error = executor(Mode::DryRun).0.make_temporary(&make, remove).map(drop).unwrap_err();
    assert!(error.to_string().starts_with("refused in a dry run: run `sh -c"), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
