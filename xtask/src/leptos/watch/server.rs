//! The watched server: one at a time, replaced when there is another one to start.

use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use super::super::digest::Stamp;
use crate::exec::{Executor, Running};
use crate::exit::Failure;
use crate::plan::Invocation;

/// How often a starting server is asked, and how long one answer may take.
const POLL_INTERVAL: Duration = Duration::from_millis(5);
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// How long a server may start before nobody waits for it any more.
const START_LIMIT: Duration = Duration::from_secs(30);

/// A started server.
pub struct Server {
    running: Running,
    command: Invocation,
    /// The binary that it was started from.
    binary: Option<Stamp>,
}

/// What became of a start.
pub enum Started {
    Answers(Server),
    /// It runs, and says nothing for now.
    Silent(Server),
    /// It has ended by itself.
    Ended(Failure),
}

impl Server {
    /// Starts it and waits until it answers a request for `path`.
    pub fn start(
        exec: &Executor,
        command: &Invocation,
        address: SocketAddr,
        path: &str,
    ) -> anyhow::Result<Started> {
        let binary = Stamp::of(Path::new(&command.program)).ok();
        let running = match exec.start(command) {
            Ok(running) => running,
            // E.g. not executable: nothing to wait for, and no reason to end.
            Err(error) => return error.downcast::<Failure>().map(Started::Ended),
        };
        exec.check_interrupted()?;
        let server = Server { running, command: command.clone(), binary };
        let url = format!("http://{address}{path}");
        let deadline = Instant::now() + START_LIMIT;
        loop {
            exec.check_interrupted()?;
            if server.running.has_ended()? {
                return Ok(Started::Ended(server.running.failure()?));
            }
            // Cheaper than a request, and refused until it listens.
            let listens = TcpStream::connect_timeout(&address, ANSWER_LIMIT).is_ok();
            if listens && exec.fetch(&url, ANSWER_LIMIT).is_ok() {
                // Somebody else's answer is none: a port that was taken ends a server at once.
                if !server.running.has_ended()? {
                    return Ok(Started::Answers(server));
                }
                continue;
            }
            if Instant::now() > deadline {
                return Ok(Started::Silent(server));
            }
            std::thread::sleep(POLL_INTERVAL);
        }
    }

    /// Whether it is what the command would start now.
    pub fn is_current(&self, command: &Invocation) -> bool {
        self.command == *command && self.binary == Stamp::of(Path::new(&command.program)).ok()
    }

    /// Why it has ended by itself, if it has.
    pub fn has_ended(&self) -> anyhow::Result<bool> {
        self.running.has_ended()
    }

    pub fn failure(self) -> anyhow::Result<Failure> {
        self.running.failure()
    }

    /// Ends it: it may finish what it has begun.
    pub fn stop(self) -> anyhow::Result<Duration> {
        self.running.stop()
    }
}
