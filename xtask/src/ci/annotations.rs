//! What a compiler or linter says, as annotations that GitHub shows beside the line. Pure.
//!
//! Source: "Workflow commands for GitHub Actions", sections "Setting an error message" and the ones beside it.

use std::fmt;
use std::hash::{BuildHasher, RandomState};

use serde::Deserialize;

/// One remark, as a rule on a place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotation {
    pub level: Level,
    /// From the root of the workspace; empty where there is no place.
    pub file: String,
    pub line: u64,
    pub column: u64,
    pub title: String,
    pub message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Error,
    Warning,
}

#[derive(Deserialize)]
struct Line {
    message: Message,
}

#[derive(Deserialize)]
struct Message {
    level: String,
    message: String,
    code: Option<Code>,
    spans: Vec<Span>,
    rendered: Option<String>,
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

#[derive(Deserialize)]
struct Span {
    file_name: String,
    line_start: u64,
    column_start: u64,
    is_primary: bool,
}

/// A line of `cargo … --message-format=json`: the text for people, and the annotation where the remark has a place.
/// `None` for lines about other things.
pub fn of_cargo(line: &str) -> Option<(String, Option<Annotation>)> {
    // Most lines are long, and about artifacts.
    if !line.starts_with(r#"{"reason":"compiler-message""#) {
        return None;
    }
    let message = serde_json::from_str::<Line>(line).ok()?.message;
    let level = match message.level.as_str() {
        "warning" => Level::Warning,
        level if level.starts_with("error") => Level::Error,
        _ => return None,
    };
    let code = message.code.map(|code| code.code).unwrap_or_default();
    let annotation = message.spans.iter().find(|span| span.is_primary).map(|span| Annotation {
        level,
        file: span.file_name.clone(),
        line: span.line_start,
        column: span.column_start,
        title: code,
        message: message.message.clone(),
    });
    Some((message.rendered.unwrap_or(message.message), annotation))
}

impl fmt::Display for Annotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Error => "error",
            Level::Warning => "warning",
        };
        let mut properties = Vec::new();
        if !self.file.is_empty() {
            let Annotation { line, column, .. } = self;
            properties.push(format!("file={},line={line},col={column}", property(&self.file)));
        }
        if !self.title.is_empty() {
            properties.push(format!("title={}", property(&self.title)));
        }
        let space = if properties.is_empty() { "" } else { " " };
        write!(f, "::{level}{space}{}::{}", properties.join(","), data(&self.message))
    }
}

impl Annotation {
    /// A remark without a place.
    pub fn general(level: Level, title: impl Into<String>, message: impl Into<String>) -> Annotation {
        let (title, message) = (title.into(), message.into());
        Annotation { level, file: String::new(), line: 0, column: 0, title, message }
    }

    /// With its file from the root of the repository, as GitHub wants it. The workspace may be a folder of it:
    /// `prefix`, as `git rev-parse --show-prefix` tells it.
    pub fn below(mut self, prefix: &str) -> Annotation {
        if self.file.is_empty() || self.file.starts_with('/') {
            return self;
        }
        let (mut folder, mut file) = (prefix.trim_end_matches('/'), self.file.as_str());
        while let Some(rest) = file.strip_prefix("../").filter(|_| !folder.is_empty()) {
            folder = folder.rsplit_once('/').map_or("", |(above, _)| above);
            file = rest;
        }
        self.file = if folder.is_empty() { file.to_owned() } else { format!("{folder}/{file}") };
        self
    }
}

/// The lines before and after something in which GitHub must take nothing for a command ("Stopping and starting
/// workflow commands"). What stands between could end it if it knew the word.
pub fn without_commands() -> (String, String) {
    // Its keys are the operating system's random numbers, and others for each.
    let number = || RandomState::new().hash_one(0_u8);
    let word = format!("xtask-{:016x}{:016x}", number(), number());
    (format!("::stop-commands::{word}\n"), format!("::{word}::\n"))
}

/// Text after the second `::`.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(level: &str, message: &str, code: &str, spans: &str) -> String {
        format!(
            r#"{{"reason":"compiler-message","package_id":"x","message":{{"rendered":"shown","level":"{level}","message":"{message}","code":{code},"spans":[{spans}]}}}}"#
        )
    }

    #[test]
    fn remarks_with_a_place_are_annotations() {
        let span = |primary: bool, line: u8| {
            format!(
                r#"{{"file_name":"ui/src/a,b.rs","line_start":{line},"column_start":5,"is_primary":{primary},"text":[]}}"#
            )
        };
        let spans = format!("{},{}", span(false, 1), span(true, 7));
        let told = |text: &str| of_cargo(text).map(|(_, annotation)| annotation.map(|it| it.to_string()));
        assert_eq!(
            told(&line("error", r"100 % wrong\nindeed", r#"{"code":"E0308","explanation":null}"#, &spans)),
            Some(Some(
                "::error file=ui/src/a%2Cb.rs,line=7,col=5,title=E0308::100 %25 wrong%0Aindeed".to_owned()
            ))
        );
        assert_eq!(
            told(&line("warning", "unused", "null", &span(true, 2))),
            Some(Some("::warning file=ui/src/a%2Cb.rs,line=2,col=5::unused".to_owned()))
        );
        assert_eq!(told(&line("error", "aborting due to 1 previous error", "null", "")), Some(None));
        assert_eq!(told(&line("failure-note", "For more information", "null", "")), None);
        assert_eq!(told(r#"{"reason":"compiler-artifact"}"#), None);
        assert_eq!(told("printed by a build script"), None);
    }

    #[test]
    fn files_are_named_from_the_root_of_the_repository() {
        let told = |prefix: &str, file: &str| {
            let annotation =
                Annotation { file: file.to_owned(), ..Annotation::general(Level::Error, "", "") };
            annotation.below(prefix).file
        };
        for (prefix, file, expected) in [
            ("", "src/a.rs", "src/a.rs"),
            ("app/site/", "src/a.rs", "app/site/src/a.rs"),
            ("app/site/", "../../.github/workflows/a.yml", ".github/workflows/a.yml"),
            ("app/site/", "../core/a.rs", "app/core/a.rs"),
            ("app/", "/registry/a.rs", "/registry/a.rs"),
            ("app/", "", ""),
        ] {
            assert_eq!(told(prefix, file), expected);
        }
    }

    #[test]
    fn nobody_knows_the_word_before() {
        let (first, second) = (without_commands(), without_commands());
        assert_ne!(first, second);
        let word = first.0.strip_prefix("::stop-commands::").unwrap().trim_end();
        assert!(word.len() > 30 && first.1 == format!("::{word}::\n"), "{first:?}");
    }

    #[test]
    fn a_remark_needs_no_place() {
        let remark = |title: &str| Annotation::general(Level::Warning, title, "50 %").to_string();
        assert_eq!(remark("Budget: hit rate"), "::warning title=Budget%3A hit rate::50 %25");
        assert_eq!(remark(""), "::warning::50 %25");
    }
}
