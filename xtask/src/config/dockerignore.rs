//! `.dockerignore`: which files of the context never reach a builder.

/// Whether a path below the context is left out. As in Docker the last pattern that fits decides, and one that fits a
/// folder fits all that is in it.
pub fn excludes(text: &str, path: &str) -> bool {
    let mut is_excluded = false;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (pattern, excludes) = match line.strip_prefix('!') {
            Some(pattern) => (pattern.trim(), false),
            None => (line, true),
        };
        if covers(pattern, path) {
            is_excluded = excludes;
        }
    }
    is_excluded
}

/// Whether something below a folder that is left out may have been taken back in.
pub fn may_include_below(text: &str, folder: &str) -> bool {
    let patterns = text.lines().map(str::trim).filter_map(|line| line.strip_prefix('!'));
    let mut patterns = patterns.map(|pattern| pattern.trim().trim_start_matches('/'));
    patterns.any(|pattern| pattern.starts_with("**") || pattern.starts_with(&format!("{folder}/")))
}

fn covers(pattern: &str, path: &str) -> bool {
    let pattern: Vec<&str> = pattern.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let path: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    (1..=path.len()).any(|length| parts_fit(&pattern, &path[..length]))
}

fn parts_fit(pattern: &[&str], path: &[&str]) -> bool {
    match (pattern, path) {
        ([], []) => true,
        (["**", rest @ ..], _) => (0..=path.len()).any(|skipped| parts_fit(rest, &path[skipped..])),
        ([first, rest @ ..], [name, names @ ..]) => fits(first, name) && parts_fit(rest, names),
        _ => false,
    }
}

/// `*` and `?` within a name. Classes in brackets fit nothing.
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
        ] {
            assert_eq!(excludes(patterns, path), expected, "{patterns:?} {path}");
        }
    }
}
