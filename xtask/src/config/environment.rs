//! The variables that may override a Leptos project's settings: those of the process, and those of a `.env` file.
//!
//! Knows the names, not what they mean.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;

use crate::exit::Failure;

/// The variables of interest. The process's own win over the `.env` file in the workspace root; neither is changed.
pub fn read(root: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let path = root.join(".env");
    let file = match std::fs::read_to_string(&path) {
        Ok(text) => parse(&text, &path.display().to_string())?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error).with_context(|| format!("read {}", path.display())),
    };
    let process = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    Ok(overlay(file, process))
}

/// Every variable of a file of `NAME=value` lines, in its order.
pub fn read_file(path: &Path) -> anyhow::Result<Vec<(String, String)>> {
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("cannot read {shown}: {error}")))?;
    parse(&text, &shown)
}

/// Every variable of such a file's text, in its order; `shown` is how errors call it.
pub fn read_text(text: &str, shown: &str) -> anyhow::Result<Vec<(String, String)>> {
    parse(text, shown)
}

fn overlay(
    file: Vec<(String, String)>,
    process: impl Iterator<Item = (String, String)>,
) -> BTreeMap<String, String> {
    file.into_iter().chain(process).filter(|(name, _)| is_of_interest(name)).collect()
}

fn is_of_interest(name: &str) -> bool {
    name.starts_with("LEPTOS_") || name.starts_with("SERVER_FN") || name == "DISABLE_SERVER_FN_HASH"
}

/// `NAME=value` lines with optional `export`, quotes and comments. Single quotes keep everything as it is; double
/// quotes know `\n`, `\"`, `\\` and `\$`.
fn parse(text: &str, file: &str) -> anyhow::Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line);
        let parsed = line.split_once('=').and_then(|(name, value)| {
            let name = name.trim();
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
            let good = !name.is_empty()
                && name.chars().all(plain)
                && !name.starts_with(|c: char| c.is_ascii_digit());
            good.then_some(())?;
            Some((name.to_owned(), value_of(value.trim_start())?))
        });
        match parsed {
            Some(entry) => found.push(entry),
            // The line itself may hold a secret and is not shown.
            None => {
                return Err(Failure::usage(format!(
                    "line {} of {file} is not of the form NAME=value",
                    index + 1
                ))
                .hint("quote values that contain spaces, e.g. NAME=\"two words\"; comments start with #")
                .into());
            }
        }
    }
    Ok(found)
}

fn value_of(text: &str) -> Option<String> {
    let ends_well = |rest: &str| rest.trim().is_empty() || rest.trim_start().starts_with('#');
    if let Some(quoted) = text.strip_prefix('\'') {
        let (value, rest) = quoted.split_once('\'')?;
        return ends_well(rest).then(|| value.to_owned());
    }
    if let Some(quoted) = text.strip_prefix('"') {
        let mut value = String::new();
        let mut letters = quoted.chars();
        loop {
            match letters.next()? {
                '"' => return ends_well(letters.as_str()).then_some(value),
                '\\' => value.push(match letters.next()? {
                    'n' => '\n',
                    other => other,
                }),
                other => value.push(other),
            }
        }
    }
    let value = match text.split_once(" #") {
        Some((value, _)) => value.trim_end(),
        None if text.starts_with('#') => "",
        None => text.trim_end(),
    };
    (!value.contains(char::is_whitespace)).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::exit::Exit;

    #[test]
    fn lines_quotes_and_comments() {
        let text = "# a comment\n\nA=1\nexport B = two # why\nC='x # \\n'\nD=\"say \\\"hi\\\"\\n\" # yes\nE=\nF=a#b\n";
        let shown: Vec<String> =
            parse(text, ".env").unwrap().iter().map(|(name, value)| format!("{name}={value:?}")).collect();
        expect![[r#"
            A="1"
            B="two"
            C="x # \\n"
            D="say \"hi\"\n"
            E=""
            F="a#b""#]]
        .assert_eq(&shown.join("\n"));
    }

    #[test]
    fn bad_lines_are_named_and_not_shown() {
        for bad in
            ["TOKEN hunter2", "=hunter2", "1A=hunter2", "A='hunter2", "A=\"hunter2\" more", "A=hunter 2"]
        {
            let error = parse(&format!("OK=1\n{bad}\n"), ".env").unwrap_err();
            assert_eq!(Exit::of(&error), Exit::Usage);
            assert_eq!(error.to_string(), "line 2 of .env is not of the form NAME=value", "{bad}");
        }
    }

    #[test]
    fn the_process_wins_and_other_names_are_dropped() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let file =
            vec![pair("LEPTOS_SITE_ADDR", "file"), pair("LEPTOS_ENV", "file"), pair("TOKEN", "secret")];
        let process =
            [pair("LEPTOS_SITE_ADDR", "process"), pair("SERVER_FN_PREFIX", "/x"), pair("HOME", "/")];
        let all = overlay(file, process.into_iter());
        let names: Vec<&str> = all.keys().map(String::as_str).collect();
        assert_eq!(names, ["LEPTOS_ENV", "LEPTOS_SITE_ADDR", "SERVER_FN_PREFIX"]);
        assert_eq!(all["LEPTOS_SITE_ADDR"], "process");
    }

    #[test]
    fn a_missing_file_is_no_error() {
        let folder = tempfile::tempdir().unwrap();
        read(folder.path()).unwrap();
        std::fs::write(folder.path().join(".env"), "LEPTOS_FROM_FILE=1\n").unwrap();
        assert_eq!(read(folder.path()).unwrap()["LEPTOS_FROM_FILE"], "1");
        assert_eq!(read_file(&folder.path().join(".env")).unwrap()[0].1, "1");
        assert_eq!(Exit::of(&read_file(&folder.path().join("gone")).unwrap_err()), Exit::Usage);
    }
}
