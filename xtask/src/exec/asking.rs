//! Questions to whoever sits at the terminal, and what comes through standard input. Nobody is asked who could not
//! answer.

use std::io::{IsTerminal, Read, stdin};
use std::sync::mpsc::{TryRecvError, channel};
use std::time::Duration;

use anyhow::Context;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::Executor;
use crate::exit::Failure;

/// How often it is looked whether there is an answer, or a signal.
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// The most that is read from standard input, in bytes.
const INPUT_SIZE_MAX: u64 = 1024 * 1024;

impl Executor {
    /// Whether the question is answered with yes; anything else is a no, and so is the end of the input. `None` where
    /// standard input or standard error is no terminal: the question could not be read, or not be answered.
    pub fn ask(&self, question: &str) -> anyhow::Result<Option<bool>> {
        if !self.has_somebody() {
            return Ok(None);
        }
        self.ui.raw(&format!("{} [y/N] ", self.redact(question)));
        let line = self.answered(read_line)?.unwrap_or_default();
        Ok(Some(matches!(line.trim().to_lowercase().as_str(), "y" | "yes")))
    }

    /// A value that is typed and not shown, because it may be a secret; empty where somebody only pressed Enter. `None`
    /// as for [`Executor::ask`]. It is kept out of everything shown from now on.
    pub fn ask_unseen(&self, question: &str) -> anyhow::Result<Option<String>> {
        if !self.has_somebody() {
            return Ok(None);
        }
        let unseen = Unseen::begin();
        self.ui.raw(&format!("{question}: "));
        let line = self.answered(read_line);
        drop(unseen);
        // The Enter was not shown either.
        self.ui.raw("\n");
        let value = line?.unwrap_or_default().trim_end_matches(['\r', '\n']).to_owned();
        self.learn_secret(&value);
        Ok(Some(value))
    }

    /// All of standard input, as text.
    pub fn standard_input(&self) -> anyhow::Result<String> {
        let read = || {
            let mut bytes = Vec::new();
            stdin().take(INPUT_SIZE_MAX + 1).read_to_end(&mut bytes).map(|_| bytes)
        };
        let bytes = self.answered(read)?.transpose().context("read standard input")?.unwrap_or_default();
        if bytes.len() as u64 > INPUT_SIZE_MAX {
            return Err(Failure::usage("standard input is longer than 1 MiB").into());
        }
        // What is wrong with it is not shown: it may be a secret.
        String::from_utf8(bytes).map_err(|_| Failure::usage("standard input is no text (UTF-8)").into())
    }

    fn has_somebody(&self) -> bool {
        stdin().is_terminal() && self.ui.is_terminal()
    }

    /// What a blocking read gives, in a thread of its own, which is left alone after an interruption: a blocked read
    /// cannot be woken. `None` where it broke down.
    fn answered<T: Send + 'static>(
        &self,
        read: impl FnOnce() -> T + Send + 'static,
    ) -> anyhow::Result<Option<T>> {
        let (sender, answer) = channel();
        std::thread::spawn(move || sender.send(read()));
        loop {
            self.sleep(POLL_INTERVAL)?;
            match answer.try_recv() {
                Ok(value) => return Ok(Some(value)),
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => return Ok(None),
            }
        }
    }
}

fn read_line() -> String {
    let mut line = String::new();
    let _ = stdin().read_line(&mut line);
    line
}

/// While it lives, the terminal does not show what is typed.
struct Unseen {
    before: Option<Termios>,
}

impl Unseen {
    fn begin() -> Unseen {
        let before = tcgetattr(stdin()).ok();
        if let Some(before) = &before {
            let mut unseen = before.clone();
            unseen.local_modes.remove(LocalModes::ECHO);
            let _ = tcsetattr(stdin(), OptionalActions::Now, &unseen);
        }
        Unseen { before }
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            let _ = tcsetattr(stdin(), OptionalActions::Now, before);
        }
    }
}
