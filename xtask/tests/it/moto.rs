//! An S3 on loopback, for what keeps results in a bucket: moto, which looks at no signature.

use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::registry::is_there;
use crate::running::Running;

/// The bucket that it begins with.
pub const BUCKET: &str = "results";
/// How long it may take until it answers.
const START_LIMIT: Duration = Duration::from_secs(60);

/// A server that is gone with the value.
pub struct Moto {
    _server: Running,
    pub address: SocketAddr,
}

impl Moto {
    /// `None`, and said so, where it is not installed.
    pub fn start() -> Option<Moto> {
        if !is_there("moto_server") {
            return None;
        }
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let port = address.port().to_string();
        let server = Running::start(Command::new("moto_server").args(["-H", "127.0.0.1", "-p", &port]));
        let bucket = format!("http://{address}/{BUCKET}");
        let began = Instant::now();
        while !ureq::put(&bucket).send_empty().is_ok_and(|it| it.status() == 200) {
            assert!(began.elapsed() < START_LIMIT, "moto does not answer: {}", server.said());
            std::thread::sleep(Duration::from_millis(100));
        }
        Some(Moto { _server: server, address })
    }
}
