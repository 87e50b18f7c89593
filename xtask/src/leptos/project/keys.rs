//! Reads single keys of a project's table, each with the variable that overrides it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{WatchedFiles, absolute};
use crate::config::keys::{Section, describe, not_known};
use crate::exit::Failure;

const CHANGES: [&str; 6] = ["bin-source", "lib-source", "asset", "style", "conf", "additional"];

/// A table whose keys can be overridden by variables.
pub struct Keys<'a> {
    pub section: Section<'a>,
    pub environment: &'a BTreeMap<String, String>,
    /// The folder that the table's paths are relative to.
    pub base: &'a Path,
    /// The folder that the other paths are relative to.
    pub root: &'a Path,
}

impl Keys<'_> {
    /// An empty text is the same as none.
    pub fn text(&mut self, key: &'static str, variable: &str) -> anyhow::Result<Option<String>> {
        let written = self.section.text(key)?;
        Ok(self.environment.get(variable).cloned().or(written).filter(|text| !text.is_empty()))
    }

    /// A path relative to the folder of the table's manifest.
    pub fn path(&mut self, key: &'static str, variable: &str) -> anyhow::Result<Option<PathBuf>> {
        Ok(self.text(key, variable)?.map(|path| absolute(self.base, path)))
    }

    /// A program with arguments, in quotes where they have blanks in them.
    pub fn command(&mut self, key: &'static str, variable: &str) -> anyhow::Result<Option<Vec<String>>> {
        let Some(text) = self.text(key, variable)? else { return Ok(None) };
        match split_words(&text).filter(|words| !words.is_empty()) {
            Some(words) => Ok(Some(words)),
            None => Err(Failure::usage(format!(
                "`{key}` in {} (or `{variable}`) must be a command such as \"cargo auditable\", not \"{text}\"",
                self.section.place()
            ))
            .into()),
        }
    }

    pub fn flag(&mut self, key: &'static str, variable: &str) -> anyhow::Result<Option<bool>> {
        let written = self.section.flag(key)?;
        Ok(self.variable(variable, "true or false", |text| text.parse().ok())?.or(written))
    }

    /// What `convert` makes of a variable that is set; `expected` completes "must be …".
    fn variable<T>(
        &self,
        name: &str,
        expected: &str,
        convert: impl Fn(&str) -> Option<T>,
    ) -> anyhow::Result<Option<T>> {
        let Some(text) = self.environment.get(name).filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        match convert(text) {
            Some(value) => Ok(Some(value)),
            None => Err(Failure::usage(format!(
                "`{name}` in the environment or `.env` must be {expected}, not \"{text}\""
            ))
            .into()),
        }
    }

    pub fn site_addr(&mut self) -> anyhow::Result<SocketAddr> {
        let expected = "an address with a port such as \"127.0.0.1:3000\"";
        let written = self.section.read("site-addr", expected, |value| value.as_str()?.parse().ok())?;
        let variable = self.variable("LEPTOS_SITE_ADDR", expected, |text| text.parse().ok())?;
        Ok(variable.or(written).unwrap_or(SocketAddr::from(([127, 0, 0, 1], 3000))))
    }

    pub fn port(&mut self, key: &'static str, variable: &str) -> anyhow::Result<Option<u16>> {
        let expected = "a port number up to 65535";
        let written = self.section.read(key, expected, |value| value.as_u64()?.try_into().ok())?;
        Ok(self.variable(variable, expected, |text| text.parse().ok())?.or(written))
    }

    pub fn wasm_opt_features(&mut self) -> anyhow::Result<Option<Vec<String>>> {
        let written = self.section.texts("wasm-opt-features")?;
        let list = |text: &str| Some(text.split(',').map(|flag| flag.trim().to_owned()).collect());
        Ok(self.variable("LEPTOS_WASM_OPT_FEATURES", "a list", list)?.or(written))
    }

    /// The variable counts whatever its value, because that is how the compiler reads it.
    pub fn disable_server_fn_hash(&mut self) -> anyhow::Result<bool> {
        let written = self.section.flag("disable-server-fn-hash")?.unwrap_or(false);
        Ok(written || self.environment.contains_key("DISABLE_SERVER_FN_HASH"))
    }

    pub fn shutdown_timeout(&mut self) -> anyhow::Result<u64> {
        let written = self.section.number("graceful-shutdown-timeout-secs")?;
        let name = "LEPTOS_GRACEFUL_SHUTDOWN_TIMEOUT_SECS";
        Ok(self.variable(name, "a number of seconds", |text| text.parse().ok())?.or(written).unwrap_or(10))
    }

    pub fn shutdown_signal(&mut self) -> anyhow::Result<String> {
        let expected = "\"SIGINT\" or \"SIGTERM\"";
        let known = |text: &str| {
            Some(text.trim().to_uppercase()).filter(|name| name == "SIGINT" || name == "SIGTERM")
        };
        let written =
            self.section.read("graceful-shutdown-unix-signal", expected, |value| known(value.as_str()?))?;
        let variable = self.variable("LEPTOS_GRACEFUL_SHUTDOWN_UNIX_SIGNAL", expected, known)?;
        Ok(variable.or(written).unwrap_or("SIGINT".to_owned()))
    }

    pub fn watched_files(&mut self) -> anyhow::Result<Vec<WatchedFiles>> {
        let Some(list) = self.section.value("watch-additional-files") else {
            return Ok(Vec::new());
        };
        let place = format!("`watch-additional-files` in {}", self.section.place());
        let Some(entries) = list.as_array() else {
            return Err(Failure::usage(format!("{place} must be a list, not {}", describe(list))).into());
        };
        entries.iter().map(|entry| watched(entry, &place, self.root)).collect()
    }
}

/// The words of a command line as a shell splits them; quotes keep blanks. `None` where a quote is not closed.
fn split_words(text: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for letter in text.chars() {
        match quote {
            Some(open) if letter == open => quote = None,
            None if letter == '"' || letter == '\'' => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            None if letter.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

/// A path, or a table of paths, extensions and what a change means.
fn watched(entry: &Value, place: &str, root: &Path) -> anyhow::Result<WatchedFiles> {
    if let Some(path) = entry.as_str() {
        let additional = vec!["additional".to_owned()];
        return Ok(WatchedFiles {
            paths: vec![absolute(root, path)],
            extensions: Vec::new(),
            change_types: additional,
        });
    }
    let mut section = Section::new(format!("an entry of {place}"), entry)?;
    let files = WatchedFiles {
        paths: section.texts("paths")?.unwrap_or_default().iter().map(|path| absolute(root, path)).collect(),
        extensions: section.texts("extensions")?.unwrap_or_default(),
        change_types: section.texts("change-types")?.unwrap_or_default(),
    };
    section.finish()?;
    if let Some(odd) = files.change_types.iter().find(|change| !CHANGES.contains(&change.as_str())) {
        let message = format!("unknown change type `{odd}` in {place}");
        return Err(not_known(message, odd, CHANGES.into_iter(), "change types").into());
    }
    if files.paths.is_empty() || files.change_types.is_empty() {
        return Err(Failure::usage(format!("an entry of {place} lacks `paths` or `change-types`")).into());
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::split_words;

    #[test]
    fn commands_are_split_as_by_a_shell() {
        let split = |text| split_words(text).map(|words| words.join("|"));
        assert_eq!(split("cargo  auditable").as_deref(), Some("cargo|auditable"));
        assert_eq!(split("'/my tools/cross' --x=\"a b\"").as_deref(), Some("/my tools/cross|--x=a b"));
        assert_eq!(split(" ").as_deref(), Some(""));
        assert_eq!(split("cargo 'x"), None);
    }
}
