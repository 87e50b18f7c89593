//! Ctrl-C while a real engine builds, and while it sends the image: over at once, nobody left, nothing under a tag, and
//! the next run makes the image.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::small::Small;
use super::variable;
use crate::registry::Registry;
use crate::relay::relay;
use crate::running::{PATIENCE, Running};
use crate::support::{processes_with, skipped};

/// A cancelled job of GitHub's is killed after 7.5 s.
const LIMIT: Duration = Duration::from_secs(7);
/// What a connection lets through before it stands still, in bytes: all requests but those with a layer.
const HELD_AFTER: usize = 200_000;

/// A way to a registry on which uploads stand still until it is opened.
struct Narrow {
    address: String,
    is_open: Arc<AtomicBool>,
    is_held: Arc<AtomicBool>,
}

impl Narrow {
    fn to(registry: &str) -> Narrow {
        let (is_open, is_held) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (opened, held) = (Arc::clone(&is_open), Arc::clone(&is_held));
        let address = relay(registry, move |sent| {
            while sent > HELD_AFTER && !opened.load(Ordering::SeqCst) {
                held.store(true, Ordering::SeqCst);
                std::thread::sleep(Duration::from_millis(20));
            }
            true
        });
        Narrow { address, is_open, is_held }
    }

    fn wait_until_held(&self) {
        let began = Instant::now();
        while !self.is_held.load(Ordering::SeqCst) {
            assert!(began.elapsed() < PATIENCE, "nothing is sent");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Ends a build by Ctrl-C; it has to be over soon, with everything that it has started.
fn interrupt(small: &Small, mut build: Running) {
    let began = Instant::now();
    assert_eq!(build.end_with("INT"), Some(130), "{}", build.said());
    assert!(began.elapsed() < LIMIT, "{:?}", began.elapsed());
    let root = small.workspace.root().display().to_string();
    assert_eq!(processes_with(&root), [""; 0]);
    let records = small.workspace.read("target/xtask/records/docker-build.jsonl");
    let last: Value = serde_json::from_str(records.lines().last().unwrap()).unwrap();
    assert_eq!((&last["result"], &last["digest"]), (&"interrupted".into(), &Value::Null), "{last:#}");
}

#[test]
fn ctrl_c_while_it_builds_and_while_it_sends() {
    let Some(small) = Small::new(Registry::start()) else { return };
    let Some(rust) = variable("XTASK_TEST_RUST_IMAGE") else {
        skipped("XTASK_TEST_RUST_IMAGE names no image");
        return;
    };
    let marker = format!("sleep 6.{:09}", std::process::id());
    small.recipe(&format!(
        "FROM {rust} AS builder\nRUN {marker} && touch /done\nFROM scratch\nCOPY --from=builder /done /done\nCOPY \
         image/ /"
    ));
    let narrow = Narrow::to(small.registry.address());
    let image = format!("{}/team/small", narrow.address);
    let args = ["docker", "build", "--push", "--image", &image];
    let start = || Running::start(&mut small.workspace.command(&args));

    let build = start();
    let began = Instant::now();
    while processes_with(&marker).is_empty() {
        assert!(began.elapsed() < PATIENCE, "the instruction does not run: {}", build.said());
        std::thread::sleep(Duration::from_millis(20));
    }
    interrupt(&small, build);
    // The engine ends the instruction when its client has gone.
    let began = Instant::now();
    while !processes_with(&marker).is_empty() {
        assert!(began.elapsed() < LIMIT, "{:?}", processes_with(&marker));
        std::thread::sleep(Duration::from_millis(50));
    }

    let build = start();
    narrow.wait_until_held();
    interrupt(&small, build);
    narrow.is_open.store(true, Ordering::SeqCst);
    // What was on its way may still arrive, and nothing after it.
    std::thread::sleep(Duration::from_secs(1));
    let is_tagging = |request: &String| request.starts_with("PUT /v2/team/small/manifests/");
    assert!(!small.registry.requests().iter().any(is_tagging), "{:?}", small.registry.requests());

    let run = small.workspace.xtask(&args);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let digest = run.stdout.trim_end();
    assert_eq!(small.registry.manifest("team/small", digest).digest.as_deref(), Some(digest));
    let tags = small.registry.tags("team/small");
    assert!(tags.len() == 1 && tags[0].starts_with("in-"), "{tags:?}");
}
