//! Images as plain processes, where there is no engine: unpacked into a folder and run from there.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::Command;
use tokio::sync::{RwLock, watch};
use tokio::time::timeout;

use super::{Handle, Instance, Launch, Launched, free_port, leftovers, read_lines, registry};

/// How long a process's output is read after its end: a child of it may hold on to the pipe.
const LAST_WORDS_LIMIT: Duration = Duration::from_secs(2);

/// How long the end of the model waits for what is being launched; a registry that does not answer may hold it up.
const LAUNCH_LIMIT: Duration = Duration::from_secs(5);

pub struct Processes {
    /// A folder for each deployment is in here.
    folder: PathBuf,
    groups: Groups,
    /// Stops an image that is being unpacked.
    closing: Arc<AtomicBool>,
    /// Held while something is being launched, so that nothing is started after the last clean-up.
    launching: RwLock<()>,
}

/// The process groups that run, by the id of their leader.
type Groups = Arc<Mutex<BTreeSet<i32>>>;

/// One deployment's process and its children.
pub struct Group {
    leader: i32,
    groups: Groups,
}

impl Processes {
    /// # Errors
    /// Why there is no folder for images.
    pub fn start() -> Result<Processes, String> {
        leftovers::remove_dead_folders();
        let folder = leftovers::own_folder();
        // A model of this id that is dead left it, or it would not exist.
        let _ = fs::remove_dir_all(&folder);
        let made = DirBuilder::new().mode(0o700).create(&folder);
        made.map_err(|error| format!("{}: {error}", folder.display()))?;
        let (groups, closing, launching) = Default::default();
        Ok(Processes { folder, groups, closing, launching })
    }

    pub async fn launch(&self, launch: &Launch) -> Result<Launched, String> {
        let _launching = self.launching.read().await;
        let (image, folder) = (launch.image.clone(), self.folder.join(&launch.deployment));
        let closing = self.closing.clone();
        let pulled = tokio::task::spawn_blocking(move || registry::pull(&image, &folder, &closing))
            .await
            .map_err(|error| error.to_string())??;
        if self.closing.load(Ordering::SeqCst) {
            return Err("the model is ending".to_owned());
        }
        let port = free_port()?;
        let mut variables = launch.variables.clone();
        variables.insert("PORT".to_owned(), port.to_string());
        let command = pulled.image.command(&pulled.root, &variables)?;
        let (group, ended) = self.spawn(launch, command)?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let instance = Instance { address, ended, handle: Handle::Process(group) };
        Ok(Launched { instance, image_digest: Some(pulled.digest) })
    }

    fn spawn(
        &self,
        launch: &Launch,
        mut command: Command,
    ) -> Result<(Group, watch::Receiver<Option<String>>), String> {
        let program = command.as_std().get_program().to_string_lossy().into_owned();
        let mut child = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{program}: {error}"))?;
        let leader = child.id().and_then(|id| i32::try_from(id).ok()).ok_or("no process id")?;
        let group = Group { leader, groups: self.groups.clone() };
        group.groups().insert(leader);
        let watched = Group { leader, groups: self.groups.clone() };
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let (sender, ended) = watch::channel(None);
        let log = launch.log.clone();
        tokio::spawn(async move {
            let read = tokio::spawn(async move {
                if let (Some(stdout), Some(stderr)) = (stdout, stderr) {
                    tokio::join!(
                        read_lines(stdout, |line| log.push(None, "info", line)),
                        read_lines(stderr, |line| log.push(None, "error", line)),
                    );
                }
            });
            let status = child.wait().await;
            // As in a container, nothing survives the first process.
            watched.kill();
            watched.groups().remove(&leader);
            let _ = timeout(LAST_WORDS_LIMIT, read).await;
            sender.send_replace(Some(status.map_or_else(|_| "was lost".to_owned(), how)));
        });
        Ok((group, ended))
    }

    pub async fn sweep(&self) {
        self.closing.store(true, Ordering::SeqCst);
        let launches = timeout(LAUNCH_LIMIT, self.launching.write()).await;
        for leader in self.groups.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            send(*leader, Signal::KILL);
        }
        let _ = fs::remove_dir_all(&self.folder);
        drop(launches);
    }
}

impl Group {
    pub fn terminate(&self) {
        if self.groups().contains(&self.leader) {
            send(self.leader, Signal::TERM);
        }
    }

    pub fn kill(&self) {
        if self.groups().contains(&self.leader) {
            send(self.leader, Signal::KILL);
        }
    }

    fn groups(&self) -> std::sync::MutexGuard<'_, BTreeSet<i32>> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn send(leader: i32, signal: Signal) {
    if let Some(leader) = Pid::from_raw(leader) {
        let _ = kill_process_group(leader, signal);
    }
}

fn how(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exited with code {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}
