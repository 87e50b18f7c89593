//! Dockerfiles, read as BuildKit reads them, with the line of everything.
//!
//! Pure: text in, data out. Knows nothing of Leptos or of what is good.

pub mod copies;
pub mod instruction;
pub mod lines;
pub mod stages;
#[cfg(test)]
mod tests;
pub mod words;

use std::collections::BTreeMap;

use instruction::{Form, Instruction, Mount};
use lines::{Directive, Text};
use stages::{Base, Stage, Step};

/// A Dockerfile. What cannot be read is in `problems`, the rest is there all the same.
#[derive(Clone, Debug)]
pub struct Dockerfile {
    pub directives: Vec<Directive>,
    pub stages: Vec<Stage>,
    pub escape: char,
    /// Lines with messages.
    pub problems: Vec<(usize, String)>,
}

/// A script of a RUN: what it is, and where its lines are.
#[derive(Clone, Debug)]
pub struct Script {
    pub text: Text,
    /// Whether the first command that fails ends it.
    pub stops_at_errors: bool,
}

impl Dockerfile {
    /// Reads a text where a build is given these arguments, which win over what the text sets them to.
    pub fn parse_with(text: &str, given: &BTreeMap<String, String>) -> Dockerfile {
        let lines = lines::read(text);
        let mut problems = lines.problems;
        let mut instructions = Vec::new();
        for logical in &lines.logical {
            match Instruction::parse(logical, lines.escape) {
                Ok(instruction) => instructions.push(instruction),
                Err(message) => problems.push((logical.line, message)),
            }
        }
        let (stages, more) = stages::evaluate(instructions, lines.escape, given);
        problems.extend(more);
        problems.sort();
        Dockerfile { directives: lines.directives, stages, escape: lines.escape, problems }
    }

    #[cfg(test)]
    pub fn parse(text: &str) -> Dockerfile {
        Dockerfile::parse_with(text, &BTreeMap::new())
    }

    /// The stages that a stage stands on, the lowest first, and itself.
    pub fn chain(&self, stage: usize) -> Vec<usize> {
        let mut chain = vec![stage];
        while let Some(Base::Stage(below)) =
            chain.last().and_then(|top| self.stages.get(*top)).map(|it| &it.base)
        {
            chain.push(*below);
        }
        chain.reverse();
        chain
    }

    /// All that a stage is made of: its own instructions after those that it stands on.
    pub fn steps(&self, stage: usize) -> impl Iterator<Item = &Step> {
        self.chain(stage)
            .into_iter()
            .filter_map(|index| self.stages.get(index))
            .flat_map(|stage| &stage.steps)
    }

    /// What the lowest stage of the chain stands on, and the line that says so.
    pub fn base(&self, stage: usize) -> Option<(&Base, usize)> {
        let lowest = self.stages.get(*self.chain(stage).first()?)?;
        Some((&lowest.base, lowest.line))
    }

    /// The stage that becomes the image: the last.
    pub fn last(&self) -> Option<usize> {
        self.stages.len().checked_sub(1)
    }

    /// The stage that a `--from` means: by name or number; `None` for another image.
    pub fn source(&self, from: &str) -> Option<usize> {
        let number = from.parse().ok().filter(|number| *number < self.stages.len());
        number.or_else(|| stages::find(&self.stages, from))
    }
}

impl Step {
    /// The mounts of a RUN with absolute targets.
    pub fn mounts(&self, escape: char) -> Vec<Mount> {
        let mut mounts = self.instruction.mounts();
        for mount in &mut mounts {
            let target = self.scope.expand(&mount.target, escape);
            mount.target = if target.text.is_empty() { String::new() } else { self.scope.path(&target.text) };
        }
        mounts
    }

    /// What a shell is given by a RUN: its text, or the heredoc that is its script.
    pub fn scripts(&self) -> Vec<Script> {
        if !self.instruction.is("RUN") {
            return Vec::new();
        }
        let shell = self.scope.shell.clone().unwrap_or_default();
        let given =
            shell.iter().skip(1).any(|flag| sets_errexit(flag)) || shell.iter().any(|flag| flag == "errexit");
        let text = match self.instruction.form() {
            Form::Shell(text) => text,
            // A shell that is called by its name gets its script as the word after `-c`.
            Form::Exec(words) => {
                let is_shell = words.first().is_some_and(|program| is_shell(program));
                let script = words.iter().position(|word| word.ends_with('c') && word.starts_with('-'));
                let script = script.and_then(|index| words.get(index + 1)).filter(|_| is_shell);
                let text = script.cloned().unwrap_or_else(|| words.join(" "));
                return vec![Script {
                    text: Text::of_lines(&text, self.instruction.line),
                    stops_at_errors: words.iter().any(|flag| is_shell && sets_errexit(flag)),
                }];
            }
        };
        let before = text.text.split("<<").next().unwrap_or_default();
        let called: Vec<&str> = before.split_whitespace().collect();
        let is_script = match called.as_slice() {
            [] => true,
            [program, flags @ ..] => {
                is_shell(program) && flags.iter().all(|flag| flag.starts_with('-') || *flag == "pipefail")
            }
        };
        let stops = given || called.iter().skip(1).any(|flag| sets_errexit(flag));
        match self.instruction.heredocs.first().filter(|_| is_script) {
            Some(heredoc) => vec![Script { text: heredoc.body.clone(), stops_at_errors: stops }],
            None => vec![Script { text, stops_at_errors: given }],
        }
    }
}

fn is_shell(program: &str) -> bool {
    ["sh", "bash", "ash", "dash"].contains(&program.rsplit('/').next().unwrap_or_default())
}

/// Whether a word of a shell's command line is or has `-e`.
fn sets_errexit(flag: &str) -> bool {
    flag.starts_with('-') && !flag.starts_with("--") && flag.contains('e')
}
