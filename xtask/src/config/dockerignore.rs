//! `.dockerignore`: which files of the context never reach a builder.

/// Whether a path below the context is left out. As in Docker the last pattern that fits decides, and one that fits a
/// folder fits all that is in it. Where a pattern is hard to tell, nothing is left out by it and all is taken back in:
/// an input too many builds once more, one too few would take an old image for the new one.
pub fn excludes(text: &str, path: &str) -> bool {
    let path = parts(path);
    let covers = |pattern: &Pattern| (1..=path.len()).any(|length| pattern.fits(&path[..length]));
    patterns(text).iter().rfind(|pattern| covers(pattern)).is_some_and(|pattern| !pattern.is_exception)
}

/// Whether something below a folder that is left out may have been taken back in.
pub fn may_include_below(text: &str, folder: &str) -> bool {
    let folder = parts(folder);
    patterns(text).iter().any(|pattern| pattern.is_exception && reaches_below(&pattern.parts, &folder))
}

struct Pattern<'a> {
    parts: Vec<&'a str>,
    /// With `!`: what fits is no longer left out.
    is_exception: bool,
}

impl Pattern<'_> {
    fn fits(&self, path: &[&str]) -> bool {
        parts_fit(&self.parts, path, self.is_exception)
    }
}

fn patterns(text: &str) -> Vec<Pattern<'_>> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| match line.strip_prefix('!') {
            Some(pattern) => Pattern { parts: parts(pattern.trim()), is_exception: true },
            None => Pattern { parts: parts(line), is_exception: false },
        })
        .collect()
}

/// The names of a path without those that lead nowhere: `./a` and `b/../a` are `a`.
fn parts(path: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
        match parts.last() {
            Some(last) if part == ".." && *last != ".." => drop(parts.pop()),
            None if part == ".." && path.starts_with('/') => {}
            _ => parts.push(part),
        }
    }
    parts
}

/// Whether a pattern may fit the folder, one above it, or something below it.
fn reaches_below(pattern: &[&str], folder: &[&str]) -> bool {
    match (pattern, folder) {
        (_, []) | ([], _) => true,
        (["**", ..], _) => true,
        ([first, ..], [name, ..]) if is_hard(first) => may_fit(first, name),
        ([first, rest @ ..], [name, names @ ..]) => fits(first, name) && reaches_below(rest, names),
    }
}

/// `doubt` is the answer where that is hard to tell.
fn parts_fit(pattern: &[&str], path: &[&str], doubt: bool) -> bool {
    match (pattern, path) {
        ([], []) => true,
        // All that is in a folder, and not the folder.
        (["**"], _) => !path.is_empty(),
        (["**", rest @ ..], _) => (0..=path.len()).any(|skipped| parts_fit(rest, &path[skipped..], doubt)),
        ([first, ..], [name, ..]) if is_hard(first) => doubt && may_fit(first, name),
        ([first, rest @ ..], [name, names @ ..]) => fits(first, name) && parts_fit(rest, names, doubt),
        _ => false,
    }
}

/// Classes in brackets, escapes, and `**` beside other letters: in Docker these can fit across folders.
fn is_hard(part: &str) -> bool {
    part != "**" && (part.contains(['[', '\\']) || part.contains("**"))
}

/// By the letters before the first that stands for others.
fn may_fit(part: &str, name: &str) -> bool {
    let plain = part.find(['*', '?', '[', '\\']).unwrap_or(part.len());
    name.starts_with(&part[..plain])
}

/// `*` and `?` within a name.
fn fits(pattern: &str, name: &str) -> bool {
    match (pattern.chars().next(), name.chars().next()) {
        (None, None) => true,
        (Some('*'), _) => {
            let rest = &pattern[1..];
            name.char_indices().any(|(offset, _)| fits(rest, &name[offset..])) || fits(rest, "")
        }
        (Some('?'), Some(letter)) => fits(&pattern[1..], &name[letter.len_utf8()..]),
        (Some(wanted), Some(letter)) if wanted == letter => {
            fits(&pattern[letter.len_utf8()..], &name[letter.len_utf8()..])
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_with_exceptions() {
        let text = "target\ndocs\n!docs/a.md\n!.env.example\n";
        assert!(may_include_below(text, "docs") && !may_include_below(text, "target"));
        assert!(may_include_below("a\n!**/keep\n", "a"));
        for (exception, folder, expected) in [
            ("crates/*/src", "crates", true),
            ("crates/*/src", "crates/core", true),
            ("crates/*/src", "crates/core/src/a", true),
            ("crates/*/src", "crates/core/tests", false),
            ("crates/*/src", "target", false),
            ("./crates/x", "crates", true),
            ("/crates/x", "crates", true),
            ("crates/../other/x", "other", true),
            ("c?ates/x", "crates", true),
            ("crates/[a-d]ore/src", "crates/core", true),
            ("crates/[a-d]ore/src", "target", false),
            ("c[p-s]ates/x", "crates/core", true),
            ("crates/c**c", "crates/core/more", true),
            ("*", "a", true),
            ("a/**/b", "a/c", true),
        ] {
            let text = format!("*\n! {exception}\n");
            assert_eq!(may_include_below(&text, folder), expected, "{exception} {folder}");
        }
    }

    #[test]
    fn a_table_of_patterns() {
        for (patterns, path, expected) in [
            ("target", "target", true),
            ("/target/", "target/release/a", true),
            ("target", "crates/target", false),
            ("**/target", "crates/target/x", true),
            ("*", ".env", true),
            ("*\n!Cargo.toml\n", "Cargo.toml", false),
            (".env*\n!.env.example", ".env", true),
            (".env*\n!.env.example", ".env.example", false),
            ("# .env", ".env", false),
            ("**/.env", ".env", true),
            (".env.*", ".env", false),
            ("?env", ".env", true),
            ("*.md", "docs/a.md", false),
            ("**", "a/b", true),
            ("a/**", "a/b", true),
            ("a/**", "a", false),
            ("./a", "a", true),
            ("b/../a", "a", true),
            ("../a", "a", false),
            ("*\n!crates/*/src", "crates/core/src/lib.rs", false),
            ("*\n!crates/*/src", "crates/core/tests/a.rs", true),
            ("*\n!./crates/x", "crates/x/lib.rs", false),
            // What is hard to tell is an input.
            ("[a-c].md", "b.md", false),
            ("a**.md", "ab.md", false),
            ("*\n!docs/[a-c].md", "docs/b.md", false),
            ("*\n!docs/[a-c].md", "other/b.md", true),
            ("*\n!docs/x[^a]*", "docs/x/b/c.md", false),
            ("*\n!docs/a**c", "docs/a/b/c", false),
            ("*\n!\\#a", "#a", false),
        ] {
            assert_eq!(excludes(patterns, path), expected, "{patterns:?} {path}");
        }
    }
}
