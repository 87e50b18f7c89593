//! A tiny web app that tests deploy: what it answers is told by environment, path and the files beside it.
//!
//! It listens on `0.0.0.0:$PORT`, or on `$LISTEN` instead of `0.0.0.0`, and on SIGTERM it ends when all requests that have begun are answered. Paths: `/`
//! answers with `$VERSION`, `/page` with a page, `/health` with the status `$HEALTH` or else 200 and, unless `$MUTE` is
//! set, `$APP_REVISION`; `/slow` with `$VERSION` after 700 ms, `/env/NAME` with a variable, `/file/NAME` with a file of
//! the working directory, `/echo` with the request's body, `/exit` never. Header `x-revision` is `$APP_REVISION`. With
//! `$FAIL` it does not start, nor without the variable that `$NEEDS` names; at its start it prints what `$SAY` names, as apps do that log their configuration.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The longest wait for requests that have begun.
const DRAIN_LIMIT: Duration = Duration::from_secs(30);

fn main() {
    if let Ok(why) = std::env::var("FAIL") {
        eprintln!("cannot start: {why}");
        std::process::exit(4);
    }
    if let Ok(name) = std::env::var("NEEDS") {
        std::env::var(&name).unwrap_or_else(|_| panic!("{name} is not set"));
    }
    let stop = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGTERM, stop.clone()).expect("a handler");
    let host = std::env::var("LISTEN").unwrap_or_else(|_| "0.0.0.0".to_owned());
    let listener = TcpListener::bind(format!("{host}:{}", variable("PORT"))).expect("the port is free");
    listener.set_nonblocking(true).expect("a listener that does not wait");
    println!("version {} listens", variable("VERSION"));
    for name in variable("SAY").split_whitespace() {
        println!("{name} is {}", variable(name));
    }
    let busy = Arc::new(AtomicUsize::new(0));
    while !stop.load(Ordering::SeqCst) {
        let Ok((stream, _)) = listener.accept() else {
            std::thread::sleep(Duration::from_millis(1));
            continue;
        };
        busy.fetch_add(1, Ordering::SeqCst);
        let busy = busy.clone();
        std::thread::spawn(move || {
            let _ = answer(&stream);
            drop(stream);
            busy.fetch_sub(1, Ordering::SeqCst);
        });
    }
    eprintln!("version {} stops", variable("VERSION"));
    let end = Instant::now() + DRAIN_LIMIT;
    while busy.load(Ordering::SeqCst) > 0 && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn answer(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while reader.read_line(&mut head)? > 2 {}
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    let (status, body) = match path.split_once('/').map_or("", |(_, path)| path) {
        "" => (200, variable("VERSION").into_bytes()),
        "page" => (200, b"<html><body>a page</body></html>".to_vec()),
        "health" => {
            let revision = if variable("MUTE").is_empty() { variable("APP_REVISION") } else { String::new() };
            (variable("HEALTH").parse().unwrap_or(200), format!("healthy, revision={revision}").into_bytes())
        }
        "slow" => {
            std::thread::sleep(Duration::from_millis(700));
            (200, variable("VERSION").into_bytes())
        }
        "echo" => (200, body),
        "exit" => std::process::exit(3),
        other => match (other.strip_prefix("env/"), other.strip_prefix("file/").map(std::fs::read)) {
            (Some(name), _) => (200, variable(name).into_bytes()),
            (_, Some(Ok(content))) => (200, content),
            _ => (404, Vec::new()),
        },
    };
    let mut stream = stream;
    let length = body.len();
    let revision = variable("APP_REVISION");
    let head = format!(
        "HTTP/1.1 {status} Status\r\nconnection: close\r\nx-revision: {revision}\r\ncontent-length: {length}\r\n\r\n"
    );
    stream.write_all(&[head.as_bytes(), &body].concat())
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}
