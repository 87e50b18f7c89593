//! What people see while a command runs: cargo-style status lines on standard error.
//!
//! Standard output is data and belongs to reports; nothing here writes to it.

use std::io::{IsTerminal, Write};

/// Where and how status lines are written. Cheap to copy and safe to use from several threads.
#[derive(Clone, Copy, Debug)]
pub struct Ui {
    colour: bool,
    terminal: bool,
    quiet: bool,
    github: bool,
}

impl Ui {
    /// Reads the terminal and the environment: `NO_COLOR`, `CLICOLOR_FORCE`, `GITHUB_ACTIONS`.
    pub fn detect(quiet: bool) -> Ui {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let terminal = std::io::stderr().is_terminal();
        let colour = !set("NO_COLOR") && (terminal || set("CLICOLOR_FORCE"));
        Ui { colour, terminal, quiet, github: set("GITHUB_ACTIONS") }
    }

    /// Whether standard error is a terminal, so that progress may be redrawn.
    pub fn is_terminal(self) -> bool {
        self.terminal
    }

    /// A status line in cargo's form: the verb right-aligned in twelve columns, then the detail.
    pub fn status(self, verb: &str, detail: impl std::fmt::Display) {
        if !self.quiet {
            self.line("32", &format!("{verb:>12}"), &detail.to_string());
        }
    }

    /// A note that is neither progress nor a problem.
    pub fn note(self, detail: impl std::fmt::Display) {
        if !self.quiet {
            self.line("36", "note:", &detail.to_string());
        }
    }

    /// The one message of a failure.
    pub fn error(self, detail: impl std::fmt::Display) {
        self.line("31", "error:", &detail.to_string());
    }

    /// How to mend the failure.
    pub fn hint(self, detail: impl std::fmt::Display) {
        self.line("36", " hint:", &detail.to_string());
    }

    /// Clears the screen of a terminal: what stands there is no longer so.
    pub fn clear(self) {
        if self.terminal {
            self.write("\x1b[H\x1b[2J");
        }
    }

    /// Whether text for it may be coloured.
    pub fn has_colour(self) -> bool {
        self.colour
    }

    /// Starts a foldable section in a GitHub Actions log; nothing elsewhere.
    pub fn section_start(self, title: &str) {
        if self.github {
            self.write(&format!("::group::{title}\n"));
        }
    }

    /// Ends the section.
    pub fn section_end(self) {
        if self.github {
            self.write("::endgroup::\n");
        }
    }

    /// Text as it is, e.g. the output of a tool that failed.
    pub fn raw(self, text: &str) {
        self.write(text);
    }

    fn line(self, colour: &str, word: &str, detail: &str) {
        // On a terminal cargo may have left its progress bar on this line.
        let clear = if self.terminal { "\r\x1b[K" } else { "" };
        self.write(&format!("{clear}{} {detail}\n", self.paint(colour, word)));
    }

    fn paint(self, colour: &str, text: &str) -> String {
        if self.colour { format!("\x1b[1;{colour}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// One write a message, so that lines of two threads never mix. A closed standard error is not our failure.
    fn write(self, text: &str) {
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
    }
}
