//! Looks for texts in much content. The standard library's own search for one byte does nearly all of it: our code is
//! compiled without optimisation, and a look at every byte would take seconds.

use std::io::BufRead;

/// Where the content has the text first.
pub fn find(content: &[u8], text: &[u8]) -> Option<usize> {
    let first = *text.first()?;
    let mut rest = content;
    while !rest.is_empty() {
        // Reading from memory does not fail.
        let passed = rest.skip_until(first).unwrap_or_default();
        let start = content.len() - rest.len() - 1;
        if passed == 0 || content.get(start) != Some(&first) {
            return None;
        }
        if content[start..].starts_with(text) {
            return Some(start);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_wherever_they_are() {
        for (content, text, expected) in [
            ("abcabd", "abd", Some(3)),
            ("abd", "abd", Some(0)),
            ("aab", "ab", Some(1)),
            ("xxa", "ab", None),
            ("", "a", None),
            ("abc", "d", None),
            ("abc", "", None),
        ] {
            assert_eq!(find(content.as_bytes(), text.as_bytes()), expected, "{text} in {content}");
        }
    }
}
