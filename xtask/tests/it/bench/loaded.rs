//! Verdicts on a machine that is busy with something else: they are those of a quieter one, or nothing is told.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::measuring::{samples, valid};
use crate::support::{Workspace, finish, processes_with};

/// What each of them is known by.
const NAME: &str = "xtask-test-spinner";
/// Computes, and ends by itself as soon as the process that began it is gone.
const SPIN: &str =
    "while kill -0 \"$1\" 2>/dev/null; do n=0; while [ $n -lt 20000 ]; do n=$((n+1)); done; done";
const RUNS: usize = 5;

/// A program on every core that does nothing but compute. They end with this value.
struct Spinners(Vec<Child>);

impl Spinners {
    fn on_every_core() -> Spinners {
        let cores = std::thread::available_parallelism().unwrap().get();
        let own = std::process::id().to_string();
        let mut spinners = Spinners(Vec::new());
        for _ in 0..cores {
            let mut command = Command::new("sh");
            let command = command.args(["-c", SPIN, &format!("{NAME}-{own}"), &own]);
            spinners.0.push(command.stdin(Stdio::null()).spawn().unwrap());
        }
        spinners
    }
}

impl Drop for Spinners {
    fn drop(&mut self) {
        for spinner in &mut self.0 {
            let _ = spinner.kill();
            let _ = spinner.wait();
        }
    }
}

/// Measures the links of a record once more, while every core is taken, and sees that no verdict of the two runs
/// contradicts the other: they are equal, or one of them cannot tell.
pub fn agrees_beside_spinners(workspace: &Workspace, quiet: &Value) {
    let runs = RUNS.to_string();
    let args = ["bench", "--profile", "dev", "--scenario", "link", "--axis", "linker", "--runs", &runs];
    let mut command = workspace.command(&[&args[..], &["--format", "json"]].concat());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut messages = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    // What is built before is not measured, and takes no longer than it has to.
    while !line.contains("a build up to its link") {
        line.clear();
        assert!(messages.read_line(&mut line).unwrap() > 0, "it ended before it linked");
    }
    child.stderr = Some(messages.into_inner());
    let spinners = Spinners::on_every_core();
    let run = finish(child);
    drop(spinners);
    assert!(processes_with(&format!("{NAME}-{}", std::process::id())).is_empty());
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let loaded: Value = serde_json::from_str(&run.stdout).unwrap();

    // The load was there, and was seen.
    let links = samples(&loaded, "link/linker", "default");
    assert_eq!((links.len(), valid(&loaded, "link/linker", "default")), (RUNS, RUNS));
    let mut foreign: Vec<f64> =
        links.iter().map(|link| link["foreign_cores"].as_f64().unwrap_or_default()).collect();
    foreign.sort_by(f64::total_cmp);
    assert!(foreign[RUNS / 2] > 0.4, "{foreign:?}");

    let verdicts = |record: &Value| -> Vec<(String, String)> {
        let text = |verdict: &Value, key: &str| verdict[key].as_str().unwrap().to_owned();
        let all = record["verdicts"].as_array().unwrap().iter();
        all.map(|verdict| (text(verdict, "arm"), text(verdict, "verdict"))).collect()
    };
    let (quiet, loaded) = (verdicts(quiet), verdicts(&loaded));
    assert_eq!(quiet.len(), loaded.len(), "{quiet:?} {loaded:?}");
    assert!(!quiet.is_empty());
    for ((arm, quiet), (other_arm, loaded)) in quiet.iter().zip(&loaded) {
        assert_eq!(arm, other_arm);
        eprintln!("{arm}: {quiet}, and beside spinners {loaded}");
        let cannot_tell = [quiet, loaded].iter().any(|verdict| *verdict == "cannot-tell");
        assert!(quiet == loaded || cannot_tell, "{arm}: {quiet}, and beside spinners {loaded}");
    }
}
