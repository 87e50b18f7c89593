//! The stages of a Dockerfile, and what each instruction finds when its turn comes: variables, folder, user, shell.

use std::collections::BTreeMap;

use super::instruction::{Form, Instruction};
use super::words::{self, Expanded, Value};

/// One `FROM` and all that follows up to the next.
#[derive(Clone, Debug)]
pub struct Stage {
    pub name: Option<String>,
    pub line: usize,
    pub base: Base,
    pub steps: Vec<Step>,
    /// What holds at its end.
    pub end: Scope,
}

/// What a stage stands on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Base {
    /// An earlier stage.
    Stage(usize),
    Image(Expanded),
    /// Nothing at all.
    Scratch,
}

/// An instruction, and what it finds.
#[derive(Clone, Debug)]
pub struct Step {
    pub instruction: Instruction,
    /// Before the instruction.
    pub scope: Scope,
}

/// What holds at one point of a stage.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    pub env: BTreeMap<String, Variable>,
    pub args: BTreeMap<String, Variable>,
    /// Absolute; `/` where nothing is known of the base's.
    pub workdir: String,
    /// Whether an instruction says where that is.
    pub has_workdir: bool,
    /// As the image has it; `None` where only the base says it.
    pub user: Option<Setting>,
    /// What texts are given to.
    pub shell: Option<Vec<String>>,
    /// The last one of the image's own chain, with its line.
    pub command: Option<(Form, usize)>,
    pub entrypoint: Option<(Form, usize)>,
    pub labels: BTreeMap<String, usize>,
}

/// A variable of a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    pub value: Value,
    pub line: usize,
}

/// A value with its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    pub value: Expanded,
    pub line: usize,
}

impl Scope {
    /// What a variable holds: ENV wins over ARG.
    pub fn value(&self, name: &str) -> Value {
        let variable = self.env.get(name).or_else(|| self.args.get(name));
        variable.map_or(Value::Unset, |variable| variable.value.clone())
    }

    /// Puts values into a word.
    pub fn expand(&self, raw: &str, escape: char) -> Expanded {
        words::expand(raw, escape, &|name| self.value(name))
    }

    /// A path as it is inside the image.
    pub fn path(&self, path: &str) -> String {
        join(&self.workdir, path)
    }

    /// `globals` are the arguments before the first `FROM`, `given` those of the build.
    fn apply(
        &mut self,
        instruction: &Instruction,
        globals: &BTreeMap<String, Variable>,
        given: &BTreeMap<String, String>,
        escape: char,
    ) {
        if instruction.is_onbuild {
            return;
        }
        let line = instruction.line;
        match instruction.keyword.as_str() {
            "ARG" => {
                for (name, default, line) in instruction.pairs(escape) {
                    let value = match (given.get(&name), default) {
                        (Some(value), _) => Value::Known(value.clone()),
                        (None, Some(default)) => known(self.expand(&default, escape)),
                        (None, None) => {
                            globals.get(&name).map_or(Value::Unknown, |global| global.value.clone())
                        }
                    };
                    self.args.insert(name, Variable { value, line });
                }
            }
            "ENV" => {
                // All of one instruction see what held before it.
                let before = self.clone();
                for (name, value, line) in instruction.pairs(escape) {
                    let value = known(before.expand(&value.unwrap_or_default(), escape));
                    self.env.insert(name, Variable { value, line });
                }
            }
            "LABEL" => {
                self.labels.extend(instruction.pairs(escape).into_iter().map(|(name, _, line)| (name, line)))
            }
            "WORKDIR" => {
                let folder = self.expand(&instruction.rest.text, escape);
                self.workdir = self.path(&folder.text);
                self.has_workdir |= folder.text.starts_with('/');
            }
            "USER" => {
                let value = self.expand(&instruction.rest.text, escape);
                self.user = Some(Setting { value, line });
            }
            "SHELL" => {
                if let Form::Exec(words) = instruction.form() {
                    self.shell = Some(words);
                }
            }
            "CMD" => self.command = Some((instruction.form(), line)),
            "ENTRYPOINT" => {
                self.entrypoint = Some((instruction.form(), line));
                // What the base would have run goes.
                self.command = None;
            }
            _ => {}
        }
    }
}

fn known(expanded: Expanded) -> Value {
    if expanded.is_known { Value::Known(expanded.text) } else { Value::Unknown }
}

/// A path in an image, without `.` and `..`.
pub fn join(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let start = if path.starts_with('/') { "" } else { folder };
    for part in start.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// Works all stages out with the arguments that the build is given; problems are lines with messages.
pub fn evaluate(
    instructions: Vec<Instruction>,
    escape: char,
    given: &BTreeMap<String, String>,
) -> (Vec<Stage>, Vec<(usize, String)>) {
    let mut stages: Vec<Stage> = Vec::new();
    let mut globals = Scope { workdir: "/".to_owned(), ..Scope::default() };
    let mut problems = Vec::new();
    let nothing = BTreeMap::new();
    for instruction in instructions {
        if instruction.is("FROM") {
            let stage = begin(&instruction, &stages, &globals, escape);
            stages.push(stage);
            continue;
        }
        let Some(stage) = stages.last_mut() else {
            if instruction.is("ARG") {
                globals.apply(&instruction, &nothing, given, escape);
            } else {
                let message = format!("`{}` stands before the first `FROM`", instruction.keyword);
                problems.push((instruction.line, message));
            }
            continue;
        };
        let scope = stage.end.clone();
        stage.end.apply(&instruction, &globals.args, given, escape);
        stage.steps.push(Step { instruction, scope });
    }
    if stages.is_empty() && problems.is_empty() {
        problems.push((1, "there is no `FROM`".to_owned()));
    }
    (stages, problems)
}

fn begin(from: &Instruction, stages: &[Stage], globals: &Scope, escape: char) -> Stage {
    let words = from.words(escape);
    let image = globals.expand(words.first().map_or("", String::as_str), escape);
    let name = match words.as_slice() {
        [_, word, name] if word.eq_ignore_ascii_case("as") => Some(name.to_ascii_lowercase()),
        _ => None,
    };
    let earlier = find(stages, &image.text).filter(|_| image.is_known);
    let (base, end) = match earlier {
        Some(index) => (Base::Stage(index), stages[index].end.clone()),
        None if image.text == "scratch" => (Base::Scratch, fresh()),
        None => (Base::Image(image), fresh()),
    };
    Stage { name, line: from.line, base, steps: Vec::new(), end }
}

fn fresh() -> Scope {
    Scope { workdir: "/".to_owned(), ..Scope::default() }
}

/// The last stage of a name; names do not tell capitals apart.
pub fn find(stages: &[Stage], name: &str) -> Option<usize> {
    let name = name.to_ascii_lowercase();
    stages.iter().rposition(|stage| stage.name.as_deref() == Some(name.as_str()))
}
