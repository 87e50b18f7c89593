//! A stand-in for an app's server, in the containers of tests. It serves a page as Leptos writes it, and its files in
//! the folder that `LEPTOS_SITE_PKG_DIR` names.
//!
//! It is good unless an argument or a word of `$BEHAVIOUR` says otherwise: `loopback`, `port=N` (whatever `PORT` says),
//! `silent` (listens nowhere), `exit=CODE` (at once), `health=STATUS`, `move=PATH` (where `/` redirects to), `page=TEXT`,
//! `type:KIND=TYPE`, `status:KIND=STATUS`, `empty:KIND`, `no-style`, `crash=KIND` (when it is asked for), `deaf` (to
//! SIGTERM), `code=CODE` (after SIGTERM), `abrupt` (ends without its answers), `big=BYTES` (the wasm file), `plain`
//! (never compresses), `garbled` (sends something else compressed), `write=PATH` (or ends), `eat=BYTES` (of memory),
//! `say=NAME` (a variable's value, into the log). KIND: js, wasm, css. With `ask` it is no server, but asks the one that
//! runs beside it for its health, at `$PORT` or `port=N`.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Answers that are not sent yet.
static UNDER_WAY: AtomicUsize = AtomicUsize::new(0);

struct Behaviour(Vec<String>);

impl Behaviour {
    fn has(&self, word: &str) -> bool {
        self.0.iter().any(|known| known == word)
    }

    fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
    }

    fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        Some(self.value(name)?.parse().unwrap_or_else(|_| panic!("{name} takes a number")))
    }
}

fn main() {
    let variable = std::env::var("BEHAVIOUR").unwrap_or_default();
    let words = variable.split_whitespace().map(str::to_owned).chain(std::env::args().skip(1));
    let behaviour = Arc::new(Behaviour(words.collect()));
    if behaviour.has("ask") {
        let own = std::env::var("PORT").expect("PORT is set").parse().expect("PORT is a port");
        return ask(behaviour.number("port").unwrap_or(own));
    }
    if let Some(name) = behaviour.value("say") {
        eprintln!("{name} is {}", std::env::var(name).unwrap_or_default());
    }
    if let Some(code) = behaviour.number("exit") {
        println!("no database");
        std::process::exit(code);
    }
    if let Some(path) = behaviour.value("write") {
        std::fs::write(path, "state").unwrap_or_else(|error| panic!("{path}: {error}"));
    }
    let eaten = vec![1_u8; behaviour.number("eat").unwrap_or(0)];
    if eaten.contains(&0) {
        println!("nobody gets here, but the memory is used");
    }
    let stop = Arc::new(AtomicBool::new(false));
    if !behaviour.has("deaf") {
        signal_hook::flag::register(signal_hook::consts::SIGTERM, Arc::clone(&stop)).expect("a handler");
    }
    let own: u16 = std::env::var("PORT").expect("PORT is set").parse().expect("PORT is a port");
    let port = behaviour.number("port").unwrap_or(own);
    let host = if behaviour.has("loopback") { Ipv4Addr::LOCALHOST } else { Ipv4Addr::UNSPECIFIED };
    let listener = (!behaviour.has("silent")).then(|| TcpListener::bind((host, port)).expect("a free port"));
    if let Some(listener) = &listener {
        listener.set_nonblocking(true).expect("a socket that does not block");
        println!("listening on {host}:{port}");
    }
    while !stop.load(Ordering::SeqCst) {
        match listener.as_ref().map(TcpListener::accept) {
            Some(Ok((stream, _))) => {
                let behaviour = Arc::clone(&behaviour);
                UNDER_WAY.fetch_add(1, Ordering::SeqCst);
                std::thread::spawn(move || {
                    answer(stream, &behaviour);
                    UNDER_WAY.fetch_sub(1, Ordering::SeqCst);
                });
            }
            Some(Err(error)) if error.kind() != ErrorKind::WouldBlock => panic!("{error}"),
            _ => std::thread::sleep(Duration::from_millis(5)),
        }
    }
    println!("told to stop");
    let began = Instant::now();
    let patience = Duration::from_secs(if behaviour.has("abrupt") { 0 } else { 3 });
    while UNDER_WAY.load(Ordering::SeqCst) > 0 && began.elapsed() < patience {
        std::thread::sleep(Duration::from_millis(5));
    }
    std::process::exit(behaviour.number("code").unwrap_or(0));
}

/// The folder of script, wasm and style, as Leptos' server reads it.
fn folder() -> String {
    std::env::var("LEPTOS_SITE_PKG_DIR").unwrap_or_else(|_| "pkg".to_owned())
}

/// Ends well where the server that listens there is healthy.
fn ask(port: u16) {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("a server");
    stream.write_all(b"GET /health HTTP/1.1\r\nhost: own\r\nconnection: close\r\n\r\n").expect("a request");
    let mut status = [0; 12];
    stream.read_exact(&mut status).expect("an answer");
    assert_eq!(&status, b"HTTP/1.1 200", "it is not healthy");
}

fn answer(mut stream: TcpStream, behaviour: &Behaviour) {
    stream.set_nonblocking(false).expect("a socket that blocks");
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    while !request.windows(4).any(|window| window == b"\r\n\r\n") {
        match stream.read(&mut buffer) {
            Ok(1..) => request.extend_from_slice(&buffer),
            _ => return,
        }
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let path = request.split(' ').nth(1).unwrap_or("/");
    let kind = path.rsplit_once('.').map_or("", |(_, kind)| kind);
    if !kind.is_empty() && behaviour.value("crash") == Some(kind) {
        std::process::exit(101);
    }
    let file = path.strip_prefix(&format!("/{}/", folder())).unwrap_or_default();
    let (status, content_type, body) = match path {
        "/health" => (behaviour.number("health").unwrap_or(200), "text/plain", b"ok".to_vec()),
        "/" if behaviour.value("move").is_some() => (307, "text/plain", Vec::new()),
        _ if file == "app.js" => (200, "text/javascript; charset=utf-8", b"export default () => {}".to_vec()),
        _ if file == "app.wasm" => (200, "application/wasm", wasm(behaviour)),
        _ if file == "app.css" => (200, "text/css", b"body {}".to_vec()),
        path if kind.is_empty() => (200, "text/html; charset=utf-8", page(path, behaviour).into_bytes()),
        _ => (404, "text/plain", b"no such file".to_vec()),
    };
    let status = behaviour.number(&format!("status:{kind}")).unwrap_or(status);
    let content_type = behaviour.value(&format!("type:{kind}")).unwrap_or(content_type);
    let body = if behaviour.has(&format!("empty:{kind}")) { Vec::new() } else { body };
    let takes_gzip = request.to_ascii_lowercase().contains("gzip") && !behaviour.has("plain");
    let (encoding, body) = match takes_gzip && body.len() > 1000 {
        true if behaviour.has("garbled") => ("content-encoding: gzip\r\n", gzip(b"something else")),
        true => ("content-encoding: gzip\r\n", gzip(&body)),
        false => ("", body),
    };
    let location = behaviour.value("move").map_or(String::new(), |path| format!("location: {path}\r\n"));
    let head = format!(
        "HTTP/1.1 {status} x\r\n{location}{encoding}content-type: {content_type}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    // Whoever asked may be gone.
    let _ = stream.write_all(&[head.as_bytes(), &body].concat());
}

fn wasm(behaviour: &Behaviour) -> Vec<u8> {
    let mut bytes = b"\0asm\x01\0\0\0".to_vec();
    bytes.resize(behaviour.number("big").unwrap_or(bytes.len()).max(8), b'x');
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

fn page(path: &str, behaviour: &Behaviour) -> String {
    if let Some(text) = behaviour.value("page") {
        return text.to_owned();
    }
    let folder = folder();
    let style = if behaviour.has("no-style") {
        String::new()
    } else {
        format!(r#"<link rel="stylesheet" id="leptos" href="/{folder}/app.css">"#)
    };
    format!(
        r#"<!DOCTYPE html><html lang="en"><head>{style}<link rel="modulepreload" href="/{folder}/app.js" crossorigin nonce>
<link rel="preload" href="/{folder}/app.wasm" as="fetch" type="application/wasm" crossorigin></head>
<body>This isn't much of {path}</body></html>"#
    )
}
