//! Questions to whoever sits at the terminal. Nobody is asked who could not answer.

use std::io::{IsTerminal, stdin};
use std::sync::mpsc::{TryRecvError, channel};
use std::time::Duration;

use super::Executor;

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
}
