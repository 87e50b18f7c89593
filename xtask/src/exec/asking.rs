//! Questions to whoever sits at the terminal, and what comes on standard input. Nobody is asked who could not answer.

use std::io::{IsTerminal, Read, stdin};
use std::sync::mpsc::{TryRecvError, channel};
use std::time::Duration;

use anyhow::Context;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::Executor;
use crate::exit::Failure;

/// How often it is looked whether there is an answer, or a signal.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

impl Executor {
    /// Whether the question is answered with yes; anything else is a no, and so is the end of the input. `None` where
    /// standard input or standard error is no terminal: the question could not be read, or not be answered.
    pub fn ask(&self, question: &str) -> anyhow::Result<Option<bool>> {
        if !stdin().is_terminal() || !self.ui.is_terminal() {
            return Ok(None);
        }
        self.ui.raw(&format!("{} [y/N] ", self.redact(question)));
        let (sender, answer) = channel();
        // In a thread of its own, which is left alone after an interruption: a blocked read cannot be woken.
        std::thread::spawn(move || {
            let mut line = String::new();
            let _ = stdin().read_line(&mut line);
            sender.send(line)
        });
        loop {
            self.sleep(POLL_INTERVAL)?;
            match answer.try_recv() {
                Ok(line) => return Ok(Some(matches!(line.trim().to_lowercase().as_str(), "y" | "yes"))),
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => return Ok(Some(false)),
            }
        }
    }

    /// Everything that comes on standard input, as text of at most `size_max` bytes. A signal ends the wait.
    pub fn read_input(&self, size_max: u64) -> anyhow::Result<String> {
        let (sender, answer) = channel();
        std::thread::spawn(move || {
            let mut text = String::new();
            // One byte more tells that it is too long.
            sender.send(stdin().take(size_max + 1).read_to_string(&mut text).map(|_| text))
        });
        let text = loop {
            self.check_interrupted()?;
            match answer.try_recv() {
                Ok(read) => break read.context("read standard input")?,
                Err(TryRecvError::Empty) => self.sleep(POLL_INTERVAL)?,
                Err(TryRecvError::Disconnected) => anyhow::bail!("standard input cannot be read"),
            }
        };
        if text.len() as u64 > size_max {
            let message = format!("standard input has more than {size_max} bytes");
            return Err(Failure::usage(message).into());
        }
        Ok(text)
    }

    /// A value that is typed and not shown, because it may be a secret; empty where somebody only pressed Enter. `None`
    /// as for [`Executor::ask`]. It is kept out of everything shown from now on.
    pub fn ask_unseen(&self, question: &str) -> anyhow::Result<Option<String>> {
        if !stdin().is_terminal() || !self.ui.is_terminal() {
            return Ok(None);
        }
        let unseen = Unseen::begin();
        self.ui.raw(&format!("{question}: "));
        let (sender, answer) = channel();
        // In a thread of its own, as in `ask`.
        std::thread::spawn(move || {
            let mut line = String::new();
            let _ = stdin().read_line(&mut line);
            sender.send(line)
        });
        let line = loop {
            match answer.try_recv() {
                Ok(line) => break line,
                Err(TryRecvError::Empty) => self.sleep(POLL_INTERVAL)?,
                Err(TryRecvError::Disconnected) => break String::new(),
            }
        };
        drop(unseen);
        // The Enter was not shown either.
        self.ui.raw("\n");
        let value = line.trim_end_matches(['\r', '\n']);
        self.learn_secret(value);
        Ok(Some(value.to_owned()))
    }
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
