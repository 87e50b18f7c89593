//! What the tests of the running server share: starting it, asking it, and never leaving it behind.

// Each test program uses its own part of this.
#![allow(dead_code)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Far above what anything here takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A child that ends with the test, however the test ends.
pub struct Process {
    child: Child,
    lines: mpsc::Receiver<String>,
    seen: Vec<String>,
}

#[derive(Clone, Copy)]
pub enum Output {
    Stdout,
    Stderr,
}

impl Process {
    /// Starts a command in a process group of its own and follows one of its outputs.
    pub fn start(command: &mut Command, output: Output) -> Self {
        match output {
            Output::Stdout => command.stdout(Stdio::piped()).stderr(Stdio::null()),
            Output::Stderr => command.stdout(Stdio::null()).stderr(Stdio::piped()),
        };
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(command, 0);
        let mut child = command.stdin(Stdio::null()).spawn().expect("the program starts");
        let pipe: Box<dyn std::io::Read + Send> = match output {
            Output::Stdout => Box::new(child.stdout.take().expect("a pipe")),
            Output::Stderr => Box::new(child.stderr.take().expect("a pipe")),
        };
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self { child, lines, seen: Vec::new() }
    }

    /// Waits for a line with this text and returns what follows it, up to the next space.
    pub fn word_after(&mut self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else {
                panic!("`{text}` never came; the output was:\n{}", self.seen.join("\n"));
            };
            self.seen.push(line.clone());
            if let Some((_, rest)) = line.split_once(text) {
                let word = rest.split([' ', ',']).next().unwrap_or_default();
                return word.to_owned();
            }
        }
    }

    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(status.expect("`kill` runs").success());
    }

    pub fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().expect("a child to wait for") {
                return status;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("the program did not end");
    }
}

impl Process {
    /// The whole group, because a browser is many processes.
    pub fn kill_group(&mut self) {
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-s", "KILL", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill_group();
    }
}

/// A running server and the address it told.
pub struct Server {
    pub process: Process,
    pub address: SocketAddr,
}

impl Server {
    /// The command must make the server listen on a free port of the loopback.
    pub fn start(command: &mut Command) -> Self {
        let mut process = Process::start(command, Output::Stderr);
        let address = process.word_after("listening on http://").parse();
        Self { process, address: address.expect("an address") }
    }

    pub fn get(&self, path: &str) -> Answer {
        ask(self.address, "GET", path, &[], "")
    }
}

pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}

/// One request over a connection of its own.
pub fn ask(address: SocketAddr, method: &str, path: &str, headers: &[&str], body: &str) -> Answer {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
    let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    for header in headers {
        request.push_str(header);
        request.push_str("\r\n");
    }
    request.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    stream.write_all(request.as_bytes()).expect("the request is sent");

    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(reader.read_line(&mut head).expect("an answer") > 0, "an answer that ends early: {head}");
    }
    let status = head.split_whitespace().nth(1).and_then(|code| code.parse().ok());
    let mut answer = Answer { status: status.expect("a status"), head, body: Vec::new() };
    if answer.header("transfer-encoding") == Some("chunked") {
        read_chunks(&mut reader, &mut answer.body);
    } else {
        // Not to the end of the connection: some servers keep it open whatever they are asked for.
        let length = answer.header("content-length").and_then(|length| length.parse().ok());
        let mut limited = reader.take(length.unwrap_or(0));
        limited.read_to_end(&mut answer.body).expect("a body");
    }
    answer
}

fn read_chunks(reader: &mut impl std::io::BufRead, body: &mut Vec<u8>) {
    loop {
        let mut size = String::new();
        reader.read_line(&mut size).expect("the size of a chunk");
        let size = u64::from_str_radix(size.trim(), 16).expect("a size");
        reader.take(size).read_to_end(body).expect("a chunk");
        reader.read_line(&mut String::new()).expect("the end of a chunk");
        if size == 0 {
            return;
        }
    }
}
