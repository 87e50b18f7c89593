//! What runs an image: a Docker engine, or plain processes. Both hand out instances that look the same.

mod docker;
mod image;
mod leftovers;
mod process;
mod registry;

use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::Utc;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::sync::watch;

use crate::options::RunnerChoice;
use crate::state::timestamp;

/// How many of the last lines of a container are kept: as many as Railway's API gives out at once.
const LOG_LINES_MAX: usize = 5000;

/// Free ports are looked for here, below what the system gives to outgoing connections: one of those could take the
/// port before the app does.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// How long something that was killed may take to end.
const END_LIMIT: Duration = Duration::from_secs(30);

pub enum Runner {
    Docker(docker::Docker),
    Process(process::Processes),
}

/// What is to run.
pub struct Launch {
    pub deployment: String,
    pub image: String,
    /// Without PORT, which is the runner's choice.
    pub variables: BTreeMap<String, String>,
    pub log: Arc<Log>,
}

/// What runs.
pub struct Launched {
    pub instance: Instance,
    /// The digest of the manifest that the reference led to, where it is known.
    pub image_digest: Option<String>,
}

/// A container or process that has been started.
pub struct Instance {
    /// Where it is reached from here.
    pub address: SocketAddr,
    /// Empty while it runs, afterwards how it ended, e.g. `exited with code 1`.
    ended: watch::Receiver<Option<String>>,
    handle: Handle,
}

enum Handle {
    Container(docker::Container),
    Process(process::Group),
}

impl Runner {
    /// Finds out what there is, and removes what models that were killed left behind.
    ///
    /// # Errors
    /// What is missing.
    pub async fn start(choice: RunnerChoice) -> Result<Runner, String> {
        let engine = match choice {
            RunnerChoice::Process => Err(String::new()),
            RunnerChoice::Auto | RunnerChoice::Docker => docker::Docker::start().await,
        };
        match (engine, choice) {
            (Ok(docker), _) => Ok(Runner::Docker(docker)),
            (Err(problem), RunnerChoice::Docker) => Err(format!("no Docker engine: {problem}")),
            (Err(_), _) => process::Processes::start().map(Runner::Process),
        }
    }

    pub fn name(&self) -> &'static str {
        match self {
            Runner::Docker(_) => "docker",
            Runner::Process(_) => "process",
        }
    }

    /// Pulls the image and starts it.
    ///
    /// # Errors
    /// Why nothing runs, as a sentence for the deployment's event.
    pub async fn launch(&self, launch: &Launch) -> Result<Launched, String> {
        match self {
            Runner::Docker(docker) => docker.launch(launch).await,
            Runner::Process(processes) => processes.launch(launch).await,
        }
    }

    /// Ends everything that this model started. Nothing may be launched any more.
    pub async fn sweep(&self) {
        match self {
            Runner::Docker(docker) => docker.sweep().await,
            Runner::Process(processes) => processes.sweep().await,
        }
    }
}

impl Instance {
    /// Waits until it has ended by itself or by a signal. How it ended.
    pub async fn exited(&self) -> String {
        let mut ended = self.ended.clone();
        match ended.wait_for(Option::is_some).await {
            Ok(how) => how.clone().unwrap_or_default(),
            Err(_) => "was lost".to_owned(),
        }
    }

    /// Sends SIGTERM.
    pub async fn terminate(&self) {
        match &self.handle {
            Handle::Container(container) => container.terminate().await,
            Handle::Process(group) => group.terminate(),
        }
    }

    /// Sends SIGKILL where it still runs, waits for its last words and removes what is left of it. After
    /// [`END_LIMIT`] nobody waits any more.
    pub async fn kill(&self) {
        match &self.handle {
            Handle::Container(container) => container.remove().await,
            Handle::Process(group) => group.kill(),
        }
        let _ = tokio::time::timeout(END_LIMIT, self.exited()).await;
    }
}

/// The last lines that a container wrote.
#[derive(Default)]
pub struct Log {
    lines: Mutex<VecDeque<Value>>,
}

impl Log {
    /// Adds a line, with the time that it was written at or else now.
    pub fn push(&self, time: Option<&str>, severity: &'static str, message: &str) {
        let time = time.map_or_else(|| timestamp(Utc::now()), str::to_owned);
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == LOG_LINES_MAX {
            lines.pop_front();
        }
        let line = json!({ "timestamp": time, "message": message, "severity": severity, "attributes": [] });
        lines.push_back(line);
    }

    /// The last lines, the oldest of them first, as Railway's API shows them.
    pub fn last(&self, count: usize) -> Value {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().skip(lines.len().saturating_sub(count)).cloned().collect()
    }
}

/// Hands every line of a stream to the log until the stream ends.
async fn read_lines(stream: impl AsyncRead + Unpin, mut take: impl FnMut(&str)) {
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    while let Ok(1..) = reader.read_until(b'\n', &mut line).await {
        take(String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']));
        line.clear();
    }
}

/// A port that nobody listens on at this moment.
fn free_port() -> Result<u16, String> {
    let mut seed = [0; 2];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut file| std::io::Read::read_exact(&mut file, &mut seed))
        .map_err(|error| format!("no random number: {error}"))?;
    let offset = u16::from_le_bytes(seed) % PORTS.len() as u16;
    let mut candidates = PORTS.cycle().skip(usize::from(offset)).take(PORTS.len());
    candidates
        .find(|port| TcpListener::bind((Ipv4Addr::UNSPECIFIED, *port)).is_ok())
        .ok_or_else(|| "no free port".to_owned())
}
