//! Two checkouts that deploy at the same time, which no lock of either can know: none of the two is told a success that is
//! not its own, and what is said afterwards is true.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::Station;
use crate::support::{Workspace, copy_folder};

impl Station {
    /// The same workspace in another place, as another machine has it.
    fn another_checkout(&self) -> Workspace {
        let mut other = Workspace::empty();
        copy_folder(self.workspace.root(), other.root());
        other.env = self.workspace.env.clone();
        other
    }

    /// Waits until so many runs have asked Railway to deploy.
    fn wait_until_held(&self, count: u64, children: &mut [&mut Child]) {
        let began = Instant::now();
        while self.model.control("state")["held"].as_u64() < Some(count) {
            assert!(began.elapsed() < Duration::from_secs(60), "{count} runs never came so far");
            for child in children.iter_mut() {
                assert!(child.try_wait().unwrap().is_none(), "a run ended before");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn nobody_is_told_a_success_that_is_not_theirs() {
    let station = Station::new(&["--runner", "process"]);
    station.deployed(&station.image("one"), "one");
    let other = station.another_checkout();
    let (two, three) = (station.image("two"), station.image("three"));
    // Both have looked, found nobody else, and set what they want; then both ask at once.
    station.model.control("hold/DeployServiceInstance/before");
    let mut first = station.start(&["deploy", "--image", &two, "--revision", "two"]);
    station.wait_until_held(1, &mut [&mut first]);
    let args = ["deploy", "--image", &three, "--revision", "three"];
    let mut second = other.command(&args);
    let mut second = second.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    station.wait_until_held(2, &mut [&mut first, &mut second]);
    station.model.control("release");
    let (first, second) = (station.finish(first), station.finish(second));
    // What was set last is what serves, whoever has asked for it.
    assert_eq!(station.served_revision(), "three");
    assert_eq!((first.code, first.stdout.as_str()), (Some(1), ""), "{}", first.stderr);
    assert!([Some(0), Some(1)].contains(&second.code), "{}", second.stderr);
    assert_eq!(station.tells_the_truth().remarks, [serde_json::Value::Null; 0]);
    // Whichever of the two was replaced, the second has what it wants, and is told so when it asks again.
    let count = station.model.deployments().len();
    let again = other.xtask(&args);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert_eq!(station.model.deployments().len(), count, "{}", again.stderr);
    station.end();
}
