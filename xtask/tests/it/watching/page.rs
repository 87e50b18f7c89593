//! A page as the reload socket sees it: a WebSocket client of a few lines, independent of what it tests.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::running::PATIENCE;

/// The key that RFC 6455 has as its example, and what a server has to answer.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

pub struct Page(TcpStream);

impl Page {
    /// Connects as Leptos' script does, which tries again until somebody listens.
    pub fn open(port: u16) -> Page {
        let began = Instant::now();
        let mut stream = loop {
            match TcpStream::connect(("127.0.0.1", port)) {
                Ok(stream) => break stream,
                Err(error) => assert!(began.elapsed() < PATIENCE, "port {port}: {error}"),
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let head = format!(
            "GET /live_reload HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: keep-alive, Upgrade\r\n\
             Upgrade: websocket\r\nOrigin: http://127.0.0.1:3000\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            answer.push(byte[0]);
        }
        let answer = String::from_utf8(answer).unwrap().to_lowercase();
        assert!(answer.starts_with("http/1.1 101 "), "{answer}");
        assert!(answer.contains(&format!("sec-websocket-accept: {}\r\n", ACCEPT.to_lowercase())), "{answer}");
        // Otherwise frames would have to be compressed.
        assert!(!answer.contains("sec-websocket-extensions"), "{answer}");
        Page(stream)
    }

    /// The next message.
    pub fn told(&mut self) -> Value {
        let mut start = [0; 2];
        self.0.read_exact(&mut start).unwrap();
        assert_eq!(start[0], 0x81, "not a whole message of text");
        assert!(start[1] < 126, "longer than anything that a page is told, or masked");
        let mut text = vec![0; usize::from(start[1])];
        self.0.read_exact(&mut text).unwrap();
        serde_json::from_slice(&text).unwrap()
    }

    /// Whether nothing is told for a moment.
    pub fn is_left_alone(&mut self) -> bool {
        self.0.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        let read = self.0.read(&mut [0]);
        self.0.set_read_timeout(Some(PATIENCE)).unwrap();
        read.is_err_and(|error| {
            matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
        })
    }
}
