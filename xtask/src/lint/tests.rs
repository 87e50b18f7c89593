//! Text of any kind: cut off anywhere, with any line gone, it is looked at without a breakdown.

use std::path::Path;

use super::look;
use super::repository::Repository;

const REPOSITORIES: [&str; 5] = ["good", "traps", "seen/book", "seen/musl-scratch", "seen/two-compilers"];

/// A repository of the tests, as it is read.
fn repository(name: &str) -> Repository {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lint").join(name);
    Repository::read(&folder).unwrap()
}

/// Looks at a repository with another text in one of its files.
fn with(repository: &mut Repository, file: &str, text: &str) {
    repository.files.insert(file.to_owned(), text.to_owned());
    for finding in look(repository) {
        let lines = repository.files.get(&finding.file).map_or(0, |text| text.lines().count());
        assert!((1..=lines.max(1)).contains(&finding.line), "{finding:?} in\n{text}");
    }
}

#[test]
fn texts_that_end_anywhere() {
    for name in REPOSITORIES {
        let whole = repository(name);
        assert!(whole.files.len() > 1, "{:?}", whole.files.keys());
        for (file, text) in &whole.files {
            let mut spoilt = whole.clone();
            // A step that is no divisor of anything, so that every kind of place is met; each is a whole look.
            for end in (0..text.len()).step_by(7).filter(|end| text.is_char_boundary(*end)) {
                with(&mut spoilt, file, &text[..end]);
            }
        }
    }
}

#[test]
fn texts_without_a_line_and_with_odd_letters() {
    for name in REPOSITORIES {
        let whole = repository(name);
        for (file, text) in &whole.files {
            let lines: Vec<&str> = text.lines().collect();
            let mut spoilt = whole.clone();
            for gone in 0..lines.len() {
                let rest = [&lines[..gone], &lines[gone + 1..]].concat();
                with(&mut spoilt, file, &rest.join("\n"));
            }
            for (from, to) in
                [(" ", "\t"), ("=", "é="), ("\"", ""), ("/", "//é"), ("\n", "\r\n"), ("-", "$"), ("a", "\\")]
            {
                with(&mut spoilt, file, &text.replace(from, to));
            }
        }
    }
}
