//! What a platform asks of an image beyond its pages: memory, a root that cannot be written to, compression, no
//! secrets, and requests that are under way when the end comes.

use super::{GOOD, Smoke, line, with_verdict};
use crate::support::skipped;

#[test]
fn compression_of_what_is_worth_it() {
    let Some(smoke) = Smoke::new(&GOOD) else { return };
    let verdict = |behaviour: &str| line(&smoke.report(behaviour, &[]).1, "compression");
    assert_eq!(verdict(""), "skipped: every file of the page fits into one packet");
    let good = verdict("big=50000");
    assert!(good.starts_with("ok: wasm gzip ") && good.ends_with(" of 50000 bytes"), "{good}");
    assert_eq!(
        verdict("big=50000 plain"),
        "failed: /pkg/app.wasm is sent as it is, 50000 bytes; wanted br or gzip"
    );
    assert_eq!(verdict("big=50000 garbled"), "failed: /pkg/app.wasm is another file when it is sent as gzip");
}

#[test]
fn memory_has_a_limit() {
    let Some(smoke) = Smoke::new(&GOOD) else { return };
    let (_, report) = smoke.report("eat=60000000", &["--memory", "200MB"]);
    let found = line(&report, "memory");
    if cfg!(target_os = "linux") {
        let peak: f64 = found.strip_prefix("ok: ").unwrap().split(' ').next().unwrap().parse().unwrap();
        assert!((60.0..200.0).contains(&peak) && found.ends_with(" of 200.0 MB"), "{found}");
    }
    let (run, report) = smoke.report("eat=300000000", &["--memory", "100MB"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    let health = line(&report, "health");
    assert!(health.contains("because memory ran out"), "{health}");
}

#[test]
fn a_root_that_cannot_be_written_to() {
    let Some(smoke) = Smoke::new(&["USER 0", GOOD[1], GOOD[2], GOOD[3], GOOD[4], GOOD[5]]) else { return };
    let (_, report) = smoke.report("", &[]);
    assert_eq!(line(&report, "read-only-root"), "ok: healthy without a place to write but /tmp");
    let (_, report) = smoke.report("write=/state", &[]);
    let found = line(&report, "read-only-root");
    assert!(
        found.starts_with("skipped: it needs a root that can be written to: it ended by itself"),
        "{found}"
    );
    assert!(found.contains("Read-only file system"), "{found}");
    let (run, report) = smoke.report("write=/state", &["--read-only"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(line(&report, "read-only-root").starts_with("failed: "), "{report:#}");
}

#[test]
fn requests_under_way_are_answered() {
    let Some(smoke) = Smoke::new(&GOOD) else { return };
    // A machine that is busy with other tests may not let it tell; it says so, and is asked again.
    let told = |behaviour: &str| {
        let tries = (0..5).map(|_| smoke.report(behaviour, &[]));
        let mut told = tries.skip_while(|(_, report)| line(report, "drain").starts_with("skipped: "));
        told.next().expect("a verdict in one of five tries")
    };
    let (_, report) = told("big=50000000 plain");
    let found = line(&report, "drain");
    assert!(
        found.starts_with("ok: ") && found.contains("under way at SIGTERM: GET /pkg/app.wasm, whole"),
        "{found}"
    );
    let (run, report) = told("big=50000000 plain abrupt");
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    let found = line(&report, "drain");
    assert!(
        found.starts_with("failed: ")
            && found.contains("GET /pkg/app.wasm was under way and cut off")
            && found.ends_with("so 3 times in a row"),
        "{found}"
    );
    let listening = line(&report, "listening");
    if cfg!(target_os = "linux") {
        assert!(listening.starts_with("ok: 0.0.0.0:"), "{listening}");
    } else {
        skipped(&listening);
    }
}

#[test]
fn secrets_in_the_image() {
    let canary = format!("canary{}of-a-test", std::process::id());
    let baked = format!("ENV BAKED={canary}");
    let Some(mut smoke) = Smoke::new(&[&[baked.as_str()], &GOOD[..]].concat()) else { return };
    assert!(line(&smoke.report("", &[]).1, "secrets").starts_with("ok: none in 1 layers ("));
    smoke.workspace.set("CANARY_TOKEN", &canary);
    let (run, report) = smoke.report("", &[]);
    assert_eq!(line(&report, "secrets"), "failed: the value of CANARY_TOKEN in its configuration");
    assert_eq!(with_verdict(&report, "failed"), ["secrets"]);
    assert!(!format!("{}{}", run.stdout, run.stderr).contains(&canary));

    // The text of the server's own files: it is in a layer.
    smoke.workspace.set("CANARY_TOKEN", "This isn't much of ");
    assert_eq!(line(&smoke.report("", &[]).1, "secrets"), "failed: the value of CANARY_TOKEN in /server");
    let target = smoke.workspace.root().join("target/xtask");
    assert!(
        std::fs::read_dir(target)
            .unwrap()
            .flatten()
            .all(|file| file.path().extension().is_none_or(|e| e != "tar"))
    );
}
