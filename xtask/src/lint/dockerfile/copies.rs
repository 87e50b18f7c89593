//! Where files come from: COPY and ADD with their sources and the paths that they end at.

use super::Dockerfile;
use super::stages::{Step, join};

/// One source of a COPY or ADD.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copy {
    pub from: From,
    /// As written, with the values of its variables. Below the context, or absolute in another stage.
    pub source: String,
    /// The path in the image as it is if the source is a folder, or is renamed.
    pub target: String,
    /// Whether the target is surely a folder that the source is put into.
    pub into_folder: bool,
    pub is_known: bool,
    pub line: usize,
}

/// Whose files these are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum From {
    Context,
    Stage(usize),
    /// Another image.
    Elsewhere,
    /// Written in the Dockerfile itself.
    Heredoc,
}

impl Copy {
    /// The last part of the source.
    pub fn name(&self) -> &str {
        self.source.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
    }

    /// The paths that the source may have in the image: it depends on whether it is a folder.
    pub fn ends(&self) -> Vec<String> {
        let inside = join(&self.target, self.name());
        match (self.into_folder, looks_like_file(self.name())) {
            (true, true) => vec![inside],
            (true, false) => vec![self.target.clone(), inside],
            (false, _) => vec![self.target.clone(), inside],
        }
    }

    /// Whether everything of the context is copied.
    pub fn is_everything(&self) -> bool {
        self.from == From::Context && ["", ".", "./", "/", "./."].contains(&self.source.as_str())
    }
}

/// Names with an ending are hardly folders.
pub fn looks_like_file(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(before, ending)| {
        !before.is_empty() && !ending.is_empty() && ending.chars().all(|c| c.is_ascii_alphanumeric())
    })
}

/// What one instruction copies; nothing for other instructions.
pub fn of(step: &Step, dockerfile: &Dockerfile) -> Vec<Copy> {
    let instruction = &step.instruction;
    if !(instruction.is("COPY") || instruction.is("ADD")) {
        return Vec::new();
    }
    let expand = |raw: &str| step.scope.expand(raw, dockerfile.escape);
    let words: Vec<_> = instruction.words(dockerfile.escape).iter().map(|word| expand(word)).collect();
    let Some((target, sources)) = words.split_last() else { return Vec::new() };
    let from = match instruction.flag("from") {
        None => From::Context,
        Some(flag) => dockerfile.source(&expand(&flag.value).text).map_or(From::Elsewhere, From::Stage),
    };
    let into_folder =
        sources.len() > 1 || target.text.ends_with('/') || target.text == "." || target.text.ends_with("/.");
    let copy = |source: &super::words::Expanded| Copy {
        from: if source.text.starts_with("<<") { From::Heredoc } else { from.clone() },
        source: source.text.clone(),
        target: step.scope.path(&target.text),
        into_folder,
        is_known: source.is_known && target.is_known,
        line: instruction.line,
    };
    sources.iter().map(copy).collect()
}
