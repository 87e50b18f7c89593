//! `serve` among fakes: what it refuses to start, and what comes of a server that does not behave.

use std::net::TcpListener;
use std::process::Stdio;
use std::time::{Duration, Instant};

use expect_test::expect;

use super::{Fakes, fake_tool};
use crate::support::{finish, processes_with, signal};

/// A workspace that has been built with a server which can be told what to do.
fn built() -> Fakes {
    let fakes = Fakes::new();
    let server = fakes.root().join("target/production/app-server");
    let source = fakes.root().join("server/src/main.rs");
    let compiled = format!(
        "copy {fake} {server}\nwrite {server}.d {server}: {source}\n\
         out {{\"reason\":\"build-finished\",\"success\":true}}",
        fake = fake_tool().display(),
        server = server.display(),
        source = source.display(),
    );
    fakes.when("cargo", "build --bin", &compiled);
    let run = fakes.run(&["build"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    fakes.calls();
    fakes
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn no_build() {
    let fakes = Fakes::new();
    let run = fakes.run(&["serve"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    expect![[r#"
        error: `app` has no complete build with profile `production`
         hint: run `cargo xtask build`"#]]
    .assert_eq(&fakes.message(&run, ""));
    let run = fakes.run(&["serve", "--profile", "dev"]);
    assert_eq!(run.code, Some(1));
    expect![[r#"
        error: `app` has no complete build with profile `dev`
         hint: run `cargo xtask build --profile dev`"#]]
    .assert_eq(&fakes.message(&run, ""));
}

#[test]
fn a_stale_build() {
    let fakes = built();
    fakes.workspace.write("server/src/main.rs", "// changed since\n");
    let run = fakes.run(&["serve"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    expect![[r#"
        error: the build with profile `production` is stale: `[root]/server/src/main.rs` changed
         hint: run `cargo xtask build`"#]]
    .assert_eq(&fakes.message(&run, ""));
    std::fs::remove_file(fakes.root().join("target/production/app-server")).unwrap();
    let run = fakes.run(&["serve"]);
    expect![[r#"
        error: the build with profile `production` is stale:
            `[root]/target/production/app-server` is gone, `[root]/server/src/main.rs` changed
         hint: run `cargo xtask build`"#]]
    .assert_eq(&fakes.message(&run, ""));
    assert!(!fakes.calls().iter().any(|call| call.starts_with("app-server")));
    assert_eq!(fakes.run(&["build"]).code, Some(0));
    assert_eq!(fakes.run(&["serve", "--dry-run"]).code, Some(0));
}

#[test]
fn a_port_in_use() {
    let fakes = built();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let run = fakes.run(&["serve", "--port", &port]);
    assert_eq!(run.code, Some(4), "{}", run.stderr);
    let message = fakes.message(&run, "").replace(&port, "[port]");
    expect![[r#"
        error: cannot listen on 127.0.0.1:[port]: Address already in use (os error 98)
         hint: stop what uses the port, or choose another with `--port`"#]]
    .assert_eq(&message);
    assert!(!fakes.calls().iter().any(|call| call.starts_with("app-server")));
}

#[test]
fn an_address_of_another_machine() {
    let fakes = built();
    // Reserved for documentation, so no machine has it.
    let run = fakes.run(&["serve", "--host", "192.0.2.1"]);
    assert_eq!(run.code, Some(4), "{}", run.stderr);
    expect![[r#"
        error: cannot listen on 192.0.2.1:3000: Cannot assign requested address (os error 99)
         hint: `--host` takes an address of this machine: 127.0.0.1, or 0.0.0.0 for all"#]]
    .assert_eq(&fakes.message(&run, ""));
}

#[test]
fn made_up_data_that_nobody_has_described() {
    let run = built().run(&["serve", "--demo"]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
}

#[test]
fn a_server_that_ends_by_itself() {
    let fakes = built();
    fakes.script("app-server", "[]\nerr PORT is not what it should be\nexit 3\n");
    let port = free_port().to_string();
    let run = fakes.run(&["serve", "--port", &port]);
    assert_eq!(run.code, Some(4), "{}", run.stderr);
    let plan = fakes.run(&["serve", "--dry-run", "--port", &port]).stdout;
    expect![[r#"
        error: `app-server` failed with exit code 3
          command: [as planned]
          folder: [root]
          last lines of its output:
            PORT is not what it should be"#]]
    .assert_eq(&fakes.message(&run, &plan));
}

#[test]
fn ctrl_c_ends_the_server() {
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let fakes = built();
        fakes.script("app-server", "[]\nerr listening\nsleep 300\n");
        let server = fakes.root().join("target/production/app-server").display().to_string();
        let port = free_port().to_string();
        let mut command = fakes.workspace.command(&["serve", "--port", &port]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let began = Instant::now();
        while processes_with(&server).is_empty() {
            assert!(began.elapsed() < Duration::from_secs(60), "the server does not start");
            std::thread::sleep(Duration::from_millis(10));
        }
        signal(&child, name);
        let run = finish(child);
        assert_eq!(run.code, Some(code), "{}", run.stderr);
        assert_eq!(processes_with(&server), [""; 0]);
    }
}
