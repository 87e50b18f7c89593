//! A connection that breaks in the middle of what is sent over it: the registry gets a part, and the sender a reset.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A way to a registry, as long as the test's process lives.
pub struct Wire {
    pub address: String,
    is_broken: Arc<AtomicBool>,
}

impl Wire {
    /// The first connection that has carried this many bytes to the registry breaks; all others are as they should be.
    pub fn that_breaks_after(bytes: usize, registry: &str) -> Wire {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let is_broken = Arc::new(AtomicBool::new(false));
        let wire = Wire { address, is_broken: Arc::clone(&is_broken) };
        let registry = registry.to_owned();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(&registry) else { return };
                let (mut answers, mut to_client) = (server.try_clone().unwrap(), client.try_clone().unwrap());
                std::thread::spawn(move || {
                    let _ = std::io::copy(&mut answers, &mut to_client);
                    let _ = to_client.shutdown(Shutdown::Write);
                });
                let is_broken = Arc::clone(&is_broken);
                std::thread::spawn(move || pass(client, server, bytes, &is_broken));
            }
        });
        wire
    }

    pub fn is_broken(&self) -> bool {
        self.is_broken.load(Ordering::SeqCst)
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, breaks_after: usize, is_broken: &AtomicBool) {
    let mut buffer = [0; 4 * 1024];
    let mut passed = 0;
    loop {
        let length = from.read(&mut buffer).unwrap_or(0);
        if length == 0 || to.write_all(&buffer[..length]).is_err() {
            let _ = to.shutdown(Shutdown::Write);
            return;
        }
        passed += length;
        if passed > breaks_after && !is_broken.swap(true, Ordering::SeqCst) {
            // The system resets a connection that is closed with something unread in it. Whoever passes the answers on
            // lets go of it as well, once the registry has hung up.
            std::thread::sleep(Duration::from_millis(100));
            let _ = to.shutdown(Shutdown::Both);
            std::thread::sleep(Duration::from_millis(100));
            return;
        }
    }
}
