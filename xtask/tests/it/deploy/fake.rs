//! A stand-in for Railway on one port: the API at `/graphql/v2`, the deployed app everywhere else. What Railway really
//! does is the business of the model server.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::neighbours;
use super::service::Service;

/// Something else than the usual answer, once.
#[derive(Clone)]
pub enum Reply {
    /// Status 200 with this message in `errors`, and nothing done.
    Error(&'static str),
    /// Any answer of HTTP: status line without the version, header lines, body; and nothing done.
    Raw(&'static str, &'static str, &'static str),
    /// Done, but the connection ends without an answer.
    Lost,
    /// The connection ends without anything done.
    Dropped,
    /// No answer for as long as the test lasts.
    Silence,
}

/// One request as it arrived.
#[derive(Clone, Debug)]
pub struct Call {
    /// The operation's name, or the path of a request to the app.
    pub name: String,
    pub is_mutation: bool,
    pub variables: Value,
    /// In lower case, with their values.
    pub headers: Vec<String>,
}

/// What an app answers that takes half a minute.
pub const SLOW: (&str, &str) = ("slow", "");

/// The server. It ends with the test.
pub struct Fake {
    pub address: SocketAddr,
    service: Arc<Mutex<Service>>,
}

impl Fake {
    /// A service that has never been deployed.
    pub fn start() -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        neighbours::is_at(address);
        let service = Arc::new(Mutex::new(Service::new()));
        let shared = Arc::clone(&service);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || answer(stream, &shared, address));
            }
        });
        Fake { address, service }
    }

    /// Looks at the service, or scripts it.
    pub fn with<T>(&self, work: impl FnOnce(&mut Service) -> T) -> T {
        work(&mut self.service.lock().unwrap())
    }

    /// The next answer to this operation is another one.
    pub fn reply(&self, name: &'static str, reply: Reply) {
        self.with(|service| service.replies.entry(name).or_default().push_back(reply));
    }

    /// The mutations so far, in order: name and variables.
    pub fn mutations(&self) -> Vec<(String, Value)> {
        let calls = self.with(|service| service.calls.clone());
        calls.into_iter().filter(|call| call.is_mutation).map(|call| (call.name, call.variables)).collect()
    }

    pub fn mutation_names(&self) -> Vec<String> {
        self.mutations().into_iter().map(|(name, _)| name).collect()
    }

    /// A deployment that somebody else has made.
    pub fn deployed(&self, id: &str, image: &str, status: &str, revision: &str) {
        self.with(|service| {
            service.add(id, image, VecDeque::new(), status);
            if status == "SUCCESS" {
                service.go_live(id, revision);
            }
        });
    }
}

fn answer(mut stream: TcpStream, service: &Mutex<Service>, address: SocketAddr) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        if line.trim().is_empty() {
            break;
        }
        lines.push(line.trim().to_owned());
    }
    let path = lines[0].split(' ').nth(1).unwrap().to_owned();
    let headers: Vec<String> = lines[1..].iter().map(|line| line.to_owned()).collect();
    let length = headers.iter().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length").then(|| value.parse::<usize>().unwrap())
    });
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).unwrap();

    let mut service = service.lock().unwrap();
    if let Some(neighbour) = service.neighbours.answer(&lines[0], &headers, &body) {
        drop(service);
        return match neighbour {
            Some((status, headers, body)) => send(&mut stream, status, &headers, &body),
            None => drop(reader.read(&mut [0])),
        };
    }
    if path != "/graphql/v2" {
        service.calls.push(Call { name: path, is_mutation: false, variables: Value::Null, headers });
        let health = json!({"status": "ok", "build": {"revision": service.served_revision}}).to_string();
        let scripted = service.app_answers.pop_front().or(service.app);
        if scripted == Some(SLOW) {
            drop(service);
            std::thread::sleep(std::time::Duration::from_secs(30));
            return;
        }
        let (status, body) = match scripted {
            Some((status, body)) => (status, body.to_owned()),
            None if service.active.is_empty() => ("404 Not Found", String::new()),
            None => ("200 OK", health),
        };
        return send(&mut stream, status, "", &body);
    }
    let request: Value = serde_json::from_slice(&body).unwrap();
    let name = request["operationName"].as_str().unwrap().to_owned();
    let variables = request["variables"].clone();
    let is_mutation = request["query"].as_str().unwrap().starts_with("mutation");
    let call = Call { name: name.clone(), is_mutation, variables: variables.clone(), headers };
    service.calls.push(call);
    let reply = service.replies.get_mut(name.as_str()).and_then(VecDeque::pop_front);
    match reply {
        None => {
            let data = service.operate(&name, &variables, address);
            let body = match data {
                Value::Null => json!({"errors": [{"message": "not found"}], "data": null}),
                data => json!({"data": data, "extensions": {}}),
            };
            drop(service);
            send(&mut stream, "200 OK", "content-type: application/json\r\n", &body.to_string());
        }
        Some(Reply::Error(message)) => {
            let extensions = json!({"code": "INTERNAL_SERVER_ERROR"});
            let body = json!({"errors": [{"message": message, "extensions": extensions}], "data": null});
            send(&mut stream, "200 OK", "", &body.to_string());
        }
        Some(Reply::Raw(status, headers, body)) => send(&mut stream, status, headers, body),
        Some(Reply::Lost) => drop(service.operate(&name, &variables, address)),
        Some(Reply::Dropped) => {}
        Some(Reply::Silence) => {
            drop(service);
            let _ = reader.read(&mut [0]);
        }
    }
}

fn send(stream: &mut TcpStream, status: &str, headers: &str, body: &str) {
    // A redirection says where to, as apps that want TLS do.
    let location = if status.starts_with("301") { "location: /elsewhere\r\n" } else { "" };
    let length = body.len();
    let text = format!(
        "HTTP/1.1 {status}\r\n{headers}{location}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    let _ = stream.write_all(text.as_bytes());
}
