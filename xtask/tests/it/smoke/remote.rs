//! Engines elsewhere: reached over TCP, at this machine's own address, and over SSH, where no port can be reached.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;

use super::{GOOD, Smoke, line, with_verdict};
use crate::engine::{SOCKET, is_at_its_socket};
use crate::registry::own_address;

fn copy(mut from: impl Read, mut to: impl Write, end: impl FnOnce()) {
    let _ = std::io::copy(&mut from, &mut to);
    end();
}

/// A way to this machine's engine over TCP, as long as the test's process lives.
pub fn engine_over_tcp(address: &str) -> String {
    let listener = TcpListener::bind((address, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let Ok(engine) = UnixStream::connect(SOCKET) else { return };
            join(client, engine);
        }
    });
    format!("tcp://{address}:{port}")
}

/// Passes on what either says to the other.
pub fn join(client: TcpStream, engine: UnixStream) {
    let (client_in, engine_in) = (client.try_clone().unwrap(), engine.try_clone().unwrap());
    let (client_end, engine_end) = (client.try_clone().unwrap(), engine.try_clone().unwrap());
    std::thread::spawn(move || copy(client_in, engine, || drop(engine_end.shutdown(Shutdown::Write))));
    std::thread::spawn(move || copy(engine_in, client, || drop(client_end.shutdown(Shutdown::Write))));
}

#[test]
fn an_engine_over_tcp_is_looked_at_over_its_network() {
    let Some(mut smoke) = Smoke::new(&GOOD) else { return };
    if !is_at_its_socket() {
        return;
    }
    let Some(address) = own_address() else { return };
    smoke.workspace.set("DOCKER_HOST", engine_over_tcp(&address));
    let (run, report) = smoke.report("", &[]);
    assert_eq!(with_verdict(&report, "failed"), [""; 0], "{report:#}");
    assert!(run.stderr.contains(&format!("the engine is on {address}")), "{}", run.stderr);
    assert!(line(&report, "health").starts_with("ok: "), "{report:#}");
}

#[test]
fn an_engine_over_ssh_lends_no_port() {
    let Some(mut smoke) = Smoke::new(&GOOD) else { return };
    // The client is asked for the engine's version first, which is this one's.
    let fake = "#!/bin/sh\ncase \"$1 $2\" in\n'context inspect') echo ssh://me@build.example ;;\n*) echo 28.0.0 ;;\nesac\n";
    smoke.workspace.write("bin/docker", fake);
    let program = smoke.workspace.root().join("bin/docker");
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
    smoke.workspace.set("PATH", path);
    let run = smoke.run(&[]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{}", run.stderr);
    assert!(run.stderr.contains("reached as ssh://build.example"), "{}", run.stderr);
    assert!(run.stderr.contains("run this on that machine"), "{}", run.stderr);
}
