//! A registry that fails on the way: what is tried again, how often, and what is said in the end.

use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use expect_test::expect;

use super::server::{Reply, Seen, Server, forward, serve};
use super::{messages, push_as, records, registry_with_base, workspace};
use crate::registry::{OCI_INDEX, Registry, digest};
use crate::support::{Workspace, finish, signal};

/// A proxy in front of the registry that answers some requests itself. The closure is told how many such requests there
/// were before.
pub fn front(
    registry: &Registry,
    picked: impl Fn(&Seen) -> bool + Send + Sync + 'static,
    answer: impl Fn(usize, &Seen) -> Option<Reply> + Send + Sync + 'static,
) -> Server {
    let (behind, count) = (registry.address().to_owned(), AtomicUsize::new(0));
    serve(move |request, _| {
        let own = picked(request).then(|| answer(count.fetch_add(1, Ordering::SeqCst), request)).flatten();
        own.unwrap_or_else(|| forward(request, &behind))
    })
}

pub fn is_upload(request: &Seen) -> bool {
    request.method == "PUT" && request.path.contains("/blobs/uploads/")
}

pub fn is_tagging(request: &Seen) -> bool {
    request.method == "PUT" && request.path.contains("/manifests/")
}

#[test]
fn what_passes_and_what_does_not() {
    let Some(registry) = registry_with_base() else { return };
    let workspace = workspace();

    // Three faults on the way of one image.
    let shaky = front(&registry, is_upload, |number, _| match number {
        0 => Some(Reply::new(503, &[], "")),
        1 => Some(Reply::HangUp),
        3 => Some(Reply::new(429, &[("retry-after", "2")], "")),
        _ => None,
    });
    let began = Instant::now();
    let run = push_as(&workspace, &shaky.address, "shaky", &[]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let retries: Vec<&str> = run.stderr.lines().filter(|line| line.contains("Retrying")).collect();
    assert_eq!(retries.len(), 3, "{}", run.stderr);
    // Layers are sent side by side, so it is chance which of them meets which fault.
    for expected in ["the registry answers 503", ": PUT http://", " in 2 s ("] {
        assert!(retries.iter().any(|line| line.contains(expected)), "{expected} in {retries:?}");
    }
    assert!(began.elapsed() > Duration::from_secs(2));
    let expected = registry.manifest("shaky", run.stdout.trim_end());
    assert_eq!(digest(&expected.body), run.stdout.trim_end());

    let full = front(&registry, is_upload, |_, _| {
        let body = r#"{"errors": [{"code": "TOOMANYREQUESTS", "message": "quota\nexceeded"}]}"#;
        Some(Reply::new(500, &[("retry-after", "0")], body))
    });
    let run = push_as(&workspace, &full.address, "full", &[]);
    assert_eq!(run.code, Some(4), "{}", run.stderr);
    let blob = |text: &str| match text.split_once("sha256:") {
        Some((before, after)) => format!("{before}sha256:…{}", &after[64..]),
        None => text.to_owned(),
    };
    expect![[r#"
        error: step `push image`: send
            sha256:… to FULL/full:
            the registry answers 500 (TOOMANYREQUESTS: quota exceeded)"#]]
    .assert_eq(&blob(&messages(&run, &workspace, &[(&full.address, "FULL")])));
    let seen = full.seen();
    let tried = |digest: &str| seen.iter().filter(|put| is_upload(put) && put.path.ends_with(digest)).count();
    let digests: Vec<&str> = seen
        .iter()
        .filter(|put| is_upload(put))
        .map(|put| put.path.rsplit_once("digest=").unwrap().1)
        .collect();
    assert!(digests.iter().any(|digest| tried(digest) == 3), "{digests:?}");
    assert!(digests.iter().all(|digest| tried(digest) <= 3), "{digests:?}");
    let record = records(&workspace).pop().unwrap();
    assert_eq!((&record["result"], &record["steps"][3]["state"]), (&"failed".into(), &"failed".into()));
    assert_eq!(
        (&record["reference"], record["layers"][6]["state"].is_null()),
        (&serde_json::Value::Null, true)
    );

    // A registry that says it has something else.
    let other = digest(b"something else");
    let liar = front(&registry, is_tagging, move |_, _| {
        Some(Reply::new(201, &[("docker-content-digest", other.as_str())], ""))
    });
    let run = push_as(&workspace, &liar.address, "liar", &[]);
    assert_eq!(run.code, Some(4), "{}", run.stderr);
    assert!(run.stderr.contains("the registry has sha256:"), "{}", run.stderr);

    // A base that was damaged on its way.
    let is_config = |request: &Seen| request.method == "GET" && request.path.contains("/base/blobs/");
    let damaged = front(&registry, is_config, |_, _| Some(Reply::new(200, &[], "{}")));
    let run = push_as(&workspace, &damaged.address, "damaged", &[]);
    assert_eq!(run.code, Some(4), "{}", run.stderr);
    assert!(run.stderr.contains("the content is not what it should be"), "{}", run.stderr);

    // A manifest that was cut off on its way.
    let is_manifest = |request: &Seen| request.method == "GET" && request.path.contains("/base/manifests/1");
    let whole = String::from_utf8(registry.manifest("base", "1").body).unwrap();
    let told = digest(whole.as_bytes());
    let cut = front(&registry, is_manifest, move |_, _| {
        let headers = [("docker-content-digest", told.as_str()), ("content-type", OCI_INDEX)];
        Some(Reply::new(200, &headers, &whole[..whole.len() / 2]))
    });
    let run = push_as(&workspace, &cut.address, "cut", &[]);
    assert_eq!(run.code, Some(4), "{}", run.stderr);
    assert!(run.stderr.contains("the content is not what it should be"), "{}", run.stderr);

    // A registry that takes nothing for now.
    let closed = registry.closed();
    let run = push_as(&workspace, closed.address(), "closed", &[]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(4), ""), "{}", run.stderr);
    assert!(run.stderr.contains("the registry answers 405"), "{}", run.stderr);
    assert!(run.stderr.contains("hint: is the registry closed for writing"), "{}", run.stderr);
    let changes = closed.changes_since(0);
    assert!(!changes.is_empty() && changes.iter().all(|it| it.ends_with("/uploads/ 405")), "{changes:?}");

    for (signal, code) in [("TERM", 143), ("INT", 130)] {
        stopped_while_it_sends(&registry, &workspace, signal, code);
    }
    let again = push_as(&workspace, registry.address(), "stuck", &[]);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert_eq!(registry.manifest("stuck", again.stdout.trim()).status, 200);
}

/// A signal during an upload: over at once, no success on record, no tag in the registry.
fn stopped_while_it_sends(registry: &Registry, workspace: &Workspace, name: &str, code: i32) {
    let stuck = front(registry, is_upload, |_, _| {
        std::thread::sleep(Duration::from_secs(60));
        Some(Reply::HangUp)
    });
    let image = format!("{}/stuck:1", stuck.address);
    let base = format!("{}/base:1", stuck.address);
    let mut command = workspace.command(&["docker", "pack", "--push", "--image", &image, "--base", &base]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let began = Instant::now();
    while !stuck.seen().iter().any(is_upload) {
        assert!(began.elapsed() < Duration::from_secs(60), "nothing is sent");
        std::thread::sleep(Duration::from_millis(20));
    }
    let began = Instant::now();
    signal(&child, name);
    let run = finish(child);
    assert_eq!((run.code, run.stdout.as_str()), (Some(code), ""), "{}", run.stderr);
    assert!(began.elapsed() < Duration::from_secs(7));
    assert_eq!(records(workspace).pop().unwrap()["result"], "interrupted");
    assert!(!stuck.seen().iter().any(is_tagging));
}
