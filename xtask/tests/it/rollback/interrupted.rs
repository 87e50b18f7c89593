//! Runs that are ended at each of their steps, before and after Railway has carried it out: what is said afterwards is
//! true, and the same command again ends well, with one deployment in all.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::Station;
use crate::support::signal;

/// An operation at which a run waits, and the point within it.
type Step = (&'static str, &'static str);

const DEPLOY: [Step; 8] = [
    // In the precheck: nothing is changed so far.
    ("Plan", "before"),
    ("UpsertVariables", "before"),
    ("UpsertVariables", "after"),
    ("UpdateServiceInstance", "before"),
    ("UpdateServiceInstance", "after"),
    ("DeployServiceInstance", "before"),
    ("DeployServiceInstance", "after"),
    ("Deployment", "before"),
];
const ROLLBACK: [Step; 5] = [
    ("UpsertVariables", "after"),
    ("UpdateServiceInstance", "after"),
    ("RollBackDeployment", "before"),
    ("RollBackDeployment", "after"),
    ("Deployment", "before"),
];
const SIGNALS: [Signal; 3] =
    [("INT", Some(130), "SIGINT"), ("TERM", Some(143), "SIGTERM"), ("KILL", None, "")];

/// Those after which Railway knows more than a run that is killed could note.
const UNSEEN: [Step; 4] = [
    ("UpsertVariables", "after"),
    ("UpdateServiceInstance", "after"),
    ("DeployServiceInstance", "after"),
    ("Deployment", "before"),
];

/// Its name, the exit code, and what has to be said.
type Signal = (&'static str, Option<i32>, &'static str);

/// What `deploy status` says: what is, in few words, what is not as it should be, and all of it.
pub struct Told {
    pub truth: Value,
    pub remarks: Vec<Value>,
    pub status: Value,
}

/// Each step with each of these signals.
fn each(steps: &[Step], signals: &'static [Signal]) -> Vec<(Step, Signal)> {
    steps.iter().flat_map(|step| signals.iter().map(|signal| (*step, *signal))).collect()
}

impl Station {
    /// Ends a run at this point.
    fn ended(&self, args: &[&str], (operation, point): Step, (name, code, word): Signal) {
        let held = || self.model.control("state")["held"].as_u64().unwrap();
        let before = held();
        self.model.control(&format!("hold/{operation}/{point}"));
        let mut child = self.start(args);
        let began = Instant::now();
        while held() == before {
            assert!(began.elapsed() < Duration::from_secs(60), "{operation} {point} never came");
            assert!(child.try_wait().unwrap().is_none(), "ended before {operation} {point}");
            std::thread::sleep(Duration::from_millis(5));
        }
        signal(&child, name);
        let run = self.finish(child);
        self.model.control("release");
        assert_eq!(run.code, code, "{operation} {point}: {}", run.stderr);
        assert!(run.stderr.contains(word) && run.stdout.is_empty(), "{}{}", run.stdout, run.stderr);
    }

    /// What the model knows, in the words of `deploy status`.
    fn truth(&self) -> Value {
        let state = self.model.control("state");
        let all = state["deployments"].as_array().unwrap();
        let ids = |keep: &dyn Fn(&&Value) -> bool| {
            all.iter().rev().filter(keep).map(|one| one["id"].clone()).collect::<Vec<_>>()
        };
        let (image, revision) = self.settings();
        json!({
            "active": ids(&|one| one["active"] == true),
            "pending": ids(&|one| ["INITIALIZING", "DEPLOYING"].contains(&one["status"].as_str().unwrap())),
            "latest": [all.last().unwrap()["id"]],
            "source_image": image,
            "revision": revision,
        })
    }

    /// What `deploy status` says is what is.
    pub fn tells_the_truth(&self) -> Told {
        loop {
            let before = self.truth();
            let (status, code) = self.status();
            if self.truth() != before {
                // Railway has gone on meanwhile; one that is ended soon does so.
                continue;
            }
            let ids = |value: &Value| {
                value.as_array().unwrap().iter().map(|one| one["id"].clone()).collect::<Vec<_>>()
            };
            let told = json!({
                "active": ids(&status["active"]),
                "pending": ids(&status["pending"]),
                "latest": [status["latest"]["id"]],
                "source_image": status["source_image"],
                "revision": status["revision"],
            });
            assert_eq!(told, before);
            assert_eq!((code, &status["healthy"]), (Some(0), &json!(true)), "{status:#}");
            let remarks = status["remarks"].as_array().unwrap().clone();
            return Told { truth: told, remarks, status };
        }
    }

    /// Waits until nothing is under way.
    fn settle(&self) {
        let began = Instant::now();
        while self.truth()["pending"] != json!([]) {
            assert!(began.elapsed() < Duration::from_secs(60));
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

#[test]
fn a_deployment_that_is_ended_at_any_step_goes_on_with_the_next() {
    let station = Station::new(&["--runner", "process"]);
    let images = [station.image("one"), station.image("two")];
    station.deployed(&images[0], "revision-0");
    let all = [each(&DEPLOY, &SIGNALS[..2]), each(&UNSEEN, &SIGNALS[2..])].concat();
    for (at, (step, signal)) in all.into_iter().enumerate() {
        let (image, revision) = (&images[(at + 1) % 2], format!("revision-{}", at + 1));
        let count = station.model.deployments().len();
        let args = ["deploy", "--image", image, "--revision", &revision];
        station.ended(&args, step, signal);
        let Told { truth, remarks, .. } = station.tells_the_truth();
        // What is under way may be live by now; else what serves does not change any more.
        let is_all_live = truth["pending"] == json!([]) && truth["revision"] == station.served_revision();
        assert_eq!(remarks.is_empty(), is_all_live, "{step:?}: {remarks:#?}");
        if let Some(remark) = remarks.first() {
            // What goes on and what goes back, or at least one of them.
            assert!(remark.to_string().contains("cargo xtask deploy rollback "), "{step:?}: {remark}");
        }
        let again = station.run(&args);
        assert_eq!(again.code, Some(0), "{step:?}: {}", again.stderr);
        assert_eq!(station.served_revision(), revision);
        assert_eq!(station.model.deployments().len(), count + 1, "{step:?}: not one deployment");
        let Told { remarks, status, .. } = station.tells_the_truth();
        assert_eq!(remarks, [Value::Null; 0], "{step:?}");
        // Whoever began it, what is live has been seen by the second run.
        let is_ours = status["receipt"]["is_live"] == true;
        // Or the first was never told its id, or is on no record, and it was live before the second.
        let nobody_knows = step == ("DeployServiceInstance", "after") || signal.0 == "KILL";
        assert!(is_ours || nobody_knows, "{step:?}: {status:#}");
    }
    station.end();
}

#[test]
fn an_ended_deployment_can_be_gone_back_from() {
    let station = Station::new(&["--runner", "process"]);
    let (first, second) = (station.image("one"), station.image("two"));
    let one = station.deployed(&first, "one");
    for (at, step) in DEPLOY.into_iter().enumerate().skip(1) {
        station.ended(
            &["deploy", "--image", &second, "--revision", "two"],
            step,
            SIGNALS[at % SIGNALS.len()],
        );
        // Where it went live after all, the one before it is rolled back to.
        station.settle();
        let live = station.truth()["active"][0].as_str().unwrap().to_owned();
        let (is_live, is_back) =
            (station.served_revision() == "two", station.settings() == (first.clone(), "one".into()));
        if !is_back {
            let target = if is_live { &one } else { &live };
            let run = station.run(&["deploy", "rollback", target]);
            assert_eq!(run.code, Some(0), "{step:?}: {}", run.stderr);
        }
        assert_eq!(station.served_revision(), "one", "{step:?}");
        assert_eq!(station.settings(), (first.clone(), "one".to_owned()), "{step:?}");
        assert_eq!(station.tells_the_truth().remarks, [Value::Null; 0], "{step:?}");
    }
    station.end();
}

#[test]
fn a_rollback_that_is_ended_at_any_step_goes_on_with_the_next() {
    let station = Station::new(&["--runner", "process"]);
    let (first, second) = (station.image("one"), station.image("two"));
    let one = station.deployed(&first, "one");
    for (step, signal) in each(&ROLLBACK, &SIGNALS[..2]) {
        station.deployed(&second, "two");
        let count = station.model.deployments().len();
        let args = ["deploy", "rollback", one.as_str()];
        // Until then it is being drained, and Railway has no way back to it.
        station.model.wait(&one, "REMOVED");
        station.ended(&args, step, signal);
        station.tells_the_truth();
        let again = station.run(&args);
        let is_done = station.model.deployments().len() == count + 1 && station.served_revision() == "one";
        assert!(is_done, "{step:?}: {}", again.stderr);
        station.settle();
        assert_eq!(station.settings(), (first.clone(), "one".to_owned()), "{step:?}");
        assert_eq!(again.code, Some(0), "{step:?}: {}", again.stderr);
    }
    station.end();
}

#[test]
fn a_deployment_that_is_ended_while_it_is_verified_is_live() {
    let station = Station::new(&["--runner", "process"]);
    station.deployed(&station.image("one"), "one");
    for (at, version) in ["mute-0", "mute-1"].into_iter().enumerate() {
        // It does not name its revision, so it is asked until the time is up.
        let mute = station.registry.image(version, &[&format!("VERSION={version}"), "MUTE=1"]);
        let child = station.start(&["deploy", "--image", &mute, "--revision", version]);
        let began = Instant::now();
        while station.served_revision() != version {
            assert!(began.elapsed() < Duration::from_secs(60));
            std::thread::sleep(Duration::from_millis(20));
        }
        std::thread::sleep(Duration::from_secs(1));
        let (name, code, _) = SIGNALS[at];
        signal(&child, name);
        let run = station.finish(child);
        assert_eq!(run.code, code, "{}", run.stderr);
        assert!(run.stderr.contains("step `verify`"), "{}", run.stderr);
        let Told { truth, remarks, .. } = station.tells_the_truth();
        assert_eq!((&truth["active"], &truth["revision"]), (&truth["latest"], &json!(version)));
        assert_eq!(remarks, [Value::Null; 0]);
    }
    station.end();
}
