//! What Tailwind makes a style sheet from: its own input, and whatever it looks through for names of classes.
//!
//! Reads the input to see whether that stays inside the workspace. Only what is known to stay there may be reused.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::absolute;

/// What is known of an input file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// The input and what it imports of the project's own, in sorted order.
    pub files: Vec<PathBuf>,
    /// Whether Tailwind looks at nothing but files below the workspace, and runs no code of the project's.
    pub closed: bool,
}

/// Reads the input of Tailwind 4 and all that it imports. `inside` says whether a folder or file is one of the
/// workspace's that count as sources.
pub fn sources(input_file: &Path, inside: &dyn Fn(&Path) -> bool) -> Sources {
    let mut found = BTreeSet::new();
    let mut open = vec![input_file.to_owned()];
    let mut closed = true;
    while let Some(file) = open.pop() {
        if !found.insert(file.clone()) {
            continue;
        }
        // A file that cannot be read is Tailwind's to complain about.
        let text = without_comments(&std::fs::read_to_string(&file).unwrap_or_default());
        let folder = file.parent().unwrap_or(Path::new(""));
        for statement in statements(&text) {
            let names: Vec<&str> = statement.split(['"', '\'']).skip(1).step_by(2).collect();
            match statement.split_whitespace().next().unwrap_or_default() {
                // Both name JavaScript, which may read anything; the plugins that come with Tailwind do not.
                "@config" => closed = false,
                "@plugin" => closed &= names.iter().all(|name| name.starts_with("@tailwindcss/")),
                "@source" if statement.contains("inline(") => {}
                "@source" => closed &= names.iter().all(|name| inside(&reach(folder, name))),
                "@import" | "@reference" => {
                    let (name, others) = names.split_first().map_or((None, &[][..]), |(a, b)| (Some(*a), b));
                    closed &= !statement.contains("source(")
                        || others.iter().all(|name| inside(&reach(folder, name)));
                    open.extend(name.and_then(|name| imported(folder, name)));
                }
                _ => {}
            }
        }
    }
    Sources { files: found.into_iter().collect(), closed }
}

/// The file of the project that an import names; a package has none.
fn imported(folder: &Path, name: &str) -> Option<PathBuf> {
    let path = absolute(folder, name);
    let with_extension = PathBuf::from(format!("{}.css", path.display()));
    [path, with_extension].into_iter().find(|path| path.is_file())
}

/// The folder that a pattern of files begins with, without what is matched: `../src` for `../src/**/*.rs`.
fn reach(folder: &Path, pattern: &str) -> PathBuf {
    let fixed = pattern.split('/').take_while(|part| !part.contains(['*', '{', '?', '[']));
    absolute(folder, fixed.collect::<Vec<_>>().join("/"))
}

fn without_comments(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("/*") {
        kept.push_str(&rest[..start]);
        rest = rest[start..].find("*/").map_or("", |end| &rest[start + end + 2..]);
    }
    kept + rest
}

/// What begins with `@`, up to where its block or the next statement begins.
fn statements(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices('@').map(|(at, _)| {
        let rest = &text[at..];
        let mut quote = None;
        let end = rest.char_indices().find(|(_, letter)| match quote {
            Some(open) => {
                if *letter == open {
                    quote = None;
                }
                false
            }
            None => {
                if matches!(letter, '"' | '\'') {
                    quote = Some(*letter);
                }
                matches!(letter, ';' | '{' | '}')
            }
        });
        &rest[..end.map_or(rest.len(), |(end, _)| end)]
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn read(text: &str) -> (Vec<String>, bool) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("style")).unwrap();
        fs::write(root.join("style/in.css"), text).unwrap();
        fs::write(root.join("style/part.css"), "@import '../shared';").unwrap();
        fs::write(root.join("shared.css"), "@theme { --color-a: red }").unwrap();
        let inside = |path: &Path| path.starts_with(root) && !path.starts_with(root.join("modules"));
        let found = sources(&root.join("style/in.css"), &inside);
        let names = found.files.iter().map(|file| file.strip_prefix(root).unwrap().display().to_string());
        (names.collect(), found.closed)
    }

    #[test]
    fn imports_of_the_project_are_followed() {
        let (files, closed) = read("@import \"tailwindcss\";\n@import './part.css' layer(x);\n");
        assert_eq!(files, ["shared.css", "style/in.css", "style/part.css"]);
        assert!(closed);
    }

    #[test]
    fn what_reaches_out_of_the_workspace_is_noticed() {
        for (text, closed) in [
            ("@import 'tailwindcss' source('../src');", true),
            ("@import 'tailwindcss' source(none);\n@source '../src/**/*.{rs,html}';", true),
            ("@source not '../src/old'; @source inline('p-4 {hover:,}m-1');", true),
            ("@plugin '@tailwindcss/typography';", true),
            ("/* @config 'x.js'; */ a { color: red }", true),
            ("@import 'tailwindcss' source('../..');", false),
            ("@source '../../other/src';", false),
            ("@source '/usr/share';", false),
            ("@source '../modules/kit';", false),
            ("@config '../tailwind.config.js';", false),
            ("@plugin './own.js' { a: b }", false),
        ] {
            assert_eq!(read(text).1, closed, "{text}");
        }
    }
}
