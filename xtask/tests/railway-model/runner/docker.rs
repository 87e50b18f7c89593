//! Images as containers of a Docker engine, through its command line.
//!
//! Every container is labelled with the model's process id. What the model pulled and the engine did not have before
//! is removed with it.

use std::collections::BTreeSet;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::sync::{RwLock, watch};
use tokio::time::timeout;

use super::{Handle, Instance, Launch, Launched, free_port, leftovers, read_lines};

/// The label with the model's process id.
const LABEL: &str = "railway-model";
const NAMESPACE_LABEL: &str = "railway-model-namespace";
/// The label with the image's reference where the model pulled it, so that it is removed even if the model was killed.
const PULLED_LABEL: &str = "railway-model-pulled";

/// The port that a container is told to listen on unless a variable says otherwise, as Railway often does.
const DEFAULT_PORT: &str = "8080";

/// How long a call may take: the engine may be busy with others.
const LIMIT: Duration = Duration::from_secs(60);
const PULL_LIMIT: Duration = Duration::from_secs(600);

/// How often another port is tried when somebody took the free one in between.
const PORT_ATTEMPTS: usize = 3;

pub struct Docker {
    /// References that the engine did not have before.
    pulled: Mutex<BTreeSet<String>>,
    closing: watch::Sender<bool>,
    /// Held while something is being launched, so that nothing is created after the last clean-up.
    launching: RwLock<()>,
}

pub struct Container {
    id: String,
}

impl Docker {
    /// # Errors
    /// Why there is no engine.
    pub async fn start() -> Result<Docker, String> {
        docker(&["version", "--format", "{{.Server.Version}}"], Duration::from_secs(20)).await?;
        remove_leftovers().await;
        let (closing, _) = watch::channel(false);
        Ok(Docker { pulled: Mutex::default(), closing, launching: RwLock::default() })
    }

    pub async fn launch(&self, launch: &Launch) -> Result<Launched, String> {
        let _launching = self.launching.read().await;
        let mut closing = self.closing.subscribe();
        tokio::select! {
            pulled = self.pull(&launch.image) => pulled?,
            _ = closing.wait_for(|closing| *closing) => return Err("the model is ending".to_owned()),
        }
        let image_digest = repository_digest(&launch.image).await;
        let pulled = self.pulled.lock().unwrap_or_else(PoisonError::into_inner).contains(&launch.image);
        let (id, address) = create(launch, pulled).await?;
        let ended = watch_container(launch, &id)?;
        let handle = Handle::Container(Container { id });
        Ok(Launched { instance: Instance { address, ended, handle }, image_digest })
    }

    /// Asks the registry even where the engine has the image: a tag may have moved.
    async fn pull(&self, image: &str) -> Result<(), String> {
        if docker(&["image", "inspect", "--", image], LIMIT).await.is_err() {
            self.pulled.lock().unwrap_or_else(PoisonError::into_inner).insert(image.to_owned());
        }
        docker(&["pull", "--quiet", "--", image], PULL_LIMIT).await.map(drop)
    }

    pub async fn sweep(&self) {
        self.closing.send_replace(true);
        let launches = timeout(LIMIT, self.launching.write()).await;
        let own = format!("label={LABEL}={}", std::process::id());
        let namespace = format!("label={NAMESPACE_LABEL}={}", leftovers::namespace());
        let found =
            docker(&["ps", "--all", "--quiet", "--filter", &own, "--filter", &namespace], LIMIT).await;
        for id in found.unwrap_or_default().split_whitespace() {
            remove(id).await;
        }
        let pulled = self.pulled.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for image in pulled {
            remove_image(&image).await;
        }
        drop(launches);
    }
}

impl Container {
    pub async fn terminate(&self) {
        // It may have ended already.
        let _ = docker(&["kill", "--signal", "TERM", &self.id], LIMIT).await;
    }

    pub async fn remove(&self) {
        remove(&self.id).await;
    }
}

async fn remove(id: &str) {
    if let Err(problem) = docker(&["rm", "--force", "--volumes", id], LIMIT).await
        && !problem.contains("No such container")
    {
        eprintln!("railway-model: container {id} was not removed: {problem}");
    }
}

async fn remove_image(image: &str) {
    if let Err(problem) = docker(&["image", "rm", "--", image], LIMIT).await
        && !problem.contains("No such image")
    {
        eprintln!("railway-model: image {image} was not removed: {problem}");
    }
}

/// Removes the containers of models that were killed.
async fn remove_leftovers() {
    let namespace = format!("label={NAMESPACE_LABEL}={}", leftovers::namespace());
    let format = format!("{{{{.ID}}}} {{{{.Label \"{LABEL}\"}}}} {{{{.Label \"{PULLED_LABEL}\"}}}}");
    let listed = docker(&["ps", "--all", "--filter", &namespace, "--format", &format], LIMIT).await;
    for line in listed.unwrap_or_default().lines() {
        let mut words = line.split(' ');
        if let (Some(id), Some(owner), Some(image)) = (words.next(), words.next(), words.next())
            && owner.parse().is_ok_and(|owner| !leftovers::is_alive(owner))
        {
            remove(id).await;
            if !image.is_empty() {
                remove_image(image).await;
            }
        }
    }
}

/// Creates and starts the container: its id, and where it is reached.
async fn create(launch: &Launch, pulled: bool) -> Result<(String, SocketAddr), String> {
    // A file, because arguments can be seen by everybody on the machine.
    let mut environment =
        tempfile::NamedTempFile::new().map_err(|error| format!("no temporary file: {error}"))?;
    let mut arguments: Vec<String> = Vec::new();
    let inner_port = launch.variables.get("PORT").map_or(DEFAULT_PORT, String::as_str);
    let port = ("PORT".to_owned(), inner_port.to_owned());
    for (name, value) in launch.variables.iter().chain([(&port.0, &port.1)]) {
        if value.contains('\n') {
            // The file knows no such values.
            arguments.extend(["--env".to_owned(), format!("{name}={value}")]);
        } else {
            writeln!(environment, "{name}={value}").map_err(|error| format!("no temporary file: {error}"))?;
        }
    }
    let mut problem = String::new();
    for _ in 0..PORT_ATTEMPTS {
        let outer_port = free_port()?;
        let name = format!("railway-model-{}-{outer_port}", std::process::id());
        let file = environment.path().to_string_lossy();
        let labels = [
            format!("{LABEL}={}", std::process::id()),
            format!("{NAMESPACE_LABEL}={}", leftovers::namespace()),
            format!("{PULLED_LABEL}={}", if pulled { launch.image.as_str() } else { "" }),
            format!("railway-model-deployment={}", launch.deployment),
        ];
        let publish = format!("127.0.0.1:{outer_port}:{inner_port}");
        let mut create = vec!["create", "--pull", "never", "--name", &name, "--env-file", &file];
        create.extend(labels.iter().flat_map(|label| ["--label", label]));
        create.extend(["--publish", &publish]);
        create.extend(arguments.iter().map(String::as_str));
        create.extend(["--", &launch.image]);
        let id = docker(&create, LIMIT).await?;
        match docker(&["start", &id], LIMIT).await {
            Ok(_) => return Ok((id, SocketAddr::from((Ipv4Addr::LOCALHOST, outer_port)))),
            Err(why) => {
                remove(&id).await;
                problem = why;
                if !problem.contains("port is already allocated")
                    && !problem.contains("address already in use")
                {
                    break;
                }
            }
        }
    }
    Err(problem)
}

/// Collects what the container writes; afterwards how it ended.
fn watch_container(launch: &Launch, id: &str) -> Result<watch::Receiver<Option<String>>, String> {
    let failed = |error: std::io::Error| format!("docker does not start: {error}");
    let mut follow = spawn(&["logs", "--follow", "--timestamps", id]).map_err(failed)?;
    let (stdout, stderr) = (follow.stdout.take(), follow.stderr.take());
    let wait = spawn(&["wait", id]).map_err(failed)?;
    let log = launch.log.clone();
    let (sender, ended) = watch::channel(None);
    tokio::spawn(async move {
        let take = |severity: &'static str| {
            let log = log.clone();
            move |line: &str| {
                let (time, message) = line.split_once(' ').unwrap_or((line, ""));
                log.push(Some(time), severity, message);
            }
        };
        let read = async {
            if let (Some(stdout), Some(stderr)) = (stdout, stderr) {
                tokio::join!(read_lines(stdout, take("info")), read_lines(stderr, take("error")));
            }
            let _ = follow.wait().await;
        };
        let (waited, ()) = tokio::join!(wait.wait_with_output(), read);
        let code = waited.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
        sender.send_replace(Some(match code.as_deref() {
            Ok("") | Err(_) => "was removed".to_owned(),
            Ok(code) => format!("exited with code {code}"),
        }));
    });
    Ok(ended)
}

/// The digest that the registry gave for the reference, if the engine knows it.
async fn repository_digest(image: &str) -> Option<String> {
    let inspected =
        docker(&["image", "inspect", "--format", "{{json .RepoDigests}}", "--", image], LIMIT).await;
    let digests: Vec<String> = serde_json::from_str(&inspected.ok()?).ok()?;
    // One image may be known by several repositories; their manifests may differ.
    let name = image.split('@').next().unwrap_or(image);
    let repository = match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => name,
    };
    let own = digests.iter().find_map(|digest| digest.strip_prefix(repository)?.strip_prefix('@'));
    own.map(str::to_owned)
}

fn spawn(arguments: &[&str]) -> std::io::Result<Child> {
    Command::new("docker")
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
}

/// Runs docker to its end: what it printed, or the last of its complaints.
async fn docker(arguments: &[&str], limit: Duration) -> Result<String, String> {
    let what = arguments.first().copied().unwrap_or_default();
    let child = spawn(arguments).map_err(|error| format!("docker does not start: {error}"))?;
    let output = timeout(limit, child.wait_with_output())
        .await
        .map_err(|_| format!("`docker {what}` took longer than {} s", limit.as_secs()))?
        .map_err(|error| format!("`docker {what}`: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    // What the engine says is the reason; lines after it may only repeat that something failed.
    let mut lines = stderr.lines().filter(|line| !line.trim().is_empty());
    let engine = lines.clone().find(|line| line.starts_with("Error response from daemon"));
    let complaint = engine.or_else(|| lines.next_back());
    Err(complaint.map_or_else(|| format!("`docker {what}` failed"), |line| line.trim().to_owned()))
}
