//! A small HTTP server for tests: answers as a closure says, and can pass requests on to a registry.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: String,
    /// With its query.
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

pub enum Reply {
    Answer {
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    },
    /// The connection breaks.
    HangUp,
    /// A byte now and then, and never the last one: nobody who only looks whether something comes ever gives up.
    Drip,
}

impl Reply {
    pub fn new(status: u16, headers: &[(&str, &str)], body: &str) -> Reply {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Reply::Answer { status, headers: headers.iter().map(owned).collect(), body: body.as_bytes().to_vec() }
    }
}

/// A server that runs until the test's process ends.
pub struct Server {
    pub address: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// Everything that it was asked.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

/// Serves with these answers. The closure is given the server's own address.
pub fn serve(answer: impl Fn(&Seen, &str) -> Reply + Send + Sync + 'static) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (own_address, log, answer) = (address.clone(), Arc::clone(&seen), Arc::new(answer));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (address, log, answer) = (own_address.clone(), Arc::clone(&log), Arc::clone(&answer));
            std::thread::spawn(move || {
                // E.g. the beginning of TLS: who hears nothing does not know that it is to be tried without.
                let Some(request) = read(&stream) else { return write(stream, Reply::new(400, &[], "")) };
                log.lock().unwrap().push(request.clone());
                write(stream, answer(&request, &address));
            });
        }
    });
    Server { address, seen }
}

/// What the registry at `address` answers. The request's own host is kept, so that the registry's addresses lead back
/// here.
pub fn forward(request: &Seen, address: &str) -> Reply {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_global(Some(Duration::from_secs(30)))
        .build();
    let agent = ureq::Agent::new_with_config(config);
    let uri = format!("http://{address}{}", request.path);
    let mut builder = ureq::http::Request::builder().method(request.method.as_str()).uri(uri);
    let own = ["content-length", "connection", "accept-encoding"];
    for (name, value) in request.headers.iter().filter(|(name, _)| !own.contains(&name.as_str())) {
        builder = builder.header(name, value);
    }
    let mut answer = if matches!(request.method.as_str(), "POST" | "PUT") {
        agent.run(builder.body(request.body.as_slice()).unwrap()).unwrap()
    } else {
        agent.run(builder.body(()).unwrap()).unwrap()
    };
    let headers = answer.headers().iter();
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    Reply::Answer {
        status: answer.status().as_u16(),
        headers: headers.filter(|(name, _)| !own.contains(&name.as_str())).collect(),
        body: answer.body_mut().read_to_vec().unwrap(),
    }
}

fn read(stream: &TcpStream) -> Option<Seen> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut seen = Seen { method, path, headers, body: Vec::new() };
    let length = seen.header("content-length").map_or(0, |length| length.parse().unwrap());
    seen.body = vec![0; length];
    reader.read_exact(&mut seen.body).ok()?;
    Some(seen)
}

fn write(mut stream: TcpStream, reply: Reply) {
    let (status, headers, body) = match reply {
        Reply::Answer { status, headers, body } => (status, headers, body),
        Reply::HangUp => return,
        Reply::Drip => {
            let head = b"HTTP/1.1 201 Created\r\nx-more: ".iter().chain(std::iter::repeat(&b'.'));
            for byte in head {
                if stream.write_all(&[*byte]).is_err() {
                    return;
                }
                std::thread::sleep(Duration::from_millis(100));
            }
            return;
        }
    };
    let length = body.len();
    let mut head = format!("HTTP/1.1 {status} Status\r\nconnection: close\r\ncontent-length: {length}\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let _ = stream.write_all(format!("{head}\r\n").as_bytes());
    let _ = stream.write_all(&body);
    let _ = stream.flush();
}
