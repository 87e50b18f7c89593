//! The files that a style sheet is made of.
//!
//! Knows how Sass finds a file relative to another one, not what the files mean.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::absolute;

/// The style file and, where it is Sass, every file that it uses, forwards or imports, in sorted order. In plain CSS
/// imports are followed only where they are resolved while building (`bundle`).
pub fn sources(style_file: &Path, bundle: bool) -> Vec<PathBuf> {
    let mut found = BTreeSet::new();
    let mut open = vec![style_file.to_owned()];
    while let Some(file) = open.pop() {
        if !found.insert(file.clone()) || !(is_sass(&file) || bundle) {
            continue;
        }
        // A file that cannot be read is Sass's to complain about.
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let folder = file.parent().unwrap_or(Path::new(""));
        let mut names = quoted(&text);
        if file.extension().is_some_and(|extension| extension == "sass") {
            names.extend(unquoted(&text));
        }
        open.extend(
            names.into_iter().flat_map(|name| candidates(folder, name)).filter(|path| path.is_file()),
        );
    }
    found.into_iter().collect()
}

/// Whether a file is for Sass to compile.
pub fn is_sass(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "scss" || extension == "sass")
}

/// What stands in quotes after the words that name other files. More than what is meant does no harm: it only counts
/// if there is such a file.
fn quoted(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for word in ["@use", "@forward", "@import", "load-css("] {
        for (at, _) in text.match_indices(word) {
            let rest = &text[at + word.len()..];
            let statement = &rest[..rest.find([';', '{', '}']).unwrap_or(rest.len())];
            names.extend(statement.split(['"', '\'']).skip(1).step_by(2));
            // `url(…)` needs no quotes.
            names.extend(statement.trim_start().strip_prefix("url(").and_then(|name| name.split(')').next()));
        }
    }
    names
}

/// What stands after `@import` in indented Sass, where names need no quotes; a comma at the end of a line goes on in
/// the next one.
fn unquoted(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut goes_on = false;
    for line in text.lines() {
        let line = line.trim();
        let list = match line.strip_prefix("@import") {
            Some(list) => list,
            None if goes_on => line,
            None => continue,
        };
        goes_on = list.ends_with(',');
        names.extend(list.split([',', ' ', '\t']).filter(|name| !name.is_empty()));
    }
    names
}

/// Where Sass looks: with and without extension, as a partial, and as a folder with an index.
fn candidates(folder: &Path, name: &str) -> Vec<PathBuf> {
    let path = absolute(folder, name);
    let (Some(parent), Some(last)) = (path.parent(), path.file_name().and_then(|last| last.to_str())) else {
        return Vec::new();
    };
    let mut all = Vec::new();
    for (parent, last) in [(parent, last), (path.as_path(), "index")] {
        for prefix in ["", "_"] {
            for suffix in ["", ".scss", ".sass", ".css"] {
                all.push(parent.join(format!("{prefix}{last}{suffix}")));
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::sources;

    #[test]
    fn imports_are_followed() {
        let folder = tempfile::tempdir().unwrap();
        let files = [
            (
                "style/main.scss",
                "@use \"sass:math\";\n@use 'colours' as c;\n@import\n  'parts/a',\n  \"../shared/b.css\";\n",
            ),
            ("style/_colours.scss", "@forward './main';\n"),
            ("style/parts/a/_index.scss", "@include meta.load-css('c');\n"),
            ("style/parts/a/c.sass", "body\n  margin: 0\n"),
            ("style/unused.scss", ""),
            ("shared/b.css", "@import 'style/unused';"),
        ];
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let found = sources(&folder.path().join("style/main.scss"), false);
        let found: Vec<_> =
            found.iter().map(|path| path.strip_prefix(folder.path()).unwrap().to_str().unwrap()).collect();
        assert_eq!(
            found,
            [
                "shared/b.css",
                "style/_colours.scss",
                "style/main.scss",
                "style/parts/a/_index.scss",
                "style/parts/a/c.sass"
            ]
        );
    }

    #[test]
    fn indented_sass_imports_without_quotes() {
        let folder = tempfile::tempdir().unwrap();
        let import =
            "@import colours, parts/a ,\n  b.sass\nbody\n  @import inner\n  color: red\nunused, other\n";
        for name in ["_colours.sass", "parts/_a.scss", "b.sass", "inner.sass", "unused.sass", "color.sass"] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let shown = |name: &str| {
            let file = folder.path().join(name);
            fs::write(&file, import).unwrap();
            let found = sources(&file, false);
            let names = found.iter().map(|path| path.strip_prefix(folder.path()).unwrap().to_str().unwrap());
            names.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(shown("main.sass"), "_colours.sass b.sass inner.sass main.sass parts/_a.scss");
        assert_eq!(shown("main.scss"), "main.scss");
    }

    #[test]
    fn plain_css_and_missing_files_stand_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (css, none) = (folder.path().join("a.css"), folder.path().join("none.scss"));
        fs::write(&css, "@import 'b.css';").unwrap();
        assert_eq!(sources(&css, false), std::slice::from_ref(&css));
        assert_eq!(sources(&none, true), [none]);
        let (other, last) = (folder.path().join("b.css"), folder.path().join("c.css"));
        fs::write(&other, "@import url(c.css) screen;").unwrap();
        fs::write(&last, "@import url('https://example.org/d.css');").unwrap();
        assert_eq!(sources(&css, true), [css, other, last]);
    }
}
