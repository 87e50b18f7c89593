//! What a compiler or linter says, as annotations that GitHub shows beside the line. Pure.
//!
//! Source: "Workflow commands for GitHub Actions", sections "Setting an error message" and the ones beside it.

use std::fmt;

use serde::Deserialize;

/// One remark, as a rule on a place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotation {
    pub level: Level,
    /// From the root of the checkout; empty where there is no place.
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
    fn a_remark_needs_no_place() {
        let remark = |title: &str| Annotation::general(Level::Warning, title, "50 %").to_string();
        assert_eq!(remark("Budget: hit rate"), "::warning title=Budget%3A hit rate::50 %25");
        assert_eq!(remark(""), "::warning::50 %25");
    }
}
