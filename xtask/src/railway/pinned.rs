//! An image by digest: the only form that is deployed, because a tag may mean another image by the time it is pulled.

use std::fmt;

use crate::exit::Failure;

/// `REGISTRY/NAME[:TAG]@sha256:…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinnedImage {
    reference: String,
    /// Where the digest begins.
    digest_at: usize,
}

impl PinnedImage {
    /// Anything without a digest is wrong usage.
    pub fn parse(text: &str) -> anyhow::Result<PinnedImage> {
        let name = text.split('@').next().unwrap_or(text);
        match digest_of(text) {
            Some(digest) if is_name(name) => Ok(PinnedImage {
                reference: text.to_owned(),
                digest_at: text.len() - digest.len(),
            }),
            _ => Err(Failure::usage(format!("`{text}` does not name an image by digest"))
                .hint(
                    "`cargo xtask docker pack` prints what it has pushed as REGISTRY/NAME@sha256:…; a tag is not \
                     enough, because it may mean another image by the time it is pulled",
                )
                .into()),
        }
    }

    /// All of it.
    pub fn reference(&self) -> &str {
        &self.reference
    }

    /// Registry and name, without tag and digest.
    pub fn name(&self) -> &str {
        let name = &self.reference[..self.digest_at - 1];
        // A colon before the last slash belongs to the registry's port.
        let last = name.rfind('/').map_or(0, |slash| slash + 1);
        name[last..].find(':').map_or(name, |colon| &name[..last + colon])
    }

    /// `sha256:…`.
    pub fn digest(&self) -> &str {
        &self.reference[self.digest_at..]
    }
}

impl fmt::Display for PinnedImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reference)
    }
}

/// The digest at the end of a reference, if there is one.
pub fn digest_of(reference: &str) -> Option<&str> {
    let (_, digest) = reference.split_once('@')?;
    let hex = digest.strip_prefix("sha256:")?;
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    (hex.len() == 64 && hex.bytes().all(is_hex)).then_some(digest)
}

fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:[]".contains(c);
    name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[') && name.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    #[test]
    fn only_digests_count() {
        let digest = format!("sha256:{}", "0123456789abcdef".repeat(4));
        for name in ["ghcr.io/o/app", "127.0.0.1:5000/app", "ghcr.io/o/app:v1", "[::1]:5000/app", "app"] {
            let image = PinnedImage::parse(&format!("{name}@{digest}")).unwrap();
            assert_eq!(image.digest(), digest);
            assert_eq!(image.to_string(), format!("{name}@{digest}"));
            assert_eq!(image.name(), name.trim_end_matches(":v1"));
        }
        let upper = digest.to_uppercase();
        for text in [
            "ghcr.io/o/app",
            "ghcr.io/o/app:v1",
            "ghcr.io/o/app@sha256:abc",
            &format!("ghcr.io/o/app@{upper}"),
            &format!("@{digest}"),
            &format!("a b@{digest}"),
            &format!("a@{digest}0"),
            &format!("a@b@{digest}"),
            "",
        ] {
            let error = PinnedImage::parse(text).unwrap_err();
            assert_eq!(Exit::of(&error), Exit::Usage, "{text}");
        }
    }
}
