//! Which values are secret, and how they are kept out of text that people see.
//!
//! A value is secret because of the name of the environment variable that holds it, or because it is the password in
//! a URL. Knows nothing about commands or output; works on strings only.

use std::ops::Range;

use base64ct::{Base64Unpadded, Base64UrlUnpadded, Encoding};

use super::search;

/// What stands where a secret was.
pub(super) const MARK: &str = "[redacted]";

/// Shorter values are not secrets worth the name, and would blot out ordinary words. In bytes.
const LENGTH_MIN: usize = 8;

/// The secrets that are known so far, in every spelling that we look for.
#[derive(Clone, Default)]
pub(super) struct Redactor {
    needles: Vec<Needle>,
}

/// One spelling of a secret.
#[derive(Clone)]
struct Needle {
    text: String,
    /// The variable that holds it; empty where it came from elsewhere.
    name: String,
    /// How long the secret itself is, in bytes.
    length: usize,
}

impl Redactor {
    /// The secrets of our own environment.
    pub(super) fn from_environment() -> Redactor {
        let mut redactor = Redactor::default();
        for (name, value) in std::env::vars_os() {
            redactor.learn(&name.to_string_lossy(), &value.to_string_lossy());
        }
        redactor
    }

    /// Remembers the secret in an environment variable, if it holds one. Returns whether anything was new.
    pub(super) fn learn(&mut self, name: &str, value: &str) -> bool {
        let before = self.needles.len();
        if is_secret_name(name) {
            self.add(name, value);
        } else if let Some(password) = password_of_url(value) {
            self.add(name, password);
        }
        self.needles.len() > before
    }

    /// Remembers a value that is a secret whatever it is called.
    pub(super) fn learn_value(&mut self, value: &str) {
        self.add("", value);
    }

    fn add(&mut self, name: &str, value: &str) {
        // Output is read line by line, so the lines of a key in PEM form are secrets each by itself.
        for part in std::iter::once(value).chain(value.lines()) {
            let part = part.trim();
            if part.len() < LENGTH_MIN {
                continue;
            }
            let mut push =
                |text: String| self.push(Needle { text, name: name.to_owned(), length: part.len() });
            push(part.to_owned());
            push(percent_encoded(part));
            for offset in 0..3 {
                push(base64_inside::<Base64Unpadded>(part, offset));
                push(base64_inside::<Base64UrlUnpadded>(part, offset));
            }
        }
    }

    fn push(&mut self, needle: Needle) {
        if needle.text.len() >= LENGTH_MIN && !self.needles.iter().any(|known| known.text == needle.text) {
            self.needles.push(needle);
        }
    }

    /// The name of a secret that is in the content, if it is at least so long.
    pub(super) fn find(&self, content: &[u8], length_min: usize) -> Option<&str> {
        let mut long = self.needles.iter().filter(|needle| needle.length >= length_min);
        let found = long.find(|needle| search::find(content, needle.text.as_bytes()).is_some());
        found.map(|needle| needle.name.as_str())
    }

    /// The length of the longest spelling in bytes: text may be cut anywhere but that close to its end.
    pub(super) fn longest(&self) -> usize {
        self.needles.iter().map(|needle| needle.text.len()).max().unwrap_or(0)
    }

    /// The text with every secret replaced. Secrets that overlap are replaced together, so no rest of one is left.
    pub(super) fn redact(&self, text: &str) -> String {
        let mut ranges: Vec<Range<usize>> = Vec::new();
        for needle in &self.needles {
            ranges.extend(
                text.match_indices(needle.text.as_str()).map(|(start, found)| start..start + found.len()),
            );
        }
        if ranges.is_empty() {
            return text.to_owned();
        }
        ranges.sort_by_key(|range| range.start);
        let mut clean = String::with_capacity(text.len());
        let mut end = 0;
        for range in ranges {
            if range.start >= end {
                clean.push_str(&text[end..range.start]);
                clean.push_str(MARK);
            }
            end = end.max(range.end);
        }
        clean.push_str(&text[end..]);
        clean
    }
}

/// Whether a variable of this name holds a secret.
pub(super) fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    // Whoever has the address of a webhook may write there.
    let words = [
        "TOKEN",
        "SECRET",
        "PASSWORD",
        "PASSWD",
        "CREDENTIAL",
        "PRIVATE_KEY",
        "API_KEY",
        "ACCESS_KEY",
        "WEBHOOK",
        "NOTIFY_URL",
    ];
    // Not a secret: it is part of every server function's address.
    let public = name == "SERVER_FN_OVERRIDE_KEY";
    words.iter().any(|word| name.contains(word)) || (name.ends_with("_KEY") && !public)
}

/// `pass` in `scheme://user:pass@host/…`.
fn password_of_url(value: &str) -> Option<&str> {
    let (_, rest) = value.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let (user, _) = authority.rsplit_once('@')?;
    Some(user.split_once(':')?.1)
}

fn percent_encoded(value: &str) -> String {
    let mut encoded = String::new();
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// The characters of a Base64 text that depend on the value alone, if the value starts `offset` bytes after a
/// multiple of three: `user:token` in an `Authorization` header holds the token in one of three spellings.
fn base64_inside<E: Encoding>(value: &str, offset: usize) -> String {
    let mut bytes = vec![0; offset];
    bytes.extend_from_slice(value.as_bytes());
    let text = E::encode_string(&bytes);
    let start = (offset * 8).div_ceil(6);
    let end = bytes.len() * 8 / 6;
    text[start..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn knowing(secrets: &[(&str, &str)]) -> Redactor {
        let mut redactor = Redactor::default();
        for (name, value) in secrets {
            redactor.learn(name, value);
        }
        redactor
    }

    #[test]
    fn names_decide() {
        for name in
            ["GITHUB_TOKEN", "my_secret", "PGPASSWORD", "AWS_ACCESS_KEY_ID", "SIGNING_KEY", "X_CREDENTIALS"]
        {
            assert!(is_secret_name(name), "{name}");
        }
        for name in ["PATH", "SERVER_FN_OVERRIDE_KEY", "KEYBOARD", "HOME"] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn short_values_stay() {
        assert_eq!(knowing(&[("A_TOKEN", "short")]).redact("a short text"), "a short text");
    }

    #[test]
    fn overlapping_secrets_leave_no_rest() {
        let redactor =
            knowing(&[("A_TOKEN", "abcdefgh"), ("B_TOKEN", "abcdefghijkl"), ("C_TOKEN", "ijklmnop")]);
        assert_eq!(redactor.redact("<abcdefghijklmnop>"), "<[redacted]>");
        assert_eq!(redactor.redact("abcdefgh ijklmnop"), "[redacted] [redacted]");
    }

    #[test]
    fn encoded_forms_are_found() {
        let redactor = knowing(&[("A_TOKEN", "s3cr3t/v+lue")]);
        assert_eq!(redactor.redact("?t=s3cr3t%2Fv%2Blue&x"), "?t=[redacted]&x");
        for user in ["", "u", "us", "use"] {
            let header = Base64Unpadded::encode_string(format!("{user}:s3cr3t/v+lue").as_bytes());
            assert!(redactor.redact(&header).contains(MARK), "{header}");
        }
    }

    #[test]
    fn secrets_in_files_are_told_by_their_variable() {
        let redactor = knowing(&[("A_TOKEN", "s3cr3t/v+lue"), ("B_TOKEN", "another of them")]);
        let encoded = Base64Unpadded::encode_string(b"me:another of them");
        for (content, expected) in
            [("\0s3cr3t/v+lue\x01", Some("A_TOKEN")), (encoded.as_str(), Some("B_TOKEN")), ("none", None)]
        {
            assert_eq!(redactor.find(content.as_bytes(), 8), expected, "{content}");
        }
        assert_eq!(redactor.find(b"s3cr3t/v+lue", 13), None);
    }

    #[test]
    fn lines_of_a_key_and_passwords_in_urls_are_secrets() {
        let redactor =
            knowing(&[("A_PRIVATE_KEY", "first line of it\nsecond line\n"), ("DB", "pg://me:pa55word@h/x")]);
        assert_eq!(redactor.redact("a second line, pa55word"), "a [redacted], [redacted]");
    }
}
