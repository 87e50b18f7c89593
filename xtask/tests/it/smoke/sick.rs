//! Images and servers that are bad: each fault is found, and none hides another.

use expect_test::expect;

use super::{GOOD, Smoke, line, with_verdict};

#[test]
fn a_bad_configuration_and_bad_files_are_all_reported() {
    let bad = [
        "ENV PORT=3000",
        "ENV LEPTOS_OUTPUT_NAME=app",
        "ENV LEPTOS_SITE_ADDR=127.0.0.1:3000",
        "ENV LEPTOS_ENV=DEV",
        "ENTRYPOINT [\"/server\"]",
        "LABEL org.opencontainers.image.source=owner/app",
        "HEALTHCHECK CMD curl -f http://localhost:3000/health",
    ];
    let Some(smoke) = Smoke::new(&bad) else { return };
    let (run, report) = smoke.report("type:wasm=application/octet-stream status:js=404 empty:css", &[]);
    let lines = ["user", "no-baked-port", "leptos-env", "source-label", "page", "script", "wasm", "style"]
        .map(|name| format!("{name}: {}", line(&report, name)));
    expect![[r#"
        user: failed: the image names no user, so the server is root; wanted another (`USER` in a Dockerfile)
        no-baked-port: failed: PORT=3000 is built in; wanted none, because the platform chooses it
        leptos-env: failed: LEPTOS_SITE_ROOT is not set; LEPTOS_SITE_PKG_DIR is not set; LEPTOS_ENV is `DEV`, wanted PROD; LEPTOS_SITE_ADDR is `127.0.0.1:3000`, which nobody outside reaches; wanted 0.0.0.0
        source-label: failed: the label `org.opencontainers.image.source` is `owner/app`; wanted the address of the repository
        page: ok: / 200 text/html, 292 bytes
        script: failed: /pkg/app.js answers 404, wanted 200
        wasm: failed: /pkg/app.wasm has content type application/octet-stream, wanted application/wasm
        style: failed: /pkg/app.css is empty"#]]
    .assert_eq(&lines.join("\n"));
    let fine = ["secrets", "health", "listening", "page", "memory", "drain", "stop", "read-only-root"];
    assert_eq!(with_verdict(&report, "ok"), fine);
    assert_eq!(smoke.records()[0]["result"], "failed");
    let message = "fails 8 of 18 checks: user, no-baked-port, leptos-env, source-label, health-command, script, wasm, \
                   style";
    assert!(run.stderr.contains(message), "{}", run.stderr);
    // Neither the program nor a shell to call it with is in the image.
    let found = line(&report, "health-command");
    let command = "`/bin/sh -c curl -f http://localhost:3000/health`";
    assert!(
        found.starts_with(&format!("failed: {command} fails although the server is healthy: ")),
        "{found}"
    );
    assert!(found.contains("exec") && found.contains("/bin/sh"), "{found}");
}

#[test]
fn a_built_in_health_check_is_carried_out() {
    let of = |words: &str| {
        let check = format!("HEALTHCHECK CMD {words}");
        let smoke = Smoke::new(&[&[check.as_str()], &GOOD[..]].concat())?;
        Some(line(&smoke.report("", &[]).1, "health-command"))
    };
    let Some(good) = of(r#"["/server", "ask"]"#) else { return };
    assert_eq!(good, "ok: `/server ask` finds it healthy");
    // It asks at a port that is not the platform's.
    let bad = of(r#"["/server", "ask", "port=3000"]"#).unwrap();
    let expected = "failed: `/server ask port=3000` fails although the server is healthy: ";
    assert!(bad.starts_with(expected) && bad.contains("Connection refused"), "{bad}");
}

#[test]
fn pages_without_what_they_need() {
    // Variables that are not set are a fault only where files are missing.
    let is_kept = |line: &&str| !line.contains("OUTPUT_NAME") && !line.contains("PKG_DIR");
    let configuration: Vec<&str> = GOOD.into_iter().filter(is_kept).collect();
    let Some(smoke) = Smoke::new(&configuration) else { return };
    let (_, report) = smoke.report("no-style", &[]);
    assert_eq!(line(&report, "style"), "skipped: the page links to no style sheet of the app");
    assert_eq!(
        line(&report, "leptos-env"),
        "ok: LEPTOS_SITE_ROOT=site LEPTOS_ENV=PROD; not set: LEPTOS_OUTPUT_NAME, LEPTOS_SITE_PKG_DIR"
    );
    assert_eq!(report["result"], "ok");
    let (_, report) = smoke.report("page=<html></html>", &[]);
    assert_eq!(with_verdict(&report, "failed"), ["leptos-env", "script", "wasm"]);
    assert_eq!(
        line(&report, "leptos-env"),
        "failed: LEPTOS_OUTPUT_NAME is not set; LEPTOS_SITE_PKG_DIR is not set"
    );
    let (_, report) = smoke.report("page=hello", &[]);
    assert!(line(&report, "page").contains("without `<html`"), "{report:#}");
    assert_eq!(with_verdict(&report, "not-run"), ["script", "wasm", "style"]);
    assert!(line(&report, "stop").starts_with("ok: "), "{report:#}");
    let (_, report) = smoke.report("move=https://elsewhere.example/", &[]);
    assert_eq!(
        line(&report, "page"),
        "failed: GET / redirects to another server: https://elsewhere.example/"
    );
}

#[test]
fn servers_that_never_become_healthy_are_told_apart() {
    let Some(smoke) = Smoke::new(&GOOD) else { return };
    let found = std::thread::scope(|scope| {
        let runs = ["loopback", "port=3000", "silent", "health=503", "health=301"].map(|behaviour| {
            let smoke = &smoke;
            scope.spawn(move || (behaviour, smoke.report(behaviour, &["--start-limit", "2"]).1))
        });
        runs.map(|run| run.join().unwrap())
    });
    for (behaviour, report) in found {
        let expected = match behaviour {
            "loopback" if cfg!(target_os = "linux") => " only, which nobody outside reaches; wanted 0.0.0.0:",
            "port=3000" if cfg!(target_os = "linux") => {
                "after 2 s it listens on 0.0.0.0:3000, wanted 0.0.0.0:"
            }
            "silent" if cfg!(target_os = "linux") => "after 2 s it listens nowhere, wanted 0.0.0.0:",
            "health=503" => "failed: GET /health answers 503, wanted 200 within 2 s",
            "health=301" => "failed: GET /health answers 301, wanted 200 within 2 s",
            _ => "no answer",
        };
        let found = line(&report, "health");
        assert!(found.contains(expected), "{behaviour}: {found}");
        let later = [
            "listening",
            "page",
            "script",
            "wasm",
            "style",
            "compression",
            "memory",
            "drain",
            "stop",
            "read-only-root",
        ];
        assert_eq!(with_verdict(&report, "not-run"), later);
        let before = ["user", "no-baked-port", "leptos-env", "source-label", "secrets", "health-command"];
        assert_eq!(with_verdict(&report, "ok"), before);
        assert_eq!(report["healthy_seconds"], serde_json::Value::Null);
    }
}

#[test]
fn a_server_that_ends_at_once_shows_its_last_words() {
    let Some(smoke) = Smoke::new(&GOOD) else { return };
    let (run, report) = smoke.report("exit=7", &[]);
    assert!(
        line(&report, "health").starts_with("failed: it ended by itself with exit code 7 after"),
        "{report:#}"
    );
    assert!(run.stderr.contains("last lines of the server's log:\n    no database\n"), "{}", run.stderr);

    let Some(smoke) = Smoke::new(&["USER 65532", "ENTRYPOINT [\"/absent\"]"]) else { return };
    let (run, report) = smoke.report("", &[]);
    let found = line(&report, "health");
    assert!(found.contains("the engine cannot start it: ") && found.contains("/absent"), "{found}");
    assert!(run.stderr.contains("the server's log is empty"), "{}", run.stderr);
}

#[test]
fn servers_that_do_not_end_well() {
    let Some(smoke) = Smoke::new(&GOOD) else { return };
    let (_, report) = smoke.report("deaf", &["--drain-limit", "1"]);
    assert!(line(&report, "stop").starts_with("failed: still running 1 s after SIGTERM"), "{report:#}");
    assert_eq!(report["stop_seconds"], serde_json::Value::Null);
    let (_, report) = smoke.report("code=143", &[]);
    assert!(line(&report, "stop").starts_with("failed: exit code 143, wanted 0"), "{report:#}");
    let (_, report) = smoke.report("deaf", &["--drain-limit", "0"]);
    assert!(line(&report, "stop").starts_with("skipped: the drain limit is 0"), "{report:#}");
    let (_, report) = smoke.report("crash=wasm", &[]);
    assert_eq!(with_verdict(&report, "failed"), ["wasm", "style", "stop"]);
    assert!(line(&report, "stop").contains("it had ended before, with exit code 101"), "{report:#}");
}
