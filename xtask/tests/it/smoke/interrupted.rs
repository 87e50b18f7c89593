//! Signals at any moment: the exit code, no container, and no record of success.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::{GOOD, Smoke, with_verdict};
use crate::support::{Run, finish, processes_with, signal};

/// A cancelled job of GitHub's is killed after 7.5 s.
const LIMIT: Duration = Duration::from_secs(7);

fn start(smoke: &Smoke) -> Child {
    let args = ["docker", "smoke", &smoke.image, "--env", "BEHAVIOUR=health=503", "--format", "json"];
    smoke.workspace.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn interrupt(smoke: &Smoke, child: Child, name: &str) -> Run {
    let began = Instant::now();
    signal(&child, name);
    let run = finish(child);
    assert!(began.elapsed() < LIMIT, "{:?}", began.elapsed());
    assert_eq!((run.stdout.as_str(), smoke.containers()), ("", vec![]), "{}", run.stderr);
    run
}

#[test]
fn ctrl_c_while_the_server_starts_removes_the_container() {
    let Some(smoke) = Smoke::new(&GOOD) else { return };
    let child = start(&smoke);
    let began = Instant::now();
    while smoke.containers().is_empty() {
        assert!(began.elapsed() < Duration::from_secs(60), "no container");
        std::thread::sleep(Duration::from_millis(50));
    }
    std::thread::sleep(Duration::from_millis(500));
    let run = interrupt(&smoke, child, "INT");
    assert_eq!(run.code, Some(130), "{}", run.stderr);
    let records = smoke.records();
    assert_eq!((records.len(), &records[0]["result"]), (1, &"interrupted".into()));
    assert!(with_verdict(&records[0], "not-run").contains(&"health".to_owned()));
}

/// Whether the engine's client is making the container just now.
fn is_being_made(smoke: &Smoke) -> bool {
    processes_with("docker run ").iter().any(|process| process.contains(&smoke.image))
}

#[test]
fn no_moment_leaves_a_container() {
    let Some(smoke) = Smoke::new(&GOOD) else { return };
    let signals = [("TERM", 143), ("INT", 130)];
    for (number, (name, code)) in signals.into_iter().cycle().take(8).enumerate() {
        let child = start(&smoke);
        let began = Instant::now();
        if number < 4 {
            while !is_being_made(&smoke) {
                assert!(began.elapsed() < Duration::from_secs(60), "`docker run` was not seen");
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        // While the client talks to the engine, and at the moments around it.
        std::thread::sleep(Duration::from_millis(if number < 4 {
            15 * number as u64
        } else {
            90 * number as u64
        }));
        let run = interrupt(&smoke, child, name);
        assert_eq!(run.code, Some(code), "{number}: {}", run.stderr);
    }
    assert!(smoke.records().iter().all(|record| record["result"] == "interrupted"));
    assert!(smoke.records().len() >= 4);
}
