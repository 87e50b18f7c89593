//! One table of settings, read key by key: what is left over is unknown, and every error names key, section and file.
//!
//! Knows nothing of any particular table.

use serde_json::{Map, Value};

use super::places;
use crate::exit::Failure;

/// A table that is being read. Each reader below takes one key; [`Section::finish`] rejects the others.
pub struct Section<'a> {
    place: String,
    entries: &'a Map<String, Value>,
    known: Vec<&'static str>,
    /// The text of the file and the keys that lead to the table, where errors are to name lines.
    text: Option<(&'a str, &'a [&'a str])>,
}

impl<'a> Section<'a> {
    /// `place` is how errors name the table, e.g. "`[profile.dev]` in Cargo.toml".
    pub fn new(place: impl Into<String>, value: &'a Value) -> anyhow::Result<Section<'a>> {
        let place = place.into();
        match value {
            Value::Object(entries) => Ok(Section { place, entries, known: Vec::new(), text: None }),
            other => Err(Failure::usage(format!("{place} must be a table, not {}", describe(other))).into()),
        }
    }

    /// Errors name the line of a key: `text` is the file's, and `keys` lead to the table.
    pub fn in_text(self, text: &'a str, keys: &'a [&'a str]) -> Section<'a> {
        Section { text: Some((text, keys)), ..self }
    }

    /// ` (line 7)` where the table's text is known.
    pub fn line_of(&self, key: &str) -> String {
        let written = self.text.and_then(|(text, keys)| places::find(text, &[keys, &[key]].concat()));
        written.map(|written| format!(" (line {})", written.line)).unwrap_or_default()
    }

    /// How errors name the table.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// The value as it is.
    pub fn value(&mut self, key: &'static str) -> Option<&'a Value> {
        self.known.push(key);
        self.entries.get(key)
    }

    /// A text.
    pub fn text(&mut self, key: &'static str) -> anyhow::Result<Option<String>> {
        self.read(key, "a text in quotes", |value| value.as_str().map(str::to_owned))
    }

    /// `true` or `false`.
    pub fn flag(&mut self, key: &'static str) -> anyhow::Result<Option<bool>> {
        self.read(key, "true or false", Value::as_bool)
    }

    /// A whole number that is not negative.
    pub fn number(&mut self, key: &'static str) -> anyhow::Result<Option<u64>> {
        self.read(key, "a whole number", Value::as_u64)
    }

    /// A list of texts.
    pub fn texts(&mut self, key: &'static str) -> anyhow::Result<Option<Vec<String>>> {
        self.read(key, "a list of texts", |value| {
            value.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
        })
    }

    /// Any value that `convert` accepts; `expected` completes "must be …".
    pub fn read<T>(
        &mut self,
        key: &'static str,
        expected: &str,
        convert: impl FnOnce(&Value) -> Option<T>,
    ) -> anyhow::Result<Option<T>> {
        let Some(value) = self.value(key) else {
            return Ok(None);
        };
        match convert(value) {
            Some(converted) => Ok(Some(converted)),
            None => Err(Failure::usage(format!(
                "`{key}` in {}{} must be {expected}, not {}",
                self.place,
                self.line_of(key),
                describe(value)
            ))
            .into()),
        }
    }

    /// A key that the table cannot do without.
    pub fn required(&mut self, key: &'static str) -> anyhow::Result<String> {
        match self.text(key)? {
            Some(text) if !text.is_empty() => Ok(text),
            _ => Err(self.lacks(&format!("`{key}`"), &format!("add `{key} = \"…\"` there")).into()),
        }
    }

    /// The failure of a table without something that it cannot do without.
    pub fn lacks(&self, what: &str, hint: &str) -> Failure {
        Failure::usage(format!("{} lacks {what}", self.place)).hint(hint)
    }

    /// Rejects the first key that no reader has asked for.
    pub fn finish(self) -> anyhow::Result<()> {
        match self.entries.keys().find(|key| !self.known.contains(&key.as_str())) {
            None => Ok(()),
            Some(key) => {
                let known = self.known.iter().copied();
                let message = format!("unknown key `{key}` in {}{}", self.place, self.line_of(key));
                Err(not_known(message, key, known, "known keys").into())
            }
        }
    }
}

/// The most names that are listed when one of them is the likely answer.
const LISTED_MAX: usize = 20;

/// A failure about a name that is not one of `known`: adds the nearest one as a question, and all of them as the hint.
/// A long list beside a likely answer would only hide it, and is left out.
pub fn not_known<'k>(
    message: String,
    name: &str,
    known: impl Iterator<Item = &'k str>,
    what_known: &str,
) -> Failure {
    let mut known: Vec<&str> = known.collect();
    known.sort_unstable();
    known.dedup();
    let question = match nearest(name, &known) {
        Some(near) => format!("; did you mean `{near}`?"),
        None => String::new(),
    };
    let list = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    let failure = Failure::usage(format!("{message}{question}"));
    if !question.is_empty() && known.len() > LISTED_MAX {
        return failure;
    }
    failure.hint(format!("{what_known}: {list}"))
}

/// The name that somebody most likely meant, if any is close: a third of the letters may differ, two at least.
fn nearest<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    let limit = (name.chars().count() / 3).max(2);
    let best = known.iter().map(|candidate| (distance(name, candidate), *candidate)).min()?;
    (best.0 <= limit && best.0 < name.chars().count()).then_some(best.1)
}

/// Edit distance; `-` and `_` count as the same letter, since that is the commonest slip.
fn distance(from: &str, to: &str) -> usize {
    let letters = |text: &str| text.to_lowercase().replace('_', "-").chars().collect::<Vec<_>>();
    let (from, to) = (letters(from), letters(to));
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}

/// A value as an error shows it.
pub fn describe(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(flag) => format!("{flag}"),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => format!("the text \"{text}\""),
        Value::Array(items) => match items.iter().find(|item| !item.is_string()) {
            Some(item) => format!("a list with {}", describe(item)),
            None => "a list".to_owned(),
        },
        Value::Object(_) => "a table".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use serde_json::json;

    use super::*;
    use crate::exit::{Exit, hint_of};

    fn check(value: Value, read: impl FnOnce(&mut Section<'_>) -> anyhow::Result<()>, expected: Expect) {
        let mut section = Section::new("`[tool]` in tools.toml", &value).unwrap();
        let result = read(&mut section).and_then(|()| section.finish());
        let text = match result {
            Ok(()) => "ok".to_owned(),
            Err(error) => {
                assert_eq!(Exit::of(&error), Exit::Usage);
                format!("{error}\n{}", hint_of(&error).unwrap_or("-"))
            }
        };
        expected.assert_eq(&text);
    }

    #[test]
    fn wrong_types_name_key_section_and_value() {
        check(
            json!({"a": 1}),
            |s| s.text("a").map(drop),
            expect![[r#"
            `a` in `[tool]` in tools.toml must be a text in quotes, not the number 1
            -"#]],
        );
        check(
            json!({"a": "yes"}),
            |s| s.flag("a").map(drop),
            expect![[r#"
            `a` in `[tool]` in tools.toml must be true or false, not the text "yes"
            -"#]],
        );
        check(
            json!({"a": -1}),
            |s| s.number("a").map(drop),
            expect![[r#"
            `a` in `[tool]` in tools.toml must be a whole number, not the number -1
            -"#]],
        );
        check(
            json!({"a": ["b", {}]}),
            |s| s.texts("a").map(drop),
            expect![[r#"
            `a` in `[tool]` in tools.toml must be a list of texts, not a list with a table
            -"#]],
        );
        check(
            json!({}),
            |s| s.required("a").map(drop),
            expect![[r#"
            `[tool]` in tools.toml lacks `a`
            add `a = "…"` there"#]],
        );
    }

    #[test]
    fn a_slip_of_the_pen_is_recognised() {
        let read = |s: &mut Section<'_>| {
            s.flag("hash-files")?;
            s.text("version").map(drop)
        };
        check(
            json!({"hash_files": true}),
            read,
            expect![[r#"
            unknown key `hash_files` in `[tool]` in tools.toml; did you mean `hash-files`?
            known keys: hash-files, version"#]],
        );
        check(
            json!({"versoin": "1"}),
            read,
            expect![[r#"
            unknown key `versoin` in `[tool]` in tools.toml; did you mean `version`?
            known keys: hash-files, version"#]],
        );
        check(
            json!({"colour": "red"}),
            read,
            expect![[r#"
            unknown key `colour` in `[tool]` in tools.toml
            known keys: hash-files, version"#]],
        );
        check(json!({"hash-files": true, "version": "1"}), read, expect!["ok"]);
    }

    #[test]
    fn a_section_must_be_a_table() {
        let error = Section::new("`[a]` in b", &json!("text")).err().unwrap();
        assert_eq!(error.to_string(), "`[a]` in b must be a table, not the text \"text\"");
    }
}
