//! A way to a server on this machine that a test has a hand on: what is sent to the server passes piece by piece as the
//! test lets it, answers pass as they come.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// The most that passes at once, in bytes.
const PIECE: usize = 16 * 1024;
/// How long each side of a connection may take to notice what became of the other.
const PAUSE: Duration = Duration::from_millis(100);

/// The address of the way, which is there as long as the test's process lives. `may_pass` is asked before each piece,
/// with the bytes that its connection has sent so far, this piece among them. It may take its time; a no breaks the
/// connection off: the server gets a part, and the sender a reset.
pub fn relay(server: &str, may_pass: impl Fn(usize) -> bool + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (behind, may_pass) = (server.to_owned(), Arc::new(may_pass));
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let Ok(server) = TcpStream::connect(&behind) else { return };
            let (mut answers, mut to_client) = (server.try_clone().unwrap(), client.try_clone().unwrap());
            thread::spawn(move || {
                let _ = std::io::copy(&mut answers, &mut to_client);
                let _ = to_client.shutdown(Shutdown::Write);
            });
            let may_pass = Arc::clone(&may_pass);
            thread::spawn(move || pass(client, server, &*may_pass));
        }
    });
    address
}

fn pass(mut from: TcpStream, mut to: TcpStream, may_pass: &impl Fn(usize) -> bool) {
    let mut buffer = [0; PIECE];
    let mut sent = 0;
    loop {
        let length = from.read(&mut buffer).unwrap_or(0);
        sent += length;
        if !may_pass(sent) {
            // The system resets a connection that is closed with something unread in it. Whoever passes the answers on
            // lets go of it as well, once the server has hung up.
            thread::sleep(PAUSE);
            let _ = to.shutdown(Shutdown::Both);
            thread::sleep(PAUSE);
            return;
        }
        if length == 0 || to.write_all(&buffer[..length]).is_err() {
            let _ = to.shutdown(Shutdown::Write);
            return;
        }
    }
}
