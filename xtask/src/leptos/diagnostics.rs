//! What the compiler has to say, when cargo hands it over as data: each text once, though both halves compile the same
//! sources.
//!
//! Reads the JSON messages of cargo; knows nothing of processes.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Deserialize;

use crate::exec::Executor;

/// The diagnostics of one round.
pub struct Diagnostics<'a> {
    exec: &'a Executor,
    /// Warnings that people have seen and not mended yet.
    known: &'a BTreeSet<String>,
    said: Mutex<Said>,
}

/// What was said so far.
#[derive(Clone, Debug, Default)]
pub struct Said {
    pub errors: BTreeSet<String>,
    pub warnings: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Line {
    reason: String,
    message: Option<Message>,
}

#[derive(Deserialize)]
struct Message {
    level: String,
    message: String,
    rendered: Option<String>,
}

impl<'a> Diagnostics<'a> {
    pub fn new(exec: &'a Executor, known: &'a BTreeSet<String>) -> Diagnostics<'a> {
        Diagnostics { exec, known, said: Mutex::default() }
    }

    /// Takes one line of cargo's standard output, and shows at once what is new in it.
    pub fn line(&self, line: &str) {
        let Some((is_error, text)) = diagnostic(line) else { return };
        let is_new = {
            let mut said = self.lock();
            let of_kind = if is_error { &mut said.errors } else { &mut said.warnings };
            of_kind.insert(text.clone()) && (is_error || !self.known.contains(&text))
        };
        if is_new {
            self.exec.ui().raw(&self.exec.redact(&format!("{}\n", text.trim_end())));
        }
    }

    pub fn said(&self) -> Said {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether it is an error, and its text. Neither what sums up others nor the advice to ask for an explanation.
fn diagnostic(line: &str) -> Option<(bool, String)> {
    // Most lines are long, and about artifacts.
    if !line.starts_with(r#"{"reason":"compiler-message""#) {
        return None;
    }
    let line: Line =
        serde_json::from_str(line).ok().filter(|line: &Line| line.reason == "compiler-message")?;
    let message = line.message?;
    let is_error = match message.level.as_str() {
        "error" | "error: internal compiler error" => true,
        "warning" => false,
        _ => return None,
    };
    let sums_up = message.message.starts_with("aborting due to") || message.message.ends_with(" emitted");
    if sums_up { None } else { Some((is_error, message.rendered?)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Mode;
    use crate::ui::Ui;

    fn message(level: &str, message: &str) -> String {
        format!(
            r#"{{"reason":"compiler-message","package_id":"x","message":{{"rendered":"{level}: {message}\n","level":"{level}","message":"{message}","spans":[]}}}}"#
        )
    }

    #[test]
    fn each_text_once_and_no_sums() {
        let exec = Executor::new(Ui::detect(true), Mode::Run).unwrap();
        let known = BTreeSet::new();
        let diagnostics = Diagnostics::new(&exec, &known);
        for line in [
            &message("error", "mismatched types"),
            &message("error", "mismatched types"),
            &message("error", "aborting due to 1 previous error"),
            &message("warning", "unused import"),
            &message("warning", "1 warning emitted"),
            &message("failure-note", "For more information about this error"),
            r#"{"reason":"build-finished","success":false}"#,
            "printed by a build script",
        ] {
            diagnostics.line(line);
        }
        let said = diagnostics.said();
        assert_eq!(said.errors.into_iter().collect::<Vec<_>>(), ["error: mismatched types\n"]);
        assert_eq!(said.warnings.into_iter().collect::<Vec<_>>(), ["warning: unused import\n"]);
    }
}
