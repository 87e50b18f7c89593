//! A compile cache on a server of our own, in a folder of our own: started, asked, emptied, and gone however we end.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;

use super::counters::Counters;
use super::{CompileCache, Settings, kache, reason, sccache};
use crate::exec::{Executor, Running, Temporary};
use crate::plan::Invocation;

/// A server that nobody asks for so long ends by itself: longer than anything else takes that is measured meanwhile,
/// and not for ever, should we be killed.
pub const IDLE_SECONDS_MAX: u64 = 2 * 60 * 60;
/// What a cache may hold: several times a build, so that nothing is thrown away while we measure.
pub const SIZE_BYTES_MAX: u64 = 20 << 30;
/// How long a server may take to answer for the first time; one with a bucket asks that first.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How long results may take to be written that a server holds back after a build.
const WRITE_LIMIT: Duration = Duration::from_secs(20);
const ASK_LIMIT: Duration = Duration::from_secs(30);
/// The system takes 107 bytes for the path of a socket, on macOS 103; kache makes a second one beside it.
const SOCKET_BYTES_MAX: usize = 95;

/// A cache that can be used. Its server ends with it.
pub struct Session<'a> {
    exec: &'a Executor,
    cache: CompileCache,
    folder: PathBuf,
    socket: PathBuf,
    /// How often it was emptied.
    life: usize,
    settings: Settings,
    /// Dropped before what removes the rest.
    server: Option<Running>,
    /// A wrapper that finds no server starts one, which is no child of ours.
    leftovers: Option<Temporary<'a>>,
    /// Where the socket is, if that is no part of the folder.
    short: Option<PathBuf>,
}

impl<'a> Session<'a> {
    /// Starts a server. `folder` is the cache's own; what an earlier session left in it is there again.
    pub fn start(
        exec: &'a Executor,
        cache: &CompileCache,
        folder: &Path,
    ) -> anyhow::Result<Result<Session<'a>, String>> {
        let begun = || -> anyhow::Result<Session<'a>> {
            fs::create_dir_all(folder).with_context(|| format!("create `{}`", folder.display()))?;
            let folder = folder.canonicalize().with_context(|| format!("find `{}`", folder.display()))?;
            let (socket, short) = socket(&folder)?;
            let mut session = Session {
                exec,
                cache: cache.clone(),
                settings: settings(cache, &folder, &socket, 0),
                folder,
                socket,
                life: 0,
                server: None,
                leftovers: None,
                short,
            };
            session.begin()?;
            Ok(session)
        };
        match begun() {
            Ok(session) => Ok(Ok(session)),
            Err(error) => Ok(Err(reason(exec, error)?)),
        }
    }

    /// What the build gets so that it uses this cache and nobody else's.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    pub fn cache(&self) -> &CompileCache {
        &self.cache
    }

    /// The process of the server: it works for the build without being its child.
    pub fn process(&self) -> Option<u32> {
        self.server.as_ref().map(Running::id)
    }

    /// What it counts now, when all is written that the last build gave it; `None` for no cache. The reason where its
    /// server has ended, or says what we do not understand.
    pub fn counters(&self) -> anyhow::Result<Result<Option<Counters>, String>> {
        let asked = || -> anyhow::Result<Option<Counters>> {
            let Some(ask) = self.command() else { return Ok(None) };
            let until = Instant::now() + WRITE_LIMIT;
            loop {
                self.check_server()?;
                let (mut counters, is_written) = match &self.cache {
                    CompileCache::Kache { .. } => {
                        (kache::counters(self.exec, ask.clone(), &self.folder)?, true)
                    }
                    _ => sccache::counters(self.exec, ask.clone())?,
                };
                if is_written || Instant::now() > until {
                    let cpu = self.server.as_ref().and_then(Running::cpu);
                    counters.server_cpu_seconds = cpu.map(|cpu| cpu.as_secs_f64());
                    return Ok(Some(counters));
                }
                self.exec.sleep(Duration::from_millis(50))?;
            }
        };
        match asked() {
            Ok(counters) => Ok(Ok(counters)),
            Err(error) => Ok(Err(reason(self.exec, error)?)),
        }
    }

    /// Forgets all results and counters. The reason where it does not work any more afterwards.
    pub fn empty(&mut self) -> anyhow::Result<Result<(), String>> {
        self.end();
        let again = |session: &mut Session<'a>| -> anyhow::Result<()> {
            fs::remove_dir_all(&session.folder)
                .with_context(|| format!("empty `{}`", session.folder.display()))?;
            fs::create_dir_all(&session.folder)?;
            session.life += 1;
            session.settings = settings(&session.cache, &session.folder, &session.socket, session.life);
            session.begin()
        };
        match again(self) {
            Ok(()) => Ok(Ok(())),
            Err(error) => Ok(Err(reason(self.exec, error)?)),
        }
    }

    /// Ends the server; the results stay in the folder. An error says what is left behind.
    pub fn stop(mut self) -> anyhow::Result<()> {
        if let Some(server) = self.server.take() {
            server.stop()?;
        }
        self.leftovers.take().map_or(Ok(()), Temporary::remove)
    }

    pub(super) fn executor(&self) -> &'a Executor {
        self.exec
    }

    #[cfg(test)]
    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The cache's program with its settings; `None` for no cache.
    pub(super) fn command(&self) -> Option<Invocation> {
        let command = Invocation::new(self.cache.program()?.display().to_string(), &self.folder);
        Some(with(command, &self.settings).timeout(ASK_LIMIT))
    }

    fn begin(&mut self) -> anyhow::Result<()> {
        let Some(program) = self.cache.program() else { return Ok(()) };
        let (serve, end) = match &self.cache {
            CompileCache::Kache { .. } => {
                (kache::serve(program, &self.folder), kache::end(program, &self.folder))
            }
            _ => (sccache::serve(program, &self.folder), sccache::end(program, &self.folder)),
        };
        let end = with(end, &self.settings).timeout(Duration::from_secs(5));
        // In the folder above, which is there when ours was emptied.
        let end = Invocation { cwd: std::env::temp_dir(), ..quiet(end, "/dev/null", "; true") };
        let log = self.log();
        let serve = quiet(with(serve, &self.settings), &log.display().to_string(), "");
        self.leftovers = Some(self.exec.remove_at_end(end)?);
        let server = self.exec.start(&Invocation { stop_grace: Duration::from_secs(3), ..serve })?;
        self.server = Some(server);
        let until = Instant::now() + START_LIMIT;
        while UnixStream::connect(&self.socket).is_err() {
            self.check_server()?;
            anyhow::ensure!(
                Instant::now() < until,
                "its server does not answer for {} s",
                START_LIMIT.as_secs()
            );
            self.exec.sleep(Duration::from_millis(20))?;
        }
        Ok(())
    }

    /// Without waiting for anybody.
    fn end(&mut self) {
        self.server = None;
        self.leftovers = None;
    }

    fn check_server(&self) -> anyhow::Result<()> {
        if let Some(server) = &self.server
            && server.has_ended()?
        {
            let log = fs::read_to_string(self.log()).unwrap_or_default();
            anyhow::bail!("its server has ended: {}", telling(&log));
        }
        Ok(())
    }

    fn log(&self) -> PathBuf {
        self.folder.join("server.log")
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        self.end();
        if let Some(folder) = &self.short {
            let _ = fs::remove_dir_all(folder);
        }
    }
}

/// The names of the variables that are set and begin like this.
pub fn variables(start: &'static str) -> impl Iterator<Item = String> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    names.filter(move |name| name.starts_with(start))
}

/// Names this run among others that use the same bucket.
pub fn run_id() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    format!("{seconds}-{}", std::process::id())
}

fn settings(cache: &CompileCache, folder: &Path, socket: &Path, life: usize) -> Settings {
    match cache {
        // Set and empty it wins over cargo's configuration.
        CompileCache::None => {
            Settings { env: [("RUSTC_WRAPPER".to_owned(), String::new())].into(), env_remove: Vec::new() }
        }
        CompileCache::Sccache { program, s3, .. } => sccache::settings(program, *s3, folder, socket, life),
        CompileCache::Kache { program, .. } => kache::settings(program, folder, socket),
    }
}

/// A path that the system takes for a socket: in the folder, else in a private one with a short name.
fn socket(folder: &Path) -> anyhow::Result<(PathBuf, Option<PathBuf>)> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let own = folder.join("server.sock");
    if own.as_os_str().len() <= SOCKET_BYTES_MAX {
        return Ok((own, None));
    }
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let short = std::env::temp_dir().join(format!("xtask-cache-{}-{count}", std::process::id()));
    fs::DirBuilder::new()
        .mode(0o700)
        .create(&short)
        .with_context(|| format!("create `{}` for a socket", short.display()))?;
    Ok((short.join("server.sock"), Some(short)))
}

fn with(mut command: Invocation, settings: &Settings) -> Invocation {
    command.env.extend(settings.env.iter().map(|(name, value)| (name.clone(), value.clone())));
    // What a build of ours would inherit is nobody's compiler here.
    command.env.remove("RUSTC_WRAPPER");
    command.env_remove.extend(settings.env_remove.iter().cloned());
    command
}

/// The command with all that it says in a file.
fn quiet(command: Invocation, file: &str, then: &str) -> Invocation {
    let exec = if then.is_empty() { "exec " } else { "" };
    let script = format!("{exec}\"$@\" >{} 2>&1{then}", crate::plan::quote(file));
    let words = ["-c".to_owned(), script, "sh".to_owned(), command.program.clone()];
    let args = words.into_iter().chain(command.args.iter().cloned()).collect();
    Invocation { program: "sh".to_owned(), args, ..command }
}

/// The line of a log that tells most.
fn telling(log: &str) -> String {
    let mut lines = log.lines().map(str::trim).filter(|line| !line.is_empty());
    let last = lines.clone().next_back().unwrap_or("it said nothing");
    let telling = lines.find(|line| line.to_lowercase().contains("error")).unwrap_or(last);
    telling.chars().take(300).collect()
}
