//! What lasts from one round to the next: the server, the pages, the state of the files, and what is still to be done.
//!
//! Waits for changes. What is done about them is `round`'s.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use super::super::planning::Input;
use super::super::shipped;
use super::files::{Change, Files, Kind};
use super::meaning::{Watched, Work};
use super::server::{Server, Started};
use super::sheet;
use super::socket::Socket;
use crate::exec::{Executor, Wake};
use crate::facts::toolchain::Toolchain;
use crate::facts::workspace::Workspace;
use crate::plan::Invocation;

/// Editors write several times, and a checkout writes many files: so long nothing may change before a round begins.
const QUIET: Duration = Duration::from_millis(40);
/// The longest that a round is put off for that.
const QUIET_MAX: Duration = Duration::from_secs(2);
/// The resolution of modification times, and some more.
const CLOCK_STEP: Duration = Duration::from_millis(20);
/// How often an interruption and the end of the server are looked for.
const POLL: Duration = Duration::from_millis(50);

/// What does not change but with the configuration.
pub struct Setup<'a> {
    pub input: &'a Input<'a>,
    pub workspace: &'a Workspace,
    pub toolchain: &'a Toolchain,
    /// The profile asked for.
    pub profile: &'a str,
    pub receipt: &'a Path,
    pub server: &'a Invocation,
    /// Where the server can be asked, and what it can be asked for.
    pub address: SocketAddr,
    pub health_path: &'a str,
}

impl Setup<'_> {
    /// What is watched, by what is known of the last compilations.
    pub fn watched(&self) -> Watched {
        let (front, server) = shipped::compiled_from(self.input);
        Watched::new(self.input.project, self.workspace, front, server)
    }

    /// Whether both halves can be compiled at the same time: cargo lets nobody into a folder that it works in.
    pub fn can_compile_at_once(&self) -> bool {
        let halves = self.input.halves;
        halves.front.folder != halves.server.folder && self.input.project.bin_target_dir.is_none()
    }
}

/// See the module.
pub struct Session<'e> {
    pub(super) exec: &'e Executor,
    pub(super) socket: Socket,
    pub(super) server: Option<Server>,
    pub(super) wake: Wake,
    files: Files,
    looked: SystemTime,
    watched: Watched,
    /// What rounds that failed or were given up have left to do.
    pub(super) pending: Work,
    /// The halves whose last compilation failed.
    pub(super) failed: Work,
    /// Whether the wasm half has been bound for a server that does not run yet.
    pub(super) is_front_ahead: bool,
    /// Warnings that were shown and still hold.
    pub(super) warnings: BTreeSet<String>,
    /// Whether a change ends the round that is under way.
    pub(super) supersedes: bool,
    /// Changes that were seen while something else was done.
    pub(super) later: Vec<Change>,
}

impl<'e> Session<'e> {
    /// A session after a first build that began at `since`, whether or not it succeeded.
    pub fn new(
        exec: &'e Executor,
        socket: Socket,
        setup: &Setup<'_>,
        since: SystemTime,
        is_built: bool,
    ) -> Session<'e> {
        let undone = if is_built { Work::default() } else { Work { configuration: false, ..Work::ALL } };
        let mut session = Session {
            exec,
            socket,
            server: None,
            wake: Wake::new(),
            files: Files::default(),
            looked: since,
            watched: setup.watched(),
            pending: undone,
            failed: undone,
            is_front_ahead: false,
            warnings: BTreeSet::new(),
            supersedes: true,
            later: Vec::new(),
        };
        session.watch_anew(setup);
        session
    }

    /// Waits for changes and has them built, until the configuration changes and there is to be another setup.
    pub fn run(&mut self, setup: &Setup<'_>) -> anyhow::Result<()> {
        self.watch_anew(setup);
        if let Some(sheet) = sheet::path(setup.input) {
            self.socket.set_sheet(&sheet);
        }
        if self.pending.configuration {
            // What made us come here is to be built now.
            self.pending.configuration = false;
            let changes = std::mem::take(&mut self.later);
            self.round(setup, &changes, self.pending)?;
        } else if self.server.is_none() && self.pending.is_none() {
            self.start_server(setup)?;
        }
        loop {
            let changes = self.next_changes()?;
            let work = self.work(&changes);
            if work.configuration {
                self.pending |= work;
                self.later = changes;
                return Ok(());
            }
            if !work.is_none() {
                self.round(setup, &changes, work)?;
            }
        }
    }

    /// Waits for any change, after a configuration that cannot be read.
    pub fn wait(&mut self) -> anyhow::Result<()> {
        let known = std::mem::take(&mut self.later);
        let changes = self.next_changes()?;
        self.later = [known, changes].concat();
        Ok(())
    }

    /// Ends the server. To be called however the session ended.
    pub fn close(mut self) -> anyhow::Result<()> {
        match self.server.take() {
            Some(server) => server.stop().map(drop),
            None => Ok(()),
        }
    }

    /// The changes that ask for something, once there are any and no more come.
    fn next_changes(&mut self) -> anyhow::Result<Vec<Change>> {
        let mut changes = std::mem::take(&mut self.later);
        while changes.is_empty() {
            self.exec.check_interrupted()?;
            self.notice_end_of_server()?;
            if self.wake.wait(POLL) {
                changes = self.look();
            }
        }
        let began = Instant::now();
        let mut quiet_since = began;
        while began.elapsed() < QUIET_MAX {
            let left = QUIET.saturating_sub(quiet_since.elapsed());
            if left.is_zero() {
                break;
            }
            if self.wake.wait(left) {
                let more = self.look();
                if !more.is_empty() {
                    quiet_since = Instant::now();
                }
                changes.extend(more);
            }
        }
        Ok(changes)
    }

    /// The changes since the last look that ask for something.
    pub(super) fn look(&mut self) -> Vec<Change> {
        let watched = &self.watched;
        let mut changes = Vec::new();
        self.looked = SystemTime::now();
        loop {
            changes.extend(self.files.look(watched.files(), watched.folders(), |path| watched.counts(path)));
            if !self.wake.set_folders(self.files.folders()) {
                break;
            }
        }
        changes.retain(|change| !watched.work(change, self.failed).is_none());
        changes
    }

    /// What the changes ask for, with what is left to do.
    fn work(&self, changes: &[Change]) -> Work {
        let mut work = Work::default();
        for change in changes {
            work |= self.watched.work(change, self.failed);
        }
        // A style sheet need not wait until sources compile again, unless there is no site to put it into.
        if work.compiles() || self.is_front_ahead || self.server.is_none() {
            work |= self.pending;
        }
        work
    }

    /// Watches what is in the halves now, as it is now.
    pub(super) fn watch_anew(&mut self, setup: &Setup<'_>) {
        // The clock of file systems may be a little behind.
        let looked = self.looked - CLOCK_STEP;
        self.watched = setup.watched();
        let mut changes = self.look_beside_cargo(setup);
        // What only we see for the first time is no change.
        changes.retain(|change| change.kind != Kind::New || change.time.is_none_or(|time| time >= looked));
        self.later.extend(changes);
    }

    /// The changes since the last look, when cargo has run: it writes the lock file itself if a manifest asks for it.
    pub(super) fn look_beside_cargo(&mut self, setup: &Setup<'_>) -> Vec<Change> {
        let lock_file = setup.input.workspace_root.join("Cargo.lock");
        let mut changes = self.look();
        changes.retain(|change| change.path != lock_file);
        changes
    }

    /// Starts the server, in place of the one that runs. Whether it answers.
    pub(super) fn start_server(&mut self, setup: &Setup<'_>) -> anyhow::Result<bool> {
        let ui = self.exec.ui();
        if let Some(server) = self.server.take() {
            server.stop()?;
        }
        match Server::start(self.exec, setup.server, setup.address, setup.health_path)? {
            Started::Answers(server) => {
                self.server = Some(server);
                return Ok(true);
            }
            Started::Silent(server) => {
                self.server = Some(server);
                let url = format!("http://{}{}", setup.address, setup.health_path);
                ui.error(format!("the server runs but does not answer on {url}; waiting for changes"));
            }
            Started::Ended(failure) => {
                ui.error(format!("{failure}"));
                ui.note("the server ended at once; nothing runs until the next change");
            }
        }
        Ok(false)
    }

    fn notice_end_of_server(&mut self) -> anyhow::Result<()> {
        let Some(server) = self.server.take() else { return Ok(()) };
        if server.has_ended()? {
            let failure = server.failure()?;
            self.exec.ui().error(format!("{failure}"));
            self.exec.ui().note("the server has ended; it is started again with the next change");
        } else {
            self.server = Some(server);
        }
        Ok(())
    }
}
