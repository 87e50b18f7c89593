//! Requests over connections of our own making, for whoever has to know what became of each byte: several requests sent
//! at once on one connection, and answers that are read late.
//!
//! Knows HTTP/1.1 only as far as where an answer ends.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use super::Executor;
use super::search::find;

/// How long a connection, or the next piece of an answer, may take.
const STEP_LIMIT: Duration = Duration::from_secs(5);
/// How often a wait looks for interruptions.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// Requests under way on one connection.
pub struct Traffic {
    stream: TcpStream,
    requests: usize,
}

/// How complete what came back is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whole {
    /// This many answers, each whole, and `bytes` in all. The connection was closed after the last of them.
    Answers { count: usize, bytes: usize },
    /// The last answer ends in its middle.
    Cut { count: usize, bytes: usize },
    /// The connection was taken back, by a system that drops what was sent then: whether anything was cut is unknown.
    Reset,
    /// It did not come to an end in time.
    Late,
}

impl Executor {
    /// Sends that many GET requests for `path` to `host` and port, and reads nothing yet. The last one asks for the
    /// connection to be closed.
    pub fn begin_traffic(
        &self,
        host: &str,
        port: u16,
        path: &str,
        requests: usize,
    ) -> std::io::Result<Traffic> {
        let address = (host, port).to_socket_addrs()?.next();
        let address = address.ok_or_else(|| std::io::Error::from(ErrorKind::AddrNotAvailable))?;
        let mut stream = TcpStream::connect_timeout(&address, STEP_LIMIT)?;
        stream.set_read_timeout(Some(LOOK_INTERVAL))?;
        stream.set_write_timeout(Some(STEP_LIMIT))?;
        let mut text = String::new();
        for number in 1..=requests {
            let last = if number == requests { "connection: close\r\n" } else { "" };
            text.push_str(&format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n{last}\r\n"));
        }
        // In one piece, so that a server has read all of it before it answers.
        stream.write_all(text.as_bytes())?;
        Ok(Traffic { stream, requests })
    }
}

impl Traffic {
    /// How many requests were sent.
    pub fn requests(&self) -> usize {
        self.requests
    }

    /// Reads all that comes until the connection is closed. An error is an interruption.
    pub fn finish(mut self, exec: &Executor, limit: Duration) -> anyhow::Result<Whole> {
        let began = Instant::now();
        let mut received = Vec::new();
        let mut buffer = vec![0; 256 * 1024];
        loop {
            exec.check_interrupted()?;
            match self.stream.read(&mut buffer) {
                Ok(0) => return Ok(judge(&received)),
                Ok(length) => received.extend_from_slice(&buffer[..length]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    if began.elapsed() > limit {
                        return Ok(Whole::Late);
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Ok(Whole::Reset),
            }
        }
    }
}

/// What a closed connection has carried.
fn judge(received: &[u8]) -> Whole {
    let (mut rest, mut count, bytes) = (received, 0, received.len());
    while !rest.is_empty() {
        match answer_length(rest) {
            Some(length) if length <= rest.len() => rest = &rest[length..],
            _ => return Whole::Cut { count, bytes },
        }
        count += 1;
    }
    Whole::Answers { count, bytes }
}

/// The length of the answer that the bytes begin with, head and body; `None` where it is not all there. An answer that
/// only the end of the connection ends is as long as what there is.
fn answer_length(bytes: &[u8]) -> Option<usize> {
    let head_length = find(bytes, b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&bytes[..head_length]).to_ascii_lowercase();
    let header =
        |name: &str| head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim);
    let status = head.split(' ').nth(1).unwrap_or_default();
    if status.starts_with('1') || status == "204" || status == "304" {
        return Some(head_length);
    }
    if header("transfer-encoding").is_some_and(|value| value.contains("chunked")) {
        return chunked_length(&bytes[head_length..]).map(|length| head_length + length);
    }
    match header("content-length") {
        Some(length) => Some(head_length.saturating_add(length.parse().ok()?)),
        None => Some(bytes.len()),
    }
}

fn chunked_length(body: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let line = find(&body[at..], b"\r\n")?;
        let size = String::from_utf8_lossy(&body[at..at + line]).into_owned();
        let size = usize::from_str_radix(size.split(';').next()?.trim(), 16).ok()?;
        at += line + 2;
        if size == 0 {
            // Trailers, and an empty line.
            loop {
                let line = find(&body[at..], b"\r\n")?;
                at += line + 2;
                if line == 0 {
                    return Some(at);
                }
            }
        }
        at = at.checked_add(size + 2).filter(|at| *at <= body.len())?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_answers_end() {
        let length = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc";
        let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n";
        let answers = |count: usize, text: &str| Whole::Answers { count, bytes: text.len() };
        let both = format!("{length}{chunked}{length}");
        assert_eq!(judge(both.as_bytes()), answers(3, &both));
        assert_eq!(judge(b""), answers(0, ""));
        let until_closed = "HTTP/1.0 200 OK\r\n\r\nwhatever";
        assert_eq!(judge(until_closed.as_bytes()), answers(1, until_closed));
        for end in 1..chunked.len() {
            let text = format!("{length}{}", &chunked[..end]);
            assert_eq!(judge(text.as_bytes()), Whole::Cut { count: 1, bytes: text.len() }, "{end}");
        }
        let not_modified = "HTTP/1.1 304 Not Modified\r\ncontent-length: 3\r\n\r\n";
        assert_eq!(judge(not_modified.as_bytes()), answers(1, not_modified));
    }
}
