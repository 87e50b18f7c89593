//! Connections to a registry that break in the middle of a layer, or stand still; uploads side by side; and somebody who
//! may not push. What of it passes is tried again, and all of it has an end.

use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use super::faults::{front, is_tagging, is_upload};
use super::image::pull;
use super::server::Reply;
use super::wire::Wire;
use super::{push_as, records, registry_with_base, workspace};
use crate::registry::{PASSWORD, Registry, USER};
use crate::support::Workspace;

/// The longest that anything may take here, in seconds, once the workspace is built: far more than the push takes.
const LIMIT: &str = "5";

#[test]
fn connections_that_break_or_stand_still() {
    let Some(registry) = registry_with_base() else { return };
    std::thread::scope(|scope| {
        // It takes the longest, and waits nearly all of that time.
        let still = scope.spawn(|| stands_still(&registry));
        let mut workspace = workspace();
        breaks_in_the_middle_of_a_layer(&registry, &workspace);
        goes_side_by_side(&registry, &workspace);
        may_not_push(&registry, &mut workspace);
        still.join().unwrap();
    });
}

/// Uploads that are taken, and then answered by a byte now and then. Our own limit ends them, and tries are counted.
fn stands_still(registry: &Registry) {
    let mut workspace = workspace();
    let built = workspace.xtask(&["build"]);
    assert_eq!(built.code, Some(0), "{}", built.stderr);
    workspace.set("XTASK_TIMEOUT", LIMIT);
    let slow = front(registry, is_upload, |_, _| Some(Reply::Drip));
    let began = Instant::now();
    let run = push_as(&workspace, &slow.address, "slow", &[]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(5), ""), "{}", run.stderr);
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    let message = run.messages(&workspace);
    assert!(message.starts_with("error: step `push image`: PUT http://"), "{message}");
    assert!(message.contains(&format!("no complete answer within {LIMIT}s")), "{message}");
    assert!(message.contains(&format!("XTASK_TIMEOUT allows every request {LIMIT} s")), "{message}");
    let seen = slow.seen();
    let uploads: Vec<&str> = seen
        .iter()
        .filter(|request| is_upload(request))
        .map(|put| put.path.rsplit_once("digest=").unwrap().1)
        .collect();
    let tries = |digest: &str| uploads.iter().filter(|other| **other == digest).count();
    assert_eq!(uploads.iter().map(|digest| tries(digest)).max(), Some(3), "{uploads:?}");
    assert!(!seen.iter().any(is_tagging));
    assert_eq!(records(&workspace).pop().unwrap()["result"], "failed");
}

/// The registry has got a part of the layer when both sides see the connection break. The whole layer goes again.
fn breaks_in_the_middle_of_a_layer(registry: &Registry, workspace: &Workspace) {
    let wire = Wire::that_breaks_after(100_000, registry.address());
    let run = push_as(workspace, &wire.address, "broken", &[]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(wire.is_broken(), "no connection has carried a layer");
    assert!(run.stderr.contains("Retrying send sha256:"), "{}", run.stderr);
    // Every blob is whole.
    pull(registry, "broken", run.stdout.trim_end());
}

/// The first upload is held until there is a second one: whoever sends them in turn never gets any further.
fn goes_side_by_side(registry: &Registry, workspace: &Workspace) {
    let meeting = Arc::new((Mutex::new(0), Condvar::new()));
    let met = Arc::clone(&meeting);
    let patient = front(registry, is_upload, move |_, _| {
        let (count, has_changed) = &*met;
        let mut arrived = count.lock().unwrap();
        *arrived += 1;
        has_changed.notify_all();
        let limit = Duration::from_secs(10);
        let (_arrived, waited) =
            has_changed.wait_timeout_while(arrived, limit, |arrived| *arrived < 2).unwrap();
        waited.timed_out().then(|| Reply::new(400, &[], "nobody else has come"))
    });
    let run = push_as(workspace, &patient.address, "side-by-side", &[]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(*meeting.0.lock().unwrap() >= 2);
}

/// Whom the registry knows and does not let push.
fn may_not_push(registry: &Registry, workspace: &mut Workspace) {
    workspace.set("XTASK_REGISTRY_USERNAME", USER);
    workspace.set("XTASK_REGISTRY_PASSWORD", PASSWORD);
    let body = r#"{"errors": [{"code": "DENIED", "message": "requested access to the resource is denied"}]}"#;
    let strict =
        front(registry, |request| request.method == "POST", move |_, _| Some(Reply::new(403, &[], body)));
    let run = push_as(workspace, &strict.address, "denied", &[]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(4), ""), "{}", run.stderr);
    let message = run.messages(workspace).replace(&strict.address, "STRICT");
    let expected = "error: step `push image`: cannot push to STRICT/denied as `tester`: the registry answers 403 \
                    (DENIED: requested access to the resource is denied)\n hint: the credentials are from \
                    XTASK_REGISTRY_USERNAME and XTASK_REGISTRY_PASSWORD; they lack the right to push";
    assert_eq!(message, expected);
    assert!(!run.stderr.contains("Retrying"), "{}", run.stderr);
    assert!(!strict.seen().iter().any(|request| is_upload(request) || is_tagging(request)));
}
