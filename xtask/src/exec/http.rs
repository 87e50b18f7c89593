//! HTTP requests: one at a time, blocking, each with its own time-out.
//!
//! Owns the client's settings and what its errors mean. Does not know why somebody asks, and nothing about retries.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use ureq::tls::{PemItem, RootCerts, TlsConfig};

use crate::exit::{Exit, Failure};

/// No answer that we ask for is larger. In bytes.
const BODY_SIZE_MAX: u64 = 64 * 1024 * 1024;

/// The status of one GET request's complete answer, 400 and above included; `timeout` covers everything from the
/// look-up of the name to the last byte. Proxies come from the usual environment variables, and trusted certificates
/// from `SSL_CERT_FILE` where that is set.
pub(super) fn get(url: &str, timeout: Duration) -> anyhow::Result<u16> {
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(timeout))
        .http_status_as_error(false)
        .user_agent(concat!("xtask/", env!("CARGO_PKG_VERSION")))
        .tls_config(tls_config()?)
        .build();
    let explain = |error| explain(url, timeout, error);
    let mut response = ureq::Agent::new_with_config(config).get(url).call().map_err(explain)?;
    response.body_mut().with_config().limit(BODY_SIZE_MAX).read_to_vec().map_err(explain)?;
    Ok(response.status().as_u16())
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

/// The failure behind the client's error. The query of the address is left out: signed addresses keep secrets there.
fn explain(url: &str, timeout: Duration, error: ureq::Error) -> anyhow::Error {
    let what = format!("GET {}", url.split('?').next().unwrap_or(url));
    let failed = |why: String| Failure::new(Exit::CommandFailed, format!("{what}: {why}"));
    let untrusted = |why: &dyn std::fmt::Display| {
        failed(format!("no trusted TLS connection: {why}"))
            .hint("a proxy's own certificate has to be in the file that `SSL_CERT_FILE` names")
    };
    match error {
        ureq::Error::Timeout(_) => timed_out(url, timeout),
        ureq::Error::Io(error) if error.kind() == ErrorKind::TimedOut => timed_out(url, timeout),
        ureq::Error::Io(error) if error.kind() == ErrorKind::ConnectionRefused => {
            failed("connection refused: nothing listens there".to_owned()).into()
        }
        ureq::Error::HostNotFound => failed("no such host".to_owned()).into(),
        ureq::Error::BadUri(why) => Failure::usage(format!("{what}: not a valid address: {why}")).into(),
        // This is how a refused certificate arrives.
        ureq::Error::Io(error) if error.kind() == ErrorKind::InvalidData && url.starts_with("https:") => {
            untrusted(&error).into()
        }
        error @ (ureq::Error::Tls(_) | ureq::Error::Pem(_) | ureq::Error::Rustls(_)) => {
            untrusted(&error).into()
        }
        error => failed(error.to_string()).into(),
    }
}

pub(super) fn timed_out(url: &str, timeout: Duration) -> anyhow::Error {
    let address = url.split('?').next().unwrap_or(url);
    Failure::new(Exit::TimedOut, format!("GET {address}: no complete answer within {timeout:?}")).into()
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

    #[test]
    fn any_status_is_an_answer() {
        let url = serve_once(b"HTTP/1.1 404 Not Found\r\ncontent-length: 4\r\n\r\nnone");
        assert_eq!(get(&url, Duration::from_secs(5)).unwrap(), 404);
        let cut = serve_once(b"HTTP/1.1 200 OK\r\ncontent-length: 40\r\n\r\nnone");
        assert!(get(&cut, Duration::from_secs(5)).is_err());
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
    fn a_plain_server_is_no_tls_server() {
        let url = serve_once(b"HTTP/1.1 200 OK\r\n\r\n").replace("http:", "https:");
        let error = get(&url, Duration::from_secs(5)).unwrap_err();
        assert!(error.to_string().contains("TLS"), "{error}");
    }
}
