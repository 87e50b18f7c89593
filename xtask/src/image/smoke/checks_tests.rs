//! Tests of the verdicts.

use std::net::SocketAddr;
use std::time::Duration;

use expect_test::expect;

use super::checks::*;
use super::engine::State;
use super::page::Kind;
use crate::record::smoke::Verdict;

const LIMIT: Duration = Duration::from_secs(60);

/// `+` and what is right, or `-` and what is wrong.
fn shown(found: &Result<String, String>) -> String {
    match found {
        Ok(detail) => format!("+ {detail}"),
        Err(detail) => format!("- {detail}"),
    }
}

fn lines(found: impl IntoIterator<Item = Result<String, String>>) -> String {
    found.into_iter().map(|found| shown(&found)).collect::<Vec<_>>().join("\n")
}

fn state(exit_code: i64) -> State {
    State { running: false, pid: 0, exit_code, error: String::new(), oom_killed: false }
}

#[test]
fn users() {
    let cases = [
        ("", None),
        ("root", Some(0)),
        ("0:0", None),
        ("00", None),
        ("app", Some(0)),
        ("65532", Some(65532)),
        ("app:app", None),
    ];
    expect![[r#"
        - the image names no user, so the server is root; wanted another (`USER` in a Dockerfile)
        - the image's user is `root`; wanted one who is not root
        - the image's user is `0:0`; wanted one who is not root
        - the image's user is `00`; wanted one who is not root
        - the image's user is `app`, but its process runs as root
        + 65532; its process runs as user id 65532
        + app:app; its process cannot be seen from here"#]]
    .assert_eq(&lines(cases.map(|(configured, running)| user(configured, running))));
}

#[test]
fn variables_of_the_image() {
    let good = [
        ("LEPTOS_OUTPUT_NAME", "app"),
        ("LEPTOS_SITE_ROOT", "site"),
        ("LEPTOS_SITE_PKG_DIR", "pkg"),
        ("LEPTOS_ENV", "PROD"),
    ];
    let judge = |(changed, value, lacks_files): (&str, &'static str, bool)| {
        let variable = |name: &str| {
            let known = good.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
            if name == changed { Some(value) } else { known }
        };
        leptos_env(variable, lacks_files)
    };
    let cases = [
        ("", "", false),
        ("LEPTOS_ENV", "production", false),
        ("LEPTOS_ENV", "DEV", false),
        ("LEPTOS_ENV", "", false),
        ("LEPTOS_OUTPUT_NAME", "", false),
        ("LEPTOS_OUTPUT_NAME", "", true),
        ("LEPTOS_SITE_ROOT", "", false),
        ("LEPTOS_SITE_ROOT", "", true),
        ("LEPTOS_SITE_PKG_DIR", "", false),
        ("LEPTOS_SITE_PKG_DIR", "", true),
        ("", "", true),
        ("LEPTOS_SITE_ADDR", "0.0.0.0:3000", false),
        ("LEPTOS_SITE_ADDR", "127.0.0.1:3000", false),
        ("LEPTOS_SITE_ADDR", "[::1]:3000", false),
        ("LEPTOS_SITE_ADDR", "localhost:3000", false),
    ];
    expect![[r#"
        + LEPTOS_OUTPUT_NAME=app LEPTOS_SITE_ROOT=site LEPTOS_SITE_PKG_DIR=pkg LEPTOS_ENV=PROD
        + LEPTOS_OUTPUT_NAME=app LEPTOS_SITE_ROOT=site LEPTOS_SITE_PKG_DIR=pkg LEPTOS_ENV=production
        - LEPTOS_ENV is `DEV`, wanted PROD
        - LEPTOS_ENV is not set
        + LEPTOS_SITE_ROOT=site LEPTOS_SITE_PKG_DIR=pkg LEPTOS_ENV=PROD; not set: LEPTOS_OUTPUT_NAME
        - LEPTOS_OUTPUT_NAME is not set
        + LEPTOS_OUTPUT_NAME=app LEPTOS_SITE_PKG_DIR=pkg LEPTOS_ENV=PROD; not set: LEPTOS_SITE_ROOT
        - LEPTOS_SITE_ROOT is not set
        + LEPTOS_OUTPUT_NAME=app LEPTOS_SITE_ROOT=site LEPTOS_ENV=PROD; not set: LEPTOS_SITE_PKG_DIR
        - LEPTOS_SITE_PKG_DIR is not set
        + LEPTOS_OUTPUT_NAME=app LEPTOS_SITE_ROOT=site LEPTOS_SITE_PKG_DIR=pkg LEPTOS_ENV=PROD
        + LEPTOS_OUTPUT_NAME=app LEPTOS_SITE_ROOT=site LEPTOS_SITE_PKG_DIR=pkg LEPTOS_ENV=PROD
        - LEPTOS_SITE_ADDR is `127.0.0.1:3000`, which nobody outside reaches; wanted 0.0.0.0
        - LEPTOS_SITE_ADDR is `[::1]:3000`, which nobody outside reaches; wanted 0.0.0.0
        - LEPTOS_SITE_ADDR is `localhost:3000`, which nobody outside reaches; wanted 0.0.0.0"#]]
    .assert_eq(&lines(cases.map(judge)));
    assert_eq!(shown(&no_baked_port(None)), "+ PORT is not built in");
    assert!(no_baked_port(Some("3000")).unwrap_err().starts_with("PORT=3000 is built in"));
}

#[test]
fn labels_of_the_source() {
    let cases = [
        (Some("https://github.com/owner/app"), true),
        (Some("owner/app"), false),
        (None, false),
        (None, true),
    ];
    let shown = cases.map(|(label, is_at_github)| {
        let record = source_label(label, is_at_github);
        format!("{:?}: {}", record.verdict, record.detail)
    });
    expect![[r#"
        Ok: https://github.com/owner/app
        Failed: the label `org.opencontainers.image.source` is `owner/app`; wanted the address of the repository
        Skipped: the image has no label `org.opencontainers.image.source`: `repository` in the server's package sets it where the image is made
        Failed: the image has no label `org.opencontainers.image.source`: `repository` in the server's package sets it where the image is made"#]]
    .assert_eq(&shown.join("\n"));
}

#[test]
fn why_a_server_is_not_healthy() {
    let reset = Silence::Nothing("connection reset".to_owned());
    let judge = |last: &Silence, listening: Option<&[&str]>| {
        let listening: Option<Vec<SocketAddr>> =
            listening.map(|all| all.iter().map(|text| text.parse().unwrap()).collect());
        unhealthy("/health", 43117, last, listening.as_deref(), LIMIT)
    };
    let found = [
        judge(&Silence::Status(503), None),
        judge(&reset, None),
        judge(&reset, Some(&[])),
        judge(&reset, Some(&["127.0.0.1:43117"])),
        judge(&reset, Some(&["0.0.0.0:3000", "[::]:9090"])),
        judge(&reset, Some(&["127.0.0.1:9090", "[::]:43117"])),
    ];
    expect![[r#"
        GET /health answers 503, wanted 200 within 60 s
        after 60 s no answer to GET /health (connection reset); where it listens cannot be seen from here, wanted 0.0.0.0:43117
        after 60 s it listens nowhere, wanted 0.0.0.0:43117
        after 60 s it listens on 127.0.0.1:43117 only, which nobody outside reaches; wanted 0.0.0.0:43117
        after 60 s it listens on 0.0.0.0:3000, [::]:9090, wanted 0.0.0.0:43117: does it read PORT?
        after 60 s it listens on [::]:43117, but no answer to GET /health (connection reset)"#]]
    .assert_eq(&found.join("\n"));
}

#[test]
fn ends_before_and_after_sigterm() {
    let after = Duration::from_millis(1500);
    assert_eq!(ended(&state(101), after), "it ended by itself with exit code 101 after 1.5 s");
    let memory = State { oom_killed: true, ..state(137) };
    assert_eq!(
        ended(&memory, after),
        "it ended by itself with exit code 137 after 1.5 s, because memory ran out"
    );
    let missing = State { error: "exec: \"/x\":\n no such file".to_owned(), ..state(127) };
    assert_eq!(ended(&missing, after), "the engine cannot start it: exec: \"/x\": no such file");
    let found = [(0, Some(after)), (143, Some(after)), (137, Some(after)), (1, Some(after)), (0, None)];
    expect![[r#"
        + exit code 0, 1.50 s after SIGTERM
        - exit code 143, wanted 0: the signal itself ended it, and with it every request under way
        - exit code 137, wanted 0: it was killed
        - exit code 1, wanted 0, 1.50 s after SIGTERM
        - still running 60 s after SIGTERM, so the platform kills it (137): a server that is process 1 has to handle the signal, else nothing happens"#]]
    .assert_eq(&lines(found.map(|(code, took)| stopped(&state(code), took, LIMIT))));
}

fn served(status: u16, content_type: &str, body: &[u8]) -> Served {
    Served { status, content_type: content_type.to_owned(), body: body.to_vec() }
}

#[test]
fn pages_and_files() {
    let pages = [
        served(200, "text/html", b"<!DOCTYPE html><HTML lang>"),
        served(500, "text/html", b"<html>"),
        served(200, "text/plain", b"<html>"),
        served(200, "", b"<html>"),
        served(200, "text/html", b"it works"),
    ];
    expect![[r#"
        + / 200 text/html, 26 bytes
        - GET / answers 500, wanted 200
        - GET / has content type text/plain, wanted text/html
        - GET / has no content type, wanted text/html
        - GET / is no page: 8 bytes without `<html`"#]]
    .assert_eq(&lines(pages.map(|served| page("/", &served))));
    let files = [
        (Kind::Script, served(200, "application/javascript", b"x")),
        (Kind::Script, served(200, "text/html", b"x")),
        (Kind::Style, served(404, "text/css", b"x")),
        (Kind::Style, served(200, "text/css", b"")),
        (Kind::Wasm, served(200, "application/wasm", b"\0asm\x01\0\0\0")),
        (Kind::Wasm, served(200, "application/wasm", b"<html>")),
        (Kind::Wasm, served(200, "application/octet-stream", b"\0asm")),
    ];
    expect![[r#"
        + /f application/javascript, 1 bytes
        - /f has content type text/html, wanted text/javascript
        - /f answers 404, wanted 200
        - /f is empty
        + /f application/wasm, 8 bytes
        - /f is no wasm: it does not begin with \0asm
        - /f has content type application/octet-stream, wanted application/wasm"#]]
    .assert_eq(&lines(files.map(|(kind, served)| file(kind, "/f", &served))));
}

#[test]
fn memory_and_sockets() {
    let gone = State { oom_killed: true, ..state(137) };
    let cases = [
        memory(&state(0), Some(12_340_000), Some(512_000_000)),
        memory(&state(0), None, None),
        memory(&gone, None, Some(512_000_000)),
    ];
    expect![[r#"
        + 12.3 MB at most, of 512.0 MB
        + enough, without a limit; how much it took cannot be seen from here
        - the kernel ended it: more was needed than the 512.0 MB"#]]
    .assert_eq(&lines(cases));
    let at = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<SocketAddr>>();
    let shown = |all: Option<&[SocketAddr]>| {
        let record = listening(80, all);
        format!("{:?}: {}", record.verdict, record.detail)
    };
    let found = [
        shown(None),
        shown(Some(&at(&["0.0.0.0:80", "127.0.0.1:9"]))),
        shown(Some(&at(&["[::]:80", "0.0.0.0:9"]))),
        shown(Some(&at(&["0.0.0.0:9"]))),
    ];
    expect![[r#"
        Skipped: its sockets cannot be seen from here; it answers from outside
        Ok: 0.0.0.0:80
        Ok: [::]:80; and on 0.0.0.0:9
        Failed: it listens on 0.0.0.0:9, not on PORT=80"#]]
    .assert_eq(&found.join("\n"));
}

#[test]
fn files_of_one_kind_are_one_check() {
    let good = || Ok("/a".to_owned());
    assert_eq!(files(Kind::Script, vec![good()]).detail, "/a");
    assert_eq!(files(Kind::Script, vec![good(), good(), good()]).detail, "/a, and 2 more");
    let bad = files(Kind::Script, vec![good(), Err("b".to_owned()), Err("c".to_owned())]);
    assert_eq!((bad.verdict, bad.detail.as_str()), (Verdict::Failed, "b; c"));
    assert_eq!(files(Kind::Style, Vec::new()).verdict, Verdict::Skipped);
    for kind in [Kind::Script, Kind::Wasm] {
        assert_eq!(files(kind, Vec::new()).verdict, Verdict::Failed);
    }
}

#[test]
fn checks_that_came_to_no_verdict_were_not_run() {
    let all = complete(vec![check("stop", Ok(String::new())), check("user", Err(String::new()))]);
    let verdicts: Vec<Verdict> = all.iter().map(|check| check.verdict).collect();
    assert_eq!((all.len(), verdicts[0], verdicts[16]), (18, Verdict::Failed, Verdict::Ok));
    assert!(verdicts[1..16].iter().all(|verdict| *verdict == Verdict::NotRun));
}
