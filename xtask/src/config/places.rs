//! Where in a TOML file something is written, so that a message can name the line and a change can quote it.
//!
//! Knows nothing of what the entries mean.

use std::path::{Path, PathBuf};

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{cargo, parse_toml};

/// An entry of a file, as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The line of the key, counted from 1.
    pub line: usize,
    /// From the key to the end of the value; whole lines where nothing else is on them.
    pub text: String,
}

/// Finds the entry that `keys` lead to; a number is a position in a list. `None` too where the text is no TOML.
pub fn find(text: &str, keys: &[&str]) -> Option<Written> {
    let document = DeTable::parse(text).ok()?;
    let (last, way) = keys.split_last()?;
    let mut table = document.into_inner();
    let mut list = None;
    for key in way {
        let value = match list.take() {
            Some(items) => nth(items, key)?,
            None => take(table, key)?.1,
        };
        table = DeTable::new();
        match value.into_inner() {
            DeValue::Table(inner) => table = inner,
            DeValue::Array(items) => list = Some(items.into_iter().collect()),
            _ => return None,
        }
    }
    let (key, value) = take(table, last)?;
    // The span of a `[table]` is its header alone.
    let (start, end) = (key.span().start, value.span().end.max(key.span().end));
    let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let line_end = text[end..].find('\n').map_or(text.len(), |newline| end + newline + 1);
    let rest = text[end..line_end].trim();
    let is_alone = text[line_start..start].trim().is_empty() && (rest.is_empty() || rest.starts_with('#'));
    let (from, to) = if is_alone { (line_start, line_end) } else { (start, end) };
    Some(Written { line: text[..start].matches('\n').count() + 1, text: text[from..to].to_owned() })
}

type Item<'a> = Spanned<DeValue<'a>>;

fn nth<'a>(items: Vec<Item<'a>>, position: &str) -> Option<Item<'a>> {
    items.into_iter().nth(position.parse().ok()?)
}

fn take<'a>(table: DeTable<'a>, key: &str) -> Option<(Spanned<std::borrow::Cow<'a, str>>, Item<'a>)> {
    table.into_iter().find(|(known, _)| known.get_ref() == key)
}

/// One of cargo's configuration files.
#[derive(Clone, Debug)]
pub struct ConfigFile {
    pub path: PathBuf,
    pub text: String,
    /// What it says, without its includes; nothing where it cannot be read.
    pub value: Value,
    /// Why it cannot be read.
    pub problem: Option<String>,
    /// The folder that its relative paths start from.
    pub base: PathBuf,
}

/// An include of a configuration file whose file is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingInclude {
    pub from: PathBuf,
    pub line: Option<usize>,
    pub path: PathBuf,
}

/// The files that cargo reads when it runs in `root`, in falling precedence, each followed by what it includes; and the
/// includes that are not there, though they are not optional.
pub fn config_files(root: &Path) -> (Vec<ConfigFile>, Vec<MissingInclude>) {
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for file in cargo::files(root, cargo::home().as_deref()) {
        add(&file, &mut found, &mut missing);
    }
    (found, missing)
}

fn add(path: &Path, found: &mut Vec<ConfigFile>, missing: &mut Vec<MissingInclude>) {
    if found.iter().any(|known| known.path == path) {
        return;
    }
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let text = std::fs::read_to_string(path);
    let parsed = match &text {
        Ok(text) => parse_toml(text, &path.display().to_string()).map_err(|error| error.to_string()),
        Err(error) => Err(format!("{}: {error}", path.display())),
    };
    let (value, problem) = match parsed {
        Ok(value) => (value, None),
        Err(problem) => (Value::Null, Some(problem)),
    };
    let file = ConfigFile {
        path: path.to_owned(),
        text: text.unwrap_or_default(),
        base: folder.parent().unwrap_or(Path::new("")).to_owned(),
        value,
        problem,
    };
    let includes = match file.value.get("include") {
        Some(Value::Array(items)) => items.clone(),
        Some(single) => vec![single.clone()],
        None => Vec::new(),
    };
    let line = find(&file.text, &["include"]).map(|written| written.line);
    found.push(file);
    // A later include wins over an earlier one.
    for include in includes.iter().rev() {
        let Some(named) = include.as_str().or_else(|| include.get("path")?.as_str()) else { continue };
        let target = folder.join(named);
        let optional = include.get("optional").and_then(Value::as_bool).unwrap_or(false);
        if target.is_file() {
            add(&target, found, missing);
        } else if !optional {
            missing.push(MissingInclude { from: path.to_owned(), line, path: target });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# first\n[build]\nrustc-wrapper = \"x\" # why\nrustflags = [\n  \"-a\",\n]\n\n\
                        [target.'cfg(unix)']\nlinker = \"y\"\n\n[[list]]\na = 1\n[[list]]\na = 2\n\
                        [env]\nB = { value = \"c\", relative = true }\n";

    #[test]
    fn entries_are_quoted_as_they_are_written() {
        let found = |keys: &[&str]| find(TEXT, keys).map(|written| (written.line, written.text));
        let some = |line, text: &str| Some((line, text.to_owned()));
        assert_eq!(found(&["build", "rustc-wrapper"]), some(3, "rustc-wrapper = \"x\" # why\n"));
        assert_eq!(found(&["build", "rustflags"]), some(4, "rustflags = [\n  \"-a\",\n]\n"));
        assert_eq!(found(&["target", "cfg(unix)", "linker"]), some(9, "linker = \"y\"\n"));
        assert_eq!(found(&["list", "1", "a"]), some(14, "a = 2\n"));
        assert_eq!(found(&["env", "B", "value"]), some(16, "value = \"c\""));
        assert_eq!(found(&["build"]).map(|(line, _)| line), Some(2));
        assert_eq!(found(&["build", "nothing"]), None);
        assert_eq!(find("[", &["build"]), None);
    }

    #[test]
    fn includes_come_after_their_file_and_missing_ones_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("w/.cargo")).unwrap();
        let text = "include = [{ path = \"a.toml\" }, { path = \"b.toml\", optional = true }, { path = \"c.toml\" }]\n";
        std::fs::write(root.join("w/.cargo/config.toml"), text).unwrap();
        std::fs::write(root.join("w/.cargo/a.toml"), "[").unwrap();
        let (files, missing) = config_files(&root.join("w"));
        let names: Vec<_> = files.iter().map(|file| file.path.strip_prefix(&root)).collect();
        assert_eq!(names[0], Ok(Path::new("w/.cargo/config.toml")));
        assert_eq!(names[1], Ok(Path::new("w/.cargo/a.toml")));
        assert!(files[0].problem.is_none() && files[1].problem.is_some());
        assert_eq!(files[0].base, root.join("w"));
        let missing: Vec<_> = missing.iter().map(|missing| (missing.line, missing.path.clone())).collect();
        assert_eq!(missing, [(Some(1), root.join("w/.cargo/c.toml"))]);
    }
}
