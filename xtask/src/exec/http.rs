//! HTTP requests: one at a time, blocking, each with its own time-out.
//!
//! Owns the client's settings and what its errors mean. Does not know why somebody asks, and nothing about retries.

use std::io::ErrorKind;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context;
use ureq::tls::{PemItem, RootCerts, TlsConfig};

use crate::config::address;
use crate::exit::{Exit, Failure};

/// The largest answer that is read unless the request says otherwise. In bytes.
const BODY_SIZE_MAX: u64 = 64 * 1024 * 1024;

/// How a request is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    /// As it stands in the request.
    pub fn name(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        }
    }
}

/// One HTTP request as data.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: Method,
    pub url: String,
    /// A secret in here has to be given to [`super::Executor::learn_secret`] first.
    pub headers: Vec<(String, String)>,
    /// Empty for a method without one.
    pub body: Arc<Vec<u8>>,
    /// From the look-up of the name to the last byte of the answer.
    pub timeout: Duration,
    /// Whether the other side is another one afterwards. Such a request is refused in a dry run.
    pub changes: bool,
    /// The largest answer that is read, in bytes.
    pub body_size_max: u64,
    /// Whether a redirection of GET or HEAD is followed; else it is the answer.
    pub follows_redirections: bool,
    /// Whether a connection of an earlier request may serve. It may have been closed in the meantime, so only whoever
    /// may send the request again can want that.
    pub reuses_connection: bool,
}

impl Request {
    /// A request with a limit of 30 seconds; all but GET and HEAD count as changing something.
    pub fn new(method: Method, url: impl Into<String>) -> Request {
        Request {
            method,
            url: url.into(),
            headers: Vec::new(),
            body: Arc::default(),
            timeout: Duration::from_secs(30),
            changes: !matches!(method, Method::Get | Method::Head),
            body_size_max: BODY_SIZE_MAX,
            follows_redirections: true,
            reuses_connection: false,
        }
    }

    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Request {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn body(mut self, body: impl Into<Arc<Vec<u8>>>) -> Request {
        self.body = body.into();
        self
    }

    pub fn timeout(mut self, timeout: Duration) -> Request {
        self.timeout = timeout;
        self
    }

    /// Says that the request only looks, whatever its method, e.g. a GraphQL query.
    pub fn looks_only(mut self) -> Request {
        self.changes = false;
        self
    }

    /// Takes a redirection as the answer.
    pub fn without_redirections(mut self) -> Request {
        self.follows_redirections = false;
        self
    }

    /// Says that the request can be repeated, so that it may go over a connection that is there: over TLS each new one
    /// costs two more ways there and back.
    pub fn over_any_connection(mut self) -> Request {
        self.reuses_connection = true;
        self
    }

    /// For messages. The query of the address is left out: signed addresses keep secrets there.
    pub fn display(&self) -> String {
        format!("{} {}", self.method.name(), self.url.split('?').next().unwrap_or(&self.url))
    }
}

/// A complete answer, whatever its status.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case, in the order of the answer.
    pub headers: Vec<(String, String)>,
    /// As it is: secrets in it are not redacted.
    pub body: Vec<u8>,
}

impl Answer {
    /// The first header of this name, which is given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as text; what is not UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Sends one request and reads the whole answer; a status of 400 and above is an answer. Redirections of GET and HEAD
/// are followed where the request says so, without the `Authorization` header. Proxies come from the usual environment
/// variables, but a loopback address means this machine and no proxy's. Trusted certificates come from `SSL_CERT_FILE`
/// where that is set.
pub(super) fn send(request: &Request) -> anyhow::Result<Answer> {
    let follows = request.follows_redirections && matches!(request.method, Method::Get | Method::Head);
    let agent = agent(is_loopback(&request.url), request.reuses_connection)?;
    let explain = |error| explain(request, error);
    let mut builder = ureq::http::Request::builder().method(request.method.name()).uri(&request.url);
    for (name, value) in &request.headers {
        builder = builder.header(name, value);
    }
    let redirections = if follows { 10 } else { 0 };
    let mut response = if matches!(request.method, Method::Post | Method::Put | Method::Patch) {
        let built = builder.body(request.body.as_slice()).map_err(|error| explain(error.into()))?;
        let built = agent.configure_request(built).timeout_global(Some(request.timeout));
        agent.run(built.max_redirects(redirections).build())
    } else {
        let built = builder.body(()).map_err(|error| explain(error.into()))?;
        let built = agent.configure_request(built).timeout_global(Some(request.timeout));
        agent.run(built.max_redirects(redirections).build())
    }
    .map_err(explain)?;
    let body =
        response.body_mut().with_config().limit(request.body_size_max).read_to_vec().map_err(explain)?;
    let text = |value: &ureq::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    Ok(Answer {
        status: response.status().as_u16(),
        headers: response
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), text(value)))
            .collect(),
        body,
    })
}

/// A client, with connections of its own or with those that all share who say so.
fn agent(is_loopback: bool, shares: bool) -> anyhow::Result<ureq::Agent> {
    static SHARED: [OnceLock<ureq::Agent>; 2] = [OnceLock::new(), OnceLock::new()];
    let shared = &SHARED[usize::from(is_loopback)];
    if let Some(agent) = shared.get().filter(|_| shares) {
        return Ok(agent.clone());
    }
    let mut config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .user_agent(concat!("xtask/", env!("CARGO_PKG_VERSION")))
        .tls_config(tls_config()?)
        .max_idle_connections_per_host(8);
    if is_loopback {
        config = config.proxy(None);
    }
    let agent = ureq::Agent::new_with_config(config.build());
    Ok(if shares { shared.get_or_init(|| agent).clone() } else { agent })
}

fn is_loopback(url: &str) -> bool {
    let Ok(uri) = url.parse::<ureq::http::Uri>() else { return false };
    address::is_loopback(uri.host().unwrap_or_default())
}

fn tls_config() -> anyhow::Result<TlsConfig> {
    let Some(path) = std::env::var_os("SSL_CERT_FILE").filter(|path| !path.is_empty()) else {
        return Ok(TlsConfig::default());
    };
    let path = std::path::Path::new(&path);
    let problem = || format!("read the certificates that `SSL_CERT_FILE` names ({})", path.display());
    let pem = std::fs::read(path).with_context(problem)?;
    let mut certificates = Vec::new();
    for item in ureq::tls::parse_pem(&pem) {
        if let PemItem::Certificate(certificate) = item.with_context(problem)? {
            certificates.push(certificate);
        }
    }
    Ok(TlsConfig::builder().root_certs(RootCerts::Specific(Arc::new(certificates))).build())
}

/// The failure behind the client's error.
fn explain(request: &Request, error: ureq::Error) -> anyhow::Error {
    let what = request.display();
    let failed = |why: String| Failure::new(Exit::CommandFailed, format!("{what}: {why}"));
    let untrusted = |why: &dyn std::fmt::Display| {
        failed(format!("no trusted TLS connection: {why}"))
            .hint("a proxy's own certificate has to be in the file that `SSL_CERT_FILE` names")
    };
    match error {
        ureq::Error::Timeout(_) => timed_out(request),
        ureq::Error::Io(error) if error.kind() == ErrorKind::TimedOut => timed_out(request),
        ureq::Error::Io(error) if error.kind() == ErrorKind::ConnectionRefused => {
            failed("connection refused: nothing listens there".to_owned()).into()
        }
        ureq::Error::HostNotFound => failed("no such host".to_owned()).into(),
        // This is how the system says the same.
        ureq::Error::Io(error) if error.to_string().contains("lookup address") => {
            failed("no such host, or nobody to ask for it".to_owned()).into()
        }
        ureq::Error::BadUri(why) => Failure::usage(format!("{what}: not a valid address: {why}")).into(),
        // This is how a refused certificate arrives.
        ureq::Error::Io(error)
            if error.kind() == ErrorKind::InvalidData && request.url.starts_with("https:") =>
        {
            untrusted(&error).into()
        }
        error @ (ureq::Error::Tls(_) | ureq::Error::Pem(_) | ureq::Error::Rustls(_)) => {
            untrusted(&error).into()
        }
        error => failed(error.to_string()).into(),
    }
}

pub(super) fn timed_out(request: &Request) -> anyhow::Error {
    let message = format!("{}: no complete answer within {:?}", request.display(), request.timeout);
    Failure::new(Exit::TimedOut, message).into()
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    /// Answers one request with these bytes, then closes. The listener's address.
    fn serve_once(answer: &'static [u8]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer);
        });
        format!("http://{address}/x?signature=hidden")
    }

    fn get(url: &str, timeout: Duration) -> anyhow::Result<u16> {
        send(&Request::new(Method::Get, url).timeout(timeout)).map(|answer| answer.status)
    }

    #[test]
    fn any_status_is_an_answer() {
        let url = serve_once(b"HTTP/1.1 404 Not Found\r\ncontent-length: 4\r\n\r\nnone");
        assert_eq!(get(&url, Duration::from_secs(5)).unwrap(), 404);
        let cut = serve_once(b"HTTP/1.1 200 OK\r\ncontent-length: 40\r\n\r\nnone");
        assert!(get(&cut, Duration::from_secs(5)).is_err());
    }

    #[test]
    fn a_redirection_can_be_the_answer() {
        let answer = b"HTTP/1.1 302 Found\r\nlocation: /y\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        let request = Request::new(Method::Get, serve_once(answer)).without_redirections();
        let answer = send(&request).unwrap();
        assert_eq!((answer.status, answer.header("location")), (302, Some("/y")));
    }

    #[test]
    fn loopback_addresses_are_known() {
        for url in ["http://127.0.0.1:1/x", "http://localhost", "https://[::1]:2/"] {
            assert!(is_loopback(url), "{url}");
        }
        for url in ["http://128.0.0.1/", "https://localhost.example/", "not an address"] {
            assert!(!is_loopback(url), "{url}");
        }
    }

    #[test]
    fn refused_and_slow_are_told_apart() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/x?signature=hidden", listener.local_addr().unwrap());
        let error = get(&url, Duration::from_millis(200)).unwrap_err();
        assert_eq!(Exit::of(&error), Exit::TimedOut);
        assert!(!error.to_string().contains("hidden"), "{error}");
        drop(listener);
        let error = get(&url, Duration::from_secs(5)).unwrap_err();
        assert!(error.to_string().contains("connection refused"), "{error}");
        assert_eq!(Exit::of(&error), Exit::CommandFailed);
    }

    #[test]
    fn headers_and_body_arrive() {
        let url = serve_once(b"HTTP/1.1 202 Accepted\r\nX-One: a\r\ncontent-length: 2\r\n\r\nok");
        let request = Request::new(Method::Post, url).header("x-two", "b").body(b"body".to_vec());
        assert!(request.changes && !request.clone().looks_only().changes);
        let answer = send(&request).unwrap();
        assert_eq!((answer.status, answer.header("x-one"), answer.text().as_str()), (202, Some("a"), "ok"));
    }

    #[test]
    fn a_plain_server_is_no_tls_server() {
        let url = serve_once(b"HTTP/1.1 200 OK\r\n\r\n").replace("http:", "https:");
        let error = get(&url, Duration::from_secs(5)).unwrap_err();
        assert!(error.to_string().contains("TLS"), "{error}");
    }
}
